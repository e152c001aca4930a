# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the roles make of their options."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.rampart.postgresql.plugins.plugin_utils._profiles.catalogue import parameters
from ansible_collections.rampart.postgresql.plugins.plugin_utils._profiles.model import PROFILES
from ansible_collections.rampart.postgresql.tests.role_variables import COMPONENTS
from ansible_collections.rampart.postgresql.tests.role_variables import desired


def section(role: str, **options: t.Any) -> dict[str, t.Any]:
    found = desired(role, **options)["settings"]["sections"][role]
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("role", COMPONENTS)
def test_without_options_it_is_the_profile(role: str, profile: str) -> None:
    assert section(role, pg_harden_profile=profile) == parameters(role, profile)
    assert section(role, **{f"{role}_profile": profile}) == parameters(role, profile)


@pytest.mark.parametrize("role", COMPONENTS)
def test_parameters_add_replace_and_take_out(role: str) -> None:
    given = {f"{role}_profile": "strict"}
    first, second, *_others = [*section(role, **given), "work_mem"]
    changed = section(role, **given, **{f"{role}_parameters": {first: None, second: "other", "DateStyle": "ISO"}})
    assert first not in changed
    assert (changed[second], changed["DateStyle"]) == ("other", "ISO")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"pg_logging_collector": "always"}, {"logging_collector": "on"}),
        ({"pg_logging_collector": "auto", "pg_logging_profile": "cis"}, {"logging_collector": "auto"}),
        ({"pg_logging_destinations": ["stderr", "syslog"]}, {"log_destination": "stderr,syslog"}),
        ({"pg_logging_directory": "/srv/{cluster}"}, {"log_directory": "/srv/{cluster}"}),
        ({"pg_logging_statement": "none"}, {"log_statement": "none"}),
        ({"pg_logging_syslog_facility": "local7"}, {"syslog_facility": "local7"}),
        ({"pg_logging_syslog_ident": "pg"}, {"syslog_ident": "pg"}),
    ],
)
def test_options_of_the_log(options: dict[str, t.Any], expected: dict[str, t.Any]) -> None:
    found = section("pg_logging", **options)
    assert {name: found[name] for name in expected} == expected


def test_a_collector_that_is_not_to_be_touched_is_left_alone() -> None:
    found = desired("pg_logging", pg_logging_collector="untouched")
    assert "logging_collector" not in found["settings"]["sections"]["pg_logging"]
    assert [left["subject"] for left in found["left_alone"]] == ["logging_collector"]
    assert "left_alone" not in desired("pg_logging")


CLASSES = "ddl, role, write"


@pytest.mark.parametrize(
    ("options", "parameters_", "dispensable"),
    [
        ({}, None, False),
        ({"pg_logging_profile": "cis", "pg_logging_audit": "untouched"}, None, False),
        ({"pg_logging_profile": "cis"}, {"pgaudit.log": CLASSES}, True),
        ({"pg_logging_profile": "strict"}, {"pgaudit.log": CLASSES}, True),
        ({"pg_logging_audit": "always"}, {"pgaudit.log": CLASSES}, False),
        ({"pg_logging_audit_classes": ["all", "-misc"]}, {"pgaudit.log": "all, -misc"}, False),
        (
            {"pg_logging_audit_role": "auditor", "pg_logging_audit_classes": []},
            {"pgaudit.log": "none", "pgaudit.role": "auditor"},
            False,
        ),
        (
            {
                "pg_logging_audit": "auto",
                "pg_logging_parameters": {"pgaudit.log": None, "pgaudit.log_rows": {14: True}},
            },
            {"pgaudit.log": None, "pgaudit.log_rows": {14: True}},
            True,
        ),
    ],
)
def test_what_is_audited_goes_with_the_extension(
    options: dict[str, t.Any], parameters_: dict[str, t.Any] | None, dispensable: bool
) -> None:
    found = desired("pg_logging", **options)
    assert not [name for name in found["settings"]["sections"]["pg_logging"] if name.startswith("pgaudit.")]
    if parameters_ is None:
        assert not {"extensions", "dispensable"} & set(found)
        assert "preload" not in found["settings"]
        return
    [extension] = found["extensions"]["present"]
    assert (extension["name"], extension["library"], extension["databases"]) == ("pgaudit", "pgaudit", ["postgres"])
    assert extension["parameters"] == parameters_
    assert extension["role"] == options.get("pg_logging_audit_role")
    assert found["settings"]["preload"] == ["pgaudit"]
    assert found["dispensable"] == (["pgaudit"] if dispensable else [])


