# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Making an authority what it is to be; private to the collection."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import NotConverged
from ansible_collections.rampart.postgresql.plugins.plugin_utils import _files as files
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority import lists as _lists
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority import planning
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority import record
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.change import Change
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.generation import made
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.generation import opened
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.layout import Places
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.planning import Plan
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.planning import planned
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.situation import Desired
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.situation import Situation
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.situation import check_clock
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.situation import observe

__all__ = ["establish"]

_DIRECTORY_MODE = 0o755  # what is in it for everybody says the mode of each file


def establish(desired: Desired, *, passphrase: str, now: int, check: bool = False) -> Plan:
    """Make or change an authority; what was done, or in check mode would be."""
    if check:
        return _examined(desired, passphrase, now)[1]
    first: tuple[Change, ...] = ()
    if not os.path.isdir(desired.path):
        foreseen = _examined(desired, passphrase, now)[1].changes[:1]
        first = foreseen if files.make_directory(desired.path, _DIRECTORY_MODE) else ()
    with files.locked(desired.path):
        with contextlib.suppress(FileNotFoundError):
            files.remove_leftovers(desired.path)
        _situation, plan = _examined(desired, passphrase, now)
        for change in plan.changes:
            _STAGES[change.kind](desired, change, passphrase, now)
        if plan.changes:
            _prove(desired, now)
    return dataclasses.replace(plan, changes=(*first, *plan.changes))


def _examined(desired: Desired, passphrase: str, now: int) -> tuple[Situation, Plan]:
    situation = observe(desired.path)
    check_clock(situation.entries, desired.policy.generation, now)
    planning.check_generation(situation, desired)
    present = [situation.generations[number] for number in desired.policy.trusted if number in situation.generations]
    for generation in present:
        for usage, _certificate in generation.both:
            generation.key(usage, passphrase)
    return situation, planned(situation, desired, now)


def _prove(desired: Desired, now: int) -> None:
    left = planned(observe(desired.path), desired, now).changes
    if left:
        raise NotConverged(f"{desired.path}: after the run there is still to do: {left[0].description}")


def _generation(desired: Desired, change: Change, passphrase: str, now: int) -> None:
    made(Places(desired.path), change.payload, desired.recipe, passphrase=passphrase, now=now)


def _record(desired: Desired, change: Change, passphrase: str, now: int) -> None:
    places = Places(desired.path)
    known = {entry.serial for entry in observe(desired.path).entries}
    new = [entry for entry in opened(places, change.payload).entries() if entry.serial not in known]
    files.append(places.record, "".join(record.issued_line(entry) for entry in new))


def _revoke(desired: Desired, change: Change, passphrase: str, now: int) -> None:
    serial, reason = change.payload
    files.append(Places(desired.path).record, record.revoked_line(serial, record.Revocation(now, reason)))


def _lists_made(desired: Desired, change: Change, passphrase: str, now: int) -> None:
    situation = observe(desired.path)
    until_now = situation.policy.trusted if situation.policy else ()  # in force until the last step
    covered = sorted({*desired.policy.trusted, *until_now} & set(situation.generations))
    content = _lists.all_made(
        [situation.generations[number] for number in covered],
        situation.entries,
        situation.lists,
        passphrase=passphrase,
        validity=desired.policy.crl_validity,
        now=now,
    )
    files.replace(Places(desired.path).lists, content, files.PUBLIC)


def _trust(desired: Desired, change: Change, passphrase: str, now: int) -> None:
    places = Places(desired.path)
    generations = [opened(places, number) for number in desired.policy.trusted]
    files.replace(places.trust, planning.trust_text(generations), files.PUBLIC)


def _policy(desired: Desired, change: Change, passphrase: str, now: int) -> None:
    files.replace(Places(desired.path).policy, desired.policy.text().encode(), files.PUBLIC)


_STAGES: dict[str, t.Callable[[Desired, Change, str, int], None]] = {
    planning.GENERATION: _generation,
    planning.RECORD: _record,
    planning.REVOKE: _revoke,
    planning.LISTS: _lists_made,
    planning.TRUST: _trust,
    planning.POLICY: _policy,
}
