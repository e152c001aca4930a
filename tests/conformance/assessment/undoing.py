"""What fails without each step of a hardening, and what the catalogue says that should."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.controls import CONTROLS
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.parameters import wanted_parameters
from ansible_collections.rampart.postgresql.tests.conformance.assessment.hardening import Undoable
from ansible_collections.rampart.postgresql.tests.conformance.assessment.hardening import harden
from ansible_collections.rampart.postgresql.tests.conformance.assessment.hardening import planned
from ansible_collections.rampart.postgresql.tests.conformance.assessment.hardening import undoable
from ansible_collections.rampart.postgresql.tests.conformance.assessment.looking import Findings
from ansible_collections.rampart.postgresql.tests.conformance.assessment.looking import Look
from ansible_collections.rampart.postgresql.tests.conformance.assessment.looking import worse
from ansible_collections.rampart.postgresql.tests.conformance.assessment.naming import claimed
from ansible_collections.rampart.postgresql.tests.conformance.assessment.naming import decisions
from ansible_collections.rampart.postgresql.tests.conformance.assessment.naming import otherwise
from ansible_collections.rampart.postgresql.tests.conformance.assessment.naming import parameters_of
from ansible_collections.rampart.postgresql.tests.conformance.assessment.naming import reads_rules
from ansible_collections.rampart.postgresql.tests.conformance.assessment.naming import speaks_of
from ansible_collections.rampart.postgresql.tests.conformance.assessment.neglecting import delay
from ansible_collections.rampart.postgresql.tests.conformance.assessment.neglecting import neglect
from ansible_collections.rampart.postgresql.tests.conformance.assessment.neglecting import open_doors
from ansible_collections.rampart.postgresql.tests.conformance.assessment.neglecting import undecided

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.model import Control
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

__all__ = ["Undone", "options_of", "remaining", "undo_decisions", "undo_each", "undo_site"]

Names = dict[str, set[str]]

# Controls that name a step by their fix and pass without it: what they look for was not there before.
_CERTIFICATE: t.Final = "certificate: rampart-server.pem"
_NO_KEY: t.Final = "there was no key that others could read"
_THERE: t.Final = "the certificate is there, and only its key is not"
_RULES: t.Final = "hba: pg_hba.conf"
_SPARED: t.Final[t.Mapping[tuple[str, str], str]] = {
    (_RULES, "RPG-NET-007"): "the server took every line of the file",
    (_RULES, "RPG-NET-017"): "what is put back is loaded",
    ('role_attributes: role "dba": take away SUPERUSER', "RPG-ACC-106"): "no standby is connected",
    (_CERTIFICATE, "RPG-ENC-008"): _NO_KEY,
    ("ssl_cert_file", "RPG-ENC-008"): _NO_KEY,
    ("ssl_key_file", "RPG-ENC-003"): _THERE,
    ("ssl_key_file", "RPG-ENC-004"): _THERE,
    ("ssl_key_file", "RPG-ENC-006"): _THERE,
    ("ssl_key_file", "RPG-ENC-008"): _NO_KEY,
}
# Controls that without the whole file of parameters pass, although they fail without one of its lines.
_UNCOLLECTED: t.Final = dict.fromkeys(("RPG-BAK-012", "RPG-LOG-004"), "no collector writes where the log should not be")


@dataclasses.dataclass(frozen=True)
class Undone:
    """By the name of each step, the controls that find more without it, and those that should."""

    found: Names
    expected: Names
    passing: set[str]  # with all steps


def options_of(server: Server, profile: str) -> dict[str, t.Any]:
    """Options of the roles: the profile, and a directory for the log that a test may make."""
    options = {"pg_harden_profile": profile}
    if profile != "baseline":
        options["pg_logging_directory"] = f"{server.socket_directory}/log-{{cluster}}"
    return options


def remaining(findings: Findings, profile: str) -> set[str]:
    """The controls that the profile claims to satisfy, and does not."""
    return {name for name in claimed(profile) if findings[name]["status"] not in ("pass", "not_applicable")}


def undo_each(server: Server, profile: str) -> Undone:
    """Neglect a fresh server and harden it; then take back each step, look, and make it again."""
    options = options_of(server, profile)
    neglect(server, profile)
    by_fix = _steps_of_fixes(server, profile, options)
    steps = undoable(harden(server, options))
    delay(server)
    return _undone(server, profile, steps, by_fix)


def undo_decisions(server: Server) -> tuple[Undone, set[str]]:
    """Set what fixes set that the profile leaves to the site, and take back each of that; also the controls about it."""
    profile = "baseline"
    options, controls = decisions(profile)
    decided = {name for control in CONTROLS if control.id in controls for name in parameters_of(control)}
    undecided(server)
    steps = undoable(harden(server, {**options_of(server, profile), **options}))
    return _undone(server, profile, [step for step in steps if step.parameter in decided], {}), controls


def undo_site(server: Server) -> Undone:
    """Have a site say who gets in, and who may have what; take back each step towards that."""
    profile = "baseline"
    local = {"type": "local", "databases": ["all"], "users": [server.superuser], "method": "peer"}
    remote = {"type": "hostssl", "address": "192.0.2.0/24", "method": "scram-sha-256"}
    site = {
        "pg_access_allow": [{"role": server.superuser, "attributes": ["SUPERUSER"]}],
        "pg_access_roles": [{"role": "app", "connection_limit": 20}],
        "pg_network_hba_rules": [local, {**remote, "databases": ["app"], "users": ["app"]}],
    }
    options = {**options_of(server, profile), **site}
    open_doors(server)
    by_fix = _steps_of_decisions(server, options, site)
    steps = undoable(harden(server, options))
    ours = [step for step in steps if step.step.told and step.step.component in ("hba", "role_attributes")]
    return _undone(server, profile, ours, by_fix)


def _steps_of_decisions(server: Server, options: t.Mapping[str, t.Any], site: t.Iterable[str]) -> Names:
    """By control, the names of the steps that its fix decides about, or that change what it asks for."""
    base = undoable(planned(server, options))
    found: Names = {}
    for variable in site:
        others = planned(server, {name: value for name, value in options.items() if name != variable})
        left = {step.name for step in undoable(others)}
        for step in (step for step in base if step.name not in left):
            for control in CONTROLS:
                if not control.manual and _decides(control, variable, step):
                    found.setdefault(control.id, set()).add(step.name)
    return found


def _decides(control: Control, variable: str, step: Undoable) -> bool:
    if step.step.component == "hba":
        return reads_rules(control)
    if variable == "pg_access_allow":  # which is the fix for whatever a role may have
        return speaks_of(control, step.step.statement)
    return control.fix is not None and control.fix.variable == variable


def _undone(server: Server, profile: str, steps: t.Sequence[Undoable], by_fix: Names) -> Undone:
    look = Look(server, profile)
    hardened = look.findings()
    passing = {name for name, finding in hardened.items() if finding["status"] == "pass"}
    named = _named(steps, by_fix, wanted_parameters(look.facts(), profile))
    return Undone(
        found=_without_each(server, steps, look, hardened),
        expected={name: controls & passing for name, controls in named.items()},
        passing=passing,
    )


def _without_each(server: Server, steps: t.Sequence[Undoable], look: Look, hardened: Findings) -> Names:
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


def _named(steps: t.Sequence[Undoable], by_fix: Names, settings: t.Mapping[str, t.Any]) -> Names:
    """The controls that name each of the steps. ``by_fix`` are the names of the steps that their fixes decide about."""
    entries = {each["name"]: entry for entry, each in settings.items()}
    about = {control.id: parameters_of(control) for control in CONTROLS if not control.manual}
    lines = {entries.get(step.parameter, step.parameter) for step in steps}
    found = {}
    for step in steps:
        its = lines if step.includes else {entries.get(step.parameter, step.parameter)}
        by_parameter = {control for control, names in about.items() if names & its}
        by_parameter -= set(_UNCOLLECTED) if step.includes else set()
        by_fixes = {control for control, names in by_fix.items() if step.name in names}
        found[step.name] = {each for each in by_parameter | by_fixes if (step.name, each) not in _SPARED}
    return found


def _steps_of_fixes(server: Server, profile: str, options: t.Mapping[str, t.Any]) -> Names:
    """By control, the names of the steps that are not made where the variable of its fix has another value."""
    found = {}
    base = {step.name for step in undoable(planned(server, options))}
    for variable, (value, controls) in otherwise(profile).items():
        others = {step.name for step in undoable(planned(server, {**options, variable: value}))}
        found.update(dict.fromkeys(controls, base - others))
    return found
