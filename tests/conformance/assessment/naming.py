"""What the catalogue says that a profile puts right, and by which step: read from its fixes and expressions."""

from __future__ import annotations

import re
import typing as t

import yaml

from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.controls import CONTROLS
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.derived import DERIVED
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.expressions import reads
from ansible_collections.rampart.postgresql.plugins.plugin_utils._profiles.catalogue import CATALOGUE
from ansible_collections.rampart.postgresql.tests.conformance.assessment.hardening import role_options
from ansible_collections.rampart.postgresql.tests.role_variables import COMPONENTS
from ansible_collections.rampart.postgresql.tests.role_variables import desired

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.model import Control

__all__ = ["claimed", "decisions", "otherwise", "parameters_of", "reads_rules", "speaks_of"]

_PRELOADED: t.Final = "shared_preload_libraries"
_ATTRIBUTES: t.Final = ("superuser", "createrole", "createdb", "replication", "bypassrls")
_LIBRARIES: t.Final = {entry.name: entry.library for entries in CATALOGUE.values() for entry in entries}


def claimed(profile: str) -> set[str]:
    """The controls whose fix is what the profile does anyway: with that line in a playbook the roles want nothing else."""
    return {control.id for control in CONTROLS if not control.manual and _is_claimed(control, profile)}


def otherwise(profile: str) -> dict[str, tuple[t.Any, list[str]]]:
    """The variables of the fixes of such controls, each with another value, and the controls.

    A fix that is the profile itself is left out: it decides about all parameters of its role.
    """
    found: dict[str, tuple[t.Any, list[str]]] = {}
    for control in CONTROLS:
        fix = control.fix
        if fix is not None and not control.parameter and not control.manual and _is_claimed(control, profile):
            value = _another(role_options(fix.role)[fix.variable], yaml.safe_load(fix.value))
            found.setdefault(fix.variable, (value, []))[1].append(control.id)
    return found


def decisions(profile: str) -> tuple[dict[str, t.Any], set[str]]:
    """What fixes set of the server that the profile leaves to the site, as options of the roles; and their controls."""
    options: dict[str, t.Any] = {}
    controls = set()
    for control in CONTROLS:
        fix = control.fix
        if fix is None or control.manual or fix.role not in COMPONENTS or not parameters_of(control):
            continue
        value = yaml.safe_load(fix.told(profile)["value"])
        if _differs_in(fix.role, profile, {fix.variable: value}) == {"settings"}:
            options[fix.variable] = {**options.get(fix.variable, {}), **value} if isinstance(value, dict) else value
            controls.add(control.id)
    return options, controls


def reads_rules(control: Control) -> bool:
    """Whether it looks at the rules of pg_hba.conf."""
    return "hba" in {source.partition(".")[0] for source in _sources(control)}


def speaks_of(control: Control, statement: str) -> bool:
    """Whether it asks for an attribute of roles, or a role, that the statement takes away."""
    if "roles" not in _sources(control):
        return False
    asked = re.findall(r"(?<!!)\b\w+", re.sub(r"\{[^}]*\}", "", control.expression))  # without what it shows of them
    taken = [word.lower().removeprefix("no") for word in re.findall(r"\w+", statement)]
    return bool({word for word in asked if word in _ATTRIBUTES or word.startswith("pg_")} & set(taken))


def parameters_of(control: Control) -> set[str]:
    """The parameters of the server that it is about."""
    found = {control.parameter, *control.depends_on} - {""}
    if _LIBRARIES.get(control.parameter):
        found.add(_PRELOADED)
    return found | {source.split(".")[1] for source in _sources(control) if source.startswith("settings.")}


def _sources(control: Control) -> set[str]:
    """The facts that its expression reads, with those that others are worked out of."""
    paths = reads(control.expression) if control.expression else ()
    return {
        source for path in paths for source in (DERIVED[path[0]].sources if path[0] in DERIVED else (".".join(path),))
    }


def _is_claimed(control: Control, profile: str) -> bool:
    fix = control.fix
    if fix is None or fix.role not in COMPONENTS:
        return False
    value = yaml.safe_load(fix.told(profile)["value"])
    return not _differs_in(fix.role, profile, {fix.variable: value})


def _differs_in(role: str, profile: str, options: t.Mapping[str, t.Any]) -> set[str]:
    """What else the role wants with these options than with the profile alone, by the module's own options."""
    plain = desired(role, pg_harden_profile=profile)
    other = desired(role, pg_harden_profile=profile, **options)
    return {name for name in {*plain, *other} - {"left_alone"} if plain.get(name) != other.get(name)}


def _another(option: t.Mapping[str, t.Any], value: t.Any) -> t.Any:
    if option["type"] == "bool":
        return not value
    return next((choice for choice in option.get("choices", ()) if choice != value), None)
