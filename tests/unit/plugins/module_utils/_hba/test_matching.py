"""Which record decides."""

from __future__ import annotations

import socket

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._hba.dialects import DIALECTS
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.matching import Attempt
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.matching import deciding
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.matching import matches
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.records import parse_text


def verdict(line: str, major: int = 17, *, address: str | None = None, **values: object) -> bool | None:
    [record] = parse_text(line, DIALECTS[major])
    assert record.accepted, record.error
    packed = None
    if address is not None:
        packed = socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)
    given = {"user": "u", "database": "db", "address": packed, "member_of": frozenset({"u", "g"}), **values}
    return matches(record, Attempt(**given), DIALECTS[major])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("local all all trust", True),
        ('local "all" all trust', False),
        ('local al"l" all trust', True),
        ("local db,x u trust", True),
        ("local ALL u trust", False),
        ("local sameuser u trust", False),
        ("local replication u trust", False),
        ("local db +g trust", True),
        ('local db "+g" trust', False),
        ("local db +other trust", False),
        ("local /^d u trust", True),
        ("local /^x u trust", False),
        ("local /\\mdb u trust", None),
        ("host all all all trust", False),
    ],
)
def test_through_the_socket(line: str, found: bool | None) -> None:
    assert verdict(line) is found


def test_regular_expressions_are_names_before_16() -> None:
    assert verdict("local /^d u trust", 15) is False
    assert verdict("local /^d u trust", 15, database="/^d") is True


def test_database_words() -> None:
    assert verdict("local sameuser u trust", database="u") is True
    assert verdict("local samerole u trust", database="g") is True
    assert verdict("local samerole u trust", database="other") is False
    assert verdict("local replication u trust", replication=True) is True
    assert verdict("local all u trust", replication=True) is False
    assert verdict("local db u trust", replication=True) is False


@pytest.mark.parametrize(
    ("line", "address", "tls", "found"),
    [
        ("host all all 10.0.0.0/8 trust", "10.9.9.9", False, True),
        ("host all all 10.0.0.0/8 trust", "11.0.0.0", False, False),
        ("host all all 0.0.0.0/0 trust", "::ffff:10.0.0.1", False, False),
        ("host all all all trust", "::1", True, True),
        ("hostssl all all all trust", "10.0.0.1", False, False),
        ("hostssl all all all trust", "10.0.0.1", True, True),
        ("hostnossl all all all trust", "10.0.0.1", True, False),
        ("hostgssenc all all all trust", "10.0.0.1", True, False),
        ("hostnogssenc all all all trust", "10.0.0.1", True, True),
        ("host all all samehost trust", "127.0.0.1", False, True),
        ("host all all samenet trust", "10.0.0.1", False, None),
        ("host all all example.com trust", "10.0.0.1", False, None),
        ("local all all trust", "10.0.0.1", False, False),
    ],
)
def test_over_the_network(line: str, address: str, tls: bool, found: bool | None) -> None:
    assert verdict(line, address=address, tls=tls) is found


def test_the_first_match_decides_and_what_may_match_is_told() -> None:
    text = "local x u trust\nlocal /\\md u reject\nlocal db u peer\nlocal all all trust"
    decision = deciding(parse_text(text, DIALECTS[17]), Attempt("u", "db"), DIALECTS[17])
    assert [record.line for record in decision.records] == [2, 3] and decision.closed
    assert not deciding(parse_text(text, DIALECTS[17]), Attempt("u", "db", bytes(4)), DIALECTS[17]).closed
