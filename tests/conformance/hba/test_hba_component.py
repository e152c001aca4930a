"""Keeping pg_hba.conf of real servers: written, loaded, proved, refused, put back."""

from __future__ import annotations

import json
import os
import time
import typing as t

import psycopg
import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._hba.arguments import component
from ansible_collections.rampart.postgresql.tests.conformance.components import run_components

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.tests.conformance.modules import Result
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

Rule = dict[str, t.Any]

OWN: Rule = {
    "type": "local",
    "databases": ["all"],
    "users": ["postgres"],
    "method": "peer",
    "comment": "administration",
}


@pytest.fixture
def own(fresh_server: Server) -> Rule:
    """The rule that admits the run itself."""
    return {**OWN, "users": [fresh_server.superuser]}


def hba(server: Server, *, check: bool = False, rehearse: bool = False, **values: t.Any) -> dict[str, t.Any]:
    demands: dict[str, t.Any] = {"allow_lockout": values.pop("allow_lockout", False)}
    result: Result = run_components(server, lambda: [component(values)], check=check, rehearse=rehearse, **demands)
    return dict(result.values)


def rows(server: Server) -> list[dict[str, t.Any]]:
    """What the server makes of the rules that were asked for: the one that tells which file is loaded is not shown."""
    [[text]] = server.query("SELECT coalesce(json_agg(r), '[]')::text FROM pg_catalog.pg_hba_file_rules r")
    found: list[dict[str, t.Any]] = json.loads(text)
    return [row for row in found if not row["database"][0].startswith("rampart:")]


def world(method: str) -> Rule:
    return {"type": "host", "databases": ["all"], "users": ["all"], "address": "127.0.0.1/32", "method": method}


def test_check_mode_run_and_again(fresh_server: Server, own: Rule) -> None:
    rules = [own, world("reject")]
    before = fresh_server.hba_file.read_bytes()
    fresh_server.connect(host="127.0.0.1").close()

    checked = hba(fresh_server, rules=rules, check=True, rehearse=True)
    assert checked["changed"] and fresh_server.hba_file.read_bytes() == before
    done = hba(fresh_server, rules=rules)
    assert done["changed"] and done["steps"] == checked["steps"], done
    assert [row["auth_method"] for row in rows(fresh_server)] == ["peer", "reject"]
    with pytest.raises(psycopg.OperationalError, match="pg_hba.conf rejects connection"):
        fresh_server.connect(host="127.0.0.1")
    assert not hba(fresh_server, rules=rules, check=True)["changed"]
    again = hba(fresh_server, rules=rules)
    assert not again["changed"] and not again.get("failed"), again

    # The positive control: with only that one rule relaxed the same client gets in.
    assert hba(fresh_server, rules=[own, world("trust")])["changed"]
    fresh_server.connect(host="127.0.0.1").close()


def test_change_of_a_comment_only(fresh_server: Server, own: Rule) -> None:
    hba(fresh_server, rules=[own])
    assert hba(fresh_server, rules=[{**own, "comment": "other"}])["changed"]
    assert b"# other\nlocal" in fresh_server.hba_file.read_bytes()


@pytest.mark.parametrize("position", ["first", "last"])
def test_block_leaves_every_other_byte(fresh_server: Server, own: Rule, position: str) -> None:
    others = f"# mine\r\nlocal\tall   {fresh_server.superuser} trust # keep\n\n  host all all ::1/128 reject".encode()
    fresh_server.hba_file.write_bytes(others)
    fresh_server.reload()
    values: dict[str, t.Any] = {"manage": "block", "position": position, "rules": [own]}
    done = hba(fresh_server, **values)
    assert done["changed"], done
    text = fresh_server.hba_file.read_bytes()
    assert text.endswith(others) if position == "first" else text.startswith(others)
    methods = ["peer", "trust", "reject"] if position == "first" else ["trust", "reject", "peer"]
    assert [row["auth_method"] for row in rows(fresh_server)] == methods
    assert not hba(fresh_server, **values)["changed"]
    assert hba(fresh_server, **values, state="absent")["changed"]
    assert fresh_server.hba_file.read_bytes().rstrip(b"\r\n") == others