def test_parameters_of_pgaudit_that_is_left_alone_are_those_that_are_given() -> None:
    given = {"pgaudit.log": "all"}
    for profile in PROFILES:
        found = section(
            "pg_logging", pg_logging_profile=profile, pg_logging_audit="untouched", pg_logging_parameters=given
        )
        assert found["pgaudit.log"] == "all"


@pytest.mark.parametrize(
    ("options", "optional"),
    [
        ({"pg_logging_audit": "always"}, True),
        ({"pg_logging_audit": "always", "pg_harden_install_packages": False}, False),
        ({"pg_logging_audit": "auto", "pg_harden_install_packages": False}, True),
    ],
)
def test_a_library_that_nothing_can_bring_any_more_is_not_optional(options: dict[str, t.Any], optional: bool) -> None:
    assert ("pgaudit" in desired("pg_logging", **options)["settings"]["optional"]) is optional


def test_old_files_go_from_a_directory_of_the_clusters_own_only() -> None:
    found = desired("pg_logging", pg_logging_retention=90)
    assert "log_retention" not in found
    assert [left["subject"] for left in found["left_alone"]] == ["old log files"]
    for options in ({"pg_logging_profile": "cis"}, {"pg_logging_directory": "/var/log/postgresql/{cluster}"}):
        found = desired("pg_logging", pg_logging_retention=90, **options)
        assert found["log_retention"] == {"directory": "/var/log/postgresql/{cluster}", "days": 90}
        assert "left_alone" not in found


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, None),
        ({"addresses": []}, ""),
        ({"addresses": ["localhost"]}, "localhost"),
        ({"networks": ["10.0.0.0/8"], "interfaces": ["eth0", "lo"]}, "10.0.0.0/8,interface:eth0,interface:lo"),
        ({"addresses": ["localhost"], "networks": ["fd00::/8"]}, "localhost,fd00::/8"),
    ],
)
def test_what_to_listen_on(options: dict[str, t.Any], expected: str | None) -> None:
    found = section("pg_network", **{f"pg_network_listen_{name}": value for name, value in options.items()})
    assert found.get("listen_addresses") == expected


def test_every_option_of_the_network_sets_its_parameter() -> None:
    names = [
        *("port", "max_connections", "superuser_reserved_connections", "reserved_connections"),
        *("tcp_keepalives_idle", "tcp_keepalives_interval", "tcp_keepalives_count", "client_connection_check_interval"),
        *("idle_in_transaction_session_timeout", "idle_session_timeout", "statement_timeout", "transaction_timeout"),
        *("unix_socket_group", "unix_socket_permissions"),
    ]
    given = {f"pg_network_{name}": str(number) for number, name in enumerate(names, start=20)}
    found = desired("pg_network", **given)["settings"]
    assert {name: str(value) for name, value in found["sections"]["pg_network"].items()} == {
        name: given[f"pg_network_{name}"] for name in names
    }
    assert sorted(found["optional"]) == [
        *("client_connection_check_interval", "idle_session_timeout", "reserved_connections", "transaction_timeout"),
    ]
    assert desired("pg_network")["settings"] == {"sections": {"pg_network": {}}, "optional": []}


@pytest.mark.parametrize(
    ("check", "preload", "optional"),
    [
        ("none", ["auth_delay"], ["md5_password_warnings"]),
        ("auto", ["auth_delay", "passwordcheck"], ["md5_password_warnings", "passwordcheck"]),
        ("passwordcheck", ["auth_delay", "passwordcheck"], ["md5_password_warnings"]),
        ("credcheck", ["auth_delay", "credcheck"], ["md5_password_warnings", "credcheck"]),
    ],
)
def test_the_check_of_passwords_is_a_library(check: str, preload: list[str], optional: list[str]) -> None:
    found = desired("pg_authentication", pg_authentication_password_check=check)["settings"]
    assert (found["preload"], found["optional"]) == (preload, optional)
    given = {"pg_authentication_password_check": check, "pg_harden_install_packages": False}
    assert ("credcheck" in desired("pg_authentication", **given)["settings"]["optional"]) is False


