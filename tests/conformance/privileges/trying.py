"""Logs in as roles and tries what they may and what they may not: the last word about privileges."""

from __future__ import annotations

import collections
import random
import typing as t

import psycopg

from ansible_collections.rampart.postgresql.tests.conformance.privileges.asking import FUTURE
from ansible_collections.rampart.postgresql.tests.conformance.privileges.asking import ROLES
from ansible_collections.rampart.postgresql.tests.conformance.privileges.asking import SCHEMAS
from ansible_collections.rampart.postgresql.tests.conformance.privileges.asking import Item
from ansible_collections.rampart.postgresql.tests.conformance.privileges.asking import Key
from ansible_collections.rampart.postgresql.tests.conformance.privileges.asking import Place
from ansible_collections.rampart.postgresql.tests.conformance.privileges.asking import quoted

__all__ = ["check_future", "log_in_and_try"]

Effective = t.Mapping[str, set[tuple[Key, str, str]]]
_ROLES = 2
_OBJECTS = 12

# Kind: statement, and the privileges of the object that it needs, of which one is enough.
_ATTEMPTS: dict[str, tuple[tuple[str, tuple[str, ...]], ...]] = {
    "schema": (("CREATE TABLE {named}.attempt ()", ("CREATE",)),),
    "database": (("CREATE TEMPORARY TABLE attempt ()", ("TEMPORARY",)), ("CREATE SCHEMA attempt", ("CREATE",))),
    "column": (("SELECT {column} FROM {named}", ("SELECT",)),),
    "table": (("TRUNCATE {named}", ("TRUNCATE",)), ("DELETE FROM {named}", ("DELETE",))),
    "sequence": (("SELECT pg_catalog.nextval({text})", ("USAGE", "UPDATE")),),
    "function": (("SELECT {named}", ("EXECUTE",)),),
    "type": (("CREATE TEMPORARY TABLE attempt (a {named})", ("USAGE",)),),
    "language": (("DO LANGUAGE {named} 'BEGIN END'", ("USAGE",)),),
    "foreign_server": (("CREATE USER MAPPING FOR CURRENT_USER SERVER {named}", ("USAGE",)),),
    "foreign_data_wrapper": (("CREATE SERVER attempt FOREIGN DATA WRAPPER {named}", ("USAGE",)),),
    "large_object": (("SELECT pg_catalog.lo_get({named})", ("SELECT",)),),
    "tablespace": (("CREATE TEMPORARY TABLE attempt (a int) TABLESPACE {named}", ("CREATE",)),),
    "parameter": (
        ("SET {named} TO DEFAULT", ("SET",)),
        ("ALTER SYSTEM RESET {named}", ("ALTER SYSTEM",)),
    ),
}
_TEMPORARY = ("type", "tablespace")
_UNFIT: dict[str, t.Callable[[Key], bool]] = {
    "table": lambda key: key[1] == "v",
    "function": lambda key: not key[1].endswith("()"),
    "type": lambda key: key[1] == "both",
    "language": lambda key: key[1] == "sql",
    "tablespace": lambda key: key[1] != "space one",
    "parameter": lambda key: key[1] not in ("log_min_messages", "deadlock_timeout"),
}


def log_in_and_try(
    cluster: Place, place: Place, effective: Effective, draw: random.Random, covered: collections.Counter[str]
) -> None:
    """What has_..._privilege says is what comes of it."""
    database = ("", place.name, "")
    for role in draw.sample(ROLES, _ROLES):
        may_connect = (database, role, "CONNECT") in effective["database"]
        try:
            session = place.server.connect(dbname=place.name, user=role)
        except psycopg.OperationalError as error:
            assert not may_connect and "CONNECT" in str(error), (role, error)
            covered["logins refused"] += 1
            continue
        assert may_connect, role
        with session:
            for kind, key, named in draw.sample(objects := _objects(cluster, place), min(_OBJECTS, len(objects))):
                for statement, needed in _ATTEMPTS[kind]:
                    allowed = _allowed(kind, key, role, needed, effective, place)
                    said = _try(session, _filled(statement, key, named))
                    assert said == allowed, (role, statement, key, said)
                    covered["attempts that succeed" if allowed else "attempts refused"] += 1


def _objects(cluster: Place, place: Place) -> list[tuple[str, Key, str]]:
    found = []
    for of in (cluster, place):
        for kind in of.kinds:
            if kind in _ATTEMPTS:
                found += [(kind, key, named) for key, named in of.named(kind) if not _UNFIT.get(kind, _no)(key)]
    return [each for each in found if each[0] != "database" or each[1][1] == place.name]


def _no(_key: Key) -> bool:
    return False


