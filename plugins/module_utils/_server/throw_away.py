# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What only a server that has loaded the candidate configuration can answer; private to the collection."""

from __future__ import annotations

import difflib
import os
import signal
import subprocess
import time
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import ConnectionFailed
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RehearsalFailed
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import ExpectedParameter
from ansible_collections.rampart.postgresql.plugins.module_utils._server import drivers
from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import acting_as
from ansible_collections.rampart.postgresql.plugins.module_utils._server.session import Session

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server

__all__ = ["check_expected", "refusal"]

_PAUSE = 0.05
_LOGIN_TIMEOUT = 15  # seconds
_SOCKET = ".s.PGSQL."
_OWNER_ONLY = b"local all all peer\n"

# A name that no library has defined, which the server carries along as a placeholder, is not listed.
_DEFINED = """
SELECT s.name FROM pg_catalog.pg_settings s WHERE s.name LIKE '%.%' ORDER BY s.name"""


def check_expected(
    expected: t.Sequence[ExpectedParameter],
    server: Server,
    process: subprocess.Popen[bytes],
    directory: str,
    hba_file: str,
) -> None:
    """Raise InputError for a name that the loaded libraries do not define. ``hba_file`` is the copy, never the live one."""
    if not expected:
        return
    if not hba_file.startswith(directory + os.sep):
        raise RehearsalFailed(f"{hba_file} has no copy in {directory}, so the throw-away server cannot be asked")
    with acting_as(server.owner):
        _let_the_owner_in(hba_file)
        process.send_signal(signal.SIGHUP)
        session = _log_in(server, process, directory)
        try:
            defined = [row["name"] for row in session.rows(_DEFINED)]
        finally:
            session.close()
    error = refusal(expected, defined)
    if error is not None:
        raise error


def refusal(expected: t.Iterable[ExpectedParameter], defined: t.Iterable[str]) -> InputError | None:
    """What to say of the first name that is not defined."""
    known = {name.lower(): name for name in defined}
    for parameter in expected:
        if parameter.name.lower() not in known:
            nearest = difflib.get_close_matches(parameter.name.lower(), sorted(known), n=1)
            hint = f"; the nearest known name is {known[nearest[0]]}" if nearest else ""
            return InputError(
                option=parameter.option,
                value=parameter.name,
                expected=f"no library that the server would load defines a parameter of this name{hint}",
            )
    return None


def _let_the_owner_in(hba_file: str) -> None:
    """The candidate's own rules have been judged by now."""
    os.unlink(hba_file)  # it may be a link to the live file
    descriptor = os.open(hba_file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(_OWNER_ONLY)


def _log_in(server: Server, process: subprocess.Popen[bytes], directory: str) -> Session:
    """The first login that gets in once the server has read its rules anew."""
    [port] = [name[len(_SOCKET) :] for name in os.listdir(directory) if name.startswith(_SOCKET) and name[-1] != "k"]
    parameters = {
        "host": directory,
        "port": port,
        "user": server.owner.name,
        "dbname": "postgres",
        "connect_timeout": str(_LOGIN_TIMEOUT),
        "client_encoding": "UTF8",
    }
    deadline = time.monotonic() + _LOGIN_TIMEOUT
    while True:
        time.sleep(_PAUSE)
        try:
            return Session(drivers.connect(parameters, account=server.owner, timeout=_LOGIN_TIMEOUT))
        except ConnectionFailed as error:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RehearsalFailed(
                    f"the server would start with this configuration, but let nobody in, so nothing was touched: {error}"
                ) from None
