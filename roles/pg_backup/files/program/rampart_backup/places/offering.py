# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whose keys may fetch the backups of this account: lines between two others in its authorized_keys, each with a command of ours."""

from __future__ import annotations

import os
import pwd
import re
import typing as t

from .. import telling
from ..faults import DefinitionFault
from ..fields import Fields

__all__ = ["lines", "offer", "with_block"]

_BEGIN = "# BEGIN rampart-backup: each key may run the command beside it and nothing else"
_END = "# END rampart-backup"
_BLOCK = re.compile(rf"^{re.escape(_BEGIN)}$.*?^{re.escape(_END)}\n?", re.MULTILINE | re.DOTALL)
_KEY = re.compile(
    r"(ssh-(ed25519|rsa)|ecdsa-sha2-nistp(256|384|521)|sk-(ssh-ed25519|ecdsa-sha2-nistp256)@openssh[.]com)"
    r" [A-Za-z0-9+/]+=*( [ -~]*)?"
)
_PATH = re.compile(r"/[A-Za-z0-9_./+-]*")  # what needs no quotes, for sshd and for the shell that it starts
_FROM = re.compile(r"[A-Za-z0-9_.:*?/,-]*")


def offer(text: str, program: str, *, dry_run: bool) -> bool:
    """Write the lines of all ``offers`` of a JSON; returns whether that changes something."""
    wanted = lines(text, program)
    home = pwd.getpwuid(os.geteuid()).pw_dir
    path = os.path.join(home, ".ssh", "authorized_keys")
    try:
        before = _read(path)
        after = with_block(before, wanted)
        if after != before and not dry_run:
            os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
            telling.replace(path, after, mode=0o600)
    except (OSError, UnicodeError) as error:
        raise DefinitionFault(f"{path} cannot be written: {error}") from None
    return after != before


def lines(text: str, program: str) -> list[str]:
    """For authorized_keys, one for each of ``offers`` of a JSON."""
    fields = Fields.of_json(text)
    made = [_line(each, program) for each in fields.inners("offers")]
    return fields.close(made)


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as stream:
            return stream.read()
    except FileNotFoundError:
        return ""


def _line(fields: Fields, program: str) -> str:
    path, key, origin = fields.text("path"), fields.text("public_key").strip(), fields.text("from", "")
    fields.close(None)
    for name, value, wanted, expected in (
        ("path", path, _PATH, "the full path of a directory, of letters, digits and _ . / + -"),
        ("public_key", key, _KEY, "one public key of ssh, without options"),
        ("from", origin, _FROM, "addresses and patterns, with commas between them"),
    ):
        if not wanted.fullmatch(value):
            raise DefinitionFault.of(fields.key(name), value, expected)
    limits = f'restrict,from="{origin}"' if origin else "restrict"
    return f'{limits},command="{program} vault {path} --may offer" {key}'


def with_block(text: str, ours: t.Sequence[str]) -> str:
    """What authorized_keys has to be: other lines stay, ours are those, at the end if there were none."""
    block = "\n".join([_BEGIN, *ours, _END]) + "\n" if ours else ""
    if _BLOCK.search(text):
        return _BLOCK.sub(lambda _found: block, text, count=1)
    return text + ("\n" if text and block and not text.endswith("\n") else "") + block
