# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a review of logs costs beside `grep -c` and `gzip -dc | wc`: `scripts/bench --logs` prints a table.

Seconds are of the processor, so that they mean something on a machine that does other things too.
"""

from __future__ import annotations

import argparse
import gzip
import os
import pathlib
import resource
import subprocess
import tempfile
import time
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._log_review import meanings
from ansible_collections.rampart.postgresql.plugins.module_utils._log_review.period import Period
from ansible_collections.rampart.postgresql.plugins.module_utils._log_review.records import Notes
from ansible_collections.rampart.postgresql.plugins.module_utils._log_review.review import Review
from ansible_collections.rampart.postgresql.plugins.module_utils._log_review.structured import Csv
from ansible_collections.rampart.postgresql.plugins.module_utils._log_review.structured import Json
from ansible_collections.rampart.postgresql.plugins.module_utils._log_review.text import Text
from ansible_collections.rampart.postgresql.plugins.module_utils._server import log_files
from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import account_of
from ansible_collections.rampart.postgresql.plugins.module_utils._server.log_prefix import Calendar

_BEGIN: t.Final = 1772323200.0  # 2026-03-01 00:00 UTC
_PREFIX: t.Final = "%m [%p] %q%u@%d %h "
_MIB: t.Final = 2**20
# Of an application that logs in for each piece of work, on a server with log_statement at ddl and slow statements logged.
_MESSAGES: t.Final = (
    ("LOG", "00000", "connection received: host=10.1.2.3 port=50000"),
    (
        "LOG",
        "00000",
        'connection authenticated: identity="app" method=scram-sha-256 (/etc/postgresql/17/main/pg_hba.conf:7)',
    ),
    (
        "LOG",
        "00000",
        "connection authorized: user=app database=shop application_name=web"
        " SSL enabled (protocol=TLSv1.3, cipher=TLS_AES_256_GCM_SHA384, bits=256)",
    ),
    (
        "LOG",
        "00000",
        "duration: 312.441 ms  execute <unnamed>: SELECT o.id, o.total FROM orders o JOIN customers c ON c.id = o.customer"
        " WHERE c.name = $1 AND o.placed > $2",
    ),
    (
        "LOG",
        "00000",
        "duration: 1021.007 ms  statement: UPDATE stock SET amount = amount - 1 WHERE item IN"
        " (SELECT item FROM baskets WHERE customer = 4711)",
    ),
    ("ERROR", "23505", 'duplicate key value violates unique constraint "orders_pkey"'),
    ("LOG", "00000", "disconnection: session time: 0:00:01.234 user=app database=shop host=10.1.2.3 port=50000"),
)


def _lines(form: str) -> t.Iterator[str]:
    """Endless, a report each 5 ms; one login in 5,000 fails."""
    number = 0
    while True:
        severity, code, message = _MESSAGES[number % len(_MESSAGES)]
        if number % 35_000 == 2:
            severity, code, message = "FATAL", "28P01", 'password authentication failed for user "app"'
        seconds = number // 200
        day, hour, minute = 1 + seconds // 86400, seconds // 3600 % 24, seconds // 60 % 60
        stamp = f"2026-03-{day:02} {hour:02}:{minute:02}:{seconds % 60:02}.{number % 200 * 5:03} UTC"
        yield _FORMS[form](stamp, 1000 + number // len(_MESSAGES), severity, code, message)
        number += 1


def _text(stamp: str, pid: int, severity: str, _code: str, message: str) -> str:
    return f"{stamp} [{pid}] app@shop 10.1.2.3 {severity}:  {message}"


def _csv(stamp: str, pid: int, severity: str, code: str, message: str) -> str:
    message = message.replace('"', '""')
    return (
        f'{stamp},"app","shop",{pid},"10.1.2.3:50000",683d6b1e.{pid:x},3,"SELECT",{stamp},3/17,0,{severity},{code},"{message}"'
        ',,,,,,,,,"web","client backend",,0'
    )


def _json(stamp: str, pid: int, severity: str, code: str, message: str) -> str:
    message = message.replace('"', '\\"')
    return (
        f'{{"timestamp":"{stamp}","user":"app","dbname":"shop","pid":{pid},"remote_host":"10.1.2.3","remote_port":50000,'
        f'"session_id":"683d6b1e.{pid:x}","line_num":3,"ps":"SELECT","session_start":"{stamp}","vxid":"3/17","txid":0,'
        f'"error_severity":"{severity}","state_code":"{code}","message":"{message}","application_name":"web",'
        '"backend_type":"client backend","query_id":0}'
    )


_FORMS: t.Final = {"stderr": _text, "csvlog": _csv, "jsonlog": _json}


def _write(path: pathlib.Path, form: str, size: int) -> int:
    """The lines of a file of about this size."""
    written = count = 0
    with path.open("w", encoding="utf-8") as stream:
        for line in _lines(form):
            stream.write(line + "\n")
            written, count = written + len(line) + 1, count + 1
            if written >= size:
                return count
    raise AssertionError


def _seconds_of(command: str) -> float:
    """The processor time of a command of the shell. Its output is taken: grep ends early where nobody reads it."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(["/bin/sh", "-c", command], check=True, capture_output=True, env={**os.environ, "LC_ALL": "C"})
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _review(path: pathlib.Path, form: str, size: int) -> tuple[int, int]:
    """Review a file as the module does; its lines and the logins that failed."""
    owner = account_of(os.getuid())
    notes, calendar = Notes(86400.0), Calendar()
    use = meanings.use(english=True, arrivals=False)
    reader: Text | Csv | Json = Text([_PREFIX], calendar, notes, use)
    if form != "stderr":
        reader = (Csv if form == "csvlog" else Json)(calendar, notes, use)
    review = Review(
        period=Period("30 days", None, _BEGIN + 86400 * 29), superusers=["postgres"], shown=[], english=True, most=1000
    )
    file = log_files.LogFile(str(path), size, _BEGIN)
    for record in reader.records(log_files.lines_of(file, owner, size + _MIB, log_files.Measure())):
        review.take(record)
    review.ends()
    return notes.lines, sum(count.count for _row, _others, count in review.tables["failed_logins"].rows())


