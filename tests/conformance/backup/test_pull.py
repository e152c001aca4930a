"""A vault that fetches, by real ssh, from hosts that are honest, broken, or in other hands."""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
import shlex
import shutil
import time
import typing as t

import pytest

from ansible_collections.rampart.postgresql.tests.conformance.backup.test_drill import drill
from ansible_collections.rampart.postgresql.tests.conformance.backup.vaults import Vault

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from ansible_collections.rampart.postgresql.tests.conformance.backup.jobs import Done
    from ansible_collections.rampart.postgresql.tests.conformance.backup.jobs import Jobs

pytestmark = [pytest.mark.with_clients, pytest.mark.in_turn]

_SMALL: t.Final = {"databases": ["postgres"]}
_DATA: t.Final = b"age-encryption.org/v1\nand so on"
_ID: t.Final = "20260101T000000Z-00000000"


class Puller:
    """The vault, which has a key of a host (``host``) that offers its directory."""

    def __init__(self, jobs: Jobs) -> None:
        self.jobs = jobs
        self.host = Vault(jobs)
        self.host.root = jobs.place
        self.host.authorize(reads="--may offer")
        self.root = jobs.directory / "pulled"
        self.root.mkdir(mode=0o700)
        self.own(self.root)

    def own(self, *paths: pathlib.Path) -> None:
        """Give them to the account."""
        if os.geteuid() == 0:
            for path in paths:
                os.chown(path, self.jobs.server.owner.uid, self.jobs.server.owner.gid)

    def pull(self, *, source: dict[str, t.Any] | None = None, **changes: t.Any) -> Done:
        """Run it; it leaves nothing half-done."""
        place = {name: value for name, value in self.host.place("reads").items() if name != "kind"}
        values = {"name": "pull", "root": str(self.root), "source": {**place, **(source or {})}}
        path = self.jobs.directory / "pull.json"
        state = str(self.jobs.state)
        path.write_text(json.dumps({**values, "state": state, "metrics": state, **changes}), encoding="utf-8")
        assert self.jobs.call("parse", "pull", path).status == 0
        done = self.jobs.call("pull", path)
        assert not [each for each in self.root.rglob("*") if each.name.startswith(".")]
        return done

    def backups(self) -> list[str]:
        """What was fetched, the oldest first."""
        return sorted(path.name for path in self.root.glob("nightly/[0-9]*"))

    def content(self) -> dict[str, bytes]:
        """Every file that was fetched."""
        found = self.root.glob("nightly/[0-9]*/*")
        return {str(path.relative_to(self.root)): path.read_bytes() for path in found}

    def possess(self, answers: dict[str, bytes], *, then: str = "") -> None:
        """From now on the host says what somebody wants it to say, by the first word of what it is asked."""
        directory = self.jobs.directory / "answers"
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir()
        for verb, answer in answers.items():
            (directory / verb).write_bytes(answer)
        script = self.jobs.directory / "possessed"
        script.write_text(f'#!/bin/sh\nset -- $SSH_ORIGINAL_COMMAND\ncat {shlex.quote(str(directory))}/"$1"\n{then}\n')
        script.chmod(0o755)
        public = (self.host.directory / "reads.pub").read_text()
        (self.host.directory / "authorized_keys").write_text(f'restrict,command="{script}" {public}')


@pytest.fixture
def puller(jobs: Jobs) -> Iterator[Puller]:
    """A vault and a host."""
    made = Puller(jobs)
    yield made
    made.host.close()


def test_what_is_new_is_fetched_and_stays(jobs: Jobs, puller: Puller) -> None:
    definition = jobs.define(logical=_SMALL)
    for _turn in range(2):
        assert jobs.call("run", definition).status == 0
    done = puller.pull()
    assert done.status == 0, done.told
    first, second = (each.name for each in jobs.backups())
    assert jobs.status("pull")["pulled"] == [f"nightly/{first}", f"nightly/{second}"]
    here = {str(path.relative_to(jobs.place)): path.read_bytes() for path in jobs.place.glob("nightly/[0-9]*/*")}
    fetched = puller.content()
    assert {name for name in fetched if not name.endswith("json")} == {
        name for name in here if not name.endswith("json")
    }
    assert all(fetched[name] == here[name] for name in fetched if not name.endswith("json"))
    assert (puller.pull().status, jobs.status("pull")["pulled"]) == (0, [])
    # Only what is there is listed: all that ever was would outgrow what a vault takes.
    assert jobs.call("run", jobs.define(logical=_SMALL, retention={"last": 3})).status == 0
    for identifier in (first, second):
        assert identifier.encode() in puller.host.ssh("list nightly", key="reads").stdout
    assert jobs.call("run", jobs.define(logical=_SMALL, retention={"last": 1})).status == 0
    listed = puller.host.ssh("list nightly", key="reads").stdout
    assert (first.encode() in listed, jobs.backups()[-1].name.encode() in listed) == (False, True)
    assert puller.pull().status == 0
    # The host's own catalogue says nothing of it, and what the host destroys is still here.
    assert "restored" not in (jobs.place / "nightly" / "catalogue.jsonl").read_text()
    shutil.rmtree(jobs.place / "nightly")
    assert jobs.call("run", definition).status == 0
    assert puller.pull().status == 0
    assert puller.backups()[:2] == [first, second]
    assert puller.backups()[-1] == jobs.backups()[-1].name
    assert fetched.items() <= puller.content().items()
    done = drill(jobs, place={"kind": "directory", "path": str(puller.root)})
    assert done.status == 0, done.told


