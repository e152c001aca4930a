"""Every automated control fails for what was planted, and passes where everything is as it should be."""

from __future__ import annotations

import datetime
import json
import time
import typing as t

import pytest

from ansible_collections.rampart.postgresql.plugins.filter.assess import assess
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.controls import CONTROLS
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.support import END_OF_LIFE
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.support import release
from ansible_collections.rampart.postgresql.tests.conformance.assessment.proof import BAD
from ansible_collections.rampart.postgresql.tests.conformance.assessment.proof import ENDING
from ansible_collections.rampart.postgresql.tests.conformance.assessment.proof import GOOD
from ansible_collections.rampart.postgresql.tests.conformance.assessment.proof import PACKAGES
from ansible_collections.rampart.postgresql.tests.conformance.assessment.proof import SUPPORTED
from ansible_collections.rampart.postgresql.tests.conformance.assessment.tables import PROOFS
from ansible_collections.rampart.postgresql.tests.conformance.assessment.tables import is_about
from ansible_collections.rampart.postgresql.tests.conformance.assessment.tables import proof_of
from ansible_collections.rampart.postgresql.tests.conformance.assessment.worlds import facts_of_worlds

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.model import Control
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Workshop

AUTOMATED = [control for control in CONTROLS if not control.manual]
DAY = 86400
HOST = "db1"
_WAIVER = {"hosts": HOST, "reason": "A test.", "approved_by": "nobody"}
WAIVERS = [
    {**_WAIVER, "control": "RPG-NET-001", "expires": "2020-01-01"},
    {**_WAIVER, "control": "RPG-NET-002", "expires": "2099-01-01", "when": "rule == 'nobody offends'"},
]
GOOD_WAIVERS = [{**_WAIVER, "control": "RPG-NET-012", "expires": "2099-01-01"}]

Findings = dict[str, dict[str, t.Any]]


@pytest.fixture(scope="session")
def findings(workshop: Workshop, major: int) -> dict[str, Findings]:
    """What the controls say of each world."""
    end = int(datetime.datetime.fromisoformat(f"{END_OF_LIFE[major]}T00:00:00+00:00").timestamp())
    worlds = facts_of_worlds(workshop, major)
    newest = release(worlds[BAD]["version"])
    found = {name: _assess(facts, int(time.time()), newest) for name, facts in worlds.items()}
    found[BAD] = _assess(worlds[BAD], end + 2 * DAY, f"{major}.99", WAIVERS)
    found[SUPPORTED] = _assess(worlds[GOOD], end - 400 * DAY, newest)
    found[ENDING] = _assess(worlds[BAD], end - 30 * DAY, newest)
    return found


def _assess(facts: dict[str, t.Any], now: int, newest: str, waivers: t.Sequence[t.Any] = ()) -> Findings:
    given = {"now": now, "newest_minors": {facts["major"]: newest}, "waivers": list(waivers)}
    [found] = assess(facts, profile="strict", host=HOST, **given)
    return {finding["control"]: finding for finding in found["findings"]}


def test_every_control_has_its_proof() -> None:
    assert set(PROOFS) == {control.id for control in AUTOMATED if not control.parameter}


@pytest.mark.parametrize("control", AUTOMATED, ids=lambda control: control.id)
def test_both_ways(control: Control, major: int, workshop: Workshop, findings: dict[str, Findings]) -> None:
    proof = proof_of(control)
    bad = findings[proof.fails][control.id]
    good = findings.get(proof.passes, {}).get(control.id)
    if not is_about(control, major):
        assert bad["status"] == "not_applicable"
        return
    assert bad["status"] == "fail", bad["reason"]
    assert proof.names.format(owner=workshop.owner.name) in json.dumps(bad["items"], ensure_ascii=False)
    if proof.passes != PACKAGES:
        assert good is not None
        assert good["status"] == "pass", good["reason"] or good["items"]
