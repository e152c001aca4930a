# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Roles with md5 verifiers whom rules that ask for scram-sha-256 would leave behind; pure, private to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._admission.client import Client
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.verdict import Verdict
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.verdict import verdict
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.world import Side
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.world import closure
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.matching import Attempt
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.matching import matches
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.records import Address
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.records import Record

__all__ = ["LeftBehind", "left_behind", "refusal"]

_MD5, _SCRAM = "md5", "scram-sha-256"
_NAMED = 10  # roles in a message
_SOMEWHERE = b"\xc0\x00\x02\x01"  # 192.0.2.1, of the network for documentation
_HERE = b"\x7f\x00\x00\x01"


@dataclasses.dataclass(frozen=True)
class LeftBehind:
    """One role, a way in which its password lets it in today, and what refuses it then."""

    role: str
    client: Client
    verdict: Verdict

    def result(self) -> dict[str, t.Any]:
        """For the return values."""
        return {"client": f"role {self.role}", "reason": self.verdict.reason, "where": self.verdict.where}


def left_behind(before: Side, after: Side) -> list[LeftBehind]:
    """Whoever is let in by an md5 rule, and is refused then by one with scram-sha-256: its password cannot pass that."""
    if before.roles is None or after.roles is None or not any(rule.method == _SCRAM for rule in after.rules):
        return []
    if list(map(_meant, before.rules)) == list(map(_meant, after.rules)):
        return []
    rules = [rule for rule in before.rules if rule.accepted and rule.method == _MD5]
    waiting = [role.name for role in after.roles.values() if role.login and role.verifier == _MD5] if rules else []
    found = (_one(name, rules, before, after) for name in waiting)
    return [each for each in found if each is not None]


def refusal(found: t.Sequence[LeftBehind]) -> RampartError:
    """The error that names them."""
    names = ", ".join(each.role for each in found[:_NAMED])
    more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    return RampartError(
        f"rules would ask for {_SCRAM} of roles whose verifiers are of kind md5, which never pass that, so nothing was"
        f" changed: {names}{more} (the first by {found[0].verdict.where}). What to do: have their passwords set anew, keep"
        " the method md5 until then, which admits both kinds, or set allow_lockout to true",
        refused=[each.result() for each in found],
    )


def _one(name: str, rules: t.Iterable[Record], before: Side, after: Side) -> LeftBehind | None:
    groups = closure(name, before.memberships)
    for rule in rules:
        client = _client(name, groups, rule, before)
        if client is None or verdict(before, client).outcome != "admitted":
            continue
        then = verdict(after, client)
        if then.outcome == "refused" and any(record.method == _SCRAM for record in then.records):
            return LeftBehind(name, client, then)
    return None


def _client(name: str, groups: frozenset[str], rule: Record, side: Side) -> Client | None:
    """Somebody who certainly comes by this rule, and knows the password."""
    gss = rule.type == "hostgssenc"
    attempt = Attempt(
        user=name,
        database="",
        address=_address(rule.address),
        tls=rule.type == "hostssl",
        gss=gss,
        member_of=groups,
    )
    for database in (*(side.databases or {}), None):
        tried = dataclasses.replace(attempt, database=database or "", replication=database is None)
        if matches(rule, tried, side.dialect) is True:
            return Client(attempt=tried, label=f"role {name}", has_password=True)
    return None


def _address(address: Address | None) -> bytes | None:
    if address is None:
        return None
    if address.network is not None:
        return address.network.address
    return _SOMEWHERE if address.keyword == "all" else _HERE


def _meant(rule: Record) -> tuple[t.Any, ...]:
    names = (tuple(token.raw for token in tokens) for tokens in (rule.databases, rule.users))
    return (rule.type, *names, rule.address, rule.method)
