# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waivers that a whole fleet has no use of: which ones they are, and how every format tells of them."""

from __future__ import annotations

import csv
import io
import json
import pathlib
import re
import typing as t
from xml.etree import ElementTree

import jsonschema
import pytest
import xmlschema

from ansible_collections.rampart.postgresql.plugins.filter.report import report
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.plugin_utils._audit.summary import failing
from ansible_collections.rampart.postgresql.plugins.plugin_utils._audit.summary import screen
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.counting import summary
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.gathering import Report
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.gathering import gathered
from ansible_collections.rampart.postgresql.tests.assessments import HOSTILE
from ansible_collections.rampart.postgresql.tests.assessments import NOW
from ansible_collections.rampart.postgresql.tests.assessments import assessment
from ansible_collections.rampart.postgresql.tests.assessments import finding

SCHEMAS = pathlib.Path(__file__).with_name("schemas")
HOSTS = ("db1", "db2")
UNUSED, ABSENT = "of use nowhere", "for no host of the fleet"

Values = dict[str, t.Any]


def waiver(hosts: t.Any = "db*", **more: t.Any) -> Values:
    """One as an assessment has it."""
    told = {"control": "RPG-A-001", "hosts": [hosts], "when": None, "reason": "for now", "approved_by": "A. Officer"}
    return {**told, "expires": "2027-12-31", "expired": False, "used": 0, "concerns": True, **more}


def clusters(*waivers: Values, status: str = "pass", used: t.Sequence[int] = (0, 0), **more: t.Any) -> list[Values]:
    """Two hosts that were given the same waivers."""
    control = finding("RPG-A-001", status=status)
    return [
        {**assessment(control, host=host, **more), "waivers": [{**each, "used": count} for each in waivers]}
        for host, count in zip(HOSTS, used, strict=True)
    ]


def made(world: t.Any, *, fleet: t.Any = HOSTS, before: t.Any = None) -> Report:
    return gathered(world, fleet=fleet, before=before, now=NOW)


def idle(found: Report) -> list[tuple[str, str]]:
    """The control that fails for the fleet, and why, for each waiver."""
    assert found.fleet is not None
    return [(each.control, item["why"]) for each in found.fleet.findings for item in each.items]


ELSEWHERE = waiver("gone*", concerns=False)
IDLE = clusters(waiver(), ELSEWHERE)
"""A world with one waiver that is of no use, and one for a host that is not there."""


def test_a_waiver_that_covers_nothing_anywhere_is_a_finding_of_the_fleet() -> None:
    assert idle(made(clusters(waiver()))) == [("RPG-AUD-002", UNUSED)]
    assert idle(made(clusters(waiver(), used=(0, 1)))) == []


def test_one_for_a_host_that_is_gone_is_a_finding_too() -> None:
    assert idle(made(clusters(ELSEWHERE))) == [("RPG-AUD-002", ABSENT)]
    assert idle(made(clusters({**ELSEWHERE, "expired": True}))) == [("RPG-AUD-001", ABSENT)]
    assert idle(made([{**one, "error": "no server"} for one in clusters(ELSEWHERE, status="unknown")])) == [
        ("RPG-AUD-002", ABSENT)
    ]


def test_what_a_host_fails_for_itself_is_not_told_twice() -> None:
    assert idle(made(clusters(waiver("db1")))) == []
    first, second = clusters(waiver("db1", concerns=False))
    assert idle(made([{**first, "waivers": []}, second])) == [("RPG-AUD-002", UNUSED)]  # db1 was not given it
    assert idle(made(clusters(waiver(expired=True)))) == []


def test_where_the_control_could_not_be_judged_nobody_knows() -> None:
    assert idle(made(clusters(waiver(), status="unknown"))) == []
    away = assessment(finding("RPG-A-001", status="unknown"), host="db3", error="the host could not be reached")
    assert idle(made([*clusters(waiver()), away])) == []
    assert idle(made([*clusters(waiver("db[12]")), away])) == [("RPG-AUD-002", UNUSED)]


def test_a_run_of_some_hosts_calls_nothing_idle_that_the_others_may_need() -> None:
    assert idle(made(IDLE, fleet=[*HOSTS, "db3", "gone1"])) == []
    assert idle(made(IDLE, fleet=[*HOSTS, "web1"])) == [("RPG-AUD-002", UNUSED), ("RPG-AUD-002", ABSENT)]
    assert made(IDLE, fleet=None).fleet is None
    with pytest.raises(InputError, match="fleet"):
        made(IDLE, fleet="db1")


def test_each_host_may_have_waivers_of_its_own() -> None:
    first, second = clusters()
    own = [{**first, "waivers": [waiver("db*", when="a")]}, {**second, "waivers": [waiver("db*", when="b", used=1)]}]
    found = made(own)
    assert [item["when"] for each in found.everything[2].findings for item in each.items] == ["a"]


def test_an_older_assessment_reads_as_before() -> None:
    old = [{**one, "waivers": [{k: v for k, v in each.items() if k != "concerns"} for each in one["waivers"]]}
           for one in clusters(waiver())]  # fmt: skip
    assert idle(made(old)) == [("RPG-AUD-002", UNUSED)]


def test_the_site_decides_how_grave_it_is() -> None:
    first, second = clusters(waiver())
    first["findings"].append(finding("RPG-AUD-002", severity="high"))
    assert failing(made([first, second]), "high") == ["the fleet: RPG-AUD-002"]


