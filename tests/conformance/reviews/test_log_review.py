"""What real servers write into their logs is found, and what they do not write is said to be unknown."""

from __future__ import annotations

import json

from ansible_collections.rampart.postgresql.tests.conformance.modules import run_module
from ansible_collections.rampart.postgresql.tests.conformance.servers import Server


def test_x(fresh_server: Server) -> None:
    r = run_module("log_review", fresh_server)
    print(json.dumps(r.values, indent=1))
    assert 0
