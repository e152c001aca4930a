# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Values that depend on what only the managed host shows: version, cluster, place of the log; private to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._host.addresses import HostAddress
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import LeftAlone
from ansible_collections.rampart.postgresql.plugins.module_utils._settings import listening
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.desired import COMPONENT
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.desired import ByMajor
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.desired import Wish
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.lists import split_items

__all__ = ["Circumstances", "Directory", "decided", "findings", "log_directory"]

_AUTOMATIC = "auto"
_CLUSTER = "{cluster}"
_COLLECTOR = "logging_collector"
_DESTINATION = "log_destination"
_DIRECTORY = "log_directory"
_NAMED_AFTER_THE_CLUSTER = frozenset({_DIRECTORY, "syslog_ident"})
# Where the server can write its log, and the first major version that can.
_DESTINATIONS: t.Final[t.Mapping[str, int]] = {"stderr": 0, "csvlog": 0, "syslog": 0, "jsonlog": 15}
_COLLECTED = frozenset({"csvlog", "jsonlog"})  # only the collector writes these
_OTHERS = 0o027  # write for the group, anything for others


@dataclasses.dataclass(frozen=True)
class Directory:
    """A directory as the owner of the cluster meets it."""

    path: str
    exists: bool
    usable: bool  # files can be made in it; in its parent, when it does not exist
    mode: int = 0o700
    foreign: bool = False  # belongs to somebody else


@dataclasses.dataclass(frozen=True)
class Circumstances:
    """What values may depend on."""

    major: int = 0
    cluster: str = ""  # its name as a file may be called
    destination: str = "stderr"  # the running value of log_destination
    log_file: str | None = None  # where the server's standard error goes, when that is a file
    log_directory: Directory | None = None  # the one that is wanted, when it is given with its full path
    addresses: tuple[HostAddress, ...] = ()  # of this host, where a wish is about them


def decided(wishes: t.Iterable[Wish], seen: Circumstances) -> tuple[list[Wish], list[LeftAlone]]:
    """The wishes with the values that they have here, and those that have none."""
    kept: list[Wish] = []
    left: list[LeftAlone] = []
    for wish in [_settled(wish, seen) for wish in wishes]:
        if wish.value is None:
            left.append(LeftAlone(COMPONENT, wish.name, f"no value is given for PostgreSQL {seen.major}"))
        else:
            _check(wish, seen)
            kept.append(listening.resolved(wish, seen.addresses))
    return _collected(kept, left, seen), left


def log_directory(wishes: t.Iterable[Wish], seen: Circumstances) -> str | None:
    """The directory of the log that is wanted."""
    values = [_settled(wish, seen).value for wish in wishes if wish.name.lower() == _DIRECTORY]
    return next((value for value in values if isinstance(value, str)), None)


def findings(seen: Circumstances) -> t.Iterator[str]:
    """What is unwise in the directory of the log."""
    directory = seen.log_directory
    if directory is None or not directory.exists:
        return
    if directory.mode & _OTHERS:
        yield (
            f"the directory of the log {directory.path} has the mode {directory.mode:04o}, so others than the owner of the"
            " cluster can read the log or change it; 0700 is enough, 0750 for readers of its group"
        )
    if directory.foreign:
        yield f"the directory of the log {directory.path} does not belong to the owner of the cluster"


def _settled(wish: Wish, seen: Circumstances) -> Wish:
    value = wish.value.at(seen.major) if isinstance(wish.value, ByMajor) else wish.value
    if isinstance(value, str) and wish.name.lower() in _NAMED_AFTER_THE_CLUSTER:
        value = value.replace(_CLUSTER, seen.cluster)
    return dataclasses.replace(wish, value=value)


def _check(wish: Wish, seen: Circumstances) -> None:
    name = wish.name.lower()
    if name == _DESTINATION:
        known = [word for word, first in _DESTINATIONS.items() if first <= seen.major]
        if not _destinations(wish.value) <= {*known, "eventlog"}:
            raise InputError(
                option=wish.option,
                value=wish.value,
                expected=f"PostgreSQL {seen.major} takes a list of {', '.join(known)}; jsonlog is known from 15 on",
            )
    directory = seen.log_directory
    if name == _DIRECTORY and directory is not None and not directory.usable:
        needed = (
            "a directory that the owner of the cluster can write in"
            if directory.exists
            else "a directory that exists, or one that the owner of the cluster can make, and its parent does not let it"
        )
        raise InputError(option=wish.option, value=directory.path, expected=needed)


def _collected(wishes: list[Wish], left: list[LeftAlone], seen: Circumstances) -> list[Wish]:
    """With a decision about the log's collector: it is wanted where nothing else keeps what the server writes."""
    given = {wish.name.lower(): wish.value for wish in wishes}
    destinations = _destinations(given.get(_DESTINATION, seen.destination))
    needless = ""
    if not destinations & _COLLECTED and _DIRECTORY not in given:
        if "stderr" not in destinations:
            needless = f"the log goes to {', '.join(sorted(destinations))}"
        elif seen.log_file is not None:
            needless = f"the log goes to {seen.log_file}"
    found = []
    for wish in wishes:
        if wish.name.lower() != _COLLECTOR or wish.value != _AUTOMATIC:
            found.append(wish)
        elif needless:
            left.append(LeftAlone(COMPONENT, _COLLECTOR, needless))
        else:
            found.append(dataclasses.replace(wish, value="on"))
    return found


def _destinations(value: object) -> set[str]:
    items = value if isinstance(value, (list, tuple)) else _split(str(value))
    return {str(item).strip().lower() for item in items}


def _split(text: str) -> list[str]:
    try:
        return split_items(text)
    except ValueError:
        return [text]
