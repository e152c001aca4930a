# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What certificate_authority returned, as rows; private to the collection."""

from __future__ import annotations

import datetime
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.expiry.states import days_left
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.expiry.states import state_of
from ansible_collections.rampart.postgresql.plugins.plugin_utils._expiry.row import LIST
from ansible_collections.rampart.postgresql.plugins.plugin_utils._expiry.row import Row
from ansible_collections.rampart.postgresql.plugins.plugin_utils._expiry.row import Values

__all__ = ["NAME", "is_authority", "of_authority"]

NAME = "authority"
"""What stands in the place of the cluster."""
_BEGAN = 0  # of what tells only its end: long enough ago for a quarter of the lifetime to be more than 30 days


def is_authority(result: Values) -> bool:
    """Whether this is what that module returned."""
    return "expiry" in result and "issuers" in result


def of_authority(result: Values, *, host: str, within: int | None, now: int) -> t.Iterator[Row]:
    """Its roots, intermediates and lists, and for each client the certificate that lasts longest."""

    def row(role: str, subject: str, after: t.Any, before: t.Any = None, number: int = 1) -> Row:
        end, begin = _seconds(after, role), _BEGAN if before is None else _seconds(before, role)
        return Row(
            host=host,
            cluster=NAME,
            role=role,
            number=number,
            subject=subject,
            not_after=after,
            not_after_epoch=end,
            days_left=days_left(end, now),
            state=state_of(begin, end, now=now, within=within),
        )

    expiry = result["expiry"]
    if not expiry:
        yield Row(host=host, cluster=NAME, reason="there is no authority")
        return
    for generation in expiry.get("generations", []):
        number = generation["generation"]
        for role in ("root", "intermediate"):
            yield row(role, f"{role} of generation {number}", generation[role], number=number)
    if "revocation_lists" in expiry:
        yield row(LIST, "the first of all lists", expiry["revocation_lists"])
    for client in _lasting(result.get("certificates") or []):
        yield row("client", f"{client['common_name']} ({client['owner']})", client["not_after"], client["not_before"])


def _lasting(certificates: t.Sequence[Values]) -> list[Values]:
    """One for each client: those before were renewed, so that they expire is no news."""
    found: dict[tuple[str, str], Values] = {}
    for each in certificates:
        name = (each["owner"], each["common_name"])
        if each["usage"] == "client" and each["not_after"] > found.get(name, {"not_after": ""})["not_after"]:
            found[name] = each
    return list(found.values())


def _seconds(moment: t.Any, what: str) -> int:
    try:
        return int(datetime.datetime.fromisoformat(moment).timestamp())
    except (TypeError, ValueError):
        raise InputError(option=what, value=moment, expected="a time as certificate_authority returns it") from None
