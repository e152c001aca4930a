# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Recommendations of benchmarks as they were seen, each with its source; private to the collection.

Numbers move between editions. One that was not seen is not written, and counts as unmapped.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.model import Reference

__all__ = ["EDITIONS", "FOLLOWS", "NOT_APPLICABLE", "RECOMMENDATIONS", "Edition", "cis", "edition", "stig"]

CIS: t.Final = "CIS PostgreSQL Benchmark"
STIG: t.Final = "Crunchy Data Postgres 16 STIG"
MITRE: t.Final = "as in profile 1.1.0 of MITRE"
_PGDSAT: t.Final = "pgdsat 2.0, which implements CIS PostgreSQL 17"
_TENABLE: t.Final = "tenable.com/audits"
_MITRE: t.Final = "github.com/mitre/crunchy-data-postgresql-16-stig-baseline"


@dataclasses.dataclass(frozen=True)
class Edition:
    """An edition of a benchmark, and how much of it was seen."""

    benchmark: str
    name: str
    seen: str


EDITIONS: t.Final = (
    Edition(
        CIS,
        "17",
        "every number, and every title but one, as pgdsat 2.0 lists them without naming the edition of the benchmark",
    ),
    Edition(CIS, "13 v1.0.0", "that it exists; all of it is unmapped"),
    Edition(CIS, "13 v1.1.0", "one item; the others are unmapped"),
    Edition(CIS, "13 v1.2.0", "one item; the others are unmapped"),
    Edition(CIS, "13 v1.3.0", "one item; the others are unmapped"),
    Edition(CIS, "14 v1.0.0", "one item; the others are unmapped"),
    Edition(CIS, "14 v1.2.0", "two items; the others are unmapped"),
    Edition(CIS, "14 v1.3.0", "that it exists; all of it is unmapped"),
    Edition(CIS, "15 v1.2.0", "that it exists; all of it is unmapped"),
    Edition(CIS, "16 v1.1.0", "that it exists; all of it is unmapped"),
    Edition(CIS, "17 v1.0.0", "one item that differs from the list of pgdsat, and one title; the others are unmapped"),
    Edition(CIS, "17 v1.1.0", "that it exists; all of it is unmapped"),
    Edition(CIS, "18 v1.0.0", "that it exists; all of it is unmapped"),
    Edition(STIG, "V1R2", "that it exists; all of it is unmapped"),
    Edition(STIG, MITRE, "two rules; the others are unmapped"),
)

