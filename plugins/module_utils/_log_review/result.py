# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the module returns of a review; pure; private to the collection."""

from __future__ import annotations

import ipaddress
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._log_review.period import text_of
from ansible_collections.rampart.postgresql.plugins.module_utils._log_review.records import Notes
from ansible_collections.rampart.postgresql.plugins.module_utils._log_review.review import Review
from ansible_collections.rampart.postgresql.plugins.module_utils._log_review.tables import Table

__all__ = ["Known", "result", "silences"]


class Known:
    """Pairs of role and address that the operator knows. An address may be a network."""

    def __init__(self, pairs: t.Iterable[t.Mapping[str, t.Any]]) -> None:
        self._pairs: set[tuple[str, str]] = set()
        self._networks: dict[str, list[t.Any]] = {}
        for pair in pairs:
            role, address = pair["role"], pair["address"]
            self._pairs.add((role, address))
            if "/" in address:
                self._networks.setdefault(role, []).append(_network(address))

    def __contains__(self, pair: tuple[str | None, str | None]) -> bool:
        role, address = pair
        if role is None or address is None:
            return False
        if pair in self._pairs:
            return True
        networks = self._networks.get(role)
        if not networks:
            return False
        try:
            place = ipaddress.ip_address(address)
        except ValueError:  # a name, or the socket
            return False
        return any(place in network for network in networks)

    def with_more(self, pairs: t.Iterable[tuple[str, str]]) -> list[dict[str, str]]:
        """These and others, as the option takes them."""
        more = {pair for pair in pairs if pair not in self}
        return [{"role": role, "address": address} for role, address in sorted(self._pairs | more)]


def _network(text: str) -> t.Any:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise InputError(option="known", value=text, expected="an address, a network, a name or [local]") from None


def result(review: Review, known: Known, reasons: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The tables. One that is empty while it cannot be known is null."""

    def told(name: str, rows: list[dict[str, t.Any]]) -> list[dict[str, t.Any]] | None:
        return rows if rows or name not in reasons else None

    pairs = _rows(review.tables["pairs"])
    seen = [(each["role"], each["address"]) for each in pairs if each["role"] and each["address"]]
    fresh = [each for each in pairs if (each["role"], each["address"]) not in known]
    changes = [{**each, "failed": count.failed} for each, count in _counted(review.tables["changes"])]
    return {
        "failed_logins": told("failed_logins", _rows(review.tables["failed_logins"])),
        "superuser_logins": told("superuser_logins", _rows(review.tables["superuser_logins"])),
        "first_seen": told("first_seen", fresh),
        "pairs": known.with_more(seen),
        "changes": told("changes", changes),
        "configuration": told("configuration", _rows(review.tables["configuration"])),
        "doubtful": _rows(review.tables["doubtful"]),
        "restarts": told("restarts", _runs(review)),
    }


def _counted(table: Table) -> t.Iterator[tuple[dict[str, t.Any], t.Any]]:
    for values, others, count in table.rows():
        times = {"count": count.count, "first": text_of(count.first), "last": text_of(count.last)}
        yield {**values, "others": others, **times}, count


def _rows(table: Table) -> list[dict[str, t.Any]]:
    return [row for row, _count in _counted(table)]


def _runs(review: Review) -> list[dict[str, t.Any]]:
    found = [{"kind": run.kind, "from": text_of(run.begin), "to": text_of(run.end)} for run in review.runs]
    more = {"kind": f"{review.runs_left_out} more", "from": None, "to": None}
    return [*found, *([more] if review.runs_left_out else [])]


def silences(notes: Notes, *, since: float, until: float, gap: float) -> list[dict[str, t.Any]]:
    """Where the log has nothing of the period."""
    found: list[tuple[str, float | None, float | None]] = []
    if notes.first is None:
        found.append(("silence", since, until))
    elif notes.first > since:
        found.append(("begins_late", since, min(notes.first, until)))
    found += [each for each in notes.silences if min(each[1:]) <= until and max(each[1:]) >= since]
    if notes.last is not None and until - max(notes.last, since) > gap:
        found.append(("silence", max(notes.last, since), until))
    if notes.silences_left_out:
        found.append((f"{notes.silences_left_out} more", None, None))
    return [
        {"kind": kind, "from": text_of(begin), "to": text_of(end), "path": None, "reason": ""}
        for kind, begin, end in found
    ]
