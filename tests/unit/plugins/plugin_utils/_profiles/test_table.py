# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documentation shows the profiles as they are."""

from __future__ import annotations

import pathlib

from ansible_collections.rampart.postgresql.plugins.plugin_utils._profiles.catalogue import CATALOGUE
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
