"""Backups at a vault, by real ssh: they arrive whole or not at all, and a host can take nothing back."""

from __future__ import annotations

import calendar
import hashlib
import json
import os
import shutil
import signal
import time
import typing as t

import pytest

from ansible_collections.rampart.postgresql.tests.conformance.backup.test_drill import drill
from ansible_collections.rampart.postgresql.tests.conformance.backup.vaults import Vault

if t.TYPE_CHECKING:
    import pathlib
    import subprocess
    from collections.abc import Iterator

    from ansible_collections.rampart.postgresql.tests.conformance.backup.jobs import Jobs

pytestmark = pytest.mark.with_clients

_ID: t.Final = "20260101T000000Z-00000000"
_OTHER: t.Final = "20260101T000000Z-00000001"


@pytest.fixture
def vault(jobs: Jobs) -> Iterator[Vault]:
    """One that trusts two keys."""
    made = Vault(jobs)
    yield made
    made.close()


def small(jobs: Jobs, vault: Vault, **changes: t.Any) -> pathlib.Path:
    """A job of one database that goes to the vault only."""
    return jobs.define(**{"places": [vault.place()], "logical": {"databases": ["postgres"]}, **changes})


def frames(*pairs: tuple[bytes, bytes]) -> bytes:
    """What a host sends."""
    return b"".join(kind + len(data).to_bytes(4, "big") + data for kind, data in pairs)


def entry(**values: t.Any) -> bytes:
    """What a host says of a backup."""
    made = {"id": _ID, "job": "nightly", "kind": "logical", "finished": "2026-01-01T00:00:00Z", "complete": True}
    return json.dumps({**made, **values}).encode()


def test_a_backup_arrives_and_is_restored_from_there(jobs: Jobs, vault: Vault) -> None:
    places = [{"kind": "directory", "path": str(jobs.place)}, vault.place()]
    done = jobs.call("run", jobs.define(places=places))
    assert done.status == 0, done.told
    (here,), (there,) = jobs.backups(), vault.backups()
    assert {each.name: each.read_bytes() for each in here.iterdir()} == {
        each.name: each.read_bytes() for each in there.iterdir()
    }
    done = drill(jobs, place=vault.place("reads"))
    assert done.status == 0, done.told
    assert drill(jobs, place=vault.place("reads"), job="nightly/../nightly").status == 2
    assert '"event": "restored"' in (vault.root / "nightly" / "catalogue.jsonl").read_text()


@pytest.mark.in_turn
def test_a_host_can_neither_read_nor_change_nor_remove(jobs: Jobs, vault: Vault) -> None:
    assert jobs.call("run", small(jobs, vault)).status == 0
    (backup,) = vault.backups()
    before = {each: each.read_bytes() for each in vault.root.rglob("*") if each.is_file()}
    part = "database-postgres.dump.age"
    for command in (
        f"get nightly {backup.name} {part}",
        f"note nightly {backup.name} damaged x",
        f"remove nightly {backup.name}",
        f"put nightly {backup.name}",
        "put ../elsewhere " + _ID,
        "put nightly ../../elsewhere",
        f"rm -rf {vault.root}",
        "list ..",
        "list 'nightly",
        "",
    ):
        done = vault.ssh(command)
        assert done.returncode != 0, command
        assert b"refused" in done.stdout, command
    assert {each: each.read_bytes() for each in vault.root.rglob("*") if each.is_file()} == before
    assert vault.ssh("list nightly").returncode == 0
    assert vault.ssh(f"get nightly {backup.name} {part}", key="reads").stdout == (backup / part).read_bytes()
    assert vault.ssh(f"get nightly {backup.name} ../catalogue.jsonl", key="reads").returncode != 0
    assert vault.ssh(f"put nightly {_ID}", key="reads").returncode != 0


@pytest.mark.in_turn
@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (frames((b"P", b"x")), b"cut off"),
        (frames((b"P", b"x"), (b"D", b"age-encryption.org/v1"), (b"A", b""))[:-2], b"cut off"),
        (frames((b"P", b"../x")), b"no name for a part"),
        (frames((b"P", b"backup.json")), b"no name for a part"),
        (frames((b"P", b"x"), (b"P", b"y")), b"has not ended"),
        (frames((b"D", b"age-encryption.org/v1")), b"no part has begun"),
        (frames((b"P", b"x"), (b"D", b"plain words")), b"not encrypted"),
        (frames((b"Q", b"")), b"not known"),
        (frames((b"C", b"{}")), b"no entry of a backup"),
        (frames((b"C", b"[")), b"refused"),
        (frames((b"C", entry(parts=[]))), b"names no parts"),
        (
            frames((b"C", entry(parts=[{"name": 1, "size": "x", "sha256": [], "plain_size": {}}]))),
            b"no entry of a backup",
        ),
        (frames((b"C", entry(parts=[], finished="9999"))), b"says not when"),
        (b"D\xff\xff\xff\xff", b"too long"),
    ],
)
def test_what_is_no_backup_leaves_nothing(vault: Vault, sent: bytes, said: bytes) -> None:
    done = vault.ssh(f"put nightly {_ID}", data=sent)
    assert done.returncode != 0
    assert said in done.stdout
    assert vault.backups() == vault.partial() == []


