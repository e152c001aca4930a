# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an authority is to be, and what of it there is; private to the collection."""

from __future__ import annotations

import dataclasses
import os
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.certificate import moment
from ansible_collections.rampart.postgresql.plugins.plugin_utils import _files as files
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority import lists as _lists
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority import record
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.generation import Generation
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.generation import Recipe
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.generation import opened
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.layout import Places
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.layout import Policy
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.lists import RevocationList

__all__ = ["Desired", "Situation", "ToRevoke", "check_clock", "observe"]

_TOLERANCE = 86400  # seconds


@dataclasses.dataclass(frozen=True)
class ToRevoke:
    """Certificates that are not to be accepted any more: of one serial number, one host, or one role.

    ``before`` is a time: what was issued from then on stays good. ``option`` says where the operator wrote it.
    """

    option: str
    serial: str = ""
    host: str = ""
    role: str = ""
    reason: str = "unspecified"
    before: int | None = None

    def means(self, entry: record.Entry) -> bool:
        """Whether this certificate is one of them."""
        if self.serial:
            return entry.serial == self.serial
        if self.before is not None and entry.time >= self.before:
            return False
        usage, owner = ("server", self.host) if self.host else ("client", self.role)
        return entry.usage == usage and entry.owner == owner

    def __str__(self) -> str:
        if self.serial:
            return f"the serial number {self.serial}"
        return f"the host {self.host}" if self.host else f"the role {self.role}"


@dataclasses.dataclass(frozen=True)
class Desired:
    """What the operator wants of an authority."""

    path: str
    recipe: Recipe
    policy: Policy
    revoked: tuple[ToRevoke, ...] = ()


@dataclasses.dataclass(frozen=True)
class Situation:
    """What lies in the directory; ``generations`` are all that are there, trusted or not."""

    exists: bool
    generations: dict[int, Generation]
    policy: Policy | None
    trust: bytes | None
    lists: tuple[RevocationList, ...]
    entries: tuple[record.Entry, ...]


def observe(path: str) -> Situation:
    """Look, and only look."""
    places = Places(path)
    if not os.path.isdir(path):
        if os.path.lexists(path):
            raise RampartError(f"{path} is not a directory")
        if not os.path.isdir(os.path.dirname(path)):
            raise RampartError(f"{os.path.dirname(path)} is no directory, so {path} cannot be made in it")
        return Situation(exists=False, generations={}, policy=None, trust=None, lists=(), entries=())
    _check_is_ours(places)
    content = files.read(places.policy)
    return Situation(
        exists=True,
        generations={number: opened(places, number) for number in places.generations()},
        policy=None if content is None else Policy.parsed(content, places.policy),
        trust=files.read(places.trust),
        lists=tuple(_lists.parsed(files.read(places.lists) or b"", places.lists)),
        entries=tuple(record.entries((files.read(places.record) or b"").decode("utf-8", "replace"))),
    )


def check_clock(entries: t.Iterable[record.Entry], generation: int, now: int) -> None:
    """Raise when the clock went back: what is made then has expired, or is refused, where the clock is right."""
    latest = max((entry.time for entry in entries if entry.generation == generation), default=0)
    if now < latest - _TOLERANCE:
        raise RampartError(
            f"the clock of the controller says {moment(now)}, but generation {generation} issued something on"
            f" {moment(latest)}: set the clock right, or, if it was wrong then, sign with another generation"
        )


def _check_is_ours(places: Places) -> None:
    files.check_all_owned(places.paths)
    names = {name for name in os.listdir(places.directory) if files.TEMPORARY not in name}
    ours = {os.path.basename(path) for path in (places.policy, places.trust, places.lists, places.record)}
    if names and not names & {*ours, "1"} and not places.generations():
        raise RampartError(
            f"{places.directory} is no certificate authority, and not empty: {', '.join(sorted(names)[:3])};"
            " give the path of one, or of a directory that is to be made"
        )
