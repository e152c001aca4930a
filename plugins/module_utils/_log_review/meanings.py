# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What reports of a server's log mean for who reviews it; private to the collection."""

from __future__ import annotations

import csv
import re
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._log_review import refusals
from ansible_collections.rampart.postgresql.plugins.module_utils._log_review.records import WORSE
from ansible_collections.rampart.postgresql.plugins.module_utils._log_review.records import Record
from ansible_collections.rampart.postgresql.plugins.module_utils._log_review.records import Use
from ansible_collections.rampart.postgresql.plugins.module_utils._log_review.statements import Change
from ansible_collections.rampart.postgresql.plugins.module_utils._log_review.statements import changes_of
from ansible_collections.rampart.postgresql.plugins.module_utils._log_review.statements import may_change

__all__ = ["Setting", "asked_for", "incident", "is_said", "setting", "use"]

_AUDIT = "AUDIT: "
_LOGINS = ("connection authorized: ", "replication connection authorized: ")
_STATEMENT = re.compile(r"(?:duration: [\d.]+ ms  )?(?:statement: |execute [^\n]*?: )")
_INCIDENTS: t.Final = [
    (re.compile(pattern, re.DOTALL), kind)
    for pattern, kind in (
        (r"starting PostgreSQL .*", "start"),
        (r"database system is shut down", "stop"),
        (r"received (?:smart|fast|immediate) shutdown request", "stop_requested"),
        (r"database system was interrupted.*", "crash"),
        (r"all server processes terminated; reinitializing", "reinitialised"),
        (r".{1,80} \(PID \d+\)(?: was terminated by signal .*| exited with exit code .*)", "process_crash"),
        (r"received SIGHUP, reloading configuration files", "reload"),
        (r"configuration file .* contains errors.*", "reload_refused"),
        (r".* was not reloaded", "reload_refused"),
    )
]
_CHANGED = re.compile(r'parameter "(?P<name>[\w.]+)" changed to "(?P<value>.*)"', re.DOTALL)
_REMOVED = re.compile(r'parameter "(?P<name>[\w.]+)" removed from configuration file, reset to default')
_PENDING = re.compile(r'parameter "(?P<name>[\w.]+)" cannot be changed without restarting the server')
_TRANSITION = re.compile(r"(?:Superuser )?Role (?P<role>.+) transitioning to (?:Superuser )?Role (?P<to>.+)", re.DOTALL)

_STARTS = (
    *refusals.STARTS,
    *("connection authorized: ", "replication connection authorized: "),
    *(_AUDIT, "statement: ", "execute ", "duration: ", "parameter ", "received ", "starting PostgreSQL ", "database system "),
    *("all server processes ", "configuration file ", "Role ", "Superuser Role "),
    *("server process ", "client backend ", "background worker ", "autovacuum ", "walsender ", "pg_hba.conf ", "pg_ident.conf "),
)  # fmt: skip
_TAGS = frozenset(
    [
        *("ALTER SYSTEM", "ALTER DATABASE", "CREATE EXTENSION", "ALTER EXTENSION", "DROP EXTENSION", "SECURITY LABEL"),
        *("CREATE USER MAPPING", "ALTER USER MAPPING", "DROP USER MAPPING", "ALTER DEFAULT PRIVILEGES", "REASSIGN OWNED"),
        "DROP OWNED",
    ]
)  # fmt: skip
"""Commands that are changes and that pgAudit has in another class than ROLE."""
_OF_STATEMENTS = ("statement: ", "execute ", "duration: ")


def use(*, english: bool, arrivals: bool) -> Use:
    """Which reports mean something. Where a client comes from need not be asked if every report says so."""
    if not english:
        return Use()
    return Use((*_STARTS, *(["connection received: "] if arrivals else [])), _is_worth)


def _is_worth(message: str) -> bool:
    """Whether it is more than a statement that changes nothing that is looked for."""
    if not message.startswith(_OF_STATEMENTS):
        return True
    found = _STATEMENT.match(message)
    return found is not None and may_change(message[found.end() :])


def is_said(record: Record) -> bool:
    """Whether a session may have made the server say it, as RAISE does: what the server says by itself names no statement."""
    if record.severity in WORSE:
        return False
    by_statement = bool(record.statement) and _TRANSITION.fullmatch(record.message) is None
    return by_statement or bool(record.context)


class Setting(t.NamedTuple):
    """A parameter that the configuration files changed."""

    name: str
    how: str  # changed, removed or pending_restart
    value: str | None


def setting(record: Record) -> Setting | None:
    """What a report says of a parameter; None for another report."""
    if record.severity != "LOG" or not record.message.startswith("parameter "):
        return None
    for pattern, how in ((_CHANGED, "changed"), (_REMOVED, "removed"), (_PENDING, "pending_restart")):
        found = pattern.fullmatch(record.message)
        if found is not None:
            return Setting(found["name"], how, found.groupdict().get("value"))
    return None


def incident(record: Record) -> str | None:
    """What happened to the server as a whole; None for another report."""
    if record.severity != "LOG" or record.user is not None:
        return None
    for pattern, kind in _INCIDENTS:
        if pattern.fullmatch(record.message):
            return kind
    return None


def asked_for(record: Record) -> tuple[str, list[Change]]:
    """Where changes were seen (statement, audit, set_user or failed), and which ones."""
    message = record.message
    if message.startswith(_LOGINS):
        return "", []
    if message.startswith(_AUDIT):
        return "audit", _audited(message[len(_AUDIT) :])
    if record.severity in ("ERROR", "FATAL"):
        return "failed", _changes(record.statement)
    found = _STATEMENT.match(message)
    if found is not None:
        return "statement", _changes(message[found.end() :])
    moved = _TRANSITION.fullmatch(message)
    if moved is not None:
        return "set_user", [Change("SET_USER", moved["role"][:255], moved["to"][:255])]
    return "", []


def _changes(text: str) -> list[Change]:
    return changes_of(text) if may_change(text) else []


def _audited(text: str) -> list[Change]:
    """What pgAudit writes: kind, two numbers, class, command, kind and name of the object, statement, parameters."""
    try:
        values = next(csv.reader([text]), [])
    except csv.Error:
        values = []
    if len(values) < 8:
        return []
    changes = _changes(values[7])
    if changes or not values[7].startswith("<"):
        return changes
    # The statement was logged before, or is not logged at all.
    return [Change(values[4][:64], values[6][:255])] if values[3] == "ROLE" or values[4] in _TAGS else []
