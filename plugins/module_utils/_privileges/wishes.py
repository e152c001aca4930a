# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From entries to what an object's ACL should be: pure; private to the collection."""

from __future__ import annotations

import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.desired import Desired
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.desired import Entry
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.diffing import Wish
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.kinds import DEFAULT
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.kinds import DEFAULT_KINDS
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.kinds import KINDS
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.kinds import PUBLIC
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.kinds import SINCE
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.kinds import WITH_COLUMNS
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.state import State

__all__ = ["Wishes"]

_Key = tuple[int, str]  # grantee and privilege


class Wishes:
    """What entries want together; each combination of entries is worked out once."""

    def __init__(self, desired: Desired, state: State) -> None:
        self._state = state
        self._names = {oid: name for name, oid in state.roles.items()}
        self._roles = {entry.option: self._roles_of(entry) for entry in desired.grants}
        self._known: dict[tuple[t.Any, ...], Wish] = {}
        self._quick: dict[tuple[t.Any, ...], tuple[Wish, t.Any, t.Any]] = {}
        for entry in desired.grants:
            self._check(entry)

    def of(
        self,
        entries: tuple[Entry, ...],
        kind: str,
        *,
        by_name: bool = True,
        tables: tuple[Entry, ...] = (),
        tables_by_name: bool = True,
    ) -> Wish:
        """The wish; ``tables`` are entries about the table of a column, which those about the column override."""
        quick = (id(entries), id(tables), kind, by_name, tables_by_name)
        if quick not in self._quick:
            options = (tuple(e.option for e in entries), tuple(e.option for e in tables))
            key = (*options, kind, by_name, tables_by_name)
            if key not in self._known:
                wish = self._merged(entries, kind, by_name)
                self._known[key] = self._for_column(wish, tables, tables_by_name) if tables else wish
            self._quick[quick] = (self._known[key], entries, tables)  # kept, so that their numbers stay theirs
        return self._quick[quick][0]

    def privileges(self, entry: Entry, kind: str) -> tuple[str, ...]:
        """What an entry names, or all that this server has for the kind."""
        if entry.all_privileges:
            return tuple(p for p in KINDS[kind].privileges if SINCE.get(p, 0) <= self._state.major)
        return entry.privileges

    def _merged(self, entries: tuple[Entry, ...], kind: str, by_name: bool) -> Wish:
        given: dict[_Key, bool] = {}
        givers: dict[tuple[_Key, bool], Entry] = {}
        taken: dict[_Key, Entry] = {}
        options: dict[_Key, Entry] = {}
        for entry in entries:
            for role in self._roles[entry.option]:
                for privilege in self.privileges(entry, kind):
                    key = (role, privilege)
                    if entry.state == "absent":
                        (options if entry.grant_option else taken)[key] = entry
                    else:
                        given[key] = given.get(key, False) or entry.grant_option
                        givers[key, entry.grant_option] = entry
        self._refuse_conflicts(givers, taken, options)
        closed = any(entry.state == "exact" for entry in entries)
        return Wish(given, frozenset(taken), frozenset(options), closed, spares_initial=closed and not by_name)

    def _for_column(self, wish: Wish, tables: tuple[Entry, ...], tables_by_name: bool) -> Wish:
        """What is taken from a table is taken from its columns too, as REVOKE does, unless an entry gives it there."""
        table = self._merged(tables, "table", tables_by_name)
        closing = [each for each in (wish, table) if each.closed]
        return Wish(
            wish.given,
            wish.taken | {key for key in table.taken if key not in wish.given and key[1] in WITH_COLUMNS},
            wish.options_taken
            | {key for key in table.options_taken if not wish.given.get(key) and key[1] in WITH_COLUMNS},
            bool(closing),
            spares_initial=bool(closing) and all(each.spares_initial for each in closing),
        )

    def _refuse_conflicts(
        self,
        givers: t.Mapping[tuple[_Key, bool], Entry],
        taken: t.Mapping[_Key, Entry],
        options: t.Mapping[_Key, Entry],
    ) -> None:
        for ((role, privilege), option), giver in givers.items():
            taker = taken.get((role, privilege)) or (options.get((role, privilege)) if option else None)
            if taker is not None:
                name = "PUBLIC" if role == PUBLIC else self._names[role]
                what = f"{privilege} of {name}"
                raise InputError(
                    option=taker.option,
                    value=what,
                    expected=f"{giver.option} gives what this takes, on the same {taker.kind}",
                )

    def _roles_of(self, entry: Entry) -> tuple[int, ...]:
        for name in sorted(entry.roles.literal):
            if name not in self._state.roles:
                raise InputError(option=f"{entry.option}.roles", value=name, expected="a role of this cluster")
        if entry.roles.patterns or entry.roles.everything:
            found = [oid for name, oid in self._state.roles.items() if entry.roles.means_role(name)]
        else:
            found = [self._state.roles[name] for name in sorted(entry.roles.literal)]
        return (*([PUBLIC] if entry.public else ()), *found)

    def _check(self, entry: Entry) -> None:
        """Refuse what this version does not have."""
        major = self._state.major
        since = KINDS[entry.kind].since if entry.kind != DEFAULT else 0
        if since > major:
            raise InputError(
                option=f"{entry.option}.kind",
                value=entry.kind,
                expected=f"PostgreSQL {since} or newer; this is {major}",
            )
        for privilege in entry.privileges:
            if SINCE.get(privilege, 0) > major:
                raise InputError(
                    option=f"{entry.option}.privileges",
                    value=privilege,
                    expected=f"PostgreSQL {SINCE[privilege]} or newer; this is {major}",
                )
        for kind in entry.future:
            if DEFAULT_KINDS[kind][2] > major:
                raise InputError(
                    option=f"{entry.option}.future",
                    value=kind,
                    expected=f"PostgreSQL {DEFAULT_KINDS[kind][2]} or newer; this is {major}",
                )
