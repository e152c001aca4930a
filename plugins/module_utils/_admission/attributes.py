# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What roles and databases say to a client, whatever pg_hba.conf does; private to the collection."""

from __future__ import annotations

import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._admission.answer import Answer
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.answer import first_no
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.answer import refused
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.answer import unknown
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.client import Client
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.world import PUBLIC
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.world import Database
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.world import Role
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.world import Side
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.world import closure

__all__ = ["answer", "member_of"]

_RESERVED = "pg_use_reserved_connections"  # from 16 on
_DATABASE_OWNER = "pg_database_owner"  # from 14 on; its one member is the owner of the database at hand


def member_of(side: Side, client: Client) -> frozenset[str]:
    """What the client's role is a member of as pg_hba.conf sees it, itself included; nothing for one that is not there."""
    user = client.attempt.user
    if side.roles is None:
        return client.attempt.member_of
    if user not in side.roles:
        return frozenset()
    return closure(user, side.memberships)


def answer(side: Side, client: Client) -> Answer:
    """The role, and unless the client comes for physical replication the database, in the server's order."""
    return first_no(_answers(side, client))


def _answers(side: Side, client: Client) -> t.Iterator[Answer]:
    user, superuser = client.attempt.user, None
    if side.roles is None:
        yield unknown(f"the attributes of role {user} are not known", f"role {user}")
    elif user not in side.roles:
        yield refused(f"there is no role {user}", f"role {user}")
        return
    else:
        role = side.roles[user]
        superuser = role.superuser
        yield from _role_answers(side, client, role)
    yield from _place_answers(side, client, superuser)
    if not client.attempt.replication:
        yield from _database_answers(side, client, superuser)


def _role_answers(side: Side, client: Client, role: Role) -> t.Iterator[Answer]:
    where = f"role {role.name}"
    if role.login is None:
        yield unknown("whether the role may log in is not known", where)
    elif not role.login:
        yield refused("the role may not log in", f"{where}: NOLOGIN")
    count = None if side.sessions is None else side.sessions.by_role.get(role.name, 0)
    yield from _limit_answers(client, role.superuser, role.connection_limit, count, where)
    if client.is_walsender and not role.superuser and not role.replication:
        if role.superuser is None or role.replication is None:
            yield unknown("whether the role may replicate is not known", where)
        else:
            yield refused("the role may not replicate", f"{where}: NOREPLICATION")


def _database_answers(side: Side, client: Client, superuser: bool | None) -> t.Iterator[Answer]:
    name = client.attempt.database
    where = f"database {name}"
    if side.databases is None:
        yield unknown(f"who may connect to database {name} is not known", where)
        return
    if name not in side.databases:
        yield refused(f"there is no database {name}", where)
        return
    database = side.databases[name]
    if database.is_invalid:
        yield refused("its removal was interrupted, nobody may connect to it", f"{where}: invalid")
    if not database.allows_connections:
        yield refused("the database takes no connections", f"{where}: ALLOW_CONNECTIONS false")
    if not superuser and not _may_connect(side, client, database):
        if superuser is None:
            yield unknown("CONNECT is not granted, and whether the role is superuser is not known", where)
        else:
            yield refused(f"CONNECT is not granted to {client.attempt.user}", f"{where}: CONNECT not granted")
    count = None if side.sessions is None else side.sessions.by_database.get(name, 0)
    yield from _limit_answers(client, superuser, database.connection_limit, count, where)


def _limit_answers(
    client: Client, superuser: bool | None, limit: int | None, count: int | None, where: str
) -> t.Iterator[Answer]:
    """A limit counts for everybody but superusers; the client's own session does not stand in its way."""
    if superuser or (limit is not None and limit < 0):
        return
    if limit is None:
        yield unknown("its connection limit is not known", where)
        return
    others = max(0, (count or 0) - client.seated)
    if others < limit:
        return
    shown = f"{where}: CONNECTION LIMIT {limit}"
    if client.seated and limit:
        yield unknown(f"it has one of {others + 1} sessions, of which {limit} would get in again", shown)
        return
    if superuser is None:
        yield unknown("whether the role is superuser, for whom no limit counts, is not known", shown)
    elif client.is_walsender:
        yield unknown("whether a connection limit counts for replication depends on the minor version", shown)
    else:
        yield refused("no session is left" if not limit else f"{others} other sessions reach the limit", shown)


def _place_answers(side: Side, client: Client, superuser: bool | None) -> t.Iterator[Answer]:
    """The server has a number of places; a client's own session does not stand in its way."""
    limit, where = _places(side, client, superuser)
    if limit == 0 and client.is_walsender:
        yield refused("the server takes no replication connections", where)
    if not limit or side.sessions is None:
        return
    count = side.sessions.walsenders if client.is_walsender else side.sessions.clients
    others = max(0, count - client.seated)
    if others < limit:
        return
    if client.seated:
        yield unknown(f"it has one of {others + 1} places, of which {limit} would be left", where)
    else:
        yield refused(f"other sessions have all its places, {others} of {limit}", where)


def _places(side: Side, client: Client, superuser: bool | None) -> tuple[int | None, str]:
    """How many sessions a client of this kind may be one of, and what says so; walsenders have places of their own."""
    parameters = side.parameters
    if client.is_walsender:
        return parameters.max_wal_senders, f"parameter max_wal_senders: {parameters.max_wal_senders}"
    limit = parameters.max_connections
    if limit is None:
        return None, ""
    where = f"parameter max_connections: {limit}"
    kept = 0
    if not superuser:
        inherited = frozenset() if side.roles is None else closure(client.attempt.user, side.inherited)
        kept = parameters.superuser_reserved + (0 if _RESERVED in inherited else parameters.reserved)
    return max(0, limit - kept), f"{where}, of which {kept} are reserved" if kept else where


def _may_connect(side: Side, client: Client, database: Database) -> bool:
    """Whether the role has CONNECT: itself, as PUBLIC, or through roles whose privileges it inherits."""
    if PUBLIC in database.connect:
        return True
    inherited = closure(client.attempt.user, side.inherited)
    if database.owner in inherited:
        inherited |= {_DATABASE_OWNER}
    return bool(inherited & database.connect)
