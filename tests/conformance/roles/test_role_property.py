"""Generated roles, memberships and lists: the server itself is asked afterwards who may do what."""

from __future__ import annotations

import contextlib
import random
import typing as t

import psycopg
import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._roles.arguments import component
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.state import ATTRIBUTES
from ansible_collections.rampart.postgresql.tests.conformance.components import run_components

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

NAMES = ('quo"te', "100%s", "naïve", "user", "it's", "dotted.name", "App", "svc_a", "svc_b", "plain", "group", "team")
POWERFUL = ("pg_execute_server_program", "pg_read_server_files", "pg_write_server_files")
COLUMNS = {
    "SUPERUSER": "rolsuper",
    "CREATEDB": "rolcreatedb",
    "CREATEROLE": "rolcreaterole",
    "REPLICATION": "rolreplication",
    "BYPASSRLS": "rolbypassrls",
}
HELD = f"SELECT rolname, {', '.join(COLUMNS[name] for name in ATTRIBUTES)} FROM pg_roles WHERE oid >= 16384 ORDER BY 1"
MEMBERS = """
SELECT g.rolname, p.rolname, bool_or(m.admin_option) FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid
JOIN pg_roles p ON p.oid = m.member WHERE m.member >= 16384 GROUP BY 1, 2 ORDER BY 1, 2"""
REACHES = """
SELECT r.rolname, m.rolname, p.rolname FROM pg_roles r JOIN pg_roles m ON pg_has_role(r.oid, m.oid, 'MEMBER')
JOIN pg_auth_members d ON d.member = m.oid JOIN pg_roles p ON p.oid = d.roleid
WHERE r.oid >= 16384 AND NOT r.rolsuper AND p.rolname = ANY (%s)"""


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def some(chance: random.Random, choices: t.Sequence[str], share: float) -> list[str]:
    return [choice for choice in choices if chance.random() < share]


def populate(server: Server, chance: random.Random) -> None:
    """Whatever the server lets be granted, by whom it lets."""
    with server.connect() as session:
        for name in NAMES:
            session.execute(f"CREATE ROLE {quoted(name)} {' '.join(some(chance, ATTRIBUTES, 0.25))}".encode())
        for _number in range(60):
            role = chance.choice([*POWERFUL, *POWERFUL, *map(str, NAMES)])
            member, grantor = chance.choice(NAMES), chance.choice([server.superuser, *NAMES])
            option = "WITH ADMIN OPTION" if chance.random() < 0.5 else ""
            statement = f"GRANT {quoted(role)} TO {quoted(member)} {option} GRANTED BY {quoted(grantor)}"
            with contextlib.suppress(psycopg.Error):  # in a circle, or by somebody who may not
                session.execute(statement.encode())


def wanted(chance: random.Random) -> tuple[list[dict[str, t.Any]], dict[str, tuple[set[str], dict[str, bool]]]]:
    """Entries by name, and what they come to: attributes, and memberships with whether ADMIN is allowed."""
    entries, model = [], {}
    for name in some(chance, NAMES, 0.5):
        attributes = some(chance, ATTRIBUTES, 0.4)
        memberships = {role: chance.random() < 0.5 for role in some(chance, POWERFUL, 0.5)}
        listed = [{"role": role, "admin": admin} for role, admin in memberships.items()]
        entries.append({"role": name, "attributes": attributes, "memberships": listed})
        model[name] = (set(attributes), dict(memberships))
    entries.append({"pattern": "svc_.", "attributes": ["CREATEDB"]})
    for name in ("svc_a", "svc_b"):
        model.setdefault(name, (set(), {}))[0].add("CREATEDB")
    return entries, model


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.in_turn
def test_the_server_agrees_and_the_second_run_changes_nothing(fresh_server: Server, seed: int) -> None:
    server, chance = fresh_server, random.Random(seed)
    populate(server, chance)
    allow, model = wanted(chance)
    held_before, members_before = server.query(HELD), server.query(MEMBERS)

    result = run_components(server, lambda: [component({"allow": allow, "cascade": True})], rehearse=False)
    assert not result.failed, result.output
    assert result.changed

    for now, before in zip(server.query(HELD), held_before):
        allowed = model.get(now[0], (set(), {}))[0]
        expected = [had and name in allowed for name, had in zip(ATTRIBUTES, before[1:])]
        assert list(now[1:]) == expected, now[0]
    superusers = {row[0] for row in server.query(HELD) if row[1]}
    members = server.query(MEMBERS)
    fallen = {step["subject"] for step in result.values["steps"] if "falls" in step["description"]}
    for role, member, admin in members_before:
        memberships = model.get(member, (set(), {}))[1]
        found = [row for row in members if row[:2] == (role, member)]
        if role not in POWERFUL or member in superusers:
            hung = role in POWERFUL and f"role {quoted(member)}" in fallen
            assert found == [(role, member, admin)] or hung  # nothing else changed
        elif role not in memberships:
            assert not found
        else:
            assert not found or found[0][2] <= memberships[role]
            assert found or f"role {quoted(member)}" in fallen
    for name, through, role in server.query(REACHES, [list(POWERFUL)]):
        assert through in superusers or role in model[through][1], (name, through, role)
    again = run_components(server, lambda: [component({"allow": allow})], rehearse=False)
    assert not again.failed and not again.changed, again.output
