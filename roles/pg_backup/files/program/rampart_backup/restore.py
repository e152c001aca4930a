# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Restoring in earnest: a backup into a data directory of its own, which stays and is not running.

Of a logical backup it is a new cluster that lets in nobody but its owner, of a physical one the cluster as it was.
"""

from __future__ import annotations

import dataclasses
import os
import shutil
import typing as t

from . import telling
from .archiving.until import Until
from .clusters.restoring import Restoring
from .clusters.scratch import Programs
from .clusters.scratch import Scratch
from .clusters.unpacking import Unpacking
from .faults import DefinitionFault
from .faults import RestoreFault
from .places.repository import beside
from .places.shelves import choose
from .streams.unsealing import Unsealing

if t.TYPE_CHECKING:
    from .archiving.replay import Replay
    from .drill import Drill
    from .places.catalogue import Record

__all__ = ["Wish", "run"]

_HBA = """\
# Written when this cluster was restored: its owner alone gets in. The rules of the server that was backed up are its own.
local all "{superuser}" peer
"""


@dataclasses.dataclass(frozen=True)
class Wish:
    """What is restored and where to. ``replace``: a cluster that is there is moved aside, never removed.

    ``until``: what the archive of the definition is replayed to.
    """

    target: str
    identifier: str = ""
    until: Until = Until("backup")
    replace: bool = False
    dry_run: bool = False


def run(source: Drill, wish: Wish) -> None:
    """Say what will be done, and do it. ``source`` tells place, job, key and programs."""
    os.umask(0o077)
    target = os.path.abspath(wish.target)
    replay = source.replay(wish.until, wish.identifier)
    record = choose(source.found.records(), source.job, wish.identifier) if replay is None else replay.record
    bindir = "" if record.kind == "logs" else Programs(source.bindir).of(str(record.entry["server_version"]))
    aside = _aside(target, wish)
    telling.show(
        backup=record.id,
        made=record.finished,
        cluster=record.entry["cluster"],
        server_version=record.entry["server_version"],
        complete=record.complete,
        databases=[part.database for part in record.parts if part.database is not None],
        target=target,
        moved_aside=aside,
        programs=bindir,
        dry_run=wish.dry_run,
        **(replay.plan if replay is not None else {}),
    )
    if wish.dry_run:
        return
    if aside:
        os.rename(target, aside)
    values = (
        _RESTORE[record.kind](source, record, target, bindir)
        if replay is None
        else _replayed(source, replay, target, aside, bindir)
    )
    telling.show(restored=record.id, target=target, **values)


def _logical(source: Drill, record: Record, target: str, bindir: str) -> dict[str, t.Any]:
    superuser = str(record.entry["bootstrap"])
    sandbox = source.sandbox(bindir)
    scratch = Scratch(bindir=bindir, directory=target, superuser=superuser, settings=source.settings, sandbox=sandbox)
    try:
        scratch.initialise(checksums=bool(record.entry["checksums"]))
        with scratch:
            restoring = Restoring(source.found, record, Unsealing(source.identity), scratch)
            restoring.restore()
            tables = restoring.compare_counts()
    finally:
        scratch.remove()
    quoted = superuser.replace('"', '""')
    telling.replace(os.path.join(target, "pg_hba.conf"), _HBA.format(superuser=quoted), mode=0o600)
    return {"tables_compared": tables}


def _physical(source: Drill, record: Record, target: str, bindir: str) -> dict[str, t.Any]:
    """As it was, with its own configuration; what was outside the data directory comes beside it."""
    unpacking = source.unpacking(record, bindir)
    unpacking.unpack(target, bindir=bindir)
    configuration = f"{target}-configuration"
    return {"configuration": configuration if unpacking.unpack_configuration(configuration) else ""}


def _logs(source: Drill, record: Record, target: str, _bindir: str) -> dict[str, t.Any]:
    unpacking = Unpacking(source.found, record, Unsealing(source.identity), source.sandbox())
    return {"logs": unpacking.unpack_logs(target)}


_RESTORE: t.Final = {"logical": _logical, "logs": _logs, "physical": _physical}


def _replayed(source: Drill, replay: Replay, target: str, aside: str, bindir: str) -> dict[str, t.Any]:
    """As it was at that moment, stopped cleanly. What did not come so far is taken away, lest somebody starts it."""
    entry = replay.record.entry
    scratch = Scratch(
        bindir=bindir,
        directory=target,
        superuser=str(entry["bootstrap"]),
        settings={"autovacuum": "off", **source.settings},
        sandbox=source.sandbox(bindir),
        stays=True,
    )
    try:
        values = _physical(source, replay.record, target, bindir)
        kept = scratch.adopt()
        with replay.running(scratch) as reached:
            pass
        state = scratch.control().get("Database cluster state")
        if state != "shut down":
            raise RestoreFault(f"the server that replayed did not stop cleanly: its state is {state!r}")
        scratch.give_back(kept)
    except BaseException:
        for path in (target, f"{target}-configuration", f"{target}-tablespaces"):
            shutil.rmtree(path, ignore_errors=True)
        if aside:
            os.rename(aside, target)
        raise
    finally:
        shutil.rmtree(beside(target), ignore_errors=True)
        scratch.remove()
    return {"reached": reached, **values}


def _aside(target: str, wish: Wish) -> str:
    """Where what is there goes; raises when it is there and may not be touched."""
    for suffix in ("tablespaces", "configuration", "dump", "chain", "pgbackrest"):
        if os.path.lexists(f"{target}-{suffix}"):
            raise DefinitionFault(f"--target: {target}-{suffix} is there already, where something would go")
    if not os.path.lexists(target) or (os.path.isdir(target) and not os.path.islink(target) and not os.listdir(target)):
        return ""
    if not wish.replace:
        raise DefinitionFault(f"--target: {target} is there already; --replace would move it aside")
    if os.path.exists(os.path.join(target, "postmaster.pid")):
        raise DefinitionFault(f"--target: a server runs in {target}, or did not stop cleanly: postmaster.pid is there")
    moment = telling.now().replace(":", "").replace("-", "")
    return f"{target}.before-{moment}"
