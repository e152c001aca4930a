"""Real, throw-away PostgreSQL servers of every supported major version.

The programs come from `scripts/servers`. A server runs as an unprivileged account, as PostgreSQL
insists, so everything it reads and writes lies in a directory of its own outside the checkout.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pathlib
import pwd
import shutil
import socket
import subprocess
import tempfile
import typing as t

import psycopg

if t.TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Sequence

__all__ = [
    "BUILD",
    "EXTENSIONS",
    "MAJORS",
    "Installation",
    "Owner",
    "Server",
    "Workshop",
    "find_owner",
]

_HERE = pathlib.Path(__file__).resolve().parent
BUILD: t.Final = pathlib.Path(os.environ.get("BUILD", _HERE.parent.parent / ".build"))
_PROGRAMS = pathlib.Path(os.environ.get("POSTGRES_PROGRAMS", BUILD / "postgres"))
_ACCOUNT = "rampart-test"
_WAIT = 30
_ROOM = 6 * 2**30  # bytes; some sixty clusters of 50 MB at the same time, and the programs


def _by_major(path: pathlib.Path) -> dict[int, frozenset[str]]:
    """The words behind each major version."""
    lines = path.read_text(encoding="utf-8").splitlines()
    found = (line.split() for line in lines if line and not line.startswith("#"))
    return {int(major): frozenset(words) for major, *words in found}


MAJORS: t.Final = tuple(_by_major(_HERE / "versions.txt"))
EXTENSIONS: t.Final = _by_major(_HERE.parent / "images" / "extensions.txt")
"""The packages whose extensions `scripts/debian-servers` adds to servers, by major version."""


@dataclasses.dataclass(frozen=True)
class Owner:
    """The operating system account that a server runs as; the bootstrap superuser has its name."""

    name: str
    uid: int
    gid: int

    def run(self, command: Sequence[str | os.PathLike[str]], *, timeout: float = 60) -> str:
        """Run a program as this account and return what it wrote; raise with its words when it fails."""
        account: dict[str, t.Any] = {}
        if os.geteuid() == 0:
            account = {"user": self.uid, "group": self.gid, "extra_groups": []}
        done = subprocess.run(
            [os.fspath(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd="/",
            env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
            timeout=timeout,
            check=False,
            **account,
        )
        if done.returncode != 0:
            raise RuntimeError(f"{command[0]} ended with {done.returncode}:\n{done.stdout}")
        return done.stdout

    @contextlib.contextmanager
    def acting(self) -> Iterator[None]:
        """Act as this account within the block: what peer authentication and file permissions see."""
        if os.geteuid() != 0:
            yield
            return
        groups = os.getgroups()
        os.setgroups([])
        os.setegid(self.gid)
        os.seteuid(self.uid)
        try:
            yield
        finally:
            os.seteuid(0)
            os.setegid(0)
            os.setgroups(groups)


def find_owner() -> Owner:
    """The account for the servers: ourselves, or for root `postgres`, or one that is made for it."""
    if os.geteuid() != 0:
        entry = pwd.getpwuid(os.geteuid())
        return Owner(name=entry.pw_name, uid=entry.pw_uid, gid=entry.pw_gid)
    for name in ("postgres", _ACCOUNT):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return Owner(name=entry.pw_name, uid=entry.pw_uid, gid=entry.pw_gid)
    subprocess.run(["useradd", "--system", "--user-group", "--no-create-home", _ACCOUNT], check=True)
    return find_owner()


def _roomy_directory() -> str:
    """Memory where there is enough of it, which halves the time of the tests; else the disk."""
    with contextlib.suppress(OSError):
        found = os.statvfs("/dev/shm")
        if found.f_bavail * found.f_frsize > _ROOM and not found.f_flag & os.ST_NOEXEC:
            return "/dev/shm"
    return "/var/tmp"


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@dataclasses.dataclass
class Server:
    """One cluster and the programs that run it."""

    major: int
    bindir: pathlib.Path
    data_directory: pathlib.Path
    socket_directory: pathlib.Path
    port: int
    superuser: str
    owner: Owner
    log: pathlib.Path

    @property
    def hba_file(self) -> pathlib.Path:
        return self.data_directory / "pg_hba.conf"

    @property
    def conf_file(self) -> pathlib.Path:
        return self.data_directory / "postgresql.conf"

    def _pg_ctl(self, action: str, *options: str) -> None:
        self.owner.run([self.bindir / "pg_ctl", action, "-D", self.data_directory, "-w", "-t", str(_WAIT), *options])

    def start(self, *, options: str = "") -> None:
        """Start the server; ``options`` are for its command line."""
        try:
            self._pg_ctl("start", "-l", str(self.log), *(("-o", options) if options else ()))
        except RuntimeError as exc:
            raise RuntimeError(f"{exc}\n{self.log_text()}") from exc

    def stop(self, *, mode: str = "fast") -> None:
        self._pg_ctl("stop", "-m", mode)

    def restart(self) -> None:
        self.stop()
        self.start()

    def reload(self) -> None:
        """Ask for a reload and wait until the server has done it, whatever it thinks of the files."""
        with self.connect() as connection:
            before = connection.execute("SELECT pg_catalog.pg_conf_load_time()").fetchone()
            offset = len(self.log_text())
            connection.execute("SELECT pg_catalog.pg_reload_conf()")
            for _attempt in range(500):
                connection.execute("SELECT pg_catalog.pg_sleep(0.01)")
                if connection.execute("SELECT pg_catalog.pg_conf_load_time()").fetchone() != before:
                    return
                # A server that refuses a file keeps its load time, and says so.
                if "no changes were applied" in self.log_text()[offset:]:
                    return
        raise RuntimeError(f"PostgreSQL {self.major} did not reload:\n{self.log_text()}")

    def is_running(self) -> bool:
        try:
            self.owner.run([self.bindir / "pg_ctl", "status", "-D", self.data_directory])
        except RuntimeError:
            return False
        return True

    def log_text(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""

    def connect(self, **options: t.Any) -> psycopg.Connection[tuple[t.Any, ...]]:
        """Connect, by default as the superuser over the socket, with autocommit; options are libpq's."""
        options = {
            "host": str(self.socket_directory),
            "port": self.port,
            "user": self.superuser,
            "dbname": "postgres",
            "connect_timeout": 10,
            "autocommit": True,
            **options,
        }
        with self.owner.acting():
            return psycopg.connect(**options)

    def query(self, statement: str, parameters: Sequence[t.Any] | None = None) -> list[tuple[t.Any, ...]]:
        """Run one statement as the superuser; its rows, or nothing where it returns none."""
        with self.connect() as connection:
            cursor = connection.execute(statement.encode(), parameters)
            return cursor.fetchall() if cursor.description else []


