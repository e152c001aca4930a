# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Roles as the catalogue has them, and who uses or depends on their attributes; private to the collection."""

from __future__ import annotations

import dataclasses
import functools
import math
import re
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import ConnectionFailed
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.passwords.state import Passwords
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.passwords.state import observe as passwords_of
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.tools.reading import configured
from ansible_collections.rampart.postgresql.plugins.module_utils._server.sql import Identifier
from ansible_collections.rampart.postgresql.plugins.module_utils._server.sql import Literal
from ansible_collections.rampart.postgresql.plugins.module_utils._server.sql import compose

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.session import Session

__all__ = ["ATTRIBUTES", "BOOTSTRAP_OID", "Dependent", "Grant", "ParameterGrant", "Role", "State", "above", "observe"]

ATTRIBUTES = ("SUPERUSER", "CREATEDB", "CREATEROLE", "REPLICATION", "BYPASSRLS")
BOOTSTRAP_OID = 10  # BOOTSTRAP_SUPERUSERID; from 16 the server itself refuses to take SUPERUSER from it

_ROLES = """
SELECT oid::pg_catalog.int8 AS oid, rolname AS name, rolcanlogin AS login, rolconnlimit AS connection_limit,
       CASE WHEN pg_catalog.isfinite(rolvaliduntil) THEN extract(epoch FROM rolvaliduntil)::float8
            WHEN rolvaliduntil < 'infinity' THEN -1e300 END AS valid_until,
       rolsuper AS "SUPERUSER", rolcreatedb AS "CREATEDB", rolcreaterole AS "CREATEROLE",
       rolreplication AS "REPLICATION", rolbypassrls AS "BYPASSRLS"
FROM pg_catalog.pg_roles
ORDER BY pg_roles.oid"""

_MEMBERSHIPS = """
SELECT m.roleid::pg_catalog.int8 AS role, m.member::pg_catalog.int8 AS member, m.grantor::pg_catalog.int8 AS grantor,
       m.admin_option AS admin, (pg_catalog.to_jsonb(m) ->> 'inherit_option')::bool AS inherit,
       (pg_catalog.to_jsonb(m) ->> 'set_option')::bool AS set
FROM pg_catalog.pg_auth_members m
ORDER BY m.roleid, m.member, m.grantor"""

_HAS_PARAMETER_GRANTS = 15
_PARAMETER_GRANTS = """
SELECT p.parname AS parameter, a.grantee::pg_catalog.int8 AS grantee, a.grantor::pg_catalog.int8 AS grantor,
       a.privilege_type AS privilege, a.is_grantable AS grantable
FROM pg_catalog.pg_parameter_acl p, pg_catalog.aclexplode(p.paracl) a
WHERE a.grantee <> 10
ORDER BY p.parname, a.privilege_type, a.grantee, a.grantor"""

# Minor releases before August 2026 have no output_plugin_libraries, and PostgreSQL 13 never had it.
_SETTINGS = """
SELECT EXISTS (SELECT FROM pg_catalog.pg_hba_file_rules r WHERE r.auth_method = 'md5') AS md5_rules,
       pg_catalog.current_setting('wal_level') = 'logical'
       AND pg_catalog.current_setting('output_plugin_libraries', true) IS NULL AS any_plugin"""

_REPLICATING = """
SELECT usesysid::pg_catalog.int8 AS oid, 'it sends WAL to ' || pg_catalog.quote_ident(coalesce(application_name, '')) AS use
FROM pg_catalog.pg_stat_replication WHERE usesysid IS NOT NULL
UNION
SELECT a.usesysid::pg_catalog.int8, 'it uses slot ' || pg_catalog.quote_ident(s.slot_name)
FROM pg_catalog.pg_replication_slots s JOIN pg_catalog.pg_stat_activity a ON a.pid = s.active_pid
WHERE a.usesysid IS NOT NULL
ORDER BY 1, 2"""

