# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is read from the server and its files before planning; private to the collection."""

from __future__ import annotations

import dataclasses
import socket
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.world import World
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.circumstances import Circumstances
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.dialects import Dialect
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.dialects import dialect_of
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.expansion import expand
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.lexer import read_lines
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.meaning import RuleReading
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.population import population
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.recorder import Recorder
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.recorder import Snapshot
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.records import Record
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.records import parse_text
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.sentinel import Proof

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._hba.enforcing.evidence import Evidence
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server

__all__ = ["Rejected", "State", "observe"]

_SESSION = """
SELECT pg_catalog.current_setting('ssl') = 'on' AS ssl,
       extract(epoch FROM pg_catalog.pg_conf_load_time())::float8 AS loaded,
       extract(epoch FROM pg_catalog.clock_timestamp())::float8 AS now"""

# Neither verdict can be read from the column error alone.
_COMPLAINTS = """
SELECT pg_catalog.to_jsonb(r) ->> 'file_name' AS path, r.line_number AS line, r.error, r.auth_method AS method
FROM pg_catalog.pg_hba_file_rules r
WHERE r.error IS NOT NULL OR r.auth_method IS NULL
ORDER BY 1, 2, 3"""

_UNSAID = "the server refuses a value in this line without saying which"


class Rejected(t.NamedTuple):
    """A line on disk that the server refuses; any of them keeps the whole file from being loaded."""

    path: str
    line: int
    words: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.words}"


@dataclasses.dataclass(frozen=True)
class State:
    """Everything that planning needs. Times in seconds since the epoch, by the server's clock."""

    path: str
    text: str | None  # None: there is no such file
    major: int
    content: bytes | None = None
    ssl: bool = True
    loaded: float = 0.0  # when the server last read its files
    now: float = 0.0
    modified: float = 0.0  # of the file, or of a later one that it names
    changed: float = 0.0  # the same, of attributes and names too
    rejected: tuple[Rejected, ...] = ()
    judged: bool = True  # whether the server could be asked for its verdict
    files: Snapshot = dataclasses.field(default_factory=Snapshot)
    interfaces: tuple[str, ...] = ("lo",)
    population: World = dataclasses.field(default_factory=World)
    used: bool = True  # whether it is the file that the server reads first
    proof: Proof = dataclasses.field(default_factory=Proof)
    evidence: Evidence | None = None  # of clients without TLS, where somebody has to know

    @property
    def dialect(self) -> Dialect:
        """The grammar of this server."""
        return dialect_of(self.major)

    @property
    def world(self) -> World:
        """Who may knock, and how."""
        return dataclasses.replace(self.population, tls=self.ssl)

    @property
    def is_stale(self) -> bool:
        """Whether a file was written after the server last read its files. A time to come says nothing.

        One that was put there with an older time shows by its attributes; where the sentinel tells, that need not count.
        """
        moments = (self.modified,) if self.proof.in_force else (self.modified, self.changed)
        return any(self.loaded < moment <= self.now for moment in moments)

    @property
    def reading(self) -> RuleReading:
        """How lines of the file are understood."""
        return RuleReading(self.dialect, Circumstances(ssl=self.ssl, interfaces=self.interfaces))

    def records(self, text: str) -> list[Record]:
        """The records of the file, were this its text."""
        around = self.reading.around
        return parse_text(text, self.dialect, path=self.path, sources=self.files, circumstances=around)


def observe(server: Server, *, path: str | None, more: str = "") -> State:
    """Read the file, the files that it or the text ``more`` names, and what the server says of them."""
    path = path or server.paths.hba_file
    found = server.read(path)
    text = None if found is None else found.text
    recorder = Recorder(server)
    dialect = dialect_of(server.major)
    for part in (text or "", more):
        if "@" in part or "include" in part:
            expand(read_lines(part, dialect), path=path, dialect=dialect, sources=recorder)
    session = server.session.rows(_SESSION)[0]
    return State(
        path=path,
        text=text,
        content=None if found is None else found.content,
        major=server.major,
        ssl=session["ssl"],
        loaded=session["loaded"],
        now=session["now"],
        modified=max(recorder.modified, 0.0 if found is None else found.modified),
        changed=max(recorder.changed, 0.0 if found is None else found.changed),
        rejected=_rejected(server) if text is not None else (),
        judged=server.session.is_superuser,
        files=Snapshot(recorder.texts, recorder.directories),
        used=path == server.paths.hba_file,
        population=population(server.session),
        interfaces=tuple(name for _index, name in socket.if_nameindex()),
    )


def _rejected(server: Server) -> tuple[Rejected, ...]:
    """Only a superuser may see what the server thinks of its files."""
    if not server.session.is_superuser:
        return ()
    return tuple(
        Rejected(row["path"] or server.paths.hba_file, row["line"], row["error"] or _UNSAID)
        for row in server.session.rows(_COMPLAINTS)
        if row["method"] is None
    )
