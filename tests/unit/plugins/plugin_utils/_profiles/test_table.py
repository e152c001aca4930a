# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documentation shows the profiles as they are."""

from __future__ import annotations

import pathlib

import pytest

from ansible_collections.rampart.postgresql.plugins.plugin_utils._profiles.catalogue import CATALOGUE
from ansible_collections.rampart.postgresql.plugins.plugin_utils._profiles.model import PROFILES
from ansible_collections.rampart.postgresql.plugins.plugin_utils._profiles.model import ProfileParameter
from ansible_collections.rampart.postgresql.plugins.plugin_utils._profiles.table import page

ROOT = pathlib.Path(__file__).resolve().parents[5]


def test_the_page_is_current() -> None:
    written = (ROOT / "docs" / "docsite" / "rst" / "profiles.rst").read_text(encoding="utf-8")
    assert written == page(), "run scripts/in-venv scripts/profiles.py"


def test_the_page_names_everything() -> None:
    text = page()
    for role, entries in CATALOGUE.items():
        assert f"\n{role}\n---" in text
        for entry in entries:
            assert f"``{entry.name}``" in text


@pytest.mark.parametrize("entry", [entry for entries in CATALOGUE.values() for entry in entries], ids=lambda e: e.name)
def test_an_entry_tells_everything(entry: ProfileParameter) -> None:
    text = page()
    start = text.index(f"\n``{entry.name}``\n")
    shown = text[start : text.index("\n\n``", start) if "\n\n``" in text[start:] else None]
    assert [line for line in (f"  {entry.reason}", f"  :cost: {entry.cost}") if line not in shown] == []
    for profile in PROFILES:
        value = entry.value(profile)
        values = [value] if value is None or isinstance(value, str) else list(value.values())
        [line] = [line for line in shown.splitlines() if line.startswith(f"  :{profile}: ")]
        assert all("–" in line if each is None else f"``{each.strip()}``" in line for each in values)
    assert f"  :benchmark: {entry.reference or '*unmapped*'}" in shown
    assert ("not written where the server does not have it" in shown) is entry.optional


def test_a_value_of_versions_tells_which() -> None:
    assert "  :cis: ``TLSv1.2`` from PostgreSQL 13 on, ``TLSv1.3`` from PostgreSQL 17 on\n" in page()
