# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report about real servers: facts as they are gathered, and the drift that a hardening in check mode has found."""

from __future__ import annotations

import json
import pathlib
import re
import typing as t
import urllib.parse

import pytest

from ansible_collections.rampart.postgresql.plugins.filter.assess import assess
from ansible_collections.rampart.postgresql.plugins.filter.report import report
from ansible_collections.rampart.postgresql.tests.browser.axe import findings
from ansible_collections.rampart.postgresql.tests.browser.browsers import Browser
from ansible_collections.rampart.postgresql.tests.conformance import plays
from ansible_collections.rampart.postgresql.tests.conformance.assessment.hosts import CARELESS
from ansible_collections.rampart.postgresql.tests.conformance.assessment.hosts import gather
from ansible_collections.rampart.postgresql.tests.conformance.assessment.proof import BAD
from ansible_collections.rampart.postgresql.tests.conformance.assessment.proof import GOOD
from ansible_collections.rampart.postgresql.tests.conformance.assessment.worlds import facts_of_worlds
from ansible_collections.rampart.postgresql.tests.conformance.servers import MAJORS
from ansible_collections.rampart.postgresql.tests.conformance.servers import Server
from ansible_collections.rampart.postgresql.tests.conformance.servers import Workshop

HOSTILE = "<script>alert(1)</script>"
AWAY = "away"
ROUTES = ("overview", "hosts", "controls", "matrix", "changes", "certificates", "backups", "waivers", "open", "drift")
# What a script writes where it took a value for another one.
CONFUSED = re.compile(r"\b(?:undefined|NaN|null|None)\b|\[object ")

Values = dict[str, t.Any]


@pytest.fixture(scope="module")
def fleet() -> t.Iterator[dict[str, Values]]:
    """Facts of servers in which everything is wrong, in which all is well, of their standbys, and of a hostile one, with its drift."""
    workshop = Workshop()
    try:
        yield facts_of_worlds(workshop, MAJORS[-1])
    finally:
        workshop.close()


@pytest.fixture(scope="module")
def hostile_server(fleet: dict[str, Values]) -> t.Iterator[Server]:
    """A role whose name is markup, and a rule behind one that takes all clients from it."""
    workshop = Workshop()
    try:
        server = workshop.server(MAJORS[0])
        with server.connect() as connection:
            connection.execute(f'CREATE ROLE "{HOSTILE}" LOGIN SUPERUSER')
        with server.owner.acting(), server.hba_file.open("a", encoding="utf-8") as stream:
            stream.write(f'host all "{HOSTILE}" 10.0.0.0/8 scram-sha-256\nhost all "{HOSTILE}" 10.1.0.0/16 md5\n')
        server.reload()
        yield server
    finally:
        workshop.close()


