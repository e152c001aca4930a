"""Runs a play and looks for secrets wherever Ansible may leave them: output, return values, files, processes."""

from __future__ import annotations

import base64
import dataclasses
import json
import os
import pathlib
import subprocess
import threading
import typing as t

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

__all__ = ["PLACES", "Secrets", "Watched", "watched_play"]

PLACES: t.Final = ("output", "log", "return values", "controller files", "host files", "facts cache", "argv", "environ")
_PAUSE = 0.04  # seconds between two looks; what Ansible writes lives as long as a module runs
_LARGEST = 4 * 2**20  # bytes of a file
_ENOUGH = 12  # characters of base64 that are not there by chance
_RECORDER = """
from ansible.plugins.callback import CallbackBase
import json, os

DOCUMENTATION = "name: recorder\\ntype: aggregate\\nshort_description: x\\ndescription: x\\n"

class CallbackModule(CallbackBase):
    CALLBACK_VERSION, CALLBACK_TYPE, CALLBACK_NAME = 2.0, "aggregate", "recorder"
    CALLBACK_NEEDS_ENABLED = True

    def _keep(self, result, **_more):
        with open(os.environ["RECORDED"], "a") as stream:
            stream.write(json.dumps(result._result, default=str) + "\\n")

    v2_runner_on_ok = v2_runner_on_failed = v2_runner_item_on_ok = v2_runner_item_on_failed = _keep
"""


