# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Values compare in base units and types."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.rampart.postgresql.plugins.module_utils._settings.values import Parameter
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.values import accepted
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.values import is_running
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.values import may_hold_secret
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.values import normalise
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.values import same
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.values import show

SSL = Parameter("ssl", "bool")
TIMEOUT = Parameter("statement_timeout", "integer", "user", "ms", "0", "2147483647")
MEMORY = Parameter("work_mem", "integer", "user", "kB", "64", "2147483647")
BUFFERS = Parameter("shared_buffers", "integer", "postmaster", "8kB", "16", "1073741823")
MODE = Parameter("log_file_mode", "integer", "sighup", None, "0", "511")
COST = Parameter("seq_page_cost", "real", "user", None, "0", "1.79769e+308")
TLS = Parameter("ssl_min_protocol_version", "enum", labels=("TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"))
COMMIT = Parameter("synchronous_commit", "enum", labels=("local", "remote_write", "remote_apply", "on", "off"))
LEVEL = Parameter("wal_level", "enum", "postmaster", labels=("minimal", "replica", "logical"))
PREFIX = Parameter("log_line_prefix", "string")
DESTINATION = Parameter("log_destination", "string")
PATH = Parameter("search_path", "string", "user")
LOG_SWITCH = Parameter("log_connections", "bool", "superuser-backend")
LOG_LIST = Parameter("log_connections", "string", "superuser-backend")


@pytest.mark.parametrize(
    ("parameter", "left", "right"),
    [
        (SSL, True, "yes"),
        (SSL, "on", "TRUE"),
        (SSL, False, "of"),
        (SSL, 1, "t"),
        (TIMEOUT, "30s", 30000),
        (TIMEOUT, "30s", "30000"),
        (TIMEOUT, "1e3", "1s"),
        (MEMORY, "1GB", 1048576),
        (BUFFERS, "1GB", "131072"),
        (MODE, "0600", 384),
        (COST, 1, "1.0"),
        (COST, 0.5, "5e-1"),
        (TLS, "tlsv1.2", "TLSv1.2"),
        (COMMIT, True, "on"),
        (COMMIT, "no", "off"),
        (LEVEL, "hot_standby", "replica"),
        (DESTINATION, "stderr,csvlog", "CSVLOG , stderr"),
        (DESTINATION, ["stderr", "csvlog"], "stderr, csvlog"),
        (PATH, '"$user",public', ["$user", "PUBLIC".lower()]),
        (PATH, "Public", "public"),
        (Parameter("shared_preload_libraries", "string"), "a,b", "a , b"),
        (Parameter("TimeZone", "string"), "utc", "UTC"),
        (Parameter("synchronous_standby_names", "string"), "FIRST 1 (a,b)", "FIRST 1 ( a , b )"),
        (LOG_LIST, "on", "receipt, authentication, authorization"),
        (LOG_LIST, False, ""),
        (LOG_LIST, "all", ["setup_durations", "receipt", "authorization", "authentication"]),
        (LOG_LIST, ["receipt", "all"], "all"),
        (LOG_SWITCH, ["receipt", "all"], True),
        (LOG_SWITCH, ["receipt", "authentication"], "on"),
        (LOG_SWITCH, "all", True),
        (LOG_SWITCH, "", "off"),
    ],
)
def test_spellings_that_mean_the_same(parameter: Parameter, left: object, right: object) -> None:
    assert normalise(parameter, left).key == normalise(parameter, right).key


@pytest.mark.parametrize(
    ("parameter", "left", "right"),
    [
        (TIMEOUT, "30s", "30"),
        (MEMORY, "1GB", "1MB"),
        (COST, 1, 1.1),
        (PREFIX, "%m", "%m "),
        (PREFIX, "%U", "%u"),
        (PATH, '"Public"', "public"),
        (PATH, "a, b", "b, a"),
        (LOG_LIST, "on", "all"),
        (DESTINATION, "stderr", "stderr, csvlog"),
    ],
)
def test_values_that_differ(parameter: Parameter, left: object, right: object) -> None:
    assert normalise(parameter, left).key != normalise(parameter, right).key


