# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an authority returns to a playbook; private to the collection."""

from __future__ import annotations

import datetime
import os
import typing as t

from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority import making
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.authority import Authority
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.layout import Places
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.record import Entry

__all__ = ["moment_of", "shown", "standing"]


def standing(path: str, now: int) -> dict[str, t.Any]:
    """What is there; nothing where check mode did not make it."""
    if not os.path.exists(Places(path).policy):
        return {"trust": "", "issuers": "", "revocation_lists": "", "expiry": {}, "certificates": []}
    authority = Authority.open(path)
    return {
        "trust": authority.trust_pem,
        "issuers": authority.issuer_pem,
        "revocation_lists": authority.revocation_lists_pem,
        "expiry": _expiry(authority),
        "certificates": [shown(entry) for entry in authority.entries() if entry.owner and _is_valid(entry, now)],
    }


def moment_of(seconds: int) -> str:
    """A time as programs read it, in UTC."""
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def _expiry(authority: Authority) -> dict[str, t.Any]:
    return {
        "revocation_lists": moment_of(authority.lists_end),
        "generations": [
            {
                "generation": generation.number,
                "signs": generation is authority.issuing,
                **{usage: moment_of(making.seconds(each, "not_valid_after")) for usage, each in generation.both},
            }
            for generation in authority.generations
        ],
    }


def _is_valid(entry: Entry, now: int) -> bool:
    return entry.revoked is None and entry.not_after > now


def shown(entry: Entry) -> dict[str, t.Any]:
    """One certificate, as the record has it."""
    return {
        "serial": entry.serial,
        "usage": entry.usage,
        "owner": entry.owner,
        "common_name": entry.common_name,
        "names": list(entry.names),
        "generation": entry.generation,
        "not_before": moment_of(entry.not_before),
        "not_after": moment_of(entry.not_after),
        "fingerprint": entry.fingerprint,
    }
