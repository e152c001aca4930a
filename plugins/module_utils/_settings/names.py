# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names of parameters: the live catalogue, renames between versions, the nearest known name; private to the collection."""

from __future__ import annotations

import dataclasses
import difflib
import re
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._settings.values import Parameter

__all__ = ["Catalogue", "NOT_BY_STATEMENT", "NOT_IN_FILE", "is_custom"]

# The same parameter under the name of an earlier and of a later major version.
_RENAMES = (
    ("ssl_ecdh_curve", "ssl_groups"),
    ("force_parallel_mode", "debug_parallel_query"),
)
_OTHER_NAME: t.Final = {**dict(_RENAMES), **{new: old for old, new in _RENAMES}}

NOT_IN_FILE: t.Final = frozenset(
    {"config_file", "transaction_deferrable", "transaction_isolation", "transaction_read_only"}
)
"""Known to pg_settings and not internal, but refused in a configuration file."""

NOT_BY_STATEMENT: t.Final = frozenset({"data_directory"})
"""Taken from a configuration file and refused by ALTER SYSTEM."""

# Letters, also digits, also the dollar sign: said by what they are not, which compiles much faster.
_CUSTOM = re.compile(r"[^\x00-@\[-^`{-\x7f][^\x00-#%-/:-@\[-^`{-\x7f]*\.[^\x00-@\[-^`{-\x7f][^\x00-/:-@\[-^`{-\x7f]*")


def is_custom(name: str) -> bool:
    """Whether the name has the two parts of a parameter of an extension."""
    return bool(_CUSTOM.fullmatch(name))


@dataclasses.dataclass(frozen=True)
class Catalogue:
    """Every row of pg_settings, by lower-case name."""

    parameters: t.Mapping[str, Parameter]

    @classmethod
    def of(cls, parameters: t.Iterable[Parameter]) -> Catalogue:
        """A catalogue of these parameters."""
        return cls({parameter.name.lower(): parameter for parameter in parameters})

    def find(self, name: str) -> Parameter | None:
        """The parameter of this name, or of the name that this server has for it; None for an unknown one."""
        wanted = name.lower()
        return self.parameters.get(wanted) or self.parameters.get(_OTHER_NAME.get(wanted, ""))

    def key(self, name: str) -> str:
        """What is equal for two names of one parameter."""
        found = self.find(name)
        return (found.name if found else name).lower()

    def setting(self, name: str) -> str:
        """The running value, empty for an unknown name."""
        parameter = self.find(name)
        return parameter.setting if parameter else ""

    def nearest(self, name: str) -> str | None:
        """The known name that looks most like it."""
        known = [key for key, parameter in self.parameters.items() if not parameter.placeholder]
        matches = difflib.get_close_matches(name.lower(), sorted(known), n=1)
        return self.parameters[matches[0]].name if matches else None

    def defines(self, prefix: str) -> bool:
        """Whether a loaded library has defined parameters with this prefix."""
        start = f"{prefix.lower()}."
        return any(key.startswith(start) and not found.placeholder for key, found in self.parameters.items())
