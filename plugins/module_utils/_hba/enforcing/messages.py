# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the server's log says about connections, in English; private to the collection."""

from __future__ import annotations

import re
import typing as t

__all__ = [
    "ARRIVALS",
    "TLS",
    "WORDS",
    "Authorized",
    "authorized",
    "becomes",
    "breaks",
    "is_start",
    "is_stop",
    "logs_logins",
    "received",
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

TLS = r" SSL enabled \(protocol=[^ ,()]+, cipher=[^ ,()]+, bits=\d+(?:, compression=\w+)?\)"
"""What a message says of a connection with TLS, behind all that a client may choose."""
_ENCRYPTION = re.compile(
    rf"(?P<tls>{TLS})?"
    r"(?: GSS \(authenticated=\w+, encrypted=(?P<gss>\w+)(?:, [^\n]*)?\))?\Z"
)
_LOGIN = "connection authorized: user="
_REPLICATION = f"replication {_LOGIN}"
_RECEIVED = re.compile(r"connection received: host=(?P<host>.*?)(?: port=\w+)?", re.DOTALL)
_CHANGED = re.compile(r'parameter "(?P<name>\w+)" (?:changed to "(?P<value>.*)"|removed from configuration file.*)')
_START = "starting PostgreSQL "
_STOP = "database system is shut down"
_STOPPED = "database system was shut down at "
_PLACE_AND_LANGUAGE = ("lc_messages", "log_destination")
_OF_A_STATEMENT = ("statement: ", "duration: ", "execute ", "AUDIT: ")
_AUTHORIZATION = frozenset(("on", "true", "yes", "1", "all", "authorization"))  # from 18 on a list


class Authorized(t.NamedTuple):
    """A login that succeeded."""

    user: str
    database: str  # empty with replication, of which the message does not name it
    replication: bool
    tls: bool
    gss: bool  # encrypted by it


def authorized(message: str) -> Authorized | None:
    """What such a message says; None for another one."""
    replication = message.startswith(_REPLICATION)
    begin = len(_REPLICATION if replication else _LOGIN)
    if not (replication or message.startswith(_LOGIN)):
        return None
    end = _encryption(message)
    names = message[begin : end.start()].partition(" application_name=")[0]
    user, _word, database = names.partition(" database=")
    return Authorized(
        user=user, database=database, replication=replication, tls=end["tls"] is not None, gss=end["gss"] == "yes"
    )


def _encryption(message: str) -> re.Match[str]:
    """The end of the message that says how the connection is encrypted; empty where it is not."""
    if message.endswith(")"):
        for place in (message.rfind(" SSL enabled ("), message.rfind(" GSS (authenticated=")):
            found = _ENCRYPTION.match(message, place) if place >= 0 else None
            if found is not None and found.group():
                return found
    return t.cast("re.Match[str]", _ENCRYPTION.match(message, len(message)))


def received(message: str) -> str | None:
    """Where a connection comes from: an address, a name, or ``[local]``."""
    found = _RECEIVED.fullmatch(message) if message.startswith("connection received: ") else None
    return None if found is None else found["host"]


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


def logs_logins(value: str) -> bool:
    """Whether a value of log_connections makes the server log every login that succeeds."""
    words = {word.strip().lower() for word in value.split(",")}
    return not words.isdisjoint(_AUTHORIZATION)
