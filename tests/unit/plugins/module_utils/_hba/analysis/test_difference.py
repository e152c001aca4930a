"""Who gains and who loses: proved by trying every attempt."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.difference import difference
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.outcomes import outcome
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.ranges import Cube
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.regions import Region
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.world import OWN_NAME
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.world import ROLE_NAME
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.world import World
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.dialects import DIALECTS
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.matching import Attempt
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.matching import Unnamed
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.records import parse_text
from ansible_collections.rampart.postgresql.tests.unit.plugins.module_utils._hba.analysis.exhaustive import EXAMPLES
from ansible_collections.rampart.postgresql.tests.unit.plugins.module_utils._hba.analysis.exhaustive import WORLD
from ansible_collections.rampart.postgresql.tests.unit.plugins.module_utils._hba.analysis.exhaustive import attempts
from ansible_collections.rampart.postgresql.tests.unit.plugins.module_utils._hba.analysis.exhaustive import rule_sets


def described(old: str, new: str, world: World = WORLD) -> list[str]:
    dialect = DIALECTS[17]
    regions = difference(parse_text(old, dialect), parse_text(new, dialect), dialect=dialect, world=world)
    return [region.describe() for region in regions]


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        (
            "host all all 10.0.0.0/8 md5",
            "host all all 10.0.0.0/8 scram-sha-256",
            ["changes: host; database all; user all from 10.0.0.0/8: md5 -> scram-sha-256"],
        ),
        (
            "host all all 10.0.0.0/8 md5",
            "host all all 10.0.0.0/9 md5\nhost all all 10.128.0.0/9 md5\nhost all all all reject",
            [],
        ),
        (
            "host all all all md5",
            "hostssl all all all md5",
            ["loses: hostnossl; database all; user all from all: md5 -> no match"],
        ),
        (
            "host app ann 10.0.0.0/8 md5\nhost all all 10.0.0.0/16 reject",
            "host all all 10.0.0.0/16 reject\nhost app ann 10.0.0.0/8 md5",
            ["loses: host; database app; user ann from 10.0.0.0/16: md5 -> reject"],
        ),
        (
            "local all +people peer",
            "local all ann peer",
            [
                "loses: local; database all; user people, staff, (any other member of people): peer -> no match",
            ],
        ),
        (
            "local all all peer",
            "local sameuser all peer",
            [
                "loses: local; database all except (a database of the user's name); user all except ann, people:"
                " peer -> no match",
                "loses: local; database all except ann; user ann: peer -> no match",
                "loses: local; database all except people; user people: peer -> no match",
            ],
        ),
        (
            "local all,replication all peer",
            "local all,replication all scram-sha-256",
            ["changes: local; database all and replication; user all: peer -> scram-sha-256"],
        ),
        (
            "",
            "host all all db.example scram-sha-256",
            [
                "gains: host; database all; user all from all: no match ->"
                " scram-sha-256 if address matches db.example, else no match"
            ],
        ),
        (
            "host all all all md5",
            "host all all 10.0.0.5/32 reject\nhost all all all md5",
            ["loses: host; database all; user all from 10.0.0.5: md5 -> reject"],
        ),
        (
            "host all all 10.0.0.5/32 reject\nhost all all 0.0.0.0/0 md5",
            "",
            ["loses: host; database all; user all from 0.0.0.0-10.0.0.4, 10.0.0.6-255.255.255.255: md5 -> no match"],
        ),
        (
            "host all all 10.0.0.0 255.0.0.1 reject\nhost all all 10.0.0.0/8 md5",
            "",
            ["loses: host; database all; user all from 10.0.0.0/8 (not in 10.0.0.0 mask 255.0.0.1): md5 -> no match"],
        ),
        (
            "local all all ldap ldapserver=a ldapbasedn=x ldapbindpasswd=secret",
            "local all all ldap ldapserver=a ldapbasedn=x ldapbindpasswd=other",
            [
                "changes: local; database all; user all: ldap ldapbasedn=x ldapbindpasswd=******** ldapscope=2"
                " ldapserver=a -> ldap ldapbasedn=x ldapbindpasswd=******** ldapscope=2 ldapserver=a"
            ],
        ),
        (
            "local all ann md5 \nlocal all all pam pamservice=x",
            "local all all pam pamservice=y\nlocal all ann md5",
            [
                "changes: local; database all; user all except ann: pam pamservice=x -> pam pamservice=y",
                "changes: local; database all; user ann: md5 -> pam pamservice=y",
            ],
        ),
    ],
)
def test_regions(old: str, new: str, found: list[str]) -> None:
    assert described(old, new) == found


def test_names_that_nobody_has_given_may_match_a_regular_expression() -> None:
    assert described("", "local app /^a peer\n") == [
        "gains: local; database app; user ann: no match -> peer",
        "gains: local; database app; user (any other): no match -> peer if user matches /^a, else no match",
    ]


def test_names_that_read_like_words_are_quoted() -> None:
    assert described("", 'local "all","replication" "all" peer\n') == [
        'gains: local; database "all", "replication"; user "all": no match -> peer'
    ]


def test_as_data() -> None:
    dialect = DIALECTS[17]
    [region] = difference(
        parse_text("host all all all md5", dialect),
        parse_text("hostssl app ann all reject\nhost all all all md5", dialect),
        dialect=dialect,
    )
    assert region.as_dict() == {
        "effect": "loses",
        "types": ["hostssl"],
        "databases": ["app"],
        "users": ["ann"],
        "addresses": ["all"],
        "before": "md5",
        "after": "reject",
    }


def holds(region: Region, attempt: Attempt, transport: str) -> bool:
    """Whether a region speaks of an attempt."""
    if transport not in region.transports or not region.users.holds(attempt.user):
        return False
    database = attempt.database
    if isinstance(database, Unnamed) and not database.startswith("\0any other database"):
        database = OWN_NAME if database == attempt.user else ROLE_NAME
    if not (region.replication if attempt.replication else region.databases.holds(database)):
        return False
    if attempt.address is None:
        return True
    number = int.from_bytes(attempt.address, "big") | (1 << 128 if len(attempt.address) == 16 else 0)
    client = Cube(number, (1 << 129) - 1)
    return any(
        piece.span.first <= number <= piece.span.last
        and all(client.meets(cube) for cube in piece.within)
        and not any(client.meets(cube) for cube in piece.outside)
        for piece in region.area
    )


def edited(lines: list[str], data: t.Any) -> list[str]:
    """Lines taken out, put in, moved."""
    result = list(lines)
    for line in data.draw(rule_sets(most=2)):
        result.insert(data.draw(st.integers(0, len(result))), line)
    for _turn in range(data.draw(st.integers(0, 2))):
        line = result.pop(data.draw(st.integers(0, len(result) - 1)))
        if data.draw(st.booleans()) or not result:
            result.insert(data.draw(st.integers(0, len(result))), line)
    return result


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    lines=rule_sets(most=5),
    data=st.data(),
    major=st.sampled_from((15, 17)),
    world=st.sampled_from((WORLD, World(), World(tls=False))),
    work=st.sampled_from((1_000_000, 1_000_000, 100, 30, 0)),
)
def test_trying_every_attempt_finds_the_same(
    lines: list[str], data: t.Any, major: int, world: World, work: int
) -> None:
    dialect = DIALECTS[major]
    old, new = parse_text("".join(lines), dialect), parse_text("".join(edited(lines, data)), dialect)
    regions = difference(old, new, dialect=dialect, world=world, work=work)
    unknown = [region for region in regions if region.effect == "unknown"]
    assert list(regions[len(regions) - len(unknown) :]) == unknown and (work < 1_000_000 or not unknown)
    regions = regions[: len(regions) - len(unknown)]
    used = set()
    for attempt in attempts([*old, *new], dialect, world):
        before, after = outcome(old, attempt, dialect), outcome(new, attempt, dialect)
        transport = "local" if attempt.address is None else "tls" if attempt.tls else "gss" if attempt.gss else "plain"
        found = [region for region in regions if holds(region, attempt, transport)]
        used |= {id(region) for region in found}
        if before.same_as(after) or any(holds(region, attempt, transport) for region in unknown):
            assert not found, attempt
        else:
            [region] = found
            assert (region.before, region.after) == (str(before), str(after))
    assert used == {id(region) for region in regions}


def test_what_is_not_compared_is_said() -> None:
    dialect = DIALECTS[17]
    old = parse_text("host all ann,bob 10.0.0.0/8 md5\nlocal all all peer", dialect)
    new = parse_text("hostssl app ann 10.0.0.0/8 md5\nlocal app bob peer", dialect)
    said = [
        [region.describe() for region in difference(old, new, dialect=dialect, world=WORLD, work=work)]
        for work in (0, 100, 1_000_000)
    ]
    assert said[0] == [
        "not compared, because too much differs: local, host; database all and replication; user all from all"
    ]
    assert not any("not compared" in line for line in said[1][:3]) and said[1][3:] == [
        "not compared, because too much differs: local, host; database app; user ann from all",
        "not compared, because too much differs: local, host; database all; user bob from all",
    ]
    assert not any("not compared" in line for line in said[2])


def test_thousands_of_rules_that_have_nothing_in_common_are_compared_in_bounded_work() -> None:
    dialect = DIALECTS[17]

    def rules(factor: int) -> str:
        return "\n".join(
            f"host {'all' if number % 3 else f'd{number % 7}'} u{number * factor % 97} 10.{number * factor % 251}.0.0/16"
            f" {'reject' if number % 2 else 'md5'}"
            for number in range(3000)
        )

    regions = difference(parse_text(rules(5), dialect), parse_text(rules(11), dialect), dialect=dialect, work=2_000)
    assert 2 < len(regions) < 2_000 and regions[-1].effect == "unknown"
    again = difference(parse_text(rules(5), dialect), parse_text(rules(11), dialect), dialect=dialect, work=2_000)
    assert regions == again


def test_one_who_takes_long_leaves_enough_for_the_others() -> None:
    """Whoever has a name that nobody has given may match each of the patterns; that says nothing of ann and bob."""
    dialect = DIALECTS[17]
    patterns = "".join(f"host all /^x{number} 10.0.{number}.0/24 md5\n" for number in range(200))
    known = "host all ann,bob 10.0.0.0/8 {}\n"
    old, new = (parse_text(patterns + known.format(method), dialect) for method in ("md5", "scram-sha-256"))
    everybody = parse_text("host all all 10.0.0.0/8 trust\n", dialect)
    regions = difference([*old, *everybody], new, dialect=dialect, world=WORLD, work=4_000)
    assert [str(region.users) for region in regions if region.effect == "unknown"] == ["(any other)"]
    assert [str(region.users) for region in regions if region.before == "md5"] == ["ann, bob"]


def test_long_conditions_are_cut() -> None:
    rules = "".join(f"local all /^x{number} {'md5' if number % 2 else 'peer'}\n" for number in range(20))
    [region] = [line for line in described("", rules) if "any other" in line]
    assert region.count(" if ") == 8 and ", else what 12 more rules say, else no match" in region
