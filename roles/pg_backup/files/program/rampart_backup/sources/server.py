# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Questions to a PostgreSQL server, by psql, and the words that its client programs are started with."""

from __future__ import annotations

import dataclasses
import json
import os
import typing as t

from ..faults import SourceFault
from ..streams.process import Child

if t.TYPE_CHECKING:
    from ..definition import Cluster

__all__ = ["About", "Server", "Session", "Snapshot", "conninfo"]

# The owner of a database cannot turn these against us: startup options win over ALTER DATABASE ... SET.
_OPTIONS = " ".join(
    f"-c {each}"
    for each in (
        "role=none",
        "search_path=pg_catalog",
        "row_security=off",
        "default_transaction_read_only=off",
        "statement_timeout=0",
        "lock_timeout=0",
        "idle_in_transaction_session_timeout=0",
    )
)
# Those that not every version knows cannot be startup options. A session that holds a slot or a snapshot outlasts them.
_LASTING = r"""
SELECT pg_catalog.set_config(s.name, '0', false) FROM pg_catalog.pg_settings AS s
WHERE s.name IN ('idle_session_timeout', 'transaction_timeout') \g /dev/null
SELECT pg_catalog.set_config('client_encoding', 'SQL_ASCII', false)
WHERE pg_catalog.current_setting('server_encoding') = 'SQL_ASCII' \g /dev/null
"""
_MOST: t.Final = 2**26  # bytes of an answer
_CHUNK: t.Final = 2**16
_ENCODING: t.Final = {"PGCLIENTENCODING": "UTF8"}  # of answers; a dump has that of its database
_PSQL = ("-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1")
_ABOUT = """
SELECT pg_catalog.json_build_object(
  'version', pg_catalog.current_setting('server_version'),
  'number', pg_catalog.current_setting('server_version_num')::integer,
  'system_identifier', (SELECT s.system_identifier::text FROM pg_catalog.pg_control_system() AS s),
  'timeline', (SELECT c.timeline_id FROM pg_catalog.pg_control_checkpoint() AS c),
  'lsn', (CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_wal_replay_lsn()
          ELSE pg_catalog.pg_current_wal_lsn() END)::text,
  'standby', pg_catalog.pg_is_in_recovery(),
  'checksums', pg_catalog.current_setting('data_checksums') = 'on',
  'bootstrap', (SELECT r.rolname FROM pg_catalog.pg_roles AS r WHERE r.oid = 10),
  'superuser', (SELECT r.rolsuper FROM pg_catalog.pg_roles AS r WHERE r.rolname = current_user))
"""
# One whose removal was broken off (-2) can only be removed.
_DATABASES = """
SELECT coalesce(pg_catalog.json_agg(d.datname ORDER BY d.datname), '[]')
FROM pg_catalog.pg_database AS d WHERE {condition} AND d.datconnlimit <> -2
"""
_SCHEMAS = """
SELECT pg_catalog.json_build_object('encoding', pg_catalog.current_setting('server_encoding'),
  'names', coalesce(pg_catalog.json_agg(n.nspname ORDER BY n.oid), '[]'))
FROM pg_catalog.pg_namespace AS n WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
"""
# Members of extensions have no rows in a dump, foreign tables none of this server's, and what is not logged none on a standby.
_COUNTS = r"""
SELECT pg_catalog.format('SELECT pg_catalog.json_build_array(%L, %L, pg_catalog.count(*)) FROM ONLY %I.%I',
                         n.nspname, c.relname, n.nspname, c.relname)
FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND (c.relpersistence <> 'u' OR NOT pg_catalog.pg_is_in_recovery())
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS d WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                  AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY n.nspname, c.relname
\gexec
"""


@dataclasses.dataclass(frozen=True)
class About:
    """What a catalogue says of a server. ``number`` is server_version_num."""

    version: str
    number: int
    system_identifier: str
    timeline: int
    lsn: str
    standby: bool
    checksums: bool
    bootstrap: str  # name of the role with the OID 10
    superuser: bool


