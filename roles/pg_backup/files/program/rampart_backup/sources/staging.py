# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A directory of this host for what cannot flow: it lies there in clear while a run lasts, and never longer."""

from __future__ import annotations

import os
import re
import shutil
import stat
import tempfile

from .. import telling
from ..faults import DefinitionFault
from ..faults import SourceFault

__all__ = ["Staging", "is_within"]

_PREFIX = "rampart-backup-"
_OTHERS = stat.S_IWGRP | stat.S_IWOTH


class Staging:
    """Below ``path``, for one job; an empty path is none at all. Runs of a job exclude each other."""

    def __init__(self, path: str, job: str) -> None:
        self._path = path
        self._job = job
        self._made: list[str] = []

    def __bool__(self) -> bool:
        return bool(self._path)

    @property
    def used(self) -> bool:
        """Whether something lies there in clear, or did."""
        return bool(self._made)

    def refuse_unusable(self, *, outside: str = "") -> None:
        """Raise what speaks against the directory; it has to be outside of another one."""
        try:
            found = os.lstat(self._path)
        except OSError as error:
            raise DefinitionFault(f"staging: {self._path}: {error.strerror}") from None
        if not stat.S_ISDIR(found.st_mode):
            raise DefinitionFault(f"staging: {self._path} is no directory")
        if found.st_uid != os.geteuid() or found.st_mode & _OTHERS:
            raise DefinitionFault(
                f"staging: {self._path} has to be a directory of the account that runs the job, where nobody else can write"
            )
        if outside and is_within(self._path, outside):
            raise DefinitionFault(f"staging: {self._path} is in {outside}, so that it would be part of the backup")

    def sweep(self) -> None:
        """Remove what a run that was killed left."""
        name = re.compile(re.escape(f"{_PREFIX}{self._job}-") + "[a-z0-9_]{8}")
        try:
            names = os.listdir(self._path) if self._path else []
        except OSError:
            names = []  # said by refuse_unusable
        for each in names:
            if name.fullmatch(each):
                _remove(os.path.join(self._path, each))

    def directory(self) -> str:
        """A new one, which nobody else may enter."""
        try:
            made = tempfile.mkdtemp(prefix=f"{_PREFIX}{self._job}-", dir=self._path)
        except OSError as error:
            raise SourceFault(f"staging: {self._path}: {error.strerror}") from None
        self._made.append(made)
        if stat.S_IMODE(os.lstat(made).st_mode) != stat.S_IRWXU:
            raise SourceFault(f"staging: {self._path} is on a file system that keeps no modes: others could read it")
        return made

    def holds_something(self) -> bool:
        """Whether some file of what was made is not empty."""
        files = (
            os.path.join(root, name) for each in self._made for root, _names, names in os.walk(each) for name in names
        )
        return any(os.path.getsize(path) for path in files)

    def close(self) -> None:
        """Remove all that was made."""
        for each in self._made:
            _remove(each)


def is_within(path: str, directory: str) -> bool:
    """Whether one is the other or below it, wherever links lead."""
    return (os.path.realpath(path) + os.sep).startswith(os.path.realpath(directory) + os.sep)


def _remove(path: str) -> None:
    shutil.rmtree(path, ignore_errors=True)
    if os.path.lexists(path):
        telling.log(f"staging: {path} cannot be removed, and holds data in clear", level="error")
