"""Remotes of rclone: a directory, which tells hashes, and a server of WebDAV on this machine, which tells none."""

from __future__ import annotations

import contextlib
import os
import pathlib
import socket
import subprocess
import time
import typing as t

from ansible_collections.rampart.postgresql.tests.conformance.backup.vaults import free_port

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.tests.conformance.backup.jobs import Jobs

__all__ = ["Remotes"]

_PASSWORD: t.Final = "a-password-that-nobody-else-may-read"


class Remotes:
    """``store`` and ``web``, and ``spools``, which takes no streams, in one configuration that the server's account alone reads."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs
        self.bucket = jobs.directory / "bucket"
        self.bucket.mkdir()
        self.config = jobs.directory / "rclone.conf"
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        obscured = subprocess.run(
            ["rclone", "obscure", "-"], input=_PASSWORD, check=True, capture_output=True, text=True
        ).stdout.strip()
        self.config.write_text(
            f"[store]\ntype = alias\nremote = {self.bucket}\n"
            f"[web]\ntype = webdav\nurl = http://127.0.0.1:{self._port}\nvendor = owncloud\n"
            f"user = u\npass = {obscured}\n[spools]\ntype = webdav\nurl = http://127.0.0.1:{self._port}\nvendor = other\n"
            f"user = u\npass = {obscured}\n"
        )
        self.config.chmod(0o600)
        self.own(self.bucket, self.config)

    def own(self, *paths: pathlib.Path) -> None:
        """Give them to the server's account."""
        if os.geteuid() == 0:
            for path in paths:
                os.chown(path, self._jobs.server.owner.uid, self._jobs.server.owner.gid)

    def leave(self, identifier: str, job: str = "nightly") -> pathlib.Path:
        """What a killed run of another host would leave."""
        path = self.bucket / "db1" / job / identifier
        path.mkdir()
        (path / "x.age").write_text("age-encryption.org/v1")
        self.own(path, path / "x.age")
        return path

    @property
    def _account(self) -> dict[str, t.Any]:
        owner = self._jobs.server.owner
        return {"user": owner.uid, "group": owner.gid, "extra_groups": []} if os.geteuid() == 0 else {}

    def serve(self) -> None:
        """Start the server."""
        words = ("serve", "webdav", self.bucket, "--addr", f"127.0.0.1:{self._port}", "--dir-cache-time", "0s")
        # Its password is in its environment, so that a search of command lines finds what others show.
        self._process = subprocess.Popen(
            ["rclone", "--config", "/dev/null", *words],
            stderr=subprocess.DEVNULL,
            cwd="/",
            env={"PATH": os.environ["PATH"], "RCLONE_USER": "u", "RCLONE_PASS": _PASSWORD},
            **self._account,
        )
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self._port), timeout=1):
                return
            time.sleep(0.05)
        raise RuntimeError("rclone serves nothing")

    def close(self) -> None:
        """End the server."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)

    def place(self, remote: str = "store:db1", **changes: t.Any) -> dict[str, t.Any]:
        """The place as a definition has it."""
        return {"kind": "rclone", "remote": remote, "config": str(self.config), **changes}

    def backups(self, job: str = "nightly") -> list[pathlib.Path]:
        """Those with an entry, the oldest first."""
        return sorted(path.parent for path in (self.bucket / "db1" / job).glob("*/backup.json"))

    def left(self, job: str = "nightly") -> list[pathlib.Path]:
        """What is there of backups that have none."""
        there = (path for path in (self.bucket / "db1" / job).glob("[0-9]*") if path.is_dir())
        return sorted(path for path in there if not (path / "backup.json").exists())
