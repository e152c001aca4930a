"""For every control about something else than a parameter of a profile, what makes it fail, and what it then says."""

from __future__ import annotations

import typing as t

from ansible_collections.rampart.postgresql.tests.unit.plugins.plugin_utils._controls.hardened import NOW

__all__ = ["BAD_VALUES", "CASES"]

Patch = tuple[str, t.Any]

_DAY = 86400
_ROLE = {
    "oid": 17000,
    "name": "eve",
    "superuser": False,
    "createrole": False,
    "createdb": False,
    "login": True,
    "replication": False,
    "bypassrls": False,
    "connection_limit": 3,
    "valid_until": None,
    "verifier": "scram-sha-256",
}
_RULE = {
    "number": 9,
    "file": "/etc/pg_hba.conf",
    "line": 9,
    "type": "hostssl",
    "databases": ["app"],
    "users": ["app"],
    "address": "192.0.2.0/24",
    "method": "scram-sha-256",
    "options": {},
    "text": "the line",
    "reachable": True,
    "shadowed_by": [],
}
_FUNCTION = {
    "database": "app",
    "schema": "public",
    "function": "f()",
    "owner": "postgres",
    "owner_superuser": True,
    "search_path": None,
    "search_path_safe": True,
    "public_execute": False,
    "extension": None,
    "language": "sql",
}
_GRANT = {"database": "app", "object": "t", "owner": "app", "privileges": ["SELECT"], "builtin": False}
_TABLE = {"database": "app", "schema": "public", "table": "t", "owner": "app", "policies": 1}
_SUBSCRIPTION = {
    "database": "app",
    "name": "s",
    "owner": "app",
    "owner_superuser": False,
    "enabled": True,
    "password_in_conninfo": False,
    "sslmode": "verify-full",
}
_JOB = "backups/jobs/0"


def _role(**more: t.Any) -> Patch:
    return ("roles/+", {**_ROLE, **more})


def _rule(**more: t.Any) -> Patch:
    return ("hba/rules/+", {**_RULE, **more})


def _finding(code: str) -> Patch:
    return ("hba/findings/+", {"code": code, "severity": "high", "message": "it is so", "file": "f", "line": 9})


def _setting(name: str, value: str) -> Patch:
    return (f"settings/{name}/setting", value)


def _member(of: str) -> tuple[Patch, Patch]:
    return (_role(), ("memberships/+", {"role": of, "member": "eve", "grantor": "postgres", "admin_option": False}))


def _file(number: int, right: str) -> Patch:
    return (f"files/{number}/{right}", True)


def _certificate(**more: t.Any) -> tuple[Patch, ...]:
    return tuple((f"certificates/0/{name}", value) for name, value in more.items())


def _problem(code: str, severity: str) -> tuple[Patch, ...]:
    return _certificate(problems=[{"code": code, "severity": severity, "message": ""}])


def _major(major: int) -> tuple[Patch, Patch]:
    return (("major", major), ("version", major * 10000 + 9))


