"""Passwords are set so that the right one gets in, no second run does anything, and no log or result shows them."""

from __future__ import annotations

import typing as t

import psycopg
import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._hba import arguments as hba
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.arguments import component
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.passwords import verifiers
from ansible_collections.rampart.postgresql.tests.conformance.components import run_components
from ansible_collections.rampart.postgresql.tests.conformance.modules import Result
from ansible_collections.rampart.postgresql.tests.conformance.modules import run_module

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

PASSWORDS = {
    "App": "plain horse",
    'quo"te': "it's 100%s \\ 'quoted' {x}",
    "naïve rôle": "I\u00adX \u2168",
    "user": "pässwörd \u00aa",
    "right": "\u0627\u0031",
    "dotted.name": "a\u0007\u00e9",
    "spaces": "a\u00a0b \u3000",
    "new": "\u0221 \U0001f40e",
    "mixed": "\u05d0a\u05d0",
    "hebrew": "\u05d0\u05d1",
    "zero": "a\u200bb\u200dc",
    "percent": "%(x)s" * 40,
}
VERIFIERS = 'SELECT rolname, rolpassword FROM pg_authid WHERE oid >= 16384 ORDER BY rolname COLLATE "C"'


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def run(server: Server, *, check: bool = False, demands: dict[str, t.Any] | None = None, **options: t.Any) -> Result:
    return run_components(server, lambda: [component(options)], check=check, rehearse=False, **(demands or {}))


def good(result: Result) -> Result:
    assert not result.failed, result.output
    return result


def create(server: Server, names: t.Iterable[str]) -> None:
    for name in names:
        server.query(f"CREATE ROLE {quoted(name)} LOGIN")


def let_in(server: Server, method: str) -> None:
    rules = f"local all {server.superuser} trust\nhost all all 127.0.0.1/32 {method}\n"
    server.hba_file.write_text(rules, encoding="utf-8")
    server.reload()


def gets_in(server: Server, user: str, password: str) -> bool:
    try:
        server.connect(user=user, host="127.0.0.1", password=password, sslmode="disable").close()
    except psycopg.OperationalError:
        return False
    return True


def test_the_right_password_gets_in_and_is_known_again(fresh_server: Server) -> None:
    server = fresh_server
    create(server, PASSWORDS)
    let_in(server, "scram-sha-256")
    assert not any(gets_in(server, name, password) for name, password in PASSWORDS.items())
    before = server.query(VERIFIERS)
    assert good(run(server, check=True, passwords=PASSWORDS)).changed
    assert server.query(VERIFIERS) == before
    done = good(run(server, passwords=PASSWORDS))
    assert len(done.values["steps"]) == len(PASSWORDS)
    assert all(gets_in(server, name, password) for name, password in PASSWORDS.items())
    assert not gets_in(server, "App", "plain horsE")
    stored = server.query(VERIFIERS)
    assert not good(run(server, passwords=PASSWORDS)).changed
    assert server.query(VERIFIERS) == stored

    # What the server makes is known again too.
    with server.connect() as connection:
        connection.execute("SET password_encryption = 'scram-sha-256'")
        for name, password in PASSWORDS.items():
            text = psycopg.sql.quote(password)
            connection.execute(f"ALTER ROLE {quoted(name)} PASSWORD {text}".encode())
    assert server.query(VERIFIERS) != stored
    assert not good(run(server, passwords=PASSWORDS)).changed
    server.query(f"ALTER ROLE {quoted('App')} PASSWORD 'tampered'")
    assert len(good(run(server, passwords=PASSWORDS)).values["steps"]) == 1


@pytest.mark.in_turn
def test_nothing_shows_it(fresh_server: Server) -> None:
    server = fresh_server
    create(server, ("app", "other"))
    with server.owner.acting(), server.conf_file.open("a", encoding="utf-8") as stream:
        stream.write(
            "shared_preload_libraries = pg_stat_statements\nlog_statement = all\nlog_min_duration_statement = 0\n"
        )
        stream.write("log_duration = on\ndebug_print_parse = on\nlog_min_error_statement = debug5\n")
    server.restart()
    server.query("CREATE EXTENSION pg_stat_statements")
    secret = "correct horse battery"
    result = run_module("role_attributes", server, passwords={"app": secret})
    assert good(result).changed
    ((_name, stored), *_others) = server.query(VERIFIERS)
    keys = stored.split("$")[-1]
    told = result.output.replace("VALUE_SPECIFIED_IN_NO_LOG_PARAMETER", "")
    statements = str(server.query("SELECT query FROM pg_stat_statements"))
    for place in (server.log_text(), told, statements):
        assert secret not in place and keys not in place and keys.split(":")[0] not in place
    assert "ALTER ROLE" not in statements

    planted = verifiers.scram_verifier("planted", b"salt", 4096)  # the positive control: the same statement by hand
    server.query(f"ALTER ROLE other PASSWORD '{planted}'")
    for place in (server.log_text(), str(server.query("SELECT query FROM pg_stat_statements"))):
        assert planted in place


