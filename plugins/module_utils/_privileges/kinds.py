# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The kinds of objects that have privileges, and which; private to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

__all__ = ["DEFAULT", "DEFAULT_KINDS", "KINDS", "PUBLIC", "SINCE", "WITH_COLUMNS", "Kind"]

PUBLIC = 0  # among the oids of grantees

CLUSTER, DATABASE, SCHEMA = "cluster", "database", "schema"


@dataclasses.dataclass(frozen=True)
class Kind:
    """One kind of object; the order of KINDS is that of the statements."""

    name: str  # as the option `kind` has it
    letter: str  # of acldefault()
    keyword: str  # in GRANT
    privileges: tuple[str, ...]  # as aclexplode() names them
    catalogue: str
    within: str = SCHEMA  # what it is in: the whole cluster, a database, a schema
    since: int = 0  # major version
    alter: str = ""  # keyword in ALTER ... OWNER TO; empty: it has no owner of its own


KINDS: t.Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("tablespace", "t", "TABLESPACE", ("CREATE",), "pg_tablespace", CLUSTER, alter="TABLESPACE"),
        Kind("parameter", "p", "PARAMETER", ("SET", "ALTER SYSTEM"), "pg_parameter_acl", CLUSTER, since=15),
        Kind("database", "d", "DATABASE", ("CONNECT", "TEMPORARY", "CREATE"), "pg_database", CLUSTER, alter="DATABASE"),
        Kind("language", "l", "LANGUAGE", ("USAGE",), "pg_language", DATABASE, alter="LANGUAGE"),
        Kind(
            *("foreign_data_wrapper", "F", "FOREIGN DATA WRAPPER", ("USAGE",), "pg_foreign_data_wrapper", DATABASE),
            alter="FOREIGN DATA WRAPPER",
        ),
        Kind("foreign_server", "S", "FOREIGN SERVER", ("USAGE",), "pg_foreign_server", DATABASE, alter="SERVER"),
        Kind("schema", "n", "SCHEMA", ("USAGE", "CREATE"), "pg_namespace", DATABASE, alter="SCHEMA"),
        Kind("type", "T", "TYPE", ("USAGE",), "pg_type", alter="TYPE"),
        Kind(
            *("table", "r", "TABLE"),
            ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER", "MAINTAIN"),
            "pg_class",
            alter="TABLE",
        ),
        Kind("column", "c", "TABLE", ("SELECT", "INSERT", "UPDATE", "REFERENCES"), "pg_class"),
        Kind("sequence", "s", "SEQUENCE", ("USAGE", "SELECT", "UPDATE"), "pg_class", alter="SEQUENCE"),
        Kind("function", "f", "ROUTINE", ("EXECUTE",), "pg_proc", alter="ROUTINE"),
        Kind(
            *("large_object", "L", "LARGE OBJECT", ("SELECT", "UPDATE"), "pg_largeobject_metadata", DATABASE),
            alter="LARGE OBJECT",
        ),
    )
}
DEFAULT = "default"
DEFAULT_KINDS: t.Mapping[str, tuple[str, str, int]] = {
    "table": ("r", "TABLES", 0),
    "sequence": ("S", "SEQUENCES", 0),
    "function": ("f", "FUNCTIONS", 0),
    "type": ("T", "TYPES", 0),
    "schema": ("n", "SCHEMAS", 0),
    "large_object": ("L", "LARGE OBJECTS", 18),
}
"""Kinds of future objects: letter in pg_default_acl, keyword, and major version."""

SINCE: t.Mapping[str, int] = {"MAINTAIN": 17}
"""The major version that a privilege came with."""

WITH_COLUMNS = frozenset(KINDS["column"].privileges)
"""What a REVOKE on a table takes from its columns too."""
