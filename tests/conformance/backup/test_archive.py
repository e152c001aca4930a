"""WAL that a real server archives by the program: into a directory and, by real ssh, into a vault."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import signal
import subprocess
import time
import typing as t

import pytest
from rampart_backup.archiving import wal

from ansible_collections.rampart.postgresql.tests.conformance.backup.disks import small_disk
from ansible_collections.rampart.postgresql.tests.conformance.backup.vaults import Vault

if t.TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable
    from collections.abc import Iterator

    from ansible_collections.rampart.postgresql.tests.conformance.backup.jobs import Done
    from ansible_collections.rampart.postgresql.tests.conformance.backup.jobs import Jobs
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Workshop

pytestmark = pytest.mark.with_clients


@pytest.fixture
def vault(jobs: Jobs) -> Iterator[Vault]:
    """One that trusts two keys."""
    made = Vault(jobs)
    yield made
    made.close()


class Archiving:
    """A server that archives by a job of the kind wal."""

    def __init__(self, jobs: Jobs, **changes: t.Any) -> None:
        self.jobs = jobs
        self.server = jobs.server
        self.definition = jobs.define("wal", kind="wal", **changes)

    def begin(self, *, command: str = "") -> None:
        """Restart the server with ``archive_mode``."""
        ours = f"{self.jobs.program} archive {self.definition} %p"
        with self.server.connect() as connection:
            connection.execute("ALTER SYSTEM SET archive_mode = 'on'")
            connection.execute(f"ALTER SYSTEM SET archive_command = '{command or ours}'")
        self.server.restart()

    def command(self, words: str) -> None:
        """Set another ``archive_command``."""
        with self.server.connect() as connection:
            connection.execute(f"ALTER SYSTEM SET archive_command = '{words}'")
        self.server.reload()

    def ours(self) -> None:
        """Set the one of the job."""
        self.command(f"{self.jobs.program} archive {self.definition} %p")

    def switch(self, words: str = "a row") -> str:
        """Write something, and end the segment; returns its name."""
        with self.server.connect() as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS t (words text)")
            connection.execute("INSERT INTO t VALUES (%s)", [words])
            (name,) = connection.execute("SELECT pg_walfile_name(pg_current_wal_insert_lsn())").fetchone() or ("",)
            connection.execute("SELECT pg_switch_wal()")
        return str(name)

    def settle(self, name: str) -> None:
        """Wait until the server was told that a file is archived."""
        done = self.pg_wal / "archive_status" / f"{name}.done"
        until(done.exists, log=self.server.log_text)

    @property
    def system(self) -> str:
        """Identifies the cluster."""
        return str(self.server.query("SELECT system_identifier FROM pg_control_system()")[0][0])

    @property
    def pg_wal(self) -> pathlib.Path:
        """Where the server has its WAL."""
        return self.server.data_directory / "pg_wal"


def stored(place: pathlib.Path) -> dict[str, pathlib.Path]:
    """What an archive has below a directory, by the name of the file of WAL."""
    found = {}
    for path in sorted(place.rglob("*")):
        name = wal.Stored.of(path.name)
        if name is not None and path.is_file():
            assert name.file not in found
            found[name.file] = path
    return found


def until(holds: Callable[[], object], *, seconds: float = 60, log: Callable[[], str] = str) -> None:
    """Wait for something."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, log()[-5000:]
        time.sleep(0.02)


def content(jobs: Jobs, path: pathlib.Path) -> bytes:
    """Of a stored file, decrypted and decompressed."""
    return gzip.decompress(jobs.keys.decrypt(path.read_bytes()))


