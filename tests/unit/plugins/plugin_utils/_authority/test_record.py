# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The record of an authority."""

from __future__ import annotations

import dataclasses

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.record import Entry
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.record import Revocation
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.record import entries
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.record import issued_line
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.record import revoked_line

ENTRY = Entry(
    serial="a1",
    usage="client",
    owner="app",
    common_name="app",
    names=("a", "b"),
    generation=1,
    not_before=10,
    not_after=20,
    fingerprint="ff",
    time=15,
    place="/srv/app",
)
OTHER = dataclasses.replace(ENTRY, serial="b2", owner='Zoë\n\x00"', place="")
REVOKED = Revocation(time=16, reason="superseded")


def test_what_is_written_is_read() -> None:
    text = issued_line(ENTRY) + issued_line(OTHER) + revoked_line("a1", REVOKED)
    assert text.count("\n") == 3
    assert entries(text) == [dataclasses.replace(ENTRY, revoked=REVOKED), OTHER]


def test_the_first_revocation_counts() -> None:
    text = issued_line(ENTRY) + revoked_line("a1", REVOKED) + revoked_line("a1", Revocation(99, "unspecified"))
    assert entries(text)[0].revoked == REVOKED


def test_a_serial_number_means_the_certificate_that_had_it_first() -> None:
    again = dataclasses.replace(ENTRY, owner="mallory")
    assert entries(issued_line(ENTRY) + issued_line(again)) == [ENTRY]


def test_the_revocation_of_what_is_not_there() -> None:
    assert entries(revoked_line("a1", REVOKED) + issued_line(ENTRY)) == [ENTRY]


@given(st.text(max_size=60), st.integers(min_value=0, max_value=10_000))
def test_what_is_no_line_hides_no_other(noise: str, cut: int) -> None:
    line = issued_line(OTHER)
    torn = line[: cut % (len(line) - 1)]
    text = f"{issued_line(ENTRY)}{torn}\n{noise}\n" + revoked_line("a1", REVOKED)
    assert dataclasses.replace(ENTRY, revoked=REVOKED) in entries(text)
    assert OTHER not in entries(text)
    assert entries('[]\n1\n"x"\nnull\n{"event": "issued"}\n{"event": "revoked"}\n') == []
