"""What a role sees that is no superuser: the table of the documentation, tried."""

from __future__ import annotations

import pathlib
import re
import typing as t

import pytest

from ansible_collections.rampart.postgresql.tests.conformance.facts.looking import facts
from ansible_collections.rampart.postgresql.tests.conformance.facts.looking import only
from ansible_collections.rampart.postgresql.tests.conformance.modules import run_module

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

EVERYTHING = ("catalogue", "hba", "databases", "replication")
OF_SUPERUSERS = ("configuration_findings", "settings of the session", "verifiers")
GUIDE = pathlib.Path(__file__).parents[3] / "docs" / "docsite" / "rst" / "assessment.rst"

SUBSCRIPTION = (
    "CREATE SUBSCRIPTION s CONNECTION 'host=h password=x' PUBLICATION p"
    " WITH (connect = false, enabled = false, slot_name = NONE, create_slot = false)"
)
MAPPING = (
    "CREATE FOREIGN DATA WRAPPER w; CREATE SERVER far FOREIGN DATA WRAPPER w;"
    "CREATE USER MAPPING FOR PUBLIC SERVER far OPTIONS (password 'x')"
)


def statements() -> list[str]:
    """Those that the documentation gives, for a role that it calls monitor."""
    block = re.search(r"code-block:: sql\n\n((?:(?: {4}.*)?\n)+)", GUIDE.read_text(encoding="utf-8"))
    assert block is not None
    return [line.strip() for line in block.group(1).splitlines() if line.strip()]


@pytest.fixture
def watched(fresh_server: Server) -> Server:
    """A server with something to hide, and the role monitor without any privilege."""
    for statement in (SUBSCRIPTION, MAPPING, "CREATE ROLE monitor LOGIN", "CREATE ROLE app LOGIN PASSWORD 'x'"):
        fresh_server.query(statement)
    return fresh_server


def test_without_any_privilege_what_is_hidden_is_named(watched: Server) -> None:
    with watched.connect():
        found = facts(watched, *EVERYTHING, user="monitor")
    assert set(found["unreadable"]) == {
        *("server", "managed_by", "paths", "settings", "hba_rules", "hba", "ident", *OF_SUPERUSERS),
        *("subscriptions", "user_mappings in postgres", "connections"),
        *("replication.senders", "replication.receiver", "replication.conninfo"),
    }
    for section in ("server", "managed_by", "paths", "hba_rules", "hba", "ident", "connections"):
        assert found[section] is None, section
    assert "primary_conninfo" not in found["settings"]
    assert {role["verifier"] for role in found["roles"]} == {None}
    replication = found["replication"]
    assert (replication["senders"], replication["receiver"], replication["conninfo"]) == (None, None, None)
    assert replication["archiving"]["mode"] == "off"
    _subscription_and_mapping_are_unknown(found)
    assert "permission denied" not in watched.log_text()  # which a review of the log would have to tell


def test_with_the_grants_of_the_guide_it_sees_what_the_guide_says(watched: Server) -> None:
    expected = facts(watched, *EVERYTHING)
    given = statements()
    assert len(given) == 6, given
    watched.query("DROP ROLE monitor")
    for statement in given:
        watched.query(statement)
    with watched.connect():
        found = facts(watched, *EVERYTHING, user="monitor")
    assert set(found["unreadable"]) == {*OF_SUPERUSERS, "subscriptions", "user_mappings in postgres"}
    assert {role["verifier"] for role in found["roles"]} == {None}
    _subscription_and_mapping_are_unknown(found)
    [mine] = only(found["connections"], role=watched.superuser)
    assert mine["count"] == 1
    assert found["hba_rules"] == expected["hba_rules"]
    assert found["settings"].keys() == expected["settings"].keys()
    assert found["hba"]["who"] == expected["hba"]["who"]
    for section in ("schemas", "languages", "ident", "paths", "managed_by", "databases", "replication", "extensions"):
        assert found[section] == expected[section], section


def test_pg_monitor_alone_does_not_read_the_rules_of_the_view(watched: Server) -> None:
    watched.query("GRANT pg_monitor TO monitor")
    found = facts(watched, *EVERYTHING, user="monitor")
    assert set(found["unreadable"]) == {*OF_SUPERUSERS, "hba_rules", "subscriptions", "user_mappings in postgres"}
    assert found["hba_rules"] is None


def test_where_nothing_is_hidden_nothing_is_named(fresh_server: Server) -> None:
    """The contrary: without a subscription or a mapping there is nothing that could hold a password."""
    fresh_server.query("CREATE ROLE monitor LOGIN; GRANT pg_monitor TO monitor")
    found = facts(fresh_server, *EVERYTHING, user="monitor")
    assert (found["subscriptions"], found["user_mappings"]) == ([], [])
    assert set(found["unreadable"]) == {*OF_SUPERUSERS, "hba_rules"}


def _subscription_and_mapping_are_unknown(found: dict[str, t.Any]) -> None:
    [subscription] = found["subscriptions"]
    assert (subscription["name"], subscription["password_in_conninfo"], subscription["sslmode"]) == ("s", None, None)
    [mapping] = found["user_mappings"]
    assert (mapping["server"], mapping["role"], mapping["password"]) == ("far", "public", None)


@pytest.mark.in_turn
def test_the_whole_module_goes_on_without_privileges(fresh_server: Server) -> None:
    """It may not even ask where the files are; with the right to, they are read."""
    server = fresh_server
    server.query("CREATE ROLE monitor LOGIN")
    sections = ("certificates", "files", "backups", "hba", "paths")
    result = run_module("cluster_info", server, gather=["all"], user="monitor")
    assert not result.failed, result.message
    assert {"certificates", "files", "hba", "paths"} <= set(result.values["unreadable"])
    assert result.values["certificates"] is None
    assert result.values["roles"]
    alone = run_module("cluster_info", server, gather=["certificates"], user="monitor")
    assert alone.failed
    assert "pg_read_all_settings" in alone.message
    server.query("DROP ROLE monitor")
    for statement in statements():
        server.query(statement)
    result = run_module("cluster_info", server, gather=["all"], user="monitor")
    assert not result.failed, result.message
    assert [section for section in sections if result.values[section] is None] == []
    assert "certificates" not in result.values["unreadable"]
    assert result.values["unreadable"]["files"].endswith("may not ask for the files of the configuration")
    assert only(result.values["files"], what="extension_directory")