def test_what_the_server_archives_arrives_in_every_place(jobs: Jobs, vault: Vault) -> None:
    archiving = Archiving(jobs, places=[{"kind": "directory", "path": str(jobs.place)}, vault.place()])
    archiving.begin()
    names = [archiving.switch(f"a-row-that-nobody-else-may-read {number}") for number in range(2)]
    until(lambda: set(names) <= set(stored(jobs.place)) and set(names) <= set(stored(vault.root)))
    for root in (jobs.place, vault.root):
        for file, path in stored(root).items():
            name = wal.Stored.of(path.name)
            assert name is not None
            assert path.parent == root / "wal" / archiving.system / wal.directory(file)
            assert hashlib.sha256(path.read_bytes()).hexdigest() == name.sealed
            plain = content(jobs, path)
            assert hashlib.sha256(plain).hexdigest() == name.plain
            assert len(plain) == wal.SEGMENT_SIZE
            assert oct(path.stat().st_mode)[-3:] == "600"
    assert b"nobody-else" in content(jobs, stored(vault.root)[names[0]])  # the search finds what is there
    for root in (jobs.place, vault.root):
        assert not [each for each in root.rglob("*") if each.is_file() and b"nobody-else" in each.read_bytes()]
    assert archiving.server.query("SELECT failed_count FROM pg_stat_archiver") == [(0,)]
    before = stored(jobs.place)
    done = jobs.call("run", archiving.definition)
    assert (done.status, jobs.status("wal")["removed"]) == (0, 0), done.told
    assert before.items() <= stored(jobs.place).items()  # without a backup everything stays


@pytest.mark.in_turn
def test_the_same_comes_again_and_another_one_is_refused(jobs: Jobs, vault: Vault) -> None:
    archiving = Archiving(jobs, places=[{"kind": "directory", "path": str(jobs.place)}, vault.place()])
    archiving.begin()
    name = archiving.switch()
    archiving.settle(name)
    before = {root: stored(root)[name].read_bytes() for root in (jobs.place, vault.root)}
    segment = archiving.pg_wal / name
    assert jobs.call("archive", archiving.definition, segment).status == 0
    copy = jobs.place / "pg_wal"
    copy.mkdir()
    (jobs.place / "global").symlink_to(archiving.server.data_directory / "global")
    (copy / name).write_bytes(segment.read_bytes()[:-1] + b"x")
    done = jobs.call("archive", archiving.definition, copy / name)
    assert (done.status, done.told.count("whose content is another one")) == (13, 2), done.told
    assert {root: stored(root)[name].read_bytes() for root in (jobs.place, vault.root)} == before
    (copy / name).write_bytes(segment.read_bytes())
    assert jobs.call("archive", archiving.definition, copy / name).status == 0
    # One place that lacks it gets it, and the other keeps what it has.
    stored(vault.root)[name].unlink()
    assert jobs.call("archive", archiving.definition, copy / name).status == 0
    assert content(jobs, stored(vault.root)[name]) == segment.read_bytes()
    assert stored(jobs.place)[name].read_bytes() == before[jobs.place]
    assert jobs.call("archive", archiving.definition, copy / "postgresql.conf").status == 2
    assert jobs.call("archive", archiving.definition, copy / ("0" * 24)).status == 10
    assert jobs.call("archive", jobs.define(), copy / name).status == 2


@pytest.mark.in_turn
def test_a_host_may_only_add_wal(jobs: Jobs, vault: Vault) -> None:
    archiving = Archiving(jobs, places=[vault.place()])
    archiving.begin()
    name = archiving.switch()
    archiving.settle(name)
    path = stored(vault.root)[name]
    before = {each: each.read_bytes() for each in vault.root.rglob("*") if each.is_file()}
    system, directory = archiving.system, wal.directory(name)
    sums = "a" * 64
    for command in (
        f"wal-get wal {system} {path.name}",
        f"wal-put wal {system} {name} {sums} .gz.age",
        f"wal-put wal {system} 00000009.history {sums} /../../x",
        f"wal-put wal {system} 00000009.history ../{sums[3:]} .gz.age",
        f"wal-put wal ../{system} 00000009.history {sums} .gz.age",
        f"wal-list wal {system} ..",
        f"wal-list law {system} {directory}",
        f"wal-list wal .. {directory}",
        f"wal-remove wal {system} {name}",
    ):
        done = vault.ssh(command)
        assert done.returncode != 0, command
        assert b"refused" in done.stdout, command
    assert {each: each.read_bytes() for each in vault.root.rglob("*") if each.is_file()} == before
    listed = vault.ssh(f"wal-list wal {system} {directory}")
    assert (listed.returncode, path.name.encode() in listed.stdout) == (0, True)
    assert vault.ssh(f"wal-get wal {system} {path.name}", key="reads").stdout == path.read_bytes()
    done = vault.ssh(f"wal-put wal {system} 00000009.history {sums} .gz.age", key="reads")
    assert b"not among what this key may do" in done.stdout