def test_the_key_reads_and_does_nothing_else(jobs: Jobs, puller: Puller) -> None:
    assert jobs.call("run", jobs.define(logical=_SMALL)).status == 0
    (backup,) = jobs.backups()
    before = {each: each.read_bytes() for each in jobs.place.rglob("*") if each.is_file()}
    for command in (
        f"note nightly {backup.name} damaged x",
        f"put nightly {_ID}",
        f"get nightly {backup.name} ../catalogue.jsonl",
        f"get ../etc {backup.name} passwd",
        "list ../nightly",
        "cat /etc/passwd",
        "",
    ):
        done = puller.host.ssh(command, key="reads")
        assert (done.returncode != 0, b"refused" in done.stdout) == (True, True), command
    assert {each: each.read_bytes() for each in jobs.place.rglob("*") if each.is_file()} == before
    assert json.loads(puller.host.ssh("jobs", key="reads").stdout) == {"jobs": ["nightly"]}


def test_what_is_wrong_with_a_host_is_told_and_what_is_here_stays(jobs: Jobs, puller: Puller) -> None:
    definition = jobs.define(logical=_SMALL)
    assert jobs.call("run", definition).status == 0
    assert puller.pull().status == 0
    fetched = puller.content()
    # Away, or another one.
    done = puller.pull(source={"port": 1})
    assert (done.status, "ssh to" in done.told, jobs.status("pull")["outcome"]) == (13, True, "failed"), done.told
    assert 'run_exit_status{job_name="pull"} 13' in (jobs.state / "rampart_backup_pull.prom").read_text()
    assert puller.pull(jobs=["nightly", "weekly"]).status == 13
    assert "weekly: it is not offered" in jobs.status("pull")["error"]
    # Content that changes after it was fetched is not asked for again; an entry that changes is told.
    (backup,) = jobs.backups()
    part = backup / "database-postgres.dump.age"
    part.write_bytes(part.read_bytes() + b"x")
    assert puller.pull().status == 0
    catalogue = jobs.place / "nightly" / "catalogue.jsonl"
    kept = catalogue.read_text()
    catalogue.write_text(kept.replace('"complete": true', '"complete": false'))
    done = puller.pull()
    assert (done.status, "says something else of it" in done.told) == (11, True), done.told
    catalogue.write_text(kept)
    # What has no room is not fetched.
    assert jobs.call("run", definition).status == 0
    done = puller.pull(quota=sum(map(len, puller.content().values())))
    assert (done.status, "the quota of this host leaves" in done.told) == (13, True), done.told
    assert puller.content() == fetched
    # One that is not what its entry says does not keep the next one from it.
    assert jobs.call("run", definition).status == 0
    wrong, right = jobs.backups()[1:]
    part = wrong / "database-postgres.dump.age"
    part.write_bytes(part.read_bytes()[:-1] + b"x")
    done = puller.pull()
    assert (done.status, wrong.name in done.told, "not those of its entry" in done.told) == (11, True, True), done.told
    assert puller.backups() == [backup.name, right.name]
    assert fetched.items() <= puller.content().items()


def test_one_that_is_not_taken_keeps_no_later_one_from_it(jobs: Jobs, puller: Puller) -> None:
    for method in ("none", "age"):
        recipients = [jobs.keys.recipient] if method == "age" else []
        encryption = {"method": method, "recipients": recipients}
        assert jobs.call("run", jobs.define(logical=_SMALL, encryption=encryption)).status == 0
    plain, sealed = (each.name for each in jobs.backups())
    done = puller.pull()
    assert (done.status, f"nightly/{plain}" in done.told, "is not encrypted" in done.told) == (13, True, True), (
        done.told
    )
    assert (puller.backups(), jobs.status("pull")["pulled"]) == ([sealed], [f"nightly/{sealed}"])
    # What the host cannot send any more, though it says that it has it, is told; what its retention took meanwhile is not.
    part = jobs.place / "nightly" / plain / "roles.sql"
    part.unlink()
    assert puller.pull(plain=True).status == 13
    shutil.rmtree(jobs.place / "nightly" / plain)
    (jobs.place / "nightly" / "catalogue.jsonl").unlink()
    assert puller.pull().status == 0


