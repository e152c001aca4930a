# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report in a browser: what it shows, how it is walked through, and what it never does."""

from __future__ import annotations

import base64
import pathlib
import re
import typing as t

import pytest
from selenium.webdriver.common.keys import Keys

from ansible_collections.rampart.postgresql.plugins.filter.report import report
from ansible_collections.rampart.postgresql.tests.assessments import HOSTILE
from ansible_collections.rampart.postgresql.tests.assessments import assessment
from ansible_collections.rampart.postgresql.tests.assessments import fleet
from ansible_collections.rampart.postgresql.tests.browser.axe import findings
from ansible_collections.rampart.postgresql.tests.browser.browsers import Browser

HOST = "#/host/db-fra-0001.example.org/" + fleet(1)[0]["cluster"].replace("/", "%2F")
CONTROL = "#/control/RPG-NET-001"
ROUTES = (
    *("#/overview", "#/hosts", "#/controls", "#/matrix", "#/changes", "#/certificates", "#/backups", "#/waivers"),
    *("#/open", "#/drift", HOST, CONTROL),
)


def opened_finding(browser: Browser) -> t.Any:
    """The first failing control of a host, opened."""
    box = browser.one("details.finding.fail")
    if not box.get_attribute("open"):
        box.find_element("css selector", "summary").click()
    browser.wait(
        "return document.querySelector('details.finding.fail[open] .finding-body')"
    )  # it is made when it opens
    return box


def test_it_opens_without_a_complaint_and_asks_for_nothing(browser: Browser, small: pathlib.Path) -> None:
    browser.open(small)
    assert browser.title == "Production fleet"
    assert browser.texts("h1") == ["Production fleet"]
    for route in ROUTES:
        browser.go(route)
        assert len(browser.all("main h1")) == 1, route
    assert browser.complaints() == []
    assert browser.requests() == []


def test_a_complaint_and_a_request_would_be_noticed(browser: Browser, tmp_path: pathlib.Path) -> None:
    page = tmp_path / "planted.html"
    page.write_text("<!doctype html><img src='missing.png'><script>console.error('planted')</script>")
    browser.open(page)
    assert any("planted" in one for one in browser.complaints())
    assert browser.requests() == [(tmp_path / "missing.png").as_uri()]


def test_the_score_over_the_audits_of_a_history(browser: Browser, small: pathlib.Path, alone: pathlib.Path) -> None:
    browser.open(small)
    browser.go("#/overview")
    line = browser.one(".score-line")
    assert str(line.get_attribute("points")).startswith("0,59 300,40 600,")
    assert line.rect["height"] > 20
    browser.one("details:has(.scores-table) summary").click()
    assert [row.split("\n")[-1].split()[-2] for row in browser.texts(".scores-table tbody tr")][1:] == ["60", "41"]
    browser.open(alone)
    assert browser.all(".score-line") == []


def test_drift_is_found_by_its_severity_and_shows_both_sides(browser: Browser, small: pathlib.Path) -> None:
    browser.open(small)
    browser.go("#/drift?severity=high")
    rows = browser.texts("main tbody tr")
    assert len(rows) == 2
    assert all("role_attributes" not in row and "role attributes" in row for row in rows)
    assert "2 hosts of 3 differ from what the inventory wants" in browser.texts("main .lead")[0]
    browser.one("main tbody details summary").click()
    assert browser.texts("main tbody details[open] pre") == ["-- db1", "there: db1"]


@pytest.mark.parametrize("world", ["empty", "alone", "poisoned"])
def test_other_fleets_open_too(browser: Browser, world: str, request: pytest.FixtureRequest) -> None:
    browser.open(request.getfixturevalue(world))
    for route in (
        "#/overview",
        "#/hosts",
        "#/controls",
        "#/matrix",
        "#/certificates",
        "#/backups",
        "#/waivers",
        "#/open",
    ):
        browser.go(route)
        assert len(browser.all("main h1")) == 1, route
    assert browser.complaints() == []
    assert browser.requests() == []


def test_a_route_that_leads_nowhere_says_so(browser: Browser, small: pathlib.Path) -> None:
    browser.open(small, "#/host/nobody/17%2Fmain")
    assert browser.texts("main h1") == ["Not found"]
    for route in ("#/%zz", "#/constructor", "#/__proto__/x", "#/toString"):
        browser.open(small, route)
        assert browser.texts("main h1") == ["Production fleet"]
    assert browser.complaints() == []


