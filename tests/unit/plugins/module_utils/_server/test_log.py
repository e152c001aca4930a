"""What a server's log says about reloads, and what only looks like it."""

from __future__ import annotations

import os
import pathlib
import pwd
import tempfile

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import account_of
from ansible_collections.rampart.postgresql.plugins.module_utils._server.log import LogTail
from ansible_collections.rampart.postgresql.plugins.module_utils._server.log import last_reload_refused

PATH = "/srv/data/pg_hba.conf"
NAMES = (PATH, "pg_hba.conf")
RELOAD = "2026-01-01 00:00:00.000 UTC [1] LOG:  received SIGHUP, reloading configuration files"
START = "2026-01-01 00:00:00.000 UTC [1] LOG:  starting PostgreSQL 17.10 on x86_64-pc-linux-gnu"
REFUSED = f"2026-01-01 00:00:00.001 UTC [1] LOG:  {PATH} was not reloaded"
OLD = "2026-01-01 00:00:00.001 UTC [1] LOG:  pg_hba.conf was not reloaded"
CSV = '2026-01-01 00:00:00.1 UTC,,,9740,,6b.26,8,,2026-01-01 00:00:00 UTC,,0,LOG,00000,"{}",,,,,,,,,"","postmaster"'
JSON = '{{"timestamp":"2026-01-01","pid":10,"error_severity":"LOG","message":"{}","backend_type":"postmaster"}}'


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([], False),
        ([RELOAD], False),
        ([REFUSED], True),
        ([RELOAD, OLD], True),
        ([RELOAD, REFUSED, RELOAD], False),
        ([RELOAD, REFUSED, START], False),
        ([RELOAD, REFUSED, RELOAD, REFUSED], True),
        ([RELOAD, REFUSED.replace("pg_hba", "pg_ident")], False),
        ([CSV.format("received SIGHUP, reloading configuration files"), CSV.format(f"{PATH} was not reloaded")], True),
        ([CSV.format(f"{PATH} was not reloaded"), CSV.format("received SIGHUP, reloading configuration files")], False),
        ([JSON.format(f"{PATH} was not reloaded")], True),
        ([JSON.format(f"{PATH} was not reloaded"), JSON.format("starting PostgreSQL 18")], False),
    ],
)
def test_the_last_reload(lines: list[str], expected: bool) -> None:
    assert last_reload_refused("\n".join(lines), NAMES) is expected


@pytest.mark.parametrize(
    "line",
    [
        f"\tLOG:  {PATH} was not reloaded",
        f"00:00 [9] app@shop ERROR:  LOG:  {PATH} was not reloaded",
        f"00:00 [9] app@shop LOG:  statement: SELECT 'LOG:  {PATH} was not reloaded",
        f"00:00 [9] LOG:  {PATH} was not reloaded LOG:  disconnection",
        f"00:00 [9] STATEMENT:  LOG:  {PATH} was not reloaded",
        f'x,LOG,00000,""{PATH} was not reloaded"",',
        CSV.format(f'statement: x,LOG,00000,""{PATH} was not reloaded"",'),
        JSON.format(f'statement: \\"error_severity\\":\\"LOG\\",\\"message\\":\\"{PATH} was not reloaded\\"'),
    ],
)
def test_what_a_statement_writes_does_not_count(line: str) -> None:
    assert not last_reload_refused(f"{RELOAD}\n{line}\n", NAMES)


def test_a_log_that_cannot_be_read_says_nothing() -> None:
    """It has a size all the same."""
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o711)
        path = pathlib.Path(directory) / "log"
        path.write_text(f"{RELOAD}\n{REFUSED}\n", encoding="utf-8")
        account = account_of(os.geteuid())
        assert LogTail(str(path), account).said_not_reloaded(NAMES)
        path.chmod(0)
        if os.geteuid() == 0:
            account = account_of(pwd.getpwnam("nobody").pw_uid)
        assert not LogTail(str(path), account).said_not_reloaded(NAMES)
        assert not LogTail(str(path) + "2", account).said_not_reloaded(NAMES)
