"""Sets of rules as numbers, and which networks share no address."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.sets import AddressIndex
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.sets import addresses_of
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.sets import bits_of
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.survey import survey
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.dialects import DIALECTS
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.records import parse_text


@given(st.sets(st.integers(0, 3000)))
def test_positions(rules: set[int]) -> None:
    assert list(bits_of(sum(1 << rule for rule in rules))) == sorted(rules)


_V4 = st.builds(
    "10.{}.0.{} 255.{}.0.{}".format, st.integers(0, 3), st.integers(0, 3), *[st.sampled_from((0, 1, 254, 255))] * 2
)
_V6 = st.builds("2001::{} {}".format, st.integers(0, 3), st.sampled_from(("ffff::1", "::3", "ffff::", "::")))
_ANY = st.one_of(_V4, _V6, st.sampled_from(("all", "samehost", "db.example")))


@given(st.lists(_ANY, min_size=1, max_size=20))
def test_networks_that_share_no_address(addresses: list[str]) -> None:
    records = parse_text("".join(f"host all all {address} md5\n" for address in addresses), DIALECTS[17])
    meant = [addresses_of(record.address) for record in records]
    index = AddressIndex(meant)
    single = {rule for rule, each in enumerate(meant) if len(each.cubes) == 1}
    assert set(bits_of(index.networks)) == single
    for each in meant:
        for cube in each.cubes:
            assert set(bits_of(index.apart(cube))) == {rule for rule in single if not meant[rule].cubes[0].meets(cube)}


def test_many_masks_that_are_no_prefixes() -> None:
    """More of them than are looked at one by one."""
    masked = [f"host all all 10.{number}.0.1 255.255.0.255 reject" for number in range(60)]
    text = "\n".join(
        [*masked, "host all all 10.7.0.0/24 md5", "host all all 10.7.0.1/32 md5", "host all all 11.0.0.0/8 md5"]
    )
    found = survey(parse_text(text, DIALECTS[17]), dialect=DIALECTS[17])
    assert [(item.record.line, [by.line for by in item.by]) for item in found.contradicted] == [(61, [8])]
    assert [(item.record.line, [by.line for by in item.by]) for item in found.unreachable] == [(62, [8])]
