"""What keeps clients out before any rule is looked at."""

from __future__ import annotations

import dataclasses
import socket
import typing as t

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._admission.doors import Door
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.doors import Listening
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.verdict import compared
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.verdict import verdict
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.world import Membership
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.world import Role
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.world import Sessions
from ansible_collections.rampart.postgresql.tests.unit.plugins.module_utils._admission.sides import client
from ansible_collections.rampart.postgresql.tests.unit.plugins.module_utils._admission.sides import side

RULES = "local all all trust\nhost all,replication all all trust\nhost all all all trust\n"


def packed(*addresses: str) -> frozenset[bytes]:
    return frozenset(socket.inet_pton(socket.AF_INET6 if ":" in each else socket.AF_INET, each) for each in addresses)


HOST = ("127.0.0.1", "10.0.0.1", "192.168.0.1", "::1")
WIDE = Door(
    shown={},
    port=5432,
    listening=Listening(packed(*HOST), frozenset({4, 16})),
    directories=frozenset({"/run/postgresql", "/tmp"}),
    permissions=0o777,
    owner="postgres",
    members=frozenset({"postgres", "web"}),
    protocols=("TLSv1.2", ""),
    ciphers=frozenset({"ECDHE-RSA-AES256-GCM-SHA384", "AES256-SHA"}),
)


def outcome(then: Door, now: Door = WIDE, **values: t.Any) -> str:
    values = {"connected": True, **values}
    found = compared(side(RULES, door=now), side(RULES, door=then), client(**values))
    assert found.outcome == "admitted" or found.where.startswith("parameter "), found
    return found.outcome


def listening(*addresses: str, everywhere: t.Sequence[int] = ()) -> Door:
    return dataclasses.replace(WIDE, listening=Listening(packed(*addresses), frozenset(everywhere)))


@pytest.mark.parametrize(
    ("then", "address", "end", "expected"),
    [
        (listening(), "10.0.3.7", "10.0.0.1", "refused"),
        (listening(), "10.0.3.7", None, "refused"),
        (listening("10.0.0.1"), "10.0.3.7", "10.0.0.1", "admitted"),
        (listening("10.0.0.1"), "10.0.3.7", "192.168.0.1", "refused"),
        (listening("10.0.0.1"), "10.0.3.7", None, "unknown"),
        (listening("10.0.0.1", "192.168.0.1"), "10.0.3.7", None, "admitted"),
        (listening("127.0.0.1", "::1"), "10.0.3.7", None, "refused"),
        (listening("127.0.0.1"), "127.0.0.1", None, "admitted"),
        (listening("10.0.0.1"), "127.0.0.1", None, "refused"),
        (listening("::1"), "127.0.0.1", None, "refused"),
        (listening("::1"), "::1", "::1", "admitted"),
        (listening("127.0.0.1", everywhere=[16]), "2001:db8::7", "2001:db8::1", "admitted"),
        (listening("127.0.0.1", everywhere=[16]), "2001:db8::7", None, "admitted"),
        (listening("127.0.0.1", everywhere=[16]), "10.0.3.7", "10.0.0.1", "refused"),
    ],
)
def test_addresses(then: Door, address: str, end: str | None, expected: str) -> None:
    server_address = None if end is None else next(iter(packed(end)))
    assert outcome(then, address=address, server_address=server_address) == expected
    assert outcome(WIDE, then, address=address, server_address=server_address) == "admitted"


def test_who_has_to_get_in_needs_one_way() -> None:
    assert outcome(listening("10.0.0.1"), address="10.0.3.7", connected=False) == "admitted"
    assert outcome(listening("127.0.0.1"), address="10.0.3.7", connected=False) == "refused"
    moved = dataclasses.replace(WIDE, directories=frozenset({"/tmp"}))
    assert outcome(moved, connected=False) == "admitted"
    assert outcome(dataclasses.replace(WIDE, port=5433), connected=False) == "admitted"


def test_another_port() -> None:
    then = dataclasses.replace(WIDE, port=5433)
    assert outcome(then) == outcome(then, address="10.0.3.7") == "refused"
    assert outcome(then, follows=True) == "admitted"


@pytest.mark.parametrize(
    ("directories", "values", "expected"),
    [
        (("/run/postgresql", "/tmp", "/srv"), {}, "admitted"),
        (("/tmp",), {}, "unknown"),
        (("/tmp",), {"socket_directory": "/tmp"}, "admitted"),
        (("/tmp",), {"socket_directory": "/run/postgresql"}, "refused"),
        (("/srv",), {}, "refused"),
        (("/srv",), {"follows": True}, "admitted"),
        ((), {"follows": True}, "refused"),
        ((), {"address": "10.0.3.7"}, "admitted"),
    ],
)
def test_sockets(directories: tuple[str, ...], values: dict[str, t.Any], expected: str) -> None:
    assert outcome(dataclasses.replace(WIDE, directories=frozenset(directories)), **values) == expected


