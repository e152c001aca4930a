# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page for browsers, as far as it can be judged without one."""

from __future__ import annotations

import base64
import hashlib
import html.parser
import json
import typing as t
import urllib.parse

import pytest

from ansible_collections.rampart.postgresql.plugins.filter.report import report
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.gathering import gathered
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.html.axis import WIDTH
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.html.axis import Axis
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.html.backups import backup_rows
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.html.backups import backup_timeline
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.html.certificates import certificate_rows
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.html.certificates import certificate_timeline
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.html.compact import embedded
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.model import SEVERITIES
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.model import Assessment
from ansible_collections.rampart.postgresql.tests.assessments import HOSTILE
from ansible_collections.rampart.postgresql.tests.assessments import NOW
from ansible_collections.rampart.postgresql.tests.assessments import assessment
from ansible_collections.rampart.postgresql.tests.assessments import drifted
from ansible_collections.rampart.postgresql.tests.assessments import finding
from ansible_collections.rampart.postgresql.tests.assessments import fleet
from ansible_collections.rampart.postgresql.tests.assessments import hostile

DAY = 86_400


class Page(html.parser.HTMLParser):
    """The elements of a page, and what is in those that hold no markup."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.contents: dict[str, list[str]] = {"script": [], "style": []}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag in self.contents:
            self.contents[tag].append("")

    def handle_data(self, data: str) -> None:
        if self.elements and self.lasttag in self.contents and self.cdata_elem == self.lasttag:
            self.contents[self.lasttag][-1] += data


def made(world: t.Any, **more: t.Any) -> str:
    return report(world, "html", now=NOW, **more)


def hashed(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@pytest.mark.parametrize(
    "world", [[], fleet(3), [hostile(name) for name in HOSTILE]], ids=["empty", "fleet", "hostile"]
)
def test_only_the_pages_own_script_and_style_may_run(world: t.Any) -> None:
    page = Page(made(world, title=HOSTILE[1], before=fleet(2, seed=2)))
    (policy,) = (found["content"] or "" for tag, found in page.elements if "http-equiv" in found)
    overview, details, script = page.contents["script"]
    (style,) = page.contents["style"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert f"script-src {hashed(script)};" in policy
    assert f"style-src {hashed(style)};" in policy
    for _tag, attributes in page.elements:
        assert not any(name == "style" or name.startswith("on") for name in attributes)
        assert not any(name in ("src", "action", "srcset") for name in attributes)
        assert (attributes.get("href") or "#").startswith("#")
    assert len(json.loads(overview)["clusters"]) == len(json.loads(details)["clusters"]) == len(world)


def test_it_is_the_same_for_the_same_fleet() -> None:
    assert made(fleet(3)) == made(fleet(3)[::-1])
    assert made([hostile(HOSTILE[6])]).encode()  # no half of a character


def test_names_are_nowhere_markup() -> None:
    for name in HOSTILE:
        page = Page(made([hostile(name)], title=name))
        assert not any(
            tag in ("img", "iframe", "object", "embed", "link", "form") for tag, _attributes in page.elements
        )
        assert len(page.contents["script"]) == 3


def data(world: t.Any, **more: t.Any) -> list[dict[str, t.Any]]:
    """What the page's script reads."""
    return [json.loads(text) for text in Page(made(world, **more)).contents["script"][:2]]


def test_a_host_is_called_the_same_everywhere() -> None:
    name = HOSTILE[3]
    overview, _details = data([hostile(name)], before=[hostile(name)], drift=drifted(name))
    (cluster,) = overview["clusters"]
    (link,) = {
        found["href"] for tag, found in Page(made([hostile(name)])).elements if "#/host/" in str(found.get("href"))
    }
    assert urllib.parse.unquote(str(link)) == f"#/host/{cluster['host']}/{cluster['cluster']}"
    assert {row[2] for row in overview["changes"]} == {row[1] for row in overview["drift"]["rows"]} == {cluster["host"]}


