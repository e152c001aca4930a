"""The action group names the modules that take connection options, no more and no fewer."""

from __future__ import annotations

import pathlib

import yaml

ROOT = pathlib.Path(__file__).parents[3]
FRAGMENT = "rampart.postgresql.connection"


def test_the_action_group_is_the_modules_with_a_connection() -> None:
    runtime = yaml.safe_load((ROOT / "meta/runtime.yml").read_text(encoding="utf-8"))
    group = runtime["action_groups"]["all"]
    modules = [path for path in (ROOT / "plugins/modules").glob("*.py") if FRAGMENT in path.read_text(encoding="utf-8")]
    assert sorted(group) == sorted(path.stem for path in modules)
