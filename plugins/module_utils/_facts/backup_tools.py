# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tools that make backups of a cluster besides this collection, found by what they leave; private to the collection."""

from __future__ import annotations

import dataclasses
import glob
import os
import re
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._host.sandbox.targets import runs
from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import acting_as

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server

__all__ = ["Repositories", "repository_options", "stanzas", "tools_of"]

_COMMANDS = """
SELECT name, setting FROM pg_catalog.pg_settings
WHERE name IN ('archive_command', 'archive_library', 'restore_command') AND setting <> ''
ORDER BY name"""
_SENDERS = "SELECT DISTINCT application_name AS name FROM pg_catalog.pg_stat_replication ORDER BY 1"
_SLOTS = "SELECT slot_name AS name FROM pg_catalog.pg_replication_slots ORDER BY 1"
_PROGRAMS = (
    ("pgbackrest", ("pgbackrest",)),
    ("barman", ("barman-wal-archive", "barman-cloud-wal-archive", "barman-wal-restore", "barman-cloud-wal-restore")),
    ("wal-g", ("wal-g", "wal-g-pg")),
    ("wal-e", ("wal-e",)),
    ("pgmoneta", ("pgmoneta-cli",)),
    ("pg_probackup", ("pg_probackup",)),
)
_NAMES = (
    ("barman", re.compile("barman")),
    ("pg_receivewal", re.compile("pg_receivewal")),
    ("pgmoneta", re.compile("pgmoneta")),
)
# A configuration of pgBackRest comes with its package; what is in it is looked at.
_FILES = (
    ("barman", "/etc/barman.conf"),
    ("wal-g", "/etc/wal-g"),
    ("wal-g", "/etc/wal-g.d"),
    ("wal-g", "~/.walg.json"),
    ("pgmoneta", "/etc/pgmoneta/pgmoneta.conf"),
)
_CONFIGURATION = ("/etc/pgbackrest/pgbackrest.conf", "/etc/pgbackrest.conf", "/etc/pgbackrest/conf.d/*.conf")
_SECTION = re.compile(r"\[(?P<name>[^\]]+)\]\s*$")
_CLUSTER = re.compile(r"pg[0-9]*-path\s*=\s*(?P<path>.*?)\s*$")
_OPTION = re.compile(r"repo(?P<number>[0-9]*)-(?P<name>cipher-type|host|path|s3-bucket|type)\s*=\s*(?P<value>.*?)\s*$")


def tools_of(server: Server, problems: list[str], read: t.Callable[[str], str]) -> list[dict[str, str]]:
    """Each with everything that tells of it; ``read`` gives the text of a file."""
    found: dict[str, list[str]] = {}
    for name, evidence in (*_by_commands(server), *_by_names(server, problems), *_by_files(server, read)):
        found.setdefault(name, []).append(evidence)
    return [{"name": name, "evidence": "; ".join(dict.fromkeys(told))} for name, told in sorted(found.items())]


def _by_commands(server: Server) -> t.Iterator[tuple[str, str]]:
    """Only the name of the tool is told: a command may hold a secret."""
    for row in server.session.rows(_COMMANDS):
        for name, programs in _PROGRAMS:
            if any(runs(row["setting"], program) for program in programs):
                yield name, f"{row['name']} names {name}"


def _by_names(server: Server, problems: list[str]) -> t.Iterator[tuple[str, str]]:
    for what, query in (("replication slot", _SLOTS), ("sender of WAL to", _SENDERS)):
        try:
            rows = server.session.rows(query)
        except RampartError as error:
            problems.append(str(error))
            continue
        for row in rows:
            yield from ((name, f"{what} {row['name']}") for name, pattern in _NAMES if pattern.search(row["name"]))


def _by_files(server: Server, read: t.Callable[[str], str]) -> t.Iterator[tuple[str, str]]:
    for path in dict.fromkeys(path for pattern in _CONFIGURATION for path in sorted(glob.glob(pattern))):
        for stanza in stanzas(read(path), server.cluster.data_directory):
            yield "pgbackrest", f"{path} has the stanza {stanza} for this cluster"
    for name, path in _FILES:
        path = path.replace("~", server.owner.home, 1)
        with acting_as(server.owner):
            if os.path.lexists(path):
                yield name, f"{path} exists"


def stanzas(text: str, data_directory: str) -> list[str]:
    """Those of a configuration of pgBackRest that are about a cluster; pure."""
    found: list[str] = []
    section = ""
    for line in text.splitlines():
        heading, path = _SECTION.match(line.strip()), _CLUSTER.match(line.strip())
        if heading:
            section = heading["name"]
        elif path and os.path.normpath(path["path"]) == os.path.normpath(data_directory):
            found.append(section)
    return found


@dataclasses.dataclass(frozen=True)
class Repositories:
    """Those of pgBackRest that a job puts its backups in, as its configuration says; None for what it does not."""

    places: list[str]
    encrypted: bool | None
    off_host: bool | None

    @classmethod
    def of(cls, definition: t.Mapping[str, t.Any], read: t.Callable[[str], str]) -> Repositories:
        """Of the definition of a job; ``read`` gives the text of a file."""
        wish = definition.get("pgbackrest")
        wish = wish if isinstance(wish, dict) else {}
        paths = [path for pattern in _CONFIGURATION for path in sorted(glob.glob(pattern))]
        found = repository_options([read(path) for path in paths], str(wish.get("stanza", "")))
        number = wish.get("repositories", 1)
        wanted = [found.get(each) for each in range(1, (number if isinstance(number, int) else 1) + 1)]
        known = [each for each in wanted if each]
        return cls(
            places=[_place(each) for each in known],
            encrypted=None if len(known) < len(wanted) else all(each["cipher-type"] != "none" for each in known),
            off_host=any(map(_is_away, known)) or (None if len(known) < len(wanted) else False),
        )


def repository_options(texts: t.Iterable[str], stanza: str) -> dict[int, dict[str, str]]:
    """What the configuration says of each repository of a stanza, without secrets; pure."""
    sections: dict[str, dict[int, dict[str, str]]] = {}
    for text in texts:
        section = ""
        for line in text.splitlines():
            heading, option = _SECTION.match(line.strip()), _OPTION.match(line.strip())
            if heading:
                section = heading["name"]
            elif option:
                number = int(option["number"] or 1)
                sections.setdefault(section, {}).setdefault(number, {})[option["name"]] = option["value"]
    numbers = {number for name in ("global", stanza) for number in sections.get(name, {})}
    return {
        number: {
            **{"type": "posix", "cipher-type": "none"},
            **{
                key: value
                for name in ("global", stanza)
                for key, value in sections.get(name, {}).get(number, {}).items()
            },
        }
        for number in sorted(numbers)
    }


def _place(repository: t.Mapping[str, str]) -> str:
    where = repository.get("host") or repository.get("s3-bucket") or ""
    return f"{repository['type']} {where}{':' if where else ''}{repository.get('path', '/var/lib/pgbackrest')}"


def _is_away(repository: t.Mapping[str, str]) -> bool:
    return repository["type"] != "posix" or bool(repository.get("host"))
