# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether packages of a host come from a signed repository of its distribution or of PostgreSQL; private to the collection."""

from __future__ import annotations

import os
import re
import typing as t

__all__ = ["Repository", "Repositories", "forced_places", "parse_head", "parse_source", "stored_name"]

_LISTS = "var/lib/apt/lists"
_SOURCES = "etc/apt"
_KNOWN: t.Final = frozenset({"Debian", "Ubuntu", "apt.postgresql.org"})
_HEAD = 4096  # bytes
_ORIGIN = re.compile(r"^Origin: *(?P<origin>.+?) *$", re.MULTILINE)
_LINE = re.compile(r"^\s*deb(?:-src)?\s+\[(?P<options>[^\]]*)\]\s+(?P<place>\S+)", re.MULTILINE)
_FORCED = re.compile(r"\b(?:trusted|allow-insecure|allow-weak)\s*=\s*(?:yes|true|1|on)\b", re.IGNORECASE)
_FORCED_FIELD = re.compile(
    r"^(?:Trusted|Allow-Insecure|Allow-Weak):\s*(?:yes|true|1|on)\s*$", re.MULTILINE | re.IGNORECASE
)
_PLACES = re.compile(r"^URIs:(?P<places>(?:.*\n?)(?:[ \t]+.*\n?)*)", re.MULTILINE | re.IGNORECASE)
_SCHEME = re.compile(r"^[a-z0-9.+-]+:(?://)?")
_QUOTED = frozenset('\\|{}[]<>"^~_=!@#$%^&*')  # as APT names the files of its lists


class Repository(t.NamedTuple):
    """Where a package comes from. ``trusted`` None: nothing here tells."""

    origin: str | None
    trusted: bool | None


class Repositories:
    """Those of APT, each looked at once; ``root`` stands for the root of the file system."""

    def __init__(self, *, root: str = "/") -> None:
        self._lists = os.path.join(root, _LISTS)
        self._forced = forced_places(_texts(os.path.join(root, _SOURCES)))
        self._found: dict[str, Repository] = {}

    def of(self, source: str) -> Repository:
        """That of a line of ``apt-cache policy``."""
        if source not in self._found:
            self._found[source] = self._look(source)
        return self._found[source]

    def _look(self, source: str) -> Repository:
        parsed = parse_source(source)
        if parsed is None:
            return Repository(None, None)
        place, suite = parsed
        base = stored_name(f"{place}/dists/{suite}")
        signed = self._head(f"{base}_InRelease")
        plain = self._head(f"{base}_Release") if signed is None else None
        if signed is None and plain is None:
            return Repository(None, None)
        origin = parse_head(signed or plain or "")
        is_signed = signed is not None or os.path.exists(os.path.join(self._lists, f"{base}_Release.gpg"))
        return Repository(origin, is_signed and origin in _KNOWN and place not in self._forced)

    def _head(self, name: str) -> str | None:
        try:
            with open(os.path.join(self._lists, name), encoding="utf-8", errors="replace") as stream:
                return stream.read(_HEAD)
        except OSError:
            return None


def parse_source(source: str) -> tuple[str, str] | None:
    """Place and suite of a line such as ``http://deb.debian.org/debian trixie/main amd64 Packages``; pure."""
    words = source.split()
    if len(words) < 2 or "/" not in words[1]:
        return None
    return words[0].rstrip("/"), words[1].rpartition("/")[0]


def stored_name(place: str) -> str:
    """How APT calls what it fetched from a place; pure."""
    quoted = "".join(f"%{ord(each):02x}" if each in _QUOTED else each for each in _SCHEME.sub("", place))
    return quoted.replace("/", "_")


def parse_head(text: str) -> str | None:
    """The origin that a release names; pure."""
    match = _ORIGIN.search(text)
    return match["origin"] if match else None


def forced_places(texts: t.Iterable[str]) -> frozenset[str]:
    """Places that the lists of sources have APT trust without a good signature; pure."""
    found: set[str] = set()
    for text in texts:
        found.update(match["place"] for match in _LINE.finditer(text) if _FORCED.search(match["options"]))
        for stanza in re.split(r"\n\s*\n", text):
            places = _PLACES.search(stanza)
            if places and _FORCED_FIELD.search(stanza):
                found.update(places["places"].split())
    return frozenset(place.rstrip("/") for place in found)


def _texts(directory: str) -> t.Iterator[str]:
    parts = os.path.join(directory, "sources.list.d")
    try:
        names = sorted(name for name in os.listdir(parts) if name.endswith((".list", ".sources")))
    except OSError:
        names = []
    for path in (os.path.join(directory, "sources.list"), *(os.path.join(parts, name) for name in names)):
        try:
            with open(path, encoding="utf-8", errors="replace") as stream:
                yield stream.read(2**20)
        except OSError:
            continue
