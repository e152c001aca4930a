"""Memberships and grants on parameters that amount to SUPERUSER, on a real server that is asked what is left."""

from __future__ import annotations

import contextlib
import time
import typing as t

import psycopg
import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._hba import arguments as hba
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.arguments import component
from ansible_collections.rampart.postgresql.tests.conformance.components import NeverProven
from ansible_collections.rampart.postgresql.tests.conformance.components import run_components
from ansible_collections.rampart.postgresql.tests.conformance.killed import MOST_STEPS
from ansible_collections.rampart.postgresql.tests.conformance.killed import killed_at
from ansible_collections.rampart.postgresql.tests.conformance.modules import Result

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

NAMES = ("App", 'quo"te', "100%s", "naïve rôle", "user", "it's", "dotted.name", "back\\slash", "semi; --")
PROGRAM = "pg_execute_server_program"
OPTIONS = "to_jsonb(m) - 'oid' - 'roleid' - 'member' - 'grantor'"
MEMBERSHIPS = f"""
SELECT r.rolname, p.rolname, g.rolname, {OPTIONS}
FROM pg_auth_members m JOIN pg_roles r ON r.oid = roleid JOIN pg_roles p ON p.oid = member JOIN pg_roles g ON g.oid = grantor
WHERE m.member >= 16384 ORDER BY 1, 2, 3"""
PARAMETERS = "SELECT parname, a.* FROM pg_parameter_acl, aclexplode(paracl) a ORDER BY 1, 2, 3, 4"


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def build(**options: t.Any) -> t.Any:
    return component(options)


def run(server: Server, *, check: bool = False, demands: dict[str, t.Any] | None = None, **options: t.Any) -> Result:
    return run_components(server, lambda: [component(options)], check=check, rehearse=False, **(demands or {}))


def good(result: Result) -> Result:
    assert not result.failed, result.output
    return result


def can(server: Server, user: str, statement: str) -> bool:
    with server.connect(user=user) as connection:
        try:
            connection.execute(statement.encode())
        except psycopg.errors.InsufficientPrivilege:
            return False
    return True


def allowed(name: str, role: str = PROGRAM, **options: t.Any) -> dict[str, t.Any]:
    return {"role": name, "memberships": [{"role": role, **options}]}


ESCALATIONS = {
    PROGRAM: "COPY (SELECT 1) TO PROGRAM 'cat > /dev/null'",
    "pg_read_server_files": "COPY pg_temp.t FROM '/etc/passwd' (DELIMITER E'\\x01')",
    "pg_write_server_files": "COPY (SELECT 1) TO '/dev/null'",
}


def tries(role: str) -> str:
    return f"CREATE TEMPORARY TABLE t (line text); {ESCALATIONS[role]}"


def test_program_and_files_of_the_server_are_out_of_reach(fresh_server: Server) -> None:
    server = fresh_server
    for number, name in enumerate(NAMES):
        server.query(f"CREATE ROLE {quoted(name)} LOGIN IN ROLE {list(ESCALATIONS)[number % 3]}")
    server.query(f"CREATE ROLE keeper LOGIN IN ROLE {PROGRAM}; CREATE ROLE through LOGIN IN ROLE keeper")
    before = server.query(MEMBERSHIPS)
    for number, name in enumerate(NAMES):
        assert can(server, name, tries(list(ESCALATIONS)[number % 3]))  # the positive control
    reported = good(run(server))
    assert not reported.changed and len(reported.values["left_alone"]) == len(NAMES) + 1
    assert len(reported.values["near_superusers"]) == len(NAMES) + 2
    wanted = good(run(server, check=True, allow=[allowed("keeper")]))
    assert server.query(MEMBERSHIPS) == before
    done = good(run(server, allow=[allowed("keeper")]))
    assert done.values["steps"] == wanted.values["steps"] and len(done.values["steps"]) == len(NAMES)
    assert [entry["role"] for entry in done.values["near_superusers"]] == ["keeper", "through"]
    for number, name in enumerate(NAMES):
        assert not can(server, name, tries(list(ESCALATIONS)[number % 3]))
    assert can(server, "keeper", tries(PROGRAM))
    assert server.query(MEMBERSHIPS) == [row for row in before if row[1] in ("keeper", "through")]
    assert not good(run(server, allow=[allowed("keeper")])).changed