_TITLES_17: t.Final[t.Mapping[str, str]] = {
    "1.1": "Ensure packages are obtained from authorized repositories",
    "1.2": "Install only required packages",
    "1.3": "Ensure systemd Service Files Are Enabled",
    "1.4": "Ensure Data Cluster Initialized Successfully",
    "1.5": "Ensure PostgreSQL versions are up-to-date",
    "1.6": "Verify That 'PGPASSWORD' is Not Set in Users' Profiles",
    "1.7": "Verify That the 'PGPASSWORD' Environment Variable is Not in Use",
    "2.1": "Ensure the file permissions mask is correct",
    "2.2": "Ensure extension directory has appropriate ownership and permissions",
    "2.3": "Disable PostgreSQL Command History",
    "2.4": "Ensure Passwords are Not Stored in the service file",
    "3.1.1": "Logging Rationale",
    "3.1.2": "Ensure the log destinations are set correctly",
    "3.1.3": "Ensure the logging collector is enabled",
    "3.1.4": "Ensure the log file destination directory is set correctly",
    "3.1.5": "Ensure the filename pattern for log files is set correctly",
    "3.1.6": "Ensure the log file permissions are set correctly",
    "3.1.7": "Ensure 'log_truncate_on_rotation' is enabled",
    "3.1.8": "Ensure the maximum log file lifetime is set correctly",
    "3.1.9": "Ensure the maximum log file size is set correctly",
    "3.1.10": "Ensure the correct syslog facility is selected",
    "3.1.11": "Ensure syslog messages are not suppressed",
    "3.1.12": "Ensure syslog messages are not lost due to size",
    "3.1.13": "Ensure the program name for PostgreSQL syslog messages is correct",
    "3.1.14": "Ensure the correct messages are written to the server log",
    "3.1.15": "Ensure the correct SQL statements generating errors are recorded",
    "3.1.16": "Ensure 'debug_print_parse' is disabled",
    "3.1.17": "Ensure 'debug_print_rewritten' is disabled",
    "3.1.18": "Ensure 'debug_print_plan' is disabled",
    "3.1.19": "Ensure 'debug_pretty_print' is enabled",
    "3.1.20": "Ensure 'log_connections' is enabled",
    "3.1.21": "Ensure 'log_disconnections' is enabled",
    "3.1.22": "Ensure 'log_error_verbosity' is set correctly",
    "3.1.23": "Ensure 'log_hostname' is set correctly",
    "3.1.24": "Ensure 'log_line_prefix' is set correctly",
    "3.1.25": "Ensure 'log_statement' is set correctly",
    "3.1.26": "Ensure 'log_timezone' is set correctly",
    "3.2": "Ensure the PostgreSQL Audit Extension (pgAudit) is enabled",
    "4.1": "Ensure Interactive Login is Disabled",
    "4.2": "Ensure sudo is configured correctly",
    "4.3": "Ensure excessive administrative privileges are revoked",
    "4.4": "Lock Out Accounts if Not Currently in Use",
    "4.5": "Ensure excessive function privileges are revoked",
    "4.6": "Ensure excessive DML privileges are revoked",
    "4.7": "Ensure Row Level Security (RLS) is configured correctly",
    "4.8": "Ensure the set_user extension is installed",
    "4.9": "Make use of predefined roles",
    "4.10": "Ensure the public schema is protected",
    "5.1": "Do Not Specify Passwords in the Command Line",
    "5.2": "Ensure PostgreSQL is Bound to an IP Address",
    "5.3": 'Ensure login via "local" UNIX Domain Socket is configured correctly',
    "5.4": 'Ensure login via "host" TCP/IP Socket is configured correctly',
    "5.5": "Ensure per-account connection limits are used",
    "5.6": "Ensure Password Complexity is configured",
    "6.1": "Understanding attack vectors and runtime parameters",
    "6.2": "Ensure 'backend' runtime parameters are configured correctly",
    "6.3": "Ensure 'Postmaster' runtime parameters are configured correctly",
    "6.4": "Ensure 'SIGHUP' runtime parameters are configured correctly",
    "6.5": "Ensure 'Superuser' runtime parameters are configured correctly",
    "6.6": "Ensure 'User' runtime parameters are configured correctly",
    "6.7": "Ensure FIPS 140-2 OpenSSL cryptography is used",
    "6.8": "Ensure TLS is enabled and configured correctly",
    "6.9": "Ensure a cryptographic extension is installed",
    "6.10": "Ensure Weak SSL/TLS Ciphers Are Disabled",
    "7.1": "Ensure a replication-only user is created and used for streaming replication",
    "7.2": "Ensure logging of replication commands is configured",
    "7.3": "Ensure base backups are configured and functional",
    "7.4": "Ensure WAL archiving is configured and functional",
    "7.5": "Ensure streaming replication parameters are configured correctly",
    "8.1": "Ensure PostgreSQL subdirectory locations are outside the data cluster",
    "8.2": "Ensure the backup and restore tool, 'pgBackRest', is installed and configured",
    "8.3": "miscellaneous configuration settings (the whole title was not seen)",
}

