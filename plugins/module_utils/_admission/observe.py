# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is read from the server before it is told who would still get in; private to the collection."""

from __future__ import annotations

import collections
import dataclasses
import os
import pwd
import socket
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._admission import queries
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.client import Certificate
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.client import Client
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.texts import Texts
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.texts import texts_of
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.world import Database
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.world import Membership
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.world import Parameters
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.world import Role
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.world import Sessions
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.world import Side
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.dialects import dialect_of
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.matching import Attempt
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Effect
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import ParameterBecomes
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Plan
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import RoleLoses

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server

__all__ = ["ATTRIBUTES", "OWN", "PARAMETERS", "Session", "Slot", "State", "observe", "without_attributes"]

OWN = "this run's own connection"
PARAMETERS = ("ssl", "ssl_ca_file", "max_wal_senders")
"""Those that can keep a client out."""

ATTRIBUTES = {"LOGIN": "login", "SUPERUSER": "superuser", "REPLICATION": "replication"}
"""Attributes of a role without which it may be kept out, and the fields that hold them."""

_WALSENDER = "walsender"


@dataclasses.dataclass(frozen=True)
class Session:
    """One session of somebody else; its client has no label."""

    pid: int
    started: str  # as the server writes it, to the microsecond: a number of a process comes again
    client: Client
    application: str = ""
    walsender: bool = False


class Slot(t.NamedTuple):
    """A replication slot that nobody uses now; no database where the slot is physical."""

    name: str
    database: str | None


@dataclasses.dataclass(frozen=True)
class State:
    """Everything that judging needs."""

    before: Side
    after: Side
    own: Client
    sessions: tuple[Session, ...] = ()
    hidden: int = 0  # sessions of which the login may not see where they come from
    slots: tuple[Slot, ...] = ()
    certain: bool = True  # whether the server works with the rules of ``before``, as far as can be told


def observe(server: Server, plan: Plan) -> State:
    """Read the world as it is and as the plan makes it, and everybody who is in."""
    rows = server.session.rows
    facts = rows(queries.SERVER)[0]
    found = rows(queries.CLIENTS)
    texts = texts_of(server, plan, ssl=facts["ssl"])
    side = Side(
        dialect=dialect_of(server.major),
        rules=texts.rules,
        mappings=texts.mappings,
        roles=_roles(rows(queries.ROLES), rows(queries.VERIFIERS) if facts["reads_verifiers"] else []),
        databases={row["name"]: _database(row) for row in rows(queries.DATABASES)},
        parameters=Parameters(
            ssl=facts["ssl"], ssl_ca=texts.ssl_ca(facts["ssl_ca_file"]), max_wal_senders=facts["max_wal_senders"]
        ),
        now=facts["now"],
        sessions=_counted(server, found),
    )
    asks = side.parameters.ssl_ca is not None
    return State(
        before=side,
        after=_after(side, texts, plan.effects()),
        own=_own(server, facts),
        sessions=tuple(_session(row, asks) for row in found if row["kind"] is not None),
        hidden=sum(1 for row in found if row["kind"] is None),
        slots=tuple(Slot(**row) for row in rows(queries.SLOTS)),
        certain=not facts["loaded"] < texts.modified <= facts["now"] and all(r.accepted for r in texts.rules),
    )


def without_attributes(roles: t.Mapping[str, Role], effects: t.Iterable[Effect]) -> dict[str, Role]:
    """The roles when they have lost what the effects take."""
    changed = dict(roles)
    for effect in effects:
        if isinstance(effect, RoleLoses) and effect.role in changed and effect.attribute in ATTRIBUTES:
            lost: dict[str, t.Any] = {ATTRIBUTES[effect.attribute]: False}
            changed[effect.role] = dataclasses.replace(changed[effect.role], **lost)
    return changed


def _after(side: Side, texts: Texts, effects: t.Sequence[Effect]) -> Side:
    values = {effect.name: effect.value for effect in effects if isinstance(effect, ParameterBecomes)}
    parameters = side.parameters
    ca_file = values.get("ssl_ca_file")
    ssl = values["ssl"] == "on" if "ssl" in values else parameters.ssl
    coming = texts.coming(ssl=ssl)
    return dataclasses.replace(
        side,
        rules=coming.rules,
        mappings=coming.mappings,
        roles=without_attributes(side.roles or {}, effects),
        parameters=Parameters(
            ssl=ssl,
            ssl_ca=parameters.ssl_ca if ca_file is None else coming.ssl_ca(ca_file),
            max_wal_senders=int(values.get("max_wal_senders", parameters.max_wal_senders or 0)),
        ),
    )


def _roles(found: t.Sequence[t.Mapping[str, t.Any]], verifiers: t.Sequence[t.Mapping[str, t.Any]]) -> dict[str, Role]:
    kinds = {row["name"]: row["verifier"] for row in verifiers}
    return {
        row["name"]: Role(
            **{
                **row,
                "member_of": tuple(Membership(**each) for each in row["member_of"] or ()),
                "verifier": kinds.get(row["name"], "unknown"),
            }
        )
        for row in found
    }


def _database(row: t.Mapping[str, t.Any]) -> Database:
    return Database(**{**row, "connect": frozenset(row["connect"] or ())})


def _counted(server: Server, found: t.Sequence[t.Mapping[str, t.Any]]) -> Sessions:
    users = collections.Counter([server.session.login, *(row["user"] for row in found)])
    databases = collections.Counter([server.session.database, *(row["database"] for row in found if row["database"])])
    return Sessions(by_role=users, by_database=databases)


def _session(row: t.Mapping[str, t.Any], asks: bool) -> Session:
    walsender = row["kind"] == _WALSENDER
    physical = walsender and row["database"] is None
    client = Client(
        attempt=Attempt(
            user=row["user"],
            database=row["database"] or "",
            address=_packed(row["address"]),
            tls=row["tls"],
            gss=row["gss"],
            replication=physical,
        ),
        connected=True,
        certificate=Certificate.of_client_dn(row["client_dn"]) if row["client_dn"] else None,
        may_have_certificate=row["tls"] and not asks,
        logical=walsender and not physical,
    )
    return Session(row["pid"], row["started"], client, row["application"], walsender)


def _own(server: Server, facts: t.Mapping[str, t.Any]) -> Client:
    session, options = server.session, server.options
    address = _packed(session.client_address)
    certificate = None
    if facts["client_dn"] or options.sslcert is not None:
        certificate = Certificate.of_client_dn(facts["client_dn"]) if facts["client_dn"] else Certificate(None)
    return Client(
        attempt=Attempt(
            user=session.login, database=session.database, address=address, tls=facts["tls"], gss=facts["gss"]
        ),
        label=OWN,
        connected=True,
        account=_account(server) if address is None else None,
        has_password=True if options.password is not None else None,  # libpq may find one on its own
        certificate=certificate,
    )


def _account(server: Server) -> str:
    """Who this process is when it connects."""
    if server.has_files and os.geteuid() == 0:
        return server.owner.name
    return pwd.getpwuid(os.geteuid()).pw_name


def _packed(address: str | None) -> bytes | None:
    if address is None:
        return None
    text = address.partition("/")[0]
    return socket.inet_pton(socket.AF_INET6 if ":" in text else socket.AF_INET, text)