CASES: dict[str, tuple[Patch, ...]] = {
    "RPG-NET-001": (_setting("listen_addresses", "*"),),
    "RPG-NET-002": (_rule(address="0.0.0.0/0"),),
    "RPG-NET-003": (_rule(address="10.0.0.0/8"),),
    "RPG-NET-004": (_finding("superuser-remote"),),
    "RPG-NET-005": (_rule(any_database=True, any_user=True),),
    "RPG-NET-006": (_finding("unreachable"),),
    "RPG-NET-007": (_finding("rejected"),),
    "RPG-NET-008": (_finding("short-address"),),
    "RPG-NET-009": (_rule(address="all", databases=["replication"]),),
    "RPG-NET-010": (("ident/findings/+", {"code": "unused", "line": 1, "file": "f", "message": "it is so"}),),
    "RPG-NET-011": (("ident/mappings/+", {"map": "m", "system_user": "x", "every_role": True, "line": 1}),),
    "RPG-NET-012": (_setting("unix_socket_permissions", "0777"),),
    "RPG-NET-013": (_file(5, "writable_by_others"),),
    "RPG-NET-014": (_setting("superuser_reserved_connections", "0"),),
    "RPG-NET-015": (_setting("idle_in_transaction_session_timeout", "0"),),
    "RPG-NET-017": (_finding("stale"),),
    "RPG-ACC-001": (("schemas/0/public_create", True),),
    "RPG-ACC-002": (("schemas/+", {"database": "app", "schema": "s", "owner": "app", "public_create": True}),),
    "RPG-ACC-003": (("databases/0/connect", ["app", "public"]),),
    "RPG-ACC-004": (("public_privileges/+", {**_GRANT, "kind": "table"}),),
    "RPG-ACC-005": (("public_privileges/+", {**_GRANT, "kind": "function"}),),
    "RPG-ACC-006": (("default_privileges/+", {"database": "app", "role": "app", "schema": None, "grantee": "public"}),),
    "RPG-ACC-008": (("row_security/+", {**_TABLE, "enabled": False, "forced": False}),),
    "RPG-ACC-009": (("row_security/+", {**_TABLE, "enabled": True, "forced": False}),),
    "RPG-ACC-011": (_role(connection_limit=-1),),
    "RPG-ACC-013": (("extensions", {"app": []}),),
    "RPG-ACC-101": (_role(superuser=True),),
    "RPG-ACC-102": (_role(createrole=True), *_major(15)),
    "RPG-ACC-103": (_role(createrole=True),),
    "RPG-ACC-104": (_role(bypassrls=True),),
    "RPG-ACC-105": (_role(createdb=True),),
    "RPG-ACC-106": (("replication/senders/0/role", "postgres"),),
    "RPG-ACC-107": (_setting("wal_level", "logical"), ("settings/output_plugin_libraries", None)),
    "RPG-ACC-108": _member("pg_execute_server_program"),
    "RPG-ACC-109": _member("pg_write_server_files"),
    "RPG-ACC-110": _member("pg_read_server_files"),
    "RPG-ACC-111": _member("postgres"),
    "RPG-ACC-123": (
        (
            "catalogue_privileges/+",
            {"database": "app", "kind": "function", "object": "lo_import(text)", "grantee": "eve"},
        ),
    ),
    "RPG-PLT-030": (("configuration_findings/+", {"code": "rejected", "name": "x", "message": "unknown"}),),
    "RPG-AUT-026": (_role(iterations=1),),
    "RPG-ACC-112": (*_member("pg_read_all_data"), ("roles/0/verifier", "md5")),
    "RPG-ACC-113": (("parameter_privileges/+", {"parameter": "archive_command", "grantee": "eve"}),),
    "RPG-ACC-114": (("parameter_privileges/+", {"parameter": "log_statement", "grantee": "eve"}),),
    "RPG-ACC-115": (("languages/+", {"database": "app", "language": "plpython3u", "trusted": False, "owner": "x"}),),
    "RPG-ACC-116": (("definer_functions/+", {**_FUNCTION, "search_path_safe": False}),),
    "RPG-ACC-117": (("definer_functions/+", {**_FUNCTION, "owner_superuser": False, "search_path_safe": False}),),
    "RPG-ACC-118": (("definer_functions/+", {**_FUNCTION, "public_execute": True}),),
    "RPG-ACC-119": (
        ("event_triggers/+", {"database": "app", "name": "e", "owner": "x", "owner_superuser": False, "enabled": True}),
    ),
    "RPG-ACC-120": (("role_settings/+", {"database": "app", "role": None, "name": "role", "value": "postgres"}),),
    "RPG-ACC-122": (("role_settings/+", {"database": "app", "role": None, "name": "search_path", "value": "evil"}),),
    "RPG-ACC-121": (("subscriptions/+", {**_SUBSCRIPTION, "owner_superuser": True}),),
    "RPG-AUT-001": (_rule(method="trust"),),
    "RPG-AUT-002": (_rule(type="local", address=None, method="trust"),),
    "RPG-AUT-003": (_rule(method="password"),),
    "RPG-AUT-004": (_finding("cleartext-password"),),
    "RPG-AUT-005": (_rule(method="md5"),),
    "RPG-AUT-006": (_rule(method="ident"),),
    "RPG-AUT-007": (_role(verifier="md5"),),
    "RPG-AUT-008": (_role(verifier="none"),),
    "RPG-AUT-009": (_setting("shared_preload_libraries", "auth_delay,pgaudit"),),
    "RPG-AUT-010": (_setting("scram_iterations", "100"),),
    "RPG-AUT-011": (_rule(method="ldap", options={"ldapbindpasswd": "(not shown)"}),),
    "RPG-AUT-012": (("host/account/pgpassword_in", ["/var/lib/postgresql/.profile"]),),
    "RPG-AUT-013": (("host/account/pgpassword_in_environment", True),),
    "RPG-AUT-014": (("host/account/password_in_service_file", ["/var/lib/postgresql/.pg_service.conf"]),),
    "RPG-AUT-015": (_file(12, "readable_by_others"),),
    "RPG-ENC-001": (_rule(type="host"),),
    "RPG-ENC-002": (("connections/0/tls", False),),
    "RPG-ENC-003": _certificate(state="expired"),
    "RPG-ENC-004": _certificate(state="soon"),
    "RPG-ENC-005": _problem("key_mismatch", "critical"),
    "RPG-ENC-006": _problem("weak_key", "warning"),
    "RPG-ENC-007": _certificate(self_signed=True),
    "RPG-ENC-008": (_file(8, "readable_by_others"),),
    "RPG-ENC-009": (("replication/senders/0/tls", False),),
    "RPG-ENC-010": (("replication/receiver", {"role": "standby", "sslmode": "prefer"}),),
    "RPG-ENC-011": (("replication/conninfo", {"role": "standby", "sslmode": "require", "password_in_clear": True}),),
    "RPG-ENC-012": (("subscriptions/+", {**_SUBSCRIPTION, "password_in_conninfo": True}),),
    "RPG-ENC-013": (("subscriptions/+", {**_SUBSCRIPTION, "sslmode": "prefer"}),),
    "RPG-ENC-014": (("user_mappings/+", {"database": "app", "server": "s", "role": "app", "password": True}),),
    "RPG-ENC-015": (("host/system/fips", False),),
    "RPG-LOG-001": (_setting("log_destination", ""),),
    "RPG-LOG-004": (_file(7, "readable_by_others"),),
    "RPG-LOG-005": (_setting("shared_preload_libraries", "auth_delay,passwordcheck"),),
    "RPG-BAK-001": (("backups/jobs", []),),
    "RPG-BAK-002": ((f"{_JOB}/last_success_epoch", NOW - 9 * _DAY),),
    "RPG-BAK-003": ((f"{_JOB}/verified_epoch", None),),
    "RPG-BAK-004": ((f"{_JOB}/restored_epoch", NOW - 93 * _DAY),),
    "RPG-BAK-005": ((f"{_JOB}/encrypted", False),),
    "RPG-BAK-006": ((f"{_JOB}/off_host", False),),
    "RPG-BAK-007": (("replication/archiving/mode", "off"),),
    "RPG-BAK-008": (("replication/archiving/last_failed_epoch", NOW),),
    "RPG-BAK-009": (("replication/slots/0/active", False),),
    "RPG-BAK-010": (_setting("max_slot_wal_keep_size", "-1"),),
    "RPG-BAK-011": (("replication/slots/0/wal_status", "lost"),),
    "RPG-BAK-012": (("files/13/path", "/var/lib/postgresql/18/main/pg_wal"),),
    "RPG-BAK-013": ((f"{_JOB}/outcome", "failed"),),
    "RPG-BAK-014": ((f"{_JOB}/scheduled", False),),
    "RPG-PLT-001": (("host/packages/0/trusted", False),),
    "RPG-PLT-003": (("host/unit/enabled", False),),
    "RPG-PLT-004": (_file(0, "readable_by_others"),),
    "RPG-PLT-005": (_setting("data_checksums", "off"),),
    "RPG-PLT-006": (("version", 180005),),
    "RPG-PLT-007": _major(13),
    "RPG-PLT-008": _major(15),
    "RPG-PLT-009": (("host/account/umask", "0022"),),
    "RPG-PLT-010": (("files/9/owner", "eve"),),
    "RPG-PLT-011": (("host/account/history", ["/var/lib/postgresql/.psql_history"]),),
    "RPG-PLT-012": (_file(2, "readable_by_others"),),
    "RPG-PLT-013": (_file(1, "writable_by_group"),),
    "RPG-PLT-014": (("host/account/locked", False),),
    "RPG-PLT-015": (
        ("host/sudo/+", {"file": "/etc/sudoers", "line": 1, "who": "x", "as": "postgres", "nopasswd": True}),
    ),
    "RPG-PLT-018": (("settings/ssl/pending_restart", True),),
    "RPG-PLT-019": (("role_settings/+", {"database": None, "role": "app", "name": "log_statement", "value": "none"}),),
    "RPG-PLT-020": (_setting("fsync", "off"),),
    "RPG-PLT-021": (_setting("full_page_writes", "off"),),
    "RPG-PLT-022": (_setting("zero_damaged_pages", "on"),),
    "RPG-PLT-023": (("host/unit/properties/ProtectSystem", "no"),),
    "RPG-PLT-024": (_setting("dynamic_library_path", "/tmp:$libdir"),),
    "RPG-PLT-025": (("host/account/home_mode", "0755"),),
    "RPG-PLT-026": (("files/0/exposed", "everybody can write in /var/lib (mode 0777)"),),
    "RPG-PLT-027": (_file(14, "readable_by_others"),),
    "RPG-PLT-028": (("host/packages/0/candidate", "18.7-1"),),
    "RPG-PLT-029": (("host/server_package", ""),),
}
"""By the id of the control. All of it on top of a cluster that passes."""

