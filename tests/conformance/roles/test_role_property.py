"""Generated roles, memberships and lists: the server itself is asked afterwards who may do what, and logins try it."""

from __future__ import annotations

import collections
import os
import random
import typing as t

import psycopg

from ansible_collections.rampart.postgresql.plugins.module_utils._roles.arguments import component
from ansible_collections.rampart.postgresql.tests.conformance import counts
from ansible_collections.rampart.postgresql.tests.conformance.components import run_components
from ansible_collections.rampart.postgresql.tests.conformance.modules import Result
from ansible_collections.rampart.postgresql.tests.conformance.roles.generated import Cluster
from ansible_collections.rampart.postgresql.tests.conformance.roles.generated import Membership
from ansible_collections.rampart.postgresql.tests.conformance.roles.generated import Wanted
from ansible_collections.rampart.postgresql.tests.conformance.roles.generated import clear
from ansible_collections.rampart.postgresql.tests.conformance.roles.generated import populate
from ansible_collections.rampart.postgresql.tests.conformance.roles.generated import wanted

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

_EXTENDED = os.environ.get("RAMPART_EXTENDED", "") not in ("", "0")
ROUNDS = int(os.environ.get("RAMPART_ROUNDS", "60" if _EXTENDED else "2"))
SEED = int(os.environ.get("RAMPART_SEED", "2" if _EXTENDED else "1"))
_NOBODY_CAN = ("before it became superuser", "no grant option any more", "no ADMIN option any more")
_MUST = ("attributes taken", "memberships ended", "ADMIN taken", "attempts refused", "attempts that succeed")


def run(server: Server, options: dict[str, t.Any], *, cascade: bool, check: bool = False) -> Result:
    values = {**options, "cascade": cascade}
    return run_components(server, lambda: [component(values)], check=check, rehearse=False, allow_lockout=True)


