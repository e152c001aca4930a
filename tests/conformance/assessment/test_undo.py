"""A profile leaves no finding that it claims to fix, and without one of its steps exactly the controls that name it fail."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.rampart.postgresql.plugins.plugin_utils._profiles.model import PROFILES
from ansible_collections.rampart.postgresql.tests.conformance.assessment.hardening import harden
from ansible_collections.rampart.postgresql.tests.conformance.assessment.looking import Look
from ansible_collections.rampart.postgresql.tests.conformance.assessment.undoing import options_of
from ansible_collections.rampart.postgresql.tests.conformance.assessment.undoing import remaining
from ansible_collections.rampart.postgresql.tests.conformance.assessment.undoing import undo_each

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

# What is claimed and remains, with the reason.
REMAINS: t.Final = {"RPG-LOG-034": "these servers have no package of pgAudit; test_with_packages.py has those that do"}


@pytest.mark.parametrize("profile", PROFILES)
def test_nothing_remains_of_what_is_claimed(fresh_server: Server, profile: str) -> None:
    look = Look(fresh_server, profile)
    before = remaining(look.findings(), profile)
    harden(fresh_server, options_of(fresh_server, profile))
    after = remaining(look.findings(), profile)
    assert after == (set() if profile == "baseline" else set(REMAINS))
    assert "RPG-ENC-017" in before and "RPG-AUT-019" in before


@pytest.mark.in_turn
@pytest.mark.parametrize("profile", PROFILES)
def test_without_a_step_exactly_the_controls_that_name_it_fail(fresh_server: Server, profile: str) -> None:
    undone = undo_each(fresh_server, profile)
    assert undone.found == undone.expected
    assert all(undone.found.values())
