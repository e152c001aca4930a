# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Values that depend on version, cluster and the place of the log."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.arguments import component
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.arguments import secrets
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.deciding import Circumstances
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.deciding import Directory
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.deciding import decided
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.deciding import findings
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.deciding import log_directory

FILE = "/var/log/postgresql/postgresql-17-main.log"


def values(seen: Circumstances, **parameters: t.Any) -> tuple[dict[str, object], dict[str, str]]:
    """Parameters with the values that they get, and those that are left out with the reason."""
    kept, left = decided(component({"parameters": parameters}).desired.wishes, seen)
    return {wish.name: wish.value for wish in kept}, {item.subject: item.reason for item in left}


@pytest.mark.parametrize(
    ("major", "expected"), [(13, "TLSv1.2"), (14, "TLSv1.2"), (16, "TLSv1.2"), (17, "TLSv1.3"), (18, "TLSv1.3")]
)
@pytest.mark.parametrize(
    "given", [{13: "TLSv1.2", 17: "TLSv1.3"}, {"17": "TLSv1.3", "13": "TLSv1.2"}], ids=["numbers", "texts"]
)
def test_a_value_of_the_major_version(given: dict[t.Any, str], major: int, expected: str) -> None:
    assert values(Circumstances(major=major), ssl_min_protocol_version=given) == (
        {"ssl_min_protocol_version": expected},
        {},
    )


def test_a_server_older_than_all_values_is_left_alone() -> None:
    assert values(Circumstances(major=13), log_startup_progress_interval={15: "10s"}) == (
        {},
        {"log_startup_progress_interval": "no value is given for PostgreSQL 13"},
    )


@pytest.mark.parametrize("given", [{}, {"all": 1}, {"9.6": 1}, {0: 1}, {170001: 1}])
def test_other_dictionaries_are_refused(given: dict[t.Any, int]) -> None:
    with pytest.raises(InputError, match="parameters.work_mem: .* major versions are the keys"):
        component({"parameters": {"work_mem": given}})


def test_secrets_are_found_in_values_of_versions() -> None:
    assert secrets({"parameters": {"primary_conninfo": {13: "password=first", 17: "password=second"}}}) == {
        "password=first",
        "password=second",
    }


def test_the_name_of_the_cluster_stands_for_its_mark() -> None:
    seen = Circumstances(major=17, cluster="17-main")
    given = {
        "log_directory": "/var/log/postgresql/{cluster}",
        "syslog_ident": "pg-{cluster}",
        "log_line_prefix": "{cluster}",
    }
    kept, _left = values(seen, **given)
    assert kept == {
        "log_directory": "/var/log/postgresql/17-main",
        "syslog_ident": "pg-17-main",
        "log_line_prefix": "{cluster}",
    }
    assert log_directory(component({"parameters": given}).desired.wishes, seen) == "/var/log/postgresql/17-main"
    assert log_directory(component({"parameters": {"ssl": True}}).desired.wishes, seen) is None


@pytest.mark.parametrize(
    ("seen", "given", "expected"),
    [
        (Circumstances(), {}, "on"),
        (Circumstances(log_file=FILE), {}, f"the log goes to {FILE}"),
        (Circumstances(log_file=FILE), {"log_directory": "/var/log/pg"}, "on"),
        (Circumstances(log_file=FILE), {"log_destination": "stderr,csvlog"}, "on"),
        (Circumstances(log_file=FILE, destination="csvlog"), {}, "on"),
        (Circumstances(log_file=FILE, destination="csvlog"), {"log_destination": "stderr"}, f"the log goes to {FILE}"),
        (Circumstances(), {"log_destination": ["syslog"]}, "the log goes to syslog"),
        (Circumstances(), {"log_destination": "Syslog, stderr"}, "on"),
    ],
)
def test_the_collector_is_decided_by_the_place_of_the_log(
    seen: Circumstances, given: dict[str, t.Any], expected: str
) -> None:
    kept, left = values(seen, logging_collector="auto", **given)
    assert kept.get("logging_collector", left.get("logging_collector")) == expected


@pytest.mark.parametrize("given", ["jsonlog", ["stderr", "jsonlog"], "stderr, JSONLOG"])
def test_a_destination_of_a_later_version_is_refused(given: object) -> None:
    with pytest.raises(
        InputError, match="PostgreSQL 14 takes a list of stderr, csvlog, syslog; jsonlog is known from 15"
    ):
        values(Circumstances(major=14), log_destination=given)
    assert values(Circumstances(major=15), log_destination=given)[1] == {}


def test_an_unknown_destination_is_refused() -> None:
    with pytest.raises(InputError, match="stderr, csvlog, syslog, jsonlog"):
        values(Circumstances(major=18), log_destination="journald")


@pytest.mark.parametrize(
    ("exists", "reason"), [(True, "can write in"), (False, "can make, and its parent does not let it")]
)
def test_a_directory_of_no_use_is_refused(exists: bool, reason: str) -> None:
    directory = Directory("/srv/log", exists=exists, usable=False)
    with pytest.raises(InputError, match=reason):
        values(Circumstances(log_directory=directory), log_directory="/srv/log")


@pytest.mark.parametrize(
    ("mode", "told"), [(0o700, False), (0o750, False), (0o2750, False), (0o755, True), (0o770, True), (0o701, True)]
)
def test_a_directory_that_others_can_use_is_told(mode: int, told: bool) -> None:
    directory = Directory("/srv/log", exists=True, usable=True, mode=mode)
    assert bool(list(findings(Circumstances(log_directory=directory)))) is told


def test_a_directory_of_somebody_else_is_told() -> None:
    directory = Directory("/srv/log", exists=True, usable=True, foreign=True)
    [finding] = findings(Circumstances(log_directory=directory))
    assert "does not belong to the owner" in finding
    assert list(findings(Circumstances())) == []
