"""LOGIN, limits and validity of roles of a real server, who may keep attributes by pattern or membership, and admission."""

from __future__ import annotations

import contextlib
import typing as t

import psycopg
import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._roles.arguments import component
from ansible_collections.rampart.postgresql.tests.conformance.components import NeverProven
from ansible_collections.rampart.postgresql.tests.conformance.components import run_components
from ansible_collections.rampart.postgresql.tests.conformance.modules import Result

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

NAMES = ("App", 'quo"te', "100%s", "naïve rôle", "user", "it's", "dotted.name", "back\\slash")
VALUES = """
SELECT rolname, rolcanlogin, rolconnlimit, rolvaliduntil::text FROM pg_roles
WHERE oid >= 16384 ORDER BY rolname COLLATE "C" """


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def run(server: Server, *, check: bool = False, demands: dict[str, t.Any] | None = None, **options: t.Any) -> Result:
    return run_components(server, lambda: [component(options)], check=check, rehearse=False, **(demands or {}))


def good(result: Result) -> Result:
    assert not result.failed, result.output
    return result


def gets_in(server: Server, user: str, **options: t.Any) -> bool:
    try:
        server.connect(user=user, **options).close()
    except psycopg.OperationalError:
        return False
    return True


def test_values_of_named_roles_are_what_the_operator_says(fresh_server: Server) -> None:
    server = fresh_server
    for name in (*NAMES, "other"):
        server.query(f"CREATE ROLE {quoted(name)} LOGIN VALID UNTIL 'infinity'")
    before = server.query(VALUES)
    wanted = [
        {"role": name, "login": False, "connection_limit": 7, "valid_until": "2031-05-06 07:08:09+02:00"}
        for name in NAMES
    ]
    assert all(gets_in(server, name) for name in NAMES)  # the positive control
    assert good(run(server, check=True, roles=wanted)).changed
    assert server.query(VALUES) == before
    assert len(good(run(server, roles=wanted)).values["steps"]) == len(NAMES)
    until = server.query("SELECT timestamptz '2031-05-06 05:08:09+00'::text")[0][0]
    assert server.query(VALUES) == [
        (name, False, 7, until) if name in NAMES else (name, *rest) for name, *rest in before
    ]
    assert not any(gets_in(server, name) for name in NAMES)
    assert not good(run(server, roles=wanted)).changed
    back = [{"role": name, "login": True, "connection_limit": -1, "valid_until": "infinity"} for name in NAMES]
    assert good(run(server, roles=back)).changed
    assert server.query(VALUES) == before
    for name in (server.superuser, "pg_monitor"):
        assert "roles[0].role" in run(server, roles=[{"role": name, "login": False}]).message


@pytest.mark.in_turn
def test_moments_of_any_year_are_known_and_put_back(fresh_server: Server) -> None:
    server = fresh_server
    moments = ("20000-02-29 12:00:00", "0044-03-15 BC", "0001-02-03", "-infinity", "2030-01-01 11:12:13.456789")
    for number, moment in enumerate(moments):
        server.query(f"CREATE ROLE role{number} VALID UNTIL '{moment}'")
    server.query("ALTER DATABASE postgres SET extra_float_digits = -15")  # the server rounds what it shows
    before = server.query(VALUES)
    wanted = [{"role": f"role{number}", "valid_until": "0900-05-06 07:08:09"} for number in range(len(moments))]
    undone = run_components(server, lambda: [component({"roles": wanted}), NeverProven()], rehearse=False)
    assert undone.failed and len(undone.values["undone"]) == len(moments), undone.output
    assert server.query(VALUES) == before
    assert good(run(server, roles=wanted)).changed
    assert server.query(VALUES) == [(*row[:3], "0900-05-06 07:08:09+00") for row in before]


@pytest.mark.in_turn
def test_by_pattern_and_by_membership(fresh_server: Server) -> None:
    server = fresh_server
    for name in ("svc_a", "svc_b", "svcc", "team", "deep"):
        server.query(f"CREATE ROLE {name} CREATEDB")
    server.query("GRANT team TO deep")
    server.query("CREATE ROLE leaf CREATEDB IN ROLE deep")
    allow = [
        {"pattern": "svc_[ab]", "attributes": ["CREATEDB"]},
        {"member_of": "team", "attributes": ["CREATEDB"]},
    ]
    done = good(run(server, allow=allow))
    assert [step["subject"] for step in done.values["steps"]] == ['role "svcc"', 'role "team"']
    kept = server.query("SELECT rolname FROM pg_roles WHERE rolcreatedb AND oid <> 10 ORDER BY rolname")
    assert [name for (name,) in kept] == ["deep", "leaf", "svc_a", "svc_b"]
    assert not good(run(server, allow=allow)).changed


@pytest.fixture
def with_client(fresh_server: Server) -> Iterator[Server]:
    """A client of role app that shows its password over TCP."""
    server = fresh_server
    server.query("SET password_encryption = 'scram-sha-256'; CREATE ROLE app LOGIN PASSWORD 'secret'")
    rules = "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n"
    server.hba_file.write_text(rules, encoding="utf-8")
    server.reload()
    with contextlib.closing(server.connect(user="app", host="127.0.0.1", password="secret", sslmode="disable")):
        yield server


@pytest.mark.in_turn
@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"login": False}, "NOLOGIN"),
        ({"connection_limit": 0}, "CONNECTION LIMIT 0"),
        ({"valid_until": "2001-01-01"}, "VALID UNTIL"),
    ],
)
def test_a_client_that_would_be_refused_stops_it(with_client: Server, value: dict[str, t.Any], words: str) -> None:
    server = with_client
    reach = {"host": "127.0.0.1", "password": "secret", "sslmode": "disable"}
    before = server.query(VALUES)
    refused = run(server, roles=[{"role": "app", **value}])
    assert refused.failed and words in refused.message and refused.values["refused"][0]["user"] == "app"
    assert server.query(VALUES) == before and gets_in(server, "app", **reach)
    harmless = {"login": True, "connection_limit": 9, "valid_until": "2099-01-01"}
    assert good(run(server, roles=[{"role": "app", **harmless}])).changed  # the positive control
    assert good(run(server, demands={"allow_lockout": True}, roles=[{"role": "app", **value}])).changed
    assert not gets_in(server, "app", **reach)  # as foretold
