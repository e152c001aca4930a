"""What a throw-away server writes is read while it writes: nothing of it may get lost."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._hba import arguments as hba
from ansible_collections.rampart.postgresql.plugins.module_utils._server import rehearsal
from ansible_collections.rampart.postgresql.tests.conformance.components import run_components

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.mirror import Mirror
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

_RULES = 5_000
_USELESS = {"type": "hostssl", "databases": ["all"], "address": "10.0.0.0/8", "method": "reject"}


@pytest.mark.in_turn
def test_a_long_log_is_whole(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without TLS the server says of each such rule that it cannot match."""
    assert server.query("SHOW ssl") == [("off",)]
    logs = []
    start = rehearsal._Rehearsal._start

    def recorded(tried: rehearsal._Rehearsal, mirror: Mirror) -> tuple[str, list[str]]:
        found = start(tried, mirror)
        logs.append(found[0])
        return found

    monkeypatch.setattr(rehearsal._Rehearsal, "_start", recorded)
    monkeypatch.setattr(rehearsal, "_PAUSE", 0)
    rules: list[dict[str, t.Any]] = [{"type": "local", "databases": ["all"], "users": ["all"], "method": "trust"}]
    rules += [{**_USELESS, "users": [f"user_{number}"]} for number in range(_RULES)]
    result = run_components(server, lambda: [hba.component({"rules": rules})], check=True, allow_lockout=True)
    assert result.changed and not result.failed, result.output
    [log] = logs
    assert log.count("hostssl record cannot match because SSL is disabled") == _RULES
