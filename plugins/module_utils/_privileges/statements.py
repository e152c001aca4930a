# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The text of every statement about privileges; private to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.diffing import Change
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.kinds import DEFAULT_KINDS
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.kinds import KINDS
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.kinds import PUBLIC
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.state import Thing
from ansible_collections.rampart.postgresql.plugins.module_utils._server.sql import DottedName
from ansible_collections.rampart.postgresql.plugins.module_utils._server.sql import Identifier
from ansible_collections.rampart.postgresql.plugins.module_utils._server.sql import Keyword
from ansible_collections.rampart.postgresql.plugins.module_utils._server.sql import Keywords
from ansible_collections.rampart.postgresql.plugins.module_utils._server.sql import Literal
from ansible_collections.rampart.postgresql.plugins.module_utils._server.sql import Literals
from ansible_collections.rampart.postgresql.plugins.module_utils._server.sql import Number
from ansible_collections.rampart.postgresql.plugins.module_utils._server.sql import OfColumn
from ansible_collections.rampart.postgresql.plugins.module_utils._server.sql import Part
from ansible_collections.rampart.postgresql.plugins.module_utils._server.sql import Qualified
from ansible_collections.rampart.postgresql.plugins.module_utils._server.sql import Routine
from ansible_collections.rampart.postgresql.plugins.module_utils._server.sql import compose

__all__ = ["DefaultTarget", "ObjectTarget", "Target", "role"]

Names = t.Mapping[int, str]  # oid to name of a role

# The grantor needs USAGE on the schema only to be understood: it is lent for the length of one statement.
_LENDING = """DECLARE
  place text;
  lent text[] := '{{}}';
BEGIN
  FOREACH place IN ARRAY ARRAY[{schemas}] LOOP
    IF NOT pg_catalog.has_schema_privilege({grantor_name}, place, 'USAGE') THEN
      EXECUTE pg_catalog.format('GRANT USAGE ON SCHEMA %I TO %I', place, {grantor_name});
      lent := lent OPERATOR(pg_catalog.||) place;
    END IF;
  END LOOP;
  SET LOCAL ROLE {grantor};
  <statement>;
  SET LOCAL ROLE NONE;
  FOREACH place IN ARRAY lent LOOP
    EXECUTE pg_catalog.format('REVOKE USAGE ON SCHEMA %I FROM %I', place, {grantor_name});
  END LOOP;
END"""
_AS_GRANTOR = "SET LOCAL ROLE {grantor}; <statement>; SET LOCAL ROLE NONE"


def role(oid: int, names: Names) -> Part:
    """A grantee."""
    return Keyword("PUBLIC") if oid == PUBLIC else Identifier(names.get(oid, str(oid)))


@dataclasses.dataclass(frozen=True)
class ObjectTarget:
    """An object whose ACL changes."""

    kind: str
    thing: Thing
    owner: int

    @property
    def subject(self) -> str:
        """For people."""
        name = str(self._name())
        if self.kind == "column":
            name += f".{Identifier(self.thing.more)}"
        return f"{self.kind.replace('_', ' ')} {name}"

    def statement(self, change: Change, names: Names) -> str:
        """What an operator would type."""
        if change.grantor == self.owner:
            return compose(self._template(change), **self._parts(change, names))
        return self._as_grantor(_AS_GRANTOR, change, names)

    def operation(self, change: Change, names: Names) -> str:
        """What is sent."""
        schemas = self._schemas()
        if change.grantor == self.owner or not schemas:
            return self.statement(change, names)
        grantor = Literal(names[change.grantor])
        body = self._as_grantor(_LENDING, change, names, schemas=Literals(schemas), grantor_name=grantor)
        return compose("DO {body}", body=Literal(body))

    def change_owner(self, owner: int, names: Names) -> str:
        """Another owner for the object."""
        parts = {"kind": Keyword(KINDS[self.kind].alter), "object": self._name(), "owner": role(owner, names)}
        return compose("ALTER {kind} {object} OWNER TO {owner}", **parts)

    def _as_grantor(self, frame: str, change: Change, names: Names, **more: Part) -> str:
        template = frame.replace("<statement>", self._template(change))
        return compose(template, grantor=Identifier(names[change.grantor]), **more, **self._parts(change, names))

    def _template(self, change: Change) -> str:
        if change.grant:
            return "GRANT {privileges} ON {kind} {object} TO {grantee}" + " WITH GRANT OPTION" * change.option
        return "REVOKE " + "GRANT OPTION FOR " * change.option + "{privileges} ON {kind} {object} FROM {grantee}"

    def _parts(self, change: Change, names: Names) -> dict[str, Part]:
        is_column = self.kind == "column"
        return {
            "privileges": OfColumn(change.privileges, self.thing.more) if is_column else Keywords(change.privileges),
            "kind": Keyword(KINDS[self.kind].keyword),
            "object": self._name(),
            "grantee": role(change.grantee, names),
        }

    def _name(self) -> Part:
        thing = self.thing
        if self.kind == "large_object":
            return Number(int(thing.name))
        if self.kind == "parameter":
            return DottedName(thing.name)
        if thing.schema is None:
            return Identifier(thing.name)
        name = Qualified(thing.schema, thing.name)
        if self.kind == "function":
            return Routine(name, tuple(Qualified(schema, kind) for schema, kind, _shown in thing.more or ()))
        return name

    def _schemas(self) -> tuple[str, ...]:
        """Those that the statement names."""
        if self.thing.schema is None:
            return ()
        types = self.thing.more or () if self.kind == "function" else ()
        return tuple(sorted({self.thing.schema, *(schema for schema, _kind, _shown in types)}))


@dataclasses.dataclass(frozen=True)
class DefaultTarget:
    """Default privileges for future objects of one owner and kind."""

    kind: str
    owner: int
    owner_name: str
    schema: str = ""  # empty: in every schema

    @property
    def subject(self) -> str:
        """For people."""
        where = f" in schema {Identifier(self.schema)}" if self.schema else ""
        return f"default privileges of role {Identifier(self.owner_name)} for {self.kind.replace('_', ' ')}s{where}"

    def statement(self, change: Change, names: Names) -> str:
        """What an operator would type."""
        head = "ALTER DEFAULT PRIVILEGES FOR ROLE {owner}" + " IN SCHEMA {schema}" * bool(self.schema)
        if change.grant:
            tail = "GRANT {privileges} ON {kind} TO {grantee}" + " WITH GRANT OPTION" * change.option
        else:
            tail = "REVOKE " + "GRANT OPTION FOR " * change.option + "{privileges} ON {kind} FROM {grantee}"
        return compose(
            f"{head} {tail}",
            owner=Identifier(self.owner_name),
            schema=Identifier(self.schema),
            privileges=Keywords(change.privileges),
            kind=Keyword(DEFAULT_KINDS[self.kind][1]),
            grantee=role(change.grantee, names),
        )

    def operation(self, change: Change, names: Names) -> str:
        """What is sent."""
        return self.statement(change, names)


Target = t.Union[ObjectTarget, DefaultTarget]
