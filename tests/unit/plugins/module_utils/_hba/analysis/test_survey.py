"""Rules that do nothing are found, and only those: proved by trying every attempt."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.survey import survey
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.world import World
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.dialects import DIALECTS
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.records import parse_text
from ansible_collections.rampart.postgresql.tests.unit.plugins.module_utils._hba.analysis.exhaustive import EXAMPLES
from ansible_collections.rampart.postgresql.tests.unit.plugins.module_utils._hba.analysis.exhaustive import WORLD
from ansible_collections.rampart.postgresql.tests.unit.plugins.module_utils._hba.analysis.exhaustive import Answer
from ansible_collections.rampart.postgresql.tests.unit.plugins.module_utils._hba.analysis.exhaustive import attempts
from ansible_collections.rampart.postgresql.tests.unit.plugins.module_utils._hba.analysis.exhaustive import rule_sets


def look(text: str, world: World = WORLD) -> dict[str, list[object]]:
    found = survey(parse_text(text, DIALECTS[17]), dialect=DIALECTS[17], world=world)
    return {
        "unreachable": [(item.record.line, [by.line for by in item.by]) for item in found.unreachable],
        "contradicted": [(item.record.line, [by.line for by in item.by]) for item in found.contradicted],
        "duplicates": [(item.record.line, item.first.line, item.same_outcome) for item in found.duplicates],
        "idle": [record.line for record in found.idle],
    }


@pytest.mark.parametrize(
    ("lines", "unreachable"),
    [
        (["host all all 10.0.0.0/8 md5", "host app ann 10.1.0.0/16 md5"], [(2, [1])]),
        (["host app ann 10.1.0.0/16 md5", "host all all 10.0.0.0/8 md5"], []),
        (
            ["host all all 10.0.0.0/9 md5", "host all all 10.128.0.0/9 md5", "host app all 10.0.0.0/8 md5"],
            [(3, [1, 2])],
        ),
        (["hostssl all all all md5", "hostnossl all all all md5", "host all all ::/0 md5"], [(3, [1, 2])]),
        (["hostssl all all all md5", "hostgssenc all all all md5", "host all all ::/0 md5"], []),
        (["host all ann all md5", "host all bob all md5", "host app ann,bob all md5"], [(3, [1, 2])]),
        (["host app all all md5", "host all ann all md5", "host app,x ann,bob all md5"], []),
        (["host all +people all md5", "host all ann all md5"], [(2, [1])]),
        (["host all ann all md5", "host all +staff all md5"], []),
        (["local sameuser all peer", "local ann ann peer", "local app ann peer"], [(2, [1])]),
        (["local samerole all peer", "local sameuser all peer"], [(2, [1])]),
        (["local sameuser all peer", "local samerole all peer"], []),
        (["local all all peer", "local replication all peer", "local all,replication all md5"], [(3, [1, 2])]),
        (["local all all peer", "local all,replication all md5"], []),
        (["host all all samehost md5", "host all all 127.0.0.1/32 md5"], [(2, [1])]),
        (["host all all db.example md5", "host app all DB.example md5"], [(2, [1])]),
        (
            ["host all all .example md5", "host all all db.example md5", "host all all .a.example md5"],
            [(2, [1]), (3, [1])],
        ),
        (["host all all db.example md5", "host all all .example md5", "host all all x.db.example md5"], [(3, [2])]),
        (["host all all samehost md5", "host all all samenet md5"], []),
        (["host all all samenet md5", "host all all samehost md5"], [(2, [1])]),
        (['host all all "samenet" md5', "host all all samehost md5"], []),
        (["host all /^x all md5", "host app /^x 10.0.0.0/8 md5"], [(2, [1])]),
        (["host all /^x all md5", "host all /^xy all md5"], []),
        (["host all /^x,/^y all md5", "host all /^x all md5"], [(2, [1])]),
        (["host all /^x all md5", "host all /^x,/^y all md5"], []),
        (["host all /^x all md5", "host all /^y all md5", "host all /^x,/^y all md5"], [(3, [1, 2])]),
        (["host all /^x all md5", "host all /^x,bob all md5"], []),
        (["host /^x,sameuser all all md5", "host /^x all all md5"], [(2, [1])]),
        (["host sameuser all all md5", "host /^x all all md5"], []),
        (["host /^x all all md5", "host /^x,replication all all md5"], []),
        (["host all /^(eve|ann)$ all md5", "host all eve all md5", "host all ann,eve all md5"], [(2, [1]), (3, [1])]),
        (
            ["host all ann,eve all md5", "host all /^(?:eve|ann)$ all md5", "host all /^eve$ all md5"],
            [(2, [1]), (3, [1])],
        ),
        (["host all ann,eve all md5", "host all /^(eve|ann) all md5"], []),
        (["host all all all md5", "host all all db.example md5"], [(2, [1])]),
        (["host all all 0.0.0.0/0 md5", "host all all ::ffff:10.0.0.1/128 md5"], []),
        (
            [
                "host all all 10.0.0.0 255.0.0.1 md5",
                "host all all 10.0.0.1 255.0.0.1 md5",
                "host all all 10.0.0.0/8 md5",
            ],
            [(3, [1, 2])],
        ),
        (["host all all 10.0.0.0 255.0.0.1 md5", "host all all 10.0.0.0/31 md5"], []),
        ([f"host all {'n' * 63} all md5", f"host all {'n' * 63} all md5"], [(2, [1])]),
    ],
)
def test_what_earlier_rules_leave_nothing_to(lines: list[str], unreachable: list[object]) -> None:
    assert look("\n".join(lines))["unreachable"] == unreachable


def test_opposite_effects_duplicates_and_idle_rules() -> None:
    found = look(
        "host all all 10.0.0.0/8 reject\nhost app all all md5\nhost app all all md5\nhost app all all trust\n"
        f"host all {'n' * 64} all md5\nhost all all db.EXAMPLE md5\nhost all all DB.example md5\n"
    )
    assert found["contradicted"] == [(2, [1]), (6, [1])]
    assert found["duplicates"] == [(3, 2, True), (4, 2, False), (7, 6, True)]
    assert found["unreachable"] == [(3, [2]), (4, [2]), (7, [6])]
    assert found["idle"] == [5]


def test_without_tls_its_rules_match_nobody() -> None:
    world = World(tls=False, gss=False)
    assert look("hostssl all all all md5\nhostgssenc all all all md5\n", world)["idle"] == [1, 2]
    assert look("hostnossl all all all md5\nhost all all all md5\n", world)["unreachable"] == [(2, [1])]


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    lines=rule_sets(most=7), major=st.sampled_from((15, 17)), world=st.sampled_from((WORLD, World(), World(tls=False)))
)
def test_trying_every_attempt_finds_the_same(lines: list[str], major: int, world: World) -> None:
    dialect = DIALECTS[major]
    records = parse_text("".join(lines), dialect)
    reached: set[int] = set()
    met: set[int] = set()
    pairs: dict[int, set[int]] = {record.line: set() for record in records}
    takers: dict[int, list[set[int]]] = {record.line: [] for record in records}
    for attempt in attempts(records, dialect, world):
        answers = {record.line: Answer(record, attempt, dialect) for record in records if record.accepted}
        for line, answer in answers.items():
            for facts in answer.ways():
                certain = {other for other, theirs in answers.items() if theirs.follows(facts)}
                met.add(line)
                pairs[line] |= {other for other in certain if other < line}
                takers[line].append(certain)
                if min(certain) == line:
                    reached.add(line)
    found = survey(records, dialect=dialect, world=world)
    accepted = {record.line: record for record in records if record.accepted}
    assert {item.record.line for item in found.unreachable} == met - reached
    assert {record.line for record in found.idle} == set(accepted) - met
    for item in found.unreachable:
        by = {record.line for record in item.by}
        assert max(by) < item.record.line and all(by & certain for certain in takers[item.record.line])
    for line, record in accepted.items():
        against = {
            other
            for other in pairs[line] & reached
            if (accepted[other].method == "reject") != (record.method == "reject")
        }
        listed = [{by.line for by in item.by} for item in found.contradicted if item.record.line == line]
        assert listed == ([against] if line in reached and against else [])
