# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The program on a host: one file, compared, tried and replaced; private to the collection."""

from __future__ import annotations

import base64
import binascii
import dataclasses
import hashlib
import io
import os
import stat
import subprocess
import tempfile
import zipfile
import zlib

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import Unsupported
from ansible_collections.rampart.postgresql.plugins.module_utils._server.directories import unsafe_parent
from ansible_collections.rampart.postgresql.plugins.module_utils._server.files import read_file
from ansible_collections.rampart.postgresql.plugins.module_utils._server.files import replace_file
from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import account_of

__all__ = ["Change", "bring", "listing", "unpacked"]

_MODE = 0o755
_PYTHON = "/usr/bin/python3"
_TIMEOUT = 60  # seconds


@dataclasses.dataclass(frozen=True)
class Change:
    """What is there and what is to be, as lines for people; ``changed`` are names of files within."""

    before: str
    after: str
    needed: bool
    changed: tuple[str, ...]


def unpacked(program: str) -> bytes:
    """The file of the option that the action fills in."""
    try:
        return zlib.decompress(base64.b64decode(program, validate=True))
    except (binascii.Error, zlib.error, ValueError):
        raise InputError(option="program", value="…", expected="what the action plugin of this name makes") from None


def listing(content: bytes | None) -> dict[str, str]:
    """The files within, with what tells their contents apart; empty for what is no such program."""
    if content is None:
        return {}
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return {name: hashlib.sha256(archive.read(name)).hexdigest() for name in sorted(archive.namelist())}
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, OSError):
        return {}


def compared(before: bytes | None, after: bytes, problem: str = "") -> Change:
    """Tell them apart. ``problem`` is what is wrong with the file as it is, whatever its content."""
    old, new = listing(before), listing(after)
    changed = tuple(name for name in sorted({*old, *new}) if old.get(name) != new.get(name))
    note = f"{problem}\n" if problem else ""
    return Change(
        before="" if before is None else note + _lines(old),
        after=_lines(new),
        needed=bool(problem) or before != after,
        changed=changed,
    )


def _lines(names: dict[str, str]) -> str:
    return "".join(f"{digest[:16]}  {name}\n" for name, digest in names.items())


def bring(path: str, content: bytes, *, check_mode: bool) -> Change:
    """Install the program, if it is not there as it has to be."""
    if os.geteuid() != 0:
        raise Unsupported(f"only root can install {path}: use become")
    problem = unsafe_parent(path)
    if problem:
        raise InputError(
            option="path", value=path, expected=f"the full path of a file, below directories of root's: {problem}"
        )
    root = account_of(0)
    found = read_file(path, root)
    change = compared(found.content if found else None, content, _problem(path))
    if not change.needed:
        return change
    _try(content)
    if not check_mode:
        replace_file(path, content, owner=root, mode=_MODE)
        written = read_file(path, root)
        if written is None or written.content != content or _problem(path):
            raise RampartError(f"{path} was written and is not as it should be", path=path)
    return change


def _problem(path: str) -> str:
    """What keeps the file from being root's alone."""
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return ""
    if not stat.S_ISREG(found.st_mode):
        raise InputError(option="path", value=path, expected="a file: something else is there")
    if found.st_uid != 0 or stat.S_IMODE(found.st_mode) != _MODE:
        return f"owner {found.st_uid}, mode {stat.S_IMODE(found.st_mode):04o}"
    return ""


def _try(content: bytes) -> None:
    """A Python that is too old must not replace a program that works."""
    with tempfile.NamedTemporaryFile(prefix="rampart-backup-") as stream:
        stream.write(content)
        stream.flush()
        try:
            done = subprocess.run(  # pylint: disable=ansible-bad-function # run_command needs a module object
                [_PYTHON, "-I", stream.name, "--help"],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
                cwd="/",
                timeout=_TIMEOUT,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Unsupported(f"the program cannot run here: {error}") from None
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["it does not say why"])[-1]
        raise Unsupported(f"the program does not run with {_PYTHON} of this host, which has to be 3.9 or newer: {last}")