def test_createrole_grants_itself_no_power(fresh_server: Server, major: int) -> None:
    server = fresh_server
    server.query("CREATE ROLE maker LOGIN CREATEROLE")
    near = good(run(server)).values["near_superusers"]
    assert [entry["role"] for entry in near] == (["maker"] if major < 16 else [])
    grab = f"GRANT {PROGRAM} TO maker"
    assert can(server, "maker", f"BEGIN; {grab}; ROLLBACK") == (major < 16)  # the positive control, where it is one
    good(run(server, allow=[]))
    assert not can(server, "maker", grab)
    assert good(run(server, allow=[])).values["near_superusers"] == []


@pytest.mark.in_turn
def test_rows_that_lost_their_role_mean_nothing(fresh_server: Server) -> None:
    """As two sessions leave them behind when one drops a role that the other one grants."""
    server = fresh_server
    server.query(f"CREATE ROLE app LOGIN CREATEDB IN ROLE {PROGRAM}; CREATE ROLE gone IN ROLE {PROGRAM}")
    server.query("GRANT gone TO app; DELETE FROM pg_authid WHERE rolname = 'gone'")
    allow = [{"member_of": "nobody", "attributes": ["CREATEDB"]}]
    done = good(run(server, allow=allow))
    assert [step["subject"] for step in done.values["steps"]] == ['role "app"'] * 2
    assert not good(run(server, allow=allow)).changed


@pytest.mark.in_turn
def test_a_group_that_postgresql_made_passes_no_power_on(fresh_server: Server) -> None:
    server = fresh_server
    server.query(f"CREATE ROLE app LOGIN IN ROLE pg_monitor; GRANT {PROGRAM} TO pg_monitor")
    assert can(server, "app", tries(PROGRAM))  # the positive control
    good(run(server, allow=[], memberships=[PROGRAM, "pg_read_all_stats"]))
    assert not can(server, "app", tries(PROGRAM))
    assert server.query("SELECT pg_has_role('app', 'pg_read_all_stats', 'USAGE')") == [(True,)]
    assert not good(run(server, allow=[])).changed


@pytest.mark.in_turn
@pytest.mark.since(14)
def test_a_verifier_that_is_as_good_as_a_password_is_out_of_reach(fresh_server: Server) -> None:
    server = fresh_server
    server.query("CREATE ROLE reader LOGIN IN ROLE pg_read_all_data")
    assert not good(run(server, allow=[])).changed
    server.query("SET password_encryption = md5; CREATE ROLE old LOGIN PASSWORD 'secret'")
    assert can(server, "reader", "SELECT rolpassword FROM pg_authid")
    assert good(run(server, allow=[])).changed
    assert not can(server, "reader", "SELECT rolpassword FROM pg_authid")
    server.query("SET password_encryption = 'scram-sha-256'; ALTER ROLE old PASSWORD 'secret'")
    server.query("GRANT pg_read_all_data TO reader")
    assert not good(run(server, allow=[])).changed
    server.hba_file.write_text("local all all trust\nhost all all 127.0.0.1/32 md5\n", encoding="utf-8")
    assert good(run(server, allow=[])).changed


@pytest.mark.since(16)
def test_what_was_granted_on_goes_first_and_only_when_it_may(fresh_server: Server) -> None:
    server = fresh_server
    for name in NAMES:
        server.query(f"CREATE ROLE {quoted(name)}")
    giver = server.superuser
    for name in NAMES:  # a chain: each has it from the one before
        server.query(f"GRANT {PROGRAM} TO {quoted(name)} WITH ADMIN TRUE GRANTED BY {quoted(giver)}")
        giver = name
    before = server.query(MEMBERSHIPS)
    last = NAMES[-1]
    refused = run(server, allow=[allowed(last)])
    assert refused.failed and quoted(last) in refused.message and "cascade" in refused.message
    assert server.query(MEMBERSHIPS) == before

    undone = run_components(server, lambda: [build(allow=[]), NeverProven()], rehearse=False)
    assert undone.failed and len(undone.values["undone"]) == len(NAMES), undone.output
    assert server.query(MEMBERSHIPS) == before

    killed = killed_at(MOST_STEPS, "role_attributes", server, allow=[allowed(NAMES[0])], cascade=True)
    assert not killed.by_signal
    assert [row[1] for row in server.query(MEMBERSHIPS)] == [NAMES[0]]


