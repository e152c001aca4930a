# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One browser for all tests, and reports on the disk."""

from __future__ import annotations

import dataclasses
import pathlib
import typing as t

import pytest

from ansible_collections.rampart.postgresql.plugins.filter.report import report
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.as_html import render
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.gathering import gathered
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.trend import Point
from ansible_collections.rampart.postgresql.tests.assessments import HOSTILE
from ansible_collections.rampart.postgresql.tests.assessments import NOW
from ansible_collections.rampart.postgresql.tests.assessments import drifted
from ansible_collections.rampart.postgresql.tests.assessments import fleet
from ansible_collections.rampart.postgresql.tests.assessments import hostile
from ansible_collections.rampart.postgresql.tests.browser.browsers import Browser
from ansible_collections.rampart.postgresql.tests.browser.browsers import started

DAY = 86_400
TREND = (Point(NOW - 20 * DAY, 41), Point(NOW - 10 * DAY, 60))


@pytest.fixture(scope="session")
def opened_browser() -> t.Iterator[Browser]:
    browser = started()
    yield browser
    browser.quit()


@pytest.fixture
def browser(opened_browser: Browser) -> Browser:
    opened_browser.emulate()
    return opened_browser


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    return tmp_path_factory.mktemp("reports")


def _written(path: pathlib.Path, world: t.Any, **more: t.Any) -> pathlib.Path:
    path.write_text(report(world, "html", now=NOW, **more), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def small(folder: pathlib.Path) -> pathlib.Path:
    made = gathered(
        fleet(12, controls=28),
        before=fleet(12, controls=28, seed=2, now=NOW - 10 * DAY),
        drift=drifted("db1", "db2"),
        title="Production fleet",
        now=NOW,
    )
    path = folder / "small.html"
    path.write_text(render(dataclasses.replace(made, trend=TREND)), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def alone(folder: pathlib.Path) -> pathlib.Path:
    return _written(folder / "alone.html", fleet(1))


@pytest.fixture(scope="session")
def large(folder: pathlib.Path) -> pathlib.Path:
    return _written(folder / "large.html", fleet(60))


@pytest.fixture(scope="session")
def empty(folder: pathlib.Path) -> pathlib.Path:
    return _written(folder / "empty.html", [])


@pytest.fixture(scope="session")
def poisoned(folder: pathlib.Path) -> pathlib.Path:
    """Every hostile name wherever somebody else decides what is there."""
    world = [hostile(name) for name in HOSTILE]
    return _written(
        folder / "poisoned.html", world, title=HOSTILE[1], before=[hostile(HOSTILE[0])], drift=drifted(*HOSTILE)
    )
