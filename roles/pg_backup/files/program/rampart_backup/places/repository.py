# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A repository of pgBackRest: what it holds, what comes out of it, and what restoring found.

It has no place for what restoring found, and whoever restores need not be able to write there. So that is kept here.
"""

from __future__ import annotations

import contextlib
import glob
import json
import os
import re
import stat
import typing as t

from ..archiving import wal
from ..faults import ArchiveFault
from ..faults import DefinitionFault
from ..faults import PlaceFault
from ..faults import RestoreFault
from ..faults import VerificationFault
from ..streams.process import Child
from ..telling import now
from ..telling import stamp_of
from . import catalogue
from . import notes

if t.TYPE_CHECKING:
    from .. import definition
    from ..clusters.sandbox import Sandbox
    from ..faults import Fault
    from .catalogue import Record

__all__ = ["BackrestShelf", "beside", "entries", "judged", "judged_by", "key_files", "printable"]

_PROGRAM = "pgbackrest"
_SHOWN = 2000  # characters of what it said, in a message
_ABSENT = 1  # exit status of archive-get
# What is stored is not what was stored: checksums, forms of files, encryption, files that are gone.
_DAMAGED = re.compile(r"\[(?:ChecksumError|CryptoError|FileMissingError|FormatError)\]|ERROR: \[(?:026|029|055|095)\]")
_KEYS = re.compile(r"^\s*repo\d+-(?:[a-z0-9-]*key-file|gcs-key)\s*=\s*(/.*\S)\s*$", re.MULTILINE)
_OWN = (
    "/etc/pgbackrest.conf",
    "/etc/pgbackrest/pgbackrest.conf",
    "/etc/pgbackrest/conf.d/*.conf",
)  # pgBackRest's, of a host


def beside(directory: str) -> str:
    """A directory for pgBackRest, where no server may write, beside a data directory."""
    return f"{directory}-pgbackrest"


class BackrestShelf:
    """The backups of one stanza in one repository. ``verdicts`` is a directory for what restoring finds."""

    def __init__(self, place: definition.Repository, job: str, verdicts: str) -> None:
        self._place = place
        self._job = job
        self._verdicts = verdicts
        self._systems: dict[str, str] = {}

    @property
    def name(self) -> str:
        """For messages."""
        return self._place.name

    def keys(self) -> list[str]:
        """Files and directories that open it, which nothing that is restored may read."""
        paths = [self._place.config] if self._place.config else [path for each in _OWN for path in glob.glob(each)]
        found = [key for path in paths for key in key_files(_configuration(path))]
        return [*found, os.path.expanduser("~/.ssh")]

    def records(self) -> list[Record]:
        """All that are there, as a catalogue has them."""
        told = self._stanza()
        found = list(entries(told, self._place, self._job))
        made: list[catalogue.Event] = [{"event": "made", "backup": each} for each in found]
        self._systems = {str(each["id"]): str(each["system_identifier"]) for each in found}
        later = [
            each for each in _verdicts(self._verdicts) if self._systems.get(str(each.get("id"))) == each.get("system")
        ]
        return catalogue.fold([*made, *later])

    def newest_segment(self, system: str) -> str:
        """The last one of a system that is archived; empty when there is none."""
        told = self._stanza()
        numbers = [each["id"] for each in _of_repository(told["db"], self._place) if str(each["system-id"]) == system]
        archives = [each for each in told["archive"] if _in_repository(each["database"], self._place)]
        return max((str(each["max"] or "") for each in archives if each["database"]["id"] in numbers), default="")

    def open(self, identifier: str, part: str) -> contextlib.AbstractContextManager[t.IO[bytes]]:
        """pgBackRest restores backups, and gives no parts of them."""
        raise PlaceFault(f"{self.name} gives no part {part!r} of {identifier}")

    def note(self, identifier: str, event: str, what: str) -> None:
        """Keep what restoring found: ``restored`` or ``damaged``."""
        os.makedirs(self._verdicts, mode=0o700, exist_ok=True)
        made = catalogue.drilled(identifier, event, what, at=now())
        catalogue.append(self._verdicts, {**made, "system": self._systems.get(identifier, "")})

    def restore(self, record: Record, directory: str, tablespaces: str, *, sandbox: Sandbox) -> None:
        """A backup into a directory that is made, which no server can be started in without WAL."""
        locks = beside(directory)
        for made in (directory, tablespaces, locks):
            os.makedirs(made, mode=0o700, exist_ok=True)
        words = self._words(
            *("restore", directory, locks, f"--set={record.id}", "--type=none", "--no-link-all"),
            f"--tablespace-map-all={tablespaces}",
        )
        status, said = _done(sandbox.guarded(words, writable=[directory, tablespaces, locks]), locks, RestoreFault)
        if status:
            kind = VerificationFault if _DAMAGED.search(said) else RestoreFault
            raise _failed(kind, "restore", status, said)

    def fetch(self, file: str, path: str, *, control: str, sandbox: Sandbox) -> bool:
        """Whether a file of WAL is archived, and then in ``path``. ``control`` has what tells of which cluster."""
        room = os.path.dirname(path)
        words = self._words("archive-get", control, room, "--no-archive-async")
        status, said = _done(sandbox.guarded([*words, file, path], writable=[room]), room, PlaceFault)
        if status not in (0, _ABSENT):
            kind: type[Fault] = ArchiveFault if _DAMAGED.search(said) else PlaceFault
            raise _failed(kind, f"archive-get {file}", status, said)
        return status == 0

    def _words(self, command: str, data: str, locks: str, *options: str) -> list[str]:
        """The command line. It holds no secret: pgBackRest reads its file itself."""
        return [*self._about(command), f"--pg1-path={data}", f"--lock-path={locks}", *options]

    def _about(self, command: str) -> list[str]:
        options = [f"--stanza={self._place.stanza}", f"--repo={self._place.number}"]
        if self._place.config:
            _refuse_open(self._place.config)
            options.append(f"--config={self._place.config}")
        return [
            _PROGRAM,
            command,
            *options,
            "--log-level-file=off",
            "--log-level-console=off",
            "--log-level-stderr=warn",
        ]

    def _stanza(self) -> dict[str, t.Any]:
        child = Child([*self._about("info"), "--output=json"], what=f"{_PROGRAM} info", fault=PlaceFault, writes=True)
        try:
            text = child.stdout.read().decode("utf-8", "replace")
            child.finish()
            (told,) = [each for each in json.loads(text, strict=False) if each["name"] == self._place.stanza]
            states = [each["status"] for each in told["repo"] if each["key"] == self._place.number]
            wrong = next(
                (str(each["message"]) for each in states or [told["status"]] if each["code"] not in (0, 2)), ""
            )
        except PlaceFault as fault:
            raise PlaceFault(printable(str(fault))) from None
        except (KeyError, TypeError, ValueError) as error:
            raise PlaceFault(
                f"{_PROGRAM} info: what it says of {self.name} is not understood, as with a wrong passphrase: {error!r}"
            ) from None
        finally:
            child.close()
        if wrong:
            raise PlaceFault(f"{self.name} cannot be read; are path and passphrase right? {printable(wrong)[:_SHOWN]}")
        return dict(told)


def key_files(configuration: str) -> list[str]:
    """Of ssh, of TLS and of Google, which a configuration names."""
    return _KEYS.findall(configuration)


def judged(directory: str) -> list[dict[str, str]]:
    """What restoring found so far, by backup and system."""
    return judged_by(_verdicts(directory))


def judged_by(events: t.Iterable[catalogue.Event]) -> list[dict[str, str]]:
    """When a backup was restored last, and why it could not be since then; ``at`` of the last word."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    for event in events:
        identifier, system, at = (str(event.get(name, "")) for name in ("id", "system", "at"))
        before = found.get((system, identifier), {"restored": ""})
        good = event["event"] == "restored"
        found[system, identifier] = {
            "id": identifier,
            "system": system,
            "at": at,
            "restored": at if good else before["restored"],
            "damaged": "" if good else str(event.get("what", "")) or "damaged",
        }
    return list(found.values())