def test_what_retention_takes_away_during_a_pull_is_not_missed(jobs: Jobs, puller: Puller) -> None:
    definition = jobs.define(logical=_SMALL)
    for _turn in range(2):
        assert jobs.call("run", definition).status == 0
    first, second = (each.name for each in jobs.backups())
    jobs.define(logical=_SMALL, retention={"last": 1})
    script = jobs.directory / "removing"
    script.write_text(
        f'#!/bin/sh\ncase "$SSH_ORIGINAL_COMMAND" in "get nightly {first}"*) {jobs.program} retain {definition} >&2;; esac\n'
        f"exec {jobs.program} vault {jobs.place} --may offer\n"
    )
    script.chmod(0o755)
    public = (puller.host.directory / "reads.pub").read_text()
    (puller.host.directory / "authorized_keys").write_text(f'restrict,command="{script}" {public}')
    done = puller.pull()
    assert (done.status, puller.backups()) == (0, [second]), done.told
    assert [each.name for each in jobs.backups()] == [second]


def entry(**changes: t.Any) -> dict[str, t.Any]:
    """Of a backup that has one part, _DATA."""
    part = {"name": "x.age", "size": len(_DATA), "sha256": hashlib.sha256(_DATA).hexdigest(), "plain_size": 1}
    values = {"id": _ID, "job": "nightly", "kind": "logical", "finished": "2026-01-01T00:00:00Z", "complete": True}
    inner = {name: changes.pop(name) for name in ("name", "size", "sha256") if name in changes}
    return {**values, "parts": [{**part, **inner}], **changes}


def told(*entries: t.Any) -> bytes:
    """A list of these."""
    state = {"verified": "", "restored": "", "damaged": "", "removed": ""}
    lines = [{"record": {"entry": each, **state}} for each in entries]
    return b"".join(json.dumps(line).encode() + b"\n" for line in (*lines, {"end": True}))


def test_a_host_in_other_hands_gets_nothing_here(jobs: Jobs, puller: Puller) -> None:
    """Each lie is refused, and the same without it is fetched."""
    offered = b'{"jobs": ["nightly"]}\n'
    good = {"jobs": offered, "list": told(entry()), "get": _DATA}
    lies: list[tuple[str, dict[str, bytes], str]] = [
        ("no names of jobs", {"jobs": b'{"jobs": ["../nightly"]}\n'}, ""),
        ("an answer that is none", {"jobs": b"[]\n"}, ""),
        ("its identifier or its job", {"list": told(entry(id="../../x"))}, ""),
        ("the part '../x'", {"list": told(entry(name="../x"))}, ""),
        ("was cut off", {"list": told(entry())[:-4]}, ""),
        ("not those of its entry", {"get": _DATA[:-1] + b"!"}, ""),
        ("not those of its entry", {"get": _DATA[:-1]}, ""),
        ("more than the 31 bytes of its entry", {}, '[ "$1" != get ] || cat /dev/zero'),
        ("is too long", {"jobs": b""}, "tr '\\0' x </dev/zero"),
        ("is not encrypted", {"get": b"x" * 31}, ""),
        ("nothing came for 1 seconds", {}, '[ "$1" != get ] || sleep 60'),
    ]
    for said, changes, then in lies:
        puller.possess({**good, **changes}, then=then)
        done = puller.pull(source={"timeout": 1 if "sleep" in then else 20})
        assert (done.status in (11, 13), said in done.told) == (True, True), (said, done)
        assert puller.content() == {}, said
    puller.possess(good)
    done = puller.pull()
    assert (done.status, puller.backups()) == (0, [_ID]), done.told
    # What others say of their time pushes nothing out: it is not to come, and not before what is here.
    older = entry(id="20250101T000000Z-00000000", finished="2025-01-01T00:00:00Z")
    future = entry(id="29990101T000000Z-00000000", finished="2999-01-01T00:00:00Z")
    puller.possess({**good, "list": told(entry(), older, future)})
    assert puller.pull().status == 0
    events = [json.loads(line) for line in (puller.root / "nightly" / "catalogue.jsonl").read_text().splitlines()]
    assert [event["backup"]["id"] for event in events] == [_ID, older["id"], future["id"]]
    first, second, third = (event["at"] for event in events)
    assert first == second == "2026-01-01T00:00:00Z"
    assert first < third <= time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
