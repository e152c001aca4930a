# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Controls of authentication: methods, passwords, and where passwords lie about; private to the collection."""

from __future__ import annotations

import functools
import typing as t

from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.benchmarks import cis
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.benchmarks import edition
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.catalogue.shared import RULES
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.catalogue.shared import not_trusted
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.catalogue.shared import parameter
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.model import Applies
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.model import Control
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.model import Fix

__all__ = ["AUTHENTICATION"]

_RULE: t.Final = "{line: line, file: file, rule: text}"
_FINDING: t.Final = "{code: code, line: line, file: file, message: message}"
_NEW_PASSWORDS: t.Final = Fix(
    "pg_access", "pg_access_passwords", '{ROLE: "{{ vault_password_of_role }}"}  # it is stored as SCRAM-SHA-256'
)

_authentication = functools.partial(Control, area="authentication")
_parameter = functools.partial(parameter, area="authentication")

AUTHENTICATION: tuple[Control, ...] = (
    _authentication(
        id="RPG-AUT-001",
        title="Nobody gets in over TCP without proof",
        severity="critical",
        rationale="With trust whoever has the address is whoever he says.",
        expression=f"hba.rules[?reachable && method == 'trust' && type != 'local' && !(options.clientcert == 'verify-full')].{_RULE}",
        fix=RULES,
        references=cis("5.4"),
    ),
    _authentication(
        id="RPG-AUT-002",
        title="Nobody gets in through the Unix socket without proof",
        severity="high",
        rationale="With trust every account of the host is every role, superusers included; peer asks the kernel.",
        expression=f"hba.rules[?reachable && method == 'trust' && type == 'local'].{_RULE}",
        fix=RULES,
        references=cis("5.3"),
    ),
    _authentication(
        id="RPG-AUT-003",
        title="No rule asks for passwords in clear text",
        severity="high",
        rationale="Whoever listens, or is the server for a moment, has the password itself.",
        expression=f"hba.rules[?reachable && method == 'password'].{_RULE}",
        fix=RULES,
        references=cis("5.3", "5.4"),
    ),
    _authentication(
        id="RPG-AUT-004",
        title="Passwords that another service checks travel encrypted",
        severity="high",
        rationale="ldap, pam, bsd and radius ask for the password itself; without TLS the network reads it.",
        expression=f"hba.findings[?code == 'cleartext-password'].{_FINDING}",
        fix=RULES,
        references=cis("5.4"),
    ),
    _authentication(
        id="RPG-AUT-005",
        title="No rule takes md5",
        severity="medium",
        rationale="A stolen md5 verifier logs in as it is, and can be guessed quickly.",
        expression=f"hba.rules[?reachable && method == 'md5'].{_RULE}",
        fix=RULES,
        references=cis("5.3", "5.4"),
    ),
    _authentication(
        id="RPG-AUT-006",
        title="No rule believes the ident service of another host",
        severity="high",
        rationale="The answer is what the client's host says; whoever has that host is everybody on it.",
        expression=f"hba.rules[?reachable && method == 'ident' && type != 'local'].{_RULE}",
        fix=RULES,
        references=cis("5.4"),
    ),
    _authentication(
        id="RPG-AUT-007",
        title="No password is stored as md5",
        severity="high",
        rationale="Under a rule for md5 the verifier is as good as the password, and it is unsalted but for the name.",
        expression="roles[?verifier == 'md5'].{role: name, login: login, superuser: superuser}",
        needs=("verifiers",),
        fix=_NEW_PASSWORDS,
    ),
    _authentication(
        id="RPG-AUT-008",
        title="Roles that log in have a password",
        severity="low",
        rationale="One without a password is let in by peer, cert or another service only; waive it where that is meant.",
        expression="roles[?login && verifier == 'none'].{role: name, superuser: superuser}",
        needs=("verifiers",),
        fix=_NEW_PASSWORDS,
        references=edition("13 v1.3.0", "4.10"),
    ),
    _authentication(
        id="RPG-AUT-009",
        title="New passwords are judged",
        severity="medium",
        rationale=(
            "Without passwordcheck or credcheck any password will do, and credcheck takes nearly any until"
            " credcheck.password_min_length is 8 or more. Neither can judge one that comes hashed."
        ),
        expression=(
            "!(contains(preloaded, 'passwordcheck') || (contains(preloaded, 'credcheck') && to_number(settings"
            ".\"credcheck.password_min_length\".setting) >= `8`)) && ['no library judges passwords by its settings']"
        ),
        evidence="preloaded",
        fix=Fix("pg_authentication", "pg_authentication_password_check", "auto"),
        references=cis("5.6"),
    ),
    _authentication(
        id="RPG-AUT-010",
        title="New verifiers are expensive to guess",
        severity="medium",
        rationale="Fewer iterations than the server's own default of 4096 make stolen verifiers quick to try.",
        expression="[settings.scram_iterations][?to_number(setting) < `4096`].{name: 'scram_iterations', setting: setting}",
        evidence="settings.scram_iterations.setting",
        applies=Applies(first=16),
        fix=Fix("pg_authentication", "pg_authentication_scram_iterations", "4096"),
    ),
    _authentication(
        id="RPG-AUT-011",
        title="pg_hba.conf holds no secrets",
        severity="medium",
        rationale="Passwords for LDAP and secrets of RADIUS stand there in clear, and a view shows them to superusers.",
        expression=f"hba.rules[?options.ldapbindpasswd || options.radiussecrets].{_RULE}",
        fix=RULES,
    ),
    _authentication(
        id="RPG-AUT-012",
        title="No profile of the owner sets PGPASSWORD",
        severity="high",
        rationale="A password in a profile is in every backup of the home directory and in the environment of every program.",
        expression="host.account.pgpassword_in[].{path: @}",
        references=cis("1.6"),
    ),
    _authentication(
        id="RPG-AUT-013",
        title="No program of the owner has PGPASSWORD in its environment",
        severity="high",
        rationale="Other programs of the account, and root, read it from the process.",
        expression="(host.account.pgpassword_in_environment && ['PGPASSWORD is in an environment']) || `[]`",
        references=cis("1.7"),
    ),
    _authentication(
        id="RPG-AUT-014",
        title="Service files hold no passwords",
        severity="high",
        rationale="pg_service.conf may be read by many, and no client refuses it for its mode as it does with a password file.",
        expression="host.account.password_in_service_file[].{path: @}",
        references=cis("2.4"),
    ),
    _authentication(
        id="RPG-AUT-015",
        title="Password files are for their owner only",
        severity="high",
        rationale="One with more rights is ignored by clients, and read by whoever may.",
        expression=not_trusted("passfile", "readable_by_others || writable_by_others || writable_by_group"),
        fix=Fix("pg_os", "pg_os_account", "postgres"),
    ),
    _authentication(
        id="RPG-AUT-016",
        title="Passwords are not on command lines",
        severity="medium",
        rationale="Every account of the host sees command lines, and shells keep them in their history.",
        manual=(
            "Look through the histories of shells, timers, units and crontabs of everybody who uses the server for connection"
            " strings with a password in them."
        ),
        references=cis("5.1"),
    ),
    _authentication(
        id="RPG-AUT-027",
        title="Passwords are not in the log and not in statistics",
        severity="medium",
        rationale=(
            "log_statement, log_min_error_statement, pgAudit and pg_stat_statements keep a statement that sets a password as it was"
            " sent: with the password, or with a verifier that guesses can be tried on."
        ),
        manual=(
            "Look who reads the log and, as a member of pg_read_all_stats, the statistics. Set passwords by psql's command password,"
            " which sends a verifier, or by pg_access, which logs nothing of it."
        ),
    ),
    _authentication(
        id="RPG-AUT-026",
        title="Stored verifiers are known ones, and expensive to guess",
        severity="medium",
        rationale="A password that comes hashed is stored as it is: with one iteration, whatever scram_iterations says.",
        expression=(
            "roles[?verifier == 'unknown' || iterations < `4096`]"
            ".{role: name, login: login, verifier: verifier, iterations: iterations}"
        ),
        needs=("verifiers",),
        fix=_NEW_PASSWORDS,
    ),
    _parameter("RPG-AUT-017", "password_encryption", "high", "New passwords are stored as SCRAM-SHA-256", cis("5.6")),
    _parameter("RPG-AUT-018", "authentication_timeout", "low", "Log-ins that are not finished are ended"),
    _parameter("RPG-AUT-019", "auth_delay.milliseconds", "medium", "A failed log-in is answered late"),
    _parameter("RPG-AUT-020", "md5_password_warnings", "low", "Whoever sets an md5 password is warned"),
    _parameter("RPG-AUT-021", "pre_auth_delay", "low", "Log-ins are not stalled for developers"),
    _parameter("RPG-AUT-022", "post_auth_delay", "low", "Sessions are not stalled for developers", cis("6.2")),
    _parameter("RPG-AUT-023", "ignore_system_indexes", "low", "Indexes of the catalogue are used", cis("6.2")),
    _parameter("RPG-AUT-024", "jit_debugging_support", "low", "Compiled code is not given to debuggers", cis("6.2")),
    _parameter("RPG-AUT-025", "jit_profiling_support", "low", "Compiled code is not given to profilers", cis("6.2")),
)
