"""Names of all sorts, each in each place where role_attributes takes the name of a role: they stay names."""

from __future__ import annotations

import re
import typing as t

import psycopg
import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._roles.arguments import component
from ansible_collections.rampart.postgresql.tests.conformance.components import run_components
from ansible_collections.rampart.postgresql.tests.conformance.privileges.test_names import NAMES
from ansible_collections.rampart.postgresql.tests.conformance.roles.generated import quoted

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

_HELD = """SELECT r.rolname, r.rolcreatedb, r.rolconnlimit, coalesce(a.rolpassword LIKE 'SCRAM%', false),
  array(SELECT g.rolname FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid WHERE m.member = r.oid)
FROM pg_roles r JOIN pg_authid a USING (oid) WHERE r.oid >= 16384"""


def settle(server: Server, **options: t.Any) -> dict[str, tuple[t.Any, ...]]:
    """Once, and once more, which changes nothing; what roles have then."""
    for changed in (True, False):
        result = run_components(server, lambda: [component(options)], rehearse=False, allow_lockout=True)
        assert not result.failed and result.changed == changed, result.output
    return {name: tuple(rest) for name, *rest in server.query(_HELD)}


def may_make_databases(server: Server, name: str) -> bool:
    with server.connect(user=name) as session:
        try:
            session.execute("CREATE DATABASE attempt TEMPLATE nowhere")
        except psycopg.errors.InsufficientPrivilege:
            return False
        except psycopg.errors.InvalidCatalogName:
            return True
    raise AssertionError("there is no such template")


@pytest.mark.in_turn
def test_each_in_each_place(fresh_server: Server) -> None:
    server = fresh_server
    for name in NAMES:
        server.query(f"CREATE ROLE {quoted(name)} LOGIN CREATEDB CREATEROLE")
    following = list(zip(NAMES, NAMES[1:]))
    for group, member in following:
        server.query(f"GRANT {quoted(group)} TO {quoted(member)}")
        if server.major >= 15:
            server.query(f"GRANT SET ON PARAMETER archive_command TO {quoted(member)}")
    groups = dict((member, group) for group, member in following)
    kept = NAMES[1::2]
    allow = [
        {
            "role": name,
            "attributes": ["CREATEDB", "CREATEROLE"],
            "memberships": [{"role": groups[name]}],
            "parameters": ["archive_command"],
        }
        for name in kept
    ]
    values = [{"role": name, "connection_limit": 7} for name in NAMES]
    passwords = {name: f"of {name}" for name in NAMES}
    held = settle(server, allow=allow, memberships=list(NAMES), roles=values, passwords=passwords)
    assert held == {name: (name in kept, 7, True, [groups[name]] if name in kept else []) for name in NAMES}
    assert [name for name in NAMES if may_make_databases(server, name)] == list(kept)
    if server.major >= 15:
        asked = "SELECT r.rolname FROM pg_parameter_acl, aclexplode(paracl) a JOIN pg_roles r ON r.oid = a.grantee"
        assert {name for (name,) in server.query(f"{asked} WHERE r.oid >= 16384")} == set(kept)
    by_kind: list[dict[str, t.Any]] = [
        {"member_of": groups[name], "attributes": ["CREATEDB"]} if number % 2 else _by_pattern(name)
        for number, name in enumerate(kept)
    ]
    settle(server, allow=by_kind, memberships=[], parameters=[])  # only CREATEROLE goes
    assert [name for name in NAMES if may_make_databases(server, name)] == list(kept)
    settle(server, strip=list(NAMES))
    assert not any(may_make_databases(server, name) for name in NAMES)


def _by_pattern(name: str) -> dict[str, t.Any]:
    return {"pattern": re.escape(name), "attributes": ["CREATEDB"]}
