# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is unwise in a pg_hba.conf that the server accepts; private to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.findings import continued_comments
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.findings import survey_findings
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.findings import without_catch_all
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.superusers import Superusers
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.world import World
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.dialects import Dialect
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.finding import Finding
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.finding import Severity
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.records import Record
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.sentinel import without_sentinels

__all__ = ["Context", "Finding", "Severity", "lint", "summary"]

_SHOWN = 5  # line numbers in a summary

_ONE_BY_ONE = ("unreachable", "duplicate")  # whose reasons name other lines
_USUAL = "contradicted"  # an exception that stands before its rule: not worth a warning in every run
_METHODS: dict[str, tuple[str, Severity, str]] = {
    "password": ("cleartext-password", "high", "the password crosses the connection in clear text"),
    "md5": ("md5", "medium", "md5 verifiers are as good as the password; use scram-sha-256"),
    "ident": ("ident", "high", "the client's host says who the client is"),
}


@dataclasses.dataclass(frozen=True)
class Context:
    """What lets lint say more than the records alone do."""

    dialect: Dialect
    world: World = dataclasses.field(default_factory=World)
    text: str | None = None  # of the file that the first record is in
    path: str = "pg_hba.conf"  # of the same
    catch_all: bool = False  # whether the policy asks for a last rule that rejects everything


def summary(findings: t.Iterable[Finding]) -> list[str]:
    """One sentence for each code and file, so that a long file does not make a long list; what is usual is left out."""
    groups: dict[tuple[str, str, Severity, str], list[int]] = {}
    reasons: dict[tuple[str, str, Severity, str], str] = {}
    for finding in findings:
        if finding.code == _USUAL:
            continue
        reason = "" if finding.code in _ONE_BY_ONE else finding.reason
        key = (finding.path, finding.code, finding.severity, reason)
        groups.setdefault(key, []).append(finding.line)
        reasons.setdefault(key, finding.reason)
    sentences = []
    for key, lines in groups.items():
        path, code, severity, _reason = key
        reason = reasons[key] + (" (that is the first of them)" if len(lines) > 1 and code in _ONE_BY_ONE else "")
        shown = ", ".join(map(str, lines[:_SHOWN])) + (
            f" and {len(lines) - _SHOWN} more" if len(lines) > _SHOWN else ""
        )
        sentences.append(f"{path} line{'s' if len(lines) > 1 else ''} {shown}: {reason} ({code}, {severity})")
    return sentences


def lint(records: t.Iterable[Record], context: Context | None = None) -> list[Finding]:
    """Remarks in the order of the lines of each file."""
    records = without_sentinels(records)
    superusers = None if context is None else Superusers(context.dialect, context.world)
    found = [
        Finding(code, severity, record.path, record.line, reason)
        for record in records
        for code, severity, reason in (*_remarks(record), *_remarks_in(record, context, superusers))
    ]
    if context is not None:
        found += survey_findings(records, context.dialect, context.world)
        if context.catch_all:
            found += without_catch_all(records, context.dialect, context.world)
        if context.text is not None:
            found += continued_comments(context.text, context.path, context.dialect)
    files = {path: number for number, path in enumerate(dict.fromkeys(finding.path for finding in found))}
    return sorted(found, key=lambda finding: (files[finding.path], finding.line))


def _remarks_in(
    record: Record, context: Context | None, superusers: Superusers | None
) -> t.Iterator[tuple[str, Severity, str]]:
    """What depends on the server."""
    if context is None or superusers is None or not record.accepted or not _is_remote(record):
        return
    if record.method == "reject":
        superusers.remember(record)
        return
    if context.world.tls and record.type in ("host", "hostnossl", "hostnogssenc"):
        yield "plaintext", "medium", "clients get in without TLS, which the server has; hostssl asks for it"
    named = superusers.named(record)
    if named:
        yield "superuser-remote", "high", f"superuser {_few(named)} can come from other hosts"
        return
    among = superusers.among_all(record)
    if among:
        yield "superuser-remote", "medium", f"all includes superuser {_few(among)}, whom no earlier rule rejects"


def _few(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _remarks(record: Record) -> t.Iterator[tuple[str, Severity, str]]:
    if not record.accepted:
        yield "rejected", "high", f"the server refuses this line: {record.refusal}"
        return
    if record.method == "reject":
        return
    yield from _method_remarks(record)
    if record.error is not None:
        yield "cannot-match", "low", f"without effect as things are now: {record.error}"
    yield from _word_remarks(record)


def _method_remarks(record: Record) -> t.Iterator[tuple[str, Severity, str]]:
    remote = _is_remote(record)
    if record.method == "trust":
        if remote and _is_everywhere(record):
            yield "trust-world", "high", "anybody from anywhere gets in without a password"
        elif remote:
            yield "trust-network", "high", "whoever has this address gets in without a password"
        else:
            yield "trust-local", "medium", "every account of the host can be any user"
    elif record.method in _METHODS and (remote or record.method != "ident"):
        yield _METHODS[record.method]
    if remote and _is_everywhere(record):
        if record.method != "trust":
            yield "open-world", "medium", "open to every address"
        if any(token.text == "replication" and not token.quoted for token in record.databases):
            yield "replication-world", "high", "a copy of the whole cluster can be asked for from every address"


def _word_remarks(record: Record) -> t.Iterator[tuple[str, Severity, str]]:
    for tokens, keywords in (
        (record.databases, ("all", "sameuser", "samerole", "replication")),
        (record.users, ("all",)),
    ):
        for token in tokens:
            if not token.quoted and not token.text.islower() and token.text.lower() in keywords:
                yield "literal-keyword", "medium", f"{token.text} is a plain name here; the keyword is in lower case"
    if record.address is not None and record.address.network is not None:
        spelled = record.spelled[3][0].text if len(record.spelled) > 3 else ""
        if ":" not in spelled and spelled.partition("/")[0].count(".") < 3:
            shown, mask = record.address.shown()
            yield "short-address", "medium", f"{spelled} means {shown} with mask {mask}"


def _is_remote(record: Record) -> bool:
    if record.address is None:
        return False
    network = record.address.network
    if network is None:
        return record.address.keyword != "samehost" and record.address.host != "localhost"
    return not (network.address[:1] == b"\x7f" and network.mask[:1] == b"\xff") and not (
        network.address == bytes(15) + b"\1" and network.mask == b"\xff" * 16
    )


def _is_everywhere(record: Record) -> bool:
    address = record.address
    return address is not None and (
        address.keyword == "all" or (address.network is not None and not any(address.network.mask))
    )
