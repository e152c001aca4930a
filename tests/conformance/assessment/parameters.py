"""The parameters of profiles: values that are worse than those of the profile strict."""

from __future__ import annotations

import typing as t

from ansible_collections.rampart.postgresql.plugins.plugin_utils._profiles.catalogue import CATALOGUE

__all__ = ["SINCE", "WORSE", "WORSE_IN_PLAIN", "named", "wanted"]

SINCE: t.Final = {
    "client_connection_check_interval": 14,
    "log_lock_failures": 18,
    "log_recovery_conflict_waits": 14,
    "md5_password_warnings": 18,
    "ssl_tls13_ciphers": 18,
}
"""The first major version of those that not every server has."""

WORSE: t.Final[t.Mapping[str, str]] = {
    "allow_system_table_mods": "on",
    "authentication_timeout": "120s",
    "client_connection_check_interval": "0",
    "debug_pretty_print": "off",
    "debug_print_parse": "on",
    "debug_print_plan": "on",
    "debug_print_rewritten": "on",
    "ignore_system_indexes": "on",
    "jit_debugging_support": "on",
    "jit_profiling_support": "on",
    "lo_compat_privileges": "on",
    "log_checkpoints": "off",
    "log_connections": "off",
    "log_directory": "log",
    "log_disconnections": "off",
    "log_error_verbosity": "terse",
    "log_file_mode": "0644",
    "log_filename": "server.log",
    "log_hostname": "on",
    "log_line_prefix": "%m ",
    "log_lock_failures": "off",
    "log_lock_waits": "off",
    "log_min_error_statement": "panic",
    "log_min_messages": "panic",
    "log_recovery_conflict_waits": "off",
    "log_replication_commands": "off",
    "log_rotation_age": "0",
    "log_rotation_size": "0",
    "log_statement": "none",
    "log_temp_files": "-1",
    "log_timezone": "Europe/Berlin",
    "log_truncate_on_rotation": "off",
    "logging_collector": "off",
    "md5_password_warnings": "off",
    "password_encryption": "md5",
    "row_security": "off",
    "ssl_ciphers": "HIGH",
    "ssl_groups": "secp384r1",
    "ssl_min_protocol_version": "TLSv1",
    "ssl_prefer_server_ciphers": "off",
    "ssl_tls13_ciphers": "TLS_AES_128_GCM_SHA256",
    "syslog_sequence_numbers": "off",
    "syslog_split_messages": "off",
}
WORSE_IN_PLAIN: t.Final[t.Mapping[str, str]] = {
    "post_auth_delay": "1",  # with few databases, as every session waits
    "pre_auth_delay": "1",
    "ssl": "off",
}

_RENAMED: t.Final = {"ssl_groups": (18, "ssl_ecdh_curve")}


def named(values: t.Mapping[str, str], major: int) -> dict[str, str]:
    """Those that this version has, by the names that it has for them."""
    found = {}
    for name, value in values.items():
        first, older = _RENAMED.get(name, (0, name))
        if SINCE.get(name, 0) <= major:
            found[name if major >= first else older] = value
    return found


def wanted(major: int) -> dict[str, str]:
    """What the profile strict sets of the server itself, and of a library that comes with it."""
    entries = [entry for entries in CATALOGUE.values() for entry in entries if not entry.extension and entry.strict]
    return named({entry.name: _at(entry.strict, major) for entry in entries}, major)


def _at(value: t.Any, major: int) -> str:
    if isinstance(value, str):
        return value
    return str(value[max((first for first in value if int(first) <= major), key=int)])
