# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the commands of a server write, as far as their text tells; pure; private to the collection."""

from __future__ import annotations

import json
import os
import re
import typing as t

__all__ = ["Archive", "candidates", "definitions", "pgbackrest_paths", "runs"]

# An absolute path: not the rest of a relative one, of an option such as -x/y, of a URL or of another host's (host:/path).
_PATH = re.compile(r"""(?<![\w./%~:@-])/[^\s'"|&;<>()$`\\]*""")
_WORD = re.compile(r"[^\s'\"|&;<>()$`]+")
_PGBACKREST = re.compile(
    r"^\s*(?P<name>lock-path|log-path|spool-path|repo[0-9]*-path)\s*=\s*(?P<path>/[^\n]*?)[ \t]*$", re.MULTILINE
)
_PGBACKREST_DEFAULTS = {
    "lock-path": "/tmp/pgbackrest",
    "log-path": "/var/log/pgbackrest",
    "spool-path": "/var/spool/pgbackrest",
    "repo1-path": "/var/lib/pgbackrest",
}


class Archive(t.NamedTuple):
    """What the command of this collection (`rampart-backup archive DEFINITION`) does by a definition."""

    writes: tuple[str, ...]  # directories
    reads: tuple[str, ...]  # files
    cluster: str = ""  # whose WAL it is for; empty where the definition is that of another kind of job

    @classmethod
    def of(cls, content: bytes) -> Archive:
        """Read one; what cannot be read names nothing."""
        try:
            values = json.loads(content)
        except ValueError:
            return cls((), ())
        values = values if isinstance(values, dict) else {}
        cluster = values.get("cluster")
        label = cluster.get("label") if isinstance(cluster, dict) and values.get("kind") == "wal" else ""
        places = [each for each in _list(values.get("places")) if isinstance(each, dict)]
        encryption = values.get("encryption")
        recipients = _list(encryption.get("recipients")) if isinstance(encryption, dict) else []
        writes = [each.get("path") for each in places]
        reads = [*(each.get(name) for each in places for name in ("key", "known_hosts", "config")), *recipients]
        return cls(_paths(writes), _paths(reads), str(label or ""))


def _list(value: object) -> list[t.Any]:
    return value if isinstance(value, list) else []


def _paths(values: t.Iterable[object]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each for each in values if isinstance(each, str) and each.startswith("/")))


def definitions(command: str) -> tuple[str, ...]:
    """The definitions of jobs that a command archives by."""
    words = _WORD.findall(command)
    return tuple(
        path
        for program, verb, path in zip(words, words[1:], words[2:])
        if os.path.basename(program) == "rampart-backup" and verb == "archive" and path.startswith("/")
    )


def candidates(command: str) -> tuple[str, ...]:
    """Absolute paths in a command; of one with a placeholder (``/archive/%f``), the directory before it.

    One without is a directory, a program or a file of options: whoever can look there has to tell.
    """
    found = []
    for match in _PATH.finditer(command):
        text, placeholder, _rest = match.group().partition("%")
        path = os.path.dirname(text) if placeholder else text.rstrip("/")
        if path.strip("/") and ".." not in path.split("/"):
            found.append(os.path.normpath(path))
    return tuple(dict.fromkeys(found))


def runs(command: str, program: str) -> bool:
    """Whether a program is among the words of a command, with or without its directory."""
    return any(os.path.basename(word) == program for word in _WORD.findall(command))


def pgbackrest_paths(configuration: str) -> tuple[str, ...]:
    """Where pgBackRest writes on this host, by the text of its configuration, for any stanza, and its own defaults."""
    said: dict[str, list[str]] = {}
    for match in _PGBACKREST.finditer(configuration):
        said.setdefault(match["name"], []).append(match["path"])
    found = {**{name: [path] for name, path in _PGBACKREST_DEFAULTS.items()}, **said}
    return tuple(dict.fromkeys(path for paths in found.values() for path in paths))
