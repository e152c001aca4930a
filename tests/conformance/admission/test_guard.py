"""Nobody is locked out unknowingly: what the guard says before, held against real logins before and after."""

from __future__ import annotations

import contextlib
import pathlib
import time
import typing as t

import psycopg
import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._admission.arguments import guards
from ansible_collections.rampart.postgresql.plugins.module_utils._converge import converge
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._hba import arguments as hba
from ansible_collections.rampart.postgresql.plugins.module_utils._roles import arguments as role_attributes
from ansible_collections.rampart.postgresql.plugins.module_utils._server import drivers
from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server as OpenedServer
from ansible_collections.rampart.postgresql.plugins.module_utils._server.session import Options
from ansible_collections.rampart.postgresql.plugins.module_utils._settings import arguments as settings
from ansible_collections.rampart.postgresql.tests.conformance.components import run_components
from ansible_collections.rampart.postgresql.tests.conformance.modules import run_module
from ansible_collections.rampart.postgresql.tests.conformance.servers import MAJORS

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Plan
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Workshop

Rule = dict[str, t.Any]
Connection = psycopg.Connection[tuple[t.Any, ...]]

SECRET = "correct horse"
ROLES = {
    "app": "LOGIN",
    "other": "LOGIN",
    "monitor": "LOGIN",
    "standby": "LOGIN REPLICATION",
    "visitor": "LOGIN",
}