_OTHERS: t.Final = (
    Reference(CIS, "13 v1.1.0", "6.9", "pgcrypto (the title was not seen)", _TENABLE),
    Reference(CIS, "13 v1.2.0", "6.9", "Ensure the TLSv1.0 and TLSv1.1 Protocols are Disabled", _TENABLE),
    Reference(CIS, "13 v1.3.0", "4.10", "Ensure all accounts that can log in have passwords", _TENABLE),
    Reference(CIS, "14 v1.0.0", "6.9", "pgcrypto (the title was not seen)", _TENABLE),
    Reference(CIS, "14 v1.2.0", "6.9", "Ensure the TLSv1.0 and TLSv1.1 Protocols are Disabled", _TENABLE),
    Reference(CIS, "14 v1.2.0", "6.11", "pgcrypto extension installed and configured", _TENABLE),
    Reference(CIS, "17 v1.0.0", "1.5", "Ensure the Latest Security Patches are Applied", _TENABLE),
    Reference(CIS, "17 v1.0.0", "6.9", "Ensure that TLSv1.3, or later, is configured", _TENABLE),
    Reference(
        STIG,
        MITRE,
        "CD16-00-000100",
        "PostgreSQL must limit the number of concurrent sessions to an organization-defined number per user for all"
        " accounts and/or account types.",
        _MITRE,
    ),
    Reference(
        STIG,
        MITRE,
        "CD16-00-001300",
        "PostgreSQL must produce audit records containing sufficient information to establish the sources (origins) of"
        " the events.",
        _MITRE,
    ),
)

RECOMMENDATIONS: t.Final = (
    *(Reference(CIS, "17", number, title, _PGDSAT) for number, title in _TITLES_17.items()),
    *_OTHERS,
)
"""All that were seen, in the order of their editions."""

_BY_NUMBER: t.Final = {(each.edition, each.number): each for each in RECOMMENDATIONS}

NOT_APPLICABLE: t.Final[t.Mapping[tuple[str, str], str]] = {
    ("17", "3.1.1"): "It is an introduction to the chapter on logging and asks for nothing.",
    ("17", "6.1"): "It is an introduction to the chapter on parameters; 6.2 to 6.6 ask.",
}
"""By edition and number, why there is nothing to look at."""

_HOSTNAME: t.Final = {
    "topic": "log_hostname",
    "benchmark": f"{CIS} 17, 3.1.23 ({_PGDSAT})",
    "says": f"off; {STIG} CD16-00-001300 ({_MITRE}) has it on, whose lookups slow down connections and trust name servers",
}
_PREFIX: t.Final = {
    "topic": "log_line_prefix",
    "benchmark": f"{CIS} 17, 3.1.24 ({_PGDSAT})",
    "says": f"time, process, database, user, application and client; {STIG} CD16-00-001300 ({_MITRE}) asks for %m %a %u %d"
    " %r %p, which does as well",
}
_TLS_12: t.Final = {
    "topic": "TLS 1.3",
    "benchmark": f"{CIS} 13 v1.2.0 and 14 v1.2.0, 6.9 ({_TENABLE})",
    "says": "TLS 1.2 is enough",
}
_TLS_13: t.Final = {
    "topic": "TLS 1.3",
    "benchmark": f"{CIS} 17 v1.0.0, 6.9 ({_TENABLE})",
    "says": "TLS 1.3 and nothing older",
}
_TLS_CIS: t.Final = {
    "topic": "TLS 1.3",
    "benchmark": f"{CIS} 13 v1.2.0, 14 v1.2.0 and 17 v1.0.0, 6.9 ({_TENABLE})",
    "says": "TLS 1.2 up to PostgreSQL 16, TLS 1.3 from PostgreSQL 17 on",
}

FOLLOWS: t.Final[t.Mapping[str, tuple[t.Mapping[str, str], ...]]] = {
    "baseline": (_HOSTNAME, _PREFIX, _TLS_12),
    "cis": (_HOSTNAME, _PREFIX, _TLS_CIS),
    "strict": (_HOSTNAME, _PREFIX, _TLS_13),
}
"""Where benchmarks contradict each other, whom each profile follows."""


def cis(*numbers: str) -> tuple[Reference, ...]:
    """Recommendations of CIS 17 by their numbers."""
    return tuple(_BY_NUMBER["17", number] for number in numbers)


def edition(name: str, number: str) -> tuple[Reference, ...]:
    """A recommendation of another edition."""
    return (_BY_NUMBER[name, number],)


def stig(number: str) -> tuple[Reference, ...]:
    """A rule of the STIG."""
    return (_BY_NUMBER[MITRE, number],)