def test_a_control_may_be_graver_on_some_hosts() -> None:
    world = [
        assessment(finding(status="fail", severity=severity), host=severity) for severity in ("low", "critical", "high")
    ]
    overview, _details = data(world)
    (control,) = overview["controls"]
    assert SEVERITIES[control[3]] == "critical"
    own = {one["host"]: one.get("own") for one in overview["clusters"]}
    assert own == {"critical": None, "high": {"0": SEVERITIES.index("high")}, "low": {"0": SEVERITIES.index("low")}}


def test_numbers_are_not_rounded_and_long_texts_are_cut() -> None:
    items = [{"identifier": 2**63 + 1, "small": 2**53 - 1, "text": "x" * 1_000_000, "y" * 1_000_000: 1}]
    _overview, details = data([assessment(finding(status="fail", items=items))])
    (item,) = details["findings"][0][3]
    assert (item["identifier"], item["small"]) == (str(2**63 + 1), 2**53 - 1)
    assert item["text"].endswith("… and 980000 more characters")
    assert all(len(text) < 21_000 for pair in item.items() for text in map(str, pair))


def test_the_page_says_that_a_profile_was_another_one() -> None:
    world = assessment(finding(status="fail"))
    words = "1 cluster had another profile or other controls then"
    assert words in made(world, before={**world, "profile": "cis"})
    assert words not in made(world, before=world)


def test_large_numbers_are_grouped() -> None:
    world = [assessment(*(finding(f"C-{number}", status="fail") for number in range(1234)))]
    assert '<span class="figure">1,234</span>' in made(world)


def test_long_texts_of_timelines_are_cut() -> None:
    views = {
        "certificates": [{"subject": "x" * 100_000, "state": "ok"}],
        "backups": {"jobs": [{"name": "y" * 100_000}], "tools": []},
    }
    text = made(assessment(views=views))
    assert "x" * 501 not in text and "y" * 501 not in text
    assert "and 99500 more characters" in text


def test_what_hosts_share_is_stored_once() -> None:
    one, many = (len(made([assessment(*fleet(1)[0]["findings"], host=f"db{number}") for number in range(count)]))
                 for count in (1, 21))  # fmt: skip
    assert (many - one) / 20 < 1500


@pytest.mark.parametrize("text", ["</script>", "<!--", "&lt;", "\u2028"])
def test_data_cannot_end_its_script(text: str) -> None:
    written = embedded([text])
    assert not set(written) & set("<>&\u2028")
    assert written.isascii()


def test_scripts_make_no_markup_of_text() -> None:
    (script,) = Page(made([])).contents["script"][2:]
    for word in (
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "Function(",
        "fetch(",
        "http",
    ):
        assert word not in script.replace('"http://www.w3.org/2000/svg"', ""), word


def of_cluster(**views: t.Any) -> Assessment:
    return gathered(assessment(views=views), now=NOW).assessments[0]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-DAY - 1, "1 day ago"),
        (-1, "less than a day ago"),
        (0, "less than a day left"),
        (DAY, "1 day left"),
        (3 * DAY - 1, "2 days left"),
    ],
)
def test_whole_days_are_counted_on_both_sides_of_the_end(seconds: int, words: str) -> None:
    (row,) = certificate_rows(of_cluster(certificates=[{"not_after_epoch": NOW + seconds, "state": "ok"}]), NOW) or []
    assert row.left == words
    assert (row.state == "expired") == (seconds < 0) == (row.end == 0)


def test_what_has_no_end_is_neither_unknown_nor_urgent() -> None:
    rows = [
        {"role": "revocation_list", "issuer": "CN=a", "state": "ok"},
        {"not_after_epoch": NOW + DAY, "state": "soon"},
    ]
    found = certificate_timeline(gathered(assessment(views={"certificates": rows}), now=NOW))
    assert [row.until for row in found.rows][1] == "without an end"
    assert found.rows[1].end == WIDTH
    assert dict(found.bands)["not known"] == 0
    assert dict(found.bands)["later"] == 1


def test_what_is_not_valid_yet_begins_later() -> None:
    entry = {"not_before_epoch": NOW + 7 * DAY, "not_after_epoch": NOW + 90 * DAY, "state": "not_yet_valid"}
    (row,) = certificate_rows(of_cluster(certificates=[entry]), NOW) or []
    assert 0 < row.start < row.end


