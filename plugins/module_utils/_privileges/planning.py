# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What differs, object by object: pure; private to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.desired import Desired
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.desired import Entry
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.desired import Names
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.desired import Ownership
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.diffing import Change
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.diffing import Difference
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.diffing import Item
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.diffing import OfTable
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.diffing import Wish
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.diffing import difference
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.diffing import parting
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.diffing import with_owner
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.kinds import DEFAULT
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.kinds import KINDS
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.kinds import PUBLIC
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.matching import Matching
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.matching import Seen
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.matching import in_schema
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.state import Catalogue
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.state import State
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.state import Thing
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.state import concerns
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.wishes import Wishes

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.statements import DefaultTarget
    from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.statements import ObjectTarget
    from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.statements import Target

__all__ = ["Found", "find"]

_BOOTSTRAP = 10  # the owner of parameters


class Found(t.NamedTuple):
    """One object that is not as desired."""

    database: str  # where the statements run; empty: the one of the run
    target: Target
    items: tuple[Item, ...]  # its ACL, as it is once the owner has changed
    difference: Difference
    entries: tuple[Entry, ...]  # those that are about it
    new_owner: int | None = None
    parting: tuple[tuple[ObjectTarget, Change], ...] = ()  # what restores the ACL after the owner has changed back


@dataclasses.dataclass(frozen=True)
class _Table:
    """What the columns of a table need of it."""

    entries: tuple[Entry, ...]
    items: tuple[Item, ...]
    owner: int
    difference: Difference
    by_name: bool  # whether an exact entry names it


def find(desired: Desired, state: State) -> list[Found]:
    """Everything that differs. Raises InputError for entries that contradict each other or name what is not there."""
    return _Finding(desired, state).all()


