"""A review of access says what the server says: all that it claims is real, and all that is real is in it."""

from __future__ import annotations

import os
import random
import typing as t

import pytest

from ansible_collections.rampart.postgresql.tests.conformance.modules import run_module
from ansible_collections.rampart.postgresql.tests.conformance.plays import host_of
from ansible_collections.rampart.postgresql.tests.conformance.plays import play
from ansible_collections.rampart.postgresql.tests.conformance.privileges.asking import KINDS
from ansible_collections.rampart.postgresql.tests.conformance.privileges.asking import LIVING
from ansible_collections.rampart.postgresql.tests.conformance.privileges.asking import ROLES
from ansible_collections.rampart.postgresql.tests.conformance.privileges.asking import Key
from ansible_collections.rampart.postgresql.tests.conformance.privileges.asking import Place
from ansible_collections.rampart.postgresql.tests.conformance.privileges.asking import constants
from ansible_collections.rampart.postgresql.tests.conformance.privileges.asking import quoted
from ansible_collections.rampart.postgresql.tests.conformance.privileges.making import BOSS
from ansible_collections.rampart.postgresql.tests.conformance.privileges.making import make_cluster
from ansible_collections.rampart.postgresql.tests.conformance.privileges.making import make_database
from ansible_collections.rampart.postgresql.tests.conformance.privileges.making import make_grants
from ansible_collections.rampart.postgresql.tests.conformance.privileges.making import make_memberships

if t.TYPE_CHECKING:
    import pathlib

    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Workshop

_EXTENDED: t.Final = os.environ.get("RAMPART_EXTENDED", "") not in ("", "0")
SEED: t.Final = 7
ROUNDS: t.Final = 20 if _EXTENDED else 1
HOSTILE: t.Final = """<script>'"\\\n{{ 1 }}"""
_HAS = """WITH o (s, n, c, named, oid, sub, owner, acl) AS ({objects})
SELECT s, n, c, rolname, p FROM o, pg_roles r, unnest(ARRAY[{privileges}]) AS p (p)
WHERE (rolname IN ({roles}) OR rolname ~ '^pg_') AND {has}"""
_OWNS = """WITH o (s, n, c, named, oid, sub, owner, acl) AS ({objects})
SELECT s, n, c, rolname, 'OWNER' FROM o, pg_roles r
WHERE (rolname IN ({roles}) OR rolname ~ '^pg_') AND pg_has_role(r.oid, o.owner, 'USAGE')"""
Fact = tuple[Key, str, str]  # on what, who, and which privilege


class Claims:
    """What a review says of one kind in one database, each fact by itself."""

    def __init__(self, rows: t.Iterable[dict[str, t.Any]], kind: str, database: str) -> None:
        self.held: dict[tuple[str, str], set[tuple[Key, str]]] = {}  # role and SET ROLE to key and privilege
        self.usable: dict[tuple[str, str], set[tuple[Key, str]]] = {}
        for row in rows:
            if row["kind"] != kind or row["database"] not in ("", database):
                continue
            assert row["count"] == len(row["objects"])
            who = row["role"], row["set_role"]
            facts = {
                ((row["schema"], name, column), privilege)
                for name in row["objects"]
                for column in (row["columns"] or [""])
                for privilege in row["privileges"]
            }
            self.held.setdefault(who, set()).update(facts)
            if not row["missing"]:
                self.usable.setdefault(who, set()).update(facts)

    def of(self, role: str, *, usable: bool) -> set[tuple[Key, str]]:
        """At once, and as everybody."""
        found = self.usable if usable else self.held
        return found.get((role, ""), set()) | found.get(("public", ""), set())

    def after_set_role(self, role: str) -> set[tuple[Key, str]]:
        """What a role can use after SET ROLE, whatever it becomes."""
        return {fact for who, facts in self.usable.items() if who[0] == role and who[1] for fact in facts}