def test_the_server_agrees_and_the_second_run_changes_nothing(fresh_server: Server) -> None:
    server = fresh_server
    server.query("CREATE TABLE secrets AS SELECT 1 AS secret; GRANT SELECT ON secrets TO PUBLIC")
    server.query("ALTER TABLE secrets ENABLE ROW LEVEL SECURITY")
    covered: collections.Counter[str] = collections.Counter()
    must = (*_MUST, *(["options changed"] if server.major >= 16 else []))
    must += ("settings taken",) if server.major >= 15 else ()
    number = 0
    while number < ROUNDS or any(covered[what] < ROUNDS // 2 for what in must):
        seed = f"{SEED} {server.major} {number}"
        draw = random.Random(seed)
        populate(server, draw)
        desired = wanted(server, draw)
        try:
            _Round(server, desired, covered).run()
        except AssertionError as error:
            raise AssertionError(f"with seed {seed!r}: {error}\n{desired.options}") from None
        clear(server)
        number += 1
        assert number < 4 * ROUNDS, covered
    counts.tell("roles", f"generated clusters, PostgreSQL {server.major}, seed {SEED}", covered)


class _Round:
    def __init__(self, server: Server, desired: Wanted, covered: collections.Counter[str]) -> None:
        self._server = server
        self._desired = desired
        self._covered = covered
        self._before = Cluster.of(server)
        self._after = self._before

    def run(self) -> None:
        options = self._desired.options
        planned = run(self._server, options, cascade=False, check=True)
        assert Cluster.of(self._server) == self._before
        cascade = planned.failed
        if planned.failed:
            self._refused(planned)
            planned = run(self._server, options, cascade=True, check=True)
            if planned.failed:
                self._refused(planned, cascade=True)
                return
        done = run(self._server, options, cascade=cascade)
        assert not done.failed, done.output
        assert done.values["steps"] == planned.values["steps"]
        self._after = Cluster.of(self._server)
        self._judge(may_fall=sum("falls" in step["description"] for step in done.values["steps"]))
        self._covered["statements"] += len(done.values["steps"])
        self._try()
        for check in (True, False):
            again = run(self._server, options, cascade=False, check=check)
            assert not again.failed and not again.changed, again.output

    def _refused(self, planned: Result, *, cascade: bool = False) -> None:
        """Without cascade, or because nobody could revoke what somebody granted; check mode knew."""
        found = [words for words in ("cascade", *_NOBODY_CAN) if words in planned.message]
        assert found and (not cascade or found[-1] in _NOBODY_CAN), planned.output
        refused = run(self._server, self._desired.options, cascade=cascade)
        assert refused.message == planned.message
        assert Cluster.of(self._server) == self._before
        self._covered[f"refusals: {found[-1]}"] += 1

    def _judge(self, *, may_fall: int) -> None:
        self._judge_attributes()
        self._judge_values()
        fallen = self._judge_memberships() + self._judge_settings()
        assert fallen <= may_fall, (fallen, may_fall)
        self._covered["fallen"] += fallen

    def _judge_attributes(self) -> None:
        for name, held in self._before.held.items():
            expected = self._desired.attributes(name, held, self._after.belongs.get(name, ()))
            assert self._after.held[name] == expected, (name, expected)
            self._covered["attributes taken"] += len(held - expected)

    def _judge_values(self) -> None:
        values = dict(self._before.values)
        for entry in self._desired.options["roles"]:
            login, limit, until = values[entry["role"]]
            values[entry["role"]] = (
                entry.get("login", login),
                entry.get("connection_limit", limit),
                entry.get("valid_until", until),
            )
        assert self._after.values == values
        self._covered["values set"] += sum(self._before.values[name] != value for name, value in values.items())

    def _judge_memberships(self) -> int:
        """How many fell."""
        superusers, fallen = self._after.superusers() | {self._server.superuser}, 0
        md5 = bool(self._server.query("SELECT 1 FROM pg_authid WHERE rolpassword ~ '^md5'"))
        found = {each[:3]: each for each in self._after.memberships}
        expected: dict[tuple[str, ...], Membership] = {}
        for each in self._before.memberships:
            belongs = self._after.belongs.get(each.member, ())
            becomes = each if each.member in superusers else self._desired.membership(each, belongs, md5=md5)
            if becomes is None:
                self._covered["memberships ended"] += 1
                continue
            self._covered["ADMIN taken"] += each.admin and not becomes.admin
            self._covered["options changed"] += each[4:] != becomes[4:]
            expected[each[:3]] = becomes
        assert found.keys() <= expected.keys(), found.keys() - expected.keys()
        for key, becomes in expected.items():
            if key not in found:
                fallen += 1
            else:
                assert found[key] == becomes
        return fallen

    def _judge_settings(self) -> int:
        superusers = self._after.superusers() | {self._server.superuser}
        kept = {
            each
            for each in self._before.settings
            if each.grantee in superusers or self._desired.keeps(each, self._after.belongs.get(each.grantee, ()))
        }
        assert self._after.settings <= kept, self._after.settings - kept
        self._covered["settings taken"] += len(self._before.settings - kept)
        return len(kept - self._after.settings)

    def _try(self) -> None:
        """Log in and try what each attribute and membership is for."""
        for name, (login, limit, _until) in self._after.values.items():
            try:
                session = self._server.connect(user=name)
            except psycopg.OperationalError as error:
                too_many = not limit and "SUPERUSER" not in self._after.held[name]
                assert not login or too_many, (name, error)
                self._covered["logins refused"] += 1
                continue
            assert login, name
            with session:
                for statement, allowed in self._attempts(name):
                    said = _permitted(session, statement)
                    assert said == allowed, (name, statement, said)
                    self._covered["attempts that succeed" if said else "attempts refused"] += 1

    def _attempts(self, name: str) -> t.Iterator[tuple[str, bool]]:
        """Statements, and whether they should be permitted."""
        held = self._after.held[name]
        mighty = "SUPERUSER" in held
        yield "CREATE DATABASE attempt TEMPLATE nowhere", mighty or "CREATEDB" in held
        yield "CREATE ROLE attempt", mighty or "CREATEROLE" in held
        yield "SELECT pg_create_physical_replication_slot('attempt', false, true)", mighty or "REPLICATION" in held
        yield "SELECT 1 / count(*) FROM secrets", mighty or "BYPASSRLS" in held
        for role, statement in (
            ("pg_execute_server_program", "COPY (SELECT 1) TO PROGRAM 'cat > /dev/null'"),
            ("pg_write_server_files", f"COPY (SELECT 1) TO '{self._server.data_directory.parent}/attempt'"),
            ("pg_read_server_files", f"COPY pg_temp.lines FROM '{self._server.data_directory}/PG_VERSION'"),
        ):
            asked = "MEMBER" if self._server.major < 16 else "USAGE"
            allowed = self._server.query("SELECT pg_has_role(%s, %s, %s)", [name, role, asked])
            yield statement, mighty or bool(allowed[0][0])
        if self._server.major >= 15:
            asked = "SELECT has_parameter_privilege(%s, 'archive_command', 'ALTER SYSTEM')"
            yield "ALTER SYSTEM RESET archive_command", mighty or bool(self._server.query(asked, [name])[0][0])


def _permitted(session: psycopg.Connection[t.Any], statement: str) -> bool:
    alone = statement.startswith(("ALTER SYSTEM", "CREATE DATABASE"))
    try:
        if not alone:
            session.execute("BEGIN")
        if "lines" in statement:
            session.execute("CREATE TEMPORARY TABLE lines (line text)")
        session.execute(statement.encode())
    except (psycopg.errors.InsufficientPrivilege, psycopg.errors.DivisionByZero):
        return False
    except psycopg.errors.InvalidCatalogName:
        return True  # the template, of which nobody is told who may not make a database
    finally:
        if not alone:
            session.execute("ROLLBACK")
    return True