@pytest.fixture(scope="module")
def drift(hostile_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Values:
    """What ``harden --check`` says about it, and about a host that is away."""
    home = tmp_path_factory.mktemp("drift")
    wanted = {"pg_access_allow": [{"role": hostile_server.superuser, "attributes": ["SUPERUSER"]}]}
    unreachable = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1}
    hosts = {"hostile": plays.host_of(hostile_server, **wanted), AWAY: unreachable}
    played = plays.play("harden", hosts, home, check=True, extra={"harden_drift": str(home / "drift.json")})
    assert (home / "drift.json").exists(), played.output
    return t.cast(Values, json.loads((home / "drift.json").read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def assessed(fleet: dict[str, Values], hostile_server: Server) -> list[Values]:
    """All of them, and one that nobody could look at."""
    facts = {**fleet, "hostile": gather(hostile_server, CARELESS), AWAY: {"failed": True, "msg": "no route to it"}}
    now = 60 + max(one.get("gathered_epoch", 0) for one in facts.values())
    return [one for host, told in facts.items() for one in assess(told, host=host, profile="strict", now=now)]


@pytest.fixture(scope="module")
def page(assessed: list[Values], drift: Values, folder: pathlib.Path) -> pathlib.Path:
    """The report of the fleet, compared with one in which the good server was as bad as the other."""
    bad, others = of_host(assessed, BAD), [one for one in assessed if one["host"] != GOOD]
    before = [*others, {**bad, "host": GOOD, "cluster": of_host(assessed, GOOD)["cluster"]}]
    now = max(one["assessed_epoch"] for one in assessed)
    path = folder / "real.html"
    path.write_text(report(assessed, "html", before=before, drift=drift, now=now), encoding="utf-8")
    return path


def of_host(assessed: list[Values], host: str) -> Values:
    return next(one for one in assessed if one["host"] == host)


def route_of(one: Values) -> str:
    return "#/host/" + "/".join(urllib.parse.quote(one[name], safe="") for name in ("host", "cluster"))


def test_every_value_is_shown_as_it_is(browser: Browser, page: pathlib.Path, assessed: list[Values]) -> None:
    browser.open(page, script_first="window.alert = () => { window.alerted = true; };")
    for route in [*(f"#/{name}" for name in ROUTES), *map(route_of, assessed)]:
        browser.go(route)
        assert len(browser.all("main h1")) == 1, route
        browser.script("for (const box of document.querySelectorAll('details')) box.open = true")
        browser.wait(
            "return [...document.querySelectorAll('details.finding')].every((one) => one.childElementCount > 1)"
        )
        text = browser.script("return document.querySelector('main').innerText")
        assert text.strip() and not CONFUSED.findall(text.replace("/dev/null", "")), route
    assert not browser.script("return window.alerted")
    assert browser.complaints() == []
    assert browser.requests() == []


def test_every_finding_is_on_the_page_of_its_host(browser: Browser, page: pathlib.Path, assessed: list[Values]) -> None:
    browser.open(page)
    for one in assessed:
        browser.go(route_of(one))
        shown = browser.script(
            "document.querySelector('.choice [data-name=all]').click();"
            "return [...document.querySelectorAll('details.finding')].map((box) => [box.dataset.control, box.classList[1]])"
        )
        assert dict(shown) == {found["control"]: found["status"] for found in one["findings"]}


def test_what_is_worst_is_seen(browser: Browser, page: pathlib.Path, assessed: list[Values]) -> None:
    browser.open(page, route_of(of_host(assessed, "hostile")))
    (struck,) = browser.texts(".rules del")
    assert "10.1.0.0/16" in struck and HOSTILE in struck
    assert any(HOSTILE in row for row in browser.texts(".who tbody tr"))
    assert any("careless" in row and "failed" in row for row in browser.texts("#view .timeline tr"))
    browser.go(route_of(of_host(assessed, BAD)))
    assert any("expired" in row and "1 day ago" in row for row in browser.texts("#view .timeline tr"))
    browser.go("#/drift?component=role_attributes")
    (row,) = browser.texts("main tbody tr")
    assert HOSTILE in row and "high" in row
    assert browser.script("return document.querySelector('#view tbody th a').hash") == route_of(
        of_host(assessed, "hostile")
    )
    browser.go("#/drift?component=unknown")
    assert browser.texts("main tbody th a") == [AWAY]


def test_nothing_is_claimed_of_who_could_not_be_looked_at(
    browser: Browser, page: pathlib.Path, assessed: list[Values]
) -> None:
    browser.open(page, route_of(of_host(assessed, AWAY)))
    assert dict(zip(browser.texts("dl.facts dt"), browser.texts("dl.facts dd"), strict=True)) == {
        "Version": "not known",
        "Profile": "strict",
        "State": "not known",
        "Managed by": "not known",
        "Looked at": "never",
    }
    browser.go(route_of(of_host(assessed, f"{GOOD} standby")))
    assert browser.texts("dl.facts dd")[2:4] == ["standby", "nobody else"]


def test_axe_finds_nothing_serious_about_it(browser: Browser, page: pathlib.Path, assessed: list[Values]) -> None:
    browser.devtools("Page.setBypassCSP", enabled=True)  # for axe-core, which comes from outside
    try:
        browser.open(page)
        for route in ("#/drift", "#/certificates", "#/backups", route_of(of_host(assessed, BAD))):
            browser.go(route)
            assert findings(browser) == [], route
    finally:
        browser.devtools("Page.setBypassCSP", enabled=False)


@pytest.mark.parametrize("width", [360, 1280])
def test_nothing_of_it_is_wider_than_the_window(
    browser: Browser, page: pathlib.Path, assessed: list[Values], width: int
) -> None:
    browser.emulate(width=width)
    browser.open(page)
    for route in [*(f"#/{name}" for name in ROUTES), *map(route_of, assessed)]:
        browser.go(route)
        assert browser.script("return document.documentElement.scrollWidth") <= width, route
