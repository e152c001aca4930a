# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each format is what its own schema or grammar says, whatever the names in it are."""

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

from ansible_collections.rampart.postgresql.plugins.filter.assess import assess
from ansible_collections.rampart.postgresql.plugins.filter.report import report
from ansible_collections.rampart.postgresql.tests.assessments import HOSTILE
from ansible_collections.rampart.postgresql.tests.assessments import NOW
from ansible_collections.rampart.postgresql.tests.assessments import assessment
from ansible_collections.rampart.postgresql.tests.assessments import finding
from ansible_collections.rampart.postgresql.tests.assessments import fleet
from ansible_collections.rampart.postgresql.tests.assessments import hostile
from ansible_collections.rampart.postgresql.tests.unit.plugins.plugin_utils._controls.hardened import hardened

SCHEMAS = pathlib.Path(__file__).with_name("schemas")
TEXTS = ("json", "sarif", "junit", "markdown", "csv", "prometheus")
SAMPLE = re.compile(r'([a-z_]+)(?:\{((?:[a-z]+="(?:[^"\\\n]|\\["\\n])*",?)+)\})? (-?[0-9]+)')
LABEL = re.compile(r'([a-z]+)="((?:[^"\\\n]|\\["\\n])*)"')
INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\u3164\ud800-\udfff\ufe0f\U000e0000-\U000e0fff]"
)

Values = dict[str, t.Any]


ODD = assessment(
    finding(status="fail", items=[{"number": float("nan"), "large": 2**63 + 1, "many": [[[None]]]}] * 1000),
    gathered_epoch=10**30,
    assessed_epoch=-(10**18),
    views={
        "hba": {"rules": [None, {"text": 3}], "who": "nobody", "findings": [{}]},
        "certificates": [None, {"not_after_epoch": 10**30, "problems": 5}, {"not_after_epoch": True, "problems": [{}]}],
        "backups": {"jobs": [None, {"name": None, "last_success_epoch": 10**30, "restored_epoch": 1.5}], "tools": 3},
    },
)
"""What no host sends that is in its right mind."""

WORLDS = {
    "nothing": [],
    "odd": [ODD],
    "fleet": fleet(9, controls=30),
    "assessed": [
        *assess(hardened(), host="db1", now=NOW),
        *assess({"failed": True, "msg": "no way in"}, host="db2", now=NOW),
    ],
    **{f"hostile {number}": [hostile(name)] for number, name in enumerate(HOSTILE)},
}


@pytest.fixture(params=WORLDS.values(), ids=list(WORLDS))
def world(request: pytest.FixtureRequest) -> t.Any:
    return request.param


def made(format_name: str, world: t.Any, **more: t.Any) -> str:
    return report(world, format_name, now=NOW, **more)


@pytest.mark.parametrize("format_name", TEXTS)
def test_every_format_can_be_written_to_a_file(format_name: str, world: t.Any) -> None:
    text = made(format_name, world, title=HOSTILE[0])
    assert text.encode().decode() == text
    assert text == made(format_name, world[::-1], title=HOSTILE[0])


def test_json_reads_back_as_what_it_was(world: t.Any) -> None:
    text = made("json", world)
    again = made("json", json.loads(text))
    assert again == text
    assert len(json.loads(text)["assessments"]) == len(world)


def test_json_has_the_values_as_they_were() -> None:
    told = json.loads(made("json", [hostile(HOSTILE[3])]))["assessments"][0]
    assert told["host"] == HOSTILE[3]
    assert told["findings"][0]["items"][1]["role"] == HOSTILE[3]


@pytest.mark.parametrize("before", [None, fleet(9, controls=30, seed=2)], ids=["alone", "compared"])
def test_sarif_is_valid(world: t.Any, before: t.Any) -> None:
    log = json.loads(made("sarif", world, before=before))
    schema = json.loads((SCHEMAS / "sarif-2.1.0.json").read_text())
    jsonschema.Draft4Validator(schema, format_checker=jsonschema.FormatChecker()).validate(log)
    (run,) = log["runs"]
    for result in run["results"]:
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        assert ("baselineState" in result) == (before is not None)
        assert not INVISIBLE.search(result["message"]["text"].replace("\n", ""))


def test_the_schema_refuses_what_is_not_sarif() -> None:
    log = json.loads(made("sarif", fleet(1)))
    assert log["runs"][0]["results"]
    log["runs"][0]["results"][0]["level"] = "fatal"
    schema = json.loads((SCHEMAS / "sarif-2.1.0.json").read_text())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft4Validator(schema).validate(log)


