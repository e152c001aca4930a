# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What has to be done to an authority, as pure data; private to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.certificate import moment
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority import lists as _lists
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority import making
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority import record
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.change import Change
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.generation import Generation
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.layout import Places
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.situation import Desired
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.situation import Situation

__all__ = [
    "DIRECTORY",
    "GENERATION",
    "LISTS",
    "POLICY",
    "RECORD",
    "REVOKE",
    "TRUST",
    "Plan",
    "check_generation",
    "planned",
    "trust_text",
]

DIRECTORY, GENERATION, RECORD, REVOKE, LISTS, TRUST, POLICY = (
    "directory",
    "generation",
    "record",
    "revoke",
    "lists",
    "trust",
    "policy",
)


@dataclasses.dataclass(frozen=True)
class Plan:
    """Changes, in the order in which a kill between any two of them does no harm; the last one puts them in force."""

    changes: tuple[Change, ...]
    warnings: tuple[str, ...] = ()


def planned(situation: Situation, desired: Desired, now: int) -> Plan:
    """What has to be done."""
    places = Places(desired.path)
    chosen = _to_revoke(situation, desired)
    changes = [
        *_directory(situation, places),
        *_generations(situation, desired, places, now),
        *_recorded(situation, desired, places),
        *_revocations(chosen, places),
        *_new_lists(situation, desired, places, chosen, now),
        *_new_trust(situation, desired, places),
        *_new_policy(situation, desired, places),
    ]
    warnings = [
        *_nothing_issued(situation, desired),
        *_expiring(situation, desired, now),
        *_signs_too_early(situation, desired),
        *_not_trusted_any_more(situation, desired, now),
    ]
    return Plan(tuple(changes), tuple(warnings))


def _directory(situation: Situation, places: Places) -> list[Change]:
    if situation.exists:
        return []
    return [Change(DIRECTORY, places.directory, "make the directory of the authority", "", "mode: 0755")]


def _missing(situation: Situation, desired: Desired) -> list[int]:
    return [number for number in desired.policy.trusted if number not in situation.generations]


def _generations(situation: Situation, desired: Desired, places: Places, now: int) -> list[Change]:
    recipe = desired.recipe
    changes = []
    for number in _missing(situation, desired):
        lines = [f"key: {recipe.key}, encrypted"]
        for usage, days in (("root", recipe.root_validity), ("intermediate", recipe.intermediate_validity)):
            end = now + min(days, recipe.root_validity) * making.DAY
            lines.append(f"{usage}: {recipe.subject.named(f'{usage} {number}').rfc4514_string()}, until {moment(end)}")
        what = f"make generation {number}: a root and an intermediate"
        changes.append(Change(GENERATION, places.generation(number), what, "", "\n".join(lines), payload=number))
    return changes


def _recorded(situation: Situation, desired: Desired, places: Places) -> list[Change]:
    """A run that was killed may have made a generation that the record does not know."""
    known = {entry.serial for entry in situation.entries}
    return [
        Change(RECORD, places.record, f"record generation {number}", "", "root and intermediate", payload=number)
        for number in desired.policy.trusted
        if number not in situation.generations
        or any(entry.serial not in known for entry in situation.generations[number].entries())
    ]


def _to_revoke(situation: Situation, desired: Desired) -> dict[str, tuple[record.Entry, str]]:
    """Serial number to certificate and reason."""
    chosen: dict[str, tuple[record.Entry, str]] = {}
    for each in desired.revoked:
        meant = [entry for entry in situation.entries if each.means(entry)]
        if each.serial and not meant:
            raise InputError(option=each.option, value=each.serial, expected="a serial number that the record knows")
        for entry in meant:
            _check_may_be_revoked(entry, desired, each.option)
            if entry.revoked is None:
                chosen.setdefault(entry.serial, (entry, each.reason))
    return chosen


def _check_may_be_revoked(entry: record.Entry, desired: Desired, option: str) -> None:
    if entry.usage == "root":
        raise InputError(
            option=option,
            value=entry.serial,
            expected="no list names a root: make another generation and leave this one out of trusted_generations",
        )
    if entry.usage == "intermediate" and entry.generation == desired.policy.generation:
        raise InputError(
            option=option,
            value=entry.serial,
            expected="this intermediate signs: make another generation, sign with that, then revoke this one",
        )


def _revocations(chosen: t.Mapping[str, tuple[record.Entry, str]], places: Places) -> list[Change]:
    return [
        Change(
            REVOKE,
            places.record,
            f"revoke the certificate {serial} of {entry.owner or entry.common_name}",
            f"{entry.usage} {entry.owner or entry.common_name}, valid until {moment(entry.not_after)}",
            f"revoked: {reason}",
            payload=(serial, reason),
        )
        for serial, (entry, reason) in chosen.items()
    ]


