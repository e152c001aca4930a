# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A cluster of its own, reached by a socket that nobody else reaches, in a sandbox: to restore into."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import stat
import subprocess
import tempfile
import time
import typing as t

from ..definition import Cluster
from ..faults import DefinitionFault
from ..faults import Fault
from ..faults import RestoreFault
from ..faults import SourceFault
from ..faults import VerificationFault
from ..sources.server import Server
from ..streams.process import environment
from ..telling import replace

if t.TYPE_CHECKING:
    from .sandbox import Sandbox

__all__ = ["Programs", "Scratch"]

_WAIT = 10_000_000  # seconds for a server to start or to stop: it takes as long as it takes, and ends when it cannot
_RESTRICTING: t.Final = {13: 22, 14: 19, 15: 14, 16: 10, 17: 6}  # minor versions whose psql has \\restrict
_CONFIGURATION = ("postgresql.conf", "postgresql.auto.conf", "pg_hba.conf", "pg_ident.conf")
_POLL = (0.05, 1.0)  # seconds between two looks at a server that replays: at first, at most
_AT = """
SELECT pg_catalog.json_build_object(
  'lsn', pg_catalog.pg_last_wal_replay_lsn()::text,
  'at', pg_catalog.to_char(pg_catalog.pg_last_xact_replay_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))
"""
_SHOWN = 3000  # characters of its log in a message
_LARGEST = 2**24  # bytes of a file of configuration


