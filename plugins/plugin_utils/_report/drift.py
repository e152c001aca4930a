# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a hardening would change, as the filter drift tells it, read into typed values; private to the collection."""

from __future__ import annotations

import dataclasses

from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.model import SEVERITIES
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.reading import Entry

__all__ = ["Drift", "DriftRow"]

_SCHEMA = 1


@dataclasses.dataclass(frozen=True, slots=True)
class DriftRow:
    """One thing that is not as the inventory wants it."""

    host: str
    cluster: str
    component: str
    severity: str
    subject: str
    description: str
    statement: str
    before: str
    after: str

    @classmethod
    def read(cls, entry: Entry) -> DriftRow:
        """One of a document."""
        texts = {field.name: entry.text(field.name) for field in dataclasses.fields(cls) if field.name != "severity"}
        return cls(severity=entry.choice("severity", SEVERITIES), **texts)


@dataclasses.dataclass(frozen=True, slots=True)
class Drift:
    """That of a fleet."""

    generated_epoch: int | None
    hosts: tuple[str, ...]
    rows: tuple[DriftRow, ...]

    @classmethod
    def read(cls, entry: Entry) -> Drift:
        """A document of the filter drift."""
        entry.choice("schema", (_SCHEMA,))
        hosts = tuple(str(host) for host in entry.sequence("hosts"))
        return cls(entry.moment("generated_epoch"), hosts, tuple(DriftRow.read(one) for one in entry.parts("rows")))
