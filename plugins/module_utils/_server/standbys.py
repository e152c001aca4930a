# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The order in which a primary and its standbys take a new limit; private to the collection.

A standby that has less of one of these than its primary cannot replay the primary's WAL.
"""

from __future__ import annotations

import os
import re
import subprocess
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import Unsupported
from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import child_process_options
from ansible_collections.rampart.postgresql.plugins.module_utils._server.pending import Waiting

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server

__all__ = ["check_order", "limits_in", "objections"]

# As parameters are called, and as pg_controldata calls them.
_LIMITS: t.Final = {
    "max_connections": "max_connections",
    "max_locks_per_transaction": "max_locks_per_xact",
    "max_prepared_transactions": "max_prepared_xacts",
    "max_wal_senders": "max_wal_senders",
    "max_worker_processes": "max_worker_processes",
}

# Neither a subscriber nor pg_receivewal replays; of a subscriber the slot tells.
_STANDBYS = """
SELECT r.application_name AS name, coalesce(pg_catalog.host(r.client_addr), 'this host') AS address
FROM pg_catalog.pg_stat_replication r
LEFT JOIN pg_catalog.pg_replication_slots s ON s.active_pid = r.pid
WHERE r.replay_lsn IS NOT NULL AND s.slot_type IS DISTINCT FROM 'logical'
ORDER BY r.application_name, address, r.pid"""

_UNUSED_SLOTS = """
SELECT s.slot_name::text AS name FROM pg_catalog.pg_replication_slots s
WHERE s.slot_type = 'physical' AND NOT s.active
ORDER BY s.slot_name"""


def check_order(server: Server, waiting: t.Sequence[Waiting]) -> tuple[str, ...]:
    """Raise Unsupported when a restart of this member has to wait for that of another one.

    Returns what must be told of standbys that may exist, but are not connected.
    """
    limits = [each for each in waiting if each.name in _LIMITS]
    if not limits:
        return ()
    if server.in_recovery:
        found = objections(limits, primary=_primary_limits(server), standbys=None)
    else:
        standbys = [f"{row['name']} on {row['address']}" for row in server.session.rows(_STANDBYS)]
        found = objections(limits, primary=None, standbys=standbys)
    if found:
        raise Unsupported(
            f"the server was not restarted, because of the order among primary and standbys: {'; '.join(found)}."
            " With standby_order=ignore it is restarted all the same"
        )
    slots = [] if server.in_recovery else [row["name"] for row in server.session.rows(_UNUSED_SLOTS)]
    raised = [f"{each.name} = {each.configured}" for each in limits if _number(each.configured) > _number(each.running)]
    if not slots or not raised:
        return ()
    return (
        f"a standby that comes back with the slot {' or '.join(slots)}, which nobody uses now, needs"
        f" {', '.join(raised)} too, before it replays what this server writes after its restart",
    )


def objections(
    waiting: t.Iterable[Waiting],
    *,
    primary: t.Mapping[str, int] | None,
    standbys: t.Sequence[str] | None,
) -> list[str]:
    """What speaks against a restart. ``standbys`` is None on a standby, which knows its primary's limits or does not."""
    found = []
    for each in waiting:
        running, configured = _number(each.running), _number(each.configured)
        if standbys is not None:
            if configured > running and standbys:
                found.append(
                    f"{each.name} is raised from {running} to {configured}, so the standbys come first:"
                    f" {', '.join(standbys)}"
                )
        elif primary is None:
            if configured < running:
                found.append(
                    f"{each.name} is lowered from {running} to {configured} on a standby, and pg_controldata, which"
                    " tells what the primary has, cannot be run here"
                )
        elif configured < primary[each.name]:
            found.append(
                f"{each.name} = {configured} is less than the {primary[each.name]} of the primary, which comes first"
            )
    return found


def limits_in(control_data: str) -> dict[str, int]:
    """The limits of the primary, as the WAL has brought them to this standby, from the output of pg_controldata."""
    found = dict(re.findall(r"^(\w+) setting: +(\d+)$", control_data, re.MULTILINE))
    return {name: int(found[label]) for name, label in _LIMITS.items() if label in found}


def _primary_limits(server: Server) -> dict[str, int] | None:
    program = os.path.join(server.cluster.bindir, "pg_controldata")
    if not os.access(program, os.X_OK):
        return None
    done = subprocess.run(  # pylint: disable=ansible-bad-function # run_command needs a module object
        [program, server.cluster.data_directory],
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
        env={**server.cluster.environment(server.owner), "LC_ALL": "C"},
        stdin=subprocess.DEVNULL,
        **child_process_options(server.owner),
    )
    limits = limits_in(done.stdout)
    return limits if len(limits) == len(_LIMITS) else None


def _number(text: str) -> int:
    """An integer as the server takes it: in base 8 or 16 too, or with an exponent."""
    digits = text.strip()
    if re.fullmatch("0[0-7]+", digits):
        return int(digits, 8)
    try:
        return int(digits, 0)
    except ValueError:
        return round(float(digits))