def test_hosts_are_searched_sorted_and_filtered(browser: Browser, small: pathlib.Path) -> None:
    browser.open(small, "#/hosts")
    assert len(browser.all("table.hosts tbody tr")) == 12
    browser.one("#search").send_keys("AMS")
    browser.wait("return document.querySelectorAll('table.hosts tbody tr').length === 4")
    assert browser.route == "#/hosts?search=AMS"
    assert all("-ams-" in text for text in browser.texts("table.hosts tbody th"))
    browser.one("button[data-key=name]").click()
    names = browser.texts("table.hosts tbody th a")
    assert names == sorted(names)
    assert browser.one("th[aria-sort]").get_attribute("aria-sort") == "ascending"
    browser.one("button[data-key=name]").click()
    assert browser.texts("table.hosts tbody th a") == sorted(names, reverse=True)


def test_hosts_have_a_score_for_each_area(browser: Browser, small: pathlib.Path) -> None:
    scores = {
        one["host"]: ["–" if part["percent"] is None else f"{part['percent']} %" for part in one["score"].values()]
        for one in fleet(12, controls=28)
    }
    browser.open(small)
    rows = browser.all("#worst-hosts tbody tr")
    assert len(rows) == 8
    for row in rows:
        *areas, overall = scores[row.find_element("css selector", "a").text]
        assert [cell.text for cell in row.find_elements("css selector", ".heat")] == [overall, *areas]
    browser.one("#worst-hosts p a").click()
    browser.wait("return document.querySelector('.choice [data-name=areas]')")
    browser.one(".choice [data-name=areas]").click()
    browser.one("button[data-key=backup]").click()
    assert browser.one("th[aria-sort=ascending]").text.startswith("backup")
    found = [int(text.split()[0]) for text in browser.texts("table.hosts tbody td:nth-child(8)")]
    assert len(found) == 12 and found == sorted(found)


def test_filters_are_kept_in_the_address(browser: Browser, small: pathlib.Path) -> None:
    browser.open(small, "#/controls?area=backup&severity=critical&status=nonsense")
    rows = browser.all("table.controls tbody tr")
    assert rows and all("backup" in row.text and "critical" in row.text for row in rows)
    assert browser.one("#filter-status").get_attribute("value") == ""
    browser.one("#filter-severity").send_keys("low")
    browser.wait("return location.hash.includes('severity=low')")
    assert browser.route == "#/controls?severity=low&area=backup"


def test_every_status_can_be_filtered(browser: Browser, small: pathlib.Path) -> None:
    world = fleet(12, controls=28)
    for status in ("fail", "unknown", "manual", "waived", "pass", "not_applicable"):
        wanted = {one["host"] for one in world if any(found["status"] == status for found in one["findings"])}
        browser.open(small, f"#/hosts?status={status}")
        assert set(browser.texts("table.hosts tbody th a")) == wanted


def test_the_page_of_a_host_has_evidence_and_fix(browser: Browser, small: pathlib.Path) -> None:
    browser.open(small, HOST)
    failing = [one for one in fleet(1, controls=28)[0]["findings"] if one["status"] == "fail"]
    assert len(browser.all("details.finding.fail")) == len(failing)
    shown = opened_finding(browser)
    told = next(one for one in failing if one["control"] == shown.get_attribute("data-control"))
    assert told["evidence"] in shown.text
    assert shown.find_element("css selector", ".fix code").text == told["fix"]["line"]


def test_the_fix_is_copied(browser: Browser, small: pathlib.Path) -> None:
    browser.open(small, HOST)
    button = opened_finding(browser).find_element("css selector", "button.copy")
    button.click()
    browser.wait("return document.querySelector('details[open] button.copy').textContent !== 'Copy'")
    assert button.text == "Copied"


def test_unreachable_rules_are_struck_through(browser: Browser, small: pathlib.Path) -> None:
    browser.open(small, HOST)
    (rule,) = browser.all(".rules del")
    assert rule.text.endswith("md5")
    assert "line-through" in browser.script("return getComputedStyle(arguments[0]).textDecorationLine", rule)
    assert len(browser.all(".rules tbody tr")) == 6
    assert "never reached: what it is about is taken by line 92" in browser.texts(".rules tbody tr.unreachable td")
    assert not any("md5" in text for text in browser.texts(".who tbody td"))