def test_lockout_is_refused_and_nothing_changes(fresh_server: Server, own: Rule) -> None:
    before = fresh_server.hba_file.read_bytes()
    for rules, words in (
        ([world("trust")], "no rule matches it"),
        ([{**own, "method": "reject"}], "rejects it"),
        ([{**own, "method": "scram-sha-256"}], "asks for a password"),
        ([{**own, "users": ["somebody_else"]}], "no rule matches it"),
        ([{**own, "databases": ["replication", "template1"]}], "no rule matches it"),
    ):
        refused = hba(fresh_server, rules=rules)
        assert refused["failed"] and words in refused["msg"], refused
    assert fresh_server.hba_file.read_bytes() == before
    assert hba(fresh_server, rules=[own])["changed"]


def test_lockout_that_the_operator_wants(fresh_server: Server, own: Rule) -> None:
    done = hba(fresh_server, rules=[{**own, "method": "reject"}], allow_lockout=True)
    assert done["changed"] and any("would be refused" in warning for warning in done["warnings"]), done
    with pytest.raises(psycopg.OperationalError, match="pg_hba.conf rejects connection"):
        fresh_server.connect()


def test_file_that_a_killed_run_left_is_loaded(fresh_server: Server, own: Rule) -> None:
    rules = [own, world("reject")]
    hba(fresh_server, rules=rules)
    wanted = fresh_server.hba_file.read_bytes()
    hba(fresh_server, rules=[own, world("trust")])
    time.sleep(0.05)
    fresh_server.hba_file.write_bytes(wanted)  # and no reload
    fresh_server.connect(host="127.0.0.1").close()
    [step] = hba(fresh_server, rules=rules, check=True)["steps"]
    assert "reload" in step["description"]
    assert hba(fresh_server, rules=rules)["changed"]
    with pytest.raises(psycopg.OperationalError, match="pg_hba.conf rejects connection"):
        fresh_server.connect(host="127.0.0.1")
    assert not hba(fresh_server, rules=rules)["changed"]


def test_a_time_to_come_does_not_reload_for_ever(fresh_server: Server, own: Rule) -> None:
    hba(fresh_server, rules=[own])
    os.utime(fresh_server.hba_file, (time.time() + 3600,) * 2)
    assert not hba(fresh_server, rules=[own])["changed"]


def test_a_bad_line_of_somebody_else_is_named(fresh_server: Server, own: Rule) -> None:
    text = f"local all {fresh_server.superuser} trust\nhost all all 10.0.0.0/33 md5\n"
    fresh_server.hba_file.write_text(text, encoding="utf-8")
    refused = hba(fresh_server, manage="block", rules=[own])
    assert refused["failed"] and ':2: invalid CIDR mask in address "10.0.0.0/33"' in refused["msg"], refused
    assert fresh_server.hba_file.read_text(encoding="utf-8") == text


def test_what_the_server_refuses_is_put_back(fresh_server: Server, own: Rule) -> None:
    """A rule whose fault only the server can see, as it was built without LDAP, and no rehearsal to see it before."""
    before = fresh_server.hba_file.read_bytes()
    ldap = {
        **world("ldap"),
        "options": {"ldapserver": "127.0.0.1", "ldapbasedn": "dc=shop", "ldapbindpasswd": "hidden-secret"},
    }
    refused = hba(fresh_server, rules=[own, ldap])
    assert refused["failed"] and "the server refuses" in refused["msg"], refused
    assert "hidden-secret" not in str(refused)
    assert fresh_server.hba_file.read_bytes() == before
    fresh_server.connect(host="127.0.0.1").close()
    rehearsed = hba(fresh_server, rules=[own, ldap], rehearse=True, check=True)
    assert rehearsed["failed"] and "hidden-secret" not in str(rehearsed), rehearsed


