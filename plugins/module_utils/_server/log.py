# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a server writes into its log, as far as that is a file that we know of; private to the collection."""

from __future__ import annotations

import os
import re
import time
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import Account
from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import acting_as

__all__ = ["LogTail", "last_reload_refused"]

_LONGEST = 8192  # bytes of the log that are shown
_SEARCHED = 2**20  # bytes of the log that are searched
_COLLECTOR = 1.0  # seconds that the collector of the log may be behind the server
_PAUSE = 0.05

# An entry of the server itself as text, CSV or JSON. What a statement puts into the log cannot pass for one: its further
# lines begin with a tabulator, its quotes are doubled or escaped, and a severity comes before it.
_ENTRY = re.compile(
    r"(?!\t)(?:(?![A-Z]+:  ).)*LOG:  (?P<text>.*)"
    r'|(?:[^",]*,|"(?:[^"]|"")*",)*LOG,00000,"(?P<csv>[^"]*)",.*'
    r'|\{.*"error_severity":"LOG",(?:"state_code":"00000",)?"message":"(?P<json>[^"\\]*)".*'
)
_MARKS = ("received SIGHUP, reloading configuration files", "starting PostgreSQL ")
_REFUSED = " was not reloaded"


class LogTail:
    """The end of a log: what is in it, and what comes from now on, or from a position on."""

    def __init__(self, path: str | None, owner: Account, begin: int | None = None) -> None:
        self._path = path
        self._owner = owner
        self._begin = self._size() if begin is None else begin

    def lines(self) -> list[str]:
        """The new lines, the last ones when there are many."""
        return self._text(max(self._begin, self._size() - _LONGEST), _LONGEST).splitlines()

    def says_not_reloaded(self, names: t.Iterable[str]) -> bool:
        """Whether it says, in English, that a file of one of these names was not reloaded.

        That it does not say so proves little.
        """
        deadline = time.monotonic() + _COLLECTOR
        while self._path is not None and self._size() == self._begin and time.monotonic() < deadline:
            time.sleep(_PAUSE)  # every reload leaves a line, unless log_min_messages keeps it out
        return last_reload_refused(self._text(self._begin, _SEARCHED), names)

    def said_not_reloaded(self, names: t.Iterable[str]) -> bool:
        """The same of the last reload before now."""
        return last_reload_refused(self._text(max(0, self._begin - _SEARCHED), _SEARCHED), names)

    def _text(self, begin: int, longest: int) -> str:
        if self._path is None or self._size() <= begin:
            return ""
        try:
            with acting_as(self._owner), open(self._path, "rb") as stream:
                stream.seek(begin)
                return stream.read(longest).decode("utf-8", "replace")
        except OSError:  # somebody opened it for the server, as a service manager does
            return ""

    def _size(self) -> int:
        if self._path is None:
            return 0
        try:
            with acting_as(self._owner):
                return os.stat(self._path).st_size
        except OSError:
            return 0


def last_reload_refused(text: str, names: t.Iterable[str]) -> bool:
    """Whether the last reload in a log left out a file of one of these names."""
    refusals = {f"{name}{_REFUSED}" for name in names}
    refused = False
    for line in text.split("\n"):
        if _REFUSED in line:
            refused = refused or _message(line) in refusals
        elif any(mark in line for mark in _MARKS):
            refused = refused and not _message(line).startswith(_MARKS)
    return refused


def _message(line: str) -> str:
    found = _ENTRY.fullmatch(line)
    return "" if found is None else next((each for each in found.groups() if each is not None), "")
