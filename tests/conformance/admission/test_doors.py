"""What keeps clients out before any rule is looked at, held against real logins before and after a restart."""

from __future__ import annotations

import contextlib
import typing as t

import psycopg
import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._settings.arguments import component
from ansible_collections.rampart.postgresql.tests.conformance.admission.logins import PASSWORD
from ansible_collections.rampart.postgresql.tests.conformance.admission.logins import Login
from ansible_collections.rampart.postgresql.tests.conformance.admission.logins import Party
from ansible_collections.rampart.postgresql.tests.conformance.components import run_components

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from ansible_collections.rampart.postgresql.tests.conformance.servers import Workshop

Parameters = dict[str, t.Any]
RULES = "local all,replication all scram-sha-256\nhost all,replication all all scram-sha-256\n"
BY_NETWORK = Login("app", "shop", "plain")
BY_SOCKET = Login("app", "shop", "socket")
BY_TLS = Login("app", "shop", "tls")
STANDBY = Login("copier", "shop", "plain", replication="physical")


@pytest.fixture(scope="module")
def party(workshop: Workshop, major: int) -> Iterator[Party]:
    server = workshop.server(major)
    made = Party(server)
    made.use(RULES)
    yield made
    workshop.discard(server)


def put(party: Party, parameters: Parameters, *, check: bool = False, **demands: t.Any) -> dict[str, t.Any]:
    return dict(
        run_components(
            party.server, lambda: [component({"parameters": parameters})], check=check, rehearse=False, **demands
        ).values
    )


@contextlib.contextmanager
def in_force(party: Party, parameters: Parameters) -> Iterator[None]:
    """With these parameters, whoever they lock out."""
    assert put(party, parameters, allow_lockout=True)["changed"]
    party.server.restart()
    try:
        yield
    finally:
        (party.server.data_directory / "zz_rampart.conf").write_text("", encoding="utf-8")
        party.server.stop()
        party.server.start()


def old_tls(party: Party) -> psycopg.Connection[tuple[t.Any, ...]]:
    """A client that knows nothing newer than TLS 1.2, and one cipher of it without forward secrecy."""
    options = {"sslmode": "require", "ssl_max_protocol_version": "TLSv1.2", "sslcert": "none"}
    return party.server.connect(user="app", dbname="shop", host="127.0.0.1", password=PASSWORD, **options)


@pytest.mark.in_turn
@pytest.mark.parametrize(
    ("client", "parameters", "control"),
    [
        (BY_NETWORK, {"listen_addresses": ""}, {"listen_addresses": "*"}),
        (BY_NETWORK, {"listen_addresses": "::1"}, {"listen_addresses": "127.0.0.1"}),
        (STANDBY, {"max_wal_senders": 0}, {"max_wal_senders": 3}),
        (BY_TLS, {"listen_addresses": ""}, {"listen_addresses": "localhost"}),
    ],
    ids=str,
)
def test_a_session_that_does_not_reach_the_server_again(
    party: Party, client: Login, parameters: Parameters, control: Parameters
) -> None:
    with party.opened(client):
        for check in (True, False):
            refused = put(party, parameters, check=check)
            assert refused["failed"] and f"user {client.user}, " in refused["msg"], refused
            [name] = parameters
            assert f"(parameter {name}: " in refused["msg"] and refused["refused"], refused
        assert not put(party, control, check=True).get("failed")
    with in_force(party, parameters):
        assert party.try_login(client) is not None
    assert party.try_login(client) is None


@pytest.mark.in_turn
def test_the_socket_is_for_somebody_else(party: Party) -> None:
    only_owner = {"unix_socket_permissions": "0700"}
    must = {"user": "app", "database": "shop"}
    with party.opened(BY_SOCKET):
        refused = put(party, only_owner)
        assert "whether its account may connect to the socket is not known" in refused["msg"], refused
        assert put(party, only_owner, check=True, accept_unproven=[{"address": "local"}])["changed"]
    assert "account nobody may not" in put(party, only_owner, must_admit=[{**must, "system_user": "nobody"}])["msg"]
    account = party.server.owner.name
    assert put(party, only_owner, check=True, must_admit=[{**must, "system_user": account}])["changed"]
    gone = put(party, {"unix_socket_directories": ""})
    assert gone["failed"] and "this run's own connection" in gone["msg"], gone


@pytest.mark.in_turn
def test_places_for_sessions(party: Party) -> None:
    """Four places of which three are in reserve."""
    few = {"max_connections": 4, "superuser_reserved_connections": 3, "max_wal_senders": 0}
    must = {"user": "owner", "database": "shop", "address": "127.0.0.1"}
    with party.opened(BY_NETWORK):
        refused = put(party, few, must_admit=[must])
        assert refused["failed"] and "of which 3 are reserved" in refused["msg"], refused
        boss = {**must, "user": "boss"}
        assert put(party, few, check=True, must_admit=[boss])["changed"]
        already_in = {**must, "user": "app"}  # which takes no place more
        assert put(party, few, check=True, must_admit=[already_in])["changed"]
        with party.opened(BY_NETWORK):
            lost = put(party, few)
            assert lost["failed"] and "one of 2 places, of which 1 would be left" in lost["msg"], lost
            assert not lost["refused"] and len(lost["unproven"][0]["pids"]) == 2, lost
    with in_force(party, few), party.opened(BY_NETWORK):
        assert "slots are reserved" in str(party.try_login(BY_NETWORK))
        assert party.try_login(Login("boss", "shop", "plain")) is None


@pytest.mark.in_turn
def test_newer_tls_than_a_client_knows(party: Party) -> None:
    newest = {"ssl_min_protocol_version": "TLSv1.3"}
    with party.opened(BY_TLS), old_tls(party) as old:
        refused = put(party, newest)
        assert refused["failed"] and "TLSv1.2 is the newest that it speaks" in refused["msg"], refused
        assert [client["pids"] for client in refused["refused"]] == [[old.info.backend_pid]], refused
        row = old.execute(b"SELECT cipher FROM pg_catalog.pg_stat_ssl WHERE pid = pg_catalog.pg_backend_pid()")
        [cipher] = row.fetchone() or ()
        without = put(party, {"ssl_ciphers": f"HIGH:!aNULL:!{cipher}"})
        assert without["failed"] and f"its cipher {cipher} is not offered" in without["msg"], without
        assert put(party, {"ssl_ciphers": "HIGH:!aNULL"}, check=True)["changed"]
    with in_force(party, newest):
        assert party.try_login(BY_TLS) is None
        with pytest.raises(psycopg.OperationalError):
            old_tls(party)


@pytest.mark.in_turn
def test_rules_in_another_file(party: Party) -> None:
    other = party.server.data_directory / "other_hba.conf"
    with party.server.owner.acting():
        other.write_text(f"local all {party.server.superuser} trust\n", encoding="utf-8")
    elsewhere = {"hba_file": str(other)}
    with party.opened(BY_NETWORK):
        refused = put(party, elsewhere)
        assert refused["failed"] and "no rule matches it" in refused["msg"], refused
    with in_force(party, elsewhere):
        assert "no pg_hba.conf entry" in str(party.try_login(BY_NETWORK))
