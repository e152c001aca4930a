"""The playbook audit over several servers, one that is down and one that cannot be reached: what is written, and when it fails."""

from __future__ import annotations

import json
import stat
import typing as t

import pytest

from ansible_collections.rampart.postgresql.tests.conformance import plays

if t.TYPE_CHECKING:
    import pathlib

    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

_UNREACHABLE: t.Final = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1}
_FILES: t.Final = {
    "json": "report.json",
    "sarif": "report.sarif",
    "junit": "report.junit.xml",
    "markdown": "report.md",
    "csv": "report.csv",
    "prometheus": "report.prom",
}


def audit(hosts: dict[str, t.Any], directory: pathlib.Path, *, limit: t.Any = None, **variables: t.Any) -> plays.Played:
    """Run it, with reports for programs."""
    told = {"audit_directory": str(directory / "audit"), "audit_formats": list(_FILES), **variables}
    return plays.play("audit", hosts, directory, extra=told, limit=limit)


def idle_waivers(directory: pathlib.Path) -> list[tuple[str, str, str]]:
    """Those of report.json that the fleet has no use of."""
    report = json.loads((directory / "audit" / "report.json").read_text(encoding="utf-8"))
    return [(one["control"], item["hosts"][0], item["why"]) for one in report["fleet"] for item in one["items"]]


def assessments(directory: pathlib.Path) -> dict[str, dict[str, t.Any]]:
    """The clusters of report.json by their hosts."""
    report = json.loads((directory / "audit" / "report.json").read_text(encoding="utf-8"))
    return {each["host"]: each for each in report["assessments"]}


def statuses(assessment: dict[str, t.Any]) -> dict[str, str]:
    """Control to status."""
    return {each["control"]: each["status"] for each in assessment["findings"]}


@pytest.mark.in_turn
def test_every_host_is_in_the_reports(fresh_server: Server, tmp_path: pathlib.Path) -> None:
    down = {**plays.host_of(fresh_server), "pg_harden_clusters": [{"cluster": "/nowhere/data"}]}
    hosts = {"up": plays.host_of(fresh_server), "down": down, "away": _UNREACHABLE}
    played = audit(hosts, tmp_path)
    assert played.code == 0, played.output
    assert played.changed == {"up": 0, "down": 0, "away": 0}
    found = assessments(tmp_path)
    assert set(found) == set(hosts)
    assert set(statuses(found["up"]).values()) > {"pass", "fail", "manual"}
    assert "unknown" not in statuses(found["up"]).values()
    assert set(statuses(found["down"]).values()) == set(statuses(found["away"]).values()) == {"unknown"}
    assert "/nowhere/data" in found["down"]["error"]
    assert "away" in found["away"]["error"]
    written = [*(tmp_path / "audit").rglob("*")]
    assert set(_FILES.values()) <= {path.name for path in written}
    assert not [path for path in [tmp_path / "audit", *written] if stat.S_IMODE(path.stat().st_mode) & 0o077]


@pytest.mark.in_turn
def test_it_fails_for_ci_and_compares_with_a_baseline(fresh_server: Server, tmp_path: pathlib.Path) -> None:
    hosts = {"db1": plays.host_of(fresh_server)}
    played = audit(hosts, tmp_path, audit_fail_on="high")
    assert played.code != 0
    assert "the audit fails on high: db1" in played.output
    assert (tmp_path / "audit" / "report.sarif").exists()

    # What was there before does not fail a run that asks for what is new, and a superuser more does.
    baseline = (tmp_path / "audit" / "report.json").rename(tmp_path / "accepted.json")
    accepted = {"audit_baseline": str(baseline), "audit_fail_on": "high", "audit_only_new": True}
    assert audit(hosts, tmp_path, **accepted).code == 0
    with fresh_server.connect() as connection:
        connection.execute("CREATE ROLE intruder SUPERUSER")
    played = audit(hosts, tmp_path, **accepted)
    assert played.code != 0
    assert "RPG-ACC-101" in played.output.partition("the audit fails on high: ")[2].splitlines()[0]


