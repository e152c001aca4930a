"""The options of an audit and of its reports: what cannot be used is named, and what belongs to the host is passed on."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.plugin_utils._audit.options import AuditOptions
from ansible_collections.rampart.postgresql.plugins.plugin_utils._audit.reporting import ReportOptions

WAIVER: t.Final = {
    "control": "RPG-NET-001",
    "hosts": "*",
    "reason": "a test",
    "approved_by": "a person",
    "expires": "2027-01-31",
}


def options(**given: t.Any) -> AuditOptions:
    """Those of a task for db1."""
    return AuditOptions.of({"directory": "/srv/audit", **given}, host="db1")


def test_the_host_is_the_one_of_the_inventory_unless_it_is_named() -> None:
    assert options().host == "db1"
    assert options(name="shop").host == "shop"


def test_what_is_not_ours_is_for_the_module_on_the_host() -> None:
    assert options(user="auditor", port=5433).connections == [{"user": "auditor", "port": 5433}]
    assert options().connections == [{}]


def test_each_cluster_has_a_connection_of_its_own() -> None:
    clusters = [{"cluster": "17/main"}, {"data_directory": "/srv/data", "port": 5433}, {"port": 5434}]
    assert options(user="auditor", clusters=clusters).connections == [
        {"user": "auditor", "cluster": "17/main"},
        {"user": "auditor", "cluster": "/srv/data"},
        {"user": "auditor", "port": 5434},
    ]


def test_what_judges_is_read() -> None:
    given = options(profile="cis", waivers=[WAIVER], newest_minors={"17": "17.11"}, now=1_796_040_000).given
    assert (given.by.profile, given.by.now, given.by.newest_minors) == ("cis", 1_796_040_000, {17: "17.11"})
    assert [waiver.control for waiver in given.waivers] == ["RPG-NET-001"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"directory": "here"}, "directory: 'here' cannot be used: it is an absolute path"),
        ({"profile": "paranoid"}, "profile"),
        ({"clusters": [{"name": "17/main"}]}, "name"),
        ({"clusters": "17/main"}, "clusters"),
        ({"waivers": [{**WAIVER, "control": "RPG-NONE-001"}]}, r"waivers\[0\].control: 'RPG-NONE-001'"),
        ({"controls": [{"id": "RPG-NET-900"}]}, r"controls\[0\]"),
        ({"severities": {"RPG-NET-001": "terrible"}}, "RPG-NET-001.*terrible"),
        ({"newest_minors": {"17": 17.1}}, r"newest_minors\[17\]: 17.1"),
        ({"now": "yesterday"}, "now"),
    ],
)
def test_what_cannot_be_used_is_named(given: dict[str, t.Any], message: str) -> None:
    with pytest.raises(RampartError, match=message):
        options(**given)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"formats": ["pdf"]}, "formats.*pdf"),
        ({"fail_on": "worst"}, "fail_on"),
        ({"only_new": True}, "only_new: True cannot be used: baseline"),
        ({"hosts": None}, "hosts"),
        ({"profiles": "cis"}, "profiles"),
    ],
)
def test_what_reports_cannot_use_is_named(given: dict[str, t.Any], message: str) -> None:
    with pytest.raises(RampartError, match=message):
        ReportOptions.of({"directory": "/srv/audit", "hosts": ["db1"], **given})