@pytest.mark.parametrize(
    ("parameter", "value", "message"),
    [
        (SSL, "o", "on or off"),
        (SSL, "", "on or off"),
        (SSL, 2, "on or off"),
        (TIMEOUT, True, "an integer"),
        (TIMEOUT, "5 m", r"with a unit \(us, ms, s, min, h, d\) or in units of ms"),
        (TIMEOUT, {}, "an integer"),
        (MEMORY, "63kB", "from 64kB to 2147483647kB"),
        (MODE, 600, r"from 00 \(octal\) to 0777 \(octal\)"),
        (COST, -1, "a number from 0"),
        (COST, "inf", "a number from 0"),
        (TLS, "TLSv2", "one of TLSv1, TLSv1.1, TLSv1.2, TLSv1.3"),
        (LOG_LIST, "receipt, nonsense", "a list of authentication, authorization, receipt"),
        (PATH, "a b", "a list"),
        (PATH, "a,", "a list"),
        (PREFIX, ["a"], "text"),
        (PREFIX, "a\0b", "NUL"),
    ],
)
def test_a_wrong_value_is_refused_with_what_would_do(parameter: Parameter, value: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        normalise(parameter, value)


@pytest.mark.parametrize(
    ("parameter", "value", "text"),
    [
        (SSL, "yes", "on"),
        (TIMEOUT, " 30s ", "30s"),
        (MODE, 384, "0600"),
        (TLS, "TLSV1.3", "TLSv1.3"),
        (LOG_SWITCH, ["authentication"], "on"),
        (PATH, ["$user", "my schema"], '"$user", "my schema"'),
        (PREFIX, True, "on"),
    ],
)
def test_what_is_written(parameter: Parameter, value: object, text: str) -> None:
    assert normalise(parameter, value).text == text


@pytest.mark.parametrize(
    ("parameter", "setting", "value", "expected"),
    [
        (COST, "0.123457", 0.1234567, True),
        (COST, "0.123457", 0.1235, False),
        (Parameter("DateStyle", "string"), "German, DMY", "german", True),
        (Parameter("DateStyle", "string"), "ISO, DMY", "iso, mdy", False),
        (Parameter("log_timezone", "string"), "<+02>-02", "2", True),
        (Parameter("log_timezone", "string"), "UTC", "Europe/Vienna", False),
        (Parameter("wal_buffers", "integer", unit="8kB"), "512", -1, True),
        (Parameter("autovacuum_work_mem", "integer", unit="kB"), "1024", "100kB", True),
        (Parameter("autovacuum_work_mem", "integer", unit="kB"), "2048", "100kB", False),
        (MODE, "0600", "0600", True),
        (MODE, "0640", "0600", False),
    ],
)
def test_what_the_server_shows_of_a_value(parameter: Parameter, setting: str, value: object, expected: bool) -> None:
    running = Parameter(**{**vars(parameter), "setting": setting})
    assert is_running(running, normalise(running, value)) is expected


def test_texts_that_the_server_refuses_compare_as_they_are() -> None:
    assert same(TIMEOUT, "soon", "soon")
    assert not same(TIMEOUT, "soon", "30s")


def test_values_for_people() -> None:
    assert show(BUFFERS, "131072") == "1GB"
    assert show(TIMEOUT, "nonsense") == "nonsense"
    assert show(Parameter("primary_conninfo", "string"), "password=geheim") == "********"
    assert "text" in accepted(PREFIX)


@pytest.mark.parametrize(
    ("name", "vartype", "expected"),
    [
        ("primary_conninfo", "string", True),
        ("ssl_passphrase_command", "string", True),
        ("archive_command", "string", True),
        ("ssl_passphrase_command_supports_reload", "bool", False),
        ("password_encryption", "enum", False),
        ("log_line_prefix", "string", False),
    ],
)
def test_which_values_are_hidden(name: str, vartype: str, expected: bool) -> None:
    assert may_hold_secret(name, vartype) is expected


TYPED: t.Any = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.lists(st.text()))


@given(st.sampled_from([SSL, TIMEOUT, MODE, COST, TLS, COMMIT, PREFIX, DESTINATION, PATH, LOG_SWITCH, LOG_LIST]), TYPED)
def test_what_is_written_means_what_was_given(parameter: Parameter, value: object) -> None:
    try:
        first = normalise(parameter, value)
    except ValueError:
        return
    assert normalise(parameter, first.text).key == first.key


def test_a_command_that_the_server_hides_is_not_another_one() -> None:
    hidden = Parameter("archive_command", "string", setting="(disabled)")
    assert is_running(hidden, normalise(hidden, "cp %p /x/%f"))
    shown = dataclasses.replace(hidden, setting="cp %p /y/%f")
    assert not is_running(shown, normalise(shown, "cp %p /x/%f"))


def test_words_for_the_order_of_a_date_mean_the_same() -> None:
    style = Parameter("DateStyle", "string")
    assert same(style, "euro, ISO", "iso,DMY")
    assert not same(style, "us, ISO", "iso,DMY")


@pytest.mark.parametrize(
    "name", ["tcp_keepalives_idle", "tcp_keepalives_interval", "tcp_keepalives_count", "tcp_user_timeout"]
)
def test_what_describes_the_connection_of_the_session_is_no_evidence(name: str) -> None:
    parameter = Parameter(name, "integer", "user", None, "0", "2147483647", setting="0")
    assert is_running(parameter, normalise(parameter, 60))
    other = Parameter("statement_timeout", "integer", "user", None, "0", "2147483647", setting="0")
    assert not is_running(other, normalise(other, 60))