@pytest.mark.in_turn
def test_an_entry_that_is_not_what_arrived_is_refused_and_the_true_one_is_taken(vault: Vault) -> None:
    data = b"age-encryption.org/v1\nand so on"
    true = {"name": "x", "size": len(data), "sha256": _sha256(data), "plain_size": 1}
    entry = {"id": _ID, "job": "nightly", "kind": "logical", "finished": "2026-01-01T00:00:00Z", "complete": True}
    part = ((b"P", b"x"), (b"D", data), (b"A", b""))
    another = b"not what was sent"
    for wrong, why in (
        ([], b"names no parts"),
        ([{**true, "sha256": "0" * 64}], another),
        ([{**true, "name": "y"}], another),
        ([true, {**true, "name": "y"}], another),
    ):
        sent = frames(*part, (b"C", json.dumps({**entry, "parts": wrong}).encode()))
        assert why in vault.ssh(f"put nightly {_ID}", data=sent).stdout
        assert vault.backups() == []
    sent = frames(*part, (b"C", json.dumps({**entry, "parts": [true]}).encode()))
    assert vault.ssh(f"put nightly {_ID}", data=sent).returncode == 0
    assert [each.name for each in vault.backups()] == [_ID]


@pytest.mark.in_turn
def test_a_quota_is_kept_and_older_backups_stay(jobs: Jobs, vault: Vault) -> None:
    assert jobs.call("run", small(jobs, vault)).status == 0
    before = vault.backups()
    size = sum(each.stat().st_size for each in vault.root.rglob("*") if each.is_file())
    vault.authorize(adds=f"--quota {size + 10}")
    done = jobs.call("run", small(jobs, vault))
    assert (done.status, "the quota of this host is used up" in done.told) == (13, True), done.told
    assert (vault.backups(), vault.partial()) == (before, [])
    vault.authorize(adds=f"--quota {size * 3 + 2**20}")
    assert jobs.call("run", small(jobs, vault)).status == 0


@pytest.mark.in_turn
def test_what_no_program_of_ours_sends_is_refused_too(vault: Vault) -> None:
    for sent in (frames((b"C", b"[" * 100_000)), frames((b"C", entry(parts=["x"]))), frames((b"P", b"\xff"))):
        done = vault.ssh(f"put nightly {_ID}", data=sent)
        assert (done.returncode, b"refused" in done.stdout, b"Traceback" in done.stderr) == (13, True, False)
    assert vault.backups() == vault.partial() == []


@pytest.mark.in_turn
def test_files_without_content_and_several_connections_use_up_a_quota_too(vault: Vault) -> None:
    vault.authorize(adds="--quota 1000000")
    sealed = b"age-encryption.org/v1" + bytes(2**20 - 21)
    empty = b"".join(frames((b"P", b"%d" % number), (b"A", b"")) for number in range(300))
    assert b"quota of this host is used up" in vault.ssh(f"put nightly {_ID}", data=empty).stdout
    assert (
        b"quota of this host is used up"
        in vault.ssh(f"put nightly {_ID}", data=frames((b"P", b"x"), (b"D", sealed))).stdout
    )
    small = frames((b"P", b"x"), (b"D", sealed[:1000]), (b"A", b""))
    assert b"quota" not in vault.ssh(f"put nightly {_ID}", data=small).stdout
    vault.authorize(adds=f"--quota {10**8}")
    commands = [vault.begin(f"put job{number} {_ID}") for number in range(3)]
    for part in range(66):
        for each in commands:
            vault.send(each, frames((b"P", b"%d" % part), (b"D", sealed), (b"A", b"")))
    said = [vault.end(each) for each in commands]
    assert sum(b"quota of this host is used up" in each for each in said) >= 2
    assert (vault.backups(), vault.partial()) == ([], [])


@pytest.mark.in_turn
def test_a_quota_that_is_used_up_lets_nothing_be_made(vault: Vault) -> None:
    for put in (f"put nightly {_ID}", f"wal-put wal 7 000000010000000000000009 {'a' * 64} .gz.age"):
        for quota, said in ((3 * 4096 - 1, b"quota of this host is used up"), (3 * 4096, b"cut off")):
            vault.authorize(adds=f"--quota {quota}")
            assert said in vault.ssh(put).stdout, put
            assert list(vault.root.iterdir()) == [] or quota == 3 * 4096, put
        for each in vault.root.iterdir():
            shutil.rmtree(each)


