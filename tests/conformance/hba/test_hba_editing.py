"""Files that were edited time and again: the server reads the rules that were asked for, and no others."""

from __future__ import annotations

import collections
import dataclasses
import os
import random
import typing as t

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._hba.dialects import dialect_of
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.document import whole_file
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.meaning import RuleReading
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.render import render_rules
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.rules import Rule
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.rules import Written
from ansible_collections.rampart.postgresql.tests.conformance.counts import tell
from ansible_collections.rampart.postgresql.tests.conformance.hba.generator import generate
from ansible_collections.rampart.postgresql.tests.conformance.hba.judge import Judge

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from ansible_collections.rampart.postgresql.tests.conformance.servers import Workshop

_EDITS = int(os.environ.get("RAMPART_GENERATED", "500")) // 10
_SEED = os.environ.get("RAMPART_SEED", "1")

_POOL = [
    Rule(kind, databases, users, method, address, netmask, options)
    for kind in ("local", "host", "hostnossl")
    for databases, users in ((("all",), ("all",)), (("shop", '"all"'), ("+app", "my user")))
    for address, netmask in (
        ((None, None),) if kind == "local" else (("10.0.0.0/8", None), ("10.0.0.0", "255.0.255.0"), (".x.org", None))
    )
    for method, options in (("trust", ()), ("reject", ()), ("peer" if kind == "local" else "ident", (("map", "a b"),)))
]
_BETWEEN = ("", "# note\n", "\n", "# alone\n\n", "#\n# two\n", " \t\n")


@pytest.fixture(scope="module")
def judge(workshop: Workshop, major: int) -> Iterator[Judge]:
    server = workshop.server(major)
    judge = Judge(server)
    yield judge
    judge.close()
    workshop.discard(server)


def _rows(judge: Judge, text: str) -> list[dict[str, t.Any]]:
    judge.put(text)
    return [{**row, "line_number": None} for row in judge.rows()]


def _wanted(chance: random.Random, major: int) -> list[Written]:
    rules = [
        dataclasses.replace(rule, comment=chance.choice((None, None, "", "why", "one\ntwo")))
        for rule in chance.choices(_POOL, k=chance.randrange(1, 9))
    ]
    return render_rules(rules, dialect_of(major))


def _changed(chance: random.Random, wanted: list[Written], major: int) -> list[Written]:
    """Some go, some move, some come."""
    kept = [written for written in wanted if chance.random() < 0.8]
    if chance.random() < 0.3:
        chance.shuffle(kept)
    for written in _wanted(chance, major)[:3]:
        kept.insert(chance.randrange(len(kept) + 1), written)
    return kept


def test_the_server_reads_what_was_asked_for(judge: Judge) -> None:
    major = judge.server.major
    reading = RuleReading(dialect_of(major))
    counts: collections.Counter[str] = collections.Counter()
    for number, (others, _constructs) in enumerate(generate(f"{_SEED}-{major}", _EDITS, reading.dialect)):
        chance = random.Random(f"{_SEED}-{major}-{number}")
        wanted = _wanted(chance, major)
        own = [f"{chance.choice(_BETWEEN)}{written.text}" for written in chance.sample(wanted, k=len(wanted) // 2)]
        text = chance.choice(_BETWEEN) + "".join(own) + others
        for _edit in range(4):
            before, text = text, whole_file(text, wanted, reading)
            assert _rows(judge, text) == _rows(judge, whole_file("", wanted, reading)), (before, wanted)
            assert whole_file(text, wanted, reading) == text, (before, wanted)
            counts["edits"] += text != before
            counts["lines kept"] += len(set(before.split("\n")) & set(text.split("\n")))
            wanted = _changed(chance, wanted, major)
    assert judge.loads()
    tell("editing", f"PostgreSQL {major}, seed {_SEED}: {counts['edits']} edits, 0 disagreements", counts)
    assert counts["edits"] >= 2 * _EDITS and counts["lines kept"] > counts["edits"]
