# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When the backups of a job were read back and restored last, by what runs and drills wrote down; pure; private to the collection."""

from __future__ import annotations

import dataclasses
import datetime
import json
import re
import typing as t

__all__ = ["Proofs", "of_catalogue", "of_metrics", "of_status", "together"]

_METRIC = re.compile(
    r"^rampart_backup_last_(?P<what>verified|restored)_timestamp_seconds\{[^}\n]*\} (?P<value>[0-9.e+]+)$", re.MULTILINE
)
_READ_BACK: t.Final = frozenset({"logical", "logs", "physical"})  # kinds that a run reads whole while it makes them


@dataclasses.dataclass(frozen=True)
class Proofs:
    """In seconds since 1970: when the newest good backup was verified, and when one was restored; None where nothing tells."""

    verified: float | None = None
    restored: float | None = None


def together(found: t.Sequence[Proofs]) -> Proofs:
    """The newest of each."""
    return Proofs(
        max((each.verified for each in found if each.verified), default=None),
        max((each.restored for each in found if each.restored), default=None),
    )


def of_status(kind: object, status: t.Mapping[str, t.Any]) -> Proofs:
    """A run that went well has read back what it stored."""
    moment = status.get("last_success_unix")
    read_back = kind in _READ_BACK and status.get("outcome") == "ok" and bool(status.get("stored"))
    return Proofs(moment if read_back and isinstance(moment, (int, float)) else None)


def of_metrics(text: str) -> Proofs:
    """What a run that could ask its places measured."""
    return Proofs(**{match["what"]: float(match["value"]) for match in _METRIC.finditer(text)})


def of_catalogue(text: str) -> Proofs:
    """What a place remembers of the backups in it; a line that a crash cut off is none."""
    good: dict[str, bool] = {}
    verified: dict[str, float | None] = {}
    restored: list[float] = []
    for event in filter(None, map(_parsed, text.splitlines())):
        what, moment = event.get("event"), _seconds(event.get("at"))
        backup = event.get("backup")
        if what == "made" and isinstance(backup, dict):
            good[str(backup.get("id"))] = bool(backup.get("complete"))
            verified[str(backup.get("id"))] = _seconds(backup.get("verified"))
            continue
        name = str(event.get("id"))
        if what == "verified":
            good[name], verified[name] = True, moment
        elif what in ("damaged", "removed"):
            good[name] = False
        elif what == "restored" and moment:
            good[name] = True
            restored.append(moment)
    newest = [verified.get(name) for name, is_good in good.items() if is_good]
    return Proofs(newest[-1] if newest else None, max(restored, default=None))


def _parsed(line: str) -> dict[str, t.Any]:
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return event if isinstance(event, dict) else {}


def _seconds(stamp: object) -> float | None:
    try:
        moment = datetime.datetime.strptime(str(stamp), "%Y-%m-%dT%H:%M:%SZ")
    except ValueError:
        return None
    return moment.replace(tzinfo=datetime.timezone.utc).timestamp()