@pytest.fixture(scope="module")
def furnished(workshop: Workshop, major: int) -> Iterator[Server]:
    """A server with roles, databases and a certificate; the tests leave it as they find it."""
    server = workshop.server(major)
    with server.connect() as session:
        session.execute("SET password_encryption = 'scram-sha-256'")
        for name, words in ROLES.items():
            session.execute(f"CREATE ROLE {name} {words} PASSWORD '{SECRET}'".encode())
        session.execute("CREATE DATABASE shop")
        session.execute("CREATE DATABASE private")
        session.execute("REVOKE CONNECT ON DATABASE private FROM PUBLIC")
    pem = server.data_directory / "tls.pem"
    subject = ["-subj", "/CN=localhost", "-days", "2", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    server.owner.run(["openssl", "req", "-x509", *subject, "-keyout", f"{pem}.key", "-out", pem])
    with server.owner.acting(), pem.open("ab") as stream:
        stream.write(pathlib.Path(f"{pem}.key").read_bytes())
        pem.chmod(0o600)
    yield server
    workshop.discard(server)


@pytest.fixture
def host(furnished: Server) -> Server:
    """The server with the rules that it has at the beginning."""
    put(furnished, own(furnished), world("scram-sha-256"), world("scram-sha-256", databases=["replication"]))
    return furnished


def own(server: Server) -> Rule:
    return {"type": "local", "databases": ["all"], "users": [server.superuser], "method": "peer"}


def world(method: str, **values: t.Any) -> Rule:
    return {
        "type": "host",
        "databases": ["all"],
        "users": ["all"],
        "address": "127.0.0.1/32",
        "method": method,
        **values,
    }


def put(server: Server, *rules: Rule) -> None:
    """Make these the rules in force, whoever they lock out."""
    result = manage(server, *rules, allow_lockout=True)
    assert not result.get("failed"), result


def manage(server: Server, *rules: Rule, check: bool = False, **demands: t.Any) -> dict[str, t.Any]:
    """What the module returns."""
    result = run_components(
        server, lambda: [hba.component({"rules": list(rules)})], check=check, rehearse=False, **demands
    )
    return dict(result.values)


@contextlib.contextmanager
def session(server: Server, user: str, database: str = "shop", **options: t.Any) -> Iterator[Connection]:
    """A login over the network that gives its password when it is asked."""
    options = {
        "host": "127.0.0.1",
        "password": SECRET,
        "dbname": database,
        "sslmode": "disable",
        "sslcert": "/none",
        **options,
    }
    connection = server.connect(user=user, **options)
    try:
        yield connection
    finally:
        connection.close()


def gets_in(server: Server, user: str, database: str = "shop", **options: t.Any) -> bool:
    try:
        with session(server, user, database, **options):
            return True
    except psycopg.OperationalError:
        return False


def pid(connection: Connection) -> int:
    return connection.info.backend_pid


def lives(server: Server, number: int) -> bool:
    return bool(server.query("SELECT 1 FROM pg_catalog.pg_stat_activity WHERE pid = %s", [number]))


def test_a_session_that_would_not_get_in_again(host: Server) -> None:
    before = host.hba_file.read_bytes()
    closed = [own(host), world("reject", users=["app"]), world("scram-sha-256")]
    with session(host, "app", application_name="pooler") as client, session(host, "other"):
        for check in (True, False):
            refused = manage(host, *closed, check=check)
            assert refused["failed"] and host.hba_file.read_bytes() == before, refused
            words = f"session {pid(client)} (pooler): user app, database shop, from 127.0.0.1 would be refused: line "
            assert words in refused["msg"] and f"of the new {host.hba_file}" in refused["msg"], refused["msg"]
            assert [client["pids"] for client in refused["refused"]] == [[pid(client)]] and not refused["unproven"]
            assert "other" not in refused["msg"]
        assert gets_in(host, "app")

        # The positive control: the same clients under rules that let them in.
        assert manage(host, own(host), world("scram-sha-256", databases=["shop"], users=["app", "other"]))["changed"]
        assert gets_in(host, "app")

        done = manage(host, *closed, allow_lockout=True)
        assert done["changed"] and any(words in warning for warning in done["warnings"]), done
        assert not gets_in(host, "app") and gets_in(host, "other")
        [listed] = done["sessions"]
        assert (listed["pid"], listed["application_name"], listed["action"]) == (pid(client), "pooler", "none")
        assert client.execute("SELECT 1").fetchone() == (1,)  # a reload ends nothing

        # Refused already: no consequence of the next change, which is made and says so.
        later = manage(host, *closed, world("reject", databases=["nowhere"]))
        assert later["changed"] and any("would be refused" in warning for warning in later["warnings"]), later


def test_sessions_that_are_alike_are_named_once(host: Server) -> None:
    with contextlib.ExitStack() as stack:
        for _number in range(5):
            stack.enter_context(session(host, "app"))
        refused = manage(host, own(host))
    assert refused["msg"].count("user app") == 1 and "5 sessions " in refused["msg"], refused["msg"]
    assert len(refused["refused"]) == 1 and len(refused["refused"][0]["pids"]) == 5


def test_who_never_showed_a_secret_is_unproven(host: Server) -> None:
    put(host, own(host), world("trust"))
    before = host.hba_file.read_bytes()
    wanted = [own(host), world("scram-sha-256")]
    accepted = {"user": "app", "address": "127.0.0.0/8", "database": "shop"}
    with session(host, "app", password="wrong"):
        refused = manage(host, *wanted)
        assert refused["failed"] and "might be refused" in refused["msg"], refused
        assert [client["user"] for client in refused["unproven"]] == ["app"] and not refused["refused"]
        for other in ({"user": "other"}, {"address": "local"}, {**accepted, "database": "private"}):
            assert manage(host, *wanted, accept_unproven=[other])["failed"]
        assert host.hba_file.read_bytes() == before
        ended = manage(host, *wanted, accept_unproven=[accepted], sessions="terminate")
        assert ended["changed"] and [step["component"] for step in ended["steps"]] == ["hba"], ended
    assert not gets_in(host, "app", password="wrong") and gets_in(host, "app")
    # The positive control: who gives a password today is not asked for more.
    with session(host, "app"):
        assert manage(host, own(host), world("scram-sha-256", databases=["shop"]))["changed"]


@pytest.mark.parametrize(
    ("break_it", "mend_it", "words"),
    [
        ("ALTER ROLE monitor NOLOGIN", "ALTER ROLE monitor LOGIN", "role monitor: NOLOGIN"),
        (
            "REVOKE CONNECT ON DATABASE shop FROM PUBLIC",
            "GRANT CONNECT ON DATABASE shop TO PUBLIC",
            "database shop: CONNECT not granted",
        ),
        ("ALTER ROLE monitor VALID UNTIL '2020-01-01'", "ALTER ROLE monitor VALID UNTIL 'infinity'", "VALID UNTIL"),
        ("ALTER ROLE monitor CONNECTION LIMIT 0", "ALTER ROLE monitor CONNECTION LIMIT -1", "CONNECTION LIMIT 0"),
    ],
)
def test_who_must_get_in_and_an_attribute_says_no(host: Server, break_it: str, mend_it: str, words: str) -> None:
    must = [{"name": "monitoring", "user": "monitor", "database": "shop", "address": "127.0.0.1"}]
    wanted = [own(host), world("scram-sha-256", users=["monitor"])]
    before = host.hba_file.read_bytes()
    host.query(break_it)
    try:
        refused = manage(host, *wanted, must_admit=must)
        assert refused["failed"] and words in refused["msg"], refused
        assert "must_admit[0] (monitoring): user monitor" in refused["msg"] and host.hba_file.read_bytes() == before
        assert not gets_in(host, "monitor")
    finally:
        host.query(mend_it)
    assert gets_in(host, "monitor")
    assert manage(host, *wanted, must_admit=must)["changed"]
    assert gets_in(host, "monitor")


def test_who_must_get_in_and_a_line_says_no(host: Server) -> None:
    must = [{"user": "monitor", "database": "shop", "address": "127.0.0.1"}]
    refused = manage(host, own(host), world("scram-sha-256", users=["app"]), must_admit=must)
    assert refused["failed"] and "no rule matches it" in refused["msg"] and "must_admit[0]" in refused["msg"], refused
    assert manage(host, own(host), world("scram-sha-256", users=["app"]))["changed"]
    assert not gets_in(host, "monitor")
    # Nothing to write any more: a warning.
    again = manage(host, own(host), world("scram-sha-256", users=["app"]), must_admit=must)
    assert not again["changed"] and any("must_admit[0]" in warning for warning in again["warnings"]), again


def test_a_walsender_is_asked_as_replication(host: Server) -> None:
    wanted = [own(host), world("scram-sha-256", users=["standby"])]  # all does not match physical replication
    before = host.hba_file.read_bytes()
    with session(host, "standby", "", replication="true", application_name="node2") as client:
        refused = manage(host, *wanted, sessions="terminate")
        words = f"replication client {pid(client)} (node2): user standby, physical replication, from 127.0.0.1"
        assert refused["failed"] and words in refused["msg"], refused
        assert host.hba_file.read_bytes() == before
        admitted = world("scram-sha-256", users=["standby"], databases=["replication"])
        assert manage(host, own(host), admitted)["changed"]
        assert gets_in(host, "standby", "", replication="true")
        done = manage(host, *wanted, allow_lockout=True)
        assert done["changed"] and not gets_in(host, "standby", "", replication="true")
    with session(host, "standby", "shop", replication="database"):
        assert manage(host, own(host), world("scram-sha-256", databases=["shop"]))["changed"]
        assert manage(host, own(host), world("scram-sha-256", databases=["replication"]))["failed"]


def test_sessions_are_ended_on_request_only(host: Server) -> None:
    put(host, own(host), world("trust", users=["visitor"]), world("scram-sha-256"))
    wanted = [own(host), world("reject", users=["app"]), world("scram-sha-256")]
    demands: dict[str, t.Any] = {"accept_unproven": [{"user": "visitor"}], "sessions": "terminate"}
    with session(host, "app") as app, session(host, "other") as other, session(host, "visitor") as visitor:
        checked = manage(host, *wanted, check=True, **demands)
        assert [step["component"] for step in checked["steps"]] == ["hba", "sessions"], checked
        assert lives(host, pid(app))
        done = manage(host, *wanted, **demands)
        assert done["changed"] and done["steps"] == checked["steps"], done
        assert [(each["pid"], each["action"]) for each in done["sessions"]] == [(pid(app), "terminate")]
        assert not lives(host, pid(app)) and lives(host, pid(other)) and lives(host, pid(visitor))
        with pytest.raises(psycopg.OperationalError):
            app.execute("SELECT 1")
        again = manage(host, *wanted, **demands)
        assert not again["changed"] and not again.get("failed"), again
        for connection in (other, visitor):
            assert connection.execute("SELECT 1").fetchone() == (1,)


def test_sessions_are_ended_without_another_change(host: Server) -> None:
    wanted = [own(host), world("scram-sha-256", users=["other"])]
    with session(host, "app") as app:
        put(host, *wanted)
        assert not manage(host, *wanted)["changed"] and lives(host, pid(app))
        done = manage(host, *wanted, sessions="terminate")
        assert done["changed"] and [step["component"] for step in done["steps"]] == ["sessions"], done
        assert not lives(host, pid(app))


def test_an_inactive_slot_is_told(host: Server) -> None:
    host.query("SELECT pg_catalog.pg_create_physical_replication_slot('node3')")
    try:
        done = manage(host, own(host), world("scram-sha-256", users=["app"]))
        assert done["changed"] and any("slot node3 is inactive" in warning for warning in done["warnings"]), done
        again = manage(host, own(host), world("scram-sha-256", users=["app"]))
        assert not again["warnings"], again
    finally:
        host.query("SELECT pg_catalog.pg_drop_replication_slot('node3')")


def test_tls_turned_off(host: Server) -> None:
    def tls(value: bool, *, own_file: bool = True, **demands: t.Any) -> dict[str, t.Any]:
        parameters = {"ssl": value, **({"ssl_cert_file": "tls.pem", "ssl_key_file": "tls.pem"} if own_file else {})}
        return dict(
            run_components(
                host, lambda: [settings.component({"parameters": parameters})], rehearse=False, **demands
            ).values
        )

    assert tls(True)["changed"]
    put(host, own(host), world("scram-sha-256", type="hostssl"))
    try:
        with session(host, "app", sslmode="require"):
            refused = tls(False)
            assert refused["failed"] and "user app" in refused["msg"], refused
            assert host.query("SHOW ssl") == [("on",)] and gets_in(host, "app", sslmode="require")
        assert tls(False, allow_lockout=True)["changed"]
        assert not gets_in(host, "app", sslmode="require") and not gets_in(host, "app")
    finally:
        tls(False, allow_lockout=True)


def test_an_attribute_is_taken_from_who_must_get_in(host: Server) -> None:
    def strip(**demands: t.Any) -> dict[str, t.Any]:
        return dict(run_components(host, lambda: [role_attributes.component({"strip": ["standby"]})], **demands).values)

    must = [{"user": "standby", "address": "127.0.0.1", "replication": True}]
    try:
        assert gets_in(host, "standby", "", replication="true")
        refused = strip(must_admit=must)
        assert refused["failed"] and "role standby: NOREPLICATION" in refused["msg"], refused
        assert gets_in(host, "standby", "", replication="true")
        assert strip()["changed"]
        assert not gets_in(host, "standby", "", replication="true")
    finally:
        host.query("ALTER ROLE standby REPLICATION")


def test_the_modules_take_the_options(workshop: Workshop) -> None:
    """Interpreters take their time: on one version only."""
    host = workshop.server(MAJORS[-1])
    rules = [own(host)]
    must = [{"user": "monitor", "database": "postgres", "address": "127.0.0.1"}]
    host.query("CREATE ROLE monitor LOGIN")
    options: dict[str, t.Any] = {"rules": rules, "rehearse": False, "must_admit": must}
    refused = run_module("hba", host, check=True, **options)
    assert refused.failed and "must_admit[0]" in refused.message, refused.output
    allowed = run_module("hba", host, check=True, **options, allow_lockout=True)
    assert allowed.changed and "must_admit[0]" in str(allowed.values["warnings"]), allowed.output
    together = run_module("cluster", host, check=True, hba={"rules": rules}, rehearse=False, must_admit=must)
    assert together.failed and "must_admit[0]" in together.message, together.output
    workshop.discard(host)


def test_on_a_standby_and_with_psql(fresh_server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    fresh_server.query("CREATE ROLE app LOGIN")
    fresh_server.stop()
    with fresh_server.owner.acting():
        (fresh_server.data_directory / "standby.signal").touch()
    fresh_server.start()
    must = [{"user": "app", "database": "postgres", "address": "127.0.0.1"}]
    with fresh_server.connect(user="app", host="127.0.0.1") as client:
        refused = manage(fresh_server, own(fresh_server), must_admit=must)
        assert refused["failed"] and "must_admit[0]" in refused["msg"] and "session " in refused["msg"], refused
        wanted = [own(fresh_server), world("reject", users=["app"])]
        done = manage(fresh_server, *wanted, sessions="terminate")
        assert done["changed"] and not lives(fresh_server, pid(client)), done
    monkeypatch.setattr(drivers, "_PSYCOPG", None)
    monkeypatch.setattr(drivers, "_PSYCOPG2", None)
    again = manage(fresh_server, own(fresh_server), must_admit=must, check=True)
    assert again["failed"] and "must_admit[0]" in again["msg"], again


def test_a_login_that_does_not_see_everything_says_so(host: Server) -> None:
    host.query("CREATE ROLE weak LOGIN IN ROLE pg_read_all_settings")
    put(host, {**own(host), "users": [host.superuser, "weak"], "method": "trust"}, world("scram-sha-256"))
    wanted = [{**own(host), "users": ["weak"], "method": "trust"}, world("reject")]

    def by_weak() -> dict[str, t.Any]:
        return dict(
            run_components(
                host, lambda: [hba.component({"rules": wanted})], user="weak", check=True, rehearse=False
            ).values
        )

    try:
        with session(host, "app"):
            told = by_weak()
            assert any("sessions come from" in warning for warning in told["warnings"]), told
            host.query("GRANT pg_read_all_stats TO weak")  # the positive control
            refused = by_weak()
            assert refused["failed"] and "user app" in refused["msg"], refused
    finally:
        host.query("DROP ROLE weak")


def test_without_the_files_the_server_reads_them(host: Server) -> None:
    """Over the network: the rules come through the session."""
    host.query("ALTER ROLE visitor SUPERUSER")
    extra = host.data_directory / "extra.lst"
    with host.owner.acting():
        extra.write_text("monitor, visitor\n", encoding="utf-8")
    put(host, own(host), world("scram-sha-256", users=["@extra.lst", "standby"]))
    options = Options(host="127.0.0.1", port=host.port, user="visitor", password=SECRET, sslmode="disable")

    def strip(user: str) -> Plan:
        must = [{"user": user, "database": "shop", "address": "127.0.0.1"}]
        component = role_attributes.component({"strip": ["standby"]})
        with OpenedServer.open(options) as opened:
            return converge(
                server=opened, components=[component], guards=guards({"must_admit": must}), check_mode=True
            ).plan

    try:
        assert strip("monitor").steps and strip("standby").steps
        with pytest.raises(InputError, match="no rule matches it"):
            strip("app")
    finally:
        host.query("ALTER ROLE visitor NOSUPERUSER")


def test_what_a_file_of_others_says_counts(host: Server) -> None:
    """A list beside the file, which the plan does not write."""
    names = host.data_directory / "names.lst"
    with host.owner.acting():
        names.write_text("app\n", encoding="utf-8")
    with session(host, "app"), session(host, "other"):
        refused = manage(host, own(host), world("scram-sha-256", users=["@names.lst"]))
    assert [client["user"] for client in refused["refused"]] == ["other"], refused


def test_a_session_is_not_taken_for_a_later_one(host: Server) -> None:
    """A number of a process comes again: what is ended is the session that was seen."""
    wanted = [own(host), world("scram-sha-256", users=["other"])]
    with session(host, "app") as app:
        put(host, *wanted)
        [step] = manage(host, *wanted, sessions="terminate", check=True)["steps"]
        begun = host.query("SELECT backend_start::text FROM pg_catalog.pg_stat_activity WHERE pid = %s", [pid(app)])
        statement = step["statement"]
        assert begun[0][0].partition("+")[0] in statement
        host.query(statement.replace(begun[0][0], "2020-01-01 00:00:00+00"))
        time.sleep(0.05)
        assert lives(host, pid(app))
