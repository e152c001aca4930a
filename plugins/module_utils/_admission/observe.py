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
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.surroundings import DOOR
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.surroundings import door
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.texts import FILES
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
from ansible_collections.rampart.postgresql.plugins.module_utils._host.connections import Ends
from ansible_collections.rampart.postgresql.plugins.module_utils._host.connections import local_ends
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import ClientTrust
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import ClientTrustBecomes
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import ConnectBecomes
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Effect
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import MembershipBecomes
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import ParameterBecomes
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Plan
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import RoleBecomes
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import RoleLoses
from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import Account
from ansible_collections.rampart.postgresql.plugins.module_utils._server.sql import Literals
from ansible_collections.rampart.postgresql.plugins.module_utils._server.sql import compose

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server

__all__ = [
    "ATTRIBUTES",
    "OWN",
    "PARAMETERS",
    "Session",
    "Slot",
    "State",
    "observe",
    "with_connect",
    "without_attributes",
]

OWN = "this run's own connection"
_AT_RESTART = frozenset(
    (
        *("max_wal_senders", "max_connections", "reserved_connections", "superuser_reserved_connections"),
        *("listen_addresses", "port", "unix_socket_directories", "unix_socket_group", "unix_socket_permissions"),
        *FILES,
    )
)
PARAMETERS = frozenset(("ssl", "ssl_ca_file", "ssl_crl_file", "ssl_crl_dir", *DOOR, *_AT_RESTART))
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
    reloaded: Side | None = None  # the world after the reload, where a restart changes it once more
    sessions: tuple[Session, ...] = ()
    hidden: int = 0  # sessions of which the login may not see where they come from
    slots: tuple[Slot, ...] = ()
    certain: bool = True  # whether the server works with the rules of ``before``, as far as can be told


def observe(server: Server, plan: Plan) -> State:
    """Read the world as it is and as the plan makes it, and everybody who is in."""
    rows = server.session.rows
    facts = rows(queries.SERVER)[0]
    found = rows(queries.CLIENTS)
    values = _values(server)
    becoming = {
        effect.name: effect.value
        for effect in plan.effects()
        if isinstance(effect, ParameterBecomes) and effect.name in PARAMETERS
    }
    texts = texts_of(server, plan, ssl=values["ssl"] == "on")
    through_another_door = not becoming.keys().isdisjoint(DOOR) and server.has_files
    trusted = _trusted(plan.effects())
    side = Side(
        dialect=dialect_of(server.major),
        rules=texts.rules,
        mappings=texts.mappings,
        roles=_roles(rows(queries.ROLES), rows(queries.VERIFIERS) if facts["reads_verifiers"] else []),
        databases={row["name"]: _database(row) for row in rows(queries.DATABASES)},
        parameters=_parameters(values, texts, server.owner if through_another_door else None, trusted.before),
        now=facts["now"],
        sessions=_counted(server, found),
    )
    asks = side.parameters.ssl_ca is not None
    ends = local_ends(server.cluster.pid, server.cluster.port) if "listen_addresses" in becoming else {}
    at_once = {name: value for name, value in becoming.items() if name not in _AT_RESTART}

    def with_values(new: t.Mapping[str, str]) -> Side:
        coming = texts.coming({**values, **new}) if plan.files() or new else texts
        return dataclasses.replace(
            side,
            rules=coming.rules,
            mappings=coming.mappings,
            roles=without_attributes(side.roles or {}, plan.effects()),
            databases=with_connect(side.databases or {}, plan.effects()),
            parameters=_parameters(
                {**values, **new}, coming, server.owner if through_another_door else None, trusted.after
            ),
        )

    return State(
        before=side,
        after=with_values(becoming),
        reloaded=None if at_once == becoming else with_values(at_once),
        own=_own(server, facts),
        sessions=tuple(_session(row, asks, ends) for row in found if row["kind"] is not None),
        hidden=sum(1 for row in found if row["kind"] is None),
        slots=tuple(Slot(**row) for row in rows(queries.SLOTS)),
        certain=(
            not facts["loaded"] < texts.modified <= facts["now"]
            and all(record.accepted for record in texts.rules)
            and not _is_denied(plan)
        ),
    )


class _Trusted(t.NamedTuple):
    before: ClientTrust | None = None
    after: ClientTrust | None = None


def _trusted(effects: t.Iterable[Effect]) -> _Trusted:
    """Whose certificates the server believes, where the plan says something about that."""
    found = [_Trusted(effect.before, effect.after) for effect in effects if isinstance(effect, ClientTrustBecomes)]
    return found[0] if found else _Trusted()


def _is_denied(plan: Plan) -> bool:
    """Whether a component has found out that the rules on disk are not in force."""
    return any(part.standing.get("in_force", {}).get("verdict") == "no" for part in plan.parts)


