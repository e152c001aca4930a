"""Pairs of keys of gpg, each with a home of its own."""

from __future__ import annotations

import os
import subprocess
import typing as t

if t.TYPE_CHECKING:
    import pathlib

    from ansible_collections.rampart.postgresql.tests.conformance.backup.jobs import Jobs

__all__ = ["Pair"]


class Pair:
    """A pair of keys. ``public`` is a file that everybody reads, ``home`` has the private one, for the server's account."""

    def __init__(self, jobs: Jobs, name: str, *, usage: str = "", expires: str = "never", made: str = "") -> None:
        """``expires`` and ``made`` are times as gpg takes them; ``usage`` without encryption makes a key that only signs."""
        self.home = jobs.directory / f"gpg-{name}"
        self.home.mkdir(mode=0o700)
        self.public = jobs.directory / f"{name}.pub"
        self._name = f"{name}@example.com"
        faked = ("--faked-system-time", made) if made else ()
        kind = ("ed25519", usage) if usage else ("future-default", "default")
        self._gpg(*faked, "--passphrase", "", "--quick-generate-key", self._name, *kind, expires)
        self._export()
        self.close()
        if os.geteuid() == 0:
            for path in (self.home, *self.home.rglob("*")):
                os.chown(path, jobs.server.owner.uid, jobs.server.owner.gid)

    def _gpg(self, *words: str | os.PathLike[str], data: bytes = b"") -> bytes:
        done = subprocess.run(
            ["gpg", "--batch", "--quiet", "--homedir", self.home, *words], input=data, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def _export(self) -> None:
        self.public.write_bytes(self._gpg("--export", self._name))

    @property
    def fingerprint(self) -> str:
        """Of the key."""
        lines = self._gpg("--with-colons", "--list-keys", self._name).decode().splitlines()
        return next((line.split(":")[9] for line in lines if line.startswith("fpr:")), "")

    def revoke(self) -> None:
        """By the certificate that gpg made with the key; the public one says it afterwards."""
        certificate = (self.home / "openpgp-revocs.d" / f"{self.fingerprint}.rev").read_text(encoding="utf-8")
        self._gpg("--import", data=certificate.replace("\n:-----BEGIN", "\n-----BEGIN").encode())
        self._export()

    def close(self) -> None:
        """End the agent, which outlives what started it."""
        subprocess.run(["gpgconf", "--homedir", self.home, "--kill", "all"], check=False, capture_output=True)

    @staticmethod
    def encryption(*pairs: pathlib.Path | Pair) -> dict[str, t.Any]:
        """The section of a definition."""
        return {"method": "gpg", "recipients": [str(each.public if isinstance(each, Pair) else each) for each in pairs]}
