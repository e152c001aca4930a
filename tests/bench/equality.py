# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Did both sides reach the same? The servers say so themselves."""

from __future__ import annotations

import difflib
import typing as t

from ansible_collections.rampart.postgresql.tests.bench.hosts import BenchmarkError
from ansible_collections.rampart.postgresql.tests.bench.hosts import Host

__all__ = ["check", "fingerprint"]

# The parameters of peer.yml. Left out: the names of the certificate's files, where each side has its own, and
# ssl_ca_file, which the peer points at the certificate itself.
_PARAMETERS: t.Final = (
    "auth_delay.milliseconds",
    "authentication_timeout",
    "debug_print_parse",
    "debug_print_plan",
    "debug_print_rewritten",
    "listen_addresses",
    "log_checkpoints",
    "log_connections",
    "log_destination",
    "log_disconnections",
    "log_error_verbosity",
    "log_file_mode",
    "log_hostname",
    "log_line_prefix",
    "log_min_error_statement",
    "log_rotation_age",
    "log_rotation_size",
    "log_statement",
    "log_truncate_on_rotation",
    "logging_collector",
    "max_connections",
    "password_encryption",
    "shared_preload_libraries",
    "ssl",
    "ssl_ciphers",
    "ssl_min_protocol_version",
    "ssl_prefer_server_ciphers",
)

# The rules without their order: the peer's module sorts them. One of ours tells which file is loaded, and nothing else.
_QUESTION: t.Final = f"""
SELECT 'waiting for a restart', count(*) FROM pg_settings WHERE pending_restart;
SELECT 'parameter', name, setting FROM pg_settings
 WHERE name = ANY ('{{{",".join(_PARAMETERS)}}}') ORDER BY name;
SELECT 'rule', type, database, user_name, address, netmask, auth_method, options, error
  FROM pg_hba_file_rules WHERE coalesce(database[1], '') NOT LIKE 'rampart:%' ORDER BY 1, 2, 3, 4, 5;
SELECT 'role', rolname, rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls, rolcanlogin
  FROM pg_roles WHERE rolname !~ '^pg_' ORDER BY rolname;
SELECT 'member', roleid::regrole, member::regrole FROM pg_auth_members ORDER BY 2, 3;
"""
_DATABASES: t.Final = ("postgres", "template1", "appdb")
_QUESTION_IN_EACH: t.Final = """
SELECT 'schema', current_database(), nspname, grantee, privilege_type, is_grantable
  FROM pg_namespace, aclexplode(coalesce(nspacl, acldefault('n', nspowner)))
 WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' ORDER BY 3, 4, 5, 6;
"""


def fingerprint(host: Host) -> str:
    """What the running server says of its parameters, rules and roles, and of the schemas of each database."""
    return host.query(_QUESTION + "".join(f"\\c {name}\n{_QUESTION_IN_EACH}" for name in _DATABASES))


def check(ours: t.Sequence[Host], peer: t.Sequence[Host]) -> None:
    """All hosts of both sides must give the same answer."""
    answers = {host.name: fingerprint(host).splitlines() for host in (*ours, *peer)}
    wanted = answers[peer[0].name]
    if len(wanted) < len(_PARAMETERS) + 2 + len(_DATABASES):
        raise BenchmarkError(f"the server of the peer answered too little: {wanted}")
    for name, answer in answers.items():
        if answer != wanted:
            difference = difflib.unified_diff(wanted, answer, peer[0].name, name, lineterm="", n=0)
            raise BenchmarkError("\n".join(["the sides differ, so there is nothing to compare:", *difference]))