@pytest.mark.in_turn
@pytest.mark.parametrize(
    "said", [b"", frames((b"P", b"x")), frames((b"P", b"x"), (b"D", b"age-encryption.org/v1"))[:-3]]
)
def test_a_host_that_hangs_is_given_up_and_holds_nothing(vault: Vault, said: bytes) -> None:
    """Its ssh lives on and says nothing; one that shows that it is there is waited for."""
    vault.authorize(adds="--patience 1")
    hanging = vault.begin(f"put nightly {_ID}")
    vault.send(hanging, said)
    assert hanging.stdout is not None
    assert json.loads(hanging.stdout.readline()) == {"ready": True, "patience": 1}
    assert vault.partial()
    if not said:
        for _turn in range(10):
            time.sleep(0.2)
            vault.send(hanging, frames((b"S", b"")))
        assert hanging.poll() is None
    assert hanging.wait(10) == 13
    assert b"nothing came for 1 seconds" in hanging.stdout.read()
    assert (vault.backups(), vault.partial(), vault.processes("vault")) == ([], [], [])
    assert sent(vault, _ID, finished="2026-01-01T00:00:00Z").returncode == 0


@pytest.mark.in_turn
def test_what_a_killed_transfer_left_is_no_part_of_a_quota(vault: Vault) -> None:
    for put, begun in (
        (f"put nightly {_ID}", frames((b"P", b"x"))),
        (f"wal-put wal 7 000000010000000000000009 {'a' * 64} .gz.age", b""),
    ):
        vault.authorize()
        killed = vault.begin(put)
        vault.send(killed, begun + frames((b"D", b"age-encryption.org/v1" + bytes(10**6))))
        deadline = time.monotonic() + 10
        while sum(each.stat().st_size for each in vault.root.rglob("*") if each.is_file()) < 10**6:
            assert time.monotonic() < deadline
        for each in vault.processes("vault"):
            os.kill(each, signal.SIGKILL)
        killed.wait(10)
        assert vault.partial()
        vault.authorize(adds=f"--quota {10**6}")
        assert b"cut off" in vault.ssh(put).stdout
        assert vault.partial() == []


@pytest.mark.in_turn
def test_a_run_that_has_nothing_to_send_for_long_is_waited_for(jobs: Jobs, vault: Vault) -> None:
    vault.authorize(adds="--patience 1")
    with jobs.server.connect(autocommit=False) as connection:
        connection.execute("CREATE TABLE held AS SELECT 1 AS one")
        connection.commit()
        connection.execute("LOCK TABLE held")  # for which pg_dump waits
        running = jobs.start("run", small(jobs, vault))
        time.sleep(4)
        assert running.poll() is None
        connection.commit()
    _said, told = running.communicate(timeout=60)
    assert running.returncode == 0, told
    assert len(vault.backups()) == 1


@pytest.mark.in_turn
def test_a_vault_that_hangs_is_given_up_by_who_reads_there(jobs: Jobs, vault: Vault) -> None:
    assert jobs.call("run", small(jobs, vault)).status == 0
    script = jobs.directory / "hangs"
    for verb in ("list", "get", "note"):
        script.write_text(
            f'#!/bin/sh\ncase "$SSH_ORIGINAL_COMMAND" in {verb}*) sleep 60;; esac\n'
            f"exec {jobs.program} vault {vault.root} --may read\n"
        )
        script.chmod(0o755)
        public = (vault.directory / "reads.pub").read_text()
        (vault.directory / "authorized_keys").write_text(f'restrict,command="{script}" {public}')
        done = drill(jobs, place=vault.place("reads", timeout=2))
        assert (done.status, "nothing came for 2 seconds" in done.told) == (13, True), done.told
    vault.authorize()
    done = drill(jobs, place=vault.place("reads", timeout=2))
    assert done.status == 0, done.told


@pytest.mark.in_turn
def test_one_place_that_fails_does_not_keep_the_other_from_it(jobs: Jobs, vault: Vault) -> None:
    places = [{"kind": "directory", "path": str(jobs.place)}, vault.place(port=1)]
    done = jobs.call("run", jobs.define(places=places))
    assert done.status == 13
    assert len(jobs.backups()) == 1
    status = jobs.status()
    assert (status["stored"], list(status["failed"])) == (
        [str(jobs.place)],
        [vault.place(port=1)["account"] + "@127.0.0.1:1"],
    )


@pytest.mark.in_turn
def test_a_host_that_is_not_the_vault_gets_nothing(jobs: Jobs, vault: Vault) -> None:
    kind, key = (vault.directory / "adds.pub").read_text().split()[:2]
    (vault.directory / "known_hosts").write_text(f"[127.0.0.1]:{vault.port} {kind} {key}\n")
    done = jobs.call("run", small(jobs, vault))
    assert (done.status, "HOST IDENTIFICATION HAS CHANGED" in done.told or "verification failed" in done.told) == (
        13,
        True,
    )
    assert vault.backups() == []


