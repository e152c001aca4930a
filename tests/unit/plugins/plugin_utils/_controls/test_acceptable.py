"""Which values of parameters are as good as the one that is wanted."""

from __future__ import annotations

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._settings.values import Parameter
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.acceptable import meets

_NUMBERS = {"authentication_timeout": "s", "log_rotation_age": "min", "log_rotation_size": "kB", "log_file_mode": None}
_PREFIX = "%m [%p]: db=%d,user=%u,app=%a,client=%h "


def judged(name: str, setting: str, wanted: str, vartype: str = "string") -> bool:
    kind = "integer" if name in _NUMBERS else vartype
    return meets(Parameter(name=name, vartype=kind, unit=_NUMBERS.get(name)), setting, wanted)


@pytest.mark.parametrize(
    ("name", "setting", "wanted"),
    [
        ("authentication_timeout", "60", "1min"),
        ("authentication_timeout", "20", "60s"),
        ("log_rotation_age", "60", "1d"),
        ("log_rotation_size", "102400", "100MB"),
        ("log_file_mode", "0600", "0640"),
        ("log_statement", "mod", "ddl"),
        ("log_statement", "all", "ddl"),
        ("ssl_min_protocol_version", "TLSv1.3", "TLSv1.2"),
        ("log_min_messages", "notice", "warning"),
        ("log_min_error_statement", "warning", "error"),
        ("log_error_verbosity", "verbose", "default"),
        ("log_connections", "all", "on"),
        ("log_connections", "receipt,authentication,authorization", "on"),
        ("log_timezone", "Etc/UTC", "UTC"),
        ("log_timezone", "GMT", "UTC"),
        ("log_line_prefix", "%t %u@%d %r %a [%p] ", _PREFIX),
        ("log_line_prefix", "< %m %a %u %d %r %p %m >", _PREFIX),
        ("log_directory", "/srv/log", "/var/log/postgresql/{cluster}"),
        ("log_filename", "pg-%a.log", "postgresql-%Y-%m-%d_%H%M%S.log"),
        ("ssl_ciphers", "B", "A:B"),
        ("pgaudit.log", "all", "ddl, role, write"),
        ("pgaudit.log", "all, -read", "ddl, role, write"),
        ("pgaudit.log", "write,ddl,role,read", "ddl, role, write"),
    ],
)
def test_as_good(name: str, setting: str, wanted: str) -> None:
    assert judged(name, setting, wanted)


@pytest.mark.parametrize(
    ("name", "setting", "wanted"),
    [
        ("authentication_timeout", "61", "1min"),
        ("log_rotation_age", "0", "1d"),
        ("log_rotation_size", "102401", "100MB"),
        ("log_file_mode", "0644", "0640"),
        ("log_line_prefix", "%%m [%%p] %%d %%u %%a %%h", _PREFIX),
        ("log_filename", "100%%d.log", "postgresql-%Y-%m-%d_%H%M%S.log"),
        ("log_statement", "none", "ddl"),
        ("ssl_min_protocol_version", "TLSv1.1", "TLSv1.2"),
        ("ssl_min_protocol_version", "", "TLSv1.2"),
        ("log_min_messages", "error", "warning"),
        ("log_min_error_statement", "log", "error"),
        ("log_connections", "receipt", "on"),
        ("log_timezone", "Europe/Zurich", "UTC"),
        ("log_line_prefix", "%m [%p] %u", _PREFIX),
        ("log_directory", "log", "/var/log/postgresql/{cluster}"),
        ("log_filename", "server.log", "postgresql-%Y-%m-%d_%H%M%S.log"),
        ("ssl_ciphers", "A:C", "A:B"),
        ("ssl_ciphers", "", "A:B"),
        ("pgaudit.log", "all, -role", "ddl, role, write"),
        ("pgaudit.log", "", "ddl, role, write"),
        ("fsync", "off", "on"),
    ],
)
def test_not_as_good(name: str, setting: str, wanted: str) -> None:
    assert not judged(name, setting, wanted)


def test_a_switch_means_what_the_server_means_by_it() -> None:
    assert judged("ssl", "on", "true", "bool")
    assert not judged("ssl", "off", "on", "bool")
