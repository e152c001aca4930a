# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules that an operator wants: typed, tokens as spelled; private to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._hba.comments import comment_lines

__all__ = ["Include", "Rule", "Written"]


@dataclasses.dataclass(frozen=True)
class Rule:
    """One rule of pg_hba.conf.

    Each element of ``databases`` and ``users``, and ``address``, is ONE token as PostgreSQL spells it: ``all``,
    ``+group``, ``/regex``; what would be taken as special is made a plain name by double quotes inside.
    """

    type: str
    databases: tuple[str, ...]
    users: tuple[str, ...]
    method: str
    address: str | None = None
    netmask: str | None = None
    options: tuple[tuple[str, str], ...] = ()
    comment: str | None = None

    @property
    def secrets(self) -> t.Iterator[str]:
        """Values that nobody may see."""
        return (value for name, value in self.options if name in ("ldapbindpasswd", "radiussecrets"))


@dataclasses.dataclass(frozen=True)
class Include:
    """Other files whose rules are tried in this place, from 16 on."""

    kind: str  # include, include_if_exists or include_dir
    target: str  # ONE token
    comment: str | None = None


class Written(t.NamedTuple):
    """A rule, or what else stands on a line of such a file, as text that means it."""

    line: str  # without its newline
    comment: str | None = None  # None: any will do

    @property
    def text(self) -> str:
        """Complete lines, the comment before the rule."""
        return f"{comment_lines(self.comment)}{self.line}\n"
