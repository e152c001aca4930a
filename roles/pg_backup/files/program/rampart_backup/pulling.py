# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A vault that fetches the backups of a host, which can neither write nor remove anything here.

The host offers a directory, read-only (``rampart-backup vault ROOT --may offer``). It may be in other hands: whatever it says is
checked, counted and compared before any of it counts, and nothing that is here changes.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
import typing as t

from . import definition
from . import telling
from .conclusion import concluding
from .definition import NAME
from .faults import DefinitionFault
from .faults import Fault
from .faults import PlaceFault
from .faults import VerificationFault
from .fields import Fields
from .places import wire
from .places.catalogue import Record
from .places.ssh import asked
from .places.store import Store
from .places.store import is_identifier
from .places.store import is_part
from .places.vault import SEALED
from .places.vault import usage
from .places.wire import Refused
from .streams.pump import Carried

if t.TYPE_CHECKING:
    import io

    from .places.catalogue import Part
    from .places.store import Incoming

__all__ = ["Pulling", "checked", "parse", "read", "run"]

_STAMP = re.compile(r"[0-9]{4}(-[0-9]{2}){2}T[0-9]{2}(:[0-9]{2}){2}Z")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_CHUNK = 2**20
_LINE = 2**24  # bytes of an answer; an entry of 10,000 databases takes 2 MiB
_LIST = 2**26  # bytes of a list
_PARTS = 100_000
_WRONG = 100  # faults after which a host is given up


class _Unwanted(PlaceFault):
    """A backup that is not taken, which says nothing of others."""


@dataclasses.dataclass(frozen=True)
class Pulling:
    """What is fetched: ``jobs`` (all that are offered if there are none) of ``source`` into ``root``.

    ``quota`` in bytes for all that is in ``root``, 0 for none; ``plain``: whether backups that are not encrypted are taken.
    """

    name: str
    root: str
    source: definition.Vault
    jobs: tuple[str, ...]
    quota: int
    plain: bool
    notify: definition.Notify
    state: str
    metrics: str


def parse(text: str) -> Pulling:
    """Read a definition; raises ``DefinitionFault`` that names the key, its value and what it may be."""
    fields = Fields.of_json(text)
    root = fields.text("root")
    if not root.startswith("/"):
        raise DefinitionFault.of("root", root, "the full path of a directory")
    return fields.close(
        Pulling(
            name=definition.checked_name("name", fields.text("name")),
            root=root,
            source=definition.Vault.of(fields.inner("source")),
            jobs=tuple(definition.checked_name("jobs", each) for each in fields.texts("jobs")),
            quota=fields.number("quota", 0),
            plain=fields.truth("plain", False),
            notify=definition.Notify.of(fields.inner("notify")),
            state=fields.text("state", "/var/lib/rampart-backup"),
            metrics=fields.text("metrics", ""),
        )
    )


def read(path: str) -> Pulling:
    """Read the definition in a file."""
    return definition.read_with(path, parse)


def run(pulling: Pulling) -> int:
    """Fetch what is new; returns the exit status."""
    os.umask(0o077)
    with concluding(pulling.name, pulling.state, pulling.metrics, pulling.notify) as conclusion:
        pull = _Pull(pulling)
        with conclusion.judged():
            pull.make()
        conclusion.values.update(pull.values())
        return conclusion.tell()


class _Pull:
    def __init__(self, pulling: Pulling) -> None:
        self._pulling = pulling
        self._host = _Host(pulling.source)
        self._pulled: list[str] = []
        self._size = 0
        self._wrong: list[Fault] = []

    def make(self) -> None:
        """All jobs; one that cannot be fetched does not keep the others from it. Raises what was wrong."""
        if not os.path.isdir(self._pulling.root):
            raise DefinitionFault.of("root", self._pulling.root, "a directory that is there")
        offered = self._host.jobs()
        for job in self._pulling.jobs or offered:
            try:
                if job not in offered:
                    raise PlaceFault("it is not offered")
                self._job(job)
            except (Fault, OSError) as error:
                self._blame(job, error if isinstance(error, Fault) else PlaceFault(error.strerror or str(error)))
        if self._wrong:
            raise type(self._wrong[0])("; ".join(str(fault) for fault in self._wrong))

    def _blame(self, what: str, fault: Fault) -> None:
        self._wrong.append(type(fault)(f"{what}: {fault}"))

    def _job(self, job: str) -> None:
        store = Store(os.path.join(self._pulling.root, job))
        store.prepare()
        ours = {record.id: record for record in store.records()}
        newest = max((record.moment for record in ours.values()), default="")
        for record in sorted(self._host.records(job), key=lambda each: (each.finished, each.id)):
            known = ours.get(record.id)
            if len(self._wrong) >= _WRONG:
                raise PlaceFault("too much is wrong with it")
            try:
                if known is not None:
                    if not known.removed:
                        _refuse_other(known, record)
                elif not (record.removed or record.damaged or record.refuted):
                    newest = _arrival(record, newest)
                    self._fetch(store, job, record, newest)
            except (Refused, VerificationFault, _Unwanted) as fault:
                # The host's own retention may have taken it away meanwhile.
                if not isinstance(fault, Refused) or self._is_offered(job, record.id):
                    self._blame(f"{job}/{record.id}", fault)

    def _is_offered(self, job: str, identifier: str) -> bool:
        return any(each.id == identifier and not each.removed for each in self._host.records(job))

    def _fetch(self, store: Store, job: str, record: Record, arrived: str) -> None:
        room = self._pulling.quota - usage(self._pulling.root) if self._pulling.quota else None
        if room is not None and record.size > room:
            raise _Unwanted(f"{record.id} has {record.size} bytes, and the quota of this host leaves {max(room, 0)}")
        incoming = store.begin(record.id)
        try:
            for part in record.parts:
                self._part(incoming, job, part)
            incoming.commit(record.entry, arrived=arrived)
        except BaseException:
            incoming.abandon()
            raise
        self._pulled.append(f"{job}/{record.id}")
        self._size += record.size

    def _part(self, incoming: Incoming, job: str, part: Part) -> None:
        file = incoming.part(part.name)
        left, head = part.size, b""
        with asked(self._pulling.source, "get", job, incoming.identifier, part.name) as stream:
            for data in _chunks(stream):
                left -= len(data)
                if left < 0:
                    raise VerificationFault(f"{part.name}: more than the {part.size} bytes of its entry are sent")
                head = head if len(head) >= _HEAD else head + bytes(data[:_HEAD])
                if not self._pulling.plain:
                    _refuse_plain(part.name, head, whole=left == 0)
                file.write(data)
        found = incoming.accept(part.name, file)
        if found != Carried(part.size, part.sha256):
            raise VerificationFault(
                f"{part.name}: {found.size} bytes were sent, with the checksum {found.sha256}, not those of its entry"
            )

    def values(self) -> dict[str, t.Any]:
        """What the status says of it."""
        return {"pulled": self._pulled, "size": self._size, "wrong": [str(fault) for fault in self._wrong]}


