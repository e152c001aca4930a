# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Libraries that are wanted and those that the places of the configuration name, made one list; private to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._host.packages import package_of_library
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import LeftAlone
from ansible_collections.rampart.postgresql.plugins.module_utils._settings import dropin
from ansible_collections.rampart.postgresql.plugins.module_utils._settings import preload
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.desired import ALTER_SYSTEM
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.desired import COMPONENT
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.desired import PRELOAD
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.desired import Desired
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.desired import Wanted
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.desired import Wish
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.judgement import COMMAND_LINE
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.lists import PRELOADS
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.lists import join_items
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.state import State
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.values import normalise

__all__ = ["available", "check_orphans", "coming", "merged", "missing"]


def available(desired: Desired, state: State) -> tuple[Desired, list[LeftAlone]]:
    """What is wanted without the optional libraries whose file is missing; any other such library is refused."""
    gone: list[str] = []
    for index, library in enumerate(desired.preload or ()):
        if library not in state.missing_libraries:
            continue
        if library.lower() not in desired.optional:
            package = _package(library, state) or "its package"
            raise InputError(
                option=f"{desired.option}preload[{index}]",
                value=library,
                expected=f"a library whose file is in {state.library_directory}; install {package} first",
                missing_libraries=missing(desired, state),
            )
        gone.append(library)
    if not gone:
        return desired, []
    kept, ownerless = _without_owner(desired, state, gone)
    left = [LeftAlone(COMPONENT, name, f"the library has no file in {state.library_directory}") for name in gone]
    left += [LeftAlone(COMPONENT, wish.name, "its library is left out") for wish in ownerless]
    present = tuple(library for library in desired.preload or () if library not in gone)
    return dataclasses.replace(desired, wishes=kept, preload=present), left


def missing(desired: Desired, state: State) -> list[dict[str, str]]:
    """The wanted libraries that have no file, with the packages that bring them where those are known."""
    return [
        {"library": library, "package": _package(library, state)}
        for library in desired.preload or ()
        if library in state.missing_libraries
    ]


def _package(library: str, state: State) -> str:
    return package_of_library(preload.base_name(library), state.library_directory)


def _without_owner(desired: Desired, state: State, gone: t.Sequence[str]) -> tuple[tuple[Wish, ...], tuple[Wish, ...]]:
    """The wishes, and those for parameters that only the missing libraries would define."""
    prefixes = {prefix for library in gone for prefix in preload.prefixes(library)}
    prefixes = {prefix for prefix in prefixes if not state.catalogue.defines(prefix)}
    ownerless = tuple(wish for wish in desired.wishes if wish.name.lower().partition(".")[0] in prefixes)
    return tuple(wish for wish in desired.wishes if wish not in ownerless), ownerless


def coming(desired: Desired, state: State, wishes: t.Iterable[Wish]) -> frozenset[str]:
    """Libraries that are given or configured and not yet loaded."""
    texts = [row.value for row in state.files if row.name.lower() in PRELOADS]
    texts += [str(value) for values in state.sections.values() for name, value in values.items() if name in PRELOADS]
    named = [library for text in texts for library in preload.libraries_of(text)]
    for wish in wishes:
        if wish.name.lower() in PRELOADS:
            named += wish.value if isinstance(wish.value, tuple) else preload.libraries_of(str(wish.value))
    running = [lib for name in PRELOADS for lib in preload.libraries_of(state.catalogue.setting(name))]
    everything = preload.merge(preload.without(named, desired.preload_absent), desired.preload or ())
    return frozenset(preload.without(everything, running))


def merged(desired: Desired, state: State) -> list[Wanted]:
    """shared_preload_libraries over all places; empty where nothing is asked, or nothing has to be written."""
    if not desired.merges_libraries:
        return []
    others, ours, found = _places(desired, state)
    in_force = others[-1] if others else []
    if found == in_force and not (ours and found):
        return []  # without us
    parameter = state.catalogue.parameters[preload.PARAMETER]
    option = "preload" if desired.preload is not None else "preload_absent"
    value = normalise(parameter, join_items(found))
    return [Wanted(f"{desired.option}{option}", PRELOAD, parameter, value, desired.store)]


def check_orphans(desired: Desired, state: State, sections: dropin.Sections, wanted: t.Iterable[Wanted]) -> None:
    """Refuse to take a library away whose parameters would stay behind."""
    _others, _ours, found = _places(desired, state)
    owned = {prefix for library in found for prefix in preload.prefixes(library)}
    names = [(section, name) for section, values in sections.items() for name in values if "." in name]
    names += [(each.section, each.parameter.name) for each in wanted if "." in each.key]
    for index, library in enumerate(desired.preload_absent):
        orphaned = set(preload.prefixes(library)) - owned
        for section, name in names:
            if name.lower().partition(".")[0] in orphaned:
                raise InputError(
                    option=f"{desired.option}preload_absent[{index}]",
                    value=library,
                    expected=f"a library whose parameters are not set any more, and the section {section} sets {name};"
                    " take that out in the same call",
                )


def _places(desired: Desired, state: State) -> tuple[list[list[str]], list[str], list[str]]:
    """The libraries of each place but ours, those of ours, and what they all make together with what is wanted."""
    parameter = state.catalogue.parameters[preload.PARAMETER]
    others: list[list[str]] = []
    ours: list[list[str]] = []
    for row in state.files:
        if row.name.lower() == preload.PARAMETER:
            is_ours = row.is_automatic if desired.store == ALTER_SYSTEM else row.path == state.place.path
            (ours if is_ours else others).append(preload.libraries_of(row.value))
    if desired.store != ALTER_SYSTEM:
        ours = [
            preload.libraries_of(text)
            for values in state.sections.values()
            for name, text in values.items()
            if name.lower() == preload.PARAMETER
        ]
    if parameter.source == COMMAND_LINE:
        others.append(preload.libraries_of(parameter.setting))
    everything = preload.merge(*others, *ours, desired.preload or ())
    in_ours = [library for libraries in ours for library in libraries]
    return others, in_ours, preload.in_order(preload.without(everything, desired.preload_absent))
