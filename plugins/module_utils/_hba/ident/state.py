# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is read of pg_ident.conf before planning; private to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._hba import state as hba
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.dialects import Dialect
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.dialects import dialect_of
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.expansion import expand
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.ident.records import MapRecord
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.ident.records import parse_text
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.lexer import read_lines
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.recorder import Recorder
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.recorder import Snapshot

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server

__all__ = ["State", "observe"]

_COMPLAINTS = """
SELECT pg_catalog.to_jsonb(m) ->> 'file_name' AS path, m.line_number AS line, m.error
FROM pg_catalog.pg_ident_file_mappings m
WHERE m.error IS NOT NULL
ORDER BY 1, 2, 3"""


@dataclasses.dataclass(frozen=True)
class State:
    """Everything that planning needs."""

    path: str
    text: str | None  # None: there is no such file
    rules: hba.State  # pg_hba.conf, which names the maps
    content: bytes | None = None
    modified: float = 0.0  # of the file, or of a later one that it names; seconds since the epoch
    changed: float = 0.0  # the same, of attributes and names too
    complaints: tuple[hba.Rejected, ...] | None = None  # of the server; None: it could not be asked
    files: Snapshot = dataclasses.field(default_factory=Snapshot)
    refused_at_reload: bool = False  # the last one, as the server's log has it; before 15 no view tells

    @property
    def dialect(self) -> Dialect:
        """The grammar of this server."""
        return self.rules.dialect

    @property
    def is_stale(self) -> bool:
        """Whether a file was written after the server last read its files. A time to come says nothing."""
        return any(self.rules.loaded < moment <= self.rules.now for moment in (self.modified, self.changed))

    @property
    def rejected(self) -> tuple[hba.Rejected, ...]:
        """Lines on disk that the server refuses; where it cannot be asked (before 15), those that it must refuse."""
        if self.complaints is not None or self.text is None:
            return self.complaints or ()
        return tuple(
            hba.Rejected(record.path, record.line, record.error or "")
            for record in self.records(self.text)
            if not record.accepted
        )

    def records(self, text: str) -> list[MapRecord]:
        """The records of the file, were this its text."""
        return parse_text(text, self.dialect, path=self.path, sources=self.files)


def observe(server: Server, *, path: str | None, more: str = "") -> State:
    """Read the file, the files that it or the text ``more`` names, and what the server says of them."""
    path = path or server.paths.ident_file
    found = server.read(path)
    text = None if found is None else found.text
    recorder = Recorder(server)
    dialect = dialect_of(server.major)
    for part in (text or "", more):
        if "@" in part or "include" in part:
            expand(read_lines(part, dialect), path=path, dialect=dialect, sources=recorder)
    return State(
        path=path,
        text=text,
        content=None if found is None else found.content,
        rules=hba.observe(server, path=None),
        modified=max(recorder.modified, 0.0 if found is None else found.modified),
        changed=max(recorder.changed, 0.0 if found is None else found.changed),
        complaints=_complaints(server, path, dialect) if text is not None else (),
        files=Snapshot(recorder.texts, recorder.directories),
        refused_at_reload=server.refused_at_reload(path),
    )


def _complaints(server: Server, path: str, dialect: Dialect) -> tuple[hba.Rejected, ...] | None:
    """Only a superuser may see what the server thinks of the file that it uses."""
    if not dialect.mappings_view or not server.session.is_superuser or path != server.paths.ident_file:
        return None
    return tuple(
        hba.Rejected(row["path"] or path, row["line"], row["error"]) for row in server.session.rows(_COMPLAINTS)
    )
