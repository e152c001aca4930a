# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Backups of a cluster as its host knows them; private to the collection.

Definitions, units and configuration are root's. What runs left behind is in directories of the account that makes
them, so it is read with its rights. Nobody is asked over a network.
"""

from __future__ import annotations

import glob
import json
import os
import re
import stat
import time
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._backup.state import LAYOUT
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._facts import proofs
from ansible_collections.rampart.postgresql.plugins.module_utils._facts.backup_tools import Repositories
from ansible_collections.rampart.postgresql.plugins.module_utils._facts.backup_tools import tools_of
from ansible_collections.rampart.postgresql.plugins.module_utils._facts.files import NO_FILES
from ansible_collections.rampart.postgresql.plugins.module_utils._facts.texts import readable
from ansible_collections.rampart.postgresql.plugins.module_utils._host.programs import answer_of
from ansible_collections.rampart.postgresql.plugins.module_utils._host.volumes import mount_of
from ansible_collections.rampart.postgresql.plugins.module_utils._server.files import read_file
from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import account_of
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.places import way_to

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._backup.state import Layout
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import Account
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server

__all__ = ["backup_facts", "calendar_of"]

_MOUNTS = "/proc/self/mountinfo"
# File systems whose files lie on other hosts.
_ELSEWHERE = re.compile(
    r"(nfs4?|cifs|smb3?|ceph|glusterfs|fuse\.(glusterfs|sshfs|rclone|s3fs)|lustre|gpfs|beegfs|afs|9p)"
)
_CALENDAR = re.compile(r"^OnCalendar=(?P<calendar>.+)$", re.MULTILINE)
_CRON = re.compile(r"^(?P<columns>(?:\S+[ \t]+){5}|@\w+[ \t]+)\S+[ \t].*rampart-backup", re.MULTILINE)
_OFFERED = "offered"  # which the role pg_backup writes
_MOST = 200  # jobs
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH

Values = dict[str, t.Any]


def backup_facts(server: Server, unreadable: dict[str, str], *, layout: Layout = LAYOUT) -> dict[str, object]:
    """The fact ``backups``: the jobs of this cluster, and what else makes backups of it."""
    if not server.has_files:
        unreadable["backups"] = NO_FILES
        return {"backups": None}
    problems: list[str] = []
    jobs = _Jobs(server, layout, problems)
    found = {"jobs": jobs.all(), "tools": tools_of(server, problems, jobs.reader_of_tools)}
    if problems:
        more = f", and {len(problems) - 1} more" if len(problems) > 1 else ""
        unreadable["backups"] = readable(f"{problems[0]}{more}")
    return {"backups": readable(found)}


class _Jobs:
    def __init__(self, server: Server, layout: Layout, problems: list[str]) -> None:
        self._owner = server.owner
        self._label = server.cluster.label
        self._layout = layout
        self._problems = problems
        self._host = account_of(0) if os.geteuid() == 0 else self._owner
        self._now = time.time()

    def all(self) -> list[Values]:
        """One for each definition."""
        paths = sorted(glob.glob(os.path.join(glob.escape(self._layout.definitions), "*.json")))
        definitions = [values for path in paths[:_MOST] for values in [self._definition(path)] if values]
        mine = [values for values in definitions if self._is_mine(values)]
        active = self._active([values["name"] for values in mine])
        drills = self._drills() if mine else {}
        return [self._job(values, active, drills) for values in mine]

    def _definition(self, path: str) -> Values:
        values = self._json(path, self._reader(path))
        name = os.path.basename(path)[: -len(".json")]
        return {**values, "name": name} if values else {}

    def _is_mine(self, values: Values) -> bool:
        cluster = values.get("cluster")
        return isinstance(cluster, dict) and cluster.get("label") == self._label

    def _job(self, values: Values, active: t.Mapping[str, bool], drills: t.Mapping[str, float]) -> Values:
        name, state = values["name"], values.get("state")
        status = {}
        if isinstance(state, str) and state.startswith("/"):
            status = self._json(os.path.join(state, "status", f"{name}.json"), self._owner)
        places = [each for each in values.get("places") or [] if isinstance(each, dict)]
        known = self._proofs(values, status, places)
        restored = max(filter(None, (known.restored, drills.get(name))), default=None)
        # pgBackRest reads a backup back when it is restored only.
        verified = restored if values.get("kind") == "pgbackrest" else known.verified
        repositories = Repositories.of(values, self.reader_of_tools) if values.get("kind") == "pgbackrest" else None
        away = [self._is_away(each) for each in places]
        return {
            "name": name,
            "kind": values.get("kind"),
            "encrypted": repositories.encrypted if repositories else _is_encrypted(values),
            "places": repositories.places if repositories else [_shown(each) for each in places],
            "off_host": (repositories.off_host or any(away)) if repositories else any(away),
            "outcome": status.get("outcome"),
            "last_success_epoch": self._past(status.get("last_success_unix")),
            "verified_epoch": self._past(verified),
            "restored_epoch": self._past(restored),
            "schedule": self._schedule(name),
            "scheduled": active.get(name),
        }

    def _proofs(self, values: Values, status: Values, places: t.Sequence[Values]) -> proofs.Proofs:
        """From the catalogues on this host, from the metrics, and from what the last run itself read back."""
        name = values["name"]
        found = [proofs.of_status(values.get("kind"), status)]
        metrics = values.get("metrics")
        if isinstance(metrics, str) and metrics.startswith("/"):
            path = os.path.join(metrics, f"rampart_backup_{name}.prom")
            found.append(proofs.of_metrics(self._text(path, self._owner)))
        for place in places:
            path = str(place.get("path", ""))
            if place.get("kind") == "directory" and path.startswith("/") and values.get("kind") != "pgbackrest":
                catalogue = self._text(os.path.join(path, name, "catalogue.jsonl"), self._owner)
                found.append(proofs.of_catalogue(catalogue))
        return proofs.together(found)

    def _drills(self) -> dict[str, float]:
        """When a drill on this host restored a backup of a job last."""
        found: dict[str, float] = {}
        folder = os.path.join(glob.escape(self._layout.definitions), "drills")
        for path in sorted(glob.glob(os.path.join(folder, "*.json")))[:_MOST]:
            values = self._json(path, self._reader(path))
            name, state = os.path.basename(path)[: -len(".json")], values.get("state", self._layout.states)
            if isinstance(state, str) and state.startswith("/"):
                status = os.path.join(state, "status", f"{name}.json")
                moment = self._json(status, self._reader(status)).get("last_success_unix")
                if isinstance(moment, (int, float)):
                    job = str(values.get("job"))
                    found[job] = max(moment, found.get(job, 0))
        return found

    def _schedule(self, name: str) -> str | None:
        paths = self._layout.paths(name)
        return calendar_of(self._text(paths.timer, self._host), self._text(paths.cron, self._host))

    def _active(self, names: t.Sequence[str]) -> dict[str, bool]:
        """Which jobs something starts in time; nothing of a job where nobody tells."""
        cron = {name: True for name in names if os.path.exists(self._layout.paths(name).cron)}
        if not names or not os.path.isdir(self._layout.systemd):
            return {**dict.fromkeys(names, False), **cron}
        units = [os.path.basename(self._layout.paths(name).timer) for name in names]
        told = answer_of("systemctl", "show", "--property=Id,ActiveState", "--", *units)
        if not told:
            self._problems.append("systemctl does not tell which timers of jobs run")
            return cron
        blocks = [dict(line.partition("=")[::2] for line in block.splitlines()) for block in told.split("\n\n")]
        states = {block.get("Id"): block.get("ActiveState") == "active" for block in blocks}
        return {**{name: states.get(unit, False) for name, unit in zip(names, units)}, **cron}

    def _is_away(self, place: Values) -> bool:
        """Whether backups in a place are on another host: by its kind, by its file system, or as a vault fetches them."""
        if place.get("kind") != "directory" or place.get("path") in self._offered():
            return True
        mount = mount_of(os.path.normpath(str(place.get("path", "/"))), self._text(_MOUNTS, self._host))
        return mount is not None and bool(_ELSEWHERE.fullmatch(mount.kind))

    def _offered(self) -> set[str]:
        """The directories that keys of vaults may fetch from."""
        path = os.path.join(self._layout.definitions, _OFFERED)
        offers = self._parsed(path, self._reader(path))
        return (
            {str(each.get("path")) for each in offers if isinstance(each, dict)} if isinstance(offers, list) else set()
        )

    def reader_of_tools(self, path: str) -> str:
        """The text of a configuration of another tool."""
        return self._text(path, self._reader(path))

    def _reader(self, path: str) -> Account:
        """With whose rights: root's only where nobody else could have put something there."""
        if os.geteuid() != 0:
            return self._owner
        try:
            found = [each for _place, each in way_to(path)]
        except OSError:
            return self._owner
        safe = all(each.st_uid == 0 and not each.st_mode & _OTHERS_WRITE for each in found)
        return self._host if safe else account_of(found[-1].st_uid) if found[-1].st_uid else self._owner

    def _json(self, path: str, reader: Account) -> Values:
        values = self._parsed(path, reader)
        return values if isinstance(values, dict) else {}

    def _parsed(self, path: str, reader: Account) -> object:
        try:
            return json.loads(self._text(path, reader) or "null")
        except (ValueError, RecursionError):
            self._problems.append(f"{path} is not understood")
            return None

    def _text(self, path: str, reader: Account) -> str:
        try:
            found = read_file(path, reader)
        except RampartError as error:
            self._problems.append(str(error))
            return ""
        return found.text if found else ""

    def _past(self, moment: object) -> int | None:
        """In whole seconds; what is yet to come did not happen."""
        if isinstance(moment, bool) or not isinstance(moment, (int, float)) or not 0 < moment <= self._now + 3600:
            return None
        return int(moment)


def calendar_of(timer: str, cron: str) -> str | None:
    """When a unit of a timer or a file for cron starts its job; pure."""
    found = _CALENDAR.search(timer)
    columns = _CRON.search(cron)
    if found:
        return found["calendar"].strip()
    return " ".join(columns["columns"].split()) if columns else None


def _is_encrypted(values: Values) -> bool | None:
    encryption = values.get("encryption")
    method = encryption.get("method", "age") if isinstance(encryption, dict) else None
    return None if method is None else method != "none"


def _shown(place: Values) -> str:
    """As the program itself calls a place."""
    if place.get("kind") == "directory":
        return str(place.get("path", ""))
    if place.get("kind") == "rclone":
        return str(place.get("remote", ""))
    return f"{place.get('account', '')}@{place.get('host', '')}"
