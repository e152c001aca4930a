# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a file would mean, once it is in force: what is unwise in it, and who gains or loses; private to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._hba import access
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.difference import difference
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.finding import Finding
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.lint import Context
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.lint import lint
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.records import Record
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.state import State
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Planned

__all__ = ["Policy", "as_data", "as_it_will_be", "compare", "review"]

_NAMED = 20  # findings in a message


@dataclasses.dataclass(frozen=True)
class Policy:
    """What the operator asks of any file."""

    fail_on: tuple[str, ...] = ()  # codes
    catch_all: bool = False


def as_it_will_be(state: State, offered: t.Mapping[str, t.Mapping[str, str]] | None) -> State:
    """The state with what this run is about to set: rules are judged for the server that they will be on."""
    told = [values["ssl"] for values in (offered or {}).values() if "ssl" in values]
    return dataclasses.replace(state, ssl=told[-1] == "on") if told else state


def review(state: State, text: str, records: t.Sequence[Record], policy: Policy, *, option: str) -> list[Finding]:
    """Everything that is unwise in a file. Raises RampartError for what the operator does not want in any."""
    context = Context(state.dialect, state.world, text=text, path=state.path, catch_all=policy.catch_all)
    found = lint(records, context)
    fatal = [finding for finding in found if finding.code in policy.fail_on]
    if fatal:
        more = f"; and {len(fatal) - _NAMED} more" if len(fatal) > _NAMED else ""
        raise RampartError(
            f"nothing was changed, because {option} does not allow what is in the rules: "
            + "; ".join(map(str, fatal[:_NAMED]))
            + more,
            lint=as_data(fatal),
        )
    return found


def as_data(findings: t.Iterable[Finding]) -> list[dict[str, t.Any]]:
    """The findings as return values."""
    return [finding._asdict() for finding in findings]


def compare(state: State, records: t.Sequence[Record]) -> Planned:
    """Who gains and who loses when these records take the place of those on disk."""
    now = state.records(state.text or "")
    regions = difference(now, records, dialect=state.dialect, world=state.world)
    outdated = state.proof.in_force is False or state.rejected or state.is_stale
    baseline = "compared with the file as it is, which is not what the server works with" if outdated else ""
    return Planned(consequences=(access.consequence(regions, baseline=baseline),), facts=access.facts(regions))