def test_lines_of_included_files_are_told_apart(browser: Browser, tmp_path: pathlib.Path) -> None:
    rule = {"line": 7, "text": "local all all peer", "method": "peer", "reachable": True, "shadowed_by": []}
    files = ("/etc/postgresql/pg_hba.conf", "/etc/postgresql/more.conf")
    rules = [{**rule, "number": number, "file": file} for number, file in enumerate(files, 1)]
    remark = {"file": files[1], "line": 7, "severity": "low", "message": "everybody"}
    page = tmp_path / "included.html"
    world = assessment(views={"hba": {"rules": rules, "who": [], "findings": [remark]}})
    page.write_text(report(world, "html"), encoding="utf-8")
    browser.open(page, "#/host/db1/17%2Fmain")
    assert browser.texts(".rules tbody td.number") == ["pg_hba.conf:7", "more.conf:7"]
    assert browser.texts(".remarks li") == ["Line more.conf:7: everybody (low)"]
    world["views"]["hba"]["rules"] = rules[:1]
    page.write_text(report(world, "html"), encoding="utf-8")
    browser.open(page, "#/host/db1/17%2Fmain")
    assert browser.texts(".rules tbody td.number") == ["7"]


def test_what_runs_out_is_drawn_for_a_host_as_for_the_fleet(browser: Browser, small: pathlib.Path) -> None:
    browser.open(small, "#/certificates")
    drawn = (
        "return [...document.querySelectorAll(arguments[0])].map((one) =>"
        " [one.getAttribute('x'), one.getAttribute('width')])"
    )
    of_fleet = browser.script(drawn, f'#certificates tr:has(a[href^="{HOST}"]) rect.life')
    assert of_fleet
    browser.go(HOST)
    assert browser.script(drawn, "#view .time rect.life") == of_fleet
    assert browser.texts("#view .timeline .time")[0].startswith("Time left")


def test_backups_of_a_host_are_drawn_as_those_of_the_fleet(browser: Browser, small: pathlib.Path) -> None:
    browser.open(small, "#/backups")
    drawn = (
        "return [...document.querySelectorAll(arguments[0])].map((one) =>"
        " one.getAttribute('cx') ?? one.getAttribute('transform') ?? one.getAttribute('d'))"
    )
    of_fleet = browser.script(drawn, f'#backups tr:has(a[href^="{HOST}"]) .time .mark')
    assert len(of_fleet) >= 2
    browser.go(HOST)
    assert browser.script(drawn, "#view .time .mark") == of_fleet


def test_a_cluster_that_was_not_assessed_is_one_open_question(browser: Browser, small: pathlib.Path) -> None:
    browser.open(small, "#/open?status=unknown")
    (away,) = browser.texts("main .note li")
    assert "ams-0008" in away and "could not be reached" in away
    rows = browser.texts("main tbody tr")
    assert rows and not any("ams-0008" in row for row in rows)


def test_what_fails_as_often_is_in_the_order_of_severity(browser: Browser, small: pathlib.Path) -> None:
    browser.open(small)
    shown = [(text.split()[-2:], text.split()[-3]) for text in browser.texts("#worst-controls li")]
    ranks = [(-int(count), ("critical", "high", "medium", "low").index(severity)) for (count, _word), severity in shown]
    assert ranks == sorted(ranks)
    assert len({count for count, _rank in ranks}) < len(ranks)


def test_no_link_leads_to_a_cluster_that_is_not_there(browser: Browser, small: pathlib.Path) -> None:
    browser.open(small, "#/drift")
    assert "db1" in browser.texts("main tbody th")[0]
    assert not browser.all("main tbody th a")
    browser.go("#/changes")
    assert browser.all("main tbody td a[href^='#/host/']")


def test_changes_since_the_earlier_report(browser: Browser, small: pathlib.Path, alone: pathlib.Path) -> None:
    browser.open(small, "#/changes?change=fixed")
    chips = browser.texts(".change-chip")
    assert chips and set(chips) == {"fixed"}
    browser.open(alone)
    assert not browser.all("a[href^='#/changes']")


