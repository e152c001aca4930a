"""Jobs of the backup program, run as the account of a real server, with the real programs of its version."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import typing as t
import zipapp

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

__all__ = ["PROGRAM", "Done", "Jobs", "Keys", "build_program"]

PROGRAM: t.Final = pathlib.Path(__file__).resolve().parents[3] / "roles" / "pg_backup" / "files" / "program"
_PYTHON = "/usr/bin/python3"  # of the machine: an account of a server cannot read one below /root


def build_program(directory: pathlib.Path) -> pathlib.Path:
    """The program as hosts get it: one file."""
    target = directory / "rampart-backup"
    zipapp.create_archive(PROGRAM, target, interpreter=f"{_PYTHON} -I", filter=lambda path: path.suffix == ".py")
    target.chmod(0o755)
    return target


@dataclasses.dataclass(frozen=True)
class Keys:
    """A pair of age's."""

    identity: pathlib.Path
    recipient: str

    @classmethod
    def make(cls, path: pathlib.Path) -> Keys:
        """Make one; only root reads the identity."""
        subprocess.run(["age-keygen", "-o", path], check=True, capture_output=True)
        path.chmod(0o600)
        done = subprocess.run(["age-keygen", "-y", path], check=True, capture_output=True, text=True)
        return cls(path, done.stdout.strip())

    def encrypt(self, data: bytes) -> bytes:
        """Seal it for this key: anybody may."""
        return subprocess.run(["age", "-r", self.recipient], input=data, check=True, capture_output=True).stdout

    def decrypt(self, data: bytes) -> bytes:
        """What was sealed for this key; raises for another one's."""
        return subprocess.run(["age", "-d", "-i", self.identity], input=data, check=True, capture_output=True).stdout


@dataclasses.dataclass(frozen=True)
class Done:
    """How a command of the program ended."""

    status: int
    said: str
    told: str

    @property
    def shown(self) -> list[dict[str, t.Any]]:
        """The lines of JSON that it wrote."""
        return [json.loads(line) for line in self.said.splitlines()]


class Jobs:
    """A directory of the server's account with everything that a job needs."""

    def __init__(self, server: Server, directory: pathlib.Path) -> None:
        self.server = server
        self.directory = directory
        self.program = build_program(directory)
        self.keys = Keys.make(directory / "identity")
        self.place = self.own("place")
        self.state = self.own("state")

    def own(self, name: str) -> pathlib.Path:
        """A new directory of the server's account."""
        path = self.directory / name
        path.mkdir(mode=0o700)
        if os.geteuid() == 0:
            os.chown(path, self.server.owner.uid, self.server.owner.gid)
        return path

    def define(self, name: str = "nightly", **changes: t.Any) -> pathlib.Path:
        """A job that dumps everything to a directory; what is None is left out."""
        server = self.server
        values = {
            "name": name,
            "kind": "logical",
            "cluster": {
                "label": f"{server.major}/main",
                "bindir": str(server.bindir),
                "host": str(server.socket_directory),
                "port": server.port,
                "user": server.superuser,
            },
            "encryption": {"method": "age", "recipients": [self.keys.recipient]},
            "places": [{"kind": "directory", "path": str(self.place)}],
            "state": str(self.state),
            "metrics": str(self.state),
            **changes,
        }
        path = self.directory / f"{name}.json"
        given = {key: value for key, value in values.items() if value is not None}
        path.write_text(json.dumps(given), encoding="utf-8")
        path.chmod(0o644)
        return path

    def start(self, *words: str | os.PathLike[str], **options: t.Any) -> subprocess.Popen[str]:
        """Start a command of the program as the server's account."""
        account: dict[str, t.Any] = {}
        if os.geteuid() == 0:
            account = {"user": self.server.owner.uid, "group": self.server.owner.gid, "extra_groups": []}
        return subprocess.Popen(
            [str(self.program), *(os.fspath(word) for word in words)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd="/",
            **{"env": {"PATH": "/usr/local/bin:/usr/bin:/bin"}, **account, **options},
        )

    def call(self, *words: str | os.PathLike[str], **options: t.Any) -> Done:
        """Run a command of the program to its end."""
        process = self.start(*words, **options)
        said, told = process.communicate(timeout=120)
        return Done(process.returncode, said, told)

    def status(self, name: str = "nightly") -> dict[str, t.Any]:
        """What the last run left."""
        values = json.loads((self.state / "status" / f"{name}.json").read_text(encoding="utf-8"))
        assert isinstance(values, dict)
        return values

    def backups(self, name: str = "nightly") -> list[pathlib.Path]:
        """Those under their final names, the oldest first."""
        place = self.place / name
        return sorted(each for each in place.iterdir() if each.name[0].isdigit()) if place.exists() else []

    def partial(self) -> list[pathlib.Path]:
        """What is not whole, under whatever name."""
        return [each for each in self.place.rglob("*") if each.name.startswith(".")]

    def database(self, backup: pathlib.Path, part: str) -> bytes:
        """A part of a backup, decrypted."""
        return self.keys.decrypt((backup / f"{part}.age").read_bytes())

    def forge(self, backup: pathlib.Path, part: str, data: bytes) -> None:
        """Let a backup hold something else in a part, as whoever made it could have done: every checksum is right."""
        sealed = self.keys.encrypt(data)
        (backup / f"{part}.age").write_bytes(sealed)
        entry = json.loads((backup / "backup.json").read_text())
        for each in entry["parts"]:
            if each["name"] == f"{part}.age":
                each.update(size=len(sealed), sha256=hashlib.sha256(sealed).hexdigest(), plain_size=len(data))
        (backup / "backup.json").write_text(json.dumps(entry))
        catalogue = backup.parent / "catalogue.jsonl"
        events = [json.loads(line) for line in catalogue.read_text().splitlines()]
        for event in events:
            if event["event"] == "made" and event["backup"]["id"] == entry["id"]:
                event["backup"] = entry
        catalogue.write_text("".join(f"{json.dumps(event)}\n" for event in events))

    def remove(self) -> None:
        """Leave nothing."""
        shutil.rmtree(self.directory, ignore_errors=True)