_SUBSCRIPTIONS = """
SELECT s.subowner::pg_catalog.int8 AS owner, s.subname AS name, d.datname AS database
FROM pg_catalog.pg_subscription s JOIN pg_catalog.pg_database d ON d.oid = s.subdbid
ORDER BY d.datname, s.subname"""

# A mapping without a password: of its options, which hold secrets, only that.
_OWNED = """
SELECT e.evtowner::pg_catalog.int8 AS owner, 'event trigger' AS kind, e.evtname::pg_catalog.text AS name,
       pg_catalog.current_database() AS database
FROM pg_catalog.pg_event_trigger e
UNION ALL
SELECT p.proowner::pg_catalog.int8, 'SECURITY DEFINER function', p.proname::pg_catalog.text, pg_catalog.current_database()
FROM pg_catalog.pg_proc p
WHERE p.prosecdef AND p.proowner <> 10
UNION ALL
SELECT m.umuser::pg_catalog.int8, 'user mapping without a password', s.srvname::pg_catalog.text,
       pg_catalog.current_database()
FROM pg_catalog.pg_user_mapping m JOIN pg_catalog.pg_foreign_server s ON s.oid = m.umserver
WHERE NOT EXISTS (SELECT FROM pg_catalog.unnest(m.umoptions) o WHERE o LIKE 'password=%')
ORDER BY 2, 1, 3"""

# Of a connection string only the name: the rest may be a secret.
_CONFIGURED = r"""
SELECT found.name FROM (
  SELECT coalesce(
    (pg_catalog.regexp_match(s.setting, $re$^postgres(?:ql)?://([^:@/?]+)(?::[^@/]*)?@$re$))[1],
    (pg_catalog.regexp_match(s.setting, $re$(?:^|\s)user\s*=\s*((?:[^'\\\s]|\\.)+)$re$))[1],
    (pg_catalog.regexp_match(s.setting, $re$(?:^|\s)user\s*=\s*'((?:[^'\\]|\\.)*)'$re$))[1]) AS name
  FROM pg_catalog.pg_settings s WHERE s.name = 'primary_conninfo') AS found
WHERE found.name IS NOT NULL"""

APPLICATIONS = (
    "^(pgbackrest|barman|wal-g|pg_probackup|repmgr|patroni|postgres_exporter|pgwatch|pgmonitor|check_postgres|zabbix)"
)
"""How tools for backup, monitoring and high availability call themselves, as a regular expression."""

_RECOGNISED = """
SELECT DISTINCT a.usesysid::pg_catalog.int8 AS oid,
       'it is connected as ' || pg_catalog.quote_ident(a.application_name) AS use
FROM pg_catalog.pg_stat_activity a
WHERE a.usesysid IS NOT NULL AND a.backend_type = 'client backend' AND a.application_name ~* {names}
ORDER BY 1, 2"""

_DATABASES = """
SELECT datname AS name FROM pg_catalog.pg_database
WHERE datallowconn AND datname <> pg_catalog.current_database()
ORDER BY datname"""


@dataclasses.dataclass(frozen=True)
class Role:
    """One role; ``attributes`` in the order of ATTRIBUTES."""

    oid: int
    name: str
    attributes: tuple[str, ...]
    login: bool = True
    connection_limit: int = -1
    valid_until: float = math.inf  # seconds since the epoch; infinity is for ever

    @property
    def predefined(self) -> bool:
        """Whether PostgreSQL made it; the server refuses to create a role with such a name."""
        return self.name.startswith("pg_")

    @property
    def subject(self) -> str:
        """What messages call it."""
        return f"role {Identifier(self.name)}"

    def with_values(self, *, login: bool, connection_limit: int, valid_until: float) -> Role:
        """The same role with these in place of its own."""
        return Role(self.oid, self.name, self.attributes, login, connection_limit, valid_until)