def test_problems_are_told_beside_the_state() -> None:
    problems = [{"code": "expired", "message": "it expired"}, {"code": "key_exposed", "message": "mode 0644"}, "odd"]
    entry = {"not_after_epoch": NOW - 1, "state": "expired", "reason": "", "problems": problems}
    (row,) = certificate_rows(of_cluster(certificates=[entry]), NOW) or []
    assert row.reason == "mode 0644; odd"


def test_certificates_are_in_the_order_of_their_urgency() -> None:
    def entry(days: int | None, **more: t.Any) -> dict[str, t.Any]:
        after = None if days is None else NOW + days * DAY
        return {"role": "server", "subject": "CN=db", "not_after_epoch": after, "state": "ok", **more}

    rows = [
        entry(400),
        entry(3),
        entry(-2),
        entry(None, state="unknown", reason="denied"),
        entry(9, state="superseded"),
    ]
    found = certificate_timeline(gathered(assessment(views={"certificates": rows}), now=NOW))
    assert [row.days for row in found.rows] == [None, -2, 3, 400]
    assert found.rows[1].state == "expired"
    assert [row.end for row in found.rows[:2]] == [0, 0]
    assert 0 < found.rows[2].end < found.rows[3].end < WIDTH
    assert dict(found.bands) == {
        "not known": 1,
        "expired": 1,
        "within a week": 1,
        "within a month": 0,
        "within three months": 0,
        "later": 1,
    }


def test_backups_that_never_succeeded_come_first() -> None:
    jobs = [
        {"name": "fresh", "last_success_epoch": NOW - 60},
        {"name": "never"},
        {"name": "old", "last_success_epoch": 1},
    ]
    world = [
        assessment(views={"backups": {"jobs": jobs}}),
        assessment(host="db2"),
        assessment(host="db3", views={"backups": {"jobs": []}}),
    ]
    found = backup_timeline(gathered(world, now=NOW))
    assert [row.job for row in found.rows] == ["never", "old", "fresh"]
    assert [mark.ago for mark in found.rows[0].marks] == ["never"] * 3
    assert found.without == (("db2", "17/main", ()), ("db3", "17/main", ()))


def test_a_job_says_what_is_wrong_with_it() -> None:
    careful = {
        "name": "a",
        "kind": "physical",
        "schedule": "daily",
        "encrypted": True,
        "off_host": True,
        "outcome": "ok",
    }
    careless = {"name": "b", "encrypted": False, "off_host": False, "outcome": "failed"}
    first, second, third = backup_rows(of_cluster(backups={"jobs": [careful, careless, {"name": "c"}]}), NOW) or []
    assert (first.failed, first.facts) == ("", ("physical", "daily", "encrypted", "on another host"))
    assert (second.failed, second.facts) == ("failed", ("no schedule known", "not encrypted", "on this host only"))
    assert third.facts == ("no schedule known", "encryption not known", "place not known")


def test_other_tools_are_told_where_no_job_is_known() -> None:
    tools = [{"name": "pgbackrest", "evidence": "/etc/pgbackrest.conf exists"}]
    found = backup_timeline(gathered(assessment(views={"backups": {"jobs": [], "tools": tools}}), now=NOW))
    assert found.without == (("db1", "17/main", ("pgbackrest (/etc/pgbackrest.conf exists)",)),)


def test_who_could_not_look_is_told_from_who_found_nothing() -> None:
    unseen, empty = of_cluster(certificates=None, backups=None), of_cluster(certificates=[], backups={"jobs": []})
    assert [certificate_rows(unseen, NOW), backup_rows(unseen, NOW)] == [None, None]
    assert [certificate_rows(empty, NOW), backup_rows(empty, NOW)] == [[], []]


def test_an_axis_keeps_what_is_beyond_it_at_its_ends() -> None:
    axis = Axis(1, 100, (("ten", 10),))
    assert [axis.position(days) for days in (0.1, 1, 10, 100, 5000)] == [0, 0, WIDTH / 2, WIDTH, WIDTH]
    assert [(tick.label, tick.position) for tick in axis.ticks] == [("ten", WIDTH / 2)]
