# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The profiles: consistent, documented, and never looser as they get stricter."""

from __future__ import annotations

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.plugin_utils._profiles.catalogue import CATALOGUE
from ansible_collections.rampart.postgresql.plugins.plugin_utils._profiles.catalogue import libraries
from ansible_collections.rampart.postgresql.plugins.plugin_utils._profiles.catalogue import optional
from ansible_collections.rampart.postgresql.plugins.plugin_utils._profiles.catalogue import parameters
from ansible_collections.rampart.postgresql.plugins.plugin_utils._profiles.model import PROFILES

ENTRIES = [entry for entries in CATALOGUE.values() for entry in entries]


def test_no_parameter_belongs_to_two_roles() -> None:
    names = [entry.name for entry in ENTRIES]
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_a_stricter_profile_does_not_forget_what_a_looser_one_sets(entry) -> None:  # type: ignore[no-untyped-def]
    present = [entry.value(profile) is not None for profile in PROFILES]
    assert present == sorted(present)
    assert present[-1]


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_every_parameter_says_why(entry) -> None:  # type: ignore[no-untyped-def]
    assert entry.reason.endswith(".")
    assert entry.cost
    if entry.reference:
        assert entry.reference.source


def test_only_wanted_values_are_returned() -> None:
    assert parameters("pg_network", "baseline") == {}
    assert parameters("pg_network", "strict") == {"client_connection_check_interval": "10s"}


def test_the_delay_comes_with_its_library() -> None:
    for profile in PROFILES:
        assert int(str(parameters("pg_authentication", profile)["auth_delay.milliseconds"])) >= 500
        assert libraries("pg_authentication", profile) == ["auth_delay"]
    assert libraries("pg_logging", "strict") == []


def test_parameters_of_an_extension_are_not_the_servers_own() -> None:
    assert parameters("pg_logging", "baseline", "pgaudit") == {}
    for profile in ("cis", "strict"):
        assert parameters("pg_logging", profile, "pgaudit") == {"pgaudit.log": "ddl, role, write"}
        assert "pgaudit.log" not in parameters("pg_logging", profile)


def test_what_some_server_does_not_have_is_optional() -> None:
    assert optional("pg_authentication", "baseline") == ["md5_password_warnings"]
    assert optional("pg_tls", "baseline") == []
    assert optional("pg_tls", "strict") == ["ssl_tls13_ciphers"]


@pytest.mark.parametrize(
    ("role", "profile", "message"),
    [
        ("pg_other", "cis", "role: 'pg_other' cannot be used: it is one of pg_tls, pg_network"),
        ("pg_tls", "loose", "profile: 'loose' cannot be used: it is one of baseline, cis, strict"),
        (["pg_tls"], "cis", "role: ['pg_tls'] cannot be used"),
    ],
)
def test_unknown_names_are_refused(role: object, profile: object, message: str) -> None:
    with pytest.raises(InputError) as caught:
        parameters(role, profile)
    assert message in str(caught.value)