def test_iterations_are_optional() -> None:
    found = desired("pg_authentication", pg_authentication_scram_iterations=8192)["settings"]
    assert found["sections"]["pg_authentication"]["scram_iterations"] == 8192
    assert "scram_iterations" in found["optional"]


@pytest.mark.parametrize(
    ("given", "mode"), [("on", "on"), (True, "on"), ("report", "report"), ("off", None), (False, None)]
)
def test_rules_for_tls(given: object, mode: str | None) -> None:
    """YAML makes a truth value of on and off; off brings along no component that nobody else asked for."""
    found = desired("pg_tls", pg_tls_enforce=given, pg_tls_enforce_window=14).get("hba")
    assert found == (None if mode is None else {"enforce_tls": {"mode": mode, "window": 14}})
    assert "hba" not in desired("pg_tls")
    # The role that has the rules must not undo it where it works alone.
    alone = desired("pg_network", pg_tls_enforce=given, pg_tls_enforce_window=14)["hba"]
    assert alone.get("enforce_tls") == (None if found is None else found["enforce_tls"])
    assert "enforce_tls" not in desired("pg_network")["hba"]


def test_certificates_are_rotated_without_their_surroundings() -> None:
    found = desired("pg_tls", pg_tls_manage_parameters=False, pg_tls_made_since="2026-11-29T12:00:00Z")
    assert sorted(found) == ["certificate", "left_alone"]
    assert found["certificate"]["made_since"] == "2026-11-29T12:00:00Z"
    assert [left["subject"] for left in found["left_alone"]] == ["parameters"]
    assert sorted(desired("pg_tls")) == ["certificate", "settings"]
    nothing = desired("pg_tls", pg_tls_manage_parameters=False, pg_tls_manage_certificate=False)
    assert [left["subject"] for left in nothing["left_alone"]] == ["certificate", "parameters"]


@pytest.mark.parametrize(
    ("provider", "passed"),
    [("ca", True), ("self_signed", True), ("request", False), ("install", False), ("existing", False)],
)
def test_a_fleet_may_share_the_variable_of_the_authority(provider: str, passed: bool) -> None:
    """The module refuses it beside self_signed, where it is more likely that the provider was forgotten."""
    authority = {"path": "/srv/authority", "passphrase": "of the authority"}
    found = desired("pg_tls", pg_tls_provider=provider, pg_tls_authority=authority)["certificate"]
    assert found.get("authority") == (authority if passed else None)


@pytest.mark.parametrize("profile", PROFILES)
def test_of_privileges_a_profile_takes_what_its_page_says(profile: str) -> None:
    found = desired("pg_access", pg_harden_profile=profile)["privileges"]
    taken = [(entry["kind"], entry["privileges"]) for entry in found["grants"]]
    assert ("schema", ["CREATE"]) in taken
    assert (("database", ["CONNECT", "TEMPORARY"]) in taken) == (profile != "baseline")
    assert all(entry["roles"] == ["PUBLIC"] and entry["state"] == "absent" for entry in found["grants"])
    silent = {"pg_access_public_schema": "keep", "pg_access_public_database": "keep", "pg_access_report": False}
    kept = desired("pg_access", pg_harden_profile=profile, **silent)
    assert "privileges" not in kept  # nobody looks into the databases


def test_roles_of_databases_get_connect_unless_it_says_what() -> None:
    roles = [{"roles": ["app"]}, {"roles": ["etl"], "databases": ["shop"], "privileges": ["TEMPORARY"]}]
    found = desired("pg_access", pg_access_public_schema="keep", pg_access_database_roles=roles)["privileges"]
    assert found["grants"] == [
        {"kind": "database", "roles": ["app"], "privileges": ["CONNECT"]},
        {"kind": "database", "roles": ["etl"], "databases": ["shop"], "privileges": ["TEMPORARY"]},
    ]