class Truth:
    """What the server says of one kind in one database."""

    def __init__(self, place: Place, kind: str) -> None:
        known = KINDS[kind]
        values = {"objects": known.objects, "privileges": constants(place.privileges(kind)), "has": known.has}
        rows = place.rows(_HAS.format(roles=constants(ROLES), **values))
        if kind not in ("column", "parameter"):
            rows += place.rows(_OWNS.format(roles=constants(ROLES), **values))
        self.keys = {key for key, _named in place.named(kind)}
        self.held: dict[str, set[tuple[Key, str]]] = {}
        for schema, name, column, role, privilege in rows:
            self.held.setdefault(role, set()).add(((schema, name, column), privilege))

    def of(self, role: str) -> set[tuple[Key, str]]:
        """What a role holds."""
        return self.held.get(role, set())


def _make(server: Server, number: int) -> tuple[Place, Place]:
    draw = random.Random(f"{SEED} {server.major} {number}")
    cluster = Place(server)
    make_memberships(cluster, draw)
    predefined = [
        name for (name,) in cluster.rows("SELECT rolname FROM pg_roles WHERE rolname ~ '^pg_(read|write)_all_d|maint'")
    ]
    for role in (*predefined, BOSS):
        member = quoted(draw.choice(ROLES))
        options = draw.choice(("INHERIT TRUE", "INHERIT FALSE", "SET FALSE")) if server.major >= 16 else ""
        cluster.execute(f"GRANT {role} TO {member}{' WITH ' + options if options else ''}")
    cluster.execute(f"GRANT pg_monitor TO {quoted(draw.choice(ROLES))} WITH ADMIN OPTION")
    place = make_database(server, f"generated {number}", draw)
    make_grants(cluster, [place], draw)
    if draw.random() < 0.5:
        cluster.execute(f"REVOKE CONNECT ON DATABASE {quoted(place.name)} FROM PUBLIC")
    return cluster, place


def _columns_too(claims: Claims, whole: Claims, truth: Truth) -> None:
    """What is held on a table is held on its columns."""
    for here, there in ((claims.held, whole.held), (claims.usable, whole.usable)):
        for who, facts in there.items():
            of_table = {(key[:2], privilege) for key, privilege in facts}
            here.setdefault(who, set()).update(
                (key, privilege)
                for key in truth.keys
                for privilege in KINDS["column"].privileges
                if (key[:2], privilege) in of_table
            )


def _with_role_of(place: Place, kind: str, rows: list[dict[str, t.Any]]) -> tuple[Claims, Truth]:
    claims, truth = Claims(rows, kind, place.name), Truth(place, kind)
    if kind == "column":
        _columns_too(claims, Claims(rows, "table", place.name), truth)
    return claims, truth


def test_it_says_what_the_server_says(fresh_server: Server) -> None:
    server = fresh_server
    make_cluster(server)
    counted = 0
    for number in range(ROUNDS):
        cluster, place = _make(server, number)
        result = run_module("access_review", server, databases=[place.name], roles=list(ROLES))
        assert not result.failed, result.message
        assert result.values["unreadable"] == {}
        _check_memberships(cluster, result.values["rows"])
        settable = _settable(place)  # where its owner may become pg_database_owner
        connects = {r for _key, r, p in _facts(Truth(cluster, "database"), place.name) if p == "CONNECT"}
        schemas = Truth(place, "schema")
        for where, kinds in ((cluster, LIVING), (place, place.kinds)):
            for kind in kinds:
                if kind == "default" or (kind == "parameter" and server.major < 15):
                    continue
                if kind == "large_object" and server.major < 18:
                    continue  # which has no function to ask
                at = Place(server, place.name) if where is cluster and kind == "database" else where
                claims, truth = _with_role_of(at, kind, result.values["rows"])
                if kind == "database":
                    truth.keys = {key for key in truth.keys if key[1] == place.name}
                for role in ROLES:
                    found = _Usable(truth, schemas, connects, kind)
                    assert _of(claims.of(role, usable=False), truth) == _of(truth.of(role), truth), (kind, role, number)
                    usable = found.of(role, role)
                    assert _of(claims.of(role, usable=True), truth) == usable, (kind, role, number)
                    later = set().union(*(found.of(role, other) for other in settable[role])) - usable
                    told = _of(claims.after_set_role(role), truth)
                    if kind == "column":
                        told -= usable  # after SET ROLE it is the whole table
                    assert told == later, (kind, role, number)
                    counted += len(usable)
        cluster.close()
        place.close()
    assert counted > 50


