# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From what is wanted and what was observed to steps; pure; private to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import ManagedElsewhere
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import ExpectedParameter
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Overridden
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Planned
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Step
from ansible_collections.rampart.postgresql.plugins.module_utils._settings import automatic
from ansible_collections.rampart.postgresql.plugins.module_utils._settings import deciding
from ansible_collections.rampart.postgresql.plugins.module_utils._settings import dropin
from ansible_collections.rampart.postgresql.plugins.module_utils._settings import effective
from ansible_collections.rampart.postgresql.plugins.module_utils._settings import elsewhere
from ansible_collections.rampart.postgresql.plugins.module_utils._settings import judgement
from ansible_collections.rampart.postgresql.plugins.module_utils._settings import libraries
from ansible_collections.rampart.postgresql.plugins.module_utils._settings import writing
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.desired import DROP_IN
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.desired import PARAMETERS
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.desired import PRELOAD
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.desired import REMOVE
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.desired import Desired
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.desired import Resolver
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.desired import Wanted
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.desired import Wish
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.state import State
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.values import same
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.values import show

__all__ = ["make_plan"]

Offered = t.Mapping[str, t.Mapping[str, str]]

_UNREADABLE: t.Final = "the server would load none of its configuration"


def make_plan(desired: Desired, state: State, offered: Offered) -> Planned:
    """What has to be done for the state to become the desired one."""
    missing = libraries.missing(desired, state)
    desired, without = libraries.available(desired, state)
    given_wishes = [*desired.wishes, *_offered_wishes(desired, offered)]
    wishes, undecided = deciding.decided(given_wishes, state.circumstances)
    coming = libraries.coming(desired, state, wishes)
    resolver = Resolver(state.catalogue, desired.optional, coming, state.extensions)
    wanted, left_alone = resolver.resolve(wishes)
    wanted += libraries.merged(desired, state)
    _refuse_owned(wanted, state)
    removals, unknown = elsewhere.of_resets(desired, state, resolver, wanted)
    given = {*desired.sections, *offered, *_own_section(desired)}
    kept = _kept(state, given, {removal.key for removal in removals})
    _check_unique(wanted, kept, state)
    defeated = _Defeated.of(desired, state, wanted)
    removals += defeated.removals
    hands_off = {item.parameter for item in defeated.overridden}
    sections = _sections(given, [each for each in wanted if each.store == DROP_IN], kept, state, hands_off)
    libraries.check_orphans(desired, state, sections, wanted)
    stored = automatic.changes(desired, state, [w for w in wanted if w.parameter.name not in hands_off], removals)
    steps = _steps(desired, state, sections, removals, stored)
    unreadable = _unreadable(state, removals)
    if unreadable and any(step.reload for step in steps):
        raise RampartError(f"{_UNREADABLE}, so nothing was changed: {'; '.join(unreadable)}")
    changes = effective.changes(state, sections, removals, stored)
    kept_roles = elsewhere.on_standby(removals) if state.in_recovery else []
    return Planned(
        steps=tuple(steps),
        left_alone=(*left_alone, *without, *undecided, *unknown, *kept_roles),
        restart_required=tuple(judgement.waiting(state, changes)),
        overridden_by=defeated.overridden,
        findings=(*deciding.findings(state.circumstances), *(f"{_UNREADABLE}: {line}" for line in unreadable)),
        effects=judgement.becoming(state, changes) if steps else (),
        expected=_expected(desired, state, wanted),
        foreseen=automatic.foreseen(state, stored),
        facts={
            "new_session_required": effective.at_login(state, changes, steps, removals),
            "missing_libraries": missing,
        },
    )


def _expected(desired: Desired, state: State, wanted: t.Iterable[Wanted]) -> tuple[ExpectedParameter, ...]:
    """Names that only their libraries know, but for those that need not be known."""
    placeholders = [each for each in wanted if each.parameter.placeholder and each.key not in desired.optional]
    prefixes = [each.key.partition(".")[0] for each in placeholders]
    return tuple(
        ExpectedParameter(each.option, each.parameter.name, prefix if prefix in state.extensions else "")
        for each, prefix in zip(placeholders, prefixes)
    )


@dataclasses.dataclass(frozen=True)
class _Defeated:
    """What stronger places make of the wanted values: taken away, or told."""

    overridden: tuple[Overridden, ...]
    removals: tuple[elsewhere.Removal, ...]

    @classmethod
    def of(cls, desired: Desired, state: State, wanted: t.Iterable[Wanted]) -> _Defeated:
        defeats = [(each, judgement.defeats(state, each)) for each in wanted]
        if desired.overrides == REMOVE:
            # Nothing can be taken from roles on a standby.
            stay = [(each, defeat) for each, defeat in defeats if state.in_recovery and defeat.roles]
            go = [elsewhere.of_override(desired, *pair) for pair in defeats if pair not in stay and pair[1].is_one]
            return cls(tuple(item for pair in stay for item in judgement.overriding(*pair)), tuple(go))
        overridden = tuple(item for each in defeats for item in judgement.overriding(*each))
        if overridden and desired.overrides == "fail":
            raise _refusal(overridden)
        return cls(overridden, ())