def test_what_is_no_waiver_keeps_no_report_from_the_others() -> None:
    assert idle(made(clusters(waiver(control=["x"], hosts=None, used="many"), {}))) == [("RPG-AUD-002", ABSENT)] * 2


def test_a_waiver_for_others_is_kept_once() -> None:
    told = json.loads(report(clusters(waiver(), ELSEWHERE), "json", fleet=HOSTS, now=NOW))
    assert [len(one["waivers"]) for one in told["assessments"]] == [2, 1]
    assert idle(made(told)) == idle(made(IDLE))


def test_no_count_and_no_score_changes() -> None:
    assert summary(made(IDLE)) == summary(made(clusters()))
    assert screen(made(IDLE))[:2] == screen(made(clusters()))[:2]


def test_the_screen_names_them() -> None:
    lines = screen(made(clusters(waiver(when="role == 'app'"), ELSEWHERE)))
    assert f"{UNUSED}: the waiver of RPG-A-001 for db* when role == 'app'" in lines
    assert f"{ABSENT}: the waiver of RPG-A-001 for gone*" in lines


def test_an_audit_fails_for_them_where_so_little_is_asked_for() -> None:
    assert failing(made(IDLE), "low") == ["the fleet: RPG-AUD-002"]
    assert failing(made(IDLE), "medium") == []
    assert failing(made(clusters({**ELSEWHERE, "expired": True})), "medium") == ["the fleet: RPG-AUD-001"]


def test_only_what_the_baseline_did_not_have_is_new() -> None:
    before = {count: report(clusters(*IDLE[0]["waivers"][:count]), "json", fleet=HOSTS, now=NOW) for count in (0, 1, 2)}
    assert failing(made(IDLE, before=before[2]), "low", only_new=True) == []
    assert failing(made(IDLE, before=json.loads(before[2])), "low", only_new=True) == []
    for fewer in (0, 1):
        assert failing(made(IDLE, before=before[fewer]), "low", only_new=True) == ["the fleet: RPG-AUD-002"]
    comparison = made(IDLE, before=before[0]).comparison
    assert comparison is not None
    assert comparison.counts == dict.fromkeys(("new", "still", "unproven", "waived", "fixed"), 0)


@pytest.mark.parametrize("name", HOSTILE)
def test_documents_stay_valid(name: str) -> None:
    world = clusters(waiver(f"db*{name}", reason=name), {**ELSEWHERE, "expired": True})
    log = json.loads(report(world, "sarif", fleet=HOSTS, now=NOW, before=world))
    schema = json.loads((SCHEMAS / "sarif-2.1.0.json").read_text())
    jsonschema.Draft4Validator(schema, format_checker=jsonschema.FormatChecker()).validate(log)
    found = [one for one in log["runs"][0]["results"] if one["ruleId"].startswith("RPG-AUD-")]
    assert [(one["ruleId"], one["baselineState"]) for one in found] == [("RPG-AUD-001", "new"), ("RPG-AUD-002", "new")]
    assert found[0]["locations"][0]["logicalLocations"][0]["fullyQualifiedName"] == "the fleet"
    text = report(world, "junit", fleet=HOSTS, now=NOW)
    xmlschema.XMLSchema(SCHEMAS / "junit-10.xsd").validate(text)
    root = ElementTree.fromstring(text)
    assert (root.attrib["tests"], root.attrib["failures"]) == ("4", "2")
    assert [suite.attrib["name"] for suite in root] == ["db1 17/main", "db2 17/main", "the fleet"]


def test_text_formats_tell_of_them() -> None:
    rows = list(csv.DictReader(io.StringIO(report(IDLE, "csv", fleet=HOSTS, now=NOW))))
    assert [(row["host"], row["control"], row["item_count"]) for row in rows][2:] == [("", "RPG-AUD-002", "2")]
    markdown = report(IDLE, "markdown", fleet=HOSTS, now=NOW)
    assert "2 clusters, score" in markdown
    assert "## Of the fleet as a whole\n\n### RPG-AUD-002 Every waiver is of use (low)\n\n- **the fleet**: " in markdown
    assert "rampart_postgresql_assessment_idle_waivers 2\n" in report(IDLE, "prometheus", fleet=HOSTS, now=NOW)
    assert "rampart_postgresql_assessment_idle_waivers 0\n" in report(clusters(), "prometheus", fleet=HOSTS, now=NOW)
    for format_name in ("markdown", "prometheus", "csv", "sarif", "junit", "json"):
        assert report(IDLE, format_name, now=NOW).count("RPG-AUD-002") == 0


def test_the_page_tells_what_became_of_each() -> None:
    world = clusters(
        waiver(), ELSEWHERE, waiver("gone2", expired=True, concerns=False), waiver(expires="2020-12-31", expired=True)
    )

    def states(fleet: t.Any) -> list[str]:
        text = report(world, "html", fleet=fleet, now=NOW)
        (data, *_more) = re.findall(r'(?s)type="application/json"[^>]*>(.*?)</script>', text)
        return sorted(row[-2] for row in json.loads(data)["waivers"])

    assert states(HOSTS) == ["expired", "expired, for no host of the fleet", ABSENT, UNUSED]
    assert states(None) == ["expired", "expired", "for other hosts", "unused"]
