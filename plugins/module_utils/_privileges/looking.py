# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is there that privileges alone do not show; private to the collection."""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.definers import Definer
    from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.definers import Makers
    from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.secrets import Readable
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.session import Session

__all__ = ["Looked", "Policy", "Protected", "look"]

# What extensions made is theirs to put right. What the site made has oids from 16384 on, which the index finds.
_ROUTINE = """SELECT p.oid::pg_catalog.regprocedure::pg_catalog.text AS name, pg_catalog.pg_get_userbyid(p.proowner) AS owner
        FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
        WHERE p.oid >= 16384 AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_' AND NOT EXISTS (
            SELECT 1 FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
              AND d.objid = p.oid AND d.deptype = 'e')"""

# Whoever owns a function replaces it at any time; superusers, and who may become the owner of the table, need not.
_POLICIES = """SELECT pg_catalog.json_agg(pg_catalog.json_build_array(
                     y.polname,
                     y.polpermissive AND 0 = ANY (y.polroles)
                     AND pg_catalog.pg_get_expr(y.polqual, y.polrelid) = 'true' AND NOT EXISTS (
                       SELECT FROM pg_catalog.pg_policy v
                       WHERE v.polrelid = y.polrelid AND NOT v.polpermissive AND 0 = ANY (v.polroles)
                         AND v.polcmd IN ('*', y.polcmd)),
                     (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(
                               f.oid::pg_catalog.regprocedure::pg_catalog.text, w.rolname) ORDER BY f.oid)
                      FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_proc f ON f.oid = d.refobjid
                      JOIN pg_catalog.pg_roles w ON w.oid = f.proowner
                      WHERE d.classid = 'pg_catalog.pg_policy'::pg_catalog.regclass AND d.objid = y.oid
                        AND d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND NOT w.rolsuper
                        AND NOT pg_catalog.pg_has_role(w.oid, c.relowner, 'MEMBER'))) ORDER BY y.polname)
                   FROM pg_catalog.pg_policy y WHERE y.polrelid = c.oid"""

_LOOK = f"""
SELECT (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(r.name, r.owner) ORDER BY r.name)
        FROM ({_ROUTINE} AND p.prolang IN (
                SELECT l.oid FROM pg_catalog.pg_language l
                WHERE NOT l.lanpltrusted AND l.lanname NOT IN ('c', 'internal'))
              AND EXISTS (
                SELECT 1 FROM pg_catalog.aclexplode(coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))) a
                WHERE a.grantee = 0)) r) AS untrusted_functions,
       (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(
                 l.lanname, pg_catalog.pg_get_userbyid(l.lanowner)) ORDER BY l.lanname)
        FROM pg_catalog.pg_language l
        WHERE l.lanpltrusted AND (l.lanname IN ('c', 'internal') OR l.lanname ~ '^pl.*u$')) AS languages,
       (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(
                 n.nspname, c.relname, pg_catalog.pg_get_userbyid(c.relowner), c.relforcerowsecurity,
                 ({_POLICIES})) ORDER BY n.nspname, c.relname)
        FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relrowsecurity) AS tables,
       EXISTS (SELECT FROM pg_catalog.pg_proc p WHERE p.oid >= 16384 AND p.prosecdef) AS definers"""

# Whether there is anything that could hold one; only a superuser may ask.
_SECRETS = """,
       EXISTS (SELECT FROM pg_catalog.pg_subscription) OR EXISTS (SELECT FROM pg_catalog.pg_user_mapping)
       OR pg_catalog.current_setting('primary_conninfo') <> '' AS secrets"""


class Policy(t.NamedTuple):
    """One policy, as far as it may not protect."""

    name: str
    shows_everything: bool  # to everybody, and no restrictive policy for everybody says otherwise
    functions: tuple[tuple[str, str], ...] = ()  # that it calls and somebody may replace, with that owner


class Protected(t.NamedTuple):
    """A table with row-level security."""

    schema: str
    name: str
    owner: str
    forced: bool  # for its owner too
    policies: tuple[Policy, ...] = ()


class Looked(t.NamedTuple):
    """What was seen in one database; routines and languages with their owners, as PostgreSQL writes them."""

    untrusted_functions: tuple[tuple[str, str], ...] = ()
    languages: tuple[tuple[str, str], ...] = ()
    tables: tuple[Protected, ...] = ()
    definers: tuple[Definer, ...] = ()
    makers: Makers | None = None
    secrets: tuple[Readable, ...] = ()


def look(session: Session, *, report: bool) -> Looked:
    """One query; where findings are to be reported more of what the first tells that there is."""
    found = session.rows(_LOOK + (_SECRETS if report and session.is_superuser else ""))[0]
    functions, languages = (tuple((name, owner) for name, owner in found[key] or ()) for key in Looked._fields[:2])
    looked = Looked(
        functions,
        languages,
        tuple(
            Protected(schema, name, owner, forced, _policies(policies))
            for schema, name, owner, forced, policies in found["tables"] or ()
        ),
    )
    if report and found["definers"]:
        from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.definers import definers

        routines, makers = definers(session)
        looked = looked._replace(definers=routines, makers=makers)
    if found.get("secrets"):
        from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.secrets import readable_secrets

        looked = looked._replace(secrets=readable_secrets(session))
    return looked


def _policies(rows: t.Iterable[t.Sequence[t.Any]] | None) -> tuple[Policy, ...]:
    return tuple(
        Policy(name, bool(open_), tuple((function, owner) for function, owner in functions or ()))
        for name, open_, functions in rows or ()
    )
