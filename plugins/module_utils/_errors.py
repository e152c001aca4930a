# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one exception family of the collection; private to it.

Modules turn it into ``fail_json``, filters into ``AnsibleFilterError``.
"""

from __future__ import annotations

import typing as t

__all__ = [
    "ConcurrentRun",
    "ConnectionFailed",
    "InputError",
    "ManagedElsewhere",
    "NotConverged",
    "RampartError",
    "RehearsalFailed",
    "ServerDown",
    "ServerRefused",
    "Unsupported",
]


class RampartError(Exception):
    """Something the operator must know; ``details`` become return values of the failed module."""

    def __init__(self, message: str, **details: t.Any) -> None:
        super().__init__(message)
        self.details = details


class InputError(RampartError):
    """A value given by the operator cannot be used: names the option, the value and what would be accepted."""

    def __init__(self, *, option: str, value: object, expected: str, **details: t.Any) -> None:
        super().__init__(f"{option}: {value!r} cannot be used: {expected}", **details)
        self.option = option
        self.value = value
        self.expected = expected


class ConnectionFailed(RampartError):
    """No session with the server could be had."""

    @property
    def reason(self) -> str:
        """Why, for a message that says itself what was done."""
        return str(self)


class ServerDown(ConnectionFailed):
    """Nothing runs, or listens, where the server should; the same words wherever that shows itself."""

    def __init__(self, which: str, more: str = "") -> None:
        super().__init__(f"the server is down: {which}, so nothing was done: start it first{more}")
        self._which = which

    @property
    def reason(self) -> str:
        return self._which


class ServerRefused(RampartError):
    """The server rejected a statement or a file."""


class RehearsalFailed(RampartError):
    """The throw-away cluster did not accept the candidate configuration; nothing live was touched."""


class ConcurrentRun(RampartError):
    """Another run holds this cluster."""


class ManagedElsewhere(RampartError):
    """What should be changed belongs to a cluster manager."""


class NotConverged(RampartError):
    """After applying, the plan was not empty."""


class Unsupported(RampartError):
    """This host or this connection cannot do what was asked."""