@pytest.mark.in_turn
def test_a_statement_that_is_refused_is_not_shown(fresh_server: Server) -> None:
    server = fresh_server
    create(server, ("app",))
    for parameter in ("log_min_error_statement = debug5", "log_lock_waits = on", "log_statement = 'all'"):
        server.query(f"ALTER SYSTEM SET {parameter}")
    server.reload()
    with server.connect() as blocker:
        blocker.autocommit = False
        blocker.execute("ALTER ROLE app CONNECTION LIMIT 5")
        result = run_module("role_attributes", server, passwords={"app": "correct horse"}, timeout=1)
    assert result.failed and "the server refused a statement" in result.message
    assert result.values["statement"] == "a statement that holds a secret"
    told = result.output.replace("VALUE_SPECIFIED_IN_NO_LOG_PARAMETER", "")
    for place in (told, server.log_text()):
        assert "SCRAM-SHA-256$4096" not in place and "correct horse" not in place
    assert server.query(VERIFIERS) == [("app", None)]
    assert good(run(server, passwords={"app": "correct horse"})).changed


@pytest.mark.in_turn
def test_from_md5_to_scram_in_stages(fresh_server: Server) -> None:
    server = fresh_server
    with server.connect() as session:
        session.execute("SET password_encryption = md5")
        session.execute("CREATE ROLE app LOGIN PASSWORD 'old'; CREATE ROLE other LOGIN PASSWORD 'old'")
        session.execute("CREATE ROLE late LOGIN PASSWORD 'x' VALID UNTIL '2001-01-01'; CREATE ROLE without LOGIN")
    let_in(server, "md5")
    state = good(run(server)).values["password_state"]
    assert state["md5"] == ["app", "other", "late"] and state["next"] == "change passwords" and state["md5_rules"]
    assert state["expired"] == ["late"] and "without" in state["none"]
    assert gets_in(server, "app", "old")
    with server.connect(user="app", host="127.0.0.1", password="old", sslmode="disable"):
        refused = run(server, passwords={"app": "new"})  # the client does not know the new one
        assert refused.failed and "set anew" in refused.message
        assert good(run(server, passwords={"app": "old"})).changed  # it does know the old one
        assert gets_in(server, "app", "old")
        refused = run(server, passwords={"app": "new"})
        assert refused.failed and "set anew" in refused.message
        accepted = {"accept_unproven": [{"user": "app"}]}
        assert good(run(server, demands=accepted, passwords={"app": "new"})).changed
    assert gets_in(server, "app", "new") and not gets_in(server, "app", "old")
    last = good(run(server, passwords={"other": "old", "late": "x"}))
    assert last.values["password_state"]["md5"] == [] and last.values["password_state"]["next"] == "tighten rules"
    let_in(server, "scram-sha-256")
    assert good(run(server)).values["password_state"]["next"] == "done"
    assert gets_in(server, "other", "old")


@pytest.mark.in_turn
def test_rules_are_tightened_when_nobody_is_left(fresh_server: Server) -> None:
    server = fresh_server
    with server.connect() as session:
        session.execute("SET password_encryption = md5; CREATE ROLE app LOGIN PASSWORD 'old'")
        session.execute("CREATE ROLE asleep NOLOGIN PASSWORD 'old'")
    let_in(server, "md5")
    before = server.hba_file.read_bytes()
    own = {"type": "local", "databases": ["all"], "users": [server.superuser], "method": "trust"}
    rule = {"type": "host", "databases": ["all"], "users": ["all"], "address": "127.0.0.1/32"}
    rules = [own, {**rule, "method": "scram-sha-256"}]

    def tighten(**options: t.Any) -> Result:
        return run_components(
            server,
            lambda: [component(options), hba.component({"rules": rules, "manage": "file"}, option="hba")],
            rehearse=False,
        )

    refused = tighten()
    assert refused.failed and "never pass that" in refused.message and "app (the first by" in refused.message
    assert server.hba_file.read_bytes() == before and gets_in(server, "app", "old")
    assert good(tighten(passwords={"app": "old"})).changed  # both in one run
    assert b"scram-sha-256" in server.hba_file.read_bytes() and gets_in(server, "app", "old")
    assert not good(tighten(passwords={"app": "old"})).changed