@pytest.mark.since(16)
def test_options_of_a_membership_that_is_allowed(fresh_server: Server) -> None:
    server = fresh_server
    server.query("CREATE ROLE app LOGIN")
    server.query(f"GRANT {PROGRAM} TO app WITH ADMIN TRUE, INHERIT TRUE, SET TRUE")
    allow = [allowed("app", inherit=False)]
    assert can(server, "app", tries(PROGRAM))
    assert len(good(run(server, allow=allow)).values["steps"]) == 2
    assert server.query(
        "SELECT admin_option, inherit_option, set_option FROM pg_auth_members WHERE member > 16383"
    ) == [(False, False, True)]
    assert not can(server, "app", tries(PROGRAM))
    assert can(server, "app", f"SET ROLE {PROGRAM}; {tries(PROGRAM)}")
    assert not good(run(server, allow=allow)).changed
    good(run(server, allow=[allowed("app", inherit=False, set=False)]))
    assert not can(server, "app", f"SET ROLE {PROGRAM}")


@pytest.mark.since(15)
def test_parameters_are_out_of_reach(fresh_server: Server) -> None:
    server = fresh_server
    for name in NAMES:
        server.query(f"CREATE ROLE {quoted(name)} LOGIN")
    first, second, *others = NAMES
    server.query(f"GRANT ALTER SYSTEM, SET ON PARAMETER archive_command TO {quoted(first)} WITH GRANT OPTION")
    server.query(f"SET ROLE {quoted(first)}; GRANT ALTER SYSTEM ON PARAMETER archive_command TO {quoted(second)}")
    for name in others:
        server.query(f"GRANT SET ON PARAMETER session_preload_libraries TO {quoted(name)}")
        server.query(f"GRANT SET ON PARAMETER log_duration TO {quoted(name)}")
    before = server.query(PARAMETERS)
    assert can(server, second, "ALTER SYSTEM SET archive_command = 'true'")
    assert can(server, others[0], "SET session_preload_libraries = ''")
    refused = run(server, allow=[{"role": second, "parameters": ["archive_command"]}])
    assert refused.failed and "cascade" in refused.message
    undone = run_components(server, lambda: [build(allow=[]), NeverProven()], rehearse=False)
    assert undone.failed and server.query(PARAMETERS) == before
    good(run(server, allow=[]))
    assert not can(server, second, "ALTER SYSTEM SET archive_command = 'true'")
    for name in others:
        assert not can(server, name, "SET session_preload_libraries = ''")
        assert can(server, name, "SET log_duration = on")  # nothing else changed
    assert not good(run(server, allow=[])).changed


@pytest.mark.in_turn
@pytest.mark.since(15)
def test_the_log_is_no_way_into_files_of_the_server(fresh_server: Server) -> None:
    server = fresh_server
    server.query("ALTER SYSTEM SET logging_collector = on")
    server.restart()
    server.query("CREATE ROLE app LOGIN; GRANT ALTER SYSTEM ON PARAMETER log_filename TO app")
    keys = server.data_directory.parent / "authorized_keys"
    with server.connect(user="app") as app:  # the positive control
        app.execute("ALTER SYSTEM SET log_filename = '../../authorized_keys'")
        server.query("SELECT pg_reload_conf()")
        for _attempt in range(100):
            with contextlib.suppress(psycopg.errors.InvalidTextRepresentation):
                app.execute("SELECT E'\\nssh-ed25519 AAAA app'::int")
            if keys.exists() and "\n\tssh-ed25519 AAAA app" in keys.read_text(encoding="utf-8"):
                break
            time.sleep(0.05)
        else:
            pytest.fail("the log did not get there")
    good(run(server, allow=[]))
    assert not can(server, "app", "ALTER SYSTEM SET log_filename = 'x'")


