"""Expressions yield what the library itself says that they do."""

from __future__ import annotations

import jmespath
import pytest

from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.controls import CONTROLS
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.derived import Circumstances
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.expressions import reads
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.expressions import search
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.unread import Known
from ansible_collections.rampart.postgresql.tests.unit.plugins.plugin_utils._controls.hardened import NOW
from ansible_collections.rampart.postgresql.tests.unit.plugins.plugin_utils._controls.hardened import hardened

# What the catalogue does not use, and a site may.
OTHERS = (
    "sort_by(roles, &name)[].name",
    "max_by(roles, &oid).name",
    "map(&name, roles)",
    "roles[?oid > `10` && !(superuser)] | [0]",
    "roles[1:3].[name, login]",
    "settings.*.context",
    "[roles[], roles[]][]",
    "roles[-1].{name: name, itself: @}",
    "'literal' || nothing",
    "settings.port.setting == '5432'",
)
KNOWN = {**Known(hardened(), Circumstances("strict", NOW, {})).values, "waivers": {"expired": [], "unused": []}}
EXPRESSIONS = sorted({text for control in CONTROLS for text in (control.expression, control.evidence) if text})


@pytest.mark.parametrize("expression", [*EXPRESSIONS, *OTHERS])
def test_it_is_what_the_library_says(expression: str) -> None:
    assert search(expression, KNOWN) == jmespath.search(expression, KNOWN)


def test_a_value_of_another_shape_is_told() -> None:
    with pytest.raises(ValueError, match="length"):
        search("length(major)", KNOWN)


def test_what_is_read_is_in_order_and_there_once() -> None:
    assert reads("{b: settings.ssl.setting, a: major, again: major}") == (("major",), ("settings", "ssl", "setting"))
