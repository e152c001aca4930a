#!/usr/bin/env python
# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write the options of the module cluster from those of the single modules: ``scripts/in-venv scripts/cluster_options.py``.

A text is written once, in the module of its component; the documentation of ``cluster`` repeats it.
"""

from __future__ import annotations

import ast
import pathlib
import re
import typing as t

import yaml

MODULES = pathlib.Path(__file__).resolve().parent.parent / "plugins" / "modules"
COMPONENTS = ("certificate", "extensions", "settings", "log_retention", "role_attributes", "privileges", "ident", "hba")
_BEGIN = "options:\n"
_END = "requirements:\n"


def documentation(module: str) -> dict[str, t.Any]:
    """The DOCUMENTATION of a module."""
    for node in ast.parse((MODULES / f"{module}.py").read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "DOCUMENTATION":
            loaded: dict[str, t.Any] = yaml.safe_load(ast.literal_eval(node.value))
            return loaded
    raise SystemExit(f"{module} has no DOCUMENTATION")


def options() -> dict[str, t.Any]:
    """The options of ``cluster``: one dictionary for each component."""
    return {
        name: {
            "description": [
                f"As the options of M(rampart.postgresql.{name}). Without it the component does not take part."
            ],
            "type": "dict",
            "suboptions": _inside(documentation(name)["options"], name),
        }
        for name in COMPONENTS
    }


def _inside(found: t.Any, component: str) -> t.Any:
    """The same options one level deeper: references to options get the name of the component in front."""
    if isinstance(found, dict):
        return {key: _inside(value, component) for key, value in found.items()}
    if isinstance(found, list):
        return [_inside(value, component) for value in found]
    if isinstance(found, str):
        return re.sub(r"\bO\(([a-z_]+)", rf"O({component}.\1", found)
    return found


def rewritten(source: str) -> str:
    """The module's text with its options as they should be."""
    begin = source.index(_BEGIN) + len(_BEGIN)
    end = source.index(_END, begin)
    text = yaml.safe_dump(options(), sort_keys=False, width=110, allow_unicode=True)
    indented = "".join(f"  {line}" for line in text.splitlines(keepends=True))
    return source[:begin] + indented + source[end:]


if __name__ == "__main__":
    target = MODULES / "cluster.py"
    target.write_text(rewritten(target.read_text(encoding="utf-8")), encoding="utf-8")