@pytest.mark.in_turn
@pytest.mark.since(15)
def test_what_a_superuser_granted_before_it_was_one_is_refused(fresh_server: Server) -> None:
    server = fresh_server
    server.query("CREATE ROLE giver; CREATE ROLE app; GRANT SET ON PARAMETER jit_provider TO giver WITH GRANT OPTION")
    server.query("SET ROLE giver; GRANT SET ON PARAMETER jit_provider TO app")
    server.query("ALTER ROLE giver SUPERUSER")
    before = server.query(PARAMETERS)
    refused = run(server, allow=[{"role": "giver", "attributes": ["SUPERUSER"]}])
    assert refused.failed and "before it became superuser" in refused.message and '"giver"' in refused.message
    assert server.query(PARAMETERS) == before
    good(run(server, allow=[]))  # it loses SUPERUSER first
    assert not server.query(PARAMETERS)


@pytest.mark.in_turn
@pytest.mark.since(14)
def test_a_rule_with_md5_that_comes_with_the_run_counts_in_the_next_one(fresh_server: Server) -> None:
    server = fresh_server
    server.query("CREATE ROLE reader LOGIN IN ROLE pg_read_all_data")
    own = {"type": "local", "databases": ["all"], "users": [server.superuser], "method": "trust"}
    rule = {"type": "host", "databases": ["all"], "users": ["all"], "address": "127.0.0.1/32", "method": "md5"}

    def both() -> Result:
        rules = hba.component({"rules": [own, rule]}, option="hba")
        return run_components(server, lambda: [build(allow=[]), rules], rehearse=False)

    assert [step["component"] for step in good(both()).values["steps"]] == ["hba"]
    assert [step["component"] for step in good(both()).values["steps"]] == ["role_attributes"]
    assert not good(both()).changed


@pytest.mark.in_turn
def test_what_a_rule_asks_for_is_asked_of_admission(fresh_server: Server) -> None:
    server = fresh_server
    server.query("SET password_encryption = 'scram-sha-256'")
    server.query(f"CREATE ROLE app LOGIN PASSWORD 'secret' IN ROLE {PROGRAM}")
    rules = f"local all {server.superuser} trust\nhost all +{PROGRAM} 127.0.0.1/32 trust\n"
    server.hba_file.write_text(rules, encoding="utf-8")
    server.reload()
    before = server.query(MEMBERSHIPS)
    reach = {"user": "app", "host": "127.0.0.1", "sslmode": "disable"}
    with contextlib.closing(server.connect(**reach)):
        refused = run(server, allow=[])
        assert refused.failed and refused.values["refused"][0]["user"] == "app"
        assert server.query(MEMBERSHIPS) == before
        assert good(run(server, allow=[], demands={"allow_lockout": True})).changed
    with pytest.raises(psycopg.OperationalError):
        server.connect(**reach)


@pytest.mark.in_turn
def test_killed_anywhere_it_is_before_or_after(fresh_server: Server) -> None:
    server = fresh_server
    server.query(f"CREATE ROLE one SUPERUSER; CREATE ROLE two IN ROLE {PROGRAM}; CREATE ROLE three")
    catalogue = f"SELECT (SELECT json_agg(r ORDER BY oid) FROM pg_roles r)::text, (SELECT json_agg(q) FROM ({MEMBERSHIPS}) q)::text"
    before = server.query(catalogue)
    options: dict[str, t.Any] = {"allow": [], "roles": [{"role": "three", "login": True}]}
    for step in range(1, MOST_STEPS):
        killed = killed_at(step, "role_attributes", server, **options)
        if not killed.by_signal:
            break
        now = server.query(catalogue)
        changed = now != before
        if changed:  # all of it
            assert not good(run(server, check=True, **options)).changed
            server.query(f"ALTER ROLE one SUPERUSER; GRANT {PROGRAM} TO two; ALTER ROLE three NOLOGIN")
    else:
        raise AssertionError("it never came to its end")
    assert server.query(catalogue) != before and step > 4