def without_attributes(roles: t.Mapping[str, Role], effects: t.Iterable[Effect]) -> dict[str, Role]:
    """The roles as the effects make them."""
    changed = dict(roles)
    for effect in effects:
        name, becoming = _becoming(changed, effect)
        if becoming:
            changed[name] = dataclasses.replace(changed[name], **becoming)
    return changed


def _becoming(roles: t.Mapping[str, Role], effect: Effect) -> tuple[str, dict[str, t.Any]]:
    """The role that an effect is about, and its fields that become others."""
    if isinstance(effect, RoleLoses) and effect.role in roles and effect.attribute in ATTRIBUTES:
        return effect.role, {ATTRIBUTES[effect.attribute]: False}
    if isinstance(effect, RoleBecomes) and effect.role in roles:
        return effect.role, {effect.field: effect.value}
    if isinstance(effect, MembershipBecomes) and effect.member in roles:
        others = (grant for grant in roles[effect.member].member_of if grant.role != effect.role)
        kept = () if effect.inherits is None else (Membership(effect.role, effect.inherits),)
        return effect.member, {"member_of": (*others, *kept)}
    return "", {}


def with_connect(databases: t.Mapping[str, Database], effects: t.Iterable[Effect]) -> dict[str, Database]:
    """The databases with the owners and the CONNECT that the effects leave them."""
    changed = dict(databases)
    for effect in effects:
        if isinstance(effect, ConnectBecomes) and effect.database in changed:
            changed[effect.database] = dataclasses.replace(
                changed[effect.database], owner=effect.owner, connect=effect.grantees
            )
    return changed


def _values(server: Server) -> dict[str, str]:
    """The parameters that the login may see; some are unknown to older versions."""
    query = compose(queries.PARAMETERS, names=Literals(tuple(sorted(PARAMETERS))))
    return {row["name"]: row["setting"] for row in server.session.rows(query)}


def _parameters(
    values: t.Mapping[str, str], texts: Texts, owner: Account | None, trust: ClientTrust | None
) -> Parameters:
    lists = [texts.told(values.get(name, "")) for name in ("ssl_crl_file", "ssl_crl_dir")]
    return Parameters(
        ssl=values["ssl"] == "on",
        ssl_ca=texts.told(values["ssl_ca_file"]),
        ssl_crl=" ".join(filter(None, lists)) or None,
        trust=trust,
        max_wal_senders=int(values["max_wal_senders"]),
        max_connections=int(values["max_connections"]),
        reserved=int(values.get("reserved_connections", 0)),
        superuser_reserved=int(values["superuser_reserved_connections"]),
        door=None if owner is None else door(values, owner),
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
    walsenders = sum(1 for row in found if row["kind"] == _WALSENDER)
    return Sessions(by_role=users, by_database=databases, clients=len(found) - walsenders, walsenders=walsenders)


def _session(row: t.Mapping[str, t.Any], asks: bool, ends: Ends) -> Session:
    walsender = row["kind"] == _WALSENDER
    physical = walsender and row["database"] is None
    address = _packed(row["address"])
    client = Client(
        attempt=Attempt(
            user=row["user"],
            database=row["database"] or "",
            address=address,
            tls=row["tls"],
            gss=row["gss"],
            replication=physical,
        ),
        server_address=None if address is None else ends.get((address, row["port"])),
        protocol=row["protocol"] or "",
        cipher=row["cipher"] or "",
        connected=True,
        certificate=_shown(row),
        may_have_certificate=row["tls"] and not asks,
        logical=walsender and not physical,
    )
    return Session(row["pid"], row["started"], client, row["application"], walsender)


def _shown(row: t.Mapping[str, t.Any]) -> Certificate | None:
    if not row["client_dn"]:
        return None
    serial = row["client_serial"]
    client_dn, issuer_dn = (
        bytes.fromhex(row[name] or "").decode(errors="surrogateescape") for name in ("client_dn", "issuer_dn")
    )
    return Certificate.of_client_dn(client_dn, issuer_dn, None if serial is None else int(serial))


def _own(server: Server, facts: t.Mapping[str, t.Any]) -> Client:
    session, options = server.session, server.options
    address = _packed(session.client_address)
    certificate = _shown(facts) or (None if options.sslcert is None else Certificate(None))
    return Client(
        attempt=Attempt(
            user=session.login, database=session.database, address=address, tls=facts["tls"], gss=facts["gss"]
        ),
        label=OWN,
        connected=True,
        account=_account(server) if address is None else None,
        socket_directory=options.socket_directory or options.host,
        follows=options.port is None and options.socket_directory is None and options.host is None,
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
