# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Text and lists: what the server took from a file is recognised as already so, and another value is not.

Each round writes one text for every string parameter. What pg_settings shows after the reload is the server's reading of
it. Two texts that it shows alike must be the same to us; two that it shows differently must not, but for lists and names
without case, which it shows as they were typed: those are listed, with what the server itself makes of them where it can
be asked.
"""

from __future__ import annotations

import dataclasses
import typing as t

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._settings import grammar
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.lists import LISTS
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.lists import list_key
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.names import NOT_IN_FILE
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.values import Parameter
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.values import is_running
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.values import normalise
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.values import same

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

# Nobody could log in, or the session of this test sets them itself.
LEFT_OUT = frozenset(
    {
        "application_name",
        "dynamic_library_path",
        "local_preload_libraries",
        "role",
        "session_authorization",
        "session_preload_libraries",
    }
)
# Shown as typed, although spaces, case or order do not count.
SHOWN_AS_TYPED = frozenset({*LISTS, "synchronous_standby_names", "timezone_abbreviations", "client_encoding"})
HIDDEN = "(disabled)"  # archive_command, while archive_mode is off
PLAIN = ("abc", "ABC", " abc ", "", "it's \\ ä", "a, b", "a,b", "on")
KNOWN: t.Final[t.Mapping[str, tuple[str, ...]]] = {
    "DateStyle": ("iso, dmy", "DMY,ISO", "ISO, us", "ISO, mdy", "euro, ISO", "ISO, YMD", "ISO, SQL"),
    "TimeZone": ("UTC", "utc", "Europe/Berlin", "europe/berlin", "+3", "nowhere", "EST5EDT"),
    "log_timezone": ("UTC", "utc", "Europe/Berlin", "europe/berlin", "-3", "nowhere", "GMT"),
    "client_encoding": ("UTF8", "utf8", "LATIN1", "latin1", "nothing"),
    "createrole_self_grant": ("set", "SET, inherit", "inherit,set", "both"),
    "default_text_search_config": ("pg_catalog.simple", "pg_catalog.english"),
    "lc_messages": ("C", "POSIX", "c"),
    "lc_monetary": ("C", "POSIX"),
    "log_connections": ("all", "receipt", "RECEIPT, authentication", "authentication,receipt", "on", "off", "yes"),
    "log_destination": ("stderr, csvlog", "CSVLOG,stderr", "syslog", "nowhere"),
    "restrict_nonsystem_relation_kind": ("view", "VIEW, foreign-table", "foreign-table,view"),
    "search_path": ('"$user", public', "public", "PUBLIC", '"PUBLIC"', "a , b"),
    "synchronous_standby_names": ("*", "a, b", "a,b", "FIRST 1 (a,b)", "ANY 1 (a, b)", "(a"),
    "temp_tablespaces": ("", "pg_default", "PG_DEFAULT", '"pg_default"'),
    "timezone_abbreviations": ("Default", "default", "India"),
    "wal_consistency_checking": ("all", "heap, BTREE", "btree,heap", "some"),
}

_PARAMETERS = """
SELECT s.name, s.context, coalesce(s.setting, '') AS setting, s.source, s.pending_restart
FROM pg_catalog.pg_settings s WHERE s.vartype = 'string' AND s.context <> 'internal' ORDER BY s.name"""
_VERDICTS = """
SELECT name, error IS NULL FROM pg_catalog.pg_file_settings WHERE sourcefile LIKE '%/spellings.conf' ORDER BY seqno"""


@dataclasses.dataclass
class Reading:
    """What the server made of texts: parameter to text to what it showed."""

    shown: dict[str, dict[str, str]] = dataclasses.field(default_factory=dict)
    refused: int = 0
    wrong: list[str] = dataclasses.field(default_factory=list)


def parameters(server: Server) -> dict[str, Parameter]:
    rows = server.query(_PARAMETERS)
    return {
        name: Parameter(name, "string", context, setting=setting, source=source, pending_restart=pending)
        for name, context, setting, source, pending in rows
        if name not in NOT_IN_FILE and name not in LEFT_OUT
    }


def write(server: Server, spelt: dict[str, str]) -> None:
    text = "".join(f"{name} = {grammar.quote(value)}\n" for name, value in spelt.items())
    (server.data_directory / "spellings.conf").write_text(text, encoding="utf-8")


@pytest.fixture
def prepared(fresh_server: Server) -> Server:
    with fresh_server.conf_file.open("a", encoding="utf-8") as stream:
        stream.write("include_if_exists 'spellings.conf'\n")
    fresh_server.reload()
    return fresh_server


def read(server: Server, reading: Reading, spelt: dict[str, str]) -> None:
    """One round: every text that the server accepts is recognised in what it then runs with."""
    write(server, spelt)
    verdicts = dict(server.query(_VERDICTS))
    accepted = {name: text for name, text in spelt.items() if verdicts[name]}
    reading.refused += len(spelt) - len(accepted)
    write(server, accepted)
    server.reload()
    now = parameters(server)
    for name, text in accepted.items():
        if now[name].source not in ("configuration file", "default"):
            continue  # this session's own
        reading.shown.setdefault(name, {})[text] = now[name].setting
        try:
            recognised = is_running(now[name], normalise(now[name], text))
        except ValueError:
            recognised = False
        if not recognised:
            reading.wrong.append(f"{name} = {text!r} runs as {now[name].setting!r}, which is another value to us")
    write(server, {})
    server.reload()


def compare(reading: Reading, known: dict[str, Parameter]) -> int:
    """Every two texts of a parameter; returns the number of pairs that differ, to the server and to us."""
    different = 0
    for name, shown in reading.shown.items():
        for left, right in ((left, right) for left in shown for right in shown if left < right):
            equal = shown[left] == shown[right]
            ours = same(known[name], left, right)
            if ours and not equal and name.lower() not in SHOWN_AS_TYPED:
                reading.wrong.append(f"{name}: {left!r} and {right!r} are the same to us, not to the server")
            if equal and not ours and shown[left] != HIDDEN:
                reading.wrong.append(f"{name}: {left!r} and {right!r} are the same to the server, not to us")
            different += not equal and not ours
    return different


def test_texts_mean_to_us_what_they_mean_to_the_server(prepared: Server) -> None:
    reading, known = Reading(), parameters(prepared)
    reloaded = {name: parameter for name, parameter in known.items() if parameter.context != "postmaster"}
    for number in range(max(len(PLAIN), *map(len, KNOWN.values()))):
        spelt = {}
        for name in reloaded:
            choices = KNOWN.get(name, PLAIN)
            if number < len(choices):
                spelt[name] = choices[number]
        read(prepared, reading, spelt)
    different = compare(reading, known)
    accepted = sum(map(len, reading.shown.values()))
    print(f"PostgreSQL {prepared.major}: {accepted} texts, {reading.refused} refused, {different} pairs differ")
    assert not reading.wrong, "\n".join(reading.wrong)
    assert accepted > 150
    assert reading.refused > 30
    assert different > 400


# Texts of a list of names, and the schemas that the server finds with them.
PATHS = ("a,b", " A , b", '"A", b', "b, a", 'a,"b"', '"a b",A', '"q""q" ,a', "a  ,  b", "A", '"A"')


def test_a_list_of_names_is_split_as_the_server_splits_it(fresh_server: Server) -> None:
    for schema in ("a", "b", "A", "a b", 'q"q'):
        quoted = schema.replace('"', '""')
        fresh_server.query(f'CREATE SCHEMA "{quoted}"')
    found = {}
    with fresh_server.connect() as connection:
        for text in PATHS:
            connection.execute("SELECT set_config('search_path', %s, false)", [text])
            [[schemas]] = connection.execute("SELECT current_schemas(false)").fetchall()
            found[text] = tuple(schemas)
    assert found == {text: list_key("search_path", text) for text in PATHS}
    assert len(set(found.values())) == 7


def test_a_wrong_reading_is_noticed() -> None:
    """The comparisons above can fail."""
    known = {name: Parameter(name, "string") for name in ("log_filename", "timezone")}
    reading = Reading(shown={"log_filename": {"a": "x", "b": "x"}, "timezone": {"utc": "UTC", "UTC": "other"}})
    assert compare(reading, known) == 0
    assert len(reading.wrong) == 2
