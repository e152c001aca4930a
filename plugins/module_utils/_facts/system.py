# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The operating system of a host, and whether its cryptography is restricted; private to the collection."""

from __future__ import annotations

import os
import shlex
import typing as t

__all__ = ["parse_release", "system_of"]

_RELEASES = ("etc/os-release", "usr/lib/os-release")
_FIPS = "proc/sys/crypto/fips_enabled"
_MOST = 2**16  # bytes


def system_of(unreadable: dict[str, str], *, root: str = "/") -> dict[str, t.Any]:
    """Distribution, version, kernel, and whether the kernel is in FIPS mode; ``root`` stands for the root of the file system."""
    texts = [_read(os.path.join(root, path)) for path in _RELEASES]
    release = parse_release(next((text for text in texts if text), ""))
    fips = {"0": False, "1": True}.get((_read(os.path.join(root, _FIPS)) or "").strip())
    if fips is None:
        unreadable["host.system"] = f"/{_FIPS}: the kernel does not say whether it is in FIPS mode"
    return {
        "distribution": release.get("ID"),
        "version": release.get("VERSION_ID"),
        "kernel": os.uname().release,
        "fips": fips,
    }


def parse_release(text: str) -> dict[str, str]:
    """The variables of os-release; pure."""
    found = {}
    for line in text.splitlines():
        name, equals, value = line.strip().partition("=")
        if equals and not name.startswith("#"):
            try:
                found[name] = " ".join(shlex.split(value))
            except ValueError:  # a quote that nothing ends
                continue
    return found


def _read(path: str) -> str | None:
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            return stream.read(_MOST)
    except OSError:
        return None
