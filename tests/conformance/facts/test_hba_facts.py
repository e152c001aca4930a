"""What the rules and mappings of a server mean."""

from __future__ import annotations

import os
import time
import typing as t

import pytest

from ansible_collections.rampart.postgresql.tests.conformance.facts.looking import facts
from ansible_collections.rampart.postgresql.tests.conformance.facts.looking import only

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

RULES = """\
local all all trust
hostssl "all" app,+grp 10.0.0.0/8 scram-sha-256
host all all 192.168.0.0 255.255.0.255 md5
host all all 0.0.0.0/0 reject
host shop app 10.1.2.3/32 trust
host shop app all reject
"""


def written(server: Server, rules: str, *, mappings: str | None = None) -> dict[str, t.Any]:
    """Facts after the files were written and loaded."""
    server.hba_file.write_text(rules, encoding="utf-8")
    if mappings is not None:
        (server.data_directory / "pg_ident.conf").write_text(mappings, encoding="utf-8")
    server.reload()
    return facts(server, "hba")


def test_rules_say_whether_they_are_reached_and_by_what_not(fresh_server: Server) -> None:
    fresh_server.query("CREATE ROLE app LOGIN; CREATE ROLE grp")
    fresh_server.query("CREATE DATABASE shop")
    found = written(fresh_server, RULES)["hba"]
    assert found["files"] == [str(fresh_server.hba_file)]
    keys = ("number", "line", "type", "databases", "users", "address", "method", "reachable", "shadowed_by")
    assert [tuple(rule[key] for key in keys) for rule in found["rules"]] == [
        (1, 1, "local", ["all"], ["all"], None, "trust", True, []),
        (2, 2, "hostssl", ['"all"'], ["app", "+grp"], "10.0.0.0/8", "scram-sha-256", False, []),
        (3, 3, "host", ["all"], ["all"], "192.168.0.0/255.255.0.255", "md5", True, []),
        (4, 4, "host", ["all"], ["all"], "0.0.0.0/0", "reject", True, []),
        (5, 5, "host", ["shop"], ["app"], "10.1.2.3/32", "trust", False, [4]),
        (6, 6, "host", ["shop"], ["app"], "all", "reject", True, []),
    ]
    assert found["rules"][2]["text"] == "host all all 192.168.0.0 255.255.0.255 md5"
    assert [(row["from"], row["method"], row["number"]) for row in found["who"]] == [
        ("socket", "trust", 1),
        ("192.168.0.0/255.255.0.255", "md5", 3),
    ]
    codes = {(row["code"], row["line"]) for row in found["findings"]}
    assert {("trust-local", 1), ("md5", 3), ("unreachable", 5)} <= codes
    assert not only(found["findings"], code="trust-world")


def test_sound_rules_have_nothing_against_them(fresh_server: Server) -> None:
    found = written(fresh_server, "local all all peer\nhost all all all reject\n")
    assert found["hba"]["findings"] == []
    assert found["unreadable"] == {}


def test_a_line_that_the_server_refuses_is_a_finding(fresh_server: Server) -> None:
    found = written(fresh_server, "local all all trust\nhost all all nonsense/77 trust\nlocal all all nomethod\n")[
        "hba"
    ]
    assert [row["line"] for row in only(found["findings"], code="rejected")] == [2, 3]
    assert [rule["reachable"] for rule in found["rules"]] == [True, False, False]
    assert [row["number"] for row in found["who"]] == [1]


@pytest.mark.in_turn
def test_a_file_that_was_not_loaded_is_a_finding(fresh_server: Server) -> None:
    server = fresh_server
    found = written(server, "local all all trust\n")["hba"]
    assert not only(found["findings"], code="stale")
    time.sleep(1.1)  # load times are told by the second
    server.hba_file.write_text("local all all trust\nhost all all all reject\n", encoding="utf-8")
    [finding] = only(facts(server, "hba")["hba"]["findings"], code="stale")
    assert (finding["severity"], finding["file"]) == ("high", str(server.hba_file))


@pytest.mark.since(16)
def test_files_that_are_included_are_told(fresh_server: Server) -> None:
    more = fresh_server.data_directory / "more.conf"
    more.write_text("host all all 10.0.0.1/32 reject\n", encoding="utf-8")
    found = written(fresh_server, "local all all trust\ninclude more.conf\n")["hba"]
    assert found["files"] == [str(fresh_server.hba_file), str(more)]
    assert [(rule["file"], rule["line"]) for rule in found["rules"]] == [
        (str(fresh_server.hba_file), 1),
        (str(more), 1),
    ]


def test_mappings_are_told_with_what_is_unwise(fresh_server: Server) -> None:
    mappings = 'm "sys <b>" app\nm /^(.*)@x$ \\1\nm /loose app\n'
    found = written(fresh_server, "local all all trust\n", mappings=mappings)["ident"]
    shown = [(row["map"], row["system_user"], row["role"], row["line"]) for row in found["mappings"]]
    assert shown == [("m", '"sys <b>"', "app", 1), ("m", "/^(.*)@x$", "\\1", 2), ("m", "/loose", "app", 3)]
    assert [(row["code"], row["line"]) for row in found["findings"]] == [("not-anchored", 3)]


@pytest.mark.in_turn
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can take a file from its owner")
def test_a_file_that_cannot_be_read_is_named(fresh_server: Server) -> None:
    server = fresh_server
    os.chown(server.hba_file, 0, 0)
    server.hba_file.chmod(0o600)
    found = facts(server, "hba")
    assert (found["hba"], found["ident"]) == (None, None)
    assert str(server.hba_file) in found["unreadable"]["hba"]
