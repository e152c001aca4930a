# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Admission for playbooks: rules and facts as they hand them over, and the answer; private to the collection."""

from __future__ import annotations

import dataclasses
import time
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._admission.client import Certificate
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.client import Client
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.verdict import compared
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.verdict import verdict
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.world import PUBLIC
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.world import Database
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.world import Membership
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.world import Parameters
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.world import Role
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.world import Side
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._hba import verdict as hba
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.dialects import Dialect
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.ident.records import MapRecord
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.ident.records import parse_text
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.interchange import Entry
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.interchange import entries_of_rules
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.interchange import entries_of_text
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.matching import Attempt
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.matching import Decision
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.records import Record

__all__ = ["Question", "answer", "databases_of", "parameters_of", "question_of", "roles_of"]

_FACTS = "give what cluster_info returns"


@dataclasses.dataclass(frozen=True)
class Question:
    """Options of the filter, made of plain values, besides those that hba_match has too."""

    rules: t.Any
    before: t.Any = None
    ident: t.Any = None
    roles: t.Any = None
    memberships: t.Any = None
    databases: t.Any = None
    settings: t.Any = None
    logical: t.Any = False
    password: t.Any = None
    account: t.Any = None
    certificate: t.Any = None
    now: t.Any = None


def question_of(rules: t.Any, options: dict[str, t.Any]) -> Question:
    """The question with these options by their names."""
    names = [field.name for field in dataclasses.fields(Question)][1:]
    for name in options:
        if name not in names:
            raise InputError(option=name, value=options[name], expected=f"the options are {', '.join(names)}")
    return Question(rules, **options)


def answer(question: Question, attempt: Attempt, dialect: Dialect) -> dict[str, t.Any]:
    """What becomes of the attempt, and why."""
    client = _client(question, attempt)
    side = _side(question, "rules", attempt, dialect)
    before = None if question.before is None else _side(question, "before", attempt, dialect)
    found = verdict(side, client) if before is None else compared(before, side, client)
    [record] = found.records if len(found.records) == 1 else [None]
    number, line = (None, None) if record is None else side.place(record)
    return {
        "outcome": found.outcome,
        "reason": found.reason,
        "where": found.where or None,
        "rule": number,
        "line": line,
        "was_refused": None if question.before is None else found.was_refused,
        "assumed": [name for name in ("roles", "databases", "settings") if getattr(question, name) is None],
    }


def roles_of(roles: t.Any, memberships: t.Any) -> dict[str, Role]:
    """Roles and memberships as cluster_info returns them."""
    granted: dict[str, list[Membership]] = {}
    inherits = {row["name"]: row["inherit"] for row in _rows("roles", roles, ("name", "inherit"))}
    for row in _rows("memberships", memberships, ("role", "member")):
        with_it = row.get("inherit_option", inherits.get(row["member"], True))  # an option of the grant from 16 on
        granted.setdefault(row["member"], []).append(Membership(row["role"], with_it))
    names = ("login", "superuser", "replication", "connection_limit", "valid_until_epoch", "verifier")
    return {
        row["name"]: Role(
            name=row["name"],
            login=row["login"],
            superuser=row["superuser"],
            replication=row["replication"],
            connection_limit=row["connection_limit"],
            valid_until=row["valid_until_epoch"],
            verifier=row["verifier"] or "unknown",
            member_of=tuple(granted.get(row["name"], ())),
        )
        for row in _rows("roles", roles, names)
    }


def databases_of(databases: t.Any) -> dict[str, Database]:
    """Databases as cluster_info returns them."""
    names = ("name", "owner", "allow_connections", "connection_limit", "connect")
    return {
        row["name"]: Database(
            name=row["name"],
            owner=row["owner"],
            allows_connections=row["allow_connections"],
            connection_limit=row["connection_limit"],
            connect=frozenset(PUBLIC if name == "public" else name for name in row["connect"]),
        )
        for row in _rows("databases", databases, names)
    }


def parameters_of(settings: t.Any) -> Parameters:
    """Settings as cluster_info returns them."""
    found = {}
    for name in ("ssl", "ssl_ca_file", "max_wal_senders"):
        if not isinstance(settings, dict) or not isinstance(settings.get(name), dict):
            raise InputError(option=f"settings.{name}", value=None, expected=_FACTS)
        found[name] = str(settings[name].get("setting"))
    return Parameters(
        ssl=found["ssl"] == "on", ssl_ca=found["ssl_ca_file"] or None, max_wal_senders=int(found["max_wal_senders"])
    )


