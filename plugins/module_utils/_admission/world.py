# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Everything that decides whether a client gets in, as it is at one moment; private to the collection."""

from __future__ import annotations

import dataclasses
import functools
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._admission.doors import Door
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.dialects import Dialect
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.ident.records import MapRecord
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.matching import Attempt
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.matching import Decision
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.matching import deciding
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.records import Record
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import ClientTrust

__all__ = ["NO_LIMIT", "PUBLIC", "Database", "Membership", "Parameters", "Role", "Sessions", "Side", "Verifier"]

Verifier = t.Literal["none", "md5", "scram-sha-256", "unknown"]
NO_LIMIT = -1
PUBLIC = ""  # among grantees; no role has an empty name
_INVALID = -2  # datconnlimit of a database whose removal was interrupted


class Membership(t.NamedTuple):
    """What a role was granted directly."""

    role: str
    inherits: bool = True  # privileges come with it: rolinherit of the member before 16, inherit_option from 16 on


@dataclasses.dataclass(frozen=True)
class Role:
    """One role. None, and the verifier ``unknown``, stand for what this run may not read."""

    name: str
    login: bool | None = True
    superuser: bool | None = False
    replication: bool | None = False
    connection_limit: int | None = NO_LIMIT
    valid_until: float | None = None  # seconds since the epoch; None is for ever
    verifier: Verifier = "unknown"
    member_of: tuple[Membership, ...] = ()
    password: t.Literal["", "kept", "renewed"] = ""  # what this run does to it, where it makes a new verifier


@dataclasses.dataclass(frozen=True)
class Database:
    """One database."""

    name: str
    owner: str = ""
    allows_connections: bool = True
    connection_limit: int = NO_LIMIT
    connect: frozenset[str] = frozenset((PUBLIC,))  # who was granted CONNECT, the owner only if the ACL says so

    @property
    def is_invalid(self) -> bool:
        """Whether only a half-done DROP DATABASE left it."""
        return self.connection_limit == _INVALID


@dataclasses.dataclass(frozen=True)
class Parameters:
    """Server parameters that can keep a client out."""

    ssl: bool = True
    ssl_ca: str | None = None  # what tells one ssl_ca_file (name and content) from another; None: not set, or empty
    ssl_crl: str | None = None  # the same of the lists of revoked certificates
    trust: ClientTrust | None = None  # what both hold; None is not known, or does not change
    max_wal_senders: int | None = None  # None is not known
    max_connections: int | None = None  # the same
    reserved: int = 0  # of these, for superusers and for members of pg_use_reserved_connections
    superuser_reserved: int = 0  # of these, for superusers
    door: Door | None = None  # None is not known, or does not change


@dataclasses.dataclass(frozen=True)
class Sessions:
    """How many sessions there are now, those of the clients in question included."""

    by_role: t.Mapping[str, int] = dataclasses.field(default_factory=dict)
    by_database: t.Mapping[str, int] = dataclasses.field(default_factory=dict)
    clients: int = 0  # this run's own not counted, as it ends
    walsenders: int = 0  # not counted among the clients


@dataclasses.dataclass(frozen=True)
class Side:
    """The world before a change, or after it."""

    dialect: Dialect
    rules: tuple[Record, ...]
    mappings: tuple[MapRecord, ...] | None = ()  # of pg_ident.conf; None is not known
    roles: t.Mapping[str, Role] | None = None  # all there are, by name; None is not known
    databases: t.Mapping[str, Database] | None = None  # all there are, by name; None is not known
    parameters: Parameters = dataclasses.field(default_factory=Parameters)
    now: float = 0.0  # seconds since the epoch, by the server's clock
    sessions: Sessions | None = None  # None: connection limits are taken as not reached, unless they are 0

    @functools.cached_property
    def memberships(self) -> dict[str, list[str]]:
        """What every role was granted directly, whether or not it inherits: what rules go by."""
        return {name: [grant.role for grant in role.member_of] for name, role in (self.roles or {}).items()}

    @functools.cached_property
    def inherited(self) -> dict[str, list[str]]:
        """What every role has the privileges of directly."""
        return {
            name: [grant.role for grant in role.member_of if grant.inherits]
            for name, role in (self.roles or {}).items()
        }

    def deciding(self, attempt: Attempt) -> Decision:
        """Which rules may decide about an attempt."""
        return deciding(self.rules, attempt, self.dialect)