@pytest.mark.in_turn
def test_what_lies_there_without_having_been_noted_is_of_the_day_on_which_it_came(jobs: Jobs, vault: Vault) -> None:
    """A host that was taken over sends backups of years ago, and would have the past removed."""
    honest = [f"20260101T00000{number}Z-00000000" for number in range(3)]
    forged = [f"20010101T00000{number}Z-00000000" for number in range(3)]
    for number, name in enumerate((*honest, *forged)):
        assert sent(vault, name, finished=f"2001-01-0{number + 1}T00:00:00Z").returncode == 0
    catalogue = vault.root / "nightly" / "catalogue.jsonl"
    events = [json.loads(line) for line in catalogue.read_text().splitlines()]
    assert [each["backup"]["id"] for each in events] == [*honest, *forged]
    for event, day in zip(events, (4, 3, 2)):
        event["at"] = f"2026-01-0{day}T00:00:00Z"
    catalogue.write_text("".join(f"{json.dumps(event)}\n" for event in events[:3]))
    assert b"cut off" in vault.ssh(f"put nightly {_OTHER}").stdout  # which finds the other three
    arrived = [json.loads(line)["at"] for line in catalogue.read_text().splitlines()]
    assert len(arrived) == 6
    assert all(time.time() - calendar.timegm(time.strptime(at, "%Y-%m-%dT%H:%M:%SZ")) < 600 for at in arrived[3:])
    tending = jobs.directory / "vault.json"
    roots = [{"path": str(vault.root), "retention": {"days": 4}}]
    tending.write_text(json.dumps({"name": "vault", "state": str(jobs.state), "roots": roots}))
    done = jobs.call("tend", tending)
    assert done.status == 0, done.told
    assert [each.name for each in vault.backups()] == [forged[-1], *honest]


@pytest.mark.in_turn
def test_what_a_host_says_of_its_backup_keeps_no_other_from_being_told_of(jobs: Jobs, vault: Vault) -> None:
    odd: dict[str, t.Any] = {"missing": True, "host": ["x"], "cluster": {}, "server_version": 3, "encryption": "none"}
    assert sent(vault, _ID, finished="2026-01-01T00:00:00Z").returncode == 0
    assert sent(vault, _OTHER, finished="2026-01-01T00:00:01Z", **odd).returncode == 0
    tending = jobs.directory / "vault.json"
    tending.write_text(json.dumps({"roots": [{"path": str(vault.root)}], "state": str(jobs.state)}))
    assert jobs.call("tend", tending).status == 0
    (report,) = jobs.call("report", tending).shown
    (place,) = report["places"]
    assert [(each["id"], each["missing"]) for each in place["backups"]] == [(_ID, []), (_OTHER, [])]
    assert (place["backups"][1]["host"], place["backups"][1]["encryption"]) == ("['x']", {})


@pytest.mark.in_turn
@pytest.mark.parametrize(
    "answers",
    ['{"ready": true}\n{}', '{"ready": true}\n{"size": [], "sha256": 1}', '{"record": {}}\n{"end": true}', "{}"],
)
def test_a_vault_that_answers_nonsense_fails_alone(jobs: Jobs, vault: Vault, answers: str) -> None:
    assert jobs.call("run", small(jobs, vault)).status == 0
    script = jobs.directory / "nonsense"
    script.write_text(f"#!/bin/sh\necho '{answers}'\ncat >/dev/null\n")
    script.chmod(0o755)
    public = (vault.directory / "adds.pub").read_text()
    (vault.directory / "authorized_keys").write_text(f'restrict,command="{script}" {public}')
    hasty = vault.place(timeout=2)
    places = [{"kind": "directory", "path": str(jobs.place)}, hasty]
    done = jobs.call("run", small(jobs, vault, places=places))
    assert (done.status, len(jobs.backups()), list(jobs.status()["failed"])) == (13, 1, [vault.name]), done.told
    done = drill(jobs, place=hasty)
    assert done.status == 13, done.told


def sent(vault: Vault, name: str, *, finished: str, **values: t.Any) -> subprocess.CompletedProcess[bytes]:
    """A small backup, as a host could make it."""
    data = b"age-encryption.org/v1\nand so on"
    part = {"name": "x", "size": len(data), "sha256": _sha256(data), "plain_size": 1}
    said = entry(id=name, finished=finished, parts=[part], **values)
    return vault.ssh(f"put nightly {name}", data=frames((b"P", b"x"), (b"D", data), (b"A", b""), (b"C", said)))


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
