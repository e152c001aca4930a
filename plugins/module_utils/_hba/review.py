# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a file would mean, once it is in force: what is unwise in it, and who gains or loses; private to the collection."""

from __future__ import annotations

import dataclasses
import functools
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._hba import access
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.finding import Finding
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.lint import Context
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.lint import lint
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.lint import summary
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.records import Record
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.state import State
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Planned

__all__ = ["Policy", "Review", "as_it_will_be", "compare", "review"]

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


@dataclasses.dataclass(frozen=True)
class Review:
    """What is unwise in a file."""

    records: tuple[Record, ...]
    context: Context

    @functools.cached_property
    def remarks(self) -> list[Finding]:
        """All of it; of thousands of rules that takes a while."""
        return lint(self.records, self.context)

    def findings(self) -> list[str]:
        """The same in few words."""
        return summary(self.remarks)

    def standing(self) -> dict[str, t.Any]:
        """The same as return values."""
        return {"lint": _as_data(self.remarks)}


def review(state: State, text: str, records: t.Sequence[Record], policy: Policy, *, option: str) -> Review:
    """What is unwise in a file. Raises RampartError for what the operator does not want in any."""
    context = Context(state.dialect, state.world, text=text, path=state.path, catch_all=policy.catch_all)
    found = Review(tuple(records), context)
    if policy.fail_on:
        _refuse([finding for finding in found.remarks if finding.code in policy.fail_on], option)
    return found


def _refuse(fatal: list[Finding], option: str) -> None:
    if fatal:
        more = f"; and {len(fatal) - _NAMED} more" if len(fatal) > _NAMED else ""
        raise RampartError(
            f"nothing was changed, because {option} does not allow what is in the rules: "
            + "; ".join(map(str, fatal[:_NAMED]))
            + more,
            lint=_as_data(fatal),
        )


def _as_data(findings: t.Iterable[Finding]) -> list[dict[str, t.Any]]:
    return [finding._asdict() for finding in findings]


def compare(state: State, records: t.Sequence[Record]) -> Planned:
    """Who gains and who loses when these records take the place of those on disk."""
    # Only here: rules that stay as they are have nothing to be compared with.
    from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.difference import difference

    now = state.records(state.text or "")
    regions = difference(now, records, dialect=state.dialect, world=state.world)
    outdated = state.proof.in_force is False or state.rejected or state.is_stale
    baseline = "compared with the file as it is, which is not what the server works with" if outdated else ""
    return Planned(consequences=(access.consequence(regions, baseline=baseline),), facts=access.facts(regions))
