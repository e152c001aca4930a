# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Steps become a short account."""

from __future__ import annotations

import pytest

errors = pytest.importorskip("ansible.errors")

from ansible_collections.rampart.postgresql.plugins.filter.steps_by_component import steps_by_component  # noqa: E402


def test_steps_keep_their_order() -> None:
    steps = [
        {"component": "settings", "subject": "a.conf", "description": "write", "before": "x"},
        {"component": "hba", "subject": "pg_hba.conf", "description": "add a rule"},
        {"component": "settings", "subject": "b.conf", "description": "remove"},
    ]
    assert steps_by_component(steps) == {
        "settings": ["a.conf: write", "b.conf: remove"],
        "hba": ["pg_hba.conf: add a rule"],
    }


def test_nothing_changed() -> None:
    assert steps_by_component([]) == {}


@pytest.mark.parametrize("steps", [[{"subject": "x"}], 3, ["text"]])
def test_anything_else_is_an_error(steps: object) -> None:
    with pytest.raises(errors.AnsibleFilterError, match="not a list of steps"):
        steps_by_component(steps)  # type: ignore[arg-type]
