# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What only a server that has loaded the candidate configuration can answer; private to the collection."""

from __future__ import annotations

import dataclasses
import difflib
import os
import re
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
from ansible_collections.rampart.postgresql.plugins.module_utils._server.probe import knock
from ansible_collections.rampart.postgresql.plugins.module_utils._server.session import Session
from ansible_collections.rampart.postgresql.plugins.module_utils._server.sql import Identifier

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server

__all__ = ["Running", "refusal"]

_PAUSE = 0.05
_LOGIN_TIMEOUT = 15  # seconds
_SOCKET = ".s.PGSQL."
_OWNER_ONLY = b"local all all peer\n"
_RULES = "28000"  # SQLSTATE of a refusal by pg_hba.conf

# A name that no library has defined, which the server carries along as a placeholder, is not listed.
_DEFINED = """
SELECT s.name FROM pg_catalog.pg_settings s WHERE s.name LIKE '%.%' ORDER BY s.name"""


@dataclasses.dataclass(frozen=True)
class Running:
    """A throw-away server that is up. ``hba_file`` is its copy, never the live one."""

    server: Server  # the live one
    process: subprocess.Popen[bytes]
    directory: str
    hba_file: str

    def faults(self, expected: t.Sequence[ExpectedParameter], libraries: t.Iterable[str]) -> list[str]:
        """Why the owner cannot log in, with these libraries besides; InputError for a name that is not defined then."""
        if not self.hba_file.startswith(self.directory + os.sep):
            raise RehearsalFailed(f"{self.hba_file} has no copy, so the throw-away server cannot be asked")
        on_demand = sorted({*libraries, *(each.library for each in expected if each.library)})
        with acting_as(self.server.owner):
            _let_the_owner_in(self.hba_file)
            self.process.send_signal(signal.SIGHUP)
            told = self._knock()
            if told:
                return [f"nobody could log in: {told}"]
            try:
                defined = self._defined([])
                defined += self._defined(on_demand) if on_demand else []
            except ConnectionFailed as error:
                return [f"{', '.join(on_demand)}: no session could load this: {error}"]
        error_found = refusal(expected, defined)
        if error_found is not None:
            raise error_found
        return []

    @property
    def _port(self) -> int:
        names = os.listdir(self.directory)
        [port] = [name[len(_SOCKET) :] for name in names if name.startswith(_SOCKET) and name[-1] != "k"]
        return int(port)

    def _knock(self) -> str:
        """Once the server has read its rules anew, why it does not let its owner in; empty when it does."""
        owner, port = self.server.owner, self._port
        deadline = time.monotonic() + _LOGIN_TIMEOUT
        while True:
            answer = knock(self.directory, port, user=owner.name, database="postgres", uid=owner.uid)
            if answer.admitted:
                return ""
            if answer.code not in ("", _RULES) or self.process.poll() is not None or time.monotonic() > deadline:
                return answer.message or "it did not answer"
            time.sleep(_PAUSE)

    def _defined(self, libraries: t.Sequence[str]) -> list[str]:
        """The names that a session knows, which has loaded these libraries besides."""
        parameters = {
            "host": self.directory,
            "port": str(self._port),
            "user": self.server.owner.name,
            "dbname": "postgres",
            "connect_timeout": str(_LOGIN_TIMEOUT),
            "client_encoding": "UTF8",
        }
        if libraries:
            names = re.sub(r"[\\ ]", r"\\\g<0>", ",".join(str(Identifier(library)) for library in libraries))
            parameters["options"] = f"-c session_preload_libraries={names}"
        session = Session(drivers.connect(parameters, account=self.server.owner, timeout=_LOGIN_TIMEOUT))
        try:
            return [row["name"] for row in session.rows(_DEFINED)]
        finally:
            session.close()


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
