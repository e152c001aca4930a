"""Sessions: every driver gives the same answers, and nobody's settings bend them."""

from __future__ import annotations

import os
import typing as t

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import ConnectionFailed
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import ServerDown
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import ServerRefused
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import Unsupported
from ansible_collections.rampart.postgresql.plugins.module_utils._server import discovery
from ansible_collections.rampart.postgresql.plugins.module_utils._server import drivers
from ansible_collections.rampart.postgresql.plugins.module_utils._server import server as _server
from ansible_collections.rampart.postgresql.plugins.module_utils._server.session import Options
from ansible_collections.rampart.postgresql.plugins.module_utils._server.session import Session

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

QUERY = """
SELECT 1 AS number, 1.5 AS real, true AS yes, NULL AS nothing, 'ä"\\''' AS text, ARRAY['a', 'b,c'] AS list,
       'x%sy%%' AS percent
UNION ALL SELECT 2, 0, false, NULL, '', '{}', '' ORDER BY 1"""
ROWS = [
    {
        "number": 1,
        "real": 1.5,
        "yes": True,
        "nothing": None,
        "text": "ä\"\\'",
        "list": ["a", "b,c"],
        "percent": "x%sy%%",
    },
    {"number": 2, "real": 0, "yes": False, "nothing": None, "text": "", "list": [], "percent": ""},
]


@pytest.fixture(params=["psycopg", "psycopg2", "psql"])
def driver(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each way to connect in turn."""
    name = str(request.param)
    monkeypatch.setattr(drivers, "_PSYCOPG", drivers._import(name) if name == "psycopg" else None)
    monkeypatch.setattr(drivers, "_PSYCOPG2", drivers._import(name) if name == "psycopg2" else None)
    return name


def options(server: Server, **more: t.Any) -> Options:
    return Options(cluster=str(server.data_directory), **more)


def test_every_driver_reads_the_same(server: Server, driver: str) -> None:
    with _server.Server.open(options(server)) as opened:
        assert opened.session.driver == driver
        assert opened.session.rows(QUERY) == ROWS
        assert opened.major == server.major
        assert opened.session.is_superuser


def test_every_driver_reports_a_refusal_and_goes_on(server: Server, driver: str) -> None:
    with _server.Server.open(options(server)) as opened:
        with pytest.raises(ServerRefused, match="nonesuch"):
            opened.session.rows("SELECT nonesuch")
        assert opened.session.rows("SELECT 1 AS one") == [{"one": 1}]


def test_a_transaction_is_all_or_nothing(server: Server, driver: str) -> None:
    statements = ["CREATE ROLE first_of_two", "CREATE ROLE postgres_is_there, nonsense"]
    with _server.Server.open(options(server)) as opened:
        with pytest.raises(Unsupported if driver == "psql" else ServerRefused):
            opened.session.transaction(statements)
        assert server.query("SELECT 1 FROM pg_roles WHERE rolname = 'first_of_two'") == []
        if driver != "psql":
            opened.session.transaction(statements[:1])
            assert server.query("SELECT 1 FROM pg_roles WHERE rolname = 'first_of_two'") == [(1,)]
            opened.session.transaction(["DROP ROLE first_of_two"])


@pytest.mark.in_turn
@pytest.mark.parametrize("driver", ["psycopg", "psycopg2"], indirect=True)
def test_a_session_that_was_ended_is_a_clear_error(server: Server, driver: str) -> None:
    with _server.Server.open(options(server)) as opened:
        assert opened.session.driver == driver
        pid = opened.session.rows("SELECT pg_backend_pid() AS pid")[0]["pid"]
        server.query(f"SELECT pg_terminate_backend({pid})")
        for _attempt in range(2):
            with pytest.raises(ServerRefused):
                opened.session.transaction(["SELECT 1"])
            with pytest.raises(ServerRefused):
                opened.session.rows("SELECT 1")


def test_what_a_database_owner_sets_does_not_reach_the_session(fresh_server: Server, driver: str) -> None:
    server = fresh_server
    server.query("CREATE ROLE mallory")
    settings = ("role = mallory", "search_path = public", "default_transaction_read_only = on", "row_security = on")
    server.query(";".join(f"ALTER DATABASE postgres SET {setting}" for setting in settings))
    with server.connect(autocommit=False) as connection:  # the trap works on whoever does not look out
        assert connection.execute("SELECT current_user").fetchone() == ("mallory",)
    names = ("role", "search_path", "default_transaction_read_only", "row_security")
    with _server.Server.open(options(server)) as opened:
        found = {name: opened.session.rows(f"SELECT current_setting('{name}') AS v")[0]["v"] for name in names}
    assert found == {
        "role": "none",
        "search_path": "pg_catalog",
        "default_transaction_read_only": "off",
        "row_security": "off",
    }


def test_a_wrong_password_is_one_clear_error_without_the_password(fresh_server: Server, driver: str) -> None:
    server = fresh_server
    server.query("SET password_encryption = 'scram-sha-256'; CREATE ROLE app LOGIN PASSWORD 'right'")
    server.hba_file.write_text("local all all trust\nhost all app 127.0.0.1/32 scram-sha-256\n", encoding="utf-8")
    server.reload()
    wrong = Options(host="127.0.0.1", port=server.port, user="app", password="wr0ng-one")
    with pytest.raises(ConnectionFailed, match="password authentication failed") as caught:
        Session.open(wrong, None)
    assert "wr0ng-one" not in str(caught.value)
    session = Session.open(Options(host="127.0.0.1", port=server.port, user="app", password="right"), None)
    assert session.login == "app"
    session.close()


def test_a_server_that_is_down_is_named(fresh_server: Server) -> None:
    fresh_server.stop()
    with (
        pytest.raises(
            ConnectionFailed, match="the server is down: the cluster .* does not run, so nothing was done: start it"
        ),
        _server.Server.open(options(fresh_server)),
    ):
        pass


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another account")
def test_a_server_of_another_account_is_not_called_down(server: Server) -> None:
    """Who forgot become may look at no server, which says nothing about whether it runs."""
    os.seteuid(65534)
    try:
        with pytest.raises(ConnectionFailed, match="use become") as caught:
            discovery.choose(options(server))
    finally:
        os.seteuid(0)
    assert not isinstance(caught.value, ServerDown)
    assert str(server.data_directory) in str(caught.value)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root sees every cluster")
def test_several_clusters_without_a_choice_are_an_error_that_lists_them(server: Server, fresh_server: Server) -> None:
    with pytest.raises(RampartError, match="cluster has to name one") as caught, _server.Server.open(Options()):
        pass
    assert str(server.data_directory) in str(caught.value)
    assert str(fresh_server.data_directory) in str(caught.value)
    by_port = Options(port=fresh_server.port, socket_directory=str(fresh_server.socket_directory))
    with _server.Server.open(by_port) as opened:
        assert opened.cluster.data_directory == str(fresh_server.data_directory)
