# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a host knows of its backups: for each definition of a job, a drill or a vault, its last run and its catalogues.

Root asks, and the account that the definition is for answers: what lies in its directories is not root's to read.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import typing as t

from . import definition
from . import drill
from . import pulling
from . import telling
from . import tending
from .archiving.archive_store import archives
from .conclusion import status_file
from .faults import DefinitionFault
from .faults import Fault
from .places.repository import judged
from .places.shelves import shelf
from .places.store import Store
from .sources import backrest
from .streams.process import environment

if t.TYPE_CHECKING:
    from .places.catalogue import Record

__all__ = ["reports"]

Report = dict[str, t.Any]

_FOLDERS: t.Final = ("", "vault", "drills", "pulls")  # where definitions are, below /etc/rampart-backup


def reports(path: str) -> t.Iterator[Report]:
    """One for each definition in a directory, or for the one that is named; one that is wrong is told as ``error``."""
    paths = [path]
    if os.path.isdir(path):
        folders = [os.path.join(path, each) for each in _FOLDERS]
        paths = [each for folder in folders if os.path.isdir(folder) for each in _definitions(folder)]
    elif not os.path.exists(path):
        raise DefinitionFault(f"{path} is not there")
    for each in paths:
        try:
            yield {"definition": each, **_report(each)}
        except (Fault, OSError, subprocess.SubprocessError, ValueError) as error:
            name = os.path.basename(each).rpartition(".")[0]
            yield {"definition": each, "of": "", "name": name, "status": {}, "places": [], "error": str(error)}


def _definitions(folder: str) -> list[str]:
    return sorted(os.path.join(folder, name) for name in os.listdir(folder) if name.endswith(".json"))


def _report(path: str) -> Report:
    keys = telling.read_json(path)
    if "roots" in keys:
        tended = tending.read(path)
        return _told(
            path,
            tended.roots[0].path if tended.roots else tended.state,
            lambda: _of("vault", tended, places=_of_roots(tended)),
        )
    if "scratch" in keys:
        drilled = drill.read(path)
        return _told(path, drilled.scratch, lambda: _of_drill(drilled))
    if "source" in keys:
        pulled = pulling.read(path)
        # What was fetched is told with the vault's roots.
        return _told(path, pulled.root, lambda: _of("pull", pulled, job=pulled.name))
    job = definition.read(path)
    return _told(path, job.state, lambda: _of_job(job))


def _told(path: str, owned: str, tell: t.Callable[[], Report]) -> Report:
    """By whoever owns a directory of the definition's."""
    try:
        owner = os.stat(owned)
    except FileNotFoundError:
        raise DefinitionFault(f"{owned} is not there: it has never run") from None
    if os.geteuid() == 0 and owner.st_uid == 0:
        _refuse_others(owned)
    if os.geteuid() != 0 or owner.st_uid == 0:
        return tell()
    done = subprocess.run(
        [sys.executable, "-I", sys.argv[0], "report", path],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        env=environment(),
        cwd="/",
        user=owner.st_uid,
        group=owner.st_gid,
        extra_groups=[],
        check=False,
    )
    if done.returncode != 0:
        raise Fault(f"{path}: its account cannot tell: exit status {done.returncode}")
    told = json.loads(done.stdout)
    return told if isinstance(told, dict) else {}


def _refuse_others(path: str) -> None:
    """Whoever owns a directory above could have put a link there, and root would read what that leads to."""
    for each in (path, os.path.realpath(path)):
        while each != os.path.dirname(each):
            if os.lstat(each).st_uid != 0:
                raise DefinitionFault(f"{path} belongs to root, and {each} does not: who is to tell of it?")
            each = os.path.dirname(each)


class _Defined(t.Protocol):
    """What has a state of its own."""

    @property
    def name(self) -> str:
        """Its own."""

    @property
    def state(self) -> str:
        """A directory."""


def _of(what: str, defined: _Defined, **more: t.Any) -> Report:
    status = telling.read_json(status_file(defined.state, defined.name))
    return {"of": what, "name": defined.name, "status": status, "error": "", "places": [], **more}


def _of_job(job: definition.Job) -> Report:
    places = _repositories(job) if job.kind == "pgbackrest" else [_place(place, job.name) for place in job.places]
    return _of("job", job, job=job.name, kind=job.kind, cluster=job.cluster.label, places=places)


def _repositories(job: definition.Job) -> list[Report]:
    try:
        return backrest.reported(job, backrest.backups(job))
    except Fault as fault:
        return [{**each, "error": str(fault)} for each in backrest.reported(job, [])]


def _place(place: t.Any, job: str) -> Report:
    """A vault lets the key of a host look at its own catalogues."""
    told = {"place": place.name, "at": type(place).__name__.lower(), "host": "", "job": job, "error": ""}
    try:
        return {**told, **_shown(shelf(place, job).records())}
    except (Fault, OSError) as error:
        return {**told, **_shown([]), "error": str(error)}


def _of_drill(drilled: drill.Drill) -> Report:
    return _of("drill", drilled, job=drilled.job, judged=judged(drilled.verdicts))


def _of_roots(tended: tending.Tending) -> list[Report]:
    return [each for root in tended.roots for each in _of_root(root.path)]


def _of_root(path: str) -> t.Iterator[Report]:
    """The jobs of one host; one line for a host that has sent nothing."""
    told = {"place": path, "at": "root", "host": os.path.basename(path), "job": "", "error": ""}
    try:
        names = sorted(each.name for each in os.scandir(path) if definition.NAME.fullmatch(each.name) and each.is_dir())
        for name in names:
            store = Store(os.path.join(path, name))
            archived = _archived(store.path)
            yield {**told, "place": store.path, "job": name, "archived": archived, **_shown(store.records())}
    except (Fault, OSError) as error:
        yield {**told, **_shown([]), "error": str(error)}
        return
    if not names:
        yield {**told, **_shown([]), "error": "nothing has come in"}


def _archived(path: str) -> str:
    """When the last file came into an archive of WAL; empty where there is none."""
    newest = max((archive.newest() for archive in archives(path)), default=0)
    return telling.stamp_of(newest) if newest else ""


def _shown(records: t.Sequence[Record]) -> Report:
    """Those that are there, and when one was restored last, even if that one is gone."""
    return {
        "restored": max((record.restored for record in records), default=""),
        "backups": [_short(record) for record in records if not record.removed],
    }


def _short(record: Record) -> Report:
    """What a host says of its backup may be anything, and keeps nobody from telling of the others."""
    entry = record.entry
    missing, encryption = entry.get("missing"), entry.get("encryption")
    return {
        "id": record.id,
        "kind": record.kind,
        "good": record.good,
        "finished": record.finished,
        "size": record.size,
        "verified": record.verified,
        "restored": record.restored,
        "damaged": record.wrong,
        "missing": [str(each) for each in missing] if isinstance(missing, list) else [],
        **{name: str(entry.get(name, "")) for name in ("host", "cluster", "server_version")},
        "encryption": encryption if isinstance(encryption, dict) else {},
    }
