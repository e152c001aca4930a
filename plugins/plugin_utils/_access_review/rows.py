# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the module access_review returned, on one host or on many, as rows; private to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._access_review.graph import PUBLIC_NAME
from ansible_collections.rampart.postgresql.plugins.module_utils._access_review.names import Names
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError

__all__ = ["UNKNOWN", "Review", "Values", "gathered", "signed_rows"]

Values = dict[str, t.Any]
UNKNOWN: t.Final = "unknown"
"""The kind of a row that says what could not be looked at."""

_TEXTS: t.Final = ("host", "cluster", "role", "set_role", "kind", "database", "schema", "digest", "reason")
_LISTS: t.Final = ("objects", "columns", "privileges", "ways", "missing")
_NUMBERS: t.Final = ("count", "total")
_EMPTY: t.Final[Values] = {
    **{name: "" for name in _TEXTS},
    **{name: [] for name in _LISTS},
    **{name: 0 for name in _NUMBERS},
    "grantable": False,
}


@dataclasses.dataclass(frozen=True)
class Scope:
    """What a review was asked about. None: all."""

    roles: Names | None = None
    databases: Names | None = None
    kinds: frozenset[str] | None = None

    @classmethod
    def of(cls, given: t.Any) -> Scope:
        """As the module returned it; a result of an earlier version has none, and was about everything."""
        found = given if isinstance(given, dict) else {}
        lists = {name: value for name, value in found.items() if isinstance(value, list)}
        names = {
            name: Names(name, [str(each) for each in lists[name]]) for name in ("roles", "databases") if name in lists
        }
        return cls(**names, kinds=frozenset(map(str, lists["kinds"])) if "kinds" in lists else None)

    def holds(self, row: Values) -> bool:
        """Whether a row is about something of it."""
        if row["role"] != PUBLIC_NAME and self.roles is not None and not self.roles.matches(row["role"]):
            return False
        if row["database"] and self.databases is not None and not self.databases.matches(row["database"]):
            return False
        return row["kind"] in ("cluster", "role") or self.kinds is None or row["kind"] in self.kinds


@dataclasses.dataclass
class Review:
    """The rows of a fleet, and what was looked at."""

    rows: list[Values] = dataclasses.field(default_factory=list)
    clusters: dict[tuple[str, str], Scope] = dataclasses.field(default_factory=dict)  # looked at, of each host
    hosts: set[str] = dataclasses.field(default_factory=set)
    failed: set[str] = dataclasses.field(default_factory=set)  # hosts of which something could not be looked at
    unread: set[tuple[str, str, str]] = dataclasses.field(default_factory=set)  # databases

    def knows(self, row: Values) -> bool:
        """Whether what an earlier row is about was looked at now."""
        host, cluster = row["host"], row["cluster"]
        scope = self.clusters.get((host, cluster))
        if scope is not None and not scope.holds(row):
            return False
        if scope is not None:
            return row["kind"] == "database" or (host, cluster, row["database"]) not in self.unread
        return host in self.hosts and host not in self.failed

    def add(self, result: Values, host: str) -> None:
        """Take in a result of the module."""
        self.hosts.add(host)
        if "rows" not in result:
            reason = " ".join(str(result.get("msg") or "it could not be asked").split())
            self.failed.add(host)
            self.rows.append({**_EMPTY, "host": host, "kind": UNKNOWN, "reason": reason})
            return
        server = result.get("server")
        cluster = str(server.get("cluster") or "") if isinstance(server, dict) else ""
        self.clusters[host, cluster] = Scope.of(result.get("scope"))
        for row in _checked(result["rows"], "rows"):
            self.rows.append({**row, "host": host, "cluster": cluster})
        unreadable = result.get("unreadable")
        for section, reason in unreadable.items() if isinstance(unreadable, dict) else ():
            database = str(section).removeprefix("database ")
            self.unread.add((host, cluster, database))
            about = {"host": host, "cluster": cluster, "database": database, "reason": str(reason)}
            self.rows.append({**_EMPTY, **about, "kind": UNKNOWN})


def gathered(given: t.Any, *, host: t.Any = None) -> Review:
    """The review that plain values make."""
    if host is not None and not isinstance(host, str):
        raise InputError(option="host", value=host, expected="the name of a host")
    found = Review()
    for where, result in _results(given, host or ""):
        found.add(result, where)
    found.rows.sort(key=_order)
    return found


def signed_rows(given: t.Any) -> list[Values]:
    """The rows of an earlier review, without what it did not know."""
    return [row for row in _checked(given, "signed") if row["kind"] != UNKNOWN]


def _results(given: t.Any, host: str) -> t.Iterator[tuple[str, Values]]:
    """Each result of the module with the host that it is from."""
    if isinstance(given, list):
        for one in given:
            yield from _results(one, host)
    elif not isinstance(given, dict):
        raise InputError(
            option="input",
            value=given,
            expected="give what rampart.postgresql.access_review returned, a list of such results, or a dictionary with"
            " one or the other for each host",
        )
    elif isinstance(given.get("results"), list):  # of a loop
        yield from _results(given["results"], host)
    elif "rows" in given or given.get("failed") is True or given.get("unreachable") is True:
        yield host, given
    elif not given.get("skipped"):
        for name, of_host in given.items():
            yield from _results(of_host, str(name))


def _checked(rows: t.Any, option: str) -> list[Values]:
    """Rows with every key, and nothing of another type."""
    if not isinstance(rows, list):
        raise InputError(option=option, value=rows, expected="the rows of a review, as a list")
    return [_row(row, f"{option}[{number}]") for number, row in enumerate(rows)]


def _row(row: t.Any, option: str) -> Values:
    found = {**_EMPTY, **{name: row[name] for name in _EMPTY if name in row}} if isinstance(row, dict) else {}
    if (
        not found
        or not all(isinstance(found[name], str) for name in _TEXTS)
        or not all(isinstance(found[name], int) for name in (*_NUMBERS, "grantable"))
        or not all(isinstance(found[name], list) for name in _LISTS)
        or not all(isinstance(value, str) for name in _LISTS for value in found[name])
        or not found["kind"]
    ):
        raise InputError(option=option, value=row, expected="a row as the filter access_review returns it")
    return found


def _order(row: Values) -> tuple[t.Any, ...]:
    """By host, cluster and role, what everybody has first; what is unknown in the end."""
    unknown = row["kind"] == UNKNOWN
    return (unknown, row["host"], row["cluster"], row["role"] != "public", row["role"], row["set_role"])
