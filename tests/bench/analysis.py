# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What thousands of hba rules cost, by their number: `scripts/bench --rules` prints tables and bars.

Seconds are of the processor, so that they mean something on a machine that does other things too; only the time of the
module is that of the clock as well, the server's work included.
"""

from __future__ import annotations

import contextlib
import dataclasses
import gc
import json
import statistics
import subprocess
import sys
import time
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.difference import difference
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.survey import survey
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.arguments import component
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.dialects import DIALECTS
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.interchange import describe
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.interchange import entries_of_text
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.lint import Context
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.lint import lint
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.records import parse_text
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.state import State
from ansible_collections.rampart.postgresql.tests.bench import report
from ansible_collections.rampart.postgresql.tests.bench import shapes
from ansible_collections.rampart.postgresql.tests.conformance.servers import Workshop

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

_COUNTS: t.Final = (100, 1_000, 10_000)
_MAJOR: t.Final = 17
_DIALECT: t.Final = DIALECTS[_MAJOR]
_CALLS: t.Final = 3  # of the module
_ROLES: t.Final = 3_000  # of the server that it is called for
_MODULE: t.Final = "ansible_collections.rampart.postgresql.plugins.modules.hba"
_BENCH: t.Final = "ansible_collections.rampart.postgresql.tests.bench"


class _Clock:
    """Seconds of processor time, by what they went to."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextlib.contextmanager
    def timing(self, what: str) -> Iterator[None]:
        start = time.process_time()
        yield
        self.seconds[what] = time.process_time() - start


def measure(shape: str, count: int) -> dict[str, float]:
    """From the rules to an empty plan; then the parts of the analysis."""
    lines = shapes.lines(shape, count)
    rules = [describe(entry) for entry in entries_of_text("\n".join(lines), _DIALECT)]
    own = {"type": "local", "databases": ["all"], "users": ["postgres"], "method": "peer"}
    written = component({"rules": [own, *rules], "sentinel": False})
    before = State(path="/pg_hba.conf", text="", content=b"", major=_MAJOR, population=shapes.WORLD)
    text = written._candidate(before)
    state = dataclasses.replace(before, text=text, content=text.encode())
    lines.insert(count // 2, "host d1,d2 +g1 10.0.0.0/8 reject")
    edited = parse_text("\n".join(lines), _DIALECT)
    unrelated = parse_text("\n".join(shapes.lines(shape, count, seed=1)), _DIALECT)
    clock = _Clock()
    gc.collect()
    gc.disable()  # as the module does
    with clock.timing("parsed and planned"):
        planned = component({"rules": [own, *rules], "sentinel": False}).plan(state)
    with clock.timing("text parsed"):
        records = parse_text(text, _DIALECT)
    with clock.timing("survey"):
        survey(records, dialect=_DIALECT, world=shapes.WORLD)
    with clock.timing("all of lint"):
        lint(records, Context(_DIALECT, shapes.WORLD, text=text, catch_all=True))
    with clock.timing("one rule more"):
        difference(records, edited, dialect=_DIALECT, world=shapes.WORLD)
    with clock.timing("other rules"):
        difference(records, unrelated, dialect=_DIALECT, world=shapes.WORLD)
    gc.enable()
    if planned.steps:
        raise RuntimeError(f"{shape}, {count} rules: there should be nothing to do")
    return clock.seconds


def module_times(server: Server, count: int) -> tuple[float, float]:
    """The module with that many rules and nothing to change: seconds of the clock and of the processor."""
    rules = [describe(entry) for entry in entries_of_text("\n".join(shapes.lines("own", count)), _DIALECT)]
    own = {"type": "local", "databases": ["all"], "users": [server.superuser], "method": "peer"}
    arguments = {"cluster": str(server.data_directory), "rules": [own, *rules], "allow_lockout": True}
    _call(arguments)
    found = [_call(arguments) for _turn in range(_CALLS)]
    if any(each["result"].get("changed") for each in found):
        raise RuntimeError("the module changed something again")
    return tuple(statistics.median(each[name] for each in found) for name in ("seconds", "processor"))  # type: ignore[return-value]


def _call(arguments: dict[str, t.Any]) -> dict[str, t.Any]:
    command = [sys.executable, "-m", f"{_BENCH}.module_time", _MODULE]
    done = subprocess.run(command, input=json.dumps(arguments), capture_output=True, text=True, check=True)
    found: dict[str, t.Any] = json.loads(done.stdout.splitlines()[-1])
    if found["result"].get("failed"):
        raise RuntimeError(str(found["result"]))
    return found


def main() -> None:
    """Print everything."""
    parts: list[tuple[str, list[float]]] = []
    for shape in shapes.SHAPES:
        measured = [measure(shape, count) for count in _COUNTS]
        parts += [(f"{shape}: {what}", [each[what] for each in measured]) for what in measured[0]]
    workshop = Workshop()
    try:
        server = workshop.server(_MAJOR)
        server.query(f"DO $$ BEGIN FOR number IN 1..{_ROLES} LOOP EXECUTE 'CREATE ROLE u' || number; END LOOP; END $$")
        times = [module_times(server, count) for count in _COUNTS]
    finally:
        workshop.close()
    parts.append(("module, no change: the clock", [clock for clock, _processor in times]))
    parts.append(("module, no change: processor", [processor for _clock, processor in times]))
    print(_table(parts), "", *_bars(dict(parts)), sep="\n")


def _table(parts: list[tuple[str, list[float]]]) -> str:
    head = ["seconds", *(f"{count:,} rules" for count in _COUNTS), "growth"]
    rows = []
    for what, seconds in parts:
        growth = " ".join(f"x{after / max(before, 0.001):.0f}" for before, after in zip(seconds, seconds[1:]))
        rows.append([what, *(f"{each:.3f}" for each in seconds), growth])
    return report.table(head, rows)


def _bars(parts: dict[str, list[float]]) -> Iterator[report.Bar]:
    """What was asked of the largest set, whatever its shape."""

    def worst(*whats: str) -> float:
        return max(sum(parts[f"{shape}: {what}"][-1] for what in whats) for shape in shapes.SHAPES)

    yield report.Bar(f"{_COUNTS[-1]:,} rules parsed and planned", worst("parsed and planned"), 0.5)
    yield report.Bar(f"{_COUNTS[-1]:,} rules, module without a change", parts["module, no change: the clock"][-1], 1.5)
    yield report.Bar(
        f"{_COUNTS[-1]:,} rules, module without a change, its processor time alone",
        parts["module, no change: processor"][-1],
        1.5,
    )
    yield report.Bar(f"{_COUNTS[-1]:,} rules, full analysis", worst("all of lint", "one rule more"), 5)
    yield report.Bar(
        f"{_COUNTS[-1]:,} rules, full analysis beside unrelated rules", worst("all of lint", "other rules"), 5
    )


if __name__ == "__main__":
    main()
