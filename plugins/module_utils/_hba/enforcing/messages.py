# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the server's log says about connections, in English; private to the collection."""

from __future__ import annotations

import re

from ansible_collections.rampart.postgresql.plugins.module_utils._server.log_messages import logs_logins

__all__ = [
    "ARRIVALS",
    "WORDS",
    "becomes",
    "breaks",
    "is_start",
    "is_stop",
    "stopped",
]

WORDS = (
    b"connection authorized: ",
    b"starting PostgreSQL ",
    b"database system ",
    b"log_connections",
    b"log_destination",
    b"lc_messages",
)
"""Every line that says something has one of them."""
ARRIVALS = (b"connection received: ",)
"""The same of lines that say where a connection comes from, where others do not."""

_CHANGED = re.compile(r'parameter "(?P<name>\w+)" (?:changed to "(?P<value>.*)"|removed from configuration file.*)')
_START = "starting PostgreSQL "
_STOP = "database system is shut down"
_STOPPED = "database system was shut down at "
_PLACE_AND_LANGUAGE = ("lc_messages", "log_destination")
_OF_A_STATEMENT = ("statement: ", "duration: ", "execute ", "AUDIT: ")


def is_start(message: str) -> bool:
    """Whether the server was started."""
    return message.startswith(_START)


def is_stop(message: str) -> bool:
    """Whether the server has stopped."""
    return message == _STOP


def stopped(message: str) -> str | None:
    """When the run before this one had stopped, as the server says when it starts."""
    return message[len(_STOPPED) :] if message.startswith(_STOPPED) else None


def breaks(message: str) -> bool:
    """Whether the server, in whichever language, speaks of a parameter by which earlier messages may be missed."""
    return any(name in message for name in _PLACE_AND_LANGUAGE) and not message.startswith(_OF_A_STATEMENT)


def becomes(message: str) -> bool | None:
    """Whether logins are logged from now on, where the message says that this changed."""
    found = _CHANGED.match(message)
    if found is None or found["name"] != "log_connections":
        return None
    return logs_logins(found["value"] or "")
