# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Of what kind verifiers are, without reading one; private to the collection."""

from __future__ import annotations

import dataclasses
import os
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._server.sql import Literals
from ansible_collections.rampart.postgresql.plugins.module_utils._server.sql import compose

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server

__all__ = ["QUIET", "Passwords", "Stored", "observe", "reported"]

QUIET: t.Mapping[str, str] = {
    "debug_print_parse": "off",
    "debug_print_plan": "off",
    "debug_print_rewritten": "off",
    "log_duration": "off",
    "log_min_duration_sample": "-1",
    "log_min_duration_statement": "-1",
    "log_min_error_statement": "panic",
    "log_statement": "none",
    "log_transaction_sample_rate": "0",
    "track_activities": "off",
    "pg_stat_monitor.pgsm_track_utility": "off",
    "pg_stat_statements.track": "none",
    "pg_stat_statements.track_utility": "off",
    "pgaudit.log": "none",
}
"""Parameters with which the text of a statement stands in no log and no view; those that a server has are set."""

_SALT_LENGTH = 16  # bytes, as PostgreSQL makes them

_KIND = """CASE WHEN a.rolpassword IS NULL THEN 'none'
            WHEN a.rolpassword LIKE 'SCRAM-SHA-256$%' THEN 'scram-sha-256'
            WHEN a.rolpassword ~ '^md5[0-9a-f]{{32}}$' THEN 'md5'
            ELSE 'unknown' END"""

_KINDS = f"""
SELECT a.rolname AS name, {_KIND} AS kind, coalesce(a.rolvaliduntil < pg_catalog.now(), false) AS expired
FROM pg_catalog.pg_authid a
WHERE a.rolcanlogin
ORDER BY a.oid""".format()

# The digest of a verifier tells whether it is the one of a password that is known; nobody logs in with it.
_STORED = f"""
SELECT a.rolname AS name, {_KIND} AS kind,
       (pg_catalog.regexp_match(a.rolpassword, '^SCRAM-SHA-256[$]([0-9]{{{{1,9}}}}):'))[1]::int AS iterations,
       (pg_catalog.regexp_match(a.rolpassword, '^SCRAM-SHA-256[$][0-9]+:([^$]+)[$]'))[1] AS salt,
       pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(a.rolpassword, 'UTF8')), 'hex') AS digest
FROM pg_catalog.pg_authid a
WHERE a.rolname IN ({{names}})
ORDER BY a.oid"""

# Of iterations what counts for everybody: the owner of the database may have given its sessions fewer, or billions.
_CHECKS = """
SELECT pg_catalog.current_setting('shared_preload_libraries') AS libraries,
       pg_catalog.current_setting('credcheck.encrypted_password_allowed', true) AS takes_verifiers,
       (SELECT CASE WHEN s.source NOT IN ('database', 'user', 'database user') THEN s.setting
                    ELSE coalesce((SELECT f.setting FROM pg_catalog.pg_file_settings f
                                   WHERE f.name = s.name AND f.applied), s.boot_val) END::int
        FROM pg_catalog.pg_settings s WHERE s.name = 'scram_iterations') AS iterations"""

_KNOWN = "SELECT s.name FROM pg_catalog.pg_settings s WHERE s.name IN ({names}) ORDER BY s.name"


@dataclasses.dataclass(frozen=True)
class Stored:
    """What is stored for one role that a password was given for."""

    name: str
    kind: str
    iterations: int | None = None
    salt: str | None = None
    digest: str | None = dataclasses.field(default=None, repr=False)


@dataclasses.dataclass(frozen=True)
class Passwords:
    """What the login may see of the passwords of a cluster."""

    kinds: tuple[tuple[str, str], ...] = ()  # name and kind of roles that may log in
    expired: tuple[str, ...] = ()  # roles that may log in, and whose password is not valid any more
    stored: t.Mapping[str, Stored] = dataclasses.field(default_factory=dict)
    salts: t.Mapping[str, bytes] = dataclasses.field(default_factory=dict)  # new ones, as planning makes nothing up
    iterations: int | None = None  # that the server makes verifiers with; None: it has no parameter for them
    settings: tuple[str, ...] = ()  # of those asked for, what the server knows
    refuses_verifiers: bool = False  # an extension wants to see passwords
    own: str = ""  # the login of this run, where it shows a password


def observe(server: Server, names: t.Sequence[str]) -> Passwords | None:
    """None where the login may not look. ``names`` are the roles that a password was given for."""
    session = server.session
    if not session.is_superuser:
        return None
    kinds = session.rows(_KINDS)
    found = Passwords(
        kinds=tuple((row["name"], row["kind"]) for row in kinds),
        expired=tuple(row["name"] for row in kinds if row["expired"]),
    )
    if not names:
        return found
    rows = session.rows(compose(_STORED, names=Literals(tuple(names))))
    checks = session.rows(_CHECKS)[0]
    return dataclasses.replace(
        found,
        stored={row["name"]: Stored(**row) for row in rows},
        salts={name: os.urandom(_SALT_LENGTH) for name in names},
        iterations=checks["iterations"],
        own="" if server.options.password is None else session.login,
        settings=tuple(row["name"] for row in session.rows(compose(_KNOWN, names=Literals(tuple(QUIET))))),
        refuses_verifiers="credcheck" in _libraries(checks["libraries"]) and checks["takes_verifiers"] != "on",
    )


def reported(passwords: Passwords, md5_rules: bool) -> dict[str, t.Any]:
    """The state of all passwords, as the module returns it."""
    by_kind: dict[str, list[str]] = {"md5": [], "none": [], "scram-sha-256": [], "unknown": []}
    for name, kind in passwords.kinds:
        by_kind[kind].append(name)
    return {
        "scram": len(by_kind["scram-sha-256"]),
        "md5": by_kind["md5"],
        "none": by_kind["none"],
        "unknown": by_kind["unknown"],
        "expired": list(passwords.expired),
        "md5_rules": md5_rules,
        "next": _next(by_kind["md5"], md5_rules),
    }


def _next(md5: t.Sequence[str], md5_rules: bool) -> str:
    """The stage of the way from md5 to SCRAM."""
    if md5:
        return "change passwords"
    return "tighten rules" if md5_rules else "done"


def _libraries(value: str) -> list[str]:
    names = (part.strip().strip('"') for part in value.split(","))
    return [os.path.basename(name).partition(".")[0] for name in names]