class Secrets:
    """What must not be seen, in every spelling in which it could be."""

    def __init__(self) -> None:
        self._patterns: dict[bytes, str] = {}

    def add_text(self, name: str, text: str) -> None:
        """A passphrase."""
        self._patterns[text.encode()] = name

    def add_keys(self, name: str, content: bytes, passphrase: str | None = None) -> int:
        """Every private key of a file: lines of its PEM, and its number in binary, hexadecimal, decimal and base64."""
        blocks = content.split(b"-----BEGIN ")[1:]
        keys = [b"-----BEGIN " + block for block in blocks if block.partition(b"-----")[0].endswith(b"PRIVATE KEY")]
        for key in keys:
            body = key.split(b"-----")[2]
            for line in body.split():
                if len(line) >= _ENOUGH:
                    self._patterns[line] = name
            self._add_number(name, key, passphrase)
        return len(keys)

    def _add_number(self, name: str, key: bytes, passphrase: str | None) -> None:
        password = passphrase.encode() if passphrase and b"ENCRYPTED" in key else None
        numbers: t.Any = t.cast(t.Any, serialization.load_pem_private_key(key, password)).private_numbers()
        value: int = numbers.private_value if isinstance(numbers, ec.EllipticCurvePrivateNumbers) else numbers.d
        raw = value.to_bytes((value.bit_length() + 7) // 8, "big")
        self._patterns |= {raw: name, raw.hex().encode(): name, str(value).encode(): name}
        for shift in range(3):  # where it begins decides how base64 spells it
            self._patterns[base64.b64encode(bytes(shift) + raw)[4:-4]] = name

    def found_in(self, content: bytes) -> set[str]:
        """Names of what is there."""
        lower = content.lower()
        return {name for pattern, name in self._patterns.items() if pattern in content or pattern in lower}


@dataclasses.dataclass
class Watched:
    """A play that is over, and what was to be seen of it in each place."""

    code: int
    output: str
    seen: dict[str, set[bytes]]

    def leaks(self, secrets: Secrets) -> dict[str, set[str]]:
        """Place to names of secrets; empty when there is none."""
        found = {place: set().union(*map(secrets.found_in, contents)) for place, contents in self.seen.items()}
        return {place: names for place, names in found.items() if names}


class _Watch(threading.Thread):
    """Looks at processes and files until it is told to stop."""

    def __init__(self, directories: dict[str, pathlib.Path], seen: dict[str, set[bytes]]) -> None:
        super().__init__(daemon=True)
        self._directories, self._seen = directories, seen
        self._known: set[tuple[str, int, int]] = set()
        self.over = threading.Event()
        self.looks = 0

    def run(self) -> None:
        """Until the event; once more then."""
        while not self.over.wait(_PAUSE):
            self._look()
        self._look()

    def _look(self) -> None:
        self.looks += 1
        for process in os.listdir("/proc"):
            if process.isdigit():
                self._seen["argv"].add(_read(pathlib.Path("/proc", process, "cmdline")))
                self._seen["environ"].add(_read(pathlib.Path("/proc", process, "environ")))
        for place, directory in self._directories.items():
            for folder, _folders, names in os.walk(directory):
                for name in names:
                    self._look_at(place, pathlib.Path(folder, name))

    def _look_at(self, place: str, path: pathlib.Path) -> None:
        try:
            found = path.lstat()
        except OSError:
            return
        identity = (str(path), found.st_size, found.st_mtime_ns)
        if identity not in self._known and found.st_size < _LARGEST:
            self._known.add(identity)
            self._seen[place].add(_read(path))


def _read(path: pathlib.Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def watched_play(
    tasks: list[dict[str, t.Any]],
    hosts: t.Mapping[str, t.Mapping[str, t.Any]],
    directory: pathlib.Path,
    *,
    secrets: t.Mapping[str, str],
    pipelining: bool,
) -> Watched:
    """Run tasks on hosts with -vvv, keeping what Ansible would remove on them. ``secrets`` are variables.

    They come from a file of variables, which lies where nobody looks, as the one that a vault protects does. The name of
    ``directory`` must be short: Ansible makes sockets below it.
    """
    names = ("controller files", "host files", "facts cache")
    places = {name: directory / name.replace(" ", "-") for name in names}
    callbacks, hidden = directory / "callbacks", directory / "hidden"
    for path in (*places.values(), callbacks, hidden):
        path.mkdir()
    (callbacks / "recorder.py").write_text(_RECORDER, encoding="utf-8")
    variables, playbook, inventory = hidden / "secrets.json", directory / "play.yml", directory / "inventory.json"
    variables.write_text(json.dumps(dict(secrets)), encoding="utf-8")
    inventory.write_text(json.dumps({"all": {"hosts": hosts}}), encoding="utf-8")
    playbook.write_text(json.dumps([{"hosts": "all", "gather_facts": True, "gather_subset": ["!all"], "tasks": tasks}]))
    files = places["controller files"]
    seen: dict[str, set[bytes]] = {place: set() for place in PLACES}
    watch = _Watch(places, seen)
    watch.start()
    done = subprocess.run(
        ["ansible-playbook", "-vvv", "--diff", "-i", str(inventory), "-e", f"@{variables}", str(playbook)],
        env={
            **os.environ,
            "ANSIBLE_HOME": str(files / "home"),
            "ANSIBLE_LOCAL_TEMP": str(files / "local"),
            "TMPDIR": str(files),
            "ANSIBLE_REMOTE_TEMP": str(places["host files"]),
            "ANSIBLE_KEEP_REMOTE_FILES": "true",
            "ANSIBLE_PIPELINING": str(pipelining).lower(),
            "ANSIBLE_CACHE_PLUGIN": "jsonfile",
            "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(places["facts cache"]),
            "ANSIBLE_LOG_PATH": str(directory / "log"),
            "ANSIBLE_CALLBACK_PLUGINS": str(callbacks),
            "ANSIBLE_CALLBACKS_ENABLED": "recorder",
            "RECORDED": str(directory / "recorded"),
            "ANSIBLE_INVENTORY_ENABLED": "yaml",
            "ANSIBLE_YAML_FILENAME_EXT": ".json",
            "ANSIBLE_NOCOLOR": "true",
        },
        capture_output=True,
        timeout=300,
        check=False,
    )
    watch.over.set()
    watch.join()
    seen["output"] |= {done.stdout, done.stderr}
    seen["log"].add(_read(directory / "log"))
    seen["return values"].add(_read(directory / "recorded"))
    return Watched(done.returncode, (done.stdout + done.stderr).decode(), seen)