class Server:
    """A server and its client programs."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self.variables = {
            "PGAPPNAME": "rampart-backup",
            "PGCONNECT_TIMEOUT": str(cluster.connect_timeout),
            "PGOPTIONS": _OPTIONS,
        }
        # What is restored may set them; a dump says itself what it needs.
        self.restoring = {name: value for name, value in self.variables.items() if name != "PGOPTIONS"}

    def program(self, name: str) -> str:
        """The path of a program of the server's own version."""
        return os.path.join(self._cluster.bindir, name)

    def words(self, program: str, *words: str) -> list[str]:
        """A client program and how it connects; it never asks for a password."""
        cluster = self._cluster
        return [self.program(program), "-h", cluster.host, "-p", str(cluster.port), "-U", cluster.user, "-w", *words]

    def answer(self, sql: str, *, database: str = "postgres", ours: bool = True, encoded: bool = True) -> str:
        """What psql writes for a query, without the last end of line: values with ``|`` between them.

        One that is not ours finds its names as usual in that database. Without ``encoded`` words are the bytes that the database
        gives to its clients, and are the same again on a command line.
        """
        variables = self.variables if ours else self.restoring
        child = Child(
            self.words("psql", *_PSQL, "-c", sql, "-d", conninfo(database)),
            what="psql",
            fault=SourceFault,
            writes=True,
            variables={**variables, **_ENCODING} if encoded else variables,
        )
        try:
            answer = b"".join(_limited(child.stdout))
            child.finish()
            return answer.decode("utf-8", "surrogateescape").rstrip("\n")
        finally:
            child.close()

    def ask(self, sql: str, *, database: str = "postgres", encoded: bool = True) -> t.Any:
        """The answer to a query of one value, which is JSON; ``encoded`` as above."""
        answer = self.answer(sql, database=database, encoded=encoded)
        try:
            return json.loads(answer)
        except ValueError:
            raise SourceFault(f"psql gave an answer that is not JSON: {answer[:200]!r}") from None

    def about(self) -> About:
        """Version, identity, position."""
        return About(**self.ask(_ABOUT))

    def identify(self) -> None:
        """Begin a connection for replication; raises what speaks against it, often the lack of a rule in pg_hba.conf."""
        child = Child(
            self.words("psql", *_PSQL, "-c", "IDENTIFY_SYSTEM", "-d", "replication=true"),
            what="a connection for replication, which a base backup needs,",
            fault=SourceFault,
            variables=self.variables,
        )
        try:
            child.finish()
        finally:
            child.close()

    def databases(self) -> list[str]:
        """Those that allow connections."""
        return self._databases("d.datallowconn")

    def closed_databases(self) -> list[str]:
        """Those that allow none, but for the one that comes so with every cluster."""
        return self._databases("NOT d.datallowconn AND d.datname <> 'template0'")

    def _databases(self, condition: str) -> list[str]:
        return [str(each) for each in self.ask(_DATABASES.format(condition=condition))]

    def schemas(self, database: str) -> dict[str, str]:
        """Those that are not the system's, each with what pg_dump, which has the encoding of the database, knows it by."""
        raw = self.ask(_SCHEMAS, database=database, encoded=False)
        # Nobody knows what the names of such a database are in UTF-8.
        names = raw if raw["encoding"] == "SQL_ASCII" else self.ask(_SCHEMAS, database=database)
        return dict(zip(names["names"], raw["names"]))


class Session:
    """A session that lasts: a context. ``what`` names it in messages."""

    def __init__(self, server: Server, database: str = "postgres", what: str = "a session of psql") -> None:
        self._child = Child(
            server.words("psql", *_PSQL, "-d", conninfo(database)),
            what=what,
            fault=SourceFault,
            reads=True,
            writes=True,
            variables={**server.variables, **_ENCODING},
        )

    def __enter__(self) -> Session:
        try:
            self._send(_LASTING)
        except BaseException:
            self._child.close()
            raise
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        try:
            if isinstance(error, SourceFault) and self._child.has_ended():
                self._child.finish()  # what it ended by is why whoever needs it failed
        finally:
            self._child.close()

    def ask(self, sql: str) -> str:
        """The one line that statements answer with."""
        self._send(sql + ";")
        answer = self._child.stdout.readline().decode().strip()
        if not answer:
            self._child.end_input()
            self._child.finish()
            raise SourceFault(f"{self._child.what} ended")
        return answer

    def _send(self, sql: str) -> None:
        try:
            self._child.stdin.write(sql.encode() + b"\n")
        except BrokenPipeError:
            self._child.finish()
            raise SourceFault(f"{self._child.what} ended") from None


class Snapshot(Session):
    """A session that holds a snapshot of a database."""

    def __init__(self, server: Server, database: str) -> None:
        super().__init__(server, database, f"the session that holds the snapshot of {database}")
        self.name = ""

    def __enter__(self) -> Snapshot:
        super().__enter__()
        try:
            self.name = self.ask(
                "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SELECT pg_catalog.pg_export_snapshot()"
            )
        except BaseException:
            self._child.close()
            raise
        return self

    def begin_counting(self) -> None:
        """Let the server count the rows of every table while something else is done."""
        self._send(_COUNTS)

    def counts(self) -> list[tuple[str, str, int]]:
        """Schema, table and number of rows: what ``begin_counting`` began."""
        self._send("COMMIT;")
        self._child.end_input()
        found = [json.loads(line.decode("utf-8", "surrogateescape")) for line in self._child.stdout]
        self._child.finish()
        return [(str(schema), str(table), int(count)) for schema, table, count in found]


def _limited(stream: t.IO[bytes]) -> t.Iterator[bytes]:
    """All of it; raises when a server, which may be hostile where it was restored, never ends."""
    left = _MOST
    while left > 0:
        data = stream.read(_CHUNK)
        if not data:
            return
        left -= len(data)
        yield data
    raise SourceFault(f"psql gave an answer of more than {_MOST} bytes")


def conninfo(database: str) -> str:
    """A name of a database that no client takes for a connection string."""
    escaped = database.replace("\\", "\\\\").replace("'", "\\'")
    return f"dbname='{escaped}'"