def test_the_keyboard_is_enough(browser: Browser, small: pathlib.Path) -> None:
    browser.open(small)
    browser.press(Keys.TAB)
    assert browser.focused.text == "Skip to the content"
    browser.press(Keys.ENTER)
    assert browser.focused.get_attribute("id") == "main"
    assert browser.texts("main h1") == ["Production fleet"]
    browser.open(small)
    browser.press(*[Keys.TAB] * 3)
    assert browser.focused.text == "Hosts"
    browser.press(Keys.ENTER)
    browser.wait("return document.activeElement.textContent === 'Hosts' && document.activeElement.tagName === 'H1'")
    browser.press("/")
    assert browser.focused.get_attribute("id") == "search"
    browser.press("dub-0003")
    browser.wait("return document.querySelectorAll('table.hosts tbody tr').length === 1")
    browser.script("document.querySelector('table.hosts tbody a').focus()")
    browser.press(Keys.ENTER)
    browser.wait("return location.hash.startsWith('#/host/')")
    browser.script("document.querySelector('details.finding:not([open]) summary').focus()")
    browser.press(Keys.SPACE)
    assert browser.script("return document.activeElement.parentElement.open")


def test_arrow_keys_walk_over_the_matrix(browser: Browser, small: pathlib.Path) -> None:
    browser.open(small, "#/matrix")
    assert browser.script("return document.querySelectorAll('.matrix td a[tabindex=\"0\"]').length") == 1
    browser.script("document.querySelector('.matrix td a[tabindex=\"0\"]').focus()")
    first = browser.focused.get_attribute("title")
    browser.press(Keys.ARROW_RIGHT, Keys.ARROW_DOWN, Keys.ARROW_LEFT, Keys.ARROW_UP)
    assert browser.focused.get_attribute("title") == first
    browser.press(Keys.ARROW_LEFT, Keys.ARROW_UP)
    assert browser.focused.get_attribute("title") == first
    browser.press(*[Keys.ARROW_DOWN] * 4)  # over the name of the next area
    assert "RPG-ACC-001" in str(browser.focused.get_attribute("title"))
    assert browser.script("return document.querySelectorAll('.matrix td a[tabindex=\"0\"]').length") == 1


def test_what_fails_is_printed_with_its_fix(browser: Browser, small: pathlib.Path) -> None:
    browser.open(small, HOST)
    shut = "return document.querySelectorAll('details.finding.fail:not(:has(.fix))').length"
    assert browser.script(shut) > 0
    assert browser.script(f"dispatchEvent(new Event('beforeprint')); {shut}") == 0


def test_it_prints(browser: Browser, small: pathlib.Path) -> None:
    for route in ("#/overview", HOST):
        browser.open(small, route)
        pdf = base64.b64decode(browser.devtools("Page.printToPDF", printBackground=True)["data"])
        assert pdf.startswith(b"%PDF-")
        assert len(re.findall(rb"/Type\s*/Page\b", pdf)) >= 2
    assert not browser.script("return document.querySelector('details.finding.fail:not([open])')")
    browser.emulate(media="print")
    assert not browser.all(".tabs, .copy, .choice")
    assert browser.all(".fix code")


def test_hostile_names_stay_text(browser: Browser, poisoned: pathlib.Path) -> None:
    browser.open(poisoned, script_first="window.alert = () => { window.alerted = true; };")
    for number in range(len(HOSTILE)):
        browser.go("#/hosts")
        browser.script("document.querySelectorAll('table.hosts tbody a')[arguments[0]].click()", number)
        browser.wait("return location.hash.startsWith('#/host/') && document.querySelector('.findings')")
        browser.script("for (const box of document.querySelectorAll('details')) box.open = true")
        assert browser.script("return document.querySelectorAll('script').length") <= 3
        assert not browser.script("return document.querySelector('img, iframe, object, a[href^=\"javascript:\"]')")
    for route in ("#/certificates", "#/changes", "#/drift"):  # a name leads to its host from wherever it is
        browser.go(route)
        for link in browser.script(
            "return [...document.querySelectorAll('main section:not([hidden]) a[href^=\"#/host/\"]')].map((one) => one.hash)"
        ):
            browser.go(link)
            assert browser.texts("main h1") != ["Not found"], link
    for route in ("#/overview", "#/controls", "#/matrix", "#/waivers", "#/changes", "#/certificates"):
        browser.go(route)
    assert not browser.script("return window.alerted")
    browser.go("#/hosts?search=" + "%3Cscript%3Ealert(1)%3C%2Fscript%3E%20")
    browser.wait("return document.querySelectorAll('table.hosts tbody tr').length > 0")
    assert "<script>alert(1)</script>" in browser.texts("table.hosts tbody th a")
    assert browser.complaints() == []
    assert browser.requests() == []


