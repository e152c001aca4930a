"""The time zone of a log, as the server tells it: what it writes at every moment is read as that moment."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._server import log_place
from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server as Opened
from ansible_collections.rampart.postgresql.plugins.module_utils._server.session import Options

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

_WRITTEN = """
SELECT extract(epoch FROM m)::float8, to_char(m AT TIME ZONE current_setting('log_timezone'), 'YYYY-MM-DD HH24:MI:SS')
FROM generate_series(date_trunc('day', now()) - interval '399 days', now(), '10 minutes') AS m ORDER BY 1"""


@pytest.mark.in_turn
def test_every_moment_of_a_year(fresh_server: Server) -> None:
    """In autumn an hour comes twice, and in spring one is left out; in one zone it is half an hour."""
    server = fresh_server
    options = Options.from_task({"cluster": str(server.data_directory)})
    for zone, changes in (("Europe/Berlin", 2), ("Australia/Lord_Howe", 2), ("Asia/Kolkata", 0)):
        server.query(f"ALTER SYSTEM SET log_timezone = '{zone}'")
        server.reload()
        with Opened.open(options) as opened:
            calendar = log_place.calendar(opened)
        assert len(calendar.changes) >= changes
        last = None
        for moment, text in server.query(_WRITTEN):
            assert calendar.seconds(text, last) == moment, (zone, text)
            last = moment
