# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files that rules and mappings refer to, and what was found in them; private to the collection."""

from __future__ import annotations

import dataclasses
import os
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import acting_as

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server

__all__ = ["Recorder", "Snapshot"]


@dataclasses.dataclass(frozen=True)
class Snapshot:
    """Files that the rules refer to, as they were when they were read. An OSError stands for itself."""

    texts: t.Mapping[str, str | OSError] = dataclasses.field(default_factory=dict)
    directories: t.Mapping[str, tuple[str, ...] | OSError] = dataclasses.field(default_factory=dict)

    def read(self, path: str) -> str:
        """The text of a file as it was."""
        found = self.texts.get(path, FileNotFoundError(2, os.strerror(2), path))
        if isinstance(found, OSError):
            raise found
        return found

    def names(self, path: str) -> list[str]:
        """The names in a directory as they were."""
        found = self.directories.get(path, FileNotFoundError(2, os.strerror(2), path))
        if isinstance(found, OSError):
            raise found
        return list(found)


class Recorder:
    """Reads files as the owner of the cluster and remembers what was found."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self.texts: dict[str, str | OSError] = {}
        self.directories: dict[str, tuple[str, ...] | OSError] = {}
        self.modified = 0.0
        self.changed = 0.0

    def read(self, path: str) -> str:
        """The text of a file."""
        if path not in self.texts:
            self.texts[path] = self._read(path)
        return Snapshot(texts=self.texts).read(path)

    def names(self, path: str) -> list[str]:
        """The names in a directory."""
        if path not in self.directories:
            self.directories[path] = self._names(path)
        return Snapshot(directories=self.directories).names(path)

    def _read(self, path: str) -> str | OSError:
        try:
            found = self._server.read(path)
        except RampartError:
            with acting_as(self._server.owner):
                is_directory = os.path.isdir(path)
            return (
                IsADirectoryError(21, os.strerror(21), path) if is_directory else PermissionError(13, os.strerror(13))
            )
        if found is None:
            return FileNotFoundError(2, os.strerror(2), path)
        self.modified = max(self.modified, found.modified)
        self.changed = max(self.changed, found.changed)
        return found.text

    def _names(self, path: str) -> tuple[str, ...] | OSError:
        try:
            with acting_as(self._server.owner), os.scandir(path) as entries:
                return tuple(sorted(entry.name for entry in entries if not entry.is_dir()))
        except OSError as error:
            return error
