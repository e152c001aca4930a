# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Jobs that pgBackRest does: it makes, encrypts and expires the backups, this program judges it and tells of it."""

from __future__ import annotations

import json
import os
import re
import typing as t

from .. import telling
from ..conclusion import concluding
from ..faults import Busy
from ..faults import Ended
from ..faults import Fault
from ..faults import SourceFault
from ..faults import VerificationFault
from ..places.repository import printable
from ..streams.process import Child
from .backrest_marks import Marks

if t.TYPE_CHECKING:
    from ..definition import Job

__all__ = ["backups", "chosen_type", "of_repository", "reported", "run", "words"]

Backup = t.Mapping[str, t.Any]  # one of `pgbackrest info --output=json`

_PROGRAM = "pgbackrest"
_ANNOTATES: t.Final = (2, 41)  # the first version that does
_LOCKED = "ERROR: [050]"  # another process of the stanza has its lock
_BAD_PAGES = re.compile(r"[^\n]*invalid page checksum[^\n]*")


def run(job: Job) -> int:
    """Have a backup made, or the archive checked; returns the exit status."""
    os.umask(0o077)
    with concluding(job.name, job.state, job.metrics, job.notify) as conclusion:
        with conclusion.judged():
            _ACTS["check" if job.backrest.type == "check" else "backup"](job, conclusion.values)
        return conclusion.tell()


def backups(job: Job) -> list[Backup]:
    """What the repositories hold of the stanza, the oldest first."""
    text = _asked(words(job, "info", "--output=json"))
    try:
        found = [stanza for stanza in json.loads(text) if stanza["name"] == job.backrest.stanza]
        return [{**each, "system": _system(stanza, each)} for stanza in found for each in stanza["backup"]]
    except (KeyError, TypeError, ValueError) as error:
        raise SourceFault(f"{_PROGRAM} info: what it says is not understood: {error}") from None


def _system(stanza: t.Mapping[str, t.Any], backup: Backup) -> str:
    """The identifier of the cluster that a backup is of."""
    of = backup["database"]
    wanted = (of["id"], of.get("repo-key", 1))
    return next(
        (str(each["system-id"]) for each in stanza["db"] if (each["id"], each.get("repo-key", 1)) == wanted), ""
    )


def of_repository(found: t.Iterable[Backup], repository: int) -> list[Backup]:
    """Those in one of the repositories."""
    return [each for each in found if each["database"].get("repo-key", 1) == repository]


def chosen_type(wanted: str, full_every: int, found: t.Sequence[Backup]) -> str:
    """The type of the next backup of a repository: ``full`` when so many have been made from the last full one on."""
    if not full_every:
        return wanted
    since = 0
    for each in reversed(found):
        since += 1
        if each["type"] == "full":
            break
    else:
        return "full"
    return "full" if since >= full_every else wanted


def reported(job: Job, found: t.Sequence[Backup]) -> list[dict[str, t.Any]]:
    """The repositories with what is in them, as `reporting` tells of places."""
    return [
        {
            "place": f"repo{repository} of {job.backrest.stanza}",
            "at": "pgbackrest",
            "host": "",
            "job": job.name,
            "error": "",
            "restored": "",
            "backups": [_short(job, each) for each in of_repository(found, repository)],
        }
        for repository in job.backrest.repositories
    ]


def _short(job: Job, backup: Backup) -> dict[str, t.Any]:
    """It is read again in no run; what drills found is told where they run, and joined by backup and ``system``."""
    return {
        "id": backup["label"],
        "system": backup.get("system", ""),
        "kind": backup["type"],
        "good": not backup.get("error"),
        "finished": telling.stamp_of(backup["timestamp"]["stop"]),
        "size": backup["info"]["repository"]["delta"],
        "verified": "",
        "restored": "",
        "damaged": "pages have a wrong checksum" if backup.get("error") else "",
        "missing": [],
        "host": "",
        "cluster": job.cluster.label,
        "server_version": "",
        "encryption": {},
    }


