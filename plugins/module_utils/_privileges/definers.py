# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Routines with the power of their owner, and who could have them use objects of their own; private to the collection."""

from __future__ import annotations

import dataclasses
import re
import typing as t

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.session import Session

__all__ = ["Definer", "Makers", "Trap", "definers", "path_names", "traps"]

# Superusers need no trap, nor does whoever may become the owner. What extensions made is theirs to put right.
_DEFINERS = """
WITH definer AS MATERIALIZED (
  SELECT p.oid, p.oid::pg_catalog.regprocedure::pg_catalog.text AS name, p.proowner AS owner,
         coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner)) AS acl,
         (SELECT pg_catalog.substr(c.setting, 13) FROM pg_catalog.unnest(p.proconfig) AS c (setting)
          WHERE pg_catalog.starts_with(c.setting, 'search_path=')) AS search_path
  FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
  WHERE p.oid >= 16384 AND p.prosecdef AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_' AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
      AND d.objid = p.oid AND d.deptype = 'e')
), database AS MATERIALIZED (
  SELECT d.oid, d.datdba, coalesce(d.datacl, pg_catalog.acldefault('d', d.datdba)) AS acl
  FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()
), maker AS MATERIALIZED (
  SELECT n.nspname AS schema, a.grantee AS oid
  FROM pg_catalog.pg_namespace n,
       pg_catalog.aclexplode(coalesce(n.nspacl, pg_catalog.acldefault('n', n.nspowner))) a
  WHERE a.privilege_type = 'CREATE'
  UNION SELECT n.nspname, n.nspowner FROM pg_catalog.pg_namespace n
  UNION SELECT NULL, a.grantee FROM database d, pg_catalog.aclexplode(d.acl) a WHERE a.privilege_type = 'CREATE'
  UNION SELECT NULL, d.datdba FROM database d
), stranger AS MATERIALIZED (
  SELECT m.schema, coalesce(r.oid, 0) AS oid, coalesce(r.rolname, '') AS name
  FROM maker m CROSS JOIN database d
  LEFT JOIN pg_catalog.pg_roles o ON o.oid = m.oid AND o.rolname = 'pg_database_owner'
  LEFT JOIN pg_catalog.pg_roles r ON r.oid = CASE WHEN o.oid IS NULL THEN m.oid ELSE d.datdba END
  WHERE m.oid = 0 OR NOT r.rolsuper
)
SELECT (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(
                 f.name, pg_catalog.pg_get_userbyid(f.owner), f.search_path,
                 CASE WHEN f.search_path IS NOT NULL THEN (
                   SELECT pg_catalog.json_agg(coalesce(r.rolname, '') ORDER BY r.rolname) FROM (
                     SELECT a.grantee FROM pg_catalog.aclexplode(f.acl) a
                     UNION SELECT a.grantee FROM database d, pg_catalog.aclexplode(d.acl) a
                     WHERE a.privilege_type = 'TEMPORARY') AS g
                   LEFT JOIN pg_catalog.pg_roles r ON r.oid = g.grantee
                   WHERE (g.grantee = 0 OR NOT (r.rolsuper OR pg_catalog.pg_has_role(g.grantee, f.owner, 'MEMBER')))
                     AND pg_catalog.has_function_privilege(g.grantee, f.oid, 'EXECUTE')
                     AND pg_catalog.has_database_privilege(g.grantee, (SELECT d.oid FROM database d), 'TEMPORARY'))
                 END) ORDER BY f.name)
        FROM definer f) AS definers,
       (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(s.schema, s.name) ORDER BY s.schema, s.name)
        FROM stranger s WHERE EXISTS (SELECT FROM definer f WHERE f.search_path IS NOT NULL)) AS makers,
       (SELECT pg_catalog.json_agg(n.nspname ORDER BY n.nspname)
        FROM pg_catalog.pg_namespace n WHERE EXISTS (SELECT FROM definer)) AS schemas,
       (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(pg_catalog.pg_get_userbyid(o.owner), s.name))
        FROM (SELECT DISTINCT f.owner FROM definer f WHERE f.search_path IS NOT NULL) AS o,
             (SELECT DISTINCT s.oid, s.name FROM stranger s WHERE s.oid <> 0) AS s
        WHERE pg_catalog.pg_has_role(s.oid, o.owner, 'MEMBER')) AS insiders"""

_NAME = re.compile(r'\s*(?:"((?:[^"]|"")*)"|([^",]*?))\s*(?:,|$)')


class Definer(t.NamedTuple):
    """One routine with SECURITY DEFINER."""

    name: str
    owner: str
    search_path: str | None  # as the catalogue has it; None: whatever the caller has
    temporary: tuple[str, ...] = ()  # who may both call it and make temporary objects


@dataclasses.dataclass(frozen=True)
class Makers:
    """Who may make objects in the schemas of one database; superusers are not told, and PUBLIC is the empty name."""

    schemas: frozenset[str] = frozenset()  # that there are
    of_schema: t.Mapping[str | None, frozenset[str]] = dataclasses.field(default_factory=dict)  # None: make schemas
    insiders: t.Mapping[str, frozenset[str]] = dataclasses.field(default_factory=dict)  # owner to who may become it


class Trap(t.NamedTuple):
    """Why a search path does not protect, and from whom."""

    reason: str
    roles: tuple[str, ...]


def definers(session: Session) -> tuple[tuple[Definer, ...], Makers]:
    """One query."""
    found = session.rows(_DEFINERS)[0]
    return (
        tuple(Definer(name, owner, path, tuple(roles or ())) for name, owner, path, roles in found["definers"] or ()),
        Makers(frozenset(found["schemas"] or ()), _grouped(found["makers"]), _grouped(found["insiders"])),
    )


def _grouped(pairs: t.Iterable[tuple[t.Any, str]] | None) -> dict[t.Any, frozenset[str]]:
    groups: dict[t.Any, set[str]] = {}
    for key, name in pairs or ():
        groups.setdefault(key, set()).add(name)
    return {key: frozenset(names) for key, names in groups.items()}


def traps(definer: Definer, makers: Makers) -> t.Iterator[Trap]:
    """Where somebody else may put an object that the routine finds before, or instead of, what was meant. Pure."""
    path = path_names(definer.search_path or "")
    if path[-1:] != ["pg_temp"] and definer.temporary:
        where = "is not last in" if "pg_temp" in path else "is not in, and so comes first of,"
        yield Trap(f"pg_temp {where} its search_path, and they may make temporary objects", definer.temporary)
    for name in dict.fromkeys(definer.owner if name == "$user" else name for name in path):
        if name in ("", "pg_temp"):
            continue
        there = name in makers.schemas
        strangers = makers.of_schema.get(name if there else None, frozenset())
        strangers -= makers.insiders.get(definer.owner, frozenset()) | {definer.owner}
        if strangers:
            what = "they may make objects in it" if there else "it is not there, and they may make it"
            yield Trap(f"its search_path has schema {name}, and {what}", tuple(sorted(strangers)))


def path_names(setting: str) -> list[str]:
    """The schemas of a search path, as the server takes it apart. Pure."""
    names = []
    position = 0
    while position < len(setting):
        found = _NAME.match(setting, position)
        if found is None:  # nothing that the server would have stored
            break
        quoted, plain = found.groups()
        names.append(plain.lower() if quoted is None else quoted.replace('""', '"'))
        position = found.end()
    return names
