# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is wanted of the parameters, and what a server makes of it; private to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import LeftAlone
from ansible_collections.rampart.postgresql.plugins.module_utils._settings import preload
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.lists import PRELOADS
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.names import NOT_IN_FILE
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.names import Catalogue
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.names import is_custom
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.values import Parameter
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.values import Value
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.values import may_hold_secret
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.values import normalise

__all__ = [
    "ALTER_SYSTEM",
    "COMPONENT",
    "DROP_IN",
    "PARAMETERS",
    "PRELOAD",
    "REMOVE",
    "ByMajor",
    "Desired",
    "Resolver",
    "Wanted",
    "Wish",
    "shown_value",
]

COMPONENT: t.Final = "settings"
PARAMETERS: t.Final = "parameters"
"""The section that the option of that name is kept in."""
PRELOAD: t.Final = "preload"
"""The section that the merged libraries are kept in."""


DROP_IN: t.Final = "drop_in"
"""The store that is a file of ours."""
ALTER_SYSTEM: t.Final = "alter_system"
"""The store that the server keeps in postgresql.auto.conf."""
REMOVE: t.Final = "remove"
"""What to do about a stronger place: take the value out of it."""


@dataclasses.dataclass(frozen=True)
class ByMajor:
    """A value that depends on the server's major version."""

    values: tuple[tuple[int, object], ...]  # the first major that has the value

    def at(self, major: int) -> object:
        """The value for this major version; None where it is older than all that are named."""
        return next(
            (value for first, value in sorted(self.values, reverse=True, key=lambda each: each[0]) if first <= major),
            None,
        )


@dataclasses.dataclass(frozen=True)
class Wish:
    """One value as the operator gave it; ``option`` is where."""

    option: str
    section: str
    name: str
    value: object
    store: str = DROP_IN


@dataclasses.dataclass(frozen=True)
class Desired:
    """The option values. A section of ``sections`` is exact even where it has no wish."""

    wishes: tuple[Wish, ...] = ()
    sections: tuple[str, ...] = ()
    preload: tuple[str, ...] | None = None
    preload_absent: tuple[str, ...] = ()
    optional: frozenset[str] = frozenset()  # lower case
    resets: tuple[str, ...] = ()
    overrides: str = "fail"
    store: str = DROP_IN
    file_name: str = "zz_rampart.conf"
    option: str = ""  # path of the option that holds all this, with a final dot

    @property
    def merges_libraries(self) -> bool:
        """Whether shared_preload_libraries is to be made of what all places name."""
        return self.preload is not None or bool(self.preload_absent)

    @property
    def looks_elsewhere(self) -> bool:
        """Whether other files than ours may have to change."""
        return bool(self.resets) or self.overrides == REMOVE or self.store == ALTER_SYSTEM

    @property
    def names_elsewhere(self) -> tuple[str, ...]:
        """Names that this is about although our file does not hold them."""
        stored = (wish.name for wish in self.wishes if wish.store == ALTER_SYSTEM)
        merged = (PRELOADS[0],) if self.merges_libraries and self.store == ALTER_SYSTEM else ()
        return (*self.resets, *stored, *merged)


@dataclasses.dataclass(frozen=True)
class Wanted:
    """A wish that the server knows, checked."""

    option: str
    section: str
    parameter: Parameter
    value: Value
    store: str = DROP_IN

    @property
    def key(self) -> str:
        """The name as names compare."""
        return self.parameter.name.lower()


@dataclasses.dataclass(frozen=True)
class Resolver:
    """Turns wishes into what this server knows.

    ``coming`` are libraries that it will load at its next start, ``extensions`` those whose library a session loads when
    it needs it.
    """

    catalogue: Catalogue
    optional: frozenset[str]
    coming: frozenset[str]
    extensions: frozenset[str] = frozenset()

    def resolve(self, wishes: t.Iterable[Wish]) -> tuple[list[Wanted], list[LeftAlone]]:
        """The wishes as values of parameters, and those that are left out because the server does not know them."""
        wanted: list[Wanted] = []
        left: list[LeftAlone] = []
        for wish in wishes:
            parameter = self._parameter(wish)
            if parameter is None:
                left.append(LeftAlone(COMPONENT, wish.name, "this server does not know the parameter"))
                continue
            wanted.append(Wanted(wish.option, wish.section, parameter, self._value(wish, parameter), wish.store))
        return wanted, left

    def _parameter(self, wish: Wish) -> Parameter | None:
        """The parameter meant; None for one that may be left out."""
        found = self.catalogue.find(wish.name)
        if found is not None and not found.placeholder:
            self._check_settable(wish, found)
            return found
        if is_custom(wish.name) and self._expects(wish.name.lower().partition(".")[0]):
            return found or Parameter(name=wish.name, vartype="string", placeholder=True)
        if wish.name.lower() in self.optional:
            return None
        raise InputError(option=wish.option, value=wish.name, expected=self._unknown(wish.name))

    def may_be_named(self, option: str, name: str) -> bool:
        """Whether the server knows the name or could; False for an unknown one that may be left out, else InputError."""
        found = self.catalogue.find(name)
        if found is not None:
            self._check_settable(Wish(option, "", name, name), found)
        if found is not None or is_custom(name):
            return True
        if name.lower() in self.optional:
            return False
        raise InputError(option=option, value=name, expected=self._unknown(name))

    def _expects(self, prefix: str) -> bool:
        """Whether a library that is yet to be loaded, or one that has defined nothing so far, may own the prefix."""
        if prefix in _prefixes(self.coming) or prefix in self.extensions:
            return True
        loaded = [library for name in PRELOADS for library in preload.libraries_of(self.catalogue.setting(name))]
        return prefix in _prefixes(loaded) and not self.catalogue.defines(prefix)

    def _unknown(self, name: str) -> str:
        nearest = self.catalogue.nearest(name)
        hint = f"; the nearest known name is {nearest}" if nearest else ""
        if "." in name:
            return f"no loaded or preloaded library owns a parameter of this name{hint}"
        return f"this server knows no such parameter{hint}"

    @staticmethod
    def _check_settable(wish: Wish, parameter: Parameter) -> None:
        if parameter.context == "internal":
            raise InputError(
                option=wish.option, value=wish.value, expected=f"nothing can, as the server only shows {parameter.name}"
            )
        if parameter.name in NOT_IN_FILE:
            raise InputError(
                option=wish.option, value=wish.value, expected=f"{parameter.name} has no place in a configuration file"
            )

    @staticmethod
    def _value(wish: Wish, parameter: Parameter) -> Value:
        try:
            value = normalise(parameter, wish.value)
        except ValueError as error:
            shown = shown_value(parameter, wish.value)
            raise InputError(
                option=wish.option, value=shown, expected=f"{parameter.name} takes {error}", parameter=parameter.name
            ) from None
        if wish.name.lower() == "ssl_groups" and parameter.name == "ssl_ecdh_curve" and ":" in value.text:
            raise InputError(option=wish.option, value=value.text, expected="this version takes one curve, no list")
        return value


def shown_value(parameter: Parameter, value: object) -> object:
    """The value for an error message, unless it may be a secret."""
    if may_hold_secret(parameter.name, parameter.vartype):
        return "********"
    return list(value) if isinstance(value, tuple) else value  # as it was given


def _prefixes(libraries: t.Iterable[str]) -> set[str]:
    return {prefix for library in libraries for prefix in preload.prefixes(library)}
