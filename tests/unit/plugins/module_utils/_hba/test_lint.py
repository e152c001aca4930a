"""What is unwise is named with code, severity, line and reason."""

from __future__ import annotations

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._hba.circumstances import Circumstances
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.dialects import DIALECTS
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.lint import lint
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.lint import summary
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.records import parse_text


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("local all postgres peer", []),
        ("hostssl app app 10.0.0.0/8 scram-sha-256", []),
        ("host all all all reject", []),
        ("host all all 0.0.0.0/0 trust", ["trust-world"]),
        ("host all all ::/0 trust", ["trust-world"]),
        ("host all all all trust", ["trust-world"]),
        ("host all all 10.0.0.0/8 trust", ["trust-network"]),
        ("host all all 127.0.0.1/32 trust", ["trust-local"]),
        ("host all all ::1/128 trust", ["trust-local"]),
        ("local all all trust", ["trust-local"]),
        ("host all all all scram-sha-256", ["open-world"]),
        ("host all all 10.0.0.0/8 md5", ["md5"]),
        ("host all all 10.0.0.0/8 password", ["cleartext-password"]),
        ("host all all 10.0.0.0/8 ident", ["ident"]),
        ("local ALL All peer", ["literal-keyword", "literal-keyword"]),
        ('local "ALL" all peer', []),
        ("host all all 10/8 scram-sha-256", ["short-address"]),
        ("host all all 10.0.0.0/33 md5", ["rejected"]),
        ("hostssl all all 10.0.0.0/8 scram-sha-256", ["cannot-match"]),
    ],
)
def test_findings(text: str, codes: list[str]) -> None:
    records = parse_text(text, DIALECTS[17], circumstances=Circumstances(ssl="cannot-match" not in codes))
    assert [finding.code for finding in lint(records)] == codes


def test_a_long_file_makes_a_short_list() -> None:
    records = parse_text("host all all 10.0.0.0/8 trust\n" * 9, DIALECTS[17])
    assert summary(lint(records)) == [
        "pg_hba.conf lines 1, 2, 3, 4, 5 and 4 more: whoever has this address gets in without a password"
        " (trust-network, high)"
    ]