_HEAD = max(len(each) for each in SEALED)


def _refuse_plain(name: str, head: bytes, *, whole: bool) -> None:
    """``head`` is what a part begins with, maybe not enough of it yet."""
    if (len(head) >= _HEAD or whole) and not head.startswith(SEALED):
        raise _Unwanted(f"{name} is not encrypted, and this vault takes nothing else")


def _refuse_other(known: Record, record: Record) -> None:
    """What is here stays as it is; the host says something else of it now."""
    if known.entry != record.entry:
        raise VerificationFault(
            "the host says something else of it than when it was fetched; what was fetched is unchanged"
        )


def _arrival(record: Record, newest: str) -> str:
    """The moment that retention counts. Many may come at once, so that it is when each was made, as far as that can be.

    It is the host's word: not to come, and not before one that is here, or it would push out what is of that time.
    """
    return min(max(record.finished, newest), telling.now())


class _Host:
    """What offers backups, by ssh."""

    def __init__(self, source: definition.Vault) -> None:
        self._source = source

    def jobs(self) -> list[str]:
        """Those that are offered."""
        with asked(self._source, "jobs") as stream:
            answers = list(_answers(stream))
        jobs = answers[0].get("jobs") if len(answers) == 1 else None
        if not isinstance(jobs, list) or not all(isinstance(each, str) and NAME.fullmatch(each) for each in jobs):
            raise PlaceFault(f"{self._source.name} offers what are no names of jobs")
        return jobs

    def records(self, job: str) -> list[Record]:
        """What the catalogue of a job has, each entry looked at."""
        with asked(self._source, "list", job) as stream:
            answers = list(_answers(stream))
        if not answers or "end" not in answers.pop():
            raise PlaceFault(f"the list of {self._source.name} was cut off")
        return [checked(answer, job) for answer in answers]


def _chunks(stream: t.IO[bytes]) -> t.Iterator[memoryview]:
    """Bytes, until there are no more. What was yielded is gone with the next one. A refusal is raised."""
    buffer, first = bytearray(_CHUNK), True
    while count := t.cast("io.RawIOBase", stream).readinto(buffer):
        if first and buffer.startswith(b'{"refused"'):
            wire.read_answer(bytes(buffer[:count]))
        first = False
        yield memoryview(buffer)[:count]


def _answers(stream: t.IO[bytes]) -> t.Iterator[dict[str, t.Any]]:
    """Lines of JSON, no more of them than any host has to say."""
    rest, total = b"", 0
    for data in _chunks(stream):
        total += len(data)
        *lines, rest = (rest + bytes(data)).split(b"\n")
        if total > _LIST or len(rest) > _LINE:
            raise PlaceFault("the answer is too long")
        yield from map(wire.read_answer, lines)
    if rest:
        raise PlaceFault("the answer was cut off")


def checked(answer: t.Mapping[str, t.Any], job: str) -> Record:
    """A record whose every word may be used; raises ``PlaceFault`` for others."""
    try:
        record = Record.from_json(answer["record"])
        problem = _problem(record, job)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise PlaceFault(f"this is no entry of a backup: {error!r}") from None
    if problem:
        raise PlaceFault(f"this is no entry of a backup of {job}: {problem}: {json.dumps(answer)[:200]}")
    return record


def _problem(record: Record, job: str) -> str:
    """What is wrong with a record; empty when nothing is."""
    names = {part.name for part in record.parts}
    if not is_identifier(record.id) or record.job != job:
        return "its identifier or its job"
    if not _STAMP.fullmatch(record.finished):
        return "the time at which it ended"
    if not record.parts or len(record.parts) > _PARTS or len(names) != len(record.parts):
        return "the number of its parts"
    return next((f"the part {part.name!r}" for part in record.parts if not _is_sound(part)), "")


def _is_sound(part: Part) -> bool:
    return is_part(part.name) and _SHA256.fullmatch(part.sha256) is not None
