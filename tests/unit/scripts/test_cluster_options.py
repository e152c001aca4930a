"""The module cluster repeats the options of the single modules, word for word."""

from __future__ import annotations

import importlib.util
import pathlib
import types

ROOT = pathlib.Path(__file__).parents[3]


def load() -> types.ModuleType:
    specification = importlib.util.spec_from_file_location("cluster_options", ROOT / "scripts/cluster_options.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_the_documentation_of_cluster_is_current() -> None:
    source = (ROOT / "plugins/modules/cluster.py").read_text(encoding="utf-8")
    assert load().rewritten(source) == source, "run scripts/in-venv scripts/cluster_options.py"


def test_references_to_options_get_the_name_of_their_component() -> None:
    assert load()._inside(["see O(path) and V(path)"], "hba") == ["see O(hba.path) and V(path)"]