@dataclasses.dataclass(frozen=True)
class _Listed(Side):
    """A side whose files are taken as they stand: what they include is not read."""

    entries: tuple[Entry, ...] = ()
    name: str = "rules"
    is_text: bool = False

    def deciding(self, attempt: Attempt) -> Decision:
        """Which rules may decide about an attempt; their lines are those shown to people."""
        found, closed = hba.deciding(self.entries, attempt, self.dialect)
        return Decision(
            tuple(
                dataclasses.replace(entry.record, path=self.name, line=self._place(number, entry))
                for number, entry in found
            ),
            closed,
        )

    def place(self, record: Record) -> tuple[int, int | None]:
        """The number of a rule that may decide, and its line in the file that it was read from."""
        numbered = enumerate(self.entries, 1)
        return next((number, entry.line) for number, entry in numbered if self._place(number, entry) == record.line)

    def _place(self, number: int, entry: Entry) -> int:
        return entry.line if self.is_text and entry.line is not None else number


def _side(question: Question, name: t.Literal["rules", "before"], attempt: Attempt, dialect: Dialect) -> _Listed:
    given = getattr(question, name)
    entries = (
        entries_of_text(given, dialect) if isinstance(given, str) else entries_of_rules(given, dialect, option=name)
    )
    hba.refuse_what_does_not_load(entries, dialect)
    return _Listed(
        dialect=dialect,
        rules=(),
        mappings=_mappings(question.ident, dialect),
        roles=_roles(question, attempt),
        databases={attempt.database: Database(attempt.database)}
        if question.databases is None
        else databases_of(question.databases),
        parameters=Parameters(ssl_ca="assumed") if question.settings is None else parameters_of(question.settings),
        now=_now(question.now),
        entries=tuple(entries),
        name=name,
        is_text=isinstance(given, str),
    )


def _roles(question: Question, attempt: Attempt) -> dict[str, Role]:
    if question.roles is not None:
        if attempt.member_of != {attempt.user}:
            raise InputError(
                option="member_of", value=sorted(attempt.member_of), expected="leave it out: memberships tells it"
            )
        return roles_of(question.roles, question.memberships)
    memberships = tuple(Membership(name) for name in sorted(attempt.member_of - {attempt.user}))
    return {attempt.user: Role(attempt.user, replication=True, verifier="scram-sha-256", member_of=memberships)}


def _mappings(text: t.Any, dialect: Dialect) -> tuple[MapRecord, ...] | None:
    if text is None:
        return None
    if not isinstance(text, str):
        raise InputError(option="ident", value=text, expected="give the text of a pg_ident.conf")
    found = tuple(parse_text(text, dialect))
    return found if all(record.accepted for record in found) else None


def _client(question: Question, attempt: Attempt) -> Client:
    for name in ("logical", "password"):
        value = getattr(question, name)
        if not isinstance(value, bool) and not (name == "password" and value is None):
            raise InputError(option=name, value=value, expected="give true or false")
    for name in ("account", "certificate"):
        value = getattr(question, name)
        if value is not None and (not isinstance(value, str) or not value):
            raise InputError(option=name, value=value, expected="give a name, or leave it out")
    shown = question.certificate
    if shown is not None and not shown.startswith("/"):
        raise InputError(
            option="certificate", value=shown, expected="give the subject as pg_stat_ssl.client_dn shows it: /CN=app"
        )
    return Client(
        attempt,
        account=question.account,
        has_password=_password(question),
        certificate=None if shown is None else Certificate.of_client_dn(shown),
        logical=question.logical,
    )


def _password(question: Question) -> bool | None:
    """Without rules of today, which tell what it shows, the client is taken to know its password."""
    if question.password is None:
        return True if question.before is None else None
    return bool(question.password)


def _now(given: t.Any) -> float:
    if given is None:
        return time.time()
    if isinstance(given, (int, float)) and not isinstance(given, bool):
        return float(given)
    raise InputError(option="now", value=given, expected="give the seconds since 1970, or leave it out")


def _rows(option: str, given: t.Any, names: t.Sequence[str]) -> list[dict[str, t.Any]]:
    if not isinstance(given, list):
        raise InputError(option=option, value=given, expected=_FACTS)
    for index, row in enumerate(given):
        missing = [name for name in names if not isinstance(row, dict) or name not in row]
        if missing:
            raise InputError(option=f"{option}[{index}].{missing[0]}", value=None, expected=_FACTS)
    return given
