# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What pg_hba.conf and pg_ident.conf mean: who can connect from where, and what is unwise; private to the collection."""

from __future__ import annotations

import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._facts.redaction import NOT_SHOWN
from ansible_collections.rampart.postgresql.plugins.module_utils._facts.redaction import without_values
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.survey import survey
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.dialects import Dialect
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.ident import lint as ident_lint
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.ident.matching import REFERENCE
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.ident.state import State as IdentState
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.ident.state import observe
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.lexer import Token
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.lint import Context
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.lint import lint
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.masking import names_secrets
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.masking import without_secrets
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.methods import SECRET_OPTIONS
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.patterns import search
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.records import Address
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.records import Record
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.sentinel import without_sentinels
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.state import State

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._facts.gathering import Rows
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server

__all__ = ["hba_facts"]

_STALE = "the file was written after the server last read its files, so it need not be what is in force"
_ANY_NAME = ("q7", "Z-9", "0 \u00e4")  # what fits them all fits whatever there is
_NO_FILE = "there is no such file, or it cannot be read"


def hba_facts(server: Server) -> dict[str, t.Any]:
    """The two sections. They are read from the files, as no view of the server tells quoted words from keywords."""
    state = observe(server, path=None)
    if state.rules.text is None:
        raise RampartError(f"{state.rules.path}: {_NO_FILE}")
    return {"hba": _hba(state.rules), "ident": _ident(state)}


def _hba(state: State) -> dict[str, t.Any]:
    text = state.text or ""
    records = without_sentinels(state.records(text))
    rules = _rules(records, state)
    remarks = lint(records, Context(state.dialect, state.world, text=text, path=state.path))
    found = [_finding(item.code, item.severity, item.reason, item.path, item.line) for item in remarks]
    known = {(item["file"], item["line"]) for item in found if item["code"] == "rejected"}
    found += [
        _finding("rejected", "high", each.words, each.path, each.line)
        for each in state.rejected
        if (each.path, each.line) not in known
    ]
    return {
        "files": [state.path, *sorted(state.files.texts)],
        "rules": rules,
        "findings": found + _stale(state, state.modified, state.path),
        "who": [_admitted(rule) for rule in rules if rule["reachable"] and rule["method"] != "reject"],
    }


def _rules(records: t.Sequence[Record], state: State) -> Rows:
    seen = survey(records, dialect=state.dialect, world=state.world)
    numbers = {id(record): number for number, record in enumerate(records, 1)}
    shadows = {id(each.record): [numbers[id(record)] for record in each.by] for each in seen.unreachable}
    idle = {id(record) for record in seen.idle}
    return [
        _rule(record, numbers[id(record)], shadows.get(id(record), []), state.dialect, is_idle=id(record) in idle)
        for record in records
    ]


def _rule(record: Record, number: int, shadowed_by: list[int], dialect: Dialect, *, is_idle: bool) -> dict[str, t.Any]:
    return {
        "number": number,
        "file": record.path,
        "line": record.line,
        "type": record.type,
        "databases": [token.raw for token in record.databases],
        "users": [token.raw for token in record.users],
        "any_database": any(_means_all(token, patterns=dialect.regular_expressions) for token in record.databases),
        "any_user": any(_means_all(token, patterns=dialect.regular_expressions) for token in record.users),
        "address": None if record.address is None else _address(record.address),
        "method": record.method,
        "options": {name: NOT_SHOWN if name in SECRET_OPTIONS else value for name, value in record.options.items()},
        "text": _text(record),
        "reachable": record.accepted and not shadowed_by and not is_idle,
        "shadowed_by": shadowed_by,
    }


def _means_all(token: Token, *, keyword: bool = True, patterns: bool = True) -> bool:
    """Whether it is the keyword for every name, or a regular expression that any name fits."""
    if keyword and not token.quoted and token.text == "all":
        return True
    return patterns and token.text[:1] == "/" and all(search(token.text[1:], name) for name in _ANY_NAME)


def _address(address: Address) -> str:
    shown, mask = address.shown()
    if address.network is None or mask is None:
        return shown
    bits = "".join(f"{byte:08b}" for byte in address.network.mask)
    return f"{shown}/{bits.count('1')}" if "01" not in bits else f"{shown}/{mask}"


def _text(record: Record) -> str:
    """The line as it is spelled; where the server refuses it, nobody knows where in it a secret ends."""
    text = " ".join(",".join(token.raw for token in field) for field in record.spelled)
    return NOT_SHOWN if not record.accepted and names_secrets(text) else without_secrets(text)


def _admitted(rule: dict[str, t.Any]) -> dict[str, t.Any]:
    here = {"from": "socket" if rule["address"] is None else rule["address"]}
    return {**here, **{key: rule[key] for key in ("type", "databases", "users", "method", "number")}}


def _ident(state: IdentState) -> dict[str, t.Any]:
    records = state.records(state.text or "")
    remarks = ident_lint.lint(records, state.dialect)
    special = state.dialect.special_pg_users
    found = [_finding(item.code, item.severity, item.reason, item.path, item.line) for item in remarks]
    return {
        "files": [*([] if state.text is None else [state.path]), *sorted(state.files.texts)],
        "mappings": [
            {
                "map": record.map,
                "system_user": record.system_user.raw,
                "role": record.pg_user.raw,
                "every_role": special and _means_all(record.pg_user, patterns=not record.pg_user.quoted),
                "every_account": REFERENCE not in record.pg_user.text and _means_all(record.system_user, keyword=False),
                "file": record.path,
                "line": record.line,
            }
            for record in records
            if record.accepted
        ],
        "findings": found + _stale(state.rules, state.modified, state.path),
    }


def _finding(code: str, severity: str, message: str, path: str, line: int | None) -> dict[str, t.Any]:
    return {"code": code, "severity": severity, "message": without_values(message), "file": path, "line": line}


def _stale(state: State, modified: float, path: str) -> Rows:
    """By the time of what is written: that of attributes changes with them too, and a time to come says nothing."""
    return [_finding("stale", "high", _STALE, path, None)] if state.loaded < modified <= state.now else []
