"""What role_attributes takes from roles of a real server, and what it leaves."""

from __future__ import annotations

import typing as t

import psycopg
import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._roles.arguments import component
from ansible_collections.rampart.postgresql.tests.conformance.components import NeverProven
from ansible_collections.rampart.postgresql.tests.conformance.components import run_components
from ansible_collections.rampart.postgresql.tests.conformance.modules import Result
from ansible_collections.rampart.postgresql.tests.conformance.modules import run_module

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

NAMES = ("app", "App", 'quo"te', "100%s", "naïve rôle", "back\\slash", "user", "it's", "semi;colon --")
EVERYTHING = "SUPERUSER CREATEDB CREATEROLE REPLICATION BYPASSRLS"
CATALOGUE = """
SELECT r.rolname, r.rolsuper, r.rolcreatedb, r.rolcreaterole, r.rolreplication, r.rolbypassrls,
       r.rolcanlogin, r.rolinherit, r.rolconnlimit, r.rolvaliduntil, r.rolconfig, a.rolpassword
FROM pg_catalog.pg_roles r JOIN pg_catalog.pg_authid a USING (oid) ORDER BY oid"""


def create(server: Server, name: str, words: str) -> None:
    server.query(f"CREATE ROLE {quoted(name)} LOGIN {words}")


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def run(server: Server, *, check: bool = False, user: str | None = None, **options: t.Any) -> Result:
    return run_components(server, lambda: [component(options)], check=check, user=user)


def good(result: Result) -> Result:
    assert not result.failed, result.output
    return result


def test_a_role_loses_what_nobody_allowed_and_then_cannot_use_it(fresh_server: Server) -> None:
    server = fresh_server
    for name in NAMES:
        create(server, name, EVERYTHING)
    create(server, "keeper", "CREATEDB BYPASSRLS CONNECTION LIMIT 5 PASSWORD 'secret' VALID UNTIL '2030-01-01'")
    server.query("ALTER ROLE keeper SET work_mem = '8MB'")
    create(server, "plain", "")
    server.query('CREATE DATABASE owned OWNER "App"')
    for name in NAMES:  # the positive control: before, they can
        with server.connect(user=name) as connection:
            connection.execute("CREATE DATABASE tried")
            connection.execute("DROP DATABASE tried")
    before = server.query(CATALOGUE)
    allow = [{"role": "keeper", "attributes": ["CREATEDB", "BYPASSRLS"]}]

    wanted = good(run(server, check=True, allow=allow))
    assert wanted.changed
    assert server.query(CATALOGUE) == before
    done = good(run(server, allow=allow))
    assert done.changed
    assert done.values["steps"] == wanted.values["steps"]
    assert sorted(step["subject"] for step in done.values["steps"]) == sorted(f"role {quoted(n)}" for n in NAMES)
    assert {step["before"] for step in done.values["steps"]} == {f"{EVERYTHING} LOGIN"}
    assert {step["after"] for step in done.values["steps"]} == {"LOGIN"}

    expected = [(row[0], *[False] * 5, *row[6:]) if row[0] in NAMES else row for row in before]
    assert server.query(CATALOGUE) == expected
    for name in NAMES:
        with server.connect(user=name) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("CREATE DATABASE tried")
    assert not good(run(server, check=True, allow=allow)).changed
    assert not good(run(server, allow=allow)).changed

    server.query("ALTER ROLE plain CREATEROLE")  # tamper
    drift = good(run(server, check=True, allow=allow))
    assert [step["statement"] for step in drift.values["steps"]] == ['ALTER ROLE "plain" NOCREATEROLE']
    good(run(server, allow=allow))
    assert server.query(CATALOGUE) == expected


def test_without_an_allow_list_nothing_changes(fresh_server: Server) -> None:
    create(fresh_server, "app", "SUPERUSER CREATEDB")
    before = fresh_server.query(CATALOGUE)
    result = good(run(fresh_server))
    assert not result.changed
    assert [(item["subject"], item["reason"].split(",")[0]) for item in result.values["left_alone"]] == [
        ('role "app"', "has SUPERUSER CREATEDB")
    ]
    assert fresh_server.query(CATALOGUE) == before


