# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From what is wanted and what was observed to steps; pure; private to the collection."""

from __future__ import annotations

import dataclasses
import posixpath
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import ManagedElsewhere
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import ExpectedParameter
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import LeftAlone
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Overridden
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Planned
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Reload
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Step
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import WriteFile
from ansible_collections.rampart.postgresql.plugins.module_utils._settings import dropin
from ansible_collections.rampart.postgresql.plugins.module_utils._settings import judgement
from ansible_collections.rampart.postgresql.plugins.module_utils._settings import libraries
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.desired import AUTOMATIC
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.desired import COLLECTOR
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.desired import COMPONENT
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.desired import PARAMETERS
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.desired import PRELOAD
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.desired import Desired
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.desired import Resolver
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.desired import Wanted
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.desired import Wish
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.state import State
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.values import same
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.values import show

__all__ = ["make_plan"]

Offered = t.Mapping[str, t.Mapping[str, str]]
_OTHERS_MAY_WRITE = 0o022
_AUTO_FAILOVER = "postgresql-auto-failover"  # beginning of the names of its configuration files


def make_plan(desired: Desired, state: State, offered: Offered) -> Planned:
    """What has to be done for the state to become the desired one."""
    libraries.check(desired, state)
    wishes, uncollected = _collected([*desired.wishes, *_offered_wishes(desired, offered)], state)
    resolver = Resolver(state.catalogue, desired.optional, libraries.coming(desired, state, wishes))
    wanted, left_alone = resolver.resolve(wishes)
    merged = libraries.merged(desired, state)
    wanted += merged
    _refuse_owned(wanted, state)
    given = {*desired.sections, *offered, *([PRELOAD] if desired.merges_libraries else [])}
    kept = {section: values for section, values in state.sections.items() if section not in given}
    _check_unique(wanted, kept, state)
    overridden = [item for each in wanted for item in judgement.overriding(state, each)]
    if overridden and desired.overrides == "fail":
        raise _refusal(overridden)
    sections = _sections(given, wanted, kept, state, {item.parameter for item in overridden})
    libraries.check_orphans(desired, state, sections)
    steps = _steps(state, sections)
    changes = _changes(state, sections)
    return Planned(
        steps=tuple(steps),
        left_alone=(*left_alone, *uncollected),
        restart_required=tuple(judgement.waiting(state, changes)),
        overridden_by=tuple(overridden),
        effects=judgement.becoming(state, changes) if steps else (),
        expected=tuple(
            ExpectedParameter(each.option, each.parameter.name) for each in wanted if each.parameter.placeholder
        ),
    )


def _collected(wishes: t.Iterable[Wish], state: State) -> tuple[list[Wish], list[LeftAlone]]:
    """With a decision about the log's collector: it is wanted where nothing keeps what the server writes."""
    decided: list[Wish] = []
    left: list[LeftAlone] = []
    for wish in wishes:
        if wish.name.lower() != COLLECTOR or wish.value != AUTOMATIC:
            decided.append(wish)
        elif state.log_file is None:
            decided.append(dataclasses.replace(wish, value="on"))
        else:
            left.append(LeftAlone(COMPONENT, COLLECTOR, f"the log goes to {state.log_file}"))
    return decided, left


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
    owned = {row.name.lower(): row for row in state.files if posixpath.basename(row.path).startswith(_AUTO_FAILOVER)}
    for each in wanted:
        row = owned.get(each.key)
        if row is not None and not same(each.parameter, each.value.text, row.value):
            raise ManagedElsewhere(
                f"{each.option}: {show(each.parameter, each.value.text)!r} cannot be used: {row.source} sets"
                f" {each.parameter.name} to {show(each.parameter, row.value)!r} and belongs to pg_auto_failover,"
                " so nothing was changed; change it there with pg_autoctl, or leave the parameter out",
                managed_by="pg_auto_failover",
            )


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


def _steps(state: State, sections: dropin.Sections) -> list[Step]:
    steps = []
    write = _write_dropin(state, sections)
    if write is not None:
        steps.append(write)
    if state.place.missing_line is not None and (write is not None or state.dropin is not None):
        steps.append(_include(state, state.place.missing_line))
    if not steps:
        stale = judgement.not_running(state)
        if stale:
            steps.append(_reload(state, stale))
    return steps


