"""The facts of a cluster of which no control finds anything wrong, and the patches that break it."""

from __future__ import annotations

import copy
import typing as t

from ansible_collections.rampart.postgresql.plugins.plugin_utils._profiles.catalogue import CATALOGUE

__all__ = ["NOW", "hardened", "patched"]

NOW = 1_813_000_000  # in June 2027, when PostgreSQL 15 has less than half a year left
_DAY = 86400

# Values of pg_settings as a hardened PostgreSQL 18 shows them: setting, type, unit, context.
_SETTINGS: dict[str, tuple[str, str, str | None, str]] = {
    "data_checksums": ("on", "bool", None, "internal"),
    "dynamic_library_path": ("$libdir", "string", None, "superuser"),
    "fsync": ("on", "bool", None, "sighup"),
    "full_page_writes": ("on", "bool", None, "sighup"),
    "idle_in_transaction_session_timeout": ("600000", "integer", "ms", "user"),
    "ignore_checksum_failure": ("off", "bool", None, "superuser"),
    "listen_addresses": ("localhost,192.0.2.1", "string", None, "postmaster"),
    "log_destination": ("stderr", "string", None, "sighup"),
    "max_slot_wal_keep_size": ("10240", "integer", "MB", "sighup"),
    "output_plugin_libraries": ("pgoutput", "string", None, "superuser"),
    "scram_iterations": ("4096", "integer", None, "user"),
    "shared_preload_libraries": ("auth_delay,passwordcheck,pgaudit", "string", None, "postmaster"),
    "superuser_reserved_connections": ("3", "integer", None, "postmaster"),
    "syslog_facility": ("local0", "enum", None, "sighup"),
    "syslog_ident": ("postgres-18-main", "string", None, "sighup"),
    "unix_socket_permissions": ("0770", "integer", None, "postmaster"),
    "wal_level": ("replica", "enum", None, "postmaster"),
    "zero_damaged_pages": ("off", "bool", None, "superuser"),
}
_NUMBERS: dict[str, tuple[str, str | None]] = {
    "auth_delay.milliseconds": ("1000", "ms"),
    "authentication_timeout": ("30", "s"),
    "client_connection_check_interval": ("10000", "ms"),
    "log_file_mode": ("0600", None),
    "log_rotation_age": ("1440", "min"),
    "log_rotation_size": ("102400", "kB"),
    "log_temp_files": ("0", "kB"),
    "post_auth_delay": ("0", "s"),
    "pre_auth_delay": ("0", "s"),
}
_SWITCHES = ("on", "off")


def _row(setting: str, vartype: str, unit: str | None, context: str) -> dict[str, t.Any]:
    return {
        "setting": setting,
        "vartype": vartype,
        "unit": unit,
        "context": context,
        "source": "configuration file",
        "sourcefile": "/etc/postgresql/18/main/postgresql.conf",
        "sourceline": 1,
        "pending_restart": False,
    }


def _of_profile() -> dict[str, dict[str, t.Any]]:
    found = {}
    for entry in [entry for entries in CATALOGUE.values() for entry in entries]:
        wanted = (
            entry.strict
            if isinstance(entry.strict, str)
            else dict(entry.strict or {})[max(entry.strict or {}, key=int)]
        )
        setting, unit = _NUMBERS.get(entry.name, (wanted.replace("{cluster}", "18-main"), None))
        vartype = "integer" if entry.name in _NUMBERS else "bool" if wanted in _SWITCHES else "string"
        found[entry.name] = _row(setting, vartype, unit, "sighup")
    return found


def _role(name: str, oid: int, **more: t.Any) -> dict[str, t.Any]:
    return {
        "oid": oid,
        "name": name,
        "superuser": False,
        "inherit": True,
        "createrole": False,
        "createdb": False,
        "login": False,
        "replication": False,
        "bypassrls": False,
        "connection_limit": -1,
        "valid_until": None,
        "valid_until_epoch": None,
        "config": None,
        "verifier": "none",
        **more,
    }