BAD_VALUES: dict[str, str] = {
    "ssl": "off",
    "ssl_min_protocol_version": "TLSv1.2",
    "ssl_ciphers": "HIGH:MEDIUM:+3DES:!aNULL",
    "ssl_prefer_server_ciphers": "off",
    "ssl_groups": "X25519:secp160r1",
    "ssl_tls13_ciphers": "",
    "client_connection_check_interval": "0",
    "password_encryption": "md5",
    "authentication_timeout": "61",
    "auth_delay.milliseconds": "999",
    "md5_password_warnings": "off",
    "pre_auth_delay": "1",
    "post_auth_delay": "1",
    "ignore_system_indexes": "on",
    "jit_debugging_support": "on",
    "jit_profiling_support": "on",
    "logging_collector": "off",
    "log_directory": "log",
    "log_line_prefix": "%m [%p] ",
    "log_connections": "off",
    "log_disconnections": "off",
    "log_statement": "mod",
    "log_file_mode": "0640",
    "log_filename": "postgresql.log",
    "log_truncate_on_rotation": "off",
    "log_rotation_age": "0",
    "log_rotation_size": "102401",
    "syslog_sequence_numbers": "off",
    "syslog_split_messages": "off",
    "log_min_messages": "error",
    "log_min_error_statement": "panic",
    "debug_print_parse": "on",
    "debug_print_rewritten": "on",
    "debug_print_plan": "on",
    "debug_pretty_print": "off",
    "log_error_verbosity": "default",
    "log_hostname": "on",
    "log_timezone": "Europe/Zurich",
    "log_checkpoints": "off",
    "log_lock_waits": "off",
    "log_lock_failures": "off",
    "log_temp_files": "-1",
    "log_recovery_conflict_waits": "off",
    "log_replication_commands": "off",
    "pgaudit.log": "ddl",
    "allow_system_table_mods": "on",
    "lo_compat_privileges": "on",
    "row_security": "off",
}
"""Values as pg_settings shows them that are not good enough for the profile strict."""