@dataclasses.dataclass(frozen=True)
class Grant:
    """One membership as one grantor gave it. Until 15 there is one grantor, who may be gone, for each member."""

    role: int
    member: int
    grantor: int
    admin: bool = False
    inherit: bool | None = None  # from 16
    set: bool | None = None  # from 16

    @property
    def what(self) -> int:
        """The right that it is."""
        return self.role

    @property
    def holder(self) -> int:
        """Who has it."""
        return self.member

    @property
    def passes_on(self) -> bool:
        """Whether the member may grant it to others."""
        return self.admin


@dataclasses.dataclass(frozen=True)
class ParameterGrant:
    """One privilege on one parameter; the grantee 0 is PUBLIC."""

    parameter: str
    grantee: int
    grantor: int
    privilege: str  # SET or ALTER SYSTEM
    grantable: bool = False

    @property
    def what(self) -> tuple[str, str]:
        """The right that it is."""
        return self.parameter, self.privilege

    @property
    def holder(self) -> int:
        """Who has it."""
        return self.grantee

    @property
    def passes_on(self) -> bool:
        """Whether the grantee may grant it to others."""
        return self.grantable


@dataclasses.dataclass(frozen=True)
class Dependent:
    """Something that depends on its owner being superuser."""

    owner: int
    kind: str
    name: str
    database: str


@dataclasses.dataclass(frozen=True)
class State:
    """Everything that planning needs."""

    roles: tuple[Role, ...]
    login: str
    superuser: bool  # the login is one
    in_recovery: bool = False
    replicating: t.Mapping[int, tuple[str, ...]] = dataclasses.field(default_factory=dict)  # oid to uses
    recognised: t.Mapping[int, tuple[str, ...]] = dataclasses.field(default_factory=dict)  # oid to uses by tools
    unread: tuple[str, ...] = ()  # what could not be read or understood of the configuration of tools
    dependents: tuple[Dependent, ...] = ()
    unseen: tuple[str, ...] = ()  # databases where nobody could look for what depends on owners
    managers: tuple[str, ...] = ()
    grants: tuple[Grant, ...] = ()
    parameter_grants: tuple[ParameterGrant, ...] = ()
    md5_rules: bool = False  # whether pg_hba.conf has some, or nobody may look
    any_plugin: bool = False  # whether an output plugin may be any library, as far as the login may look
    passwords: Passwords | None = None  # None: nobody may look
    md5_came: bool = False  # with this run, so that only the next one draws conclusions
    version: int = 0  # as server_version_num gives it

    @property
    def md5_remains(self) -> bool:
        """Whether a verifier of a role that may log in is as good as its password, or nobody may look."""
        return self.md5_rules or self.passwords is None or any(kind == "md5" for _name, kind in self.passwords.kinds)

    @functools.cached_property
    def names(self) -> dict[int, str]:
        """The name of every role."""
        return {role.oid: role.name for role in self.roles}

    @functools.cached_property
    def belongs_to(self) -> dict[int, frozenset[str]]:
        """What every member of something is a member of, through others too."""
        return self.belongs_by(self.grants)

    def belongs_by(self, grants: t.Iterable[Grant]) -> dict[int, frozenset[str]]:
        """The same by some memberships only."""
        parents: dict[int, list[int]] = {}
        for grant in grants:
            parents.setdefault(grant.member, []).append(grant.role)
        return {oid: frozenset(self.names[role] for role in above(oid, parents)) for oid in parents}