def _verdicts(directory: str) -> list[catalogue.Event]:
    """What restoring found so far; nothing where this account may not look."""
    with contextlib.suppress(OSError):
        return catalogue.read(directory)
    return []


def printable(text: str) -> str:
    """With a wrong passphrase pgBackRest shows what it could not read."""
    return "".join(each if each.isprintable() or each == "\n" else "?" for each in text)


def _in_repository(database: t.Mapping[str, t.Any], place: definition.Repository) -> bool:
    return int(database.get("repo-key", 1)) == place.number


def _of_repository(
    databases: t.Iterable[t.Mapping[str, t.Any]], place: definition.Repository
) -> list[t.Mapping[str, t.Any]]:
    return [each for each in databases if _in_repository(each, place)]


def entries(told: t.Mapping[str, t.Any], place: definition.Repository, job: str) -> t.Iterator[dict[str, t.Any]]:
    """Of each backup of the repository, the oldest first."""
    try:
        systems = {each["id"]: each for each in _of_repository(told["db"], place)}
        for backup in told["backup"]:
            if _in_repository(backup["database"], place):
                yield _entry(backup, systems[backup["database"]["id"]], place, job)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise PlaceFault(f"{_PROGRAM} info: what it says is not understood: {error!r}") from None


def _entry(
    backup: t.Mapping[str, t.Any], system: t.Mapping[str, t.Any], place: definition.Repository, job: str
) -> dict[str, t.Any]:
    """In the words of a catalogue."""
    last = str(backup["archive"]["stop"])
    # Before 2.37 it does not say where a backup ended: no later than its last segment.
    stop = (backup.get("lsn") or {}).get("stop") or wal.shown(wal.position(last, wal.SEGMENT_SIZE) + wal.SEGMENT_SIZE)
    return {
        "id": str(backup["label"]),
        "job": job,
        "kind": "physical",
        "finished": stamp_of(backup["timestamp"]["stop"]),
        "complete": not backup.get("error"),  # some of its pages have a wrong checksum
        "parts": [],
        "chain": list(backup.get("reference") or []),
        "cluster": place.stanza,
        "server_version": str(system["version"]),
        "system_identifier": str(system["system-id"]),
        "bootstrap": place.superuser,
        "timeline": int(last[:8], 16),
        "stop_lsn": str(stop),
        **notes.read(backup.get("annotation") or {}),
    }


def _configuration(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            return stream.read()
    except OSError as error:
        raise DefinitionFault(f"place.config: {path}: {error.strerror}") from None


def _refuse_open(path: str) -> None:
    """It has the passphrase."""
    try:
        mode = os.stat(path).st_mode
    except OSError as error:
        raise DefinitionFault(f"place.config: {path}: {error.strerror}") from None
    if mode & (stat.S_IROTH | stat.S_IWOTH):
        raise DefinitionFault(f"place.config: {path} can be read by everybody (mode {stat.S_IMODE(mode):04o})")


def _done(words: t.Sequence[str], spool: str, fault: type[Fault]) -> tuple[int, str]:
    """Its exit status and what it said. A restore empties the spool of the stanza, which may be that of a server here.

    Older versions do not, and take no such option; a variable is passed over then.
    """
    child = Child(words, what=_PROGRAM, fault=fault, variables={"PGBACKREST_SPOOL_PATH": spool})
    try:
        return child.wait(), printable(child.said())
    finally:
        child.close()


def _failed(kind: type[Fault], what: str, status: int, said: str) -> Fault:
    return kind(f"{_PROGRAM} {what} ended with {status}: {said[-_SHOWN:].strip() or 'it said nothing'}")
