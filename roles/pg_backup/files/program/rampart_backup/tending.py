# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a vault does by itself: read everything again, let go what no rule keeps, and notice who sends nothing more."""

from __future__ import annotations

import dataclasses
import datetime
import os
import time
import typing as t

from . import definition
from . import telling
from .archiving import keeping
from .archiving.archive_store import archives
from .conclusion import concluding
from .faults import DefinitionFault
from .faults import Fault
from .faults import PlaceFault
from .faults import VerificationFault
from .fields import Fields
from .places.retention import decide
from .places.store import Store

if t.TYPE_CHECKING:
    from .places.catalogue import Record
    from .places.shelves import Kept

_TOLERANCE: t.Final = 1  # hours by which clocks of hosts may differ

__all__ = ["Root", "Tending", "parse", "read", "run", "verify"]


@dataclasses.dataclass(frozen=True)
class Root:
    """The backups of one host. ``newest`` in hours: how old the newest good backup of a job may be; 0 for any age."""

    path: str
    retention: definition.Retention
    newest: int = 0

    @classmethod
    def of(cls, fields: Fields) -> Root:
        """Read it."""
        path = fields.text("path")
        if not path.startswith("/"):
            raise DefinitionFault.of(fields.key("path"), path, "the full path of a directory")
        retention = definition.Retention.of(fields.inner("retention"))
        return fields.close(cls(path=path, retention=retention, newest=fields.number("newest", 0, most=100_000)))


@dataclasses.dataclass(frozen=True)
class Tending:
    """What is looked after. ``verify``: whether every byte is read again."""

    name: str
    roots: tuple[Root, ...]
    verify: bool
    notify: definition.Notify
    state: str
    metrics: str


def parse(text: str) -> Tending:
    """Read a definition; raises ``DefinitionFault`` that names the key, its value and what it may be."""
    fields = Fields.of_json(text)
    roots = tuple(Root.of(each) for each in fields.inners("roots"))
    return fields.close(
        Tending(
            name=definition.checked_name("name", fields.text("name", "vault")),
            roots=roots,
            verify=fields.truth("verify", True),
            notify=definition.Notify.of(fields.inner("notify")),
            state=fields.text("state", "/var/lib/rampart-backup"),
            metrics=fields.text("metrics", ""),
        )
    )


def read(path: str) -> Tending:
    """Read the definition in a file."""
    return definition.read_with(path, parse)


def run(tending: Tending, *, dry_run: bool = False) -> int:
    """Tend all roots; returns the exit status. A dry run only shows what would go."""
    os.umask(0o077)
    if dry_run:
        for root in tending.roots:
            _show(root)
        return 0
    with concluding(tending.name, tending.state, tending.metrics, tending.notify) as conclusion:
        wrong: list[str] = []
        removed: list[str] = []
        conclusion.values.update(wrong=wrong, removed=removed)
        with conclusion.judged():
            for root in tending.roots:
                try:
                    wrong += _tend(root, removed, verify_all=tending.verify)
                except (Fault, OSError) as error:  # of one host, which keeps nobody from looking after the others
                    wrong.append(str(error))
            if wrong:
                raise VerificationFault("; ".join(wrong))
        return conclusion.tell()


def _show(root: Root) -> None:
    """What would go."""
    doomed = set()
    for store in _stores(root):
        for decision in decide(store.records(), root.retention):
            telling.show(place=store.path, id=decision.record.id, keep=decision.keep, why=decision.why)
            if not decision.keep:
                doomed.add(decision.record.id)
    for kept in keeping.keepings(root.path, doomed):
        telling.show(**kept.shown())


def _stores(root: Root) -> list[Store]:
    try:
        names = sorted(name for name in os.listdir(root.path) if definition.NAME.fullmatch(name))
    except OSError as error:
        raise DefinitionFault(f"roots: {root.path}: {error.strerror}") from None
    return [Store(os.path.join(root.path, name)) for name in names]


def _tend(root: Root, removed: list[str], *, verify_all: bool) -> list[str]:
    """Returns what is wrong. WAL goes last, as it is there for the backups that stay."""
    wrong = []
    for store in _stores(root):
        try:
            wrong += _tend_job(root, store, removed, verify_all=verify_all)
        except Fault as fault:
            wrong.append(str(fault))
    try:
        for kept in keeping.keepings(root.path):
            wrong += _tend_archive(kept, removed, verify_all=verify_all)
    except Fault as fault:
        wrong.append(str(fault))
    return wrong


def _tend_job(root: Root, store: Store, removed: list[str], *, verify_all: bool) -> list[str]:
    """Returns what is wrong. What is damaged is known before anything goes."""
    store.prepare()
    wrong = verify(store) if verify_all else []
    records = store.records()
    for decision in decide(records, root.retention):
        if not decision.keep:
            store.remove(decision.record, at=telling.now())
            removed.append(f"{store.path}/{decision.record.id}")
    wrong += [f"{store.path}: {each}" for each in _judge_times(store, records, root.newest)]
    return wrong


def _tend_archive(kept: keeping.Keeping, removed: list[str], *, verify_all: bool) -> list[str]:
    kept.remove()
    removed += [kept.archive.file(each) for each in kept.superfluous]
    wrong = keeping.verify(kept.archive) if verify_all else []
    return wrong + [f"{kept.archive.path}: {each}" for each in kept.gaps()]


def _gets_wal(store: Store, hours: int) -> bool:
    """Whether WAL came in lately: a job that archives makes no backups."""
    return any(archive.newest() >= time.time() - hours * 3600 for archive in archives(store.path))


def _judge_times(store: Store, records: t.Sequence[Record], hours: int) -> t.Iterator[str]:
    """What is wrong with those of a job; a moment that is yet to come must not count as a new one."""
    now = datetime.datetime.now(datetime.timezone.utc)
    since, soon = (telling.stamp(now + datetime.timedelta(hours=each)) for each in (-hours, _TOLERANCE))
    good = [record for record in records if record.good]
    if hours and not any(since <= record.moment <= soon for record in good) and not _gets_wal(store, hours):
        yield f"no good backup came in during the last {hours} hours"
    if good and max(good[-1].moment, good[-1].finished) > soon:
        yield f"the newest backup {good[-1].id} is said to be of {good[-1].finished}, which is yet to come: a clock is wrong"


def verify(store: Kept) -> list[str]:
    """Read every byte of what is there, note what was found, and return what is wrong and was not known to be.

    Raises when damage cannot be noted, as nobody may judge by what was known before.
    """
    wrong: list[str] = []
    unnoted = ""
    for record in store.records():
        if record.removed:
            continue
        try:
            store.verify(record)
        except VerificationFault as fault:
            if any(each.id == record.id and each.removed for each in store.records()):
                continue  # by retention, meanwhile
            wrong.append(str(fault))
            if record.damaged != str(fault):
                _note_damaged(store, record, wrong)
        else:
            try:
                store.add({"event": "verified", "id": record.id, "at": telling.now()})
            except PlaceFault as fault:  # a disk that is full: what goes next makes room
                unnoted = str(fault)
    return [*wrong, unnoted] if unnoted else wrong


def _note_damaged(store: Kept, record: Record, wrong: t.Sequence[str]) -> None:
    try:
        store.add({"event": "damaged", "id": record.id, "at": telling.now(), "what": wrong[-1]})
    except PlaceFault as fault:
        raise PlaceFault("; ".join([*wrong, f"which cannot be noted: {fault}"])) from None
