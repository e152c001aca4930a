# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run tells: lines for the journal, a status file, metrics, and whom the operator named."""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import socket
import subprocess
import sys
import tempfile
import typing as t

from .streams.process import environment

if t.TYPE_CHECKING:
    from .definition import Notify

__all__ = ["log", "metrics", "notify", "now", "read_json", "replace", "show", "stamp", "stamp_of"]

_JOURNAL = "/run/systemd/journal/socket"
_PRIORITIES = {"error": 3, "warning": 4, "info": 6}
_PREFIX = "rampart_backup"
_PATIENCE = 60  # seconds for a command that is told of a run


def stamp(moment: datetime.datetime) -> str:
    """A time in UTC as RFC 3339 writes it, to the second."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def stamp_of(seconds: float) -> str:
    """The same of a time in seconds since 1970."""
    return stamp(datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc))


def now() -> str:
    """This moment."""
    return stamp(datetime.datetime.now(datetime.timezone.utc))


def log(message: str, *, level: str = "info", **fields: object) -> None:
    """A line for a person with fields for a program: to the journal if it is there, else to standard error."""
    values = {key: str(value) for key, value in fields.items()}
    if "JOURNAL_STREAM" in os.environ and _to_journal(message, _PRIORITIES[level], values):
        return
    words = " ".join(f"{key}={json.dumps(value)}" for key, value in values.items())
    print(f"{level}: {message}" + (f" [{words}]" if words else ""), file=sys.stderr, flush=True)


def _to_journal(message: str, priority: int, fields: t.Mapping[str, str]) -> bool:
    """systemd's native protocol: https://systemd.io/JOURNAL_NATIVE_PROTOCOL/."""
    values = {"MESSAGE": message, "PRIORITY": str(priority), "SYSLOG_IDENTIFIER": "rampart-backup"}
    values.update({f"RAMPART_{key.upper()}": value for key, value in fields.items()})
    data = b"".join(
        key.encode() + b"\n" + len(value).to_bytes(8, "little") + value + b"\n"
        for key, value in ((key, text.encode("utf-8", "backslashreplace")) for key, text in values.items())
    )
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as link:
        link.sendto(data, _JOURNAL)
        return True
    return False


def show(**values: object) -> None:
    """A line of JSON for whoever started the program."""
    print(json.dumps(values, sort_keys=True, default=str), flush=True)


def replace(path: str, text: str | bytes, *, mode: int) -> None:
    """Write a file whole or not at all."""
    descriptor, temporary = tempfile.mkstemp(dir=os.path.dirname(path), prefix=".rampart-")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(text.encode() if isinstance(text, str) else text)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(temporary, mode)
        os.rename(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def read_json(path: str) -> dict[str, t.Any]:
    """An object of a file; empty when there is none."""
    try:
        with open(path, encoding="utf-8") as stream:
            values = json.load(stream)
    except (OSError, ValueError):
        return {}
    return values if isinstance(values, dict) else {}


def metrics(directory: str, job: str, values: t.Mapping[str, float | None]) -> None:
    """A file for the textfile collector of Prometheus' node exporter. A value of None is left out."""
    lines = []
    for name, value in values.items():
        if value is not None:
            lines += [f"# TYPE {_PREFIX}_{name} gauge", f'{_PREFIX}_{name}{{job_name="{job}"}} {value:.15g}']
    replace(os.path.join(directory, f"{_PREFIX}_{job}.prom"), "\n".join(lines) + "\n", mode=0o644)


def notify(wish: Notify, status: t.Mapping[str, t.Any]) -> None:
    """Start the operator's command with the status as JSON at its input; its failure is told, and changes nothing."""
    if not wish.command or (status["outcome"] == "ok" and wish.when == "failure"):
        return
    try:
        done = subprocess.run(
            list(wish.command),
            input=json.dumps(status, sort_keys=True).encode(),
            env=environment(),
            timeout=_PATIENCE,
            check=False,
        )
        problem = f"ended with {done.returncode}" if done.returncode else ""
    except (OSError, subprocess.SubprocessError) as error:
        problem = str(error)
    if problem:
        log(f"the command that is to be told failed: {problem}", level="error", job=status["job"])