@dataclasses.dataclass(frozen=True)
class Installation:
    """The programs of one major version, and a cluster made with them to copy from."""

    major: int
    bindir: pathlib.Path
    template: pathlib.Path


class Workshop:
    """Makes servers, in a directory that is removed with everything in it at the end."""

    def __init__(self, programs: pathlib.Path = _PROGRAMS) -> None:
        self.owner = find_owner()
        self._folder = programs  # of one folder for each major version
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="rampart-", dir=_roomy_directory()))
        self.directory.chmod(0o711)
        self._installations: dict[int, Installation] = {}
        self._servers: list[Server] = []

    def installation(self, major: int) -> Installation:
        """The programs of this major version; a cluster is made with them the first time."""
        if major not in self._installations:
            bindir = self._programs(major)
            template = self._room(f"{major}-template") / "data"
            self._initdb(bindir, template)
            self._installations[major] = Installation(major=major, bindir=bindir, template=template)
        return self._installations[major]

    def server(self, major: int, *, initdb: Sequence[str] = ()) -> Server:
        """A server of this major version with a new cluster, running; ``initdb`` are more options of that program."""
        installation = self.installation(major)
        room = self._room(f"{major}-{len(self._servers)}")
        server = Server(
            major=major,
            bindir=installation.bindir,
            data_directory=room / "data",
            socket_directory=room,
            port=_free_port(),
            superuser=self.owner.name,
            owner=self.owner,
            log=room / "log",
        )
        if initdb:
            self._initdb(installation.bindir, server.data_directory, *initdb)
        else:
            self.owner.run(["cp", "-a", "--reflink=auto", installation.template, server.data_directory])
        # In the file, not on the command line, where nothing could change them any more.
        with self.owner.acting(), server.conf_file.open("a", encoding="utf-8") as stream:
            stream.write(
                f"port = {server.port}\n"
                f"unix_socket_directories = '{server.socket_directory}'\n"
                "fsync = off\n"
                "shared_buffers = 16MB\n"
            )
        self._servers.append(server)
        server.start()
        return server

    def standby(self, primary: Server, *, settings: str = "") -> Server:
        """A running standby of a server, which is stopped for the copy and started again; ``settings`` are its own."""
        room = self._room(f"{primary.major}-{len(self._servers)}")
        standby = dataclasses.replace(
            primary, data_directory=room / "data", socket_directory=room, port=_free_port(), log=room / "log"
        )
        primary.stop()
        self.owner.run(["cp", "-a", "--reflink=auto", primary.data_directory, standby.data_directory])
        primary.start()
        with self.owner.acting(), standby.conf_file.open("a", encoding="utf-8") as stream:
            stream.write(
                f"port = {standby.port}\n"
                f"unix_socket_directories = '{room}'\n"
                f"primary_conninfo = 'host={primary.socket_directory} port={primary.port} user={primary.superuser}'\n"
                f"{settings}"
            )
        with self.owner.acting():
            (standby.data_directory / "standby.signal").touch()
        self._servers.append(standby)
        standby.start()
        return standby

    def _initdb(self, bindir: pathlib.Path, data: pathlib.Path, *options: str) -> None:
        given = ("--auth", "trust", "--encoding", "UTF8", "--locale", "C", "--no-sync", *options)
        self.owner.run([bindir / "initdb", f"--pgdata={data}", "--username", self.owner.name, *given])

    def discard(self, server: Server) -> None:
        """Stop a server in whatever state it is, and remove what it wrote."""
        if server.is_running():
            server.stop(mode="immediate")
        shutil.rmtree(server.data_directory.parent, ignore_errors=True)

    def close(self) -> None:
        """Stop every server that still runs and remove the directory."""
        for server in self._servers:
            if server.data_directory.exists():
                self.discard(server)
        shutil.rmtree(self.directory, ignore_errors=True)

    def _room(self, name: str) -> pathlib.Path:
        room = self.directory / name
        room.mkdir(mode=0o755)
        if os.geteuid() == 0:
            os.chown(room, self.owner.uid, self.owner.gid)
        return room

    def _programs(self, major: int) -> pathlib.Path:
        """The folder of the programs; they are copied where the account cannot read the checkout."""
        programs = self._folder / str(major)
        if not (programs / "bin" / "postgres").exists():
            raise RuntimeError(f"PostgreSQL {major} is not in {self._folder}; run scripts/servers")
        try:
            self.owner.run([programs / "bin" / "postgres", "--version"])
        except (OSError, RuntimeError):
            copy = self.directory / f"{major}-programs"
            shutil.copytree(programs, copy, symlinks=True)
            programs = copy
        # For the stand-in of initdb, which runs as the account.
        cache = programs / "cache"
        cache.mkdir(exist_ok=True)
        if os.geteuid() == 0:
            os.chown(cache, self.owner.uid, self.owner.gid)
        return programs / "bin"
