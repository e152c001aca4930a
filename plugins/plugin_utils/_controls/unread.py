# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is not known of a cluster, so that nothing passes because nobody could look; pure, private to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.derived import DERIVED
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.derived import Circumstances
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.expressions import reads
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.parameters import OF_SESSIONS

__all__ = ["Gaps", "Known"]

Values = t.Mapping[str, t.Any]
Path = tuple[str, ...]

_MAY_BE_NULL: t.Final = ("replication.receiver", "replication.conninfo", "host.unit")
_OF_DATABASES: t.Final = frozenset(
    {
        "catalogue_privileges",
        "default_privileges",
        "definer_functions",
        "event_triggers",
        "languages",
        "public_privileges",
        "row_security",
        "schemas",
        "table_privileges",
        "user_mappings",
    }
)
_ALL_OF_THEM: t.Final = "privileges"  # how ``unreadable`` names the sections above together
_SETTINGS: t.Final = "settings"
_PARAMETERS: t.Final = "parameters"


@dataclasses.dataclass(frozen=True)
class Gaps:
    """Why nothing is known, or not everything; empty otherwise."""

    whole: str = ""
    part: str = ""


_NO_GAP: t.Final = Gaps()


class Known:
    """The facts of one cluster with what is worked out of them, and what of all that is missing."""

    def __init__(self, facts: Values, by: Circumstances) -> None:
        self.values: dict[str, t.Any] = {**facts, "profile": by.profile, "now": by.now}
        self._facts = facts
        self._unreadable: dict[str, str] = {str(key): str(why) for key, why in (facts.get("unreadable") or {}).items()}
        self._gaps: dict[Path, Gaps] = {}
        self._failed: dict[str, str] = {}
        for name in DERIVED:
            self._derive(name, by)

    def gaps(self, expressions: t.Iterable[str], needs: t.Iterable[str] = ()) -> Gaps:
        """What is missing of what these expressions read and need."""
        found = [self._gap(path) for expression in expressions if expression for path in reads(expression)]
        found = [gap for gap in found if gap is not _NO_GAP]
        found += [Gaps(part=f"{name}: {self._unreadable[name]}") for name in needs if name in self._unreadable]
        if not found:
            return _NO_GAP
        return Gaps(
            whole="; ".join(dict.fromkeys(gap.whole for gap in found if gap.whole)),
            part="; ".join(dict.fromkeys(gap.part for gap in found if gap.part)),
        )

    def _derive(self, name: str, by: Circumstances) -> None:
        derived = DERIVED[name]
        self.values[name] = None
        if any(self._gap(tuple(source.split("."))).whole for source in derived.sources):
            return
        try:
            self.values[name] = derived.make(self._facts, by)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            self._failed[name] = f"{', '.join(derived.sources)} cannot be understood ({type(error).__name__}: {error})"

    def _gap(self, path: Path) -> Gaps:
        if path not in self._gaps:
            self._gaps[path] = self._gap_of_derived(path) if path[0] in DERIVED else self._gap_of_fact(path)
        return self._gaps[path]

    def _gap_of_derived(self, path: Path) -> Gaps:
        if path[0] in self._failed:
            return Gaps(whole=self._failed[path[0]])
        gaps = [self._gap(tuple(source.split("."))) for source in DERIVED[path[0]].sources]
        if path[0] == _PARAMETERS and path[-1] in (self.values[_PARAMETERS] or {}):
            return self._hidden(self.values[_PARAMETERS][path[-1]]["name"])
        return Gaps(
            whole="; ".join(gap.whole for gap in gaps if gap.whole),
            part="; ".join(gap.part for gap in gaps if gap.part),
        )

    def _gap_of_fact(self, path: Path) -> Gaps:
        if path[0] == _SETTINGS and len(path) > 1 and self._facts.get(_SETTINGS) is not None:
            return self._hidden(path[1])
        said = self._said_about(path)
        value: t.Any = self.values
        for depth, name in enumerate(path, 1):
            value = value.get(name) if isinstance(value, dict) else None
            if value is None:
                if ".".join(path[:depth]) in _MAY_BE_NULL:
                    break
                return Gaps(whole=said or f"the facts have no {'.'.join(path[:depth])}")
        return Gaps(part=said) if said else _NO_GAP

    def _hidden(self, name: str) -> Gaps:
        """Parameters that only superusers and members of pg_read_all_settings see are not there for others."""
        row = self._facts[_SETTINGS].get(name)
        if row is not None and row.get("source") in OF_SESSIONS:
            return Gaps(whole=f"{name} has the value of the session that looked, which hides that of the server")
        if row is not None or "." in name or _SETTINGS not in self._unreadable:
            return _NO_GAP
        return Gaps(whole=f"the login may not see {name}")

    def _said_about(self, path: Path) -> str:
        said = [f"{key}: {why}" for key, why in self._unreadable.items() if self._is_about(key, path)]
        return "; ".join(said)

    @staticmethod
    def _is_about(key: str, path: Path) -> bool:
        section = key.partition(" in ")[0]
        named = tuple(section.split("."))
        if section == _ALL_OF_THEM:
            return path[0] in _OF_DATABASES
        length = min(len(named), len(path))
        return named[:length] == path[:length]
