"""The action group that sets the connection once for a play."""

from __future__ import annotations

import pathlib
import typing as t

import yaml

_ROOT = pathlib.Path(__file__).parent.parent.parent.parent
_FRAGMENT = "rampart.postgresql.connection"


def _documentation(path: pathlib.Path) -> dict[str, t.Any]:
    text = path.read_text(encoding="utf-8")
    block = text.split('DOCUMENTATION = r"""', 1)[1].split('"""', 1)[0]
    return t.cast("dict[str, t.Any]", yaml.safe_load(block))


def test_the_action_group_is_the_modules_that_take_a_connection() -> None:
    group = yaml.safe_load((_ROOT / "meta" / "runtime.yml").read_text(encoding="utf-8"))["action_groups"]["all"]
    connecting = [
        path.stem
        for path in sorted((_ROOT / "plugins" / "modules").glob("*.py"))
        if _FRAGMENT in _documentation(path).get("extends_documentation_fragment", [])
    ]
    assert connecting
    assert sorted(group) == connecting
