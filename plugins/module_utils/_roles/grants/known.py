# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What amounts to SUPERUSER without being called so; private to the collection."""

from __future__ import annotations

import typing as t

__all__ = ["BUILT_IN", "CREATEROLE_LIMITED", "MEMBERSHIPS", "PARAMETERS", "READS_VERIFIERS"]

READS_VERIFIERS = "pg_read_all_data"
"""From 14 on. It reads the verifiers in pg_authid, and one of kind md5 is as good as the password."""

MEMBERSHIPS: t.Mapping[str, str] = {
    "pg_execute_server_program": "runs programs as the account of the server",
    "pg_read_server_files": "reads every file of the server, verifiers among them",
    "pg_write_server_files": "writes every file of the server",
    READS_VERIFIERS: "reads verifiers, and one of kind md5 is as good as the password",
}
"""Predefined roles, and what their members do."""

BUILT_IN: t.Mapping[str, tuple[str, ...]] = {
    "pg_monitor": ("pg_read_all_settings", "pg_read_all_stats", "pg_stat_scan_tables"),
}
"""Predefined roles, and what PostgreSQL itself makes them members of."""

PARAMETERS = (
    "allow_system_table_mods",
    "archive_cleanup_command",
    "archive_command",
    "archive_library",
    "config_file",
    "data_directory",
    "dynamic_library_path",
    "extension_control_path",
    "external_pid_file",
    "hba_file",
    "ident_file",
    "jit_provider",
    "krb_server_keyfile",
    "local_preload_libraries",
    "log_directory",
    "log_filename",
    "oauth_validator_libraries",
    "output_plugin_libraries",
    "plperl.on_init",
    "plperl.on_plperlu_init",
    "primary_conninfo",
    "recovery_end_command",
    "restore_command",
    "session_preload_libraries",
    "shared_preload_libraries",
    "ssl_ca_file",
    "ssl_passphrase_command",
    "unix_socket_directories",
)
"""Parameters with which a role runs a program or a library in the server, changes catalogues or lets itself in.

With the name of the log it writes lines of its own into any file of the server's account, such as authorized_keys.
"""

CREATEROLE_LIMITED = 16
"""The first major version in which CREATEROLE grants no more than the role may pass on."""
