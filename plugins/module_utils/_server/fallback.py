# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What to put back when a server does not start with what waited for the restart; private to the collection.

The running values are written behind the faulty ones, into the file that decides: the last value of a name counts. Where
the owner of the cluster cannot write beside that file, they go into postgresql.auto.conf, which is read last of all.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._server.files import move_file

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server

__all__ = ["Fallback", "behind"]

_RUNNING = """
SELECT s.name, pg_catalog.current_setting(s.name) AS value,
       coalesce((SELECT f.sourcefile FROM pg_catalog.pg_file_settings f
                 WHERE pg_catalog.lower(f.name) = pg_catalog.lower(s.name) ORDER BY f.seqno DESC LIMIT 1),
                pg_catalog.current_setting('config_file')) AS path
FROM pg_catalog.pg_settings s
WHERE s.pending_restart
ORDER BY path, s.name"""

_READ_LAST = "postgresql.auto.conf"
_COMMENT = "# The server did not start with the values above; these are what it ran with."


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
            values.setdefault(_writable(row["path"], server), {})[row["name"]] = row["value"]
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


def _writable(path: str, server: Server) -> str:
    if server.owner_can_write(os.path.dirname(os.path.realpath(path))):
        return path
    return os.path.join(server.cluster.data_directory, _READ_LAST)


def behind(content: bytes, values: t.Mapping[str, str]) -> bytes:
    """The text of a configuration file with these values behind all others."""
    separator = b"" if not content or content.endswith(b"\n") else b"\n"
    lines = [_COMMENT, *(f"{name} = {_quoted(value)}" for name, value in values.items())]
    return content + separator + "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape")


def _quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"
