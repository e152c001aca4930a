"""A directory of backups that several programs work in at once, or whose disk is full."""

from __future__ import annotations

import errno
import json
import os
import pathlib
import subprocess
import sys
import typing as t

import pytest
from rampart_backup import tending
from rampart_backup.places import catalogue
from rampart_backup.places.store import Store

from ansible_collections.rampart.postgresql.tests.conformance.backup.jobs import PROGRAM

if t.TYPE_CHECKING:
    from collections.abc import Iterator

_AT: t.Final = "2026-01-01T00:00:00Z"


@pytest.fixture(autouse=True)
def umask() -> Iterator[None]:
    """That of the tests after these, which what runs in this process changes."""
    before = os.umask(0o022)
    yield
    os.umask(before)


def filled(path: pathlib.Path, number: int) -> Store:
    """So many backups of one part each."""
    path.mkdir(exist_ok=True)
    store = Store(str(path / "nightly"))
    store.prepare()
    for each in range(number):
        incoming = store.begin(f"20260101T00000{each}Z-00000000")
        part = incoming.part("x.age")
        part.write(memoryview(b"age-encryption.org/v1"))
        carried = incoming.accept("x.age", part)
        parts = [{"name": "x.age", "size": carried.size, "sha256": carried.sha256, "plain_size": 1}]
        entry = {"id": incoming.identifier, "job": "nightly", "kind": "logical", "finished": _AT, "complete": True}
        incoming.commit({**entry, "parts": parts})
    return store


def test_a_disk_that_is_full_keeps_nobody_from_removing(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = filled(tmp_path, 2)
    first, second = store.records()
    append = catalogue.append

    def full(directory: str, event: catalogue.Event) -> None:
        if any(pathlib.Path(directory).glob(f"*{first.id}*/*")):
            raise OSError(errno.ENOSPC, "No space left on device")
        append(directory, event)

    monkeypatch.setattr(catalogue, "append", full)
    store.remove(first, at=_AT)
    assert [each.removed for each in store.records()] == [_AT, ""]
    assert sorted(each.name for each in (tmp_path / "nightly").iterdir()) == [second.id, "catalogue.jsonl"]


def test_what_is_removed_while_it_is_verified_is_not_damaged(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = filled(tmp_path, 3)
    first, second, third = store.records()
    verify = store.verify

    def slow(record: catalogue.Record) -> None:
        if record.id == second.id:
            Store(store.path).remove(second, at=_AT)
            (tmp_path / "nightly" / third.id / "x.age").unlink()
        verify(record)

    monkeypatch.setattr(store, "verify", slow)
    (wrong,) = tending.verify(store)
    assert third.id in wrong
    events = [json.loads(line) for line in (tmp_path / "nightly" / "catalogue.jsonl").read_text().splitlines()]
    assert [(each["event"], each["id"]) for each in events if each["event"] not in ("made", "removed")] == [
        ("verified", first.id),
        ("damaged", third.id),
    ]


def test_a_year_of_backups_of_many_databases_fits_into_little_memory(tmp_path: pathlib.Path) -> None:
    store = filled(tmp_path, 1)
    path = tmp_path / "nightly" / "catalogue.jsonl"
    (last,) = path.read_text().splitlines()
    parts = [
        {
            "name": f"database-{number:05d}.dump.age",
            "size": 1,
            "sha256": "a" * 64,
            "plain_size": 1,
            "database": f"{number:05d}",
        }
        for number in range(1000)
    ]
    entry = {**json.loads(last)["backup"], "parts": parts}
    with path.open("w", encoding="utf-8") as stream:
        for day in range(150):
            backup = {**entry, "id": f"20250101T000000Z-{day:08x}"}
            print(json.dumps({"event": "made", "backup": backup, "at": _AT}), file=stream)
            print(json.dumps({"event": "removed", "id": backup["id"], "at": _AT}), file=stream)
        print(last, file=stream)
    assert [each.id for each in store.records() if not each.removed] == [json.loads(last)["backup"]["id"]]
    # The most that it had, told by itself: of a child the system tells no less than its parent had when it was started.
    measuring = (
        "import atexit, runpy, sys; sys.argv.pop(0);"
        " atexit.register(lambda: sys.stderr.write(open('/proc/self/status').read())); runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    words = [sys.executable, "-c", measuring, str(PROGRAM), "vault", str(tmp_path), "--may", "add"]
    environment = {**os.environ, "SSH_ORIGINAL_COMMAND": "list nightly"}
    done = subprocess.run(words, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert (done.returncode, len(done.stdout.splitlines())) == (0, 152), done.stderr
    (most,) = [int(line.split()[1]) for line in done.stderr.splitlines() if line.startswith("VmHWM:")]
    assert most < 64 * 1024


def test_a_removal_that_was_killed_is_one(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = filled(tmp_path, 2)
    first, second = store.records()

    def killed(_directory: str, _event: catalogue.Event) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(catalogue, "append", killed)
        store.remove(first, at=_AT)
    begun = store.begin("20260101T000009Z-00000000")
    begun.part("x.age")
    os.rename(tmp_path / "nightly" / second.id, tmp_path / "elsewhere")
    Store(store.path).prepare()
    assert [(bool(each.removed), each.damaged) for each in store.records()] == [
        (True, ""),
        (False, "its directory is gone"),  # which was nobody's doing
    ]
    begun.abandon()
    assert [each.name for each in (tmp_path / "nightly").iterdir()] == ["catalogue.jsonl"]


def test_a_disk_that_takes_no_note_keeps_nobody_from_tending(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = filled(tmp_path, 3)
    append = catalogue.append

    def full(directory: str, event: catalogue.Event) -> None:
        if event["event"] in refused and len(list(pathlib.Path(directory).glob("2*"))) == 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        append(directory, event)

    monkeypatch.setattr(catalogue, "append", full)
    definition = {"roots": [{"path": str(tmp_path), "retention": {"last": 2}}], "state": str(tmp_path / "_state")}
    path = tmp_path / "_vault.json"
    path.write_text(json.dumps(definition))
    # What is damaged has to be noted before anything goes.
    part = tmp_path / "nightly" / store.records()[2].id / "x.age"
    kept = part.read_bytes()
    part.unlink()
    refused = {"damaged"}
    status = tmp_path / "_state" / "status" / "vault.json"
    assert (tending.run(tending.read(str(path))), len(list((tmp_path / "nightly").glob("2*")))) == (11, 3)
    assert "x.age: No such file or directory; which cannot be noted" in json.loads(status.read_text())["error"]
    part.write_bytes(kept)
    refused = {"verified", "removed"}
    assert (tending.run(tending.read(str(path))), len(list((tmp_path / "nightly").glob("2*")))) == (11, 2)
    told = json.loads(status.read_text())
    assert told["error"].count("No space left") == 1
    assert tending.run(tending.read(str(path))) == 0


def test_one_host_that_cannot_be_tended_keeps_no_other_from_it(tmp_path: pathlib.Path) -> None:
    filled(tmp_path / "db2", 3)
    roots = [{"path": str(tmp_path / name), "retention": {"last": 2}} for name in ("db1", "db2")]
    path = tmp_path / "vault.json"
    path.write_text(json.dumps({"roots": roots, "state": str(tmp_path / "state")}))
    assert tending.run(tending.read(str(path))) == 11
    told = json.loads((tmp_path / "state" / "status" / "vault.json").read_text())
    assert (f"{tmp_path}/db1: No such file or directory" in told["error"], len(told["removed"])) == (True, 1)
