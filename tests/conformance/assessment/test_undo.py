"""A profile leaves no finding that it claims to fix, and without one of its steps exactly the controls that name it fail."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.controls import CONTROLS
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.parameters import wanted_parameters
from ansible_collections.rampart.postgresql.plugins.plugin_utils._profiles.model import PROFILES
from ansible_collections.rampart.postgresql.tests.conformance.assessment.hardening import Undoable
from ansible_collections.rampart.postgresql.tests.conformance.assessment.hardening import harden
from ansible_collections.rampart.postgresql.tests.conformance.assessment.hardening import planned
from ansible_collections.rampart.postgresql.tests.conformance.assessment.hardening import undoable
from ansible_collections.rampart.postgresql.tests.conformance.assessment.looking import Findings
from ansible_collections.rampart.postgresql.tests.conformance.assessment.looking import Look
from ansible_collections.rampart.postgresql.tests.conformance.assessment.looking import worse
from ansible_collections.rampart.postgresql.tests.conformance.assessment.naming import claimed
from ansible_collections.rampart.postgresql.tests.conformance.assessment.naming import otherwise
from ansible_collections.rampart.postgresql.tests.conformance.assessment.naming import parameters_of
from ansible_collections.rampart.postgresql.tests.conformance.assessment.neglecting import delay
from ansible_collections.rampart.postgresql.tests.conformance.assessment.neglecting import neglect

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

# What is claimed and remains, with the reason.
REMAINS: t.Final = {"RPG-LOG-034": "these servers have no package of pgAudit; test_with_packages.py has those that do"}
# Controls that name a step by their fix and pass without it: what they look for was not there before.
_CERTIFICATE: t.Final = "certificate: rampart-server.pem"
_NO_KEY: t.Final = "there was no key that others could read"
_THERE: t.Final = "the certificate is there, and only its key is not"
SPARED: t.Final[t.Mapping[tuple[str, str], str]] = {
    (_CERTIFICATE, "RPG-ENC-008"): _NO_KEY,
    ("ssl_cert_file", "RPG-ENC-008"): _NO_KEY,
    ("ssl_key_file", "RPG-ENC-003"): _THERE,
    ("ssl_key_file", "RPG-ENC-004"): _THERE,
    ("ssl_key_file", "RPG-ENC-006"): _THERE,
    ("ssl_key_file", "RPG-ENC-008"): _NO_KEY,
}
# Controls that without the whole file of parameters pass, although they fail without one of its lines.
UNCOLLECTED: t.Final = dict.fromkeys(("RPG-BAK-012", "RPG-LOG-004"), "no collector writes where the log should not be")

Names = dict[str, set[str]]


def without_each(server: Server, steps: t.Sequence[Undoable], look: Look, hardened: Findings) -> Names:
    """The controls that are worse than on the hardened server without each of the steps, by its name."""
    contexts = {name: row["context"] for name, row in look.facts()["settings"].items()}

    def restarts(step: Undoable) -> bool:
        return step.includes or contexts.get(step.parameter) == "postmaster"

    found = {}
    for step in sorted(steps, key=restarts):
        step.undo(server)
        if restarts(step):
            server.restart()  # takes over what was made again before, too
        found[step.name] = worse(look.findings(), hardened)
        step.redo(server)
    server.restart()
    assert not worse(look.findings(), hardened)
    return found


def named(steps: t.Sequence[Undoable], by_fix: Names, settings: t.Mapping[str, t.Any]) -> Names:
    """The controls that name each of the steps. ``by_fix`` are the names of the steps that their fixes decide about."""
    entries = {each["name"]: entry for entry, each in settings.items()}
    about = {control.id: parameters_of(control) for control in CONTROLS if not control.manual}
    lines = {entries.get(step.parameter, step.parameter) for step in steps}
    found = {}
    for step in steps:
        its = lines if step.includes else {entries.get(step.parameter, step.parameter)}
        by_parameter = {control for control, names in about.items() if names & its}
        by_parameter -= set(UNCOLLECTED) if step.includes else set()
        by_fixes = {control for control, names in by_fix.items() if step.name in names}
        found[step.name] = {each for each in by_parameter | by_fixes if (step.name, each) not in SPARED}
    return found


@pytest.mark.in_turn
@pytest.mark.parametrize("profile", PROFILES)
def test_every_step_is_what_its_controls_look_at(fresh_server: Server, profile: str) -> None:
    server = fresh_server
    options: dict[str, t.Any] = {"pg_harden_profile": profile}
    if profile != "baseline":
        options["pg_logging_directory"] = f"{server.socket_directory}/log-{{cluster}}"
    neglect(server, profile)
    by_fix = steps_of_fixes(server, profile, options)
    steps = undoable(harden(server, options))
    delay(server)

    look = Look(server, profile)
    hardened = look.findings()
    remains = {name for name in claimed(profile) if hardened[name]["status"] not in ("pass", "not_applicable")}
    assert remains == (set() if profile == "baseline" else set(REMAINS))

    expected = named(steps, by_fix, wanted_parameters(look.facts(), profile))
    passing = {name for name, finding in hardened.items() if finding["status"] == "pass"}
    found = without_each(server, steps, look, hardened)
    assert found == {name: controls & passing for name, controls in expected.items()}
    assert all(found.values())


def steps_of_fixes(server: Server, profile: str, options: t.Mapping[str, t.Any]) -> Names:
    """By control, the names of the steps that are not made where the variable of its fix has another value."""
    found = {}
    base = {step.name for step in undoable(planned(server, options))}
    for variable, (value, controls) in otherwise(profile).items():
        others = {step.name for step in undoable(planned(server, {**options, variable: value}))}
        found.update(dict.fromkeys(controls, base - others))
    return found
