# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the server's log says of logins, in English; private to the collection."""

from __future__ import annotations

import re
import typing as t

__all__ = ["TLS", "Authorized", "authorized", "logs_logins", "received"]

TLS = r" SSL enabled \(protocol=[^ ,()]+, cipher=[^ ,()]+, bits=\d+(?:, compression=\w+)?\)"
"""What a message says of a connection with TLS, behind all that a client may choose."""
_ENCRYPTION = re.compile(
    rf"(?P<tls>{TLS})?"
    r"(?: GSS \(authenticated=\w+, encrypted=(?P<gss>\w+)(?:, [^\n]*)?\))?\Z"
)
_LOGIN = "connection authorized: user="
_REPLICATION = f"replication {_LOGIN}"
_RECEIVED = re.compile(r"connection received: host=(?P<host>.*?)(?: port=\w+)?", re.DOTALL)
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


def logs_logins(value: str) -> bool:
    """Whether a value of log_connections makes the server log every login that succeeds."""
    words = {word.strip().lower() for word in value.split(",")}
    return not words.isdisjoint(_AUTHORIZATION)
