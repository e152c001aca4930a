# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sets of hba rules of any size, as they are found and as they are hard, and a server that they are for."""

from __future__ import annotations

import random
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.world import World

__all__ = ["SHAPES", "WORLD", "lines"]

WORLD: t.Final = World(
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


def lines(shape: str, count: int, *, seed: int = 0) -> list[str]:
    """That many rules, the last of them one that rejects what is left."""
    random_ = random.Random(f"{shape} {count} {seed}")
    first = seed * count  # sets of different seeds have nothing in common
    made = [SHAPES[shape](random_, first + number) for number in range(count - 1)]
    return [*made, "host all all all reject"]
