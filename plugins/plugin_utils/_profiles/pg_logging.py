# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the server writes into its log: what each profile sets; private to the collection."""

from __future__ import annotations

from ansible_collections.rampart.postgresql.plugins.plugin_utils._profiles.model import ProfileParameter
from ansible_collections.rampart.postgresql.plugins.plugin_utils._profiles.model import Reference

__all__ = ["PARAMETERS"]

# Time in milliseconds, process, then who, where, with what and from where.
_PREFIX = "%m [%p]: db=%d,user=%u,app=%a,client=%h "


def _cis(number: str) -> Reference:
    return Reference(f"CIS {number}", "pgdsat 2.0")


# A place of the cluster's own, outside the data directory and out of the way of the distribution's log rotation.
_DIRECTORY = "/var/log/postgresql/{cluster}"

PARAMETERS: tuple[ProfileParameter, ...] = (
    ProfileParameter(
        name="logging_collector",
        reason="A log that goes nowhere is none; auto switches it on where nothing else keeps what the server writes.",
        baseline="auto",
        cis="on",
        strict="on",
        reference=_cis("3.1.3"),
        cost="a restart, once; under a flood of messages sessions wait for the collector instead of losing lines",
    ),
    ProfileParameter(
        name="log_directory",
        reason="The log outlives the data directory, fills another file system, and is for the owner of the cluster only.",
        baseline=None,
        cis=_DIRECTORY,
        strict=_DIRECTORY,
        reference=_cis("3.1.4"),
        cost="log readers and log rotation of the distribution look elsewhere and must be told",
    ),
    ProfileParameter(
        name="log_line_prefix",
        reason="A line that does not say who did it, in which database and from where is no evidence.",
        baseline=_PREFIX,
        cis=_PREFIX,
        strict=_PREFIX,
        reference=_cis("3.1.24"),
        cost="longer lines; readers that expect the old prefix must be told",
    ),
    ProfileParameter(
        name="log_connections",
        reason="Who tried to log in, from where, and with what success.",
        baseline="on",
        cis="on",
        strict="on",
        reference=_cis("3.1.20 and 6.2"),
        cost="two or three lines for each connection",
    ),
    ProfileParameter(
        name="log_disconnections",
        reason="How long a session lasted.",
        baseline="on",
        cis="on",
        strict="on",
        reference=_cis("3.1.21 and 6.2"),
        cost="one line for each connection",
    ),
    ProfileParameter(
        name="log_statement",
        reason="Changes of the schema and of roles leave a trace.",
        baseline="ddl",
        cis="ddl",
        strict="all",
        reference=_cis("3.1.25"),
        cost="a line for each such statement, as it was sent: a password in CREATE ROLE included; all can multiply the log",
    ),
    ProfileParameter(
        name="log_file_mode",
        reason="The log holds statements and sometimes secrets: for the server's owner only.",
        baseline="0600",
        cis="0600",
        strict="0600",
        reference=_cis("3.1.6"),
        cost="log readers need the rights of the owner; concerns files of the logging collector",
    ),
    ProfileParameter(
        name="log_filename",
        reason="A new name for each file, so that rotation never overwrites.",
        baseline=None,
        cis="postgresql-%Y-%m-%d_%H%M%S.log",
        strict="postgresql-%Y-%m-%d_%H%M%S.log",
        reference=_cis("3.1.5"),
        cost="old files stay until somebody removes them",
    ),
    ProfileParameter(
        name="log_truncate_on_rotation",
        reason="A file name that comes back starts afresh instead of growing for ever.",
        baseline=None,
        cis="on",
        strict="on",
        reference=_cis("3.1.7"),
        cost="with a name that repeats, the old content is gone",
    ),
    ProfileParameter(
        name="log_rotation_age",
        reason="A log file covers a day at most.",
        baseline="1d",
        cis="1d",
        strict="1d",
        reference=_cis("3.1.8"),
    ),
    ProfileParameter(
        name="log_rotation_size",
        reason="No log file grows without bounds.",
        baseline="100MB",
        cis="100MB",
        strict="100MB",
        reference=_cis("3.1.9"),
    ),
    ProfileParameter(
        name="syslog_sequence_numbers",
        reason="Repeated lines are not dropped by syslog.",
        baseline="on",
        cis="on",
        strict="on",
        reference=_cis("3.1.11"),
    ),
    ProfileParameter(
        name="syslog_split_messages",
        reason="Long lines are not cut by syslog.",
        baseline="on",
        cis="on",
        strict="on",
        reference=_cis("3.1.12"),
    ),
    ProfileParameter(
        name="log_min_messages",
        reason="Warnings and worse reach the log.",
        baseline="warning",
        cis="warning",
        strict="warning",
        reference=_cis("3.1.14"),
    ),
    ProfileParameter(
        name="log_min_error_statement",
        reason="An error is logged with the statement that caused it.",
        baseline="error",
        cis="error",
        strict="error",
        reference=_cis("3.1.15"),
        cost="failed statements appear as they were sent",
    ),
    ProfileParameter(
        name="debug_print_parse",
        reason="Parse trees in the log hide what matters and hold the data of statements.",
        baseline="off",
        cis="off",
        strict="off",
        reference=_cis("3.1.16"),
    ),
    ProfileParameter(
        name="debug_print_rewritten",
        reason="As for debug_print_parse.",
        baseline="off",
        cis="off",
        strict="off",
        reference=_cis("3.1.17"),
    ),
    ProfileParameter(
        name="debug_print_plan",
        reason="As for debug_print_parse.",
        baseline="off",
        cis="off",
        strict="off",
        reference=_cis("3.1.18"),
    ),
    ProfileParameter(
        name="debug_pretty_print",
        reason="What a developer switches on for a session stays readable.",
        baseline=None,
        cis="on",
        strict="on",
        reference=_cis("3.1.19"),
    ),
    ProfileParameter(
        name="log_error_verbosity",
        reason="Errors with their SQLSTATE and the place in the server's source.",
        baseline=None,
        cis="verbose",
        strict="verbose",
        reference=_cis("3.1.22"),
        cost="one more line for each error",
    ),
    ProfileParameter(
        name="log_hostname",
        reason="Addresses are evidence, names are what somebody's name server says, and looking them up takes time.",
        baseline="off",
        cis="off",
        strict="off",
        reference=_cis("3.1.23"),
    ),
    ProfileParameter(
        name="log_timezone",
        reason="One time for all hosts, without a summer hour that comes twice.",
        baseline=None,
        cis="UTC",
        strict="UTC",
        reference=_cis("3.1.26"),
        cost="readers that expect local time must be told",
    ),
    ProfileParameter(
        name="log_checkpoints",
        reason="Checkpoints, and with them unusual amounts of writing, leave a trace.",
        baseline="on",
        cis="on",
        strict="on",
        cost="one or two lines for each checkpoint",
    ),
    ProfileParameter(
        name="log_lock_waits",
        reason="A session that blocks others is seen.",
        baseline="on",
        cis="on",
        strict="on",
        cost="a line for each wait longer than deadlock_timeout",
    ),
    ProfileParameter(
        name="log_lock_failures",
        reason="So are statements that gave up waiting for a lock.",
        baseline=None,
        cis=None,
        strict="on",
        cost="a line for each failed NOWAIT",
        optional=True,
    ),
    ProfileParameter(
        name="log_temp_files",
        reason="A query that sorts or joins on disk, by mistake or to fill it, is seen.",
        baseline=None,
        cis=None,
        strict="0",
        cost="a line for each temporary file",
    ),
    ProfileParameter(
        name="log_recovery_conflict_waits",
        reason="On a standby, who holds back the replay is seen.",
        baseline=None,
        cis=None,
        strict="on",
        cost="a line for each wait longer than deadlock_timeout",
        optional=True,
    ),
    ProfileParameter(
        name="log_replication_commands",
        reason="Who copies the whole cluster is seen.",
        baseline="on",
        cis="on",
        strict="on",
        reference=_cis("7.2"),
        cost="some lines for each base backup and each connection of a standby",
    ),
    ProfileParameter(
        name="pgaudit.log",
        reason="Changes of structure, roles and data leave entries that name the object, whatever statement made them.",
        baseline=None,
        cis="ddl, role, write",
        strict="ddl, role, write",
        reference=_cis("3.2"),
        cost="an entry for each such statement, each INSERT, UPDATE and DELETE included; some time for each of them",
        library="pgaudit",
        extension="pgaudit",
    ),
)
