"""Every control, both ways; and that controls, profiles, roles and benchmarks belong together."""

from __future__ import annotations

import pathlib
import re
import typing as t

import pytest
import yaml

from ansible_collections.rampart.postgresql.plugins.filter.assess import assess
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.acceptable import ACCEPTABLE
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.benchmarks import CIS
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.benchmarks import EDITIONS
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.benchmarks import NOT_APPLICABLE
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.benchmarks import RECOMMENDATIONS
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.controls import CONTROLS
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.model import Control
from ansible_collections.rampart.postgresql.plugins.plugin_utils._profiles.catalogue import CATALOGUE
from ansible_collections.rampart.postgresql.plugins.plugin_utils._profiles.model import PROFILES
from ansible_collections.rampart.postgresql.tests.unit.plugins.plugin_utils._controls.cases import BAD_VALUES
from ansible_collections.rampart.postgresql.tests.unit.plugins.plugin_utils._controls.cases import CASES
from ansible_collections.rampart.postgresql.tests.unit.plugins.plugin_utils._controls.hardened import NOW
from ansible_collections.rampart.postgresql.tests.unit.plugins.plugin_utils._controls.hardened import hardened
from ansible_collections.rampart.postgresql.tests.unit.plugins.plugin_utils._controls.hardened import patched

ROOT = pathlib.Path(__file__).resolve().parents[5]
BY_ID = {control.id: control for control in CONTROLS}
OF_WAIVERS = ("RPG-AUD-001", "RPG-AUD-002")
# What a version or a state has to be for a control to be about the cluster at all.
SELDOM = ("RPG-ACC-102", "RPG-ACC-107", "RPG-ACC-112", "RPG-ENC-010")
# What is wrong with a cluster in more than one way.
SIDE_EFFECTS = {
    "RPG-NET-002": {"RPG-NET-009"},
    "RPG-NET-009": {"RPG-NET-002"},
    "RPG-ACC-102": {"RPG-PLT-008", "RPG-ENC-021"},
    "RPG-ACC-112": {"RPG-AUT-007"},
    "RPG-PLT-007": {"RPG-ENC-021"},
    "RPG-PLT-008": {"RPG-ENC-021"},
}


def statuses(facts: dict[str, t.Any], profile: str = "strict") -> dict[str, str]:
    [found] = assess(facts, profile=profile, host="db1", now=NOW, newest_minors={18: "18.6"})
    return {finding["control"]: finding["status"] for finding in found["findings"]}


@pytest.fixture(scope="module")
def clean() -> dict[str, str]:
    return statuses(hardened())


def test_nothing_is_wrong_with_a_cluster_that_is_as_it_should_be(clean: dict[str, str]) -> None:
    assert {name: status for name, status in clean.items() if status in ("fail", "unknown", "waived")} == {}


@pytest.mark.parametrize("name", [name for name in BY_ID if not BY_ID[name].manual])
def test_every_control_has_a_state_that_passes(name: str, clean: dict[str, str]) -> None:
    assert clean[name] == ("not_applicable" if name in SELDOM else "pass")


@pytest.mark.parametrize("name", [name for name in BY_ID if BY_ID[name].parameter])
def test_every_parameter_has_a_value_that_fails(name: str, clean: dict[str, str]) -> None:
    value = BAD_VALUES[BY_ID[name].parameter]
    found = statuses(patched((f"settings/{BY_ID[name].parameter}/setting", value)))
    assert {each for each in found if found[each] != clean[each]} == {name}
    assert found[name] == "fail"


@pytest.mark.parametrize("name", CASES)
def test_every_control_has_a_state_that_fails(name: str, clean: dict[str, str]) -> None:
    found = statuses(patched(*CASES[name]))
    assert found[name] == "fail"
    failed = {each for each in found if found[each] == "fail"}
    assert failed - {name} <= SIDE_EFFECTS.get(name, set())


def test_every_control_has_a_case() -> None:
    automated = {control.id for control in CONTROLS if not control.manual and not control.parameter}
    assert automated - set(OF_WAIVERS) == set(CASES)
    assert {control.parameter for control in CONTROLS if control.parameter} == set(BAD_VALUES)


def test_no_two_controls_have_one_id() -> None:
    assert len(BY_ID) == len(CONTROLS)


@pytest.mark.parametrize("control", CONTROLS, ids=lambda control: control.id)
def test_every_control_is_well_formed(control: Control) -> None:
    for expression in (control.expression, control.evidence, control.unclear, control.applies.condition):
        if expression:
            assert not re.search(r"![a-z_]+\.", expression), "! binds tighter than the dot: put it in parentheses"
    assert control.id.startswith("RPG-")
    assert not control.title.endswith(".")
    assert control.rationale.endswith(".")


def test_every_parameter_of_a_profile_has_a_control_and_no_other() -> None:
    parameters = {entry.name for entries in CATALOGUE.values() for entry in entries}
    assert {control.parameter for control in CONTROLS if control.parameter} == parameters
    assert set(ACCEPTABLE) <= parameters


def test_controls_and_profiles_name_the_same_recommendations() -> None:
    by_parameter = {control.parameter: control for control in CONTROLS if control.parameter}
    for entry in [entry for entries in CATALOGUE.values() for entry in entries]:
        if entry.reference is not None:
            named = set(re.findall(r"[0-9.]+[0-9]", entry.reference.number))
            known = {each.number for each in by_parameter[entry.name].references if each.benchmark == CIS}
            assert named <= known, entry.name


@pytest.mark.parametrize("control", [control for control in CONTROLS if control.fix], ids=lambda control: control.id)
def test_every_fix_is_an_option_of_a_role(control: Control) -> None:
    assert control.fix is not None
    specification = ROOT / "roles" / control.fix.role / "meta" / "argument_specs.yml"
    options = yaml.safe_load(specification.read_text(encoding="utf-8"))["argument_specs"]["main"]["options"]
    option = options[control.fix.variable]
    for profile in PROFILES:
        [(name, value)] = yaml.safe_load(control.fix.told(profile)["line"]).items()
        assert name == control.fix.variable
        kinds = {"str": str, "path": str, "int": int, "bool": bool, "list": list, "dict": dict}
        assert isinstance(value, kinds[option.get("type", "str")])
        if "choices" in option and isinstance(value, str):
            assert value in option["choices"]


def test_every_recommendation_that_was_seen_is_dealt_with() -> None:
    named = {(each.edition, each.number) for control in CONTROLS for each in control.references}
    assert {(each.edition, each.number) for each in RECOMMENDATIONS} == named | set(NOT_APPLICABLE)
    assert not named & set(NOT_APPLICABLE)
    assert {each.edition for each in RECOMMENDATIONS} <= {edition.name for edition in EDITIONS}


def test_the_default_is_that_of_the_roles() -> None:
    defaults = yaml.safe_load((ROOT / "roles" / "pg_harden" / "defaults" / "main.yml").read_text(encoding="utf-8"))
    [found] = assess(hardened(), now=NOW)
    assert found["profile"] == defaults["pg_harden_profile"]
