# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the report of a large fleet costs: to make it, and to open it in a browser."""

from __future__ import annotations

import argparse
import pathlib
import resource
import statistics
import tempfile
import time

from ansible_collections.rampart.postgresql.plugins.filter.report import report
from ansible_collections.rampart.postgresql.tests.assessments import NOW
from ansible_collections.rampart.postgresql.tests.assessments import fleet
from ansible_collections.rampart.postgresql.tests.bench.report import Bar
from ansible_collections.rampart.postgresql.tests.bench.report import table
from ansible_collections.rampart.postgresql.tests.browser.browsers import Browser
from ansible_collections.rampart.postgresql.tests.browser.browsers import started

_LIMIT = 3
"""Seconds that the page of a thousand hosts may take to open."""
_ROUTES = ("#/overview", "#/hosts", "#/controls", "#/matrix", "#/waivers", "#/open")
_SHOWN = (
    "const [entry] = performance.getEntriesByType('navigation');"
    "const paint = performance.getEntriesByName('first-contentful-paint')[0];"
    "return entry.loadEventEnd && paint ? Math.max(entry.loadEventEnd, paint.startTime) / 1000 : null;"
)


def _opened(browser: Browser, page: pathlib.Path, route: str, runs: int) -> float:
    """Seconds until everything is loaded, run and painted."""
    found = []
    for _run in range(runs):
        browser.open(page, route)
        found.append(float(browser.wait(_SHOWN)))
    return statistics.median(found)


def _made(hosts: int, controls: int, page: pathlib.Path) -> list[str]:
    world = fleet(hosts, controls=controls)
    start = time.process_time()
    text = report(world, "html", now=NOW)
    seconds = time.process_time() - start
    page.write_text(text, encoding="utf-8")
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return [f"{hosts} hosts", f"{seconds:.1f} s", f"{len(text) / 1e6:.1f} MB", f"{memory:.0f} MiB"]


def main() -> None:
    """Print the tables and the bar."""
    parser = argparse.ArgumentParser(prog="scripts/bench --report", description=__doc__)
    parser.add_argument("--hosts", type=int, default=1000)
    parser.add_argument("--controls", type=int, default=150)
    parser.add_argument("--runs", type=int, default=3, help="of each page, of which the median counts")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        page = pathlib.Path(directory, "report.html")
        print(
            table(
                ["HTML", "processor time", "file", "memory, assessments included"],
                [_made(options.hosts, options.controls, page)],
            )
        )
        browser = started()
        try:
            times = {route: _opened(browser, page, route, options.runs) for route in _ROUTES}
        finally:
            browser.quit()
    print(table(["opened at", "until it is shown"], [[route, f"{seconds:.2f} s"] for route, seconds in times.items()]))
    print(Bar(f"seconds until the report of {options.hosts} hosts is shown", max(times.values()), _LIMIT))


if __name__ == "__main__":
    main()