def _write_dropin(state: State, sections: dropin.Sections) -> Step | None:
    path, before = state.place.path, state.dropin
    if before is None and not sections:
        return None
    text = dropin.render(sections)
    mode = _mode(state, sections)
    if before is not None:
        is_ours = dropin.render(state.sections) == before.text
        if is_ours and _same_sections(state, sections):
            if mode == before.mode:
                return None
            text = before.text
    old = before.text if before else ""
    return Step(
        component=COMPONENT,
        subject=path,
        description=_description(state, sections, mode),
        before=dropin.masked(old),
        after=dropin.masked(text),
        operation=WriteFile(path, before.content if before else None, _encode(text), mode=mode),
        statement=f"edit {path}; SELECT pg_reload_conf()",
        reload=True,
    )


def _mode(state: State, sections: dropin.Sections) -> int:
    """As readable as the main file, writable by the owner alone; secrets are for the owner only."""
    mode = (state.dropin.mode if state.dropin else state.main.mode & 0o666) & ~_OTHERS_MAY_WRITE
    holds_secret = dropin.masked(text := dropin.render(sections)) != text
    return mode & 0o700 if holds_secret else mode


def _same_sections(state: State, sections: dropin.Sections) -> bool:
    """Whether the file already says this, however it spells it."""
    current = state.sections
    if set(current) != set(sections):
        return False
    return all(_same_values(state, current[section], values) for section, values in sections.items())


def _same_values(state: State, current: t.Mapping[str, str], values: t.Mapping[str, str]) -> bool:
    if set(current) != set(values):
        return False
    return all(_same_text(state, name, current[name], text) for name, text in values.items())


def _same_text(state: State, name: str, left: str, right: str) -> bool:
    parameter = state.catalogue.find(name)
    return left == right or (parameter is not None and same(parameter, left, right))


def _changes(state: State, sections: dropin.Sections) -> dict[str, str | None]:
    """Names whose value in our file becomes another one; None for those that are taken out."""
    old = {name: text for values in state.sections.values() for name, text in values.items()}
    new = {name: text for values in sections.values() for name, text in values.items()}
    changed = {name for name, text in new.items() if name not in old or not _same_text(state, name, old[name], text)}
    return {**{name: None for name in old if name not in new}, **{name: new[name] for name in changed}}


def _description(state: State, sections: dropin.Sections, mode: int) -> str:
    current = state.sections
    old = {(section, name): text for section, values in current.items() for name, text in values.items()}
    new = {(section, name): text for section, values in sections.items() for name, text in values.items()}
    changed = [
        name
        for (section, name), text in new.items()
        if (section, name) not in old or not _same_text(state, name, old[section, name], text)
    ]
    removed = [name for section, name in old if (section, name) not in new]
    parts = [f"set {', '.join(sorted(changed))}"] if changed else []
    parts += [f"remove {', '.join(sorted(removed))}"] if removed else []
    if not parts and state.dropin is not None and mode != state.dropin.mode:
        parts = [f"mode {mode:04o}"]
    return "; ".join(parts) or "put the file into its own form again"


def _include(state: State, line: str) -> Step:
    """One line at the end of the main configuration file; the rest of it stays as it is, byte for byte."""
    before = state.main.content
    separator = b"" if not before or before.endswith(b"\n") else b"\n"
    return Step(
        component=COMPONENT,
        subject=state.main.path,
        description=f"include {state.place.path} at the end",
        before="",
        after=f"{line}\n",
        operation=WriteFile(state.main.path, before, before + separator + _encode(f"{line}\n")),
        statement=f"edit {state.main.path}; SELECT pg_reload_conf()",
        reload=True,
    )


def _reload(state: State, stale: t.Sequence[judgement.NotRunning]) -> Step:
    return Step(
        component=COMPONENT,
        subject=state.place.path,
        description=f"load {', '.join(item.name for item in stale)}",
        before="".join(f"{item.name} = {item.running}\n" for item in stale),
        after="".join(f"{item.name} = {item.configured}\n" for item in stale),
        operation=Reload(),
        statement="SELECT pg_reload_conf()",
        reload=True,
    )


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