def _allowed(kind: str, key: Key, role: str, needed: tuple[str, ...], effective: Effective, place: Place) -> bool:
    fits = any((key, role, privilege) in effective[kind] for privilege in needed)
    if key[0]:
        fits = fits and (("", key[0], ""), role, "USAGE") in effective["schema"]
    if kind in _TEMPORARY:
        fits = fits and (("", place.name, ""), role, "TEMPORARY") in effective["database"]
    return fits


def _filled(statement: str, key: Key, named: str) -> str:
    return statement.format(named=named, column=quoted(key[2]), text="'" + named.replace("'", "''") + "'")


def _try(session: psycopg.Connection[t.Any], statement: str) -> bool:
    """Whether it is permitted; nothing of it stays."""
    alone = statement.startswith("ALTER SYSTEM")
    try:
        if not alone:
            session.execute("BEGIN")
        session.execute(statement.encode())
    except psycopg.errors.InsufficientPrivilege:
        return False
    finally:
        if not alone:
            session.execute("ROLLBACK")
    return True


# Kind of future object: how one is made, and how the catalogue has its ACL.
_PROBES = {
    "table": (
        "CREATE TABLE {at}.probe (a int)",
        "relacl, relowner, 'r' FROM pg_class WHERE oid = '{at}.probe'::regclass",
    ),
    "sequence": (
        "CREATE SEQUENCE {at}.probe",
        "relacl, relowner, 's' FROM pg_class WHERE oid = '{at}.probe'::regclass",
    ),
    "function": (
        "CREATE FUNCTION {at}.probe() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "proacl, proowner, 'f' FROM pg_proc WHERE oid = '{at}.probe()'::regprocedure",
    ),
    "type": (
        "CREATE TYPE {at}.probe AS ENUM ()",
        "typacl, typowner, 'T' FROM pg_type WHERE oid = '{at}.probe'::regtype",
    ),
    "schema": ("CREATE SCHEMA probe", "nspacl, nspowner, 'n' FROM pg_namespace WHERE nspname = 'probe'"),
}
_PROBED = 12


def check_future(
    place: Place, defaults: t.Iterable[Item], draw: random.Random, covered: collections.Counter[str]
) -> None:
    """Make objects, and see that they have what default privileges promise: those for all schemas and those of the schema."""
    promised: dict[Key, set[tuple[str, str, bool]]] = collections.defaultdict(set)
    for item in defaults:
        promised[item.key].add((item.grantee, item.privilege, item.grantable))
    for _number in range(_PROBED):
        role, kind = draw.choice(ROLES), draw.choice(list(FUTURE))
        schema = draw.choice((*SCHEMAS, "")) if kind != "schema" else ""
        expected = promised["", role, kind] | (promised[schema, role, kind] if schema else set())
        found = _probe(place, role, kind, schema)
        assert _others(found, role) == _others(expected, role), (role, kind, schema, found, expected)
        covered["future objects"] += 1


def _others(items: set[tuple[str, str, bool]], owner: str) -> dict[tuple[str, str], bool]:
    found: dict[tuple[str, str], bool] = {}
    for grantee, privilege, grantable in items:
        if grantee != owner:
            found[grantee, privilege] = found.get((grantee, privilege), False) or grantable
    return found


def _probe(place: Place, role: str, kind: str, schema: str) -> set[tuple[str, str, bool]]:
    """The ACL of an object that a role makes; without a schema, in one that nobody has said anything about."""
    make, read = _PROBES[kind]
    at = quoted(schema or "fresh")
    assert place.execute("BEGIN")
    try:
        for statement in (
            *([] if schema else ["CREATE SCHEMA fresh"]),
            f"GRANT ALL ON SCHEMA {at} TO {quoted(role)}",
            f"GRANT CREATE ON DATABASE {quoted(place.name)} TO {quoted(role)}",
            "GRANT USAGE ON LANGUAGE sql TO PUBLIC",
            f"SET LOCAL ROLE {quoted(role)}",
            make.format(at=at),
            "SET LOCAL ROLE NONE",
        ):
            assert place.execute(statement), statement
        rows = place.rows(
            f"SELECT coalesce(pg_get_userbyid(nullif(a.grantee, 0)), 'PUBLIC'), a.privilege_type, a.is_grantable FROM"
            f" (SELECT {read.format(at=at)}) AS o (acl, owner, letter),"
            ' aclexplode(coalesce(acl, acldefault(letter::"char", owner))) a'
        )
        return {(str(grantee), str(privilege), bool(grantable)) for grantee, privilege, grantable in rows}
    finally:
        place.execute("ROLLBACK")
