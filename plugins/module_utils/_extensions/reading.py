# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the options of extensions mean; private to the collection."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._extensions.arguments import ARGUMENTS
from ansible_collections.rampart.postgresql.plugins.module_utils._extensions.component import Desired
from ansible_collections.rampart.postgresql.plugins.module_utils._extensions.component import Extension
from ansible_collections.rampart.postgresql.plugins.module_utils._extensions.component import Extensions
from ansible_collections.rampart.postgresql.plugins.module_utils._extensions.state import loaded_libraries

__all__ = ["component"]

_MAXIMUM_LENGTH = 63  # bytes; NAMEDATALEN - 1: the server cuts a longer name, so it would be another one
_MAJOR = re.compile(r"[1-9][0-9]")
_PARAMETER = re.compile(r"[^\s.\0]+\.[^\s\0]+")


def component(values: t.Mapping[str, t.Any], *, option: str = "") -> Extensions:
    """The component of these option values; ``option`` is the name of the option that holds them."""
    where = f"{option}.present" if option else "present"
    found: dict[str, Extension] = {}
    for index, entry in enumerate(values["present"]):
        extension = _extension(entry, f"{where}[{index}]")
        if extension.name in found:
            raise InputError(option=f"{where}[{index}].name", value=extension.name, expected="each extension once")
        found[extension.name] = extension
    return Extensions(Desired(tuple(found.values())))


def _extension(entry: t.Mapping[str, t.Any], where: str) -> Extension:
    databases = entry.get("databases")
    if databases is None:
        databases = ARGUMENTS["present"]["options"]["databases"]["default"]
    return Extension(
        option=where,
        name=_name(entry["name"], f"{where}.name"),
        databases=tuple(_name(name, f"{where}.databases[{number}]") for number, name in enumerate(databases)),
        schema=_name(entry.get("schema") or "public", f"{where}.schema"),
        library=_library(entry.get("library"), f"{where}.library"),
        role=_role(entry.get("role"), f"{where}.role"),
        parameters=dict(_parameters(entry.get("parameters") or {}, f"{where}.parameters")),
    )


def _name(value: t.Any, option: str) -> str:
    text = str(value)
    if not text or "\0" in text or len(text.encode("utf-8", "replace")) > _MAXIMUM_LENGTH:
        raise InputError(option=option, value=value, expected=f"a name of 1 to {_MAXIMUM_LENGTH} bytes")
    return text


def _library(value: str | None, option: str) -> str | None:
    if value is None:
        return None
    names = loaded_libraries(value)
    if len(names) != 1:
        raise InputError(option=option, value=value, expected="the name of one library, as in pgaudit")
    return next(iter(names))


def _role(value: str | None, option: str) -> str | None:
    if value is None:
        return None
    name = _name(value, option)
    if name.startswith("pg_") or name in ("none", "public"):
        raise InputError(option=option, value=value, expected="a name that the server does not keep for itself")
    return name


def _parameters(given: t.Mapping[str, t.Any], option: str) -> t.Iterator[tuple[str, dict[int, str]]]:
    for name, value in given.items():
        path = f"{option}.{name}"
        if not isinstance(name, str) or not _PARAMETER.fullmatch(name):
            raise InputError(option=path, value=name, expected="a parameter of the extension, as in pgaudit.log")
        if value is not None:
            yield name, _by_major(value, path)


def _by_major(value: t.Any, path: str) -> dict[int, str]:
    """The text of the value; of a dictionary, each with the first major version that has it."""
    if not isinstance(value, dict):
        return {0: _text(value)}
    if not value or not all(_MAJOR.fullmatch(str(first)) for first in value):
        raise InputError(option=path, value=value, expected="major versions are the keys, as in 13 and 17")
    return {int(first): _text(each) for first, each in value.items()}


def _text(value: t.Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_text, value))
    return str(value)
