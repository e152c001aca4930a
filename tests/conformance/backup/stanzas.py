"""A stanza of pgBackRest: a server that archives to a repository, and a drill that restores from that."""

from __future__ import annotations

import os
import shutil
import typing as t

from ansible_collections.rampart.postgresql.tests.conformance.backup.test_drill import definition_of_a_drill
from ansible_collections.rampart.postgresql.tests.conformance.servers import BUILD

if t.TYPE_CHECKING:
    import pathlib

    from ansible_collections.rampart.postgresql.tests.conformance.backup.jobs import Done
    from ansible_collections.rampart.postgresql.tests.conformance.backup.jobs import Jobs

__all__ = ["PASSPHRASE", "Stanza"]

PASSPHRASE: t.Final = "a-passphrase-that-nobody-may-read"
_PROGRAM: t.Final = BUILD / "pgbackrest"  # what scripts/debian-backrest made


class Stanza:
    """The server of ``jobs``, its repository, and the configuration of whoever makes backups; drills have their own."""

    name = "main"

    def __init__(self, jobs: Jobs) -> None:
        self.jobs = jobs
        self.server = jobs.server
        self.repository = jobs.place / "pgbackrest"
        self.source = self._configure("source", f"pg1-path={jobs.server.data_directory}", self._reached())
        self.restoring = self._configure("restoring")
        # A job runs the program by its name, with the configuration of its host.
        programs = jobs.directory / "programs"
        programs.mkdir()
        (programs / "pgbackrest").write_text(
            f'#!/bin/sh\n[ "$1" = version ] || set -- --config={self.source} "$@"\nexec {_PROGRAM}/pgbackrest "$@"\n'
        )
        (programs / "pgbackrest").chmod(0o755)
        self.of_jobs = {"PATH": f"{programs}:/usr/bin:/bin"}
        self.of_drills = {"PATH": f"{_PROGRAM}:/usr/bin:/bin"}

    def _reached(self) -> str:
        return f"pg1-port={self.server.port}\npg1-socket-path={self.server.socket_directory}"

    def _configure(self, name: str, *lines: str) -> pathlib.Path:
        """A file that only the server's account reads, in a directory of its own."""
        directory = self.jobs.directory / f"pgbackrest-{name}"
        directory.mkdir(mode=0o700)
        path = directory / "pgbackrest.conf"
        options = [f"{each}-path={directory / each}" for each in ("lock", "log", "spool")]
        options += [f"repo1-path={self.repository}", "repo1-cipher-type=aes-256-cbc", "repo1-retention-full=9"]
        options += [f"repo1-cipher-pass={PASSPHRASE}", "compress-level=1"]
        path.write_text("\n".join(["[global]", *options, f"[{self.name}]", *lines, ""]))
        path.chmod(0o600)
        for each in (directory, path):
            os.chown(each, self.server.owner.uid, self.server.owner.gid)
        return path

    def begin(self) -> None:
        """Let the server archive."""
        command = f"{_PROGRAM}/pgbackrest --config={self.source} --stanza={self.name} archive-push %p"
        with self.server.connect() as connection:
            for name, value in (("archive_mode", "on"), ("archive_command", command)):
                connection.execute(f"ALTER SYSTEM SET {name} = '{value}'")
        self.server.restart()
        self.call("stanza-create")

    def call(self, *words: str) -> str:
        """Run pgBackRest as whoever makes backups."""
        program = str(_PROGRAM / "pgbackrest")
        return self.server.owner.run([program, f"--config={self.source}", f"--stanza={self.name}", *words])

    def back_up(self, kind: str = "full") -> str:
        """Have a job make a backup; returns its label."""
        section = {"stanza": self.name, "type": kind, "checkpoint": "fast"}
        definition = self.jobs.define("base", kind="pgbackrest", pgbackrest=section, encryption=None)
        done = self.jobs.call("run", definition, env=self.of_jobs)
        assert done.status == 0, done.told
        return str(self.jobs.status("base")["id"])

    def define(self, **changes: t.Any) -> pathlib.Path:
        """A drill of it."""
        place = {"kind": "pgbackrest", "stanza": self.name, "config": str(self.restoring)}
        place["superuser"] = self.server.superuser
        return definition_of_a_drill(self.jobs, **{"job": "base", "place": place, **changes})

    def drill(self, **changes: t.Any) -> Done:
        """Run it; it leaves nothing."""
        done = self.jobs.call("drill", self.define(**changes), env=self.of_drills)
        assert list((self.jobs.directory / "scratch").iterdir()) == []
        return done

    def spoil(self, pattern: str) -> None:
        """Change some bytes of the one file in the repository that is so named."""
        (path,) = self.repository.glob(pattern)
        data = bytearray(path.read_bytes())
        middle = len(data) // 2
        data[middle : middle + 8] = bytes(each ^ 0xFF for each in data[middle : middle + 8])
        path.write_bytes(data)

    def take_away(self) -> None:
        """Nothing is reached there any more."""
        shutil.rmtree(self.repository)