def _facts(truth: Truth, name: str) -> list[Fact]:
    return [(key, role, p) for role, facts in truth.held.items() for key, p in facts if key[1] == name]


def _of(facts: set[tuple[Key, str]], truth: Truth) -> set[tuple[Key, str]]:
    return {fact for fact in facts if fact[0] in truth.keys}


class _Usable:
    """What a login can use as a role, as the server says."""

    def __init__(self, truth: Truth, schemas: Truth, connects: set[str], kind: str) -> None:
        self._truth = truth
        self._schemas = schemas
        self._connects = connects
        self._everywhere = kind in ("tablespace", "parameter")
        self._kind = kind

    def of(self, login: str, role: str) -> set[tuple[Key, str]]:
        """On which objects what can be done."""
        if not self._everywhere and login not in self._connects:
            return set()
        opened = {key[1] for key, privilege in self._schemas.of(role) if privilege == "USAGE"}
        return {fact for fact in _of(self._truth.of(role), self._truth) if not fact[0][0] or fact[0][0] in opened}


def _settable(place: Place) -> dict[str, set[str]]:
    """The roles that the server lets somebody become, without superusers."""
    word = "SET" if place.server.major >= 16 else "MEMBER"
    found: dict[str, set[str]] = {role: set() for role in ROLES}
    for role, other in place.rows(
        f"""SELECT r.rolname, o.rolname FROM pg_roles r, pg_roles o
        WHERE r.rolname IN ({constants(ROLES)}) AND r.oid <> o.oid AND NOT o.rolsuper AND pg_has_role(r.oid, o.oid, '{word}')"""
    ):
        found[role].add(other)
    return found


def _check_memberships(cluster: Place, rows: list[dict[str, t.Any]]) -> None:
    words = {"INHERIT": "USAGE", "SET": "SET" if cluster.server.major >= 16 else "MEMBER"}
    words["ADMIN"] = "MEMBER WITH ADMIN OPTION"
    claimed = {
        (row["role"], name, privilege)
        for row in rows
        if row["kind"] == "role"
        for name in row["objects"]
        for privilege in row["privileges"]
    }
    pairs = ", ".join(f"('{name}', '{word}')" for name, word in words.items())
    real = set(
        cluster.rows(f"""SELECT r.rolname, o.rolname, w.name FROM pg_roles r, pg_roles o, (VALUES {pairs}) AS w (name, word)
        WHERE r.rolname IN ({constants(ROLES)}) AND r.oid <> o.oid AND o.rolname <> 'pg_database_owner'
          AND pg_has_role(r.oid, o.oid, w.word)""")
    )
    assert claimed == real
    assert {privilege for _role, _name, privilege in real} >= {"SET", "ADMIN"}