def _new_lists(
    situation: Situation,
    desired: Desired,
    places: Places,
    chosen: t.Mapping[str, tuple[record.Entry, str]],
    now: int,
) -> list[Change]:
    """All of them or none: they lie in one file."""
    policy = desired.policy
    then = [
        dataclasses.replace(entry, revoked=record.Revocation(now, chosen[entry.serial][1]))
        if entry.serial in chosen
        else entry
        for entry in situation.entries
    ]
    why, before, after = [], [], []
    for number in policy.trusted:
        generation = situation.generations.get(number)
        for usage in ("root", "intermediate"):
            wanted = _lists.serials_of(then, number, usage, now)
            found = _list_of(situation, generation, usage)
            reason = _lists.due(found, wanted, validity=policy.crl_validity, interval=policy.crl_interval, now=now)
            which = f"{usage} of generation {number}"
            why += [f"that of the {which}: {reason}"] if reason else []
            before += [_shown(which, found.next_update, found.serials)] if found else []
            after.append(_shown(which, now + policy.crl_validity * making.DAY, wanted))
    if not why:
        return []
    what = f"sign all revocation lists: {'; '.join(why)}"
    return [Change(LISTS, places.lists, what, "\n".join(before), "\n".join(after))]


def _list_of(situation: Situation, generation: Generation | None, usage: str) -> _lists.RevocationList | None:
    if generation is None:
        return None
    return _lists.list_of(situation.lists, dict(generation.both)[usage])


def _shown(which: str, end: int, serials: frozenset[str]) -> str:
    return f"{which}: until {moment(end)}, revoked: {', '.join(sorted(serials)) or 'nothing'}"


def trust_text(generations: t.Iterable[Generation]) -> bytes:
    """The file of roots."""
    return b"".join(making.pem_of(each.root) for each in generations)


def _new_trust(situation: Situation, desired: Desired, places: Places) -> list[Change]:
    there = [situation.generations[n] for n in desired.policy.trusted if n in situation.generations]
    if len(there) == len(desired.policy.trusted) and situation.trust == trust_text(there):
        return []
    before = "" if situation.trust is None else "other certificates"
    if situation.policy and situation.trust is not None:
        before = _generation_list(situation.policy.trusted)
    what = "write the roots that are trusted"
    return [Change(TRUST, places.trust, what, before, _generation_list(desired.policy.trusted))]


def _generation_list(numbers: t.Iterable[int]) -> str:
    return "roots of the generations " + ", ".join(str(number) for number in numbers)


def _new_policy(situation: Situation, desired: Desired, places: Places) -> list[Change]:
    if situation.policy == desired.policy:
        return []
    before = situation.policy.text() if situation.policy else ""
    what = f"sign with generation {desired.policy.generation}, trust {_numbers(desired.policy.trusted)}"
    return [Change(POLICY, places.policy, what, before, desired.policy.text())]


def _numbers(numbers: t.Iterable[int]) -> str:
    return ", ".join(str(number) for number in numbers)


def _nothing_issued(situation: Situation, desired: Desired) -> list[str]:
    return [
        f"{each.option}: nothing was issued for {each}"
        for each in desired.revoked
        if not any(each.means(entry) for entry in situation.entries)
    ]


def _expiring(situation: Situation, desired: Desired, now: int) -> list[str]:
    """A quarter of five years is enough to make another generation and let every server trust it."""
    told = []
    for number in desired.policy.trusted:
        generation = situation.generations.get(number)
        for usage, certificate in generation.both if generation else ():
            begin, end = (making.seconds(certificate, f"not_valid_{which}") for which in ("before", "after"))
            if end <= now:
                told.append(f"the {usage} of generation {number} has expired on {moment(end)}")
            elif number == desired.policy.generation and end - now < (end - begin) // 4:
                told.append(
                    f"the {usage} of generation {number} expires on {moment(end)}: trust another generation too, and sign"
                    " with that when every server and client trusts it"
                )
    return told


def _signs_too_early(situation: Situation, desired: Desired) -> list[str]:
    """Nobody can have its root yet."""
    number, before = desired.policy.generation, situation.policy
    if before is None or before.generation == number or number in before.trusted:
        return []
    return [
        f"generation {number} signs from now on, and was not trusted until now: who does not have its root refuses what it"
        f" signs; sign with {before.generation} until everybody has it"
    ]


def _not_trusted_any_more(situation: Situation, desired: Desired, now: int) -> list[str]:
    before = situation.policy.trusted if situation.policy else ()
    told = []
    for number in sorted(set(before) - set(desired.policy.trusted)):
        valid = [
            entry.owner
            for entry in situation.entries
            if entry.generation == number and entry.owner and not entry.revoked and entry.not_after > now
        ]
        if valid:
            owners = ", ".join(sorted(set(valid)))
            told.append(
                f"generation {number} is not trusted any more, and certificates of it are still valid: {owners}"
            )
    return told


def check_generation(situation: Situation, desired: Desired) -> None:
    """Raise when a generation would be made although a later one is there: a number typed wrong, or lost files."""
    missing = _missing(situation, desired)
    issued = {entry.generation for entry in situation.entries}
    lost = sorted(set(missing) & issued)
    if lost:
        raise RampartError(
            f"{desired.path}: generation {_numbers(lost)} issued certificates, and its directory is gone: bring it back, or"
            " choose a number that was never used"
        )
