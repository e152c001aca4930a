"""Raise: standbys first. Lower: the primary first."""

from __future__ import annotations

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._server.pending import Waiting
from ansible_collections.rampart.postgresql.plugins.module_utils._server.standbys import limits_in
from ansible_collections.rampart.postgresql.plugins.module_utils._server.standbys import objections

CONTROL_DATA = """\
pg_control version number:            1300
wal_log_hints setting:                off
max_connections setting:              100
max_worker_processes setting:         8
max_wal_senders setting:              10
max_prepared_xacts setting:           0
max_locks_per_xact setting:           64
track_commit_timestamp setting:       off
"""


def test_limits_are_read_from_the_control_file() -> None:
    assert limits_in(CONTROL_DATA) == {
        "max_connections": 100,
        "max_locks_per_transaction": 64,
        "max_prepared_transactions": 0,
        "max_wal_senders": 10,
        "max_worker_processes": 8,
    }
    assert limits_in("pg_controldata: could not open file") == {}


@pytest.mark.parametrize(
    ("configured", "primary", "standbys", "refused"),
    [
        ("110", None, ["db2"], True),
        ("0x70", None, ["db2"], True),
        ("1.1e2", None, ["db2"], True),
        ("0145", None, ["db2"], True),  # base 8, 101
        ("0144", None, ["db2"], False),
        ("110", None, [], False),
        ("90", None, ["db2"], False),
        ("110", None, None, False),
        ("90", None, None, True),
        ("90", 90, None, False),
        ("90", 91, None, True),
        ("110", 120, None, True),
    ],
)
def test_order(configured: str, primary: int | None, standbys: list[str] | None, refused: bool) -> None:
    known = None if primary is None else {"max_connections": primary}
    waiting = [Waiting("max_connections", "100", configured)]
    assert bool(objections(waiting, primary=known, standbys=standbys)) == refused
