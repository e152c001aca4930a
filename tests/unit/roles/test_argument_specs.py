# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the roles' argument specs promise is what their defaults are."""

from __future__ import annotations

import pathlib
import re
import typing as t

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._admission.arguments import ADMISSION_ARGUMENTS

yaml = pytest.importorskip("yaml")

COMPONENTS = ("pg_tls", "pg_network", "pg_authentication", "pg_logging", "pg_access")  # of pg_harden

ROLES = pathlib.Path(__file__).resolve().parents[3] / "roles"
NAMES = sorted(path.name for path in ROLES.iterdir())


def _load(role: str, path: str) -> dict[str, t.Any]:
    loaded = yaml.safe_load((ROLES / role / path).read_text(encoding="utf-8"))
    assert isinstance(loaded, dict)
    return loaded


def _specs(role: str) -> dict[str, t.Any]:
    specs = _load(role, "meta/argument_specs.yml")["argument_specs"]
    assert isinstance(specs, dict)
    return specs


@pytest.mark.parametrize("role", NAMES)
def test_defaults_are_documented(role: str) -> None:
    documented = {
        name: option["default"] for name, option in _specs(role)["main"]["options"].items() if "default" in option
    }
    actual = _load(role, "defaults/main.yml")
    if role in (*COMPONENTS, "pg_harden"):
        actual.pop("pg_harden_cluster")  # no option: the loop variable, for options that refer to it
    if role in COMPONENTS:
        assert actual.pop(f"{role}_profile") == "{{ pg_harden_profile | default('baseline') }}"
    assert documented == actual


@pytest.mark.parametrize("role", NAMES)
def test_variables_bear_the_name_of_the_role(role: str) -> None:
    for entry_point in _specs(role).values():
        for name in entry_point["options"]:
            assert name.startswith(f"{role}_")


@pytest.mark.parametrize("role", NAMES)
def test_every_option_says_why_and_what_it_serves(role: str) -> None:
    for name, option in _specs(role)["main"]["options"].items():
        text = option["description"]
        assert any(line.startswith("Benchmark, ") for line in text), name
        if not re.search("_(profile|parameters)$", name) or role == "pg_harden":
            assert any(line.startswith("Exists ") for line in text), name


@pytest.mark.parametrize("role", COMPONENTS)
def test_a_component_has_an_entry_point_for_its_desired_state(role: str) -> None:
    specs = _specs(role)
    assert specs["desired"]["options"] == specs["main"]["options"]
    [task] = yaml.safe_load((ROLES / role / "tasks" / "desired.yml").read_text(encoding="utf-8"))
    assert task["ansible.builtin.meta"] == "noop"  # nothing is executed, neither on the host nor on the controller
    assert f"{role}_desired" in yaml.safe_load((ROLES / role / "vars" / "main.yml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("role", NAMES)
def test_the_readme_speaks_of_idempotence(role: str) -> None:
    assert "\n## Idempotence\n" in (ROLES / role / "README.md").read_text(encoding="utf-8")


def test_what_is_wanted_is_not_shown() -> None:
    """Rules and parameters may hold passwords, and Ansible prints a fact that is set."""
    tasks = yaml.safe_load((ROLES / "pg_harden" / "tasks" / "cluster.yml").read_text(encoding="utf-8"))
    [gathering] = [task for task in tasks if "__pg_harden_desired" in task.get("ansible.builtin.set_fact", {})]
    assert gathering["no_log"] is True


@pytest.mark.parametrize("name", ADMISSION_ARGUMENTS)
def test_what_the_modules_take_of_admission_the_role_offers(name: str) -> None:
    def bare(option: t.Any) -> t.Any:
        kept = {key: value for key, value in option.items() if key != "description"}
        return {**kept, "options": {key: bare(value) for key, value in kept.get("options", {}).items()}}

    assert bare(_specs("pg_harden")["main"]["options"][f"pg_harden_{name}"]) == bare(ADMISSION_ARGUMENTS[name])
