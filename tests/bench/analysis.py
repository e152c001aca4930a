# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long the analysis of hba rules takes, by their number: `python -m …tests.bench.analysis` prints a table."""

from __future__ import annotations

import random
import time
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.difference import difference
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.survey import survey
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.world import World
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.dialects import DIALECTS
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.records import parse_text

__all__ = ["SHAPES", "measure"]

_COUNTS: t.Final = (100, 1_000, 10_000)
_WORLD: t.Final = World(
    roles={
        **{f"u{number}": {f"g{number % 20}"} for number in range(500)},
        **{f"g{number}": () for number in range(20)},
    },
    databases=frozenset(f"d{number}" for number in range(200)),
)


def _own(random_: random.Random, number: int) -> str:
    """Every application has its database, its user and its host."""
    address = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}/32"
    return f"hostssl app{number} app{number} {address} scram-sha-256"


def _networks(random_: random.Random, number: int) -> str:
    """Everybody, from networks in networks."""
    address = ".".join(str(random_.randrange(256)) for _part in range(3))
    return f"host all all 10.{address}/{random_.choice((20, 24, 28, 32, 32))} {_method(random_)}"


def _mixed(random_: random.Random, number: int) -> str:
    """Groups, lists, sameuser and regular expressions among few names."""
    databases = random_.choice(
        ("all", "sameuser", "samerole", f"/^d{number % 50}", *[f"d{random_.randrange(200)}"] * 9)
    )
    users = random_.choice(
        ("all", f"+g{number % 20}", f"u{random_.randrange(500)},u{number % 500}", *[f"u{number % 500}"] * 9)
    )
    address = ".".join(str(random_.randrange(256)) for _part in range(3))
    kind = random_.choice(("host", "hostssl", "hostnossl"))
    return f"{kind} {databases} {users} 10.{address}/{random_.choice((20, 24, 28, 32, 32))} {_method(random_)}"


def _method(random_: random.Random) -> str:
    return random_.choice(("reject", "scram-sha-256", "scram-sha-256"))


SHAPES: t.Final[dict[str, t.Callable[[random.Random, int], str]]] = {
    "own": _own,
    "networks": _networks,
    "mixed": _mixed,
}


def measure(shape: str, count: int) -> tuple[float, float]:
    """Seconds of processor time: the survey of all rules, and the difference that one more rule makes."""
    random_ = random.Random(count)
    lines = [SHAPES[shape](random_, number) for number in range(count)] + ["host all all all reject"]
    old = parse_text("\n".join(lines), DIALECTS[17])
    lines.insert(count // 2, "host d1,d2 +g1 10.0.0.0/8 reject")
    new = parse_text("\n".join(lines), DIALECTS[17])
    start = time.process_time()
    survey(old, dialect=DIALECTS[17], world=_WORLD)
    middle = time.process_time()
    difference(old, new, dialect=DIALECTS[17], world=_WORLD)
    return middle - start, time.process_time() - middle


if __name__ == "__main__":
    print(f"{'shape':10}{'rules':>8}{'survey':>10}{'difference':>12}")
    for shape in SHAPES:
        for count in _COUNTS:
            surveyed, compared = measure(shape, count)
            print(f"{shape:10}{count:8}{surveyed:9.2f}s{compared:11.2f}s", flush=True)
