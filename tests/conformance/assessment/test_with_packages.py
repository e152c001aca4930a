"""The controls of extensions that only packages have pass where these are loaded; without them they fail in test_both_ways.py."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.rampart.postgresql.plugins.filter.assess import assess
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.controls import CONTROLS
from ansible_collections.rampart.postgresql.tests.conformance.assessment.hardening import harden
from ansible_collections.rampart.postgresql.tests.conformance.assessment.looking import Look
from ansible_collections.rampart.postgresql.tests.conformance.assessment.proof import PACKAGES
from ansible_collections.rampart.postgresql.tests.conformance.assessment.tables import proof_of
from ansible_collections.rampart.postgresql.tests.conformance.assessment.undoing import options_of
from ansible_collections.rampart.postgresql.tests.conformance.assessment.undoing import remaining
from ansible_collections.rampart.postgresql.tests.conformance.assessment.undoing import undo_each
from ansible_collections.rampart.postgresql.tests.conformance.modules import run_module

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

# Steps that no control names, with the reason.
UNNAMED: t.Final = {
    'extensions: extension "pgaudit" in database "postgres": create it in schema "public"': (
        "without it entries of DDL do not name the object; which databases have it is for the site to say"
    ),
}
AUDIT = {"shared_preload_libraries": "pgaudit", "pgaudit.log": "ddl, role, write"}


def statuses(server: Server) -> dict[str, str]:
    """What the controls say of this server."""
    facts = run_module("cluster_info", server, gather=["catalogue"])
    [found] = assess(facts.values, profile="strict")
    return {finding["control"]: finding["status"] for finding in found["findings"]}


def load(server: Server, settings: dict[str, str]) -> None:
    """Start it with these."""
    with server.owner.acting(), server.conf_file.open("a", encoding="utf-8") as stream:
        stream.writelines(f"{name} = '{value}'\n" for name, value in settings.items())
    server.restart()


@pytest.mark.with_extensions("pgaudit")
def test_pgaudit_is_seen(extended_server: Server) -> None:
    controls = ("RPG-LOG-005", "RPG-LOG-034")
    before = statuses(extended_server)
    assert [before[control] for control in controls] == ["fail", "fail"]
    load(extended_server, AUDIT)
    after = statuses(extended_server)
    assert [after[control] for control in controls] == ["pass", "pass"]


@pytest.mark.in_turn
@pytest.mark.with_extensions("pgaudit")
def test_without_a_step_for_pgaudit_exactly_the_controls_that_name_it_fail(extended_server: Server) -> None:
    undone = undo_each(extended_server, "strict")
    assert undone.found == undone.expected
    assert {name for name, controls in undone.found.items() if not controls} == set(UNNAMED)
    assert undone.found["shared_preload_libraries"] == {"RPG-AUT-019", "RPG-LOG-005", "RPG-LOG-034"}
    assert undone.found["pgaudit.log"] == {"RPG-LOG-034"}


@pytest.mark.in_turn
@pytest.mark.with_extensions("pgaudit")
def test_nothing_of_a_profile_remains_where_pgaudit_is(extended_server: Server) -> None:
    harden(extended_server, options_of(extended_server, "strict"))
    assert remaining(Look(extended_server, "strict").findings(), "strict") == set()


@pytest.mark.with_extensions("set-user")
def test_set_user_is_seen(extended_server: Server) -> None:
    assert statuses(extended_server)["RPG-ACC-013"] == "fail"
    load(extended_server, {"shared_preload_libraries": "set_user"})
    extended_server.query("CREATE EXTENSION set_user")
    assert statuses(extended_server)["RPG-ACC-013"] == "pass"


def test_no_other_control_waits_for_packages() -> None:
    left = {each.id for each in CONTROLS if not each.manual and proof_of(each).passes == PACKAGES}
    assert left == {"RPG-ACC-013", "RPG-LOG-005", "RPG-LOG-034"}