def words(job: Job, command: str, *options: str) -> list[str]:
    """The command line. It holds no secret: pgBackRest reads its files itself."""
    return [_PROGRAM, f"--stanza={job.backrest.stanza}", *options, command]


def _check(job: Job, values: dict[str, t.Any]) -> None:
    """A segment is switched, and has to arrive in every repository."""
    values["type"] = "check"
    _run(words(job, "check"))


def _back_up(job: Job, values: dict[str, t.Any]) -> None:
    """One repository after the other: one that fails does not keep the others from theirs."""
    made: dict[int, Backup] = {}
    faults: dict[str, Fault] = {}
    for repository in job.backrest.repositories:
        try:
            made[repository] = _into(job, repository)
        except Ended:
            raise
        except Fault as fault:
            faults[f"repo{repository}"] = fault
    values["failed"] = {name: str(fault) for name, fault in faults.items()}
    values.update(_about(made))
    if faults:
        first = next(iter(faults.values()))
        raise type(first)("; ".join(f"{name}: {fault}" for name, fault in faults.items()))


def _into(job: Job, repository: int) -> Backup:
    before = of_repository(backups(job), repository)
    wanted = chosen_type(job.backrest.type, job.backrest.full_every, before)
    haste = "--start-fast" if job.backrest.checkpoint == "fast" else "--no-start-fast"
    marks = Marks(job, annotates=_version() >= _ANNOTATES)
    said = _run(words(job, "backup", f"--repo={repository}", f"--type={wanted}", haste, *marks.begin()))
    labels = {each["label"] for each in before}
    new = [each for each in of_repository(backups(job), repository) if each["label"] not in labels]
    if not new:
        raise VerificationFault(f"{_PROGRAM} backup ended well, and there is no new backup")
    bad = _BAD_PAGES.findall(said)
    if new[-1].get("error") or bad:  # which pgBackRest itself only warns of
        raise VerificationFault(f"{new[-1]['label']}: {' | '.join(bad[:5]) or 'pages of it have a wrong checksum'}")
    noted = marks.end()
    if noted:
        _run(words(job, "annotate", f"--repo={repository}", f"--set={new[-1]['label']}", *noted))
    return {**new[-1], "restore_point": marks.restore_point}


def _version() -> tuple[int, int]:
    match = re.search(r"(\d+)\.(\d+)", _asked([_PROGRAM, "version"]))
    return (int(match.group(1)), int(match.group(2))) if match else (0, 0)


def _about(made: t.Mapping[int, Backup]) -> dict[str, t.Any]:
    """For the status: of the first repository that has the backup."""
    if not made:
        return {"id": "", "size": 0, "stored": []}
    first = made[min(made)]
    return {
        "id": first["label"],
        "type": first["type"],
        "size": first["info"]["repository"]["delta"],
        "cluster_size": first["info"]["size"],
        "restore_point": first.get("restore_point", ""),
        "wal": dict(first.get("archive") or {}),
        "stored": [f"repo{repository}" for repository in sorted(made)],
    }


_ACTS: t.Final[t.Mapping[str, t.Callable[[Job, dict[str, t.Any]], None]]] = {"backup": _back_up, "check": _check}


def _run(command: t.Sequence[str]) -> str:
    child = Child(command, what=f"{_PROGRAM} {command[-1]}", fault=SourceFault)
    try:
        return child.finish()
    except Fault as fault:
        kind = Busy if _LOCKED in str(fault) else type(fault)
        raise kind(printable(str(fault))) from None
    finally:
        child.close()


def _asked(command: t.Sequence[str]) -> str:
    child = Child(command, what=f"{_PROGRAM} {command[-1]}", fault=SourceFault, writes=True)
    try:
        text = child.stdout.read().decode("utf-8", "replace")
        child.finish()
        return text
    finally:
        child.close()