def test_what_replicates_goes_on(fresh_server: Server) -> None:
    server = fresh_server
    create(server, "standby", "REPLICATION CREATEDB")
    create(server, "idle", "REPLICATION")
    with server.connect(user="standby", replication="true", application_name="walreceiver") as walsender:
        before = server.query(CATALOGUE)
        refused = run(server, allow=[])
        assert refused.failed and 'role "standby" needs REPLICATION: it sends WAL to walreceiver' in refused.message
        assert server.query(CATALOGUE) == before
        result = good(run(server, allow=[], in_use="keep"))
        assert [step["statement"] for step in result.values["steps"]] == [
            'ALTER ROLE "standby" NOCREATEDB',
            'ALTER ROLE "idle" NOREPLICATION',
        ]
        assert result.values["left_alone"][0]["subject"] == 'role "standby"'
        assert "walreceiver" in result.values["left_alone"][0]["reason"]
        assert not good(run(server, allow=[], in_use="keep")).changed
        assert not good(run(server, allow=[{"role": "standby", "attributes": ["REPLICATION"]}])).changed
        walsender.execute("IDENTIFY_SYSTEM")
    assert server.query("SELECT rolname FROM pg_roles WHERE rolreplication AND oid <> 10") == [("standby",)]
    for _attempt in range(100):  # until the walsender has gone
        if not server.query("SELECT 1 FROM pg_stat_replication"):
            break
        server.query("SELECT pg_sleep(0.02)")
    assert good(run(server, allow=[])).changed  # in use no more


@pytest.mark.in_turn
@pytest.mark.parametrize(
    "conninfo",
    [
        "host=/tmp user=standby password=s3cret",
        "user = 'standby' host=/tmp",
        r"passfile=x user=st\andby",
        "postgresql://st%61ndby:s3cret@db1.example.com/",
    ],
)
def test_what_the_configuration_names_has_to_be_allowed(fresh_server: Server, conninfo: str) -> None:
    server = fresh_server
    create(server, "standby", "REPLICATION")
    create(server, "user", "REPLICATION")
    text = conninfo.replace("'", "''")
    server.query(f"ALTER SYSTEM SET primary_conninfo = '{text}'")
    server.reload()
    before = server.query(CATALOGUE)
    refused = run(server, allow=[])
    assert refused.failed and 'role "standby" needs REPLICATION: primary_conninfo names it' in refused.message
    assert refused.values["roles"] == ["standby"] and "s3cret" not in refused.output
    assert server.query(CATALOGUE) == before
    done = good(run(server, allow=[{"role": "standby", "attributes": ["REPLICATION"]}]))
    assert [step["subject"] for step in done.values["steps"]] == ['role "user"']


@pytest.mark.in_turn
def test_what_monitoring_works_with_has_to_be_listed(fresh_server: Server) -> None:
    server = fresh_server
    create(server, "monitor", "SUPERUSER CREATEDB")
    create(server, "app", "SUPERUSER")
    with server.connect(user="monitor", application_name="postgres_exporter"), server.connect(user="app"):
        refused = run(server, allow=[])
        assert refused.failed and refused.values["roles"] == ["monitor"]
        assert "it is connected as postgres_exporter" in refused.message
        kept = good(run(server, check=True, allow=[], in_use="keep"))
        assert [step["subject"] for step in kept.values["steps"]] == ['role "app"']
        decided = good(run(server, allow=[{"role": "monitor", "attributes": []}]))
        assert len(decided.values["steps"]) == 2