def _measure(path: pathlib.Path, form: str, size: int, beside: str) -> str:
    started = time.process_time()
    lines, failed = _review(path, form, size)
    ours = time.process_time() - started
    theirs = _seconds_of(beside)
    if failed != (lines + 34_997) // 35_000:
        raise SystemExit(f"{path}: {failed} failed logins in {lines} lines")
    speed = size / _MIB / ours
    return f"| {path.name:<14} | {lines:>9} | {ours:>6.1f} s | {speed:>6.0f} MiB/s | {theirs:>6.2f} s | {ours / theirs:>6.1f} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="scripts/bench --logs")
    parser.add_argument("--size", type=int, default=256, help="MiB of each log")
    size = parser.parse_args().size * _MIB
    print("| log            |     lines |   review |         speed |   beside |  ratio |")
    print("|----------------|----------:|---------:|--------------:|---------:|-------:|")
    with tempfile.TemporaryDirectory(prefix="rampart-") as name:
        for form in _FORMS:
            path = pathlib.Path(name) / f"{form}.log"
            _write(path, form, size)
            real = path.stat().st_size
            print(_measure(path, form, real, f"grep -c 'authentication failed' {path}"), flush=True)
            packed = path.with_suffix(".log.gz")
            with path.open("rb") as source, gzip.open(packed, "wb", compresslevel=6) as target:
                while block := source.read(_MIB):
                    target.write(block)
            path.unlink()
            print(_measure(packed, form, real, f"gzip -dc {packed} | wc"), flush=True)
            packed.unlink()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory of the process that read them: {memory:.0f} MiB")


if __name__ == "__main__":
    main()
