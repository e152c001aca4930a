# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of an assessment: checked, and made into what it works with; private to the collection."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.controls import CONTROLS
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.derived import Circumstances
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.expressions import require
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.model import SEVERITIES
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.model import Applies
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.model import Control
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.model import Fix
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.model import Reference
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.waivers import Waiver
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.waivers import read_waivers
from ansible_collections.rampart.postgresql.plugins.plugin_utils._profiles.model import PROFILES

__all__ = ["Given", "read"]

_OURS: t.Final = "RPG-"
_MINOR: t.Final = re.compile(r"[0-9]+\.[0-9]+")
_TEXTS: t.Final = ("id", "title", "area", "severity", "rationale", "expression", "manual", "evidence", "unclear")
_KEYS: t.Final = (*_TEXTS, "applies", "fix", "needs", "references")
_Shape = t.TypeVar("_Shape", Applies, Fix, Reference)


@dataclasses.dataclass(frozen=True)
class Given:
    """What an assessment is made with."""

    by: Circumstances
    controls: tuple[Control, ...]
    waivers: tuple[Waiver, ...]


def read(
    *, profile: t.Any, now: t.Any, controls: t.Any, severities: t.Any, waivers: t.Any, newest_minors: t.Any
) -> Given:
    """The options as plain values; None where nothing was given."""
    require()
    if profile not in PROFILES:
        raise InputError(option="profile", value=profile, expected=f"it is one of {', '.join(PROFILES)}")
    if not isinstance(now, int) or isinstance(now, bool) or now < 0:
        raise InputError(option="now", value=now, expected="a time in seconds since 1970")
    by = Circumstances(profile=profile, now=now, newest_minors=_minors({} if newest_minors is None else newest_minors))
    every = _with_severities(
        (*CONTROLS, *_own([] if controls is None else controls)), {} if severities is None else severities
    )
    return Given(by, every, read_waivers([] if waivers is None else waivers, {control.id for control in every}))


def _minors(given: t.Any) -> dict[int, str]:
    if not isinstance(given, dict):
        raise InputError(option="newest_minors", value=given, expected='a dictionary such as {17: "17.11"}')
    found = {}
    for major, minor in given.items():
        if not isinstance(minor, str) or not _MINOR.fullmatch(minor) or minor.partition(".")[0] != str(major):
            raise InputError(
                option=f"newest_minors[{major}]",
                value=minor,
                expected='a release of this major version in quotes, such as "17.11"',
            )
        found[int(major)] = minor
    return found


def _own(given: t.Any) -> list[Control]:
    """The controls of the site."""
    if not isinstance(given, list):
        raise InputError(option="controls", value=given, expected="give a list of dictionaries")
    found: list[Control] = []
    for number, each in enumerate(given):
        control = _control(each, f"controls[{number}]")
        if any(control.id == other.id for other in found):
            raise InputError(option=f"controls[{number}].id", value=control.id, expected="no other control has it")
        found.append(control)
    return found


def _control(given: t.Any, option: str) -> Control:
    _require_dictionary(given, option, _KEYS)
    for name in _TEXTS:
        if name in given and not isinstance(given[name], str):
            raise InputError(option=f"{option}.{name}", value=given[name], expected="give a text")
    if str(given.get("id")).startswith(_OURS):
        raise InputError(option=f"{option}.id", value=given["id"], expected=f"one that does not begin with {_OURS}")
    texts = {name: given.get(name, "") for name in _TEXTS}
    return Control(
        **texts,
        applies=_shape(Applies, given.get("applies", {}), f"{option}.applies"),
        fix=_shape(Fix, given["fix"], f"{option}.fix") if given.get("fix") is not None else None,
        needs=tuple(_texts(given.get("needs", []), f"{option}.needs")),
        references=tuple(
            _shape(Reference, each, f"{option}.references[{number}]")
            for number, each in enumerate(_list(given.get("references", []), f"{option}.references"))
        ),
    )


def _shape(shape: type[_Shape], given: t.Any, option: str) -> _Shape:
    fields = dataclasses.fields(shape)
    _require_dictionary(given, option, tuple(field.name for field in fields))
    for field in fields:
        missing = field.default is dataclasses.MISSING and field.name not in given
        kind: type = str if field.default is dataclasses.MISSING else type(field.default)
        if missing or (field.name in given and not _is_a(kind, given[field.name])):
            expected = "give a text" if kind is str else "give a major version"
            raise InputError(option=f"{option}.{field.name}", value=given.get(field.name), expected=expected)
    return shape(**given)


def _is_a(kind: type, value: t.Any) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool)


def _require_dictionary(given: t.Any, option: str, keys: tuple[str, ...]) -> None:
    if not isinstance(given, dict):
        raise InputError(option=option, value=given, expected=f"give a dictionary with keys of {', '.join(keys)}")
    for name in given:
        if name not in keys:
            raise InputError(option=f"{option}.{name}", value=given[name], expected=f"the keys are {', '.join(keys)}")


def _list(given: t.Any, option: str) -> list[t.Any]:
    if not isinstance(given, list):
        raise InputError(option=option, value=given, expected="give a list")
    return given


def _texts(given: t.Any, option: str) -> list[str]:
    if not all(isinstance(each, str) for each in _list(given, option)):
        raise InputError(option=option, value=given, expected="give a list of texts")
    return t.cast("list[str]", given)


def _with_severities(controls: tuple[Control, ...], given: t.Any) -> tuple[Control, ...]:
    if not isinstance(given, dict):
        raise InputError(option="severities", value=given, expected="a dictionary of the ids of controls")
    known = {control.id for control in controls}
    for name, severity in given.items():
        if name not in known:
            raise InputError(option="severities", value=name, expected="the id of a control")
        if severity not in SEVERITIES:
            raise InputError(option=f"severities.{name}", value=severity, expected=f"one of {', '.join(SEVERITIES)}")
    return tuple(
        dataclasses.replace(control, severity=given[control.id]) if control.id in given else control
        for control in controls
    )