@pytest.mark.in_turn
def test_what_depends_on_a_superuser_is_listed(fresh_server: Server) -> None:
    server = fresh_server
    create(server, "app", "SUPERUSER")
    create(server, "other", "")
    server.query("CREATE DATABASE shop")
    with server.connect(user="app", dbname="shop") as connection:
        for number in range(7):
            connection.execute(f"CREATE FUNCTION f{number}() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'")
        connection.execute("CREATE FUNCTION plain() RETURNS int LANGUAGE sql AS 'SELECT 1'")
        connection.execute("CREATE FOREIGN DATA WRAPPER w; CREATE SERVER near FOREIGN DATA WRAPPER w")
        connection.execute("CREATE SERVER far FOREIGN DATA WRAPPER w")
        connection.execute("CREATE USER MAPPING FOR app SERVER near OPTIONS (\"user\" 'x')")
        connection.execute("CREATE USER MAPPING FOR app SERVER far OPTIONS (password 's3cret')")
    told = good(run(server, allow=[])).output
    assert 'SECURITY DEFINER function "f0" in database "shop"' in told and "and 2 more" in told
    assert 'user mapping without a password "near"' in told
    assert '"far"' not in told and '"plain"' not in told and "s3cret" not in told


def test_the_bootstrap_superuser_and_the_login_are_exempt(fresh_server: Server) -> None:
    server = fresh_server
    create(server, "admin", "SUPERUSER")
    create(server, "app", "CREATEDB")
    before = server.query(CATALOGUE)
    for name in (server.superuser, "admin"):
        result = run(server, user="admin", strip=["app", name])
        assert result.failed
        assert "strip[1]" in result.message and name in result.message
        assert server.query(CATALOGUE) == before
    result = good(run(server, user="admin", allow=[]))
    assert [step["subject"] for step in result.values["steps"]] == ['role "app"']
    assert [item["subject"] for item in result.values["left_alone"]] == ['role "admin"']


def test_a_subscription_blocks_and_an_event_trigger_is_told(fresh_server: Server) -> None:
    server = fresh_server
    create(server, "app", "SUPERUSER")
    create(server, "other", "CREATEDB")
    server.query("CREATE DATABASE shop")
    with server.connect(user="app", dbname="shop") as connection:
        connection.execute("CREATE FUNCTION f() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'")
        connection.execute("CREATE EVENT TRIGGER audit ON ddl_command_end EXECUTE FUNCTION f()")
        connection.execute("CREATE SUBSCRIPTION orders CONNECTION 'host=/' PUBLICATION p WITH (connect = false)")
    before = server.query(CATALOGUE)
    result = run(server, allow=[])
    assert result.failed
    assert 'subscription "orders" in database "shop" of role "app"' in result.message
    assert server.query(CATALOGUE) == before
    result = run(server, roles=[{"role": "app", "login": False}])
    assert result.failed and "would lose LOGIN" in result.message
    assert server.query(CATALOGUE) == before

    with server.connect(dbname="shop") as connection:  # the positive control: only the subscription stood in the way
        connection.execute(f"ALTER SUBSCRIPTION orders OWNER TO {quoted(server.superuser)}")
    result = good(run(server, allow=[]))
    assert len(result.values["steps"]) == 2
    assert 'event trigger "audit" in database "shop"' in result.output


def test_the_last_other_superuser_stays_where_policy_asks_for_one(fresh_server: Server) -> None:
    create(fresh_server, "app", "SUPERUSER")
    before = fresh_server.query(CATALOGUE)
    result = run(fresh_server, allow=[], require_other_superuser=True)
    assert result.failed
    assert 'role "app"' in result.message
    assert fresh_server.query(CATALOGUE) == before
    create(fresh_server, "dba", "SUPERUSER")
    allow = [{"role": "dba", "attributes": ["SUPERUSER"]}]
    assert good(run(fresh_server, allow=allow, require_other_superuser=True)).changed


