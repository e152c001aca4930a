"""What a throw-away server writes is read while it writes: nothing of it may get lost."""

from __future__ import annotations

import os
import pathlib
import types

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._server import rehearsal
from ansible_collections.rampart.postgresql.plugins.module_utils._server import verdict
from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import account_of

_LINES = 20_000
_PROGRAM = f"""#!/bin/sh
number=0
while [ $number -lt {_LINES} ]; do number=$((number+1)); echo "LOG:  about line $number"; done
echo "LOG:  {verdict.READY}"
exec sleep 60
"""


def test_a_long_log_is_whole(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "postgres"
    program.write_text(_PROGRAM, encoding="utf-8")
    program.chmod(0o755)
    cluster = types.SimpleNamespace(bindir=str(tmp_path), environment=lambda _owner: dict(os.environ))
    server = types.SimpleNamespace(owner=account_of(os.geteuid()), cluster=cluster)
    candidate = rehearsal._Candidate({}, {}, frozenset(), (), at_once=False)
    tried = rehearsal._Rehearsal(server, candidate, str(tmp_path))  # type: ignore[arg-type] # as much of a server as it needs
    monkeypatch.setattr(tried, "_arguments", lambda _mirror: [])
    monkeypatch.setattr(rehearsal, "_PAUSE", 0)
    log, found = tried._start(None)  # type: ignore[arg-type] # nothing is looked up in it
    assert not found
    assert log.splitlines() == [f"LOG:  about line {number + 1}" for number in range(_LINES)] + [
        f"LOG:  {verdict.READY}"
    ]
