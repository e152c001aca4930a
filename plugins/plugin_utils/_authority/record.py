# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The record of what an authority issued and revoked: lines of JSON, only ever appended; private to the collection."""

from __future__ import annotations

import dataclasses
import json
import typing as t

__all__ = ["Entry", "Revocation", "entries", "issued_line", "revoked_line"]


@dataclasses.dataclass(frozen=True)
class Revocation:
    """When and why a certificate was revoked; ``time`` is in seconds since the epoch."""

    time: int
    reason: str


@dataclasses.dataclass(frozen=True)
class Entry:
    """One certificate. ``usage``: root, intermediate, server or client; ``owner`` is the host or the role.

    ``serial`` and ``fingerprint`` (SHA-256) are hexadecimal, times are seconds since the epoch.
    """

    serial: str
    usage: str
    owner: str
    common_name: str
    names: tuple[str, ...]
    generation: int
    not_before: int
    not_after: int
    fingerprint: str
    time: int
    place: str = ""  # directory of the bundle that a client's was made for
    revoked: Revocation | None = None


def issued_line(entry: Entry) -> str:
    """The line that says that a certificate was issued."""
    values = {**dataclasses.asdict(entry), "names": list(entry.names)}
    del values["revoked"]
    return json.dumps({"event": "issued", **values}, sort_keys=True) + "\n"


def revoked_line(serial: str, revocation: Revocation) -> str:
    """The line that says that a certificate was revoked."""
    return json.dumps({"event": "revoked", "serial": serial, **dataclasses.asdict(revocation)}, sort_keys=True) + "\n"


def entries(text: str) -> list[Entry]:
    """What a record says, in the order of issue.

    A line that is none was cut off by a kill or a full disk: nothing was handed out for it, since the line comes first.
    """
    found: dict[str, Entry] = {}
    for line in text.split("\n"):
        event = _event(line)
        if event.get("event") == "issued":
            _add(found, event)
        elif event.get("event") == "revoked":
            _revoke(found, event)
    return list(found.values())


def _event(line: str) -> dict[str, t.Any]:
    try:
        event = json.loads(line)
    except ValueError:
        return {}
    return event if isinstance(event, dict) else {}


def _add(found: dict[str, Entry], event: dict[str, t.Any]) -> None:
    try:
        entry = Entry(
            serial=str(event["serial"]),
            usage=str(event["usage"]),
            owner=str(event["owner"]),
            common_name=str(event["common_name"]),
            names=tuple(str(name) for name in event["names"]),
            generation=int(event["generation"]),
            not_before=int(event["not_before"]),
            not_after=int(event["not_after"]),
            fingerprint=str(event["fingerprint"]),
            time=int(event["time"]),
            place=str(event.get("place", "")),
        )
    except (KeyError, TypeError, ValueError):
        return
    found.setdefault(entry.serial, entry)


def _revoke(found: dict[str, Entry], event: dict[str, t.Any]) -> None:
    try:
        serial, revocation = str(event["serial"]), Revocation(time=int(event["time"]), reason=str(event["reason"]))
    except (KeyError, TypeError, ValueError):
        return
    known = found.get(serial)
    if known is not None and known.revoked is None:  # the first time is the one that counts
        found[serial] = dataclasses.replace(known, revoked=revocation)
