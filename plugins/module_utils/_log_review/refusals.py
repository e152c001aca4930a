# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Logins that failed or were rejected, and why; private to the collection."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._log_review.records import Record

__all__ = ["STARTS", "Refusal", "refusal"]

STARTS = ("could not accept SSL connection", "invalid length of startup packet")
"""How those begin that the server logs as LOG."""


class Refusal(t.NamedTuple):
    """A login that failed."""

    reason: str
    role: str | None
    database: str | None
    address: str | None


_PATTERNS: t.Final = [
    (re.compile(pattern, re.DOTALL), reason)
    for pattern, reason in (
        (r'password authentication failed for user "(?P<role>.*)"', "wrong_password"),
        (r"empty password returned by client", "wrong_password"),
        (
            r'no pg_hba\.conf entry for (?:replication connection from )?host "(?P<address>[^"]*)", user "(?P<role>.*?)"'
            r'(?:, database "(?P<database>.*)")?, .*',
            "no_hba_entry",
        ),
        (
            r'pg_hba\.conf rejects (?:replication )?connection for host "(?P<address>[^"]*)", user "(?P<role>.*?)"'
            r'(?:, database "(?P<database>.*)")?, .*',
            "reject_rule",
        ),
        (r'role "(?P<role>.*)" does not exist', "role_does_not_exist"),
        (r'role "(?P<role>.*)" is not permitted to log in', "not_permitted_to_log_in"),
        (r'database "(?P<database>.*)" does not exist', "database_does_not_exist"),
        (r'permission denied for database "(?P<database>.*)"', "no_privilege"),
        (r"(?:must be superuser or replication role|permission denied) to start (?:walsender|WAL sender)", "no_privilege"),
        (r'database "(?P<database>.*)" is not currently accepting connections', "database_closed"),
        (r'cannot connect to invalid database "(?P<database>.*)"', "database_closed"),
        (r'too many connections for (?:role "(?P<role>.*)"|database "(?P<database>.*)")', "too_many_connections"),
        (
            r"sorry, too many clients already|remaining connection slots are reserved .*"
            r"|connection limit exceeded for non-superusers|number of requested standby connections exceeds .*",
            "too_many_connections",
        ),
        (r"canceling authentication due to timeout", "timeout"),
        (r'certificate authentication failed for user "(?P<role>.*)"', "certificate"),
        (r"connection requires a valid client certificate", "certificate"),
        (r"could not accept SSL connection.*", "tls"),
        (r"invalid length of startup packet|invalid startup packet layout: .*|unsupported frontend protocol .*", "protocol"),
        (r"no PostgreSQL user name specified in startup packet|invalid value for parameter \"replication\": .*", "protocol"),
        (r"expected (?:password|SASL|GSS|SSPI) response, got message type .*|malformed SCRAM message.*", "protocol"),
        (r"unrecognized configuration parameter .*|(?:invalid value for )?parameter .*|.* for parameter .*", "options"),
        (r"permission denied to set (?:parameter|role) .*|invalid command-line argument.*", "options"),
        (r"the database system is .*", "not_ready"),
        (r'(?P<method>[\w"]+(?: \w+)?) authentication failed for user "(?P<role>.*)"', "authentication"),
    )
]  # fmt: skip
_DETAILS: t.Final = (
    (re.compile(r'(?:User|Role) ".*" has an expired password', re.DOTALL), "expired"),
    (re.compile(r'Role ".*" does not exist', re.DOTALL), "role_does_not_exist"),
    (re.compile(r'(?:User|Role) ".*" has no password assigned', re.DOTALL), "no_password"),
)
# What can be told without words. Those of the first kind are of logins only.
_OF_LOGINS: t.Final = {"28P01": "wrong_password", "28000": "not_authorized", "53300": "too_many_connections"}
_WHILE_LOGGING_IN: t.Final = {
    "3D000": "database_does_not_exist",
    "42501": "no_privilege",
    "55000": "database_closed",
    "57014": "timeout",
    "57P03": "not_ready",
    "08P01": "protocol",
    "0A000": "protocol",
    "42704": "options",
    "55P02": "options",
    "22023": "options",
}
_STAGES = ("authentication", "startup")


def refusal(record: Record, *, english: bool) -> Refusal | None:
    """What a report says of a login that failed; None for another report."""
    if english:
        if record.severity == "LOG":
            return _told(record) if record.message.startswith(STARTS) else None
        if record.severity != "FATAL":
            return None
        told = _told(record)
        if told is not None:
            return told
    is_at_login = record.stage.startswith(_STAGES)
    # Before that the stage is empty, and in text always. Later a session may raise whatever it likes.
    reason = _OF_LOGINS.get(record.code or "") if is_at_login or not record.stage else None
    if reason is None and is_at_login:
        reason = _WHILE_LOGGING_IN.get(record.code or "")
    return None if reason is None else Refusal(reason, record.user, record.database, record.address)


def _told(record: Record) -> Refusal | None:
    for pattern, reason in _PATTERNS:
        found = pattern.fullmatch(record.message)
        if found is not None:
            parts = found.groupdict()
            return Refusal(
                _detailed(record.detail) or reason,
                record.user or parts.get("role"),
                record.database or parts.get("database"),
                record.address or parts.get("address"),
            )
    return None


def _detailed(detail: str) -> str | None:
    return next((reason for pattern, reason in _DETAILS if pattern.match(detail)), None)
