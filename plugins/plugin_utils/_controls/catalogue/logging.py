# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Controls of logging: what the server writes down, and who can read it; private to the collection."""

from __future__ import annotations

import functools

from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.benchmarks import cis
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.benchmarks import stig
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.catalogue.shared import LOOSE_PROFILE
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.catalogue.shared import ONLY_STRICTER
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.catalogue.shared import parameter
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.model import Applies
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.model import Control
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.model import Fix

__all__ = ["LOGGING"]

_SYSLOG = Applies(
    condition="contains(settings.log_destination.setting, 'syslog')", reason="The log does not go to syslog."
)

_logging = functools.partial(Control, area="logging")
_parameter = functools.partial(parameter, area="logging")

LOGGING: tuple[Control, ...] = (
    _logging(
        id="RPG-LOG-001",
        title="The log goes somewhere",
        severity="high",
        rationale="Without a destination nobody learns of anything.",
        expression="[settings.log_destination][?setting == ''].{name: 'log_destination', setting: setting}",
        evidence="settings.log_destination.setting",
        fix=Fix("pg_logging", "pg_logging_destinations", "[stderr]"),
        references=cis("3.1.2"),
    ),
    _logging(
        id="RPG-LOG-002",
        title="The syslog facility is the one that the site collects",
        severity="low",
        rationale="Entries of another facility end in another file, or nowhere.",
        evidence="settings.syslog_facility.setting",
        manual="Compare syslog_facility with what the syslog daemon of the host collects.",
        applies=_SYSLOG,
        fix=Fix("pg_logging", "pg_logging_syslog_facility", "local0"),
        references=cis("3.1.10"),
    ),
    _logging(
        id="RPG-LOG-003",
        title="The name in syslog tells the clusters apart",
        severity="low",
        rationale="With the same name on every cluster nobody knows which one an entry is from.",
        evidence="settings.syslog_ident.setting",
        manual="Compare syslog_ident with those of other clusters that write to the same syslog.",
        applies=_SYSLOG,
        fix=Fix("pg_logging", "pg_logging_syslog_ident", "'postgres-{cluster}'"),
        references=cis("3.1.13"),
    ),
    _logging(
        id="RPG-LOG-004",
        title="The log is for the owner of the server",
        severity="high",
        rationale="It holds statements, with the data and sometimes the passwords in them.",
        expression=(
            "files[?exists && ((what == 'log_file' && (readable_by_others || writable_by_others || writable_by_group)) ||"
            " (what == 'log_directory' && writable_by_others))].{path: path, owner: owner, group: group, mode: mode}"
        ),
        fix=Fix("pg_logging", "pg_logging_directory", "/var/log/postgresql/{cluster}"),
        references=cis("3.1.6"),
    ),
    _logging(
        id="RPG-LOG-005",
        title="pgAudit is loaded",
        severity="medium",
        rationale="The server's own log has statements as they were sent; pgAudit names the objects that they touched.",
        expression="!contains(preloaded, 'pgaudit') && ['pgaudit is not in shared_preload_libraries']",
        evidence="preloaded",
        applies=Applies(condition=ONLY_STRICTER, reason=LOOSE_PROFILE),
        fix=Fix("pg_logging", "pg_logging_audit", "always"),
        references=cis("3.2"),
    ),
    _parameter("RPG-LOG-006", "logging_collector", "high", "The server collects its log", cis("3.1.3")),
    _parameter("RPG-LOG-007", "log_directory", "medium", "The log has a directory of its own", cis("3.1.4")),
    _parameter(
        "RPG-LOG-008",
        "log_line_prefix",
        "medium",
        "Every line says when, who, where and from where",
        cis("3.1.24"),
        stig("CD16-00-001300"),
    ),
    _parameter("RPG-LOG-009", "log_connections", "medium", "Log-ins are logged", cis("3.1.20", "6.2")),
    _parameter("RPG-LOG-010", "log_disconnections", "low", "Ends of sessions are logged", cis("3.1.21", "6.2")),
    _parameter("RPG-LOG-011", "log_statement", "medium", "Changes of the schema are logged", cis("3.1.25")),
    _parameter("RPG-LOG-012", "log_file_mode", "high", "New log files are for their owner", cis("3.1.6")),
    _parameter("RPG-LOG-013", "log_filename", "low", "Log files have names of their own", cis("3.1.5")),
    _parameter("RPG-LOG-014", "log_truncate_on_rotation", "low", "Files that come back start afresh", cis("3.1.7")),
    _parameter("RPG-LOG-015", "log_rotation_age", "low", "Log files have an age", cis("3.1.8")),
    _parameter("RPG-LOG-016", "log_rotation_size", "low", "Log files have a size", cis("3.1.9")),
    _parameter("RPG-LOG-017", "syslog_sequence_numbers", "low", "Syslog drops no repeated lines", cis("3.1.11")),
    _parameter("RPG-LOG-018", "syslog_split_messages", "low", "Syslog cuts no long lines", cis("3.1.12")),
    _parameter("RPG-LOG-019", "log_min_messages", "medium", "Warnings reach the log", cis("3.1.14")),
    _parameter(
        "RPG-LOG-020", "log_min_error_statement", "medium", "Errors are logged with their statement", cis("3.1.15")
    ),
    _parameter("RPG-LOG-021", "debug_print_parse", "low", "Parse trees are not logged", cis("3.1.16")),
    _parameter("RPG-LOG-022", "debug_print_rewritten", "low", "Rewritten queries are not logged", cis("3.1.17")),
    _parameter("RPG-LOG-023", "debug_print_plan", "low", "Plans are not logged", cis("3.1.18")),
    _parameter("RPG-LOG-024", "debug_pretty_print", "low", "Debugging output is readable", cis("3.1.19")),
    _parameter("RPG-LOG-025", "log_error_verbosity", "low", "Errors are logged in full", cis("3.1.22")),
    _parameter(
        "RPG-LOG-026", "log_hostname", "low", "Addresses are logged, not names", cis("3.1.23"), stig("CD16-00-001300")
    ),
    _parameter("RPG-LOG-027", "log_timezone", "low", "All logs have one clock", cis("3.1.26")),
    _parameter("RPG-LOG-028", "log_checkpoints", "low", "Checkpoints are logged"),
    _parameter("RPG-LOG-029", "log_lock_waits", "low", "Long waits for locks are logged"),
    _parameter("RPG-LOG-030", "log_lock_failures", "low", "Locks that could not be had are logged"),
    _parameter("RPG-LOG-031", "log_temp_files", "low", "Temporary files are logged"),
    _parameter("RPG-LOG-032", "log_recovery_conflict_waits", "low", "What holds back the replay is logged"),
    _parameter("RPG-LOG-033", "log_replication_commands", "medium", "Commands of replication are logged", cis("7.2")),
    _parameter("RPG-LOG-034", "pgaudit.log", "medium", "Changes leave entries of pgAudit", cis("3.2")),
)
