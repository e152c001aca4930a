"""Keys: gpg's as well as age's, those that may not be encrypted to any more, and the way from old ones to new ones."""

from __future__ import annotations

import json
import os
import shutil
import typing as t

import pytest

from ansible_collections.rampart.postgresql.tests.conformance.backup.jobs import Keys
from ansible_collections.rampart.postgresql.tests.conformance.backup.pairs import Pair
from ansible_collections.rampart.postgresql.tests.conformance.backup.test_drill import drill

if t.TYPE_CHECKING:
    import pathlib
    from collections.abc import Iterator

    from ansible_collections.rampart.postgresql.tests.conformance.backup.jobs import Jobs

pytestmark = [pytest.mark.with_clients, pytest.mark.in_turn]

_SMALL: t.Final = {"databases": ["postgres"]}


@pytest.fixture
def pair(jobs: Jobs) -> Iterator[Pair]:
    """A pair of gpg's."""
    made = Pair(jobs, "good")
    yield made
    made.close()


def fill(jobs: Jobs) -> None:
    """A row to look for."""
    with jobs.server.connect() as connection:
        connection.execute("CREATE TABLE t AS SELECT 'a-row-that-nobody-else-may-read' AS words")


@pytest.mark.parametrize("kind", ["logical", "physical"])
def test_what_gpg_sealed_is_restored_with_its_home(jobs: Jobs, pair: Pair, kind: str) -> None:
    fill(jobs)
    definition = jobs.define(kind=kind, physical={"checkpoint": "fast"}, encryption=Pair.encryption(pair))
    done = jobs.call("run", definition)
    assert done.status == 0, done.told
    (backup,) = jobs.backups()
    entry = json.loads((backup / "backup.json").read_text())
    assert entry["encryption"] == {"method": "gpg", "recipients": [pair.fingerprint]}
    assert {path.suffix for path in backup.iterdir() if path.name != "backup.json"} == {".gpg"}
    assert not [each for each in backup.iterdir() if b"nobody-else" in each.read_bytes()]
    checks = [{"query": "SELECT words FROM t", "expected": "a-row-that-nobody-else-may-read"}]
    done = drill(jobs, identity=str(pair.home), checks=checks)
    assert done.status == 0, done.told
    other = Pair(jobs, "other")
    done = drill(jobs, identity=str(other.home), checks=checks)
    other.close()
    assert (done.status, "No secret key" in done.told) == (12, True), done.told
    assert not jobs.call("list", definition).shown[0]["damaged"]


def test_a_key_that_may_not_be_used_is_refused_before_anything_is_made(jobs: Jobs, pair: Pair) -> None:
    expired = Pair(jobs, "expired", made="20200101T000000", expires="2021-01-01")
    signs = Pair(jobs, "signs", usage="sign")
    revoked = Pair(jobs, "revoked")
    assert jobs.call("check", jobs.define(encryption=Pair.encryption(revoked))).status == 0
    revoked.revoke()
    both = jobs.directory / "both.pub"
    both.write_bytes(pair.public.read_bytes() + signs.public.read_bytes())
    nothing = jobs.directory / "nothing.pub"
    nothing.write_text("no key")
    for wrong, said in (
        (expired, f"{expired.fingerprint} is expired"),
        (revoked, f"{revoked.fingerprint} is revoked"),
        (signs, "has no subkey that can encrypt now"),
        (both, "holds 2 public keys"),
        (nothing, "holds no public key"),
    ):
        # Not even beside one that is good: somebody counts on every one of them.
        definition = jobs.define(encryption=Pair.encryption(pair, wrong), logical=_SMALL)
        for command in ("check", "run"):
            done = jobs.call(command, definition)
            assert (done.status, said in done.told) == (12, True), done.told
        assert jobs.backups() == jobs.partial() == []
    for each in (expired, revoked, signs):
        each.close()
    assert jobs.status()["outcome"] == "failed"
    assert jobs.call("run", jobs.define(encryption=Pair.encryption(pair), logical=_SMALL)).status == 0


def test_recipients_are_rotated_by_way_of_both(jobs: Jobs) -> None:
    """Old, then both, then new: what each key opens, and an alarm where the one that is there does not."""
    old, new = jobs.keys, Keys.make(jobs.directory / "new")
    made = []
    for recipients, opened in (
        ([old], {}),
        ([old, new], {"old": (old, 0), "new": (new, 0)}),
        ([new], {"old": (old, 12), "new": (new, 0)}),
    ):
        sealed = {"method": "age", "recipients": [each.recipient for each in recipients]}
        definition = jobs.define(kind="physical", physical={"checkpoint": "fast"}, encryption=sealed)
        assert jobs.call("run", definition).status == 0
        made.append((jobs.backups()[-1].name, sealed["recipients"]))
        for name, (key, status) in opened.items():
            done = drill(jobs, identity=lent(jobs, name, key))
            assert (done.status, "no identity matched" in done.told) == (status, status == 12), done.told
            assert jobs.status("drill")["outcome"] == ("failed" if status else "ok")
    assert [
        (each["id"], each["entry"]["encryption"]["recipients"]) for each in jobs.call("list", definition).shown
    ] == made
    # What was made before the rotation is still opened by the old key alone, which a drill may have beside the new one.
    first = made[0][0]
    assert restore(jobs, lent(jobs, "new", new), first)[0] == 12
    status, told = restore(jobs, lent(jobs, "both", new, old), first)
    assert status == 0, told


def lent(jobs: Jobs, name: str, *keys: Keys) -> str:
    """A file of identities that the server's account reads."""
    path: pathlib.Path = jobs.directory / f"lent-{name}"
    path.write_text("".join(each.identity.read_text() for each in keys))
    path.chmod(0o600)
    if os.geteuid() == 0:
        os.chown(path, jobs.server.owner.uid, jobs.server.owner.gid)
    return str(path)


def restore(jobs: Jobs, identity: str, identifier: str) -> tuple[int, str]:
    """Status, and what was told, of restoring one backup in earnest; what it made is removed."""
    path = jobs.directory / "drill.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "identity": identity}))
    target = jobs.place / "restored"
    done = jobs.call("restore", path, "--target", target, "--backup", identifier)
    shutil.rmtree(target, ignore_errors=True)
    return done.status, done.told
