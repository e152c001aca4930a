# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter: what it takes, and how it says no."""

from __future__ import annotations

import typing as t

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.rampart.postgresql.plugins.filter.report import FilterModule
from ansible_collections.rampart.postgresql.plugins.filter.report import report
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.rendering import FORMATS
from ansible_collections.rampart.postgresql.tests.assessments import NOW
from ansible_collections.rampart.postgresql.tests.assessments import assessment
from ansible_collections.rampart.postgresql.tests.assessments import finding


class Lazy(dict[str, t.Any]):
    """As Ansible's containers: the template is stored, and what it becomes is seen."""

    def __getitem__(self, key: t.Any) -> t.Any:
        value = super().__getitem__(key)
        return "seen" if key == "host" else value


def test_its_name() -> None:
    assert FilterModule().filters() == {"report": report}


@pytest.mark.parametrize("name", FORMATS)
def test_every_format(name: str) -> None:
    text = report(assessment(finding(status="fail")), name, now=NOW, title="Our fleet", before=assessment(finding()))
    assert "db1" in text
    assert text.endswith("\n")


@pytest.mark.parametrize("name", ["pdf", "", None, "../as_json", ["json"]])
def test_another_format_is_refused(name: t.Any) -> None:
    with pytest.raises(AnsibleFilterError, match=r"report: format: .* one of json, sarif"):
        report(assessment(), name)


def test_values_are_those_that_a_template_would_see() -> None:
    assert 'host="seen"' in report(Lazy(assessment(host="{{ stored }}")), "prometheus")


def test_without_a_time_the_clock_is_asked() -> None:
    assert '"made_epoch": 0' not in report(assessment(), "json")