@pytest.mark.in_turn
def test_a_standby_and_a_login_that_may_not_look_everywhere(workshop: Workshop, fresh_server: Server) -> None:
    server = fresh_server
    server.query(f"CREATE ROLE {quoted(HOSTILE)} LOGIN")
    server.query("CREATE ROLE limited LOGIN IN ROLE pg_monitor")
    server.query("CREATE DATABASE closed")
    server.query("REVOKE CONNECT ON DATABASE closed FROM PUBLIC")
    server.query(f"CREATE TABLE {quoted(HOSTILE)} ()")
    server.query(f"GRANT SELECT ON {quoted(HOSTILE)} TO {quoted(HOSTILE)}")
    for what in (
        "EXECUTE ON FUNCTION pg_read_file(text)",
        "SELECT (rolpassword) ON pg_authid",
        "CREATE ON SCHEMA pg_catalog",
    ):
        server.query(f"GRANT {what} TO {quoted(HOSTILE)}")
    standby = workshop.standby(server)
    try:
        found = [
            run_module("access_review", one, user=user, roles=[HOSTILE, "/lim.*"])
            for one in (server, standby)
            for user in (None, "limited")
        ]
    finally:
        workshop.discard(standby)
    for number, result in enumerate(found):
        assert not result.failed, result.message
        assert not result.changed
        told = [row for row in result.values["rows"] if row["kind"] == "table" and row["role"] == HOSTILE]
        assert [(row["objects"], row["privileges"]) for row in told] == [([HOSTILE], ["SELECT"])]
        granted = [
            (row["role"], row["objects"], row["columns"], row["privileges"], row["missing"])
            for row in result.values["rows"]
            if row["schema"] in ("pg_catalog", "information_schema") or row["objects"] == ["pg_catalog"]
        ]
        assert granted == [
            (HOSTILE, ["pg_authid"], ["rolpassword"], ["SELECT"], []),
            (HOSTILE, ["pg_read_file(text)"], [], ["EXECUTE"], []),
            (HOSTILE, ["pg_catalog"], [], ["CREATE"], []),
        ]
        unreadable = {"database template0"} | ({"database closed"} if number % 2 else set())
        assert set(result.values["unreadable"]) == unreadable
    scope = found[0].values["scope"]
    assert (scope["roles"], scope["databases"], "table" in scope["kinds"]) == ([HOSTILE, "/lim.*"], None, True)
    few = run_module("access_review", server, listed=0, kinds=["table"]).values
    assert [row["objects"] for row in few["rows"] if row["kind"] == "table"] == [[]] and few["scope"]["kinds"] == [
        "table"
    ]
    refused = run_module("access_review", server, roles=["nobody"])
    assert refused.failed
    assert "roles: 'nobody' cannot be used" in refused.message


@pytest.mark.in_turn
def test_the_playbook_shows_what_changed_since_it_was_signed_off(fresh_server: Server, tmp_path: pathlib.Path) -> None:
    server, here = fresh_server, tmp_path / "reviews"
    server.query("CREATE ROLE anna LOGIN")
    server.query("CREATE TABLE t ()")
    fleet = {"db1": host_of(server)}
    extra = {
        "access_review_directory": str(here),
        "access_review_options": {"roles": ["anna"]},
        "access_review_fail": True,
    }
    unsigned = play("access_review", fleet, tmp_path, extra={**extra, "access_review_history": True})
    assert unsigned.failed == {"db1"}, unsigned.output
    (kept,) = (here / "history").iterdir()
    assert kept.read_bytes() == (here / "review.json").read_bytes()
    assert {path.stat().st_mode & 0o777 for path in (kept, here / "review.json", here / "review.md")} == {0o600}

    (here / "review.json").rename(here / "signed.json")
    # What was signed off stays in a history of one, and in check mode nothing comes to it.
    history = {**extra, "access_review_history": True, "access_review_history_runs": 1}
    assert play("access_review", fleet, tmp_path, check=True, extra=history).code == 0
    assert [*(here / "history").iterdir()] == [kept]
    assert play("access_review", fleet, tmp_path, extra=history).code == 0
    (kept,) = (here / "history").iterdir()  # the newest is what was signed off, too
    server.query("GRANT SELECT ON t TO anna")
    assert play("access_review", fleet, tmp_path, extra=history).failed == {"db1"}
    assert kept in (here / "history").iterdir() and len([*(here / "history").iterdir()]) == 2
    more = play("access_review", fleet, tmp_path, extra=extra)
    assert more.failed == {"db1"}, more.output
    assert "1 added, 0 removed" in more.output
    assert "### anna" in (here / "review.md").read_text(encoding="utf-8")

    (here / "review.json").replace(here / "signed.json")
    same = play("access_review", fleet, tmp_path, extra=extra)
    assert same.code == 0, same.output
    assert "0 added, 0 removed" in same.output

    server.stop()
    gone = play("access_review", fleet, tmp_path, extra=extra)
    assert gone.failed == {"db1"}, gone.output
    assert " 0 removed" in gone.output