def test_sarif_tells_severity_place_and_waiver() -> None:
    item = {"file": "/etc/pg hba.conf", "line": 7, "rule": "host all all all trust"}
    waiver = {"reason": "until the move", "approved_by": "A. Officer", "expires": "2027-03-31"}
    world = assessment(
        finding("RPG-NET-001", status="fail", severity="critical", items=[item]),
        finding("RPG-NET-002", status="waived", waived=[{"item": item, "waiver": waiver}]),
        finding("RPG-NET-003", status="unknown", reason="not readable"),
    )
    first, second, third = json.loads(made("sarif", world))["runs"][0]["results"]
    assert (first["level"], first["kind"], third["level"], third["kind"]) == ("error", "fail", "none", "open")
    (location,) = first["locations"]
    assert location["physicalLocation"] == {
        "artifactLocation": {"uri": "/etc/pg%20hba.conf"},
        "region": {"startLine": 7},
    }
    assert location["logicalLocations"][0]["fullyQualifiedName"] == "db1/17/main"
    assert second["suppressions"] == [
        {
            "kind": "external",
            "status": "accepted",
            "justification": "until the move, approved by A. Officer, until 2027-03-31",
        }
    ]
    assert "suppressions" not in first


def test_what_passes_is_no_result() -> None:
    """Tools that collect findings take every result for one."""
    world = assessment(finding(), finding("RPG-NET-002", status="not_applicable"))
    (run,) = json.loads(made("sarif", world))["runs"]
    assert (len(run["tool"]["driver"]["rules"]), run["results"]) == (2, [])


def test_fingerprints_stay_while_items_come_and_go() -> None:
    def prints(*worlds: Values) -> list[list[str]]:
        runs = [json.loads(made("sarif", world))["runs"][0] for world in worlds]
        return [[one["partialFingerprints"]["rampartFinding/v1"] for one in run["results"]] for run in runs]

    once, later, elsewhere = prints(
        assessment(finding(status="fail", items=["a"])),
        assessment(finding(status="fail", items=["b"], evidence="another"), version="17.7"),
        assessment(finding(status="fail", items=["a"]), cluster="17/other"),
    )
    assert once == later != elsewhere
    assert len({one for found in prints(*fleet(9, controls=30)) for one in found}) == sum(
        len(found) for found in prints(*fleet(9, controls=30))
    )


def test_junit_is_valid_and_counts_what_it_has(world: t.Any) -> None:
    text = made("junit", world)
    xmlschema.XMLSchema(SCHEMAS / "junit-10.xsd").validate(text)
    root = ElementTree.fromstring(text)
    assert len(root) == len(world)
    for suite in root:
        assert int(suite.attrib["tests"]) == len(suite.findall("testcase"))
        assert int(suite.attrib["failures"]) == len(suite.findall("testcase/failure"))
        assert int(suite.attrib["errors"]) == len(suite.findall("testcase/error"))
        assert int(suite.attrib["skipped"]) == len(suite.findall("testcase/skipped"))
    assert not INVISIBLE.search(text)


def test_a_cluster_that_is_away_is_an_error_for_ci() -> None:
    away = assessment(finding(status="unknown", reason="away"), host="db1", error="the host could not be reached")
    root = ElementTree.fromstring(made("junit", [away, assessment(finding(status="pass"), host="db2")]))
    assert (root.attrib["tests"], root.attrib["failures"], root.attrib["errors"]) == ("3", "0", "1")
    assert [suite.attrib["errors"] for suite in root] == ["1", "0"]
    assert [error.attrib["message"] for error in root.iter("error")] == ["the host could not be reached"]


def test_the_schema_refuses_what_is_not_junit() -> None:
    text = made("junit", fleet(1)).replace("<failure ", "<fault ").replace("</failure>", "</fault>")
    with pytest.raises(xmlschema.XMLSchemaValidationError):
        xmlschema.XMLSchema(SCHEMAS / "junit-10.xsd").validate(text)


def test_csv_has_a_line_for_each_finding_and_no_formula(world: t.Any) -> None:
    head, *rows = csv.reader(io.StringIO(made("csv", world), newline=""))
    assert len(rows) == sum(len(one["findings"]) for one in world)
    for row in rows:
        assert len(row) == len(head)
        assert not any(cell.lstrip().startswith(("=", "+", "-", "@")) for cell in row)
        assert not any(INVISIBLE.search(cell) or "\n" in cell for cell in row)


@pytest.mark.parametrize("format_name", [*TEXTS, "html"])
def test_a_host_that_sends_nonsense_keeps_no_report_from_the_others(format_name: str) -> None:
    text = made(format_name, [ODD, assessment(finding(status="fail"), host="db2")], before=[ODD])
    assert "db2" in text
    documents = {
        "json": [text],
        "sarif": [text],
        "html": re.findall(r"(?s)type=\"application/json\"[^>]*>(.*?)</script>", text),
    }
    for document in documents.get(format_name, []):
        json.loads(document, parse_constant=pytest.fail)


