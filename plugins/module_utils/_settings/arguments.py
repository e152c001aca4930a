# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options of the settings component and what they mean; private to the collection."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.component import Settings
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.desired import ALTER_SYSTEM
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.desired import DROP_IN
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.desired import PARAMETERS
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.desired import PRELOAD
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.desired import REMOVE
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.desired import ByMajor
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.desired import Desired
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.desired import Wish
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.preload import base_name
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.values import is_harmless
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.values import may_hold_secret

__all__ = ["ARGUMENTS", "component", "secrets"]

ARGUMENTS: dict[str, dict[str, t.Any]] = {
    "parameters": {"type": "dict"},
    "sections": {"type": "dict"},
    "preload": {"type": "list", "elements": "str"},
    "store": {"type": "str", "choices": [DROP_IN, ALTER_SYSTEM], "default": DROP_IN},
    "reset": {"type": "list", "elements": "str"},
    "preload_absent": {"type": "list", "elements": "str"},
    "optional": {"type": "list", "elements": "str", "default": []},
    "overrides": {"type": "str", "choices": ["fail", "report", REMOVE], "default": "fail"},
    "file_name": {"type": "str", "default": "zz_rampart.conf"},
}

_SHORTEST_SECRET = 6  # characters; masking a shorter one would spoil words that mean something else
_MAJOR = re.compile(r"[1-9][0-9]")
_SECTION = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*\.conf")
_LIBRARY = re.compile(r"[^\s\0]+(?: [^\s\0]+)*")


def component(values: t.Mapping[str, t.Any], *, option: str = "") -> Settings:
    """The component that these option values describe; ``option`` is the path of the option that holds them."""
    prefix = f"{option}." if option else ""
    store = _choice(values, "store", prefix)
    if store == ALTER_SYSTEM and values.get("sections") is not None:
        raise InputError(
            option=f"{prefix}sections",
            value=values["sections"],
            expected="parameters, as ALTER SYSTEM knows no sections",
        )
    sections = _sections(values, prefix)
    preload, absent = (_libraries(values.get(name), f"{prefix}{name}") for name in ("preload", "preload_absent"))
    _check_contradiction(preload or (), absent or (), f"{prefix}preload_absent")
    return Settings(
        Desired(
            wishes=tuple(wish for name, given in sections.items() for wish in _wishes(name, given, prefix, store)),
            sections=tuple(sections) if store == DROP_IN else (),
            preload=preload,
            preload_absent=absent or (),
            optional=frozenset(str(name).lower() for name in values.get("optional") or ()),
            resets=_names(values.get("reset"), f"{prefix}reset"),
            overrides=_choice(values, "overrides", prefix),
            store=store,
            file_name=_file_name(values.get("file_name") or ARGUMENTS["file_name"]["default"], f"{prefix}file_name"),
            option=prefix,
        )
    )


def secrets(values: t.Mapping[str, t.Any] | None) -> set[str]:
    """Given values that may hold a password, for Ansible to keep out of everything that it shows."""
    given = values or {}
    sections = [given.get("parameters"), *(given.get("sections") or {}).values()]
    return {
        value
        for section in sections
        if isinstance(section, dict)
        for name, given_value in section.items()
        for value in (given_value.values() if isinstance(given_value, dict) else [given_value])
        if isinstance(value, str) and len(value) >= _SHORTEST_SECRET
        if may_hold_secret(str(name)) and not is_harmless(value)
    }


def _sections(values: t.Mapping[str, t.Any], prefix: str) -> dict[str, t.Mapping[str, t.Any]]:
    """Every section that is given, the one of the option ``parameters`` included."""
    found: dict[str, t.Mapping[str, t.Any]] = {}
    if values.get("parameters") is not None:
        found[PARAMETERS] = _dictionary(values["parameters"], f"{prefix}parameters")
    for name, given in _dictionary(values.get("sections") or {}, f"{prefix}sections").items():
        path = f"{prefix}sections.{name}"
        if not isinstance(name, str) or not _SECTION.fullmatch(name):
            raise InputError(option=path, value=name, expected="letters, digits and _ . - make the name of a section")
        if name in (PARAMETERS, PRELOAD):
            raise InputError(
                option=path, value=name, expected=f"another name, as this is what {prefix}{name} is kept in"
            )
        found[name] = _dictionary({} if given is None else given, path)
    return found


def _dictionary(value: object, path: str) -> t.Mapping[str, t.Any]:
    if not isinstance(value, dict):
        raise InputError(option=path, value=value, expected="a dictionary is needed")
    return value


def _wishes(section: str, given: t.Mapping[str, t.Any], prefix: str, store: str) -> t.Iterator[Wish]:
    path = f"{prefix}{PARAMETERS}" if section == PARAMETERS else f"{prefix}sections.{section}"
    for name, value in given.items():
        if not isinstance(name, str) or not name:
            raise InputError(option=path, value=name, expected="the name of a server parameter is needed")
        if value is not None:
            yield Wish(
                f"{path}.{name}", section=section, name=name, value=_frozen(value, f"{path}.{name}"), store=store
            )


def _frozen(value: object, path: str) -> object:
    """The value as it travels; of a dictionary, each value with the major version that it begins with."""
    if isinstance(value, dict):
        if not value or not all(_MAJOR.fullmatch(str(first)) for first in value):
            raise InputError(option=path, value=value, expected="major versions are the keys, as in 13 and 17")
        return ByMajor(tuple((int(first), _frozen(each, path)) for first, each in value.items()))
    return tuple(value) if isinstance(value, list) else value


def _libraries(value: object, path: str) -> tuple[str, ...] | None:
    if value is None:
        return None
    if not isinstance(value, list):
        raise InputError(option=path, value=value, expected="a list of libraries is needed")
    for index, library in enumerate(value):
        if not isinstance(library, str) or not _LIBRARY.fullmatch(library) or "," in library:
            raise InputError(
                option=f"{path}[{index}]", value=library, expected="the name of one library is needed, as in auth_delay"
            )
    return tuple(value)


def _check_contradiction(preload: t.Sequence[str], absent: t.Sequence[str], path: str) -> None:
    wanted = {base_name(library) for library in preload}
    for index, library in enumerate(absent):
        if base_name(library) in wanted:
            raise InputError(
                option=f"{path}[{index}]", value=library, expected="a library that preload does not ask for"
            )


def _names(value: object, path: str) -> tuple[str, ...]:
    if value is not None and not isinstance(value, list):
        raise InputError(option=path, value=value, expected="a list of names of server parameters is needed")
    for index, name in enumerate(value or ()):
        if not isinstance(name, str) or not name:
            raise InputError(option=f"{path}[{index}]", value=name, expected="the name of a server parameter is needed")
    return tuple(value or ())


def _choice(values: t.Mapping[str, t.Any], name: str, prefix: str) -> str:
    value, choices = values.get(name) or ARGUMENTS[name]["default"], ARGUMENTS[name]["choices"]
    if value not in choices:
        raise InputError(option=f"{prefix}{name}", value=value, expected=f"one of {', '.join(choices)}")
    return str(value)


def _file_name(value: object, path: str) -> str:
    if (
        not isinstance(value, str)
        or not _FILE_NAME.fullmatch(value)
        or value in ("postgresql.conf", "postgresql.auto.conf")
    ):
        raise InputError(
            option=path, value=value, expected="a file name of our own that ends with .conf, without a folder"
        )
    return value