def _frames(*pairs: tuple[bytes, bytes]) -> bytes:
    return b"".join(kind + len(data).to_bytes(4, "big") + data for kind, data in pairs)


@pytest.mark.in_turn
def test_what_is_no_whole_file_leaves_nothing(vault: Vault) -> None:
    put = f"wal-put wal 7 000000010000000000000009 {'a' * 64} .gz.age"
    begun = (b"D", b"age-encryption.org/v1")
    for sent, said in (
        (_frames(begun, (b"A", b"")), b"cut off"),
        (_frames(begun)[:-2], b"cut off"),
        (_frames(begun, (b"C", b"")), b"does not belong here"),
        (_frames((b"A", b"")), b"does not belong here"),
        (_frames((b"D", b"plain words")), b"not encrypted"),
        (_frames(begun, (b"A", b""), (b"D", b"more")), b"does not belong here"),
    ):
        done = vault.ssh(put, data=sent)
        assert done.returncode != 0, sent
        assert said in done.stdout, sent
        assert (stored(vault.root), vault.partial()) == ({}, [])
    assert vault.ssh(put, data=_frames(begun, (b"A", b""), (b"C", b""))).returncode == 0
    assert list(stored(vault.root)) == ["000000010000000000000009"]


@pytest.mark.in_turn
def test_killed_in_the_middle_it_is_archived_again(jobs: Jobs, vault: Vault) -> None:
    archiving = Archiving(jobs, places=[{"kind": "directory", "path": str(jobs.place)}, vault.place()])
    tools = jobs.directory / "tools"
    tools.mkdir(mode=0o755)
    slow = tools / "gzip"
    flag = jobs.directory / "flag"
    flag.touch()
    slow.write_text(f"#!/bin/sh\nhead -c 1000000 | /bin/gzip\nwhile [ -e {flag} ]; do sleep 0.1; done\n")
    slow.chmod(0o755)
    # A server takes ten seconds to archive again after a signal, one after a failure.
    ours = f"{jobs.program} archive {archiving.definition} %p"
    archiving.begin(command=f"PATH={tools}:$PATH {ours} || exit 1")
    name = archiving.switch()
    until(lambda: any(each.stat().st_size > 1000 for each in jobs.place.rglob(".*.partial")))
    until(vault.partial)
    archiving.command(ours)
    done = subprocess.run(["pgrep", "-f", f"^/usr/bin/python3 -I {ours[:-3]}"], capture_output=True, check=True)
    for number in done.stdout.split():
        os.kill(int(number), signal.SIGKILL)
    assert name not in stored(jobs.place)
    archiving.settle(name)
    for root in (jobs.place, vault.root):
        assert content(jobs, stored(root)[name]) == (archiving.pg_wal / name).read_bytes()
    until(lambda: (jobs.partial(), vault.partial()) == ([], []))
    flag.unlink()


def failures(archiving: Archiving) -> int:
    """How often archiving failed."""
    return int(archiving.server.query("SELECT failed_count FROM pg_stat_archiver")[0][0])


@pytest.mark.in_turn
def test_what_a_vault_does_not_take_waits_and_arrives_later(jobs: Jobs, vault: Vault) -> None:
    vault.authorize(adds="--quota 1000")
    archiving = Archiving(jobs, places=[{"kind": "directory", "path": str(jobs.place)}, vault.place()])
    archiving.begin()
    first = archiving.switch()
    until(lambda: failures(archiving))
    assert "the quota of this host is used up" in archiving.server.log_text()
    assert (first in stored(jobs.place), stored(vault.root), vault.partial()) == (True, {}, [])
    kept = stored(jobs.place)[first].read_bytes()
    vault.close()  # now there is nobody at all
    seen = failures(archiving)
    second = archiving.switch()
    until(lambda: failures(archiving) > seen)
    vault.authorize()
    vault.start()
    third = archiving.switch()
    archiving.settle(third)
    assert {first, second, third} <= set(stored(vault.root))
    assert stored(jobs.place)[first].read_bytes() == kept
    assert (jobs.partial(), vault.partial()) == ([], [])


