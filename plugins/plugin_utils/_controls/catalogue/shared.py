# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What controls of several areas have in common; private to the collection."""

from __future__ import annotations

import typing as t

from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.acceptable import ACCEPTABLE
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.model import Applies
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.model import Control
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.model import Fix
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.model import Reference
from ansible_collections.rampart.postgresql.plugins.plugin_utils._profiles.catalogue import CATALOGUE

__all__ = ["LOOSE_PROFILE", "ONLY_STRICTER", "RULES", "not_trusted", "parameter"]

ONLY_STRICTER: t.Final = "profile != 'baseline'"
"""A condition: what the profile baseline leaves to the site."""
LOOSE_PROFILE: t.Final = "The profile baseline leaves it to the site."

RULES: t.Final = Fix(
    "pg_network",
    "pg_network_hba_rules",
    "[{type: hostssl, databases: [app], users: [app], address: 192.0.2.0/24, method: scram-sha-256}]"
    "  # every rule of the site, in order",
)
"""What the rules should be like; only the site knows which it needs."""

_PROFILED: t.Final = {entry.name: (role, entry) for role, entries in CATALOGUE.items() for entry in entries}


def parameter(
    number: str, name: str, severity: str, title: str, *references: tuple[Reference, ...], area: str
) -> Control:
    """The control of a parameter that profiles set; its values and its reason are those of the profile."""
    role, entry = _PROFILED[name]
    reading = f'parameters."{name}"'
    rule = ACCEPTABLE.get(name)
    also = f" Accepted: the value of the profile, {rule.says}." if rule else ""
    return Control(
        id=number,
        title=title,
        area=area,
        severity=severity,
        rationale=f"{entry.reason}{also}",
        expression=f"[{reading}][?!meets].{{name: name, setting: setting, wanted: wanted, source: source}}",
        evidence=f"{reading}.{{setting: setting, wanted: wanted, source: source}}",
        fix=Fix(role, f"{role}_profile", "{profile}"),
        references=tuple(reference for group in references for reference in group),
        applies=Applies(
            condition=reading, reason="The profile leaves this parameter alone, or this server does not have it."
        ),
        parameter=name,
    )


def not_trusted(what: str, rights: str) -> str:
    """An expression: files of a kind that somebody else has these rights to."""
    return f"files[?what == '{what}' && exists && ({rights})].{{path: path, owner: owner, group: group, mode: mode}}"