@pytest.mark.in_turn
@pytest.mark.since(16)
def test_iterations_are_those_of_the_server(fresh_server: Server) -> None:
    server = fresh_server
    create(server, ("app",))
    server.query("ALTER SYSTEM SET scram_iterations = 5000")
    server.reload()
    for iterations in (5000, 6000):
        server.query(f"ALTER SYSTEM SET scram_iterations = {iterations}")
        server.reload()
        assert good(run(server, passwords={"app": "x y"})).changed
        assert f"SCRAM-SHA-256${iterations}:" in server.query(VERIFIERS)[0][1]
        assert not good(run(server, passwords={"app": "x y"})).changed
    server.query("ALTER DATABASE postgres SET scram_iterations = 1")  # its owner may
    for setting in ("scram_iterations = 7000", ""):
        server.query(f"ALTER SYSTEM {'SET ' + setting if setting else 'RESET scram_iterations'}")
        server.query("ALTER ROLE app PASSWORD NULL")
        server.reload()
        assert good(run(server, passwords={"app": "x y"})).changed
        assert server.query(VERIFIERS)[0][1].startswith(f"SCRAM-SHA-256${setting[-4:] or 4096}:")


@pytest.mark.in_turn
@pytest.mark.since(16)
def test_iterations_of_the_same_run_count_however_they_are_written(fresh_server: Server) -> None:
    server = fresh_server
    create(server, ("app",))
    options: dict[str, t.Any] = {
        "rehearse": False,
        "settings": {"parameters": {"scram_iterations": "5e3"}},
        "role_attributes": {"passwords": {"app": "x y"}},
    }
    assert good(run_module("cluster", server, **options)).changed
    assert server.query(VERIFIERS)[0][1].startswith("SCRAM-SHA-256$5000:")
    assert not good(run_module("cluster", server, **options)).changed


@pytest.mark.in_turn
def test_a_verifier_that_a_role_made_itself_stops_no_run(fresh_server: Server) -> None:
    server = fresh_server
    create(server, ("app",))
    keys = "JOxn2Bwmo5lvTBSrBSMAbYoPRJOVTYcCVm3HFQRhWhU="  # any 32 bytes
    for start in ("0:AAAA", "-5:AAAA", "99999999999:AAAA", "2147483647:AAAA", "4096:AA=="):
        # Not with ALTER ROLE, with which the server goes through all those iterations too.
        server.query(f"UPDATE pg_authid SET rolpassword = 'SCRAM-SHA-256${start}${keys}:{keys}' WHERE rolname = 'app'")
        assert good(run(server, passwords={"app": "x y"})).changed
        assert not good(run(server, passwords={"app": "x y"})).changed


@pytest.mark.in_turn
def test_a_login_with_a_password_keeps_it(fresh_server: Server) -> None:
    server = fresh_server
    with server.connect() as session:
        session.execute("SET password_encryption = md5; CREATE ROLE dba SUPERUSER LOGIN PASSWORD 'right'")
    let_in(server, "md5")
    reach: dict[str, t.Any] = {"cluster": None, "host": "127.0.0.1", "port": server.port, "sslmode": "disable"}
    reach.update(user="dba", password="right", rehearse=False)
    before = server.query(VERIFIERS)
    refused = run_module("role_attributes", server, passwords={"dba": "another one"}, **reach)
    assert refused.failed and "a role other than the login of this run" in refused.message, refused.output
    assert server.query(VERIFIERS) == before
    assert good(run_module("role_attributes", server, passwords={"dba": "right"}, **reach)).changed
    assert server.query(VERIFIERS)[0][1].startswith("SCRAM-SHA-256$") and gets_in(server, "dba", "right")
