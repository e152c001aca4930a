"""Whatever there is and whatever is wanted: the server itself agrees afterwards, and a second run changes nothing."""

from __future__ import annotations

import collections
import os
import random
import typing as t

import psycopg
import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.arguments import component
from ansible_collections.rampart.postgresql.tests.conformance import counts
from ansible_collections.rampart.postgresql.tests.conformance.components import run_components
from ansible_collections.rampart.postgresql.tests.conformance.modules import Result
from ansible_collections.rampart.postgresql.tests.conformance.privileges.generated import KINDS
from ansible_collections.rampart.postgresql.tests.conformance.privileges.generated import ROLES
from ansible_collections.rampart.postgresql.tests.conformance.privileges.generated import Database
from ansible_collections.rampart.postgresql.tests.conformance.privileges.generated import Expectation
from ansible_collections.rampart.postgresql.tests.conformance.privileges.generated import Key
from ansible_collections.rampart.postgresql.tests.conformance.privileges.generated import desired_state
from ansible_collections.rampart.postgresql.tests.conformance.privileges.generated import expect
from ansible_collections.rampart.postgresql.tests.conformance.privileges.generated import make_roles

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

_EXTENDED = os.environ.get("RAMPART_EXTENDED", "") not in ("", "0")
ROUNDS = 60 if _EXTENDED else 4
SEED = int(os.environ.get("RAMPART_SEED", "20"))

Items = set[tuple[Key, str, str]]


def run(server: Server, entries: list[dict[str, t.Any]], *, cascade: bool) -> Result:
    values = {"grants": entries, "cascade": cascade}
    return run_components(server, lambda: [component(values)], allow_lockout=True)


def test_the_server_agrees(fresh_server: Server) -> None:
    server = fresh_server
    make_roles(server)
    covered: collections.Counter[str] = collections.Counter()
    for number in range(ROUNDS):
        seed = f"{SEED} {server.major} {number}"
        draw = random.Random(seed)
        database = Database(server, f"generated {number}", draw)
        try:
            _one_round(server, database, draw, covered)
        except AssertionError as error:
            raise AssertionError(f"with seed {seed!r}: {error}") from error
        finally:
            database.close()
    assert covered["runs that changed something"]
    counts.tell("privileges", f"generated clusters, PostgreSQL {server.major}, seed {SEED}", covered)


def _one_round(server: Server, database: Database, draw: random.Random, covered: collections.Counter[str]) -> None:
    entries = desired_state(database, draw)
    covered.update(f"{entry['kind']} {entry['state']}" for entry in entries)
    expectations, contradiction = expect(database, entries)
    before = {kind: database.direct(kind) for kind in KINDS}
    everything = database.everything()
    result = run(server, entries, cascade=False)
    if contradiction:
        assert result.failed, entries
        assert "gives what this takes" in result.message, result.message
        assert database.everything() == everything
        covered["contradictions"] += 1
        return
    if result.failed:
        assert "grant option" in result.message, result.message
        assert database.everything() == everything
        if "no grant option any more" in result.message:
            covered["grantors without grant option"] += 1
            return
        covered["refusals without cascade"] += 1
        result = run(server, entries, cascade=True)
    assert not result.failed, (result.message, entries)
    covered["runs that changed something"] += result.changed
    covered["statements"] += len(result.values["steps"])
    fallen = [text for text in result.values["warnings"] if "falls" in text]
    covered["fallen"] += len(fallen)
    _judge(database, entries, expectations, before, may_fall=len(fallen))
    _try(server, database)
    again = run(server, entries, cascade=False)
    assert not again.failed, (again.message, entries)
    assert not again.changed, (again.values["steps"], entries)


def _judge(
    database: Database,
    entries: list[dict[str, t.Any]],
    expectations: dict[str, Expectation],
    before: dict[str, Items],
    *,
    may_fall: int,
) -> None:
    closure = _closure(database)
    direct: dict[str, Items] = {}
    lost = 0
    for kind, wanted in expectations.items():
        own = database.direct(kind, of_owners=True)
        after = database.direct(kind)
        kept = {item for item in before[kind] if item not in wanted.taken and item[0] not in wanted.closed}
        given = {item for item in wanted.given if item not in own}
        expected = kept | given
        assert after <= expected, (kind, after - expected, entries)
        missing = expected - after
        assert missing <= kept - given, (kind, missing, entries)
        lost += len(missing)
        grantable = database.grantable(kind)
        assert not grantable & wanted.taken_options, (kind, grantable & wanted.taken_options, entries)
        assert wanted.given_options - own <= grantable, (kind, entries)
        assert {item for item in grantable if item[0] in wanted.closed} <= wanted.given_options, (kind, entries)
        direct[kind] = after | own
        assert wanted.given <= direct[kind], (kind, entries)
    assert lost <= may_fall, (lost, may_fall, entries)
    for kind, items in direct.items():
        if kind == "column":
            items = items | {
                (key, role, p)
                for key in database.keys("column")
                for (table, role, p) in direct["table"]
                if table[:2] == key[:2] and p in KINDS["column"].privileges
            }
        can = {(key, role, p) for key, grantee, p in items for role in closure.get(grantee, ())}
        assert database.effective(kind) == can, (kind, database.effective(kind) ^ can, entries)


def _closure(database: Database) -> dict[str, list[str]]:
    """Grantee to all roles that have its privileges, as the server says."""
    found: dict[str, list[str]] = {"PUBLIC": list(ROLES)}
    for holder, role in database.rows(
        """SELECT h.rolname, r.rolname FROM pg_roles h, pg_roles r
        WHERE h.rolname = ANY (%s) AND r.rolname = ANY (%s) AND pg_has_role(r.oid, h.oid, 'USAGE')""",
        *(list(ROLES), list(ROLES)),
    ):
        found.setdefault(holder, []).append(role)
    return found


def _try(server: Server, database: Database) -> None:
    """Log in and try it."""
    connect = database.effective("database")
    usage, select = database.effective("schema"), database.effective("column")
    schema, table, _column = database.keys("table")[0]
    role = ROLES[len(usage) % len(ROLES)]
    if (("", database.name, ""), role, "CONNECT") not in connect:
        with pytest.raises(psycopg.OperationalError, match="CONNECT"):
            server.connect(dbname=database.name, user=role)
        return
    columns = [key for key in database.keys("column") if key[:2] == (schema, table)]
    may = (("", schema, ""), role, "USAGE") in usage and all((key, role, "SELECT") in select for key in columns)
    with server.connect(dbname=database.name, user=role) as connection:
        query = f"SELECT * FROM {schema}.{table}".encode()
        if may:
            connection.execute(query)
        else:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(query)