@pytest.mark.parametrize("cell", ["a;=1+1", 'a; "=1+1', "a;\uff1d1+1", "a;\t@x"])
def test_a_formula_behind_a_semicolon_becomes_text(cell: str) -> None:
    row = list(csv.DictReader(io.StringIO(made("csv", assessment(finding(evidence=cell))))))[0]
    assert not any(
        part.strip(" \"'\t").startswith(("=", "@", "\uff1d")) and "'" not in part for part in row["evidence"].split(";")
    )
    assert "'" in row["evidence"]


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@x", "\uff1d1+1", " =1+1", "\t=1+1", "\r\n=1", "\tx"])
def test_a_formula_becomes_text(cell: str) -> None:
    row = list(csv.DictReader(io.StringIO(made("csv", assessment(finding(evidence=cell))))))[0]
    assert row["evidence"].startswith("'")


def test_other_cells_stay_as_they_are() -> None:
    row = list(csv.DictReader(io.StringIO(made("csv", assessment(finding(evidence="a=1, 'b'"))))))[0]
    assert row["evidence"] == "a=1, 'b'"


def parsed(text: str) -> dict[tuple[str, frozenset[tuple[str, str]]], int]:
    """Strictly: a family begins with its help and type, all of its samples are together, none comes twice."""
    found: dict[tuple[str, frozenset[tuple[str, str]]], int] = {}
    families: list[str] = []
    lines = text.split("\n")
    assert lines.pop() == ""
    while lines:
        _hash, word, name, _help = lines.pop(0).split(" ", 3)
        assert word == "HELP"
        assert lines.pop(0) == f"# TYPE {name} gauge"
        families.append(name)
        while lines and not lines[0].startswith("#"):
            sample = SAMPLE.fullmatch(lines.pop(0))
            assert sample is not None
            assert sample[1] == name
            pairs = LABEL.findall(sample[2] or "")
            labels = frozenset(
                (label, re.sub(r"\\(.)", lambda m: {"n": "\n"}.get(m[1], m[1]), value)) for label, value in pairs
            )
            assert len(labels) == len(dict(pairs)) == len(pairs)
            assert (name, labels) not in found
            found[name, labels] = int(sample[3])
    assert len(set(families)) == len(families)
    return found


def test_prometheus_is_as_its_grammar_says(world: t.Any) -> None:
    found = parsed(made("prometheus", world, before=fleet(9, controls=30, seed=2)))
    hosts = {value for _name, labels in found for label, value in labels if label == "host"}
    if len(world) == 1:
        assert hosts == {json.loads(made("json", world))["assessments"][0]["host"]}
    total = sum(value for (name, _labels), value in found.items() if name.endswith("_findings"))
    assert total == sum(len(one["findings"]) for one in world)


def test_prometheus_tells_score_and_age() -> None:
    found = parsed(made("prometheus", assessment(finding(), finding("RPG-NET-002", status="fail"))))
    which = {("host", "db1"), ("cluster", "17/main")}
    prefix = "rampart_postgresql_assessment"
    assert found[f"{prefix}_score_percent", frozenset(which | {("area", "network")})] == 50
    assert found[f"{prefix}_facts_age_seconds", frozenset(which)] == 60
    assert (f"{prefix}_score_percent", frozenset(which | {("area", "backup")})) not in found


def test_nothing_in_markdown_becomes_markup() -> None:
    for name in HOSTILE:
        text = made("markdown", [hostile(name)], title=name)
        prose = re.sub(r"(?ms)^(`{3,})yaml\n.*?\n\1$", "", text)
        prose = re.sub(r"(`+) .*? \1(?!`)", "", prose)
        assert not re.search(r"(?<!\\)(<|\[|\]\(|@|://)", prose), name[:40]
        assert not INVISIBLE.search(text)


def test_markdown_has_summary_items_change_and_fix() -> None:
    fix = {"role": "pg_hba", "variable": "pg_hba_rules", "value": [], "line": "pg_hba_rules: []"}
    failing = finding(status="fail", severity="critical", items=[{"rule": "host all"}], fix=fix, evidence="1 rule")
    text = made("markdown", [assessment(failing), assessment(failing, host="db2")], before=assessment(failing))
    for wanted in (
        "2 clusters, score 0 %; failures: 2 critical.",
        "| db1 17/main | 17.6 | strict | 0 % | 1 | 0 | 0 | 0 | 0 | 0 | 0 | 0 |",
        "## Critical: 2",
        "- **db1 17/main** (still): 1 rule\n  - ` rule: host all `",
        "- **db2 17/main** (new): 1 rule",
    ):
        assert wanted in text
    assert text.count("```yaml\npg_hba_rules: []\n```") == 1


def test_markdown_says_whom_profiles_follow() -> None:
    told = {**assessment(), "follows": [{"topic": "TLS 1.3", "benchmark": "CIS 17, 6.9", "says": "TLS 1.3 only"}]}
    assert "- TLS 1.3, strict: follows CIS 17, 6.9: TLS 1.3 only\n" in made("markdown", [told, {**told, "host": "db2"}])
    assert "follows" not in made("markdown", assessment())


def test_markdown_says_how_many_items_it_leaves_out() -> None:
    text = made("markdown", assessment(finding(status="fail", items=["item"] * 12, item_count=40)))
    assert text.count("` item `") == 10
    assert "and 30 more" in text
