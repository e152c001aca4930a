# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is unwise in a pg_hba.conf that the server accepts; private to the collection."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.findings import continued_comments
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.findings import survey_findings
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.findings import without_catch_all
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.superusers import Superusers
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.world import World
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.dialects import Dialect
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.finding import Finding
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.finding import Severity
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.lexer import Token
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.records import Record
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.sentinel import without_sentinels

__all__ = ["Context", "Finding", "Severity", "lint", "summary"]

_SHOWN = 5  # line numbers in a summary

_ONE_BY_ONE = "unreachable"  # whose reasons name other lines
_NO_WARNING = ("contradicted", "duplicate")  # an exception before its rule is usual; what is given twice is unreachable
_METHODS: dict[str, tuple[str, Severity, str]] = {
    "password": ("cleartext-password", "high", "the password crosses the connection in clear text"),
    "md5": ("md5", "medium", "md5 verifiers are as good as the password; use scram-sha-256"),
    "ident": ("ident", "high", "the client's host says who the client is"),
}
_CLEARTEXT = ("bsd", "ldap", "pam", "radius")  # the server passes the password on
_IN_FULL = re.compile(
    r"(?:0|[1-9]\d*)(?:\.(?:0|[1-9]\d*)){3}(?:/|\Z)", re.ASCII
)  # an address that reads as it is meant


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
        if finding.code in _NO_WARNING:
            continue
        reason = "" if finding.code == _ONE_BY_ONE else finding.reason
        key = (finding.path, finding.code, finding.severity, reason)
        groups.setdefault(key, []).append(finding.line)
        reasons.setdefault(key, finding.reason)
    sentences = []
    for key, lines in groups.items():
        path, code, severity, _reason = key
        reason = reasons[key] + (" (that is the first of them)" if len(lines) > 1 and code == _ONE_BY_ONE else "")
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
    if record.method != "reject":
        yield from _method_remarks(record)
    if record.error is not None:
        yield "cannot-match", "low", f"without effect as things are now: {record.error}"
    yield from _word_remarks(record)


def _method_remarks(record: Record) -> t.Iterator[tuple[str, Severity, str]]:
    remote = _is_remote(record)
    if record.method == "trust":
        yield from _trust_remarks(record)
    elif record.method in _METHODS and (remote or record.method != "ident"):
        yield _METHODS[record.method]
    elif record.method in _CLEARTEXT and remote and record.type not in ("hostssl", "hostgssenc"):
        yield (
            "cleartext-password",
            "high",
            f"{record.method} asks for the password in clear text, and the connection need not be encrypted",
        )
    if remote and _is_everywhere(record):
        if record.method != "trust" or _needs_certificate(record):
            yield "open-world", "medium", "open to every address"
        if any(token.text == "replication" and not token.quoted for token in record.databases):
            yield "replication-world", "high", "a copy of the whole cluster can be asked for from every address"


def _trust_remarks(record: Record) -> t.Iterator[tuple[str, Severity, str]]:
    if _needs_certificate(record):
        if record.options["clientcert"] == "verify-ca":
            yield "trust-network", "high", "whoever has any certificate of the authority gets in as any of these users"
    elif not _is_remote(record):
        yield "trust-local", "medium", "every account of the host can be any user"
    elif _is_everywhere(record):
        yield "trust-world", "high", "anybody from anywhere gets in without a password"
    else:
        yield "trust-network", "high", "whoever has this address gets in without a password"


def _needs_certificate(record: Record) -> bool:
    return bool(record.options.get("clientcert"))


def _word_remarks(record: Record) -> t.Iterator[tuple[str, Severity, str]]:
    """Of a rule that rejects too: one that matches otherwise than was meant lets in whom it should not."""
    for tokens, keywords, meaning in (
        (record.databases, ("all", "sameuser", "samerole", "samegroup", "replication"), "a plain name"),
        (record.users, ("all",), "a plain name"),
        (_address_field(record), ("all", "samehost", "samenet"), "the name of a host"),
    ):
        for token in tokens:
            if not token.quoted and not token.text.islower() and token.text.lower() in keywords:
                yield "literal-keyword", "medium", f"{token.text} is {meaning} here; the keyword is in lower case"
    if record.address is None:
        return
    for token in _address_field(record):
        if record.address.network is not None and ":" not in token.text and not _IN_FULL.match(token.text):
            shown, mask = record.address.shown()
            yield "short-address", "medium", f"{token.text} means {shown} with mask {mask}"
    if record.address.host is not None and not record.address.host.strip("0123456789."):
        yield "cannot-match", "low", f"{record.address.host} is no address, so it is the name of a host, which none has"


def _address_field(record: Record) -> tuple[Token, ...]:
    return record.spelled[3][:1] if record.address is not None and len(record.spelled) > 3 else ()


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
