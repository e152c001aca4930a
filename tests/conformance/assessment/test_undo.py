"""A profile leaves no finding that it claims to fix, and without one of its steps exactly the controls that name it fail."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest
from cryptography.hazmat.primitives import serialization

from ansible_collections.rampart.postgresql.plugins.plugin_utils._profiles.model import PROFILES
from ansible_collections.rampart.postgresql.tests.conformance.assessment.hardening import harden
from ansible_collections.rampart.postgresql.tests.conformance.assessment.looking import Look
from ansible_collections.rampart.postgresql.tests.conformance.assessment.looking import worse
from ansible_collections.rampart.postgresql.tests.conformance.assessment.naming import claimed
from ansible_collections.rampart.postgresql.tests.conformance.assessment.naming import otherwise
from ansible_collections.rampart.postgresql.tests.conformance.assessment.undoing import options_of
from ansible_collections.rampart.postgresql.tests.conformance.assessment.undoing import remaining
from ansible_collections.rampart.postgresql.tests.conformance.assessment.undoing import undo_decisions
from ansible_collections.rampart.postgresql.tests.conformance.assessment.undoing import undo_each
from ansible_collections.rampart.postgresql.tests.conformance.assessment.undoing import undo_site
from ansible_collections.rampart.postgresql.tests.conformance.tls.issuing import Issuer

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

# What is claimed and remains, with the reason.
REMAINS: t.Final = {"RPG-LOG-034": "these servers have no package of pgAudit; test_with_packages.py has those that do"}


@dataclasses.dataclass(frozen=True)
class Old:
    """A certificate that was there before, signed by its own key, which follows it."""

    end: float = 300.0  # days from now
    mode: int = 0o600

    def put(self, server: Server) -> None:
        """Have it where the role would make one."""
        made = Issuer.root("db1", begin=-60.0, end=self.end)
        form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        path = server.data_directory / "rampart-server.pem"
        with server.owner.acting():
            path.write_text(made.pem + made.key.private_bytes(*form).decode())
            path.chmod(self.mode)


# Each with the controls that find it; the server goes on with its own where it does not take a key, so both are self-signed.
CERTIFICATES: t.Final = (
    (Old(end=-1.0), {"RPG-ENC-003"}),
    (Old(end=2.0), {"RPG-ENC-004"}),
    (Old(mode=0o644), {"RPG-ENC-005", "RPG-ENC-006", "RPG-ENC-007", "RPG-ENC-008"}),
)


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


@pytest.mark.in_turn
def test_without_a_decision_of_the_site_exactly_the_controls_that_name_it_fail(fresh_server: Server) -> None:
    undone, controls = undo_decisions(fresh_server)
    assert undone.found == undone.expected
    assert controls - undone.passing <= {"RPG-AUT-010"}  # which is about 16 and newer
    failed = {name for names in undone.found.values() for name in names}
    assert controls & undone.passing <= failed


@pytest.mark.in_turn
def test_with_a_door_open_again_exactly_the_controls_that_name_it_fail(fresh_server: Server) -> None:
    undone = undo_site(fresh_server)
    assert undone.found == undone.expected
    assert all(undone.found.values())


@pytest.mark.in_turn
def test_the_certificate_from_before_is_what_its_controls_look_at(fresh_server: Server) -> None:
    look = Look(fresh_server, "baseline")
    for old, controls in CERTIFICATES:
        old.put(fresh_server)
        harden(fresh_server, options_of(fresh_server, "baseline"))
        hardened = look.findings()
        old.put(fresh_server)
        fresh_server.reload()
        assert worse(look.findings(), hardened) == controls
    fix = {name for _old, controls in CERTIFICATES for name in controls} & claimed("baseline")
    assert fix == set(otherwise("baseline")["pg_tls_manage_certificate"][1])
