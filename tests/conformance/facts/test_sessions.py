"""Facts are gathered in sessions that cannot write, on standbys too."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import ServerRefused
from ansible_collections.rampart.postgresql.plugins.module_utils._server import server as _server
from ansible_collections.rampart.postgresql.plugins.module_utils._server.session import Options
from ansible_collections.rampart.postgresql.tests.conformance.modules import run_module

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server


def test_everything_is_gathered_by_one_who_says_so(server: Server) -> None:
    result = run_module("cluster_info", server, gather=["all"])
    assert not result.failed, result.message
    assert result.values["session"] == {
        "role": server.superuser,
        "superuser": True,
        "local": True,
        "monitor": True,
    }
    assert result.values["gathered_epoch"] > 1_700_000_000


def test_a_session_for_reading_refuses_to_write(server: Server) -> None:
    for read_only in (True, False):
        options = Options(cluster=str(server.data_directory), read_only=read_only)
        with _server.Server.open(options) as opened:
            if read_only:
                with pytest.raises(ServerRefused, match="read-only transaction"):
                    opened.session.statement("CREATE ROLE written")
            else:
                opened.session.transaction(["CREATE ROLE written", "DROP ROLE written"])