@pytest.mark.in_turn
def test_the_disk_of_the_vault_is_full(jobs: Jobs, vault: Vault) -> None:
    with small_disk(jobs.server.owner, vault.root):
        archiving = Archiving(jobs, places=[vault.place()], compression={"method": "none"})
        archiving.begin()
        first = archiving.switch()
        until(lambda: failures(archiving))
        assert "No space left" in archiving.server.log_text()
        assert (stored(vault.root), vault.partial()) == ({}, [])
    second = archiving.switch()
    archiving.settle(second)
    assert {first, second} <= set(stored(vault.root))


@pytest.mark.in_turn
def test_the_watch_tells_what_is_missing_and_when_it_is_behind(jobs: Jobs) -> None:
    archiving = Archiving(jobs, wal={"behind_files": 1})
    done = jobs.call("check", archiving.definition)
    assert (done.status, done.shown[0]["missing"][0][:19]) == (0, "archive_mode is off"), done.told
    done = jobs.call("run", archiving.definition)
    assert (done.status, "archive_mode is off" in done.told) == (10, True), done.told
    archiving.begin()
    archiving.settle(archiving.switch())
    done = jobs.call("run", archiving.definition)
    assert done.status == 0, done.told
    assert jobs.call("check", archiving.definition).shown[0]["missing"] == []
    metrics = (jobs.state / "rampart_backup_wal.prom").read_text()
    assert 'rampart_backup_wal_waiting_files{job_name="wal"} 0\n' in metrics
    archiving.command("/bin/true")
    done = jobs.call("run", archiving.definition)
    assert (done.status, "archive_command is '/bin/true'" in done.told) == (10, True), done.told
    archiving.ours()
    archive = jobs.place / "wal" / archiving.system
    archive.chmod(0o500)
    archiving.switch()
    archiving.switch()
    until(lambda: failures(archiving))
    done = jobs.call("run", archiving.definition)
    assert done.status == 10
    assert "2 files of WAL wait, 1 may be" in done.told
    assert "failed, the log of the server says why" in done.told
    assert (jobs.status("wal")["waiting"], jobs.status("wal")["outcome"]) == (2, "failed")
    archive.chmod(0o700)
    archiving.settle(archiving.switch())
    done = jobs.call("run", archiving.definition)
    assert (done.status, jobs.status("wal")["waiting"]) == (0, 0), done.told


@pytest.mark.in_turn
def test_retention_keeps_what_the_backups_need(jobs: Jobs, vault: Vault) -> None:
    archiving = Archiving(jobs, places=[{"kind": "directory", "path": str(jobs.place)}, vault.place()])
    archiving.begin()
    places = [{"kind": "directory", "path": str(jobs.place)}, vault.place()]
    physical = {
        "kind": "physical",
        "physical": {"checkpoint": "fast"},
        "compression": {"method": "none"},
        "places": places,
    }
    archiving.settle(archiving.switch())
    before = set(stored(jobs.place))
    begins = []
    for _time in range(2):
        done = jobs.call("run", jobs.define("base", **physical, retention={"last": 1}))
        assert done.status == 0, done.told
        (backup,) = jobs.backups("base")
        entry = json.loads((backup / "backup.json").read_text())
        assert entry["wal_segment_size"] == wal.SEGMENT_SIZE
        begins.append(wal.segment(1, wal.lsn(entry["start_lsn"]), wal.SEGMENT_SIZE))
        last = archiving.switch()
        archiving.settle(last)
    first, second = begins
    assert max(before) < first < second < last
    # Here the second backup let the first one go, and the WAL between the two went with it.
    assert jobs.call("run", archiving.definition).status == 0
    assert segments(jobs.place)[0] == second
    assert segments(jobs.place)[-1] == last
    assert before <= set(stored(vault.root))
    tend(jobs, vault, dry_run=True)
    assert before <= set(stored(vault.root))
    assert tend(jobs, vault).status == 0
    assert (segments(vault.root)[0], segments(vault.root)[-1]) == (first, last)  # two backups are there
    shown = [each for each in jobs.call("list", archiving.definition).shown if "archive" in each]
    assert [each["system_identifier"] for each in shown] == [archiving.system]
    assert (shown[0]["files"], shown[0]["first"]) == (len(stored(jobs.place)), min(stored(jobs.place)))