def observe(
    server: Server, *, superusers_may_lose: t.Callable[[State], bool], passwords: t.Sequence[str] = ()
) -> State:
    """Read roles, and what depends on superusers only where one may be stripped: that takes a session per database."""
    session = server.session
    roles = tuple(_role(row) for row in session.rows(_ROLES))
    present = {role.oid for role in roles}
    grants = (Grant(**row) for row in session.rows(_MEMBERSHIPS))
    recognised, unread = _recognised(server, roles)
    state = State(
        roles=roles,
        login=session.login,
        superuser=session.is_superuser,
        in_recovery=server.in_recovery,
        replicating=_replicating(session, roles),
        recognised=recognised,
        unread=unread,
        managers=tuple(manager.name for manager in server.managers),
        # A role that was dropped while it was granted may have left a row that means nothing.
        grants=tuple(grant for grant in grants if grant.role in present and grant.member in present),
        parameter_grants=_parameter_grants(server),
        **(session.rows(_SETTINGS)[0] if session.is_superuser else {"md5_rules": True}),
        passwords=passwords_of(server, passwords),
        version=server.version,
    )
    if not session.is_superuser:
        return state
    subscriptions = tuple(Dependent(kind="subscription", **row) for row in session.rows(_SUBSCRIPTIONS))
    owned, unseen = _owned(server) if superusers_may_lose(state) else ([], [])
    return dataclasses.replace(state, dependents=(*subscriptions, *owned), unseen=tuple(unseen))


def above(oid: int, parents: t.Mapping[int, t.Sequence[int]]) -> set[int]:
    """What a role belongs to, through others too."""
    found: set[int] = set()
    waiting = list(parents.get(oid, ()))
    while waiting:
        role = waiting.pop()
        if role not in found:
            found.add(role)
            waiting += parents.get(role, ())
    return found


def _role(row: t.Mapping[str, t.Any]) -> Role:
    return Role(
        oid=row["oid"],
        name=row["name"],
        attributes=tuple(attribute for attribute in ATTRIBUTES if row[attribute]),
        login=row["login"],
        connection_limit=row["connection_limit"],
        valid_until=_seconds(row["valid_until"]),
    )


def _seconds(value: float | None) -> float:
    """A moment, as JSON has no infinity."""
    if value is None:
        return math.inf
    return value if value > -1e299 else -math.inf


def _parameter_grants(server: Server) -> tuple[ParameterGrant, ...]:
    rows = server.session.rows(_PARAMETER_GRANTS) if server.major >= _HAS_PARAMETER_GRANTS else ()
    return tuple(ParameterGrant(**row) for row in rows)


def _replicating(session: Session, roles: t.Iterable[Role]) -> dict[int, tuple[str, ...]]:
    uses = _uses(session.rows(_REPLICATING))
    configured = {_unescaped(row["name"]) for row in session.rows(_CONFIGURED)}
    for role in roles:
        if role.name in configured:
            uses[role.oid] = (*uses.get(role.oid, ()), "primary_conninfo names it")
    return uses


def _recognised(server: Server, roles: t.Iterable[Role]) -> tuple[dict[int, tuple[str, ...]], tuple[str, ...]]:
    """Whom tools work as: those connected now, and those that files of this host name."""
    uses = _uses(server.session.rows(compose(_RECOGNISED, names=Literal(APPLICATIONS))))
    if not server.has_files:
        return uses, ()
    found = configured(server.owner)
    for role in roles:
        if role.name in found.uses:
            uses[role.oid] = (*uses.get(role.oid, ()), *found.uses[role.name])
    return uses, found.problems


def _unescaped(name: str) -> str:
    """As a connection string or a URI spells it."""
    if "%" in name:
        from urllib.parse import unquote  # only here: few have one

        return unquote(name)
    return re.sub(r"\\(.)", r"\1", name)


def _uses(rows: t.Iterable[t.Mapping[str, t.Any]]) -> dict[int, tuple[str, ...]]:
    uses: dict[int, tuple[str, ...]] = {}
    for row in rows:
        uses[row["oid"]] = (*uses.get(row["oid"], ()), row["use"])
    return uses


def _owned(server: Server) -> tuple[list[Dependent], list[str]]:
    """What depends on its owner in every database that can be reached, and the names of the others."""
    found = server.session.rows(_OWNED)
    unseen = []
    for row in server.session.rows(_DATABASES):
        try:
            with server.session_for(row["name"]) as session:
                found += session.rows(_OWNED)
        except ConnectionFailed:
            unseen.append(row["name"])
    return [Dependent(**row) for row in found], unseen
