# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which roles configuration files of tools name, and what is said of files that are not understood."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from ansible_collections.rampart.postgresql.plugins.module_utils._roles.tools import parsing
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.tools.parsing import Named
from ansible_collections.rampart.postgresql.tests.unit.growth import no_explosion

PARSERS = (
    parsing.barman,
    parsing.environment,
    parsing.password_file,
    parsing.patroni,
    parsing.pgbackrest,
    parsing.repmgr,
)


@pytest.mark.parametrize(
    ("text", "user"),
    [
        ("", None),
        ("host=h dbname=d", None),
        ("host=h user=barman dbname=d", "barman"),
        ("user = 'it\\'s me' password='x user=y'", "it's me"),
        (r"user=one\ two password=x", "one two"),
        ("user=a user=b", "b"),
        ("user=", None),
        ("password= user=x", None),
        ("postgresql://mon:user=x@h/d", "mon"),
        ("postgres://h/d", None),
        ("postgresql:///d?host=/run&user=m%20n", "m n"),
        ("postgresql://a%40b@h:5432,i/d?sslmode=require", "a@b"),
    ],
)
def test_the_user_of_a_connection_string_is_the_one_that_libpq_takes(text: str, user: str | None) -> None:
    assert parsing.conninfo_user(text) == user


@pytest.mark.parametrize("text", ["user", "user='open", "host=h user", "= x", "user=a 'b'", "host=a;user=b c"])
def test_what_libpq_would_refuse_is_no_connection_string(text: str) -> None:
    with pytest.raises(ValueError, match="^not a connection string$"):
        parsing.conninfo_user(text)


@pytest.mark.parametrize(
    ("parser", "text", "expected"),
    [
        (
            parsing.pgbackrest,
            "[global]\nrepo1-path=/backup\n# pg1-user=commented\n\n[main]\npg1-path=/data\npg1-user = backrest\n"
            "pg2-user=other\npg2-host-user=ssh\ndb-user=old\n",
            Named(("backrest", "other", "old")),
        ),
        (parsing.pgbackrest, "[main\npg1-user\npg1-user=b\n", Named(("b",), (1, 2))),
        (
            parsing.barman,
            '[shop]\ndescription = "x = y"\nconninfo = host=h user=barman dbname=postgres\n'
            "streaming_conninfo = host=h\n   user=streaming_barman\n; conninfo = user=no\nssh_command = ssh u@h\n",
            Named(("barman", "streaming_barman")),
        ),
        (parsing.barman, "[a]\nconninfo = user='open\nwal_conninfo=postgresql://w@h/d\n", Named(("w",), (2,))),
        (
            parsing.repmgr,
            "node_id=1\nconninfo='host=n user=''rep mgr'' dbname=repmgr'  # ours\nreplication_user = 'streamer'\n"
            "include_directory 'x'\ndata_directory=/data # here\n",
            Named(("rep mgr", "streamer")),
        ),
        (parsing.repmgr, "conninfo='host=n\n'''\nreplication_user=r\n", Named(("r",), (1, 2))),
        (
            parsing.environment,
            "DATA_SOURCE_NAME=\"user=exporter host=/run, postgresql://second:x@h/d\"\nexport DATA_SOURCE_USER='third'\n"
            '# DATA_SOURCE_USER=no\nARGS="--one \\\n --two"\nDATA_SOURCE_PASS=user=no\nPGUSER=fourth\nEMPTY=\n',
            Named(("exporter", "second", "third", "fourth")),
        ),
        (parsing.environment, 'what\nDATA_SOURCE_NAME="open\nDATA_SOURCE_USER=x\n', Named(("x",), (1, 2))),
        (parsing.environment, "PATRONI_REPLICATION_USERNAME=rep\nPATRONI_NAME=n", Named(("rep",))),
        (
            parsing.patroni,
            "scope: main\npostgresql:\n  authentication:   # who\n    replication:\n      username: replicator\n"
            "      password: rep-pass: x\n    superuser:\n      password: zalando\n      username: 'it''s'\n"
            '    rewind: {username: "rewind user", password: x}\n  parameters:\n    username: nobody\n'
            "restapi:\n  authentication:\n    username: web\n",
            Named(("replicator", "it's", "rewind user")),
        ),
        (parsing.patroni, "a:\n  authentication: {replication: {username: x}}\n", Named((), (2,))),
        (parsing.patroni, "authentication:\n  replication:\n    username: *alias\n", Named((), (3,))),
        (parsing.patroni, "authentication:\n  superuser: {\n    username: x}\n", Named((), (2, 3))),
        (parsing.patroni, "authentication:\n\treplication:\n", Named((), (2,))),
        (
            parsing.password_file,
            "# c\n*:*:replication:stand\\:by:x\\:y\nh:5432:shop:app:x\nh:1:replication:*:x\nbroken:line\n",
            Named(("stand:by",), (5,)),
        ),
    ],
)
def test_roles_are_named_and_lines_that_are_not_understood_counted(
    parser: t.Callable[[str], Named], text: str, expected: Named
) -> None:
    assert parser(text) == expected
    assert parser(text.replace("\n", "\r\n")) == expected


@settings(max_examples=300, deadline=None)
@given(text=st.text(alphabet="ab=:'\"\\ \t\n#;[]{},*&@/?%users", max_size=200), parser=st.sampled_from(PARSERS))
def test_no_file_is_a_traceback(text: str, parser: t.Callable[[str], Named]) -> None:
    named = parser(text)
    assert all(named.roles)
    assert all(1 <= number <= text.count("\n") + 1 for number in named.malformed)


@pytest.mark.parametrize("parser", PARSERS)
@pytest.mark.parametrize(
    "piece",
    ["a=" + " " * 300_000 + "'", 'A="\n' * 600_000, "conninfo = " + "a=b " * 60_000, "x: " * 90_000, "\\" * 300_000],
    ids=["spaces", "quotes", "pairs", "keys", "backslashes"],
)
def test_no_file_takes_long(parser: t.Callable[[str], Named], piece: str) -> None:
    with no_explosion():
        parser(piece)