def test_a_login_that_may_not_is_told_before_anything_changes(fresh_server: Server) -> None:
    create(fresh_server, "weak", "CREATEROLE")
    create(fresh_server, "app", "CREATEDB")
    before = fresh_server.query(CATALOGUE)
    for words in ("it has to be a superuser", "'weak' is not a superuser"):
        result = run(fresh_server, user="weak", allow=[])
        assert result.failed
        assert words in result.message
        assert fresh_server.query(CATALOGUE) == before
        fresh_server.query("GRANT pg_read_all_settings TO weak")
    assert good(run(fresh_server, allow=[])).changed


def test_a_standby_is_not_written_to(fresh_server: Server) -> None:
    server = fresh_server
    create(server, "app", "SUPERUSER")
    server.stop()
    signal = server.data_directory / "standby.signal"
    with server.owner.acting():
        signal.touch()
    server.start()
    result = good(run(server, allow=[]))
    assert not result.changed
    assert [item["subject"] for item in result.values["left_alone"]] == ['role "app"']
    assert "run on the primary" in result.values["left_alone"][0]["reason"]
    assert "standby" in run(server, allow=[], on_standby="fail").message
    server.stop()
    signal.unlink()
    server.start()
    assert good(run(server, allow=[], on_standby="fail")).changed


def test_what_is_not_proven_is_taken_back(fresh_server: Server) -> None:
    server = fresh_server
    create(server, "app", EVERYTHING)
    create(server, "other", "CREATEDB")
    before = server.query(CATALOGUE)
    result = run_components(server, lambda: [component({"allow": []}), NeverProven()])
    assert result.failed
    assert len(result.values["undone"]) == 2
    assert server.query(CATALOGUE) == before
    assert good(run(server, allow=[])).changed


def test_what_a_manager_uses_has_to_be_allowed(fresh_server: Server) -> None:
    server = fresh_server
    create(server, "autoctl_node", "REPLICATION")
    create(server, "app", "CREATEDB")
    before = server.query(CATALOGUE)
    trace = server.data_directory / "postgresql-auto-failover.conf"
    with server.owner.acting():
        trace.touch()
    result = run(server, allow=[])
    assert result.failed
    assert 'pg_auto_failover runs this cluster and uses role "autoctl_node"' in result.message
    assert server.query(CATALOGUE) == before
    allowed = good(run(server, allow=[{"role": "autoctl_node", "attributes": ["REPLICATION"]}]))
    assert [step["subject"] for step in allowed.values["steps"]] == ['role "app"']
    trace.unlink()
    assert [step["subject"] for step in good(run(server, allow=[])).values["steps"]] == ['role "autoctl_node"']


def test_two_thousand_roles_that_are_allowed_change_nothing(fresh_server: Server) -> None:
    server = fresh_server
    server.query("DO $$ BEGIN FOR n IN 1..2000 LOOP EXECUTE format('CREATE ROLE r%s CREATEDB', n); END LOOP; END $$")
    server.query(
        "CREATE ROLE g; DO $$ BEGIN FOR n IN 1..2000 LOOP EXECUTE format('GRANT g TO r%s', n); END LOOP; END $$"
    )
    assert len(good(run(server, allow=[])).values["steps"]) == 2000
    allow = [
        {"pattern": "r[0-9]+x", "attributes": ["CREATEDB"]},
        {"member_of": "g", "memberships": [{"role": "pg_read_server_files"}]},
    ]
    assert not good(run(server, allow=allow)).changed


def test_the_module_does_the_same(fresh_server: Server) -> None:
    server = fresh_server
    create(server, "app", "SUPERUSER")
    wanted = good(run_module("role_attributes", server, check=True, allow=[]))
    done = good(run_module("role_attributes", server, allow=[]))
    assert wanted.values["diff"] == done.values["diff"]
    assert done.values["diff"][0]["before"] == "SUPERUSER LOGIN\n"
    assert server.query("SELECT rolsuper FROM pg_roles WHERE rolname = 'app'") == [(False,)]
    assert not good(run_module("role_attributes", server, allow=[])).changed
    assert "strip[0]" in run_module("role_attributes", server, strip=[server.superuser]).message