class Programs:
    """Where the server programs of a version are; ``pattern`` holds ``{major}``."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern

    def of(self, version: str) -> str:
        """The directory for a server_version; raises when it is not on this host."""
        match = re.match(r"[0-9]{1,3}(?![0-9])", version)
        if match is None:
            raise RestoreFault(f"{version!r} is no version of PostgreSQL")
        major = match.group()
        bindir = self._pattern.replace("{major}", major)
        if not os.access(os.path.join(bindir, "initdb"), os.X_OK):
            raise DefinitionFault(
                f"bindir: {bindir} has no initdb: PostgreSQL {major} has to be installed on this host"
            )
        return bindir


class Scratch:
    """A cluster in ``directory``, which must not exist. A context in which it runs. Its tablespaces are beside it.

    ``stays``: it is started again later, by others.
    """

    def __init__(
        self,
        *,
        bindir: str,
        directory: str,
        superuser: str,
        settings: t.Mapping[str, str],
        sandbox: Sandbox,
        stays: bool = False,
    ) -> None:
        if not superuser.isprintable():
            raise RestoreFault(f"{superuser!r} is no name for the superuser of a cluster")
        self._bindir = bindir
        self.directory = directory
        self.tablespaces = f"{directory}-tablespaces"
        self._settings = settings
        self._sandbox = sandbox
        # Whoever archives the WAL of one that stays later wants the beginning of its timeline too: it waits for that.
        self._archive = {"archive_mode": "on" if stays else "off", "archive_command": ""}
        # The path of a socket has 107 bytes at most.
        self.sockets = tempfile.mkdtemp(prefix="rampart-")
        self._log = os.path.join(self.sockets, "log")
        self._recovery: t.Mapping[str, str] = {}
        self.cluster = Cluster(label="restored", bindir=bindir, host=self.sockets, port=5432, user=superuser)
        self.server = Server(self.cluster)

    def initialise(self, *, checksums: bool) -> None:
        """Make it empty."""
        words = ["-D", self.directory, "-U", self.cluster.user, "-E", "UTF8", "--locale=C", "--auth=trust", "--no-sync"]
        self._run("initdb", *words, *(["--data-checksums"] if checksums else []))

    def adopt(self) -> dict[str, tuple[bytes, int] | None]:
        """Take what a base backup left: nothing of its configuration is used, whatever it would load or run.

        Returns that configuration, content and mode by name, None where there was none.
        """
        quoted = self.cluster.user.replace('"', '""')
        kept = {}
        for name in _CONFIGURATION:
            path = os.path.join(self.directory, name)
            kept[name] = _content(path)
            replace(path, f'local all "{quoted}" trust\n' if name == "pg_hba.conf" else "", mode=0o600)
        for name in ("standby.signal", "recovery.signal"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(os.path.join(self.directory, name))
        return kept

    def give_back(self, kept: t.Mapping[str, tuple[bytes, int] | None]) -> None:
        """Put back its own configuration; what it was started with is forgotten. It has to be stopped."""
        for name, held in kept.items():
            path = os.path.join(self.directory, name)
            if held is None:
                os.unlink(path)
            else:
                replace(path, held[0], mode=held[1])
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(self.directory, "postmaster.opts"))

    def check_pages(self) -> None:
        """Read every page of the cluster, which is stopped; raises when a checksum is wrong."""
        words = [os.path.join(self._bindir, "pg_checksums"), "--check", "-D", self.directory]
        self._run_words(self._sandbox.words(words, readable=[self.directory, self.tablespaces]))

    def has_checksums(self) -> bool:
        """Whether its pages have checksums."""
        return self.control().get("Data page checksum version", "0") != "0"

    @property
    def open_to_all(self) -> bool:
        """Whether there is no sandbox."""
        return self._sandbox.open_to_all

    def restricts(self) -> bool:
        """Whether its psql can be kept from obeying what it reads."""
        found = re.search(r"(\d+)\.(\d+)", self._run("psql", "--version"))
        if found is None:
            return False
        major, minor = int(found.group(1)), int(found.group(2))
        return minor >= _RESTRICTING.get(major, 0 if major > max(_RESTRICTING) else minor + 1)

    def confined(
        self, words: t.Sequence[str], *, writable: t.Sequence[str] = (), readable: t.Sequence[str] = ()
    ) -> list[str]:
        """A client of it that reads what is restored, as it has to be started."""
        return self._sandbox.words(words, writable=[self.sockets, *writable], readable=readable)

    def control(self) -> dict[str, str]:
        """What pg_controldata says of it, by its own words."""
        words = [os.path.join(self._bindir, "pg_controldata"), "-D", self.directory]
        lines = self._run_words(self._sandbox.words(words, readable=[self.directory])).splitlines()
        return {name.strip(): value.strip() for name, _colon, value in (line.partition(":") for line in lines)}

    def recover(self, settings: t.Mapping[str, str]) -> None:
        """Let it recover from an archive when it is started, until it is promoted."""
        self._recovery = settings
        replace(os.path.join(self.directory, "recovery.signal"), "", mode=0o600)

    def start(self) -> None:
        """Start it; it has replayed all that it has to afterwards. Raises with its own words when it did not come so far."""
        # Nothing of what is restored may reach out, or keep the server from starting.
        fixed = {
            "listen_addresses": "",
            "unix_socket_directories": self.sockets,
            "port": "5432",
            **self._archive,
        }
        options = " ".join(
            _option(name, value) for name, value in {**self._settings, **self._recovery, **fixed}.items()
        )
        self._sandbox.refuse_none()
        os.makedirs(self.tablespaces, mode=0o700, exist_ok=True)
        words = ("start", "-D", self.directory, "-w", "-t", str(_WAIT), "-l", self._log, "-o", options)
        writable = (self.directory, self.tablespaces, self.sockets)
        try:
            self._run_words(self._sandbox.words([os.path.join(self._bindir, "pg_ctl"), *words], writable=writable))
            if self._recovery:
                self._await_promotion()
        except BaseException:
            self._end()
            raise

    def _await_promotion(self) -> None:
        """With hot_standby off it takes no connections before, and pg_ctl does not wait for it."""
        pause, most = _POLL
        while True:
            try:
                if self.server.answer("SELECT pg_catalog.pg_is_in_recovery()") == "f":
                    return
            except SourceFault:
                self._run("pg_ctl", "status", "-D", self.directory)  # raises once it has ended
            time.sleep(pause)
            pause = min(pause * 1.5, most)

    def reached(self) -> dict[str, str]:
        """How far it replayed: ``lsn``, and ``at`` the time of the last commit, empty if there was none."""
        found = self.server.ask(_AT)
        return {name: str(value or "") for name, value in found.items()}

    def stop(self) -> None:
        """Stop it cleanly; raises when it did not, and it has ended all the same."""
        try:
            self._run("pg_ctl", "stop", "-D", self.directory, "-w", "-t", str(_WAIT), "-m", "fast")
        except BaseException:
            self._end()
            raise

    def _end(self) -> None:
        with contextlib.suppress(Fault):
            self._run("pg_ctl", "stop", "-D", self.directory, "-w", "-m", "immediate")

    def __enter__(self) -> Scratch:
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        with contextlib.suppress(Fault):
            self.stop()

    def remove(self) -> None:
        """Take away the directory of its socket, and that of tablespaces if it has none."""
        shutil.rmtree(self.sockets, ignore_errors=True)
        with contextlib.suppress(OSError):
            os.rmdir(self.tablespaces)

    def _run(self, program: str, *words: str) -> str:
        return self._run_words([os.path.join(self._bindir, program), *words])

    def _run_words(self, words: t.Sequence[str]) -> str:
        done = subprocess.run(
            list(words),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment(),
            cwd="/",
            check=False,
        )
        answer = done.stdout.decode("utf-8", "replace")
        if done.returncode != 0:
            said = answer + self._said()
            name = next((os.path.basename(each) for each in words if each.startswith(self._bindir)), words[0])
            raise RestoreFault(f"{name} ended with {done.returncode}: {said[-_SHOWN:].strip()}")
        return answer

    def _said(self) -> str:
        with contextlib.suppress(OSError), open(self._log, encoding="utf-8", errors="replace") as stream:
            return stream.read()
        return ""


def _content(path: str) -> tuple[bytes, int] | None:
    """A backup may bring a link out of the sandbox, or something that never ends, under the name of a file."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise VerificationFault(f"{os.path.basename(path)} in the backup is no file: {error.strerror}") from None
    with os.fdopen(descriptor, "rb") as stream:
        about = os.fstat(descriptor)
        if not stat.S_ISREG(about.st_mode) or about.st_size > _LARGEST:
            raise VerificationFault(f"{os.path.basename(path)} in the backup is no file of {_LARGEST} bytes at most")
        return stream.read(_LARGEST), stat.S_IMODE(about.st_mode)


def _option(name: str, value: str) -> str:
    """For pg_ctl, which hands its options to a shell."""
    quoted = value.replace("'", "'\\''")
    return f"-c '{name}={quoted}'"
