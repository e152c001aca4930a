"""The run's own connection is never locked out unknowingly."""

from __future__ import annotations

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._hba.dialects import DIALECTS
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.guard import Connection
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.guard import refusal
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.matching import Attempt
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.records import parse_text

LOCAL = Connection(Attempt("postgres", "postgres"), account="postgres")
REMOTE = Connection(Attempt("admin", "postgres", bytes([10, 0, 0, 1]), tls=True), password=True)


def said(candidate: str, current: str = "local all all peer\n", connection: Connection = LOCAL) -> str | None:
    dialect = DIALECTS[17]
    found = refusal(parse_text(candidate, dialect), parse_text(current, dialect), connection, dialect)
    return None if found is None else found.reason


@pytest.mark.parametrize("text", ["local all all peer", "local all postgres trust", "local postgres postgres ident"])
def test_admitted(text: str) -> None:
    assert said(text) is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("local all all reject\nlocal all all peer", "rejects it"),
        ("local all other peer", "no rule matches it"),
        ("host all all all trust", "no rule matches it"),
        ("local all all scram-sha-256", "asks for a password (scram-sha-256), and this run has none"),
        ("local all all peer map=m", "maps accounts with m, and whether that lets this run in is not known"),
        ("local /\\mpost all reject\nlocal all all peer", "rejects it"),
    ],
)
def test_refused(text: str, reason: str) -> None:
    assert said(text) == reason


def test_what_works_today_works_tomorrow() -> None:
    assert said("local all all peer map=m", "local all postgres peer map=m") is None
    assert said("local all all scram-sha-256", "local all all scram-sha-256") is None
    assert said("local all all reject", "local all all reject") == "rejects it"


def test_another_account() -> None:
    connection = Connection(Attempt("admin", "postgres"), account="postgres")
    assert said("local all all peer", "local all all trust", connection) == (
        "lets in account admin, and this run has account postgres"
    )


def test_over_tcp() -> None:
    assert said("hostssl all all all scram-sha-256", "", REMOTE) is None
    assert said("hostnossl all all all scram-sha-256", "", REMOTE) == "no rule matches it"
    assert said("hostssl all all all cert", "", REMOTE) == "asks for a client certificate, and this run has none"
    assert said("hostssl all all all gss", "", REMOTE) == "authenticates with gss, and whether that works is not known"
