# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The directory of an audit, on the controller: a file for each host, readable by nobody else; private to the collection."""

from __future__ import annotations

import json
import os
import pathlib
import typing as t
import urllib.parse

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.plugin_utils import _files as files
from ansible_collections.rampart.postgresql.plugins.plugin_utils._plain import plain
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.text import escapes_halves
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.text import valid

__all__ = ["AuditDirectory"]

Document = dict[str, t.Any]


class AuditDirectory:
    """Where the facts and the assessments of hosts are, by the names that the inventory has for them."""

    def __init__(self, path: str | None) -> None:
        if path is None or not os.path.isabs(path):
            raise InputError(option="directory", value=path, expected="it is an absolute path on the controller")
        self._root = pathlib.Path(path)

    def keep_facts(self, host: str, clusters: t.Sequence[Document]) -> str:
        """Replace what was gathered of a host; returns the file."""
        return self._write(self._file("facts", host), clusters)

    def keep_assessments(self, host: str, assessments: t.Sequence[Document]) -> str:
        """Replace the assessments of a host; returns the file."""
        return self._write(self._file("assessments", host), assessments)

    def facts(self, host: str) -> list[Document]:
        """What was gathered of a host; a result that failed where nothing was, as of a host that could not be asked."""
        try:
            return self._read(self._file("facts", host), f"no facts of {host} are kept")
        except RampartError as error:
            return [{"failed": True, "msg": str(error)}]

    def assessments(self, host: str) -> list[Document]:
        """The assessments of a host, without halves of characters; raises where there are none."""
        return self._read(self._file("assessments", host), f"{host} was not assessed", half=valid)

    def forget_assessments(self, host: str) -> None:
        """Remove those of an earlier audit, so that nobody takes them for those of this one."""
        self._file("assessments", host).unlink(missing_ok=True)

    def write(self, name: str, pieces: t.Iterable[str]) -> str:
        """Replace a file of the whole audit, such as a report; returns it."""
        return _replace(self._root / name, pieces)

    def _file(self, kind: str, host: str) -> pathlib.Path:
        # Names of an inventory may hold what names of files may not.
        return self._root / kind / f"{urllib.parse.quote(host, safe='')}.json"

    def _write(self, path: pathlib.Path, documents: t.Sequence[Document]) -> str:
        # Bytes of PostgreSQL that are not UTF-8 are half characters here, which no file holds: they stay escapes.
        return _replace(path, (json.dumps(documents, ensure_ascii=True, separators=(",", ":")),))

    def _read(self, path: pathlib.Path, missing: str, *, half: t.Callable[[str], str] | None = None) -> list[Document]:
        try:
            text = path.read_text(encoding="ascii")
            documents = json.loads(text)
        except FileNotFoundError:
            raise RampartError(f"{missing}: there is no {path}") from None
        except (OSError, ValueError) as error:
            raise RampartError(f"{path} cannot be read: {error}") from None
        if not isinstance(documents, list):
            raise RampartError(f"{path} is not a list of clusters")
        # What is read from a file is plain, and only an escape can be half a character.
        return (
            documents
            if half is None or not escapes_halves(text)
            else t.cast("list[Document]", plain(documents, half=half))
        )


def _replace(path: pathlib.Path, pieces: t.Iterable[str]) -> str:
    """By one rename; the facts of a server are for nobody but who audits it."""
    files.make_directories(str(path.parent))
    files.replace(str(path), (piece.encode("utf-8", "surrogatepass") for piece in pieces), files.PRIVATE)
    return str(path)
