"""WAL that a real server archives by the program: into a directory and, by real ssh, into a vault."""

from __future__ import annotations

import gzip
import hashlib
import time
import typing as t

import pytest
from rampart_backup import wal

from ansible_collections.rampart.postgresql.tests.conformance.backup.vaults import Vault

if t.TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable
    from collections.abc import Iterator

    from ansible_collections.rampart.postgresql.tests.conformance.backup.jobs import Jobs

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


def until(holds: Callable[[], object], *, seconds: float = 20) -> None:
    """Wait for something."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come to that"
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