def _rule(number: int, kind: str, address: str | None, method: str, name: str) -> dict[str, t.Any]:
    return {
        "number": number,
        "file": "/etc/postgresql/18/main/pg_hba.conf",
        "line": number,
        "type": kind,
        "databases": [name],
        "users": [name],
        "address": address,
        "method": method,
        "options": {},
        "text": f"{kind} {name} {name} {address or ''} {method}",
        "reachable": True,
        "shadowed_by": [],
    }


def _file(what: str, path: str, mode: str, owner: str = "postgres") -> dict[str, t.Any]:
    bits = int(mode, 8)
    return {
        "what": what,
        "path": path,
        "exists": True,
        "kind": "file",
        "owner": owner,
        "group": owner,
        "mode": mode,
        "link": None,
        "exposed": "",
        "of_another": False,
        "writable_by_group": bool(bits & 0o020),
        "writable_by_others": bool(bits & 0o002),
        "readable_by_others": bool(bits & 0o004),
    }


_FILES = [
    _file("data_directory", "/var/lib/postgresql/18/main", "0700"),
    _file("config_file", "/etc/postgresql/18/main/postgresql.conf", "0644"),
    _file("hba_file", "/etc/postgresql/18/main/pg_hba.conf", "0640"),
    _file("ident_file", "/etc/postgresql/18/main/pg_ident.conf", "0640"),
    _file("auto_conf", "/var/lib/postgresql/18/main/postgresql.auto.conf", "0600"),
    _file("socket_directory", "/var/run/postgresql", "2775"),
    _file("log_directory", "/var/log/postgresql/18-main", "0700"),
    _file("log_file", "/var/log/postgresql/18-main/postgresql.log", "0600"),
    _file("key", "/etc/postgresql/18/main/rampart-server.pem", "0600"),
    _file("program_directory", "/usr/lib/postgresql/18/bin", "0755", "root"),
    _file("library_directory", "/usr/lib/postgresql/18/lib", "0755", "root"),
    _file("extension_directory", "/usr/share/postgresql/18/extension", "0755", "root"),
    _file("passfile", "/var/lib/postgresql/.pgpass", "0600"),
    _file("wal_directory", "/srv/wal/18-main", "0700"),
    _file("tool_configuration", "/etc/pgbackrest.conf", "0640"),
]

_CERTIFICATE = {
    "role": "server",
    "path": "/etc/postgresql/18/main/rampart-server.pem",
    "number": 1,
    "subject": "CN=db1",
    "not_after": "2028-01-31T12:00:00Z",
    "state": "ok",
    "self_signed": False,
    "served": True,
    "problems": [],
}