@pytest.mark.parametrize(
    ("permissions", "account", "expected"),
    [
        (0o700, None, "unknown"),
        (0o700, "postgres", "admitted"),
        (0o700, "web", "refused"),
        (0o700, "root", "admitted"),
        (0o770, "web", "admitted"),
        (0o770, "other", "refused"),
        (0o707, "other", "admitted"),
        (0o707, "web", "refused"),
        (0o077, "postgres", "refused"),
        (0o755, None, "unknown"),
        (0o222, None, "admitted"),
    ],
)
def test_permissions_of_the_socket(permissions: int, account: str | None, expected: str) -> None:
    assert outcome(dataclasses.replace(WIDE, permissions=permissions), account=account) == expected
    assert outcome(dataclasses.replace(WIDE, permissions=permissions), address="10.0.3.7") == "admitted"


def test_another_group_of_the_socket() -> None:
    ours = dataclasses.replace(WIDE, permissions=0o770)
    narrow = dataclasses.replace(ours, members=frozenset({"postgres"}))
    assert (outcome(narrow, ours, account="web"), outcome(narrow, ours)) == ("refused", "unknown")
    assert outcome(ours, narrow) == "admitted"


@pytest.mark.parametrize(
    ("protocol", "now", "then", "expected"),
    [
        ("TLSv1.3", "", "TLSv1.3", "admitted"),
        ("TLSv1.2", "", "TLSv1.3", "refused"),
        ("TLSv1.2", "TLSv1.2", "TLSv1.3", "unproven"),
        ("TLSv1.1", "", "TLSv1.2", "refused"),
        ("TLSv1.1", "", "", "admitted"),
        ("", "", "TLSv1.3", "admitted"),
    ],
)
def test_versions_of_tls(protocol: str, now: str, then: str, expected: str) -> None:
    door = dataclasses.replace(WIDE, protocols=("TLSv1", now))
    values: dict[str, t.Any] = {"address": "10.0.3.7", "tls": True, "protocol": protocol}
    assert outcome(dataclasses.replace(door, protocols=(then, "")), door, **values) == expected
    assert outcome(dataclasses.replace(door, protocols=(then, "")), door, address="10.0.3.7") == "admitted"


def test_ciphers() -> None:
    then = dataclasses.replace(WIDE, ciphers=frozenset({"ECDHE-RSA-AES256-GCM-SHA384"}), suites=frozenset({"SUITE"}))
    values: dict[str, t.Any] = {"address": "10.0.3.7", "tls": True}
    for protocol, cipher, expected in (
        ("TLSv1.2", "AES256-SHA", "unproven"),
        ("TLSv1.2", "ECDHE-RSA-AES256-GCM-SHA384", "admitted"),
        ("TLSv1.2", "OF-ANOTHER-LIBRARY", "admitted"),
        ("TLSv1.3", "SUITE", "admitted"),
        ("TLSv1.3", "OTHER", "unproven"),
    ):
        assert outcome(then, **values, protocol=protocol, cipher=cipher) == expected
    assert (
        outcome(dataclasses.replace(then, ciphers=None), **values, protocol="TLSv1.2", cipher="AES256-SHA")
        == "unproven"
    )


def test_places() -> None:
    """Those in reserve are for superusers, and some of them for members of a role."""
    some: dict[str, t.Any] = {"max_connections": 10, "superuser_reserved": 3, "reserved": 2}
    roles = {role.name: role for role in (Role("app"), Role("boss", superuser=True))}
    roles["vip"] = Role("vip", member_of=(Membership("pg_use_reserved_connections"),))
    for user, limit in (("app", 5), ("vip", 7), ("boss", 10)):
        for others, expected in ((limit - 1, "admitted"), (limit, "refused")):
            full = side(RULES, roles=roles, sessions=Sessions(clients=others), **some)
            found = verdict(full, client(user, address="10.0.3.7"))
            assert (found.outcome, "max_connections: 10" in found.where) == (expected, expected == "refused"), found


def test_fewer_places() -> None:
    sessions = Sessions(clients=5, walsenders=3)
    many: dict[str, t.Any] = {"sessions": sessions, "max_connections": 10}
    few: dict[str, t.Any] = {"sessions": sessions, "max_connections": 3}
    assert compared(side(RULES, **many), side(RULES, **few), client(connected=True)).outcome == "unknown"
    assert compared(side(RULES, **few), side(RULES, **few), client(connected=True)).outcome == "admitted"
    assert compared(side(RULES, **many), side(RULES, **few), client()).outcome == "refused"
    standby = client("copier", "", "10.0.3.7", replication=True, connected=True)
    for limit, expected in ((3, "admitted"), (2, "unknown"), (0, "refused")):
        then = side(RULES, **many, max_wal_senders=limit)
        assert compared(side(RULES, **many, max_wal_senders=10), then, standby).outcome == expected
