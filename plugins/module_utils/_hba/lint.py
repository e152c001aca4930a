# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is unwise in a pg_hba.conf that the server accepts; private to the collection."""

from __future__ import annotations

import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._hba.records import Record

__all__ = ["Finding", "lint", "summary"]

_SHOWN = 5  # line numbers in a summary

Severity = t.Literal["high", "medium", "low"]

_METHODS: dict[str, tuple[str, Severity, str]] = {
    "password": ("cleartext-password", "high", "the password crosses the connection in clear text"),
    "md5": ("md5", "medium", "md5 verifiers are as good as the password; use scram-sha-256"),
    "ident": ("ident", "high", "the client's host says who the client is"),
}


class Finding(t.NamedTuple):
    """One remark about one record."""

    code: str
    severity: Severity
    path: str
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.reason} ({self.code}, {self.severity})"


def summary(findings: t.Iterable[Finding]) -> list[str]:
    """One sentence for each code and file, so that a long file does not make a long list."""
    groups: dict[tuple[str, str, Severity, str], list[int]] = {}
    for finding in findings:
        groups.setdefault((finding.path, finding.code, finding.severity, finding.reason), []).append(finding.line)
    sentences = []
    for (path, code, severity, reason), lines in groups.items():
        shown = ", ".join(map(str, lines[:_SHOWN])) + (
            f" and {len(lines) - _SHOWN} more" if len(lines) > _SHOWN else ""
        )
        sentences.append(f"{path} line{'s' if len(lines) > 1 else ''} {shown}: {reason} ({code}, {severity})")
    return sentences


def lint(records: t.Iterable[Record]) -> list[Finding]:
    """Remarks in the order of the records."""
    return [
        Finding(code, severity, record.path, record.line, reason)
        for record in records
        for code, severity, reason in _remarks(record)
    ]


def _remarks(record: Record) -> t.Iterator[tuple[str, Severity, str]]:
    if not record.accepted:
        yield "rejected", "high", f"the server refuses this line: {record.error or 'it does not say why'}"
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
    if remote and record.method != "trust" and _is_everywhere(record):
        yield "open-world", "medium", "open to every address"


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