def test_what_turns_or_hides_text_is_written_out(browser: Browser, poisoned: pathlib.Path) -> None:
    browser.open(poisoned, "#/hosts")
    text = browser.script("return document.body.innerText")
    assert r"right \u{202e} to left \u{2066} and \u{200f} mark" in text
    assert r"escape \u{1b}[31m" in text
    assert not re.search("[\x00-\x08\x0b-\x1f\u202a-\u202e\u2066-\u2069]", text)


def test_nothing_else_may_run_in_the_page(browser: Browser, small: pathlib.Path) -> None:
    """The policy holds when the page itself should fail to."""
    browser.open(small)
    refused = browser.script(
        "const refused = [];"
        "try { document.createElement('p').innerHTML = '<b>x</b>'; } catch { refused.push('markup'); }"
        "const script = document.createElement('script');"
        "try { script.textContent = 'window.ran = true'; } catch { refused.push('script'); }"
        "document.body.append(script);"
        "const paragraph = document.createElement('p'); document.body.append(paragraph);"
        "paragraph.setAttribute('style', 'color: rgb(1, 2, 3)');"
        "if (getComputedStyle(paragraph).color !== 'rgb(1, 2, 3)') refused.push('style');"
        "return refused.concat(window.ran ? ['ran'] : []);"
    )
    assert sorted(refused) == ["markup", "script", "style"]
    browser.script("const image = new Image(); image.src = 'file:///missing.png'; document.body.append(image);")
    assert any("Content Security Policy" in one for one in browser.complaints())


@pytest.mark.parametrize(("scheme", "rules"), [("light", []), ("dark", ["color-contrast"])])
def test_axe_finds_nothing_serious(browser: Browser, small: pathlib.Path, scheme: str, rules: list[str]) -> None:
    """In the dark nothing differs but colours."""
    browser.emulate(scheme=scheme)
    browser.devtools("Page.setBypassCSP", enabled=True)  # for axe-core, which comes from outside
    try:
        browser.open(small)
        for route in ROUTES:
            browser.go(route)
            browser.script("for (const box of document.querySelectorAll('details.finding.fail')) box.open = true")
            assert findings(browser, rules=rules) == [], route
        browser.script(
            "Object.assign(document.querySelector('#view h1').style, {color: '#888888', background: '#999999'})"
        )
        assert any(one.startswith("color-contrast") for one in findings(browser, rules=rules))
    finally:
        browser.devtools("Page.setBypassCSP", enabled=False)


@pytest.mark.parametrize("width", [360, 640])
def test_nothing_is_wider_than_the_window(
    browser: Browser, small: pathlib.Path, poisoned: pathlib.Path, width: int
) -> None:
    """640 is a window of 1280 with everything twice as large."""
    browser.emulate(width=width)
    for page in (small, poisoned):
        browser.open(page)
        for route in ROUTES:
            browser.go(route)
            assert browser.script("return document.documentElement.scrollWidth") <= width, route


def test_colours_follow_the_reader(browser: Browser, small: pathlib.Path) -> None:
    browser.open(small)
    colours = []
    for scheme in ("light", "dark"):
        browser.emulate(scheme=scheme)
        found = browser.script("return getComputedStyle(document.body).backgroundColor")
        colours.append(sum(map(int, re.findall(r"\d+", found))))
    assert colours[0] > 600 > 150 > colours[1]


def test_a_large_fleet_is_not_in_the_page_as_a_whole(browser: Browser, large: pathlib.Path) -> None:
    browser.open(large)
    for route in ROUTES:
        browser.go(route)
        assert browser.script("return document.querySelectorAll('*').length") < 14_000, route
    browser.go("#/matrix")
    first = browser.texts(".matrix thead th")
    browser.one(".pager button:last-child").click()
    assert not set(first[1:]) & set(browser.texts(".matrix thead th")[1:])
    assert "21–40 of 60 clusters" in browser.texts(".pager")[0]
