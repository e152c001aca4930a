"""The documentation shows the controls as they are."""

from __future__ import annotations

import pathlib

import pytest

from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.benchmarks import RECOMMENDATIONS
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.controls import CONTROLS
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.model import Control
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.model import Reference
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.table import coverage
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.table import page

ROOT = pathlib.Path(__file__).resolve().parents[5]
PAGE = page()


def test_the_page_is_current() -> None:
    written = (ROOT / "docs" / "docsite" / "rst" / "controls.rst").read_text(encoding="utf-8")
    assert written == PAGE, "run scripts/in-venv scripts/controls.py"


@pytest.mark.parametrize("control", CONTROLS, ids=lambda control: control.id)
def test_the_page_has_every_control(control: Control) -> None:
    start = PAGE.index(f"\n``{control.id}`` {control.title}\n")
    shown = PAGE[start + 1 :].partition("\n``RPG-")[0]
    assert f"  {control.rationale}\n" in shown
    assert f"  :severity: {control.severity}\n" in shown
    assert (control.fix is None) or control.fix.variable in shown
    for reference in control.references:
        assert f"{reference.benchmark} {reference.edition}, {reference.number}" in shown


def test_the_page_has_every_recommendation() -> None:
    for each in RECOMMENDATIONS:
        assert f"   * - {each.number}\n     - {each.title}\n     - {coverage(each)}\n" in PAGE


def test_what_no_control_is_about_is_unmapped() -> None:
    assert coverage(Reference("A benchmark", "1", "9.9", "Something else", "a test")) == "unmapped"
    counts = [coverage(each) for each in RECOMMENDATIONS if each.edition == "17"]
    assert {way: counts.count(way) for way in counts} == {"automated": 59, "manual": 11, "not applicable": 2}