def _own_section(desired: Desired) -> list[str]:
    """The section of the merged libraries, where they are merged into our file."""
    return [PRELOAD] if desired.merges_libraries and desired.store == DROP_IN else []


def _kept(state: State, given: t.Collection[str], resets: t.Collection[str]) -> dict[str, dict[str, str]]:
    """The sections that nobody gives, without what is to be reset."""
    return {
        section: {name: text for name, text in values.items() if state.catalogue.key(name) not in resets}
        for section, values in state.sections.items()
        if section not in given
    }


def _offered_wishes(desired: Desired, offered: Offered) -> t.Iterator[Wish]:
    """Parameters that other components want; their sections are given as if the operator had."""
    for section, values in offered.items():
        if section in desired.sections or section in (PARAMETERS, PRELOAD):
            raise InputError(
                option=f"{desired.option}sections.{section}",
                value=section,
                expected=f"another name, as this section belongs to the component {section}",
            )
        for name, value in values.items():
            yield Wish(option=f"{section}.{name}", section=section, name=name, value=value)


def _check_unique(wanted: t.Sequence[Wanted], kept: dropin.Sections, state: State) -> None:
    """One name has one owner."""
    owners: dict[str, str] = {}
    for each in wanted:
        if each.key in owners:
            raise InputError(
                option=each.option,
                value=each.parameter.name,
                expected=f"one place only, and {owners[each.key]} sets the parameter too",
            )
        owners[each.key] = each.option
    for section, values in kept.items():
        for name in values:
            parameter = state.catalogue.find(name)
            key = (parameter.name if parameter else name).lower()
            if key in owners:
                raise InputError(
                    option=owners[key],
                    value=parameter.name if parameter else name,
                    expected=f"one place only, and the section {section} of {state.place.path} sets the parameter too;"
                    " give that section without it, or empty, to take it out",
                )


def _refuse_owned(wanted: t.Sequence[Wanted], state: State) -> None:
    """pg_auto_failover keeps parameters of its own in files that it writes anew whenever it likes."""
    owned = {row.name.lower(): row for row in state.files if elsewhere.is_auto_failover(row.path)}
    for each in wanted:
        row = owned.get(each.key)
        if row is not None and not same(each.parameter, each.value.text, row.value):
            raise ManagedElsewhere(
                f"{each.option}: {show(each.parameter, each.value.text)!r} cannot be used: {row.source} sets"
                f" {each.parameter.name} to {show(each.parameter, row.value)!r} and belongs to pg_auto_failover,"
                " so nothing was changed; change it there with pg_autoctl, or leave the parameter out",
                managed_by="pg_auto_failover",
            )


def _unreadable(state: State, removals: t.Iterable[elsewhere.Removal]) -> list[str]:
    """Lines of others, for people, that keep the server from loading anything."""
    gone = {row for removal in removals for row in removal.rows}
    return [
        " ".join(filter(None, (f"{row.source}:", row.name, row.error)))
        for row in judgement.blocking(state)
        if row.path != state.place.path and row not in gone
    ]


def _refusal(overridden: t.Sequence[Overridden]) -> RampartError:
    reasons = "; ".join(
        f"{item.parameter} is wanted as {item.desired!r}, and {item.source} sets it to {item.value!r}"
        for item in overridden
    )
    return RampartError(
        f"what stands in a stronger place would win, so nothing was changed: {reasons}",
        overridden_by=[dataclasses.asdict(item) for item in overridden],
    )


def _sections(
    given: t.Collection[str],
    wanted: t.Sequence[Wanted],
    kept: dropin.Sections,
    state: State,
    hands_off: t.Collection[str],
) -> dict[str, dict[str, str]]:
    """What our file will hold: given sections exactly, others as they are, overridden names as they are."""
    current = state.sections
    sections: dict[str, dict[str, str]] = {section: {} for section in given}
    for each in wanted:
        name, text = each.parameter.name, each.value.text
        if name in hands_off:
            present = {known.lower(): value for known, value in current.get(each.section, {}).items()}
            if each.key not in present:
                continue
            text = present[each.key]
        sections[each.section][name] = text
    sections.update({section: dict(values) for section, values in kept.items()})
    return {section: values for section, values in sections.items() if values}


def _steps(
    desired: Desired,
    state: State,
    sections: dropin.Sections,
    removals: t.Sequence[elsewhere.Removal],
    stored: automatic.Changes,
) -> list[Step]:
    ours = writing.write(state, sections)
    commented = elsewhere.steps_in_files(state, removals)
    steps = [*([ours] if ours is not None else []), *commented]
    if state.place.missing_line is not None and (ours is not None or state.dropin is not None):
        steps.append(writing.include(state, state.place.missing_line, commented))
    steps += automatic.steps(state, stored)
    if not state.in_recovery:
        steps += elsewhere.steps_in_roles(state, removals)
    if not any(step.reload for step in steps):
        stale = judgement.not_running(state, desired.names_elsewhere)
        if stale:
            steps.append(writing.reload(state, stale))
    return steps
