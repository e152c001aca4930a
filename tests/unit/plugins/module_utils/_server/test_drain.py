"""Which transactions of before are still open."""

from __future__ import annotations

from ansible_collections.rampart.postgresql.plugins.module_utils._server.drain import Transaction


def test_a_transaction_stays_the_same_when_its_application_takes_another_name() -> None:
    before = Transaction(7, "2026-01-01 00:00:00+00", "shop", "shop", application="web", state="active")
    after = Transaction(7, "2026-01-01 00:00:00+00", "shop", "shop", application="batch", state="idle in transaction")
    next_one = Transaction(7, "2026-01-01 00:00:09+00", "shop", "shop", application="web", state="active")
    assert before == after
    assert before in {after}
    assert before != next_one
