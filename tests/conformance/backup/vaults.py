"""A vault: a real sshd whose keys may run the backup program's own command, and nothing else."""

from __future__ import annotations

import contextlib
import os
import pathlib
import shutil
import socket
import subprocess
import time
import typing as t

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.tests.conformance.backup.jobs import Jobs

__all__ = ["Vault", "free_port"]

_CONFIGURATION: t.Final = """\
Port {port}
ListenAddress 127.0.0.1
HostKey {directory}/host
AuthorizedKeysFile {directory}/authorized_keys
PidFile none
UsePAM no
StrictModes no
PasswordAuthentication no
"""


class Vault:
    """Runs as the server's account, which is also the vault's; the two directories are apart."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs
        self.directory = jobs.directory / "vault"
        self.root = self.directory / "root"
        self.root.mkdir(parents=True)
        self.port = free_port()
        for name in ("host", "adds", "reads"):
            self._keygen(name)
        self.authorize()
        configuration = self.directory / "sshd_config"
        configuration.write_text(_CONFIGURATION.format(port=self.port, directory=self.directory))
        self._own()
        self.start()

    def start(self) -> None:
        """Begin to answer, or go on with it after ``close``."""
        self._process = self._start(self.directory / "sshd_config")

    def _keygen(self, name: str) -> None:
        path = self.directory / name
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", path], check=True)

    def authorize(self, *, adds: str = "", reads: str = "--may read") -> None:
        """What the two keys may do: options of the forced command."""
        lines = []
        for name, options in (("adds", adds), ("reads", reads)):
            public = (self.directory / f"{name}.pub").read_text().strip()
            lines.append(f'restrict,command="{self._jobs.program} vault {self.root} {options}" {public}\n')
        (self.directory / "authorized_keys").write_text("".join(lines))
        self._own()

    def _own(self) -> None:
        known = (self.directory / "host.pub").read_text().split()
        (self.directory / "known_hosts").write_text(f"[127.0.0.1]:{self.port} {known[0]} {known[1]}\n")
        if os.geteuid() == 0:
            owner = self._jobs.server.owner
            for path in (self.directory, *self.directory.rglob("*")):
                os.chown(path, owner.uid, owner.gid)

    def _start(self, configuration: pathlib.Path) -> subprocess.Popen[bytes]:
        account: dict[str, t.Any] = {}
        if os.geteuid() == 0:
            owner = self._jobs.server.owner
            account = {"user": owner.uid, "group": owner.gid, "extra_groups": []}
        sshd = shutil.which("sshd") or "/usr/sbin/sshd"
        log = (self.directory / "log").open("wb")
        with log:
            process = subprocess.Popen([sshd, "-D", "-e", "-f", configuration], stderr=log, cwd="/", **account)
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and process.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return process
            time.sleep(0.05)
        raise RuntimeError(f"sshd did not start:\n{(self.directory / 'log').read_text()}")

    def place(self, key: str = "adds", **changes: t.Any) -> dict[str, t.Any]:
        """The place as a definition has it."""
        return {
            "kind": "vault",
            "host": "127.0.0.1",
            "port": self.port,
            "account": self._jobs.server.owner.name,
            "key": str(self.directory / key),
            "known_hosts": str(self.directory / "known_hosts"),
            "timeout": 10,
            **changes,
        }

    @property
    def name(self) -> str:
        """As a status tells it."""
        return f"{self._jobs.server.owner.name}@127.0.0.1:{self.port}"

    def ssh(self, command: str, *, key: str = "adds", data: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        """What somebody who holds a key may try."""
        return subprocess.run(self._words(command, key), input=data, capture_output=True, check=False, timeout=60)

    def _words(self, command: str, key: str) -> list[str]:
        options = ["-F", "none", "-p", str(self.port), "-l", self._jobs.server.owner.name]
        options += ["-i", str(self.directory / key), "-o", "BatchMode=yes"]
        return ["ssh", *options, "-o", f"UserKnownHostsFile={self.directory / 'known_hosts'}", "127.0.0.1", command]

    def begin(self, command: str, *, key: str = "adds") -> subprocess.Popen[bytes]:
        """The same for a while, with `send` and `end`."""
        return subprocess.Popen(self._words(command, key), stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    @staticmethod
    def send(process: subprocess.Popen[bytes], data: bytes) -> None:
        """Say more, if somebody listens."""
        if process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                process.stdin.write(data)
                process.stdin.flush()

    @staticmethod
    def end(process: subprocess.Popen[bytes]) -> bytes:
        """What the vault said to all of it."""
        with contextlib.suppress(BrokenPipeError):
            return process.communicate(timeout=60)[0]
        return process.stdout.read() if process.stdout is not None else b""

    def backups(self, job: str = "nightly") -> list[pathlib.Path]:
        """Those under their final names, the oldest first."""
        place = self.root / job
        return sorted(each for each in place.iterdir() if each.name[0].isdigit()) if place.exists() else []

    def partial(self) -> list[pathlib.Path]:
        """What is not whole, under whatever name."""
        return [each for each in self.root.rglob("*") if each.name.startswith(".")]

    def processes(self, whose: str) -> list[int]:
        """Of the connections that are there: sshd's, or those of the program that it started for them."""
        found, todo = [], _children(self._process.pid)
        while todo:
            found += todo
            todo = [inner for each in todo for inner in _children(each)]
        names = {each: pathlib.Path(f"/proc/{each}/comm").read_text() for each in found}
        return [each for each, name in names.items() if name.startswith("sshd") is (whose == "sshd")]

    def close(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait(10)


def _children(process: int) -> list[int]:
    done = subprocess.run(["pgrep", "-P", str(process)], capture_output=True, text=True, check=False)
    return [int(each) for each in done.stdout.split()]


def free_port() -> int:
    """One that nobody listens at now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