def test_secrets_are_masked_in_the_diff(fresh_server: Server, own: Rule) -> None:
    options = {"radiusservers": "127.0.0.1", "radiussecrets": '"a ""planted"" secret, with #"'}
    done = hba(fresh_server, rules=[own, {**world("radius"), "options": options}])
    assert done["changed"] and "planted" not in str(done), done
    assert b"planted" in fresh_server.hba_file.read_bytes()
    refused = hba(fresh_server, rules=[own, {**world("radius"), "options": {**options, "radiusports": "x"}}])
    assert refused["failed"] and "radiusports" in refused["msg"] and "planted" not in str(refused), refused
    assert not hba(fresh_server, rules=[own, {**world("radius"), "options": options}])["changed"]


def test_hostssl_without_tls_is_a_warning(fresh_server: Server, own: Rule) -> None:
    done = hba(fresh_server, rules=[own, {**world("scram-sha-256"), "type": "hostssl"}], rehearse=True)
    assert done["changed"] and not done.get("failed"), done
    assert any("SSL is disabled" in warning for warning in done["warnings"])


def test_regular_expressions_follow_the_version(fresh_server: Server, own: Rule) -> None:
    rules = [own, {**world("reject"), "databases": ["/^shop_[0-9]{1,2}$"]}]
    done = hba(fresh_server, rules=rules)
    if fresh_server.major < 16:
        assert done["failed"] and "regular expressions are known from 16 on" in done["msg"]
        return
    assert done["changed"]
    assert rows(fresh_server)[1]["database"] == ["/^shop_[0-9]{1,2}$"]


def test_silence_means_hands_off(fresh_server: Server) -> None:
    before = fresh_server.hba_file.read_bytes()
    looked = hba(fresh_server)
    assert not looked["changed"] and fresh_server.hba_file.read_bytes() == before
    assert any("trust-" in entry["reason"] for entry in looked["left_alone"]), looked
    assert all("no rules were given" in entry["reason"] for entry in looked["left_alone"])


def test_files_of_managers(fresh_server: Server, own: Rule) -> None:
    tagged = "host replication all 127.0.0.1/32 trust # Auto-generated by pg_auto_failover"
    fresh_server.hba_file.write_text(f"local all all trust\n{tagged}\n", encoding="utf-8")
    fresh_server.reload()
    assert hba(fresh_server, rules=[own])["changed"]
    assert tagged in fresh_server.hba_file.read_text(encoding="utf-8").splitlines()
    assert not hba(fresh_server, rules=[own])["changed"]
    generated = "# Do not edit this file manually!\n# It will be overwritten by Patroni!\nlocal all all trust\n"
    fresh_server.hba_file.write_text(generated, encoding="utf-8")
    refused = hba(fresh_server, rules=[own])
    assert refused["failed"] and "patroni.yml" in refused["msg"]
    assert fresh_server.hba_file.read_text(encoding="utf-8") == generated


def test_block_after_a_line_that_continues(fresh_server: Server, own: Rule) -> None:
    text = f"local all {fresh_server.superuser} trust\n# swallows the next line \\"
    fresh_server.hba_file.write_text(text, encoding="utf-8")
    fresh_server.reload()
    values: dict[str, t.Any] = {"manage": "block", "position": "last", "rules": [own]}
    assert hba(fresh_server, **values)["changed"]
    assert [row["auth_method"] for row in rows(fresh_server)] == ["trust", "peer"]
    assert not hba(fresh_server, **values)["changed"]


def test_files_that_rules_name(fresh_server: Server, own: Rule) -> None:
    names = fresh_server.data_directory / "people.lst"
    refused = hba(fresh_server, rules=[own, {**world("reject"), "users": ["@people.lst"]}])
    assert refused["failed"] and "people.lst" in refused["msg"], refused
    with fresh_server.owner.acting():
        names.write_text("alice, bob\n", encoding="utf-8")
    assert hba(fresh_server, rules=[own, {**world("reject"), "users": ["@people.lst"]}], rehearse=True)["changed"]
    assert rows(fresh_server)[1]["user_name"] == ["alice", "bob"]
    time.sleep(0.05)
    names.write_text("carol\n", encoding="utf-8")
    assert hba(fresh_server, rules=[own, {**world("reject"), "users": ["@people.lst"]}])["changed"]