def hardened() -> dict[str, t.Any]:
    """A new copy, as cluster_info returns it."""
    facts = {
        "changed": False,
        "server": {"cluster": "18/main", "version": 180006, "major": 18, "in_recovery": False, "driver": "psycopg"},
        "version": 180006,
        "major": 18,
        "in_recovery": False,
        "managed_by": [],
        "gathered_epoch": NOW - 60,
        "session": {"role": "postgres", "superuser": True, "local": True, "monitor": True},
        "unreadable": {},
        "settings": {name: _row(*values) for name, values in _SETTINGS.items()} | _of_profile(),
        "configuration_findings": [],
        "roles": [
            _role("app", 16400, login=True, connection_limit=20, verifier="scram-sha-256"),
            _role("pg_execute_server_program", 4571),
            _role("pg_monitor", 3373),
            _role("pg_read_all_data", 6181),
            _role("pg_read_server_files", 4569),
            _role("pg_write_server_files", 4570),
            _role("postgres", 10, superuser=True, login=True, createrole=True, createdb=True, verifier="scram-sha-256"),
            _role("standby", 16401, login=True, replication=True, connection_limit=5, verifier="scram-sha-256"),
        ],
        "memberships": [],
        "role_settings": [],
        "parameter_privileges": [],
        "databases": [{"name": "app", "owner": "app_owner", "allow_connections": True, "connect": ["app"]}],
        "extensions": {"app": [{"name": "set_user", "version": "4.1.0", "schema": "public", "owner": "postgres"}]},
        "schemas": [
            {"database": "app", "schema": "public", "owner": "app_owner", "public_create": False, "public_usage": True}
        ],
        "public_privileges": [],
        "table_privileges": [],
        "catalogue_privileges": [],
        "default_privileges": [],
        "definer_functions": [],
        "row_security": [],
        "languages": [
            {"database": "app", "language": "c", "trusted": False, "owner": "postgres", "public_usage": False},
            {"database": "app", "language": "plpgsql", "trusted": True, "owner": "postgres", "public_usage": True},
        ],
        "subscriptions": [],
        "user_mappings": [],
        "event_triggers": [],
        "hba": {
            "files": ["/etc/postgresql/18/main/pg_hba.conf"],
            "rules": [
                _rule(1, "local", None, "peer", "postgres"),
                _rule(2, "hostssl", "192.0.2.0/24", "scram-sha-256", "app"),
                _rule(3, "host", "127.0.0.1/32", "scram-sha-256", "app"),
            ],
            "findings": [],
            "who": [],
        },
        "ident": {"files": [], "mappings": [], "findings": []},
        "replication": {
            "slots": [
                {
                    "name": "db2",
                    "kind": "physical",
                    "plugin": None,
                    "active": True,
                    "wal_status": "reserved",
                    "invalidation_reason": None,
                }
            ],
            "senders": [
                {
                    "role": "standby",
                    "application": "db2",
                    "address": "192.0.2.2",
                    "state": "streaming",
                    "sync_state": "async",
                    "tls": True,
                }
            ],
            "receiver": None,
            "conninfo": None,
            "archiving": {
                "mode": "on",
                "command_set": True,
                "library": "",
                "last_archived_epoch": NOW - 300,
                "last_failed_epoch": None,
                "failed_count": 0,
                "archived_count": 9,
            },
        },
        "connections": [
            {"role": "app", "database": "app", "address": "192.0.2.9", "tls": True, "version": "TLSv1.3", "count": 1}
        ],
        "certificates": [_CERTIFICATE],
        "files": _FILES,
        "host": {
            "system": {"distribution": "Debian", "version": "13", "kernel": "6.12", "fips": True},
            "unit": {
                "name": "postgresql@18-main.service",
                "enabled": True,
                "active": True,
                "properties": {"ProtectSystem": "strict", "NoNewPrivileges": "yes"},
            },
            "account": {
                "name": "postgres",
                "shell": "/bin/bash",
                "locked": True,
                "groups": ["postgres"],
                "home": "/var/lib/postgresql",
                "home_mode": "0750",
                "umask": "0077",
                "history": [],
                "pgpassword_in": [],
                "password_in_service_file": [],
                "pgpassword_in_environment": False,
            },
            "sudo": [],
            "server_package": "postgresql-18",
            "checksums": True,
            "packages": [
                {
                    "name": "postgresql-18",
                    "version": "18.6-1",
                    "candidate": "18.6-1",
                    "origin": "Debian",
                    "trusted": True,
                }
            ],
        },
        "backups": {
            "jobs": [
                {
                    "name": "nightly",
                    "kind": "physical",
                    "encrypted": True,
                    "places": ["vault"],
                    "off_host": True,
                    "last_success_epoch": NOW - _DAY,
                    "verified_epoch": NOW - _DAY,
                    "restored_epoch": NOW - 7 * _DAY,
                    "schedule": "*-*-* 01:00:00",
                    "scheduled": True,
                    "outcome": "ok",
                }
            ],
            "tools": [],
        },
    }
    return copy.deepcopy(facts)


def patched(*patches: tuple[str, t.Any]) -> dict[str, t.Any]:
    """The same with other values: a path of names and numbers with dots between, ``+`` to add to a list."""
    facts = hardened()
    for path, value in patches:
        *parents, last = path.split("/")
        at: t.Any = facts
        for name in parents:
            at = at[int(name)] if isinstance(at, list) else at[name]
        if last == "+":
            at.append(value)
        elif isinstance(at, list):
            at[int(last)] = value
        else:
            at[last] = value
    return facts