@pytest.mark.in_turn
def test_facts_of_an_earlier_audit_are_assessed_without_the_host(fresh_server: Server, tmp_path: pathlib.Path) -> None:
    assert audit({"db1": plays.host_of(fresh_server)}, tmp_path).code == 0
    looked = statuses(assessments(tmp_path)["db1"])
    waiver = {
        "control": "RPG-AUT-001",
        "hosts": "{{ inventory_hostname[:2] }}*",
        "reason": "a test",
        "approved_by": "the tests",
        "expires": "2999-12-31",
    }
    kept = tmp_path / "audit" / "facts"
    facts = json.loads((kept / "db1.json").read_text(encoding="ascii"))
    next(role for role in facts[0]["roles"] if role["superuser"])["name"] = "bytes \udcff"  # of no encoding
    (kept / "db3.json").write_text(json.dumps(facts), encoding="ascii")
    waivers = {"audit_waivers": [waiver, {**waiver, "hosts": "gone*"}], "audit_gather": False}
    played = audit(dict.fromkeys(("db1", "db2", "db3"), _UNREACHABLE), tmp_path, **waivers)
    assert played.code == 0
    assert idle_waivers(tmp_path) == [("RPG-AUD-002", "gone*", "for no host of the fleet")]
    assert "for no host of the fleet: the waiver of RPG-AUT-001 for gone*" in played.output
    found = assessments(tmp_path)
    assert "bytes \\xff" in {
        item["role"] for each in found["db3"]["findings"] for item in each["items"] if "role" in item
    }
    assert statuses(found["db1"]) == {**looked, "RPG-AUT-001": "waived"}
    assert looked["RPG-AUT-001"] == "fail"
    assert "no facts of db2 are kept" in found["db2"]["error"]
    down = {**plays.host_of(fresh_server), "pg_harden_clusters": [{"cluster": "/nowhere/data"}]}
    hosts = {"db1": _UNREACHABLE, "down": down, "gone1": _UNREACHABLE}
    assert audit(hosts, tmp_path, limit="db1:down", **{**waivers, "audit_gather": True}).code == 0
    found = assessments(tmp_path)
    assert {host: set(statuses(each).values()) for host, each in found.items()} == {
        "db1": {"unknown"},
        "down": {"unknown"},
    }
    assert [each["hosts"] for each in found["down"]["waivers"]] == [["do*"], ["gone*"]]
    assert idle_waivers(tmp_path) == []  # it may be of use on gone1, which the limit leaves out


@pytest.mark.in_turn
def test_what_cannot_be_used_is_named(fresh_server: Server, tmp_path: pathlib.Path) -> None:
    older = tmp_path / "audit" / "assessments" / "db1.json"
    older.parent.mkdir(parents=True)
    older.write_text("[]", encoding="utf-8")
    played = audit({"db1": plays.host_of(fresh_server)}, tmp_path, audit_waivers=[{"control": "RPG-NONE-001"}])
    assert played.failed == {"db1"}
    assert "waivers[0]" in played.output
    assert not older.exists()
    played = audit({"db1": plays.host_of(fresh_server)}, tmp_path, audit_baseline="/nowhere/report.json")
    assert played.failed == {"db1"}
    assert "baseline: '/nowhere/report.json' cannot be used" in played.output


@pytest.mark.in_turn
def test_a_history_is_what_the_next_audit_is_compared_with(fresh_server: Server, tmp_path: pathlib.Path) -> None:
    hosts, history = {"db1": plays.host_of(fresh_server)}, tmp_path / "audit" / "history"
    kept = {"audit_history": True, "audit_history_runs": 2, "audit_fail_on": "high", "audit_only_new": True}
    # The first one has nothing to be compared with, so all is new, and a run that fails is kept like others.
    played = audit(hosts, tmp_path, **kept)
    assert "the audit fails on high: db1" in played.output
    [first] = history.iterdir()
    assert stat.S_IMODE(first.stat().st_mode) == 0o600 and stat.S_IMODE(history.stat().st_mode) == 0o700
    assert first.read_bytes() == (tmp_path / "audit" / "report.json").read_bytes()

    assert audit(hosts, tmp_path, **kept).code == 0
    with fresh_server.connect() as connection:
        connection.execute("CREATE ROLE intruder SUPERUSER")
    checked = plays.play(
        "audit", hosts, tmp_path, check=True, extra={"audit_directory": str(tmp_path / "audit"), **kept}
    )
    assert "RPG-ACC-101" in checked.output.partition("the audit fails on high: ")[2].splitlines()[0]
    assert sorted(history.iterdir())[0] == first and len([*history.iterdir()]) == 2

    # Two are kept, and the baseline that the operator gives, which the second run is the same as.
    second = sorted(history.iterdir())[1]
    accepted = tmp_path / "accepted.json"
    accepted.write_bytes(second.read_bytes())
    (history / ".20990101T000000Z.json.rampart-torn").write_text("{", encoding="utf-8")
    played = audit(hosts, tmp_path, **kept, audit_baseline=str(accepted))
    assert "RPG-ACC-101" in played.output.partition("the audit fails on high: ")[2].splitlines()[0]
    assert second in history.iterdir() and first not in history.iterdir()
    assert len([*history.iterdir()]) == 2
    assert audit(hosts, tmp_path, **kept).code == 0
    assert second not in history.iterdir() and len([*history.iterdir()]) == 2