def segments(place: pathlib.Path) -> list[str]:
    """The segments of an archive, the oldest first."""
    return sorted(file for file in stored(place) if wal.is_segment(file))


def tend(jobs: Jobs, vault: Vault, *, dry_run: bool = False) -> Done:
    """Let the vault tend itself."""
    path = jobs.directory / "vault.json"
    path.write_text(
        json.dumps(
            {
                "name": "vault",
                "state": str(jobs.state),
                "roots": [{"path": str(vault.root), "retention": {"last": 2}, "newest": 1}],
            }
        )
    )
    return jobs.call("tend", path, *(["--dry-run"] if dry_run else []))


@pytest.mark.in_turn
def test_what_is_missing_or_damaged_is_told(jobs: Jobs, vault: Vault) -> None:
    archiving = Archiving(jobs, places=[{"kind": "directory", "path": str(jobs.place)}, vault.place()])
    archiving.begin()
    places = [{"kind": "directory", "path": str(jobs.place)}, vault.place()]
    assert (
        jobs.call(
            "run",
            jobs.define(
                "base", kind="physical", places=places, physical={"checkpoint": "fast"}, compression={"method": "none"}
            ),
        ).status
        == 0
    )
    names = [archiving.switch() for _time in range(3)]
    archiving.settle(names[2])
    assert jobs.call("run", archiving.definition).status == 0
    assert tend(jobs, vault).status == 0
    for root, commands in ((jobs.place, ("run",)), (vault.root, ())):
        path = stored(root)[names[1]]
        data = path.read_bytes()
        path.unlink()
        for done in (tend(jobs, vault),) if not commands else (jobs.call("run", archiving.definition),):
            assert (done.status, f"{names[1]} is missing" in done.told) == (11, True), done.told
        path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
        for done in (tend(jobs, vault),) if not commands else (jobs.call("verify", archiving.definition),):
            assert (done.status, f"{path.name} has {len(data)} bytes" in done.told) == (11, True), done.told
        path.write_bytes(data)
    assert tend(jobs, vault).status == 0
    assert jobs.call("verify", archiving.definition).status == 0


@pytest.mark.in_turn
def test_a_promoted_standby_archives_its_history(jobs: Jobs, workshop: Workshop) -> None:
    archiving = Archiving(jobs)
    archiving.begin()
    assert (
        jobs.call(
            "run", jobs.define("base", kind="physical", physical={"checkpoint": "fast"}, compression={"method": "none"})
        ).status
        == 0
    )
    name = archiving.switch()
    archiving.settle(name)
    standby = workshop.standby(jobs.server)
    try:
        cluster = json.loads(archiving.definition.read_text())["cluster"]
        other = {**cluster, "host": str(standby.socket_directory), "port": standby.port}
        definition = jobs.define("wal", kind="wal", cluster=other)
        done = jobs.call("run", definition)
        assert (done.status, jobs.status("wal")["standby"]) == (0, True), done.told
        jobs.server.stop()
        with standby.connect() as connection:
            connection.execute("SELECT pg_promote()")
            connection.execute("SELECT pg_switch_wal()")
        until(lambda: "00000002.history" in stored(jobs.place))
        assert b"no recovery target specified" in content(jobs, stored(jobs.place)["00000002.history"])
        until(lambda: any(file.startswith("00000002") and wal.is_segment(file) for file in stored(jobs.place)))
        done = jobs.call("run", definition)
        assert done.status == 0, done.told
        assert "00000002.history" in stored(jobs.place)
    finally:
        workshop.discard(standby)
