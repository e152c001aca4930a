# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: database_groups
short_description: Owner, writer and reader of databases, as options of the module privileges
version_added: 0.1.0
author: The rampart.postgresql maintainers (@rampart-postgresql)
description:
  - Makes of each database the names of its three groups and the grants that they are to have, for present and future objects.
  - The owner may make objects in the schemas, the writer may read and change rows, and the reader may read them. Nobody is made
    a member, and no existing object gets another owner.
options:
  _input:
    description: >-
      The databases: each has C(database), and may have C(schemas) (V(public) without it), the names C(owner), C(writer) and
      C(reader) of its groups (without them the name of the database with C(_owner) and so on), and C(creators), a list of
      further roles, who may connect and whose future objects the groups may use. Anything else in it is an error.
    type: list
    elements: dictionary
    required: true
"""

EXAMPLES = r"""
---
- name: Three groups for the database shop
  rampart.postgresql.privileges: "{{ [{'database': 'shop', 'schemas': ['app']}] | rampart.postgresql.database_groups }}"
"""

RETURN = r"""
_value:
  description: The options C(groups) and C(grants) of the module M(rampart.postgresql.privileges).
  type: dictionary
  sample:
    groups: [shop_owner, shop_writer, shop_reader]
    grants:
      - {kind: schema, databases: [shop], schemas: [app], roles: [shop_owner], privileges: [USAGE, CREATE]}
"""

import typing as t

from ansible.errors import AnsibleFilterError

_LISTS = ("schemas", "creators")
_KEYS = ("database", "owner", "writer", "reader", *_LISTS)
_READ = ["SELECT"]
_WRITE = ["SELECT", "INSERT", "UPDATE", "DELETE"]
_COUNT = ["USAGE", "SELECT"]  # of a sequence: nextval() and currval()


def database_groups(databases: t.Iterable[t.Mapping[str, t.Any]]) -> dict[str, list[t.Any]]:
    """The options ``groups`` and ``grants`` of the module privileges."""
    groups: list[str] = []
    grants: list[dict[str, t.Any]] = []
    try:
        for each in databases:
            _check(each)
            database = str(each["database"])
            names = [str(each.get(kind) or f"{database}_{kind}") for kind in ("owner", "writer", "reader")]
            schemas = [str(name) for name in each.get("schemas") or ["public"]]
            groups += [name for name in names if name not in groups]
            grants += _grants(database, schemas, names, [str(name) for name in each.get("creators") or ()])
    except (AttributeError, KeyError, TypeError) as error:
        raise AnsibleFilterError(f"database_groups: this is not a list of databases: {databases!r}") from error
    return {"groups": groups, "grants": grants}


def _check(each: t.Mapping[str, t.Any]) -> None:
    for key, value in each.items():
        if key not in _KEYS:
            raise AnsibleFilterError(f"database_groups: {key!r} cannot be used: among {', '.join(_KEYS)}")
        if key in _LISTS and isinstance(value, str):
            raise AnsibleFilterError(f"database_groups: {key}: {value!r} cannot be used: a list of names")


def _grants(database: str, schemas: list[str], names: list[str], creators: list[str]) -> t.Iterator[dict[str, t.Any]]:
    owner, writer, reader = names
    inside: dict[str, t.Any] = {"databases": [database], "schemas": schemas}
    future: dict[str, t.Any] = {"kind": "default", **inside, "for_roles": [owner, *creators]}
    yield {"kind": "database", "databases": [database], "roles": [*names, *creators], "privileges": ["CONNECT"]}
    yield {"kind": "database", "databases": [database], "roles": [owner, writer], "privileges": ["TEMPORARY"]}
    yield {"kind": "schema", **inside, "roles": [owner], "privileges": ["USAGE", "CREATE"]}
    yield {"kind": "schema", **inside, "roles": [writer, reader], "privileges": ["USAGE"]}
    for role, privileges in ((writer, _WRITE), (reader, _READ)):
        yield {"kind": "table", **inside, "objects": ["ALL"], "roles": [role], "privileges": privileges}
        yield {**future, "future": ["table"], "roles": [role], "privileges": privileges}
    yield {"kind": "sequence", **inside, "objects": ["ALL"], "roles": [writer], "privileges": _COUNT}
    yield {**future, "future": ["sequence"], "roles": [writer], "privileges": _COUNT}


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Name to function."""
        return {"database_groups": database_groups}
