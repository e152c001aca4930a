# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What to put back when a server does not start with what waited for the restart; private to the collection.

The running values are written behind the faulty ones, into the file that decides: the last value of a name counts.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import time
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._server.files import move_file
from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import Account
from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import acting_as

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server

__all__ = ["Fallback", "LogTail", "behind"]

_RUNNING = """
SELECT s.name, pg_catalog.current_setting(s.name) AS value,
       coalesce((SELECT f.sourcefile FROM pg_catalog.pg_file_settings f
                 WHERE pg_catalog.lower(f.name) = pg_catalog.lower(s.name) ORDER BY f.seqno DESC LIMIT 1),
                pg_catalog.current_setting('config_file')) AS path
FROM pg_catalog.pg_settings s
WHERE s.pending_restart
ORDER BY path, s.name"""

_COMMENT = "# The server did not start with the values above; these are what it ran with."
_LONGEST = 8192  # bytes of the log that are shown
_SEARCHED = 2**20  # bytes of the log that are searched
_COLLECTOR = 1.0  # seconds that the collector of the log may be behind the server
_PAUSE = 0.05


@dataclasses.dataclass(frozen=True)
class _Twin:
    """A file, and the one beside it that would take its place."""

    path: str
    real_path: str
    names: tuple[str, ...]

    @property
    def beside(self) -> str:
        """Removed with the next replacement of the file, should this run be killed."""
        directory, name = os.path.split(self.real_path)
        return os.path.join(directory, f".{name}.rampart-fallback")


class Fallback:
    """Files with the values that a server runs with, ready before it is stopped: then the disk may be full."""

    def __init__(self, server: Server, twins: tuple[_Twin, ...]) -> None:
        self._server = server
        self._twins = twins

    @classmethod
    @contextlib.contextmanager
    def ready(cls, server: Server) -> t.Iterator[Fallback]:
        """For what is running now and would be another value after a restart."""
        values: dict[str, dict[str, str]] = {}
        for row in server.session.rows(_RUNNING):
            values.setdefault(row["path"], {})[row["name"]] = row["value"]
        twins: list[_Twin] = []
        try:
            for path, running in values.items():
                found = server.read(path)
                twin = _Twin(path, found.real_path if found else path, tuple(running))
                twins.append(twin)
                content = behind(found.content if found else b"", running)
                server.write(twin.beside, content, mode=found.mode if found else None)
            yield cls(server, tuple(twins))
        finally:
            for twin in twins:
                with contextlib.suppress(RampartError):
                    server.write(twin.beside, None)

    def put_back(self) -> list[str]:
        """Let the files take their places; says what is where."""
        report = []
        for twin in self._twins:
            with contextlib.suppress(RampartError):  # no room for a copy: the faulty lines stay in the file anyway
                found = self._server.read(twin.path)
                if found is not None:
                    self._server.history.add(found)
            move_file(twin.beside, twin.real_path, owner=self._server.owner)
            report.append(f"{', '.join(twin.names)} in {twin.path}")
        return report


def behind(content: bytes, values: t.Mapping[str, str]) -> bytes:
    """The text of a configuration file with these values behind all others."""
    separator = b"" if not content or content.endswith(b"\n") else b"\n"
    lines = [_COMMENT, *(f"{name} = {_quoted(value)}" for name, value in values.items())]
    return content + separator + "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape")


def _quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


class LogTail:
    """What a server writes into its log from now on, as far as its log is a file that we know of."""

    def __init__(self, path: str | None, owner: Account) -> None:
        self._path = path
        self._owner = owner
        self._begin = self._size()

    def lines(self) -> list[str]:
        """The new lines, the last ones when there are many."""
        return self._text(max(self._begin, self._size() - _LONGEST), _LONGEST).splitlines()

    def says_not_reloaded(self, path: str) -> bool:
        """Whether it says, in English, that a file was not reloaded. That it does not say so proves little."""
        words = re.compile(re.escape(os.path.basename(path)) + r'"? was not reloaded')
        deadline = time.monotonic() + _COLLECTOR
        while self._path is not None and self._size() == self._begin and time.monotonic() < deadline:
            time.sleep(_PAUSE)  # every reload leaves a line, unless log_min_messages keeps it out
        return words.search(self._text(self._begin, _SEARCHED)) is not None

    def _text(self, begin: int, longest: int) -> str:
        if self._path is None or self._size() <= begin:
            return ""
        with acting_as(self._owner), open(self._path, "rb") as stream:
            stream.seek(begin)
            return stream.read(longest).decode("utf-8", "replace")

    def _size(self) -> int:
        if self._path is None:
            return 0
        try:
            with acting_as(self._owner):
                return os.stat(self._path).st_size
        except OSError:
            return 0
