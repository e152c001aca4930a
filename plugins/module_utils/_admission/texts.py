# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""pg_hba.conf and pg_ident.conf as they are and as a plan makes them; private to the collection."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import os
import posixpath
import socket
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import ServerRefused
from ansible_collections.rampart.postgresql.plugins.module_utils._hba import records as hba
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.circumstances import Circumstances
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.dialects import Dialect
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.dialects import dialect_of
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.expansion import Sources
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.ident import records as ident
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.ident.records import MapRecord
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.recorder import Recorder
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.records import Record
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Plan
from ansible_collections.rampart.postgresql.plugins.module_utils._server.sql import Literal
from ansible_collections.rampart.postgresql.plugins.module_utils._server.sql import compose

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Paths
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server

__all__ = ["FILES", "Texts", "texts_of"]

FILES = ("hba_file", "ident_file")
"""Parameters that name the files."""

_CONTENT = """
SELECT pg_catalog.encode(pg_catalog.pg_read_binary_file({path}), 'base64') AS content"""
_NAMES = """
SELECT n.name FROM pg_catalog.pg_ls_dir({path}) AS n (name) ORDER BY n.name"""


@dataclasses.dataclass(frozen=True)
class Texts:
    """The files that decide, read through ``sources``; ``planned`` are those that a plan writes."""

    paths: Paths
    dialect: Dialect
    sources: Sources
    planned: t.Mapping[str, bytes | None]
    interfaces: tuple[str, ...]
    rules: tuple[Record, ...] = ()
    mappings: tuple[MapRecord, ...] = ()
    modified: float = 0.0

    def loaded(self, *, ssl: bool) -> Texts:
        """The same with the records that they hold."""
        around = Circumstances(ssl=ssl, interfaces=self.interfaces)
        path, maps = self.paths.hba_file, self.paths.ident_file
        rules = hba.parse_text(self._text(path), self.dialect, path=path, sources=self.sources, circumstances=around)
        mappings = ident.parse_text(self._text(maps), self.dialect, path=maps, sources=self.sources)
        return dataclasses.replace(self, rules=tuple(rules), mappings=tuple(mappings))

    def coming(self, values: t.Mapping[str, str]) -> Texts:
        """The files as the plan leaves them, where the values of parameters say that they are."""
        named = {name: posixpath.join(self.paths.data_directory, values[name]) for name in FILES if values.get(name)}
        sources = _Overlaid(self.sources, self.planned)
        paths = dataclasses.replace(self.paths, **named)
        coming = dataclasses.replace(self, paths=paths, sources=sources, planned={})
        if paths.hba_file != self.paths.hba_file:
            coming._require_rules()
        return coming.loaded(ssl=values["ssl"] == "on")

    def told(self, value: str) -> str | None:
        """What tells one file that a parameter names from another: its name and what it holds."""
        if not value:
            return None
        path = posixpath.join(self.paths.data_directory, value)
        return f"{path} {hashlib.sha256(self._text(path).encode('utf-8', 'surrogateescape')).hexdigest()}"

    def _require_rules(self) -> None:
        try:
            self.sources.read(self.paths.hba_file)
        except OSError as error:
            raise InputError(
                option="hba_file",
                value=self.paths.hba_file,
                expected=f"name a file that can be read, as no server starts without its rules ({error.strerror})",
            ) from None

    def _text(self, path: str) -> str:
        try:
            return self.sources.read(path)
        except OSError:
            return ""


def texts_of(server: Server, plan: Plan, *, ssl: bool) -> Texts:
    """The files as they are on disk."""
    recorder = Recorder(server) if server.has_files else None
    texts = Texts(
        paths=server.paths,
        dialect=dialect_of(server.major),
        sources=_Remote(server) if recorder is None else recorder,
        planned=plan.files(),
        interfaces=tuple(name for _index, name in socket.if_nameindex()),
    ).loaded(ssl=ssl)
    return dataclasses.replace(texts, modified=0.0 if recorder is None else recorder.modified)


class _Overlaid:
    """Files under those that a plan writes."""

    def __init__(self, below: Sources, planned: t.Mapping[str, bytes | None]) -> None:
        self._below = below
        self._planned = {os.path.realpath(path): content for path, content in planned.items()}

    def read(self, path: str) -> str:
        """The text of a file as it will be."""
        real = os.path.realpath(path)
        if real not in self._planned:
            return self._below.read(path)
        content = self._planned[real]
        if content is None:
            raise FileNotFoundError(2, os.strerror(2), path)
        return content.decode("utf-8", "surrogateescape")

    def names(self, path: str) -> list[str]:
        """The names in a directory as they will be."""
        real = os.path.realpath(path)
        here = {os.path.basename(each): text for each, text in self._planned.items() if os.path.dirname(each) == real}
        kept = [name for name in self._below.names(path) if name not in here]
        return kept + [name for name, content in here.items() if content is not None]


class _Remote:
    """Files that only the server can reach; it reads them to a superuser."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def read(self, path: str) -> str:
        """The text of a file."""
        [row] = self._rows(_CONTENT, path)
        return base64.b64decode(row["content"]).decode("utf-8", "surrogateescape")

    def names(self, path: str) -> list[str]:
        """The names in a directory."""
        return [row["name"] for row in self._rows(_NAMES, path)]

    def _rows(self, query: str, path: str) -> list[dict[str, t.Any]]:
        try:
            return self._server.session.rows(compose(query, path=Literal(path)))
        except ServerRefused as error:
            raise FileNotFoundError(2, str(error), path) from None