class _Finding:
    def __init__(self, desired: Desired, state: State) -> None:
        self._desired = desired
        self._state = state
        self._wishes = Wishes(desired, state)
        self._seen = Seen()
        self._tables: dict[tuple[str, int], _Table] = {}
        self._known: dict[tuple[t.Any, ...], Difference] = {}
        self._closed: dict[int, tuple[tuple[Entry, ...], Names]] = {}
        self._partings: dict[tuple[str, str, int], list[tuple[ObjectTarget, Change]]] = {}
        self._owners = {entry.option: self._owner(entry) for entry in desired.owners}

    def all(self) -> list[Found]:
        found: list[Found] = []
        for catalogue in self._state.catalogues:
            found += self._in_catalogue(catalogue)
        self._seen.check(self._desired.scopes, self._state)
        for database in self._state.defaults:
            found += self._defaults(database)
        return [self._parted(each) for each in found]

    def _parted(self, found: Found) -> Found:
        if found.new_owner is None:
            return found
        target = t.cast("ObjectTarget", found.target)
        key = (found.database, target.kind, target.thing.oid)
        return found._replace(parting=tuple(self._partings.get(key, ())))

    def _remember(self, thing: Thing, catalogue: Catalogue, owner: int) -> None:
        """How to restore the ACL of what changes hands; that of columns and sequences together with their table's."""
        # Here and below: most runs have nothing to send.
        from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.statements import ObjectTarget

        kind, oid = catalogue.kind, thing.oid
        if kind == "column" or (kind == "sequence" and thing.more is not None):
            kind, oid = "table", thing.oid if kind == "column" else thing.more
        items = list(catalogue.acls.get(thing.acl, ()))
        if owner in self._state.superusers:  # it would grant as the owner
            items = [item._replace(grantor=thing.owner) if item.grantor == owner else item for item in items]
        target = ObjectTarget(catalogue.kind, thing, thing.owner)
        changes = [(target, change) for change in parting(items, thing.owner, owner)]
        self._partings.setdefault((self._place(catalogue, thing), kind, oid), []).extend(changes)

    def _owner(self, entry: Ownership) -> int:
        if entry.owner not in self._state.roles:
            raise InputError(option=f"{entry.option}.owner", value=entry.owner, expected="a role of this cluster")
        return self._state.roles[entry.owner]

    def _in_catalogue(self, catalogue: Catalogue) -> t.Iterator[Found]:
        grants = Matching(self._desired.grants, catalogue, self._state, self._seen)
        owners = Matching(self._desired.owners, catalogue, self._state, self._seen)
        if catalogue.kind == "parameter":
            catalogue = self._with_unwritten(catalogue)
        for thing in catalogue.things:
            entries = grants.of(thing)
            self._refuse_untrusted(thing, catalogue.kind, entries, grants)
            owner = self._new_owner(thing, catalogue, owners)
            if not entries and owner == thing.owner and catalogue.kind not in ("table", "column"):
                continue
            if owner != thing.owner:
                self._remember(thing, catalogue, owner)
            by_name = not entries or grants.names_it(self._closing(entries, grants), thing)
            found = self._about(thing, catalogue, entries, owner, by_name)
            if found is not None:
                yield found

    def _closing(self, entries: tuple[Entry, ...], grants: Matching[Entry]) -> Names:
        """What the exact ones among these name."""
        found = self._closed.get(id(entries))
        if found is None or found[0] is not entries:
            names = [grants.chosen(entry).literal for entry in entries if entry.state == "exact"]
            found = self._closed[id(entries)] = (entries, Names(frozenset().union(*names)))
        return found[1]

    def _about(
        self, thing: Thing, catalogue: Catalogue, entries: tuple[Entry, ...], owner: int, by_name: bool
    ) -> Found | None:
        """The difference; None where there is none."""
        kind = catalogue.kind
        items = catalogue.acls.get(thing.acl, ())
        if owner != thing.owner:
            items = with_owner(items, thing.owner, owner)
        if kind == "column":
            changes = self._of_column(thing, catalogue, entries, owner, items, by_name)
        elif _untouchable(thing, kind):
            changes = _NOTHING
        elif kind == "schema" and thing.more:
            wish = _keeping(self._wishes.of(entries, kind, by_name=by_name), entries, thing, items)
            changes = difference(items, owner, wish)
        else:
            wish = self._wishes.of(entries, kind, by_name=by_name)
            initial = catalogue.acls.get(thing.initial or "", ()) if wish.spares_initial else ()
            key = (thing.acl, thing.owner, owner, id(wish), thing.initial if wish.spares_initial else None)
            if key not in self._known:
                self._known[key] = difference(items, owner, wish, initial=initial)
            changes = self._known[key]
        if kind == "table":
            self._tables[catalogue.database, thing.oid] = _Table(entries, items, owner, changes, by_name)
        follows = kind == "column" or (kind == "sequence" and thing.more is not None)
        moved = None if follows or owner == thing.owner else owner
        if moved is None and changes == _NOTHING:
            return None
        from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.statements import ObjectTarget

        target = ObjectTarget(kind, thing, owner)
        return Found(self._place(catalogue, thing), target, items, changes, entries, moved)

    def _of_column(
        self,
        thing: Thing,
        catalogue: Catalogue,
        entries: tuple[Entry, ...],
        owner: int,
        items: tuple[Item, ...],
        by_name: bool,
    ) -> Difference:
        table = self._tables.get((catalogue.database, thing.oid))
        if not entries and not items:
            return _NOTHING
        wish = self._wishes.of(
            entries,
            "column",
            by_name=by_name,
            tables=table.entries if table else (),
            tables_by_name=table is None or table.by_name,
        )
        initial = catalogue.acls.get(thing.initial or "", ())
        return difference(items, owner, wish, initial=initial, table=_of_table(table))

    def _new_owner(self, thing: Thing, catalogue: Catalogue, owners: Matching[Ownership]) -> int:
        """Who owns an object afterwards."""
        if catalogue.kind in ("column", "sequence"):
            table = self._tables.get((catalogue.database, thing.oid if catalogue.kind == "column" else thing.more or 0))
            followed = table.owner if table else thing.owner
            if catalogue.kind == "column":
                return followed
            if thing.more is not None:
                self._refuse_follower(thing, followed, owners)
                return followed
        entries = owners.of(thing)
        if thing.initial is not None:  # an extension's: not by a pattern
            entries = tuple(entry for entry in entries if owners.names_it(owners.chosen(entry), thing))
        wanted = {self._owners[entry.option]: entry for entry in entries}
        if len(wanted) > 1:
            first, second = list(wanted.values())[:2]
            raise InputError(
                option=f"{second.option}.owner",
                value=second.owner,
                expected=f"{first.option} gives the same {second.kind} {thing.name} to {first.owner}",
            )
        return next(iter(wanted), thing.owner)

    def _refuse_follower(self, thing: Thing, owner: int, owners: Matching[Ownership]) -> None:
        """A sequence of a column belongs to the owner of the table."""
        for entry in owners.of(thing):
            if owners.names_it(entry.objects, thing) and self._owners[entry.option] != owner:
                raise InputError(
                    option=f"{entry.option}.objects",
                    value=thing.name,
                    expected="this sequence belongs to a column and goes with the owner of the table: name the table",
                )

    def _with_unwritten(self, catalogue: Catalogue) -> Catalogue:
        """With the parameters that entries mean and nobody has a privilege on yet but their owner."""
        chosen = [entry.objects for entry in self._desired.grants if entry.kind == "parameter"]
        known = {name for name in self._state.parameters if any(names.matches(name) for names in chosen)}
        custom = {name for names in chosen for name in names.literal if "." in name}
        unwritten = sorted((known | custom) - {thing.name for thing in catalogue.things})
        own = tuple(Item(_BOOTSTRAP, _BOOTSTRAP, privilege, False) for privilege in KINDS["parameter"].privileges)
        things = (*catalogue.things, *(Thing(None, name, _BOOTSTRAP, 0, "") for name in unwritten))
        return dataclasses.replace(catalogue, things=things, acls={**catalogue.acls, "": own})

    def _refuse_untrusted(self, thing: Thing, kind: str, entries: tuple[Entry, ...], grants: Matching[Entry]) -> None:
        if entries and _untouchable(thing, kind) and any(grants.names_it(e.objects, thing) for e in entries):
            raise InputError(
                option=f"{entries[0].option}.objects",
                value=thing.name,
                expected="only superusers can use an untrusted language, and the server takes no GRANT or REVOKE on it",
            )

    def _place(self, catalogue: Catalogue, thing: Thing) -> str:
        """The statements about a database run in it, so that it is whole before or whole after."""
        if catalogue.kind == "database" and thing.name in self._state.schemas:
            return thing.name
        return catalogue.database

    def _defaults(self, database: str) -> t.Iterator[Found]:
        from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.statements import DefaultTarget

        targets: dict[tuple[str, str, str], list[Entry]] = {}
        for entry in self._desired.grants:
            if entry.kind == DEFAULT and concerns(entry, database, True):
                for chosen in self._targets(entry, database):
                    targets.setdefault(chosen, []).append(entry)
        everywhere: dict[tuple[str, str], Found] = {}  # sorted, they come before those of schemas
        for (name, schema, kind), entries in sorted(targets.items()):
            default = DefaultTarget(kind, self._state.roles[name], name, schema)
            found = self._of_default(database, default, entries, everywhere.get((name, kind)))
            if not schema:
                everywhere[name, kind] = found
            if found.difference != _NOTHING:
                yield found

    def _targets(self, entry: Entry, database: str) -> t.Iterator[tuple[str, str, str]]:
        for name in sorted(entry.for_roles.literal):
            if name not in self._state.roles:
                raise InputError(option=f"{entry.option}.for_roles", value=name, expected="a role of this cluster")
        schemas = [""]
        if not entry.is_global:
            schemas = [name for name in self._state.schemas[database] if in_schema(entry.schemas, name)]
        for name in self._state.roles:
            if entry.for_roles.means_role(name):
                for schema in schemas:
                    for kind in entry.future:
                        yield name, schema, kind

    def _of_default(
        self, database: str, target: DefaultTarget, entries: t.Sequence[Entry], everywhere: Found | None
    ) -> Found:
        defaults = self._state.defaults[database]
        items = defaults.items(target.owner, target.schema, target.kind)
        wish = self._wishes.of(tuple(entries), target.kind)
        if target.schema:
            general = defaults.items(target.owner, "", target.kind)
            after = (everywhere.difference if everywhere else _NOTHING).applied(general)
            self._refuse_taking_global(wish, after, target, entries)
        changes = difference(items, target.owner, wish)
        return Found(database, target, items, changes, tuple(entries))

    def _refuse_taking_global(
        self,
        wish: Wish,
        general: t.Mapping[tuple[int, int, str], bool],
        target: DefaultTarget,
        entries: t.Sequence[Entry],
    ) -> None:
        """Default privileges of a schema only add to those of all schemas, as these are after the run."""
        for (_grantor, grantee, privilege), grantable in general.items():
            key = (grantee, privilege)
            taken = key in wish.taken or (grantable and key in wish.options_taken)
            if taken and grantee != target.owner:
                option = next(entry.option for entry in entries if entry.state == "absent")
                raise InputError(
                    option=f"{option}.schemas",
                    value=target.schema,
                    expected=f"{privilege} on future {target.kind}s comes from the default privileges of role"
                    f" {target.owner_name} for all schemas, and those of a schema can only add to them: leave out schemas",
                )


_NOTHING = Difference()


def _keeping(wish: Wish, entries: t.Iterable[Entry], thing: Thing, items: t.Iterable[Item]) -> Wish:
    """The wish, and for those who own something in the schema what they have through PUBLIC alone and PUBLIC loses."""
    if wish.closed or not thing.more or not any(entry.keep_current_owners for entry in entries):
        return wish
    lost = {item.privilege for item in items if item.grantee == PUBLIC and (PUBLIC, item.privilege) in wish.taken}
    kept = {(owner, privilege): False for owner in thing.more for privilege in lost}
    wanted = {key: option for key, option in kept.items() if key not in wish.taken}
    return dataclasses.replace(wish, given={**wanted, **wish.given})


def _untouchable(thing: Thing, kind: str) -> bool:
    return kind == "language" and not thing.more


def _of_table(table: _Table | None) -> OfTable:
    if table is None:
        return OfTable()
    after = table.difference.applied(table.items)
    return OfTable(
        hold=frozenset((i.grantee, i.privilege) for i in table.items if i.grantable),
        keep=frozenset((grantee, privilege) for (_by, grantee, privilege), grantable in after.items() if grantable),
        revoked=table.difference.revoked(),
    )
