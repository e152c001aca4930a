# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Adds up what the reports of a log say; private to the collection."""

from __future__ import annotations

import collections
import dataclasses
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._log_review import meanings
from ansible_collections.rampart.postgresql.plugins.module_utils._log_review.period import Period
from ansible_collections.rampart.postgresql.plugins.module_utils._log_review.records import Record
from ansible_collections.rampart.postgresql.plugins.module_utils._log_review.refusals import refusal
from ansible_collections.rampart.postgresql.plugins.module_utils._log_review.statements import Change
from ansible_collections.rampart.postgresql.plugins.module_utils._log_review.tables import Table
from ansible_collections.rampart.postgresql.plugins.module_utils._server import log_messages

__all__ = ["SAID", "Review", "Run"]

_MOST_PLACES = 10_000  # processes of which it is known where their client comes from
_MOST_RUNS = 1000
_AT_ONCE = 10.0  # seconds
SAID = "a session may have said it, as it has a statement or a context"
_STARTS = ("start", "start_without_stop", "restart")

Finding = tuple[str, tuple[t.Optional[str], ...]]


@dataclasses.dataclass
class Run:
    """How the server came to run again, or one of its processes to end."""

    kind: str
    begin: float | None
    end: float | None


class Review:
    """Takes reports in the order of their time; memory does not grow beyond ``most`` rows of each table."""

    def __init__(
        self, *, period: Period, superusers: t.Collection[str], shown: t.Collection[str], english: bool, most: int
    ) -> None:
        self._period = period
        self._superusers = frozenset(superusers)
        self._made: set[str] = set()  # superusers in the period
        self._lost: set[str] = set()  # who was made none
        self._shown = frozenset(shown)  # parameters whose values may be told
        self._english = english
        # Their oldest entries go first, which takes long in a dictionary without this order.
        self._places: collections.OrderedDict[int, str] = collections.OrderedDict()
        self._clients: collections.OrderedDict[int, tuple[str, str]] = collections.OrderedDict()  # role and database
        self._pending: collections.OrderedDict[int, tuple[Record, list[Finding]]] = collections.OrderedDict()
        self._stopped: float | None = None
        self._is_stopped = False
        self.cut = 0
        self.runs: list[Run] = []
        self.runs_left_out = 0
        self.tables = {
            "failed_logins": Table(("reason", "role", "database", "address"), most, ("reason", "address")),
            "superuser_logins": Table(("role", "database", "address"), most, ("role",)),
            "pairs": Table(("role", "address"), most, ("role",)),
            "changes": Table(
                ("source", "role", "database", "address", "command", "object", "to", "clauses"),
                most,
                ("role", "command"),
            ),
            "configuration": Table(("kind", "parameter", "value"), most, ("kind", "parameter")),
            "doubtful": Table(("why", "table", "what", "role", "database", "address"), most, ("why", "table")),
        }

    @property
    def unplaced(self) -> int:
        """How many logins there were of which the log does not say where they came from."""
        rows = self.tables["pairs"].rows()
        return sum(count.count for row, others, count in rows if row["address"] is None and not others)

    def changes_parameter(self, name: str) -> bool:
        """Whether the configuration files changed a parameter."""
        return any(row["parameter"] == name for row, _others, _count in self.tables["configuration"].rows())

    def take(self, record: Record) -> None:
        """One report."""
        if not record.doubt and meanings.is_said(record):
            record = record._replace(doubt=SAID)
        if self._english and self._arrives(record):
            return
        if not self._period.holds(record.time):
            return
        for table, values in self._findings(record):
            self._count(table, values, record)
        source, changes = meanings.asked_for(record)
        if not changes:
            self.cut += record.is_cut and source != ""
            return
        is_failure = source == "failed"
        place = (*self._client(record), self._place(record))
        for change in changes:
            if not record.doubt:
                self._promotes(change, is_failure)
            values = ("statement" if is_failure else source, *place, change.command, change.object, change.to)
            self._count("changes", (*values, change.clauses), record, failed=is_failure)

    def _promotes(self, change: Change, is_failure: bool) -> None:
        """Somebody becomes superuser, or is none any more."""
        if not change.command.endswith((" ROLE", " USER")):
            return
        clauses = change.clauses.split(", ")
        for clause, names in (("SUPERUSER", self._made), ("NOSUPERUSER", self._lost)):
            if clause in clauses and is_failure:
                names.discard(change.object)
            elif clause in clauses and len(names) < _MOST_PLACES:
                names.add(change.object)

    def gone(self, roles: t.Collection[str]) -> list[str]:
        """Those that logged in and of which it is not known whether they were superusers then; ``roles`` are those of now."""
        seen = {row["role"] for row, _others, _count in self.tables["pairs"].rows()} - {None}
        doubted = {role for role in seen if role not in roles} | (seen & self._lost)
        return sorted(t.cast("set[str]", doubted) - self._made - self._superusers)

    def _count(self, table: str, values: tuple[str | None, ...], record: Record, failed: bool = False) -> None:
        if not record.doubt:
            self.tables[table].add(values, record.time, failed=failed)
            return
        named = dict(zip(("source", "role", "database", "address", "command"), values)) if table == "changes" else {}
        what = named.get("command") or values[0]
        self.tables["doubtful"].add(
            (record.doubt, table, what, record.user, record.database, record.address), record.time
        )

    def _findings(self, record: Record) -> t.Iterator[Finding]:
        refused = refusal(record, english=self._english)
        if refused is not None:
            if record.pid is not None and not record.doubt:
                self._retract(record.pid, record.time)
            yield (
                "failed_logins",
                (refused.reason, refused.role, refused.database, refused.address or self._place(record)),
            )
        if not self._english or record.severity != "LOG":
            return
        login = log_messages.authorized(record.message)
        if login is not None:
            yield from self._login(record, login)
        changed = meanings.setting(record)
        if changed is not None:
            value = changed.value if changed.name in self._shown else None
            yield "configuration", (changed.how, changed.name, value)
        kind = meanings.incident(record)
        if kind in ("reload", "reload_refused"):
            yield "configuration", (kind, None, None)
        elif kind is not None and record.doubt:
            yield "runs", (kind,)
        elif kind is not None:
            self._happens(kind, record)

    def _login(self, record: Record, login: log_messages.Authorized) -> t.Iterator[Finding]:
        role, address = record.user or login.user, self._place(record)
        found: list[Finding] = [("pairs", (role, address))]
        if role in self._superusers or role in self._made:
            database = "(replication)" if login.replication else record.database or login.database
            found.append(("superuser_logins", (role, database, address)))
        if record.doubt or record.pid is None:
            yield from found
            return
        self._settle(record.pid)
        _keep(self._clients, record.pid, (login.user, login.database))
        self._pending[record.pid] = (record, found)
        if len(self._pending) > _MOST_PLACES:
            self._settle_oldest()

    def _settle_oldest(self) -> None:
        self._settle(next(iter(self._pending)))

    def _settle(self, pid: int) -> None:
        """A login was one: the server says that it is authorized before it looks whether the role may log in."""
        record, found = self._pending.pop(pid, (None, []))
        for table, values in found:
            self.tables[table].add(values, t.cast(Record, record).time)

    def _retract(self, pid: int, time: float | None) -> None:
        """It was none. The number of a process comes back some day, so not if it is long ago."""
        login = self._pending.get(pid)
        if login is not None and (time is None or login[0].time is None or time - login[0].time < _AT_ONCE):
            del self._pending[pid]

    def ends(self) -> None:
        """The log is read."""
        for pid in list(self._pending):
            self._settle(pid)

    def _arrives(self, record: Record) -> bool:
        """Whether it tells where a process has its client."""
        host = log_messages.received(record.message) if record.severity == "LOG" else None
        if host is None:
            return False
        if record.pid is not None and not record.doubt:
            self._settle(record.pid)
            self._clients.pop(record.pid, None)
            _keep(self._places, record.pid, host)
        return True

    def _client(self, record: Record) -> tuple[str | None, str | None]:
        """Role and database, of the login of its process where the prefix does not have them."""
        user, database = self._clients.get(record.pid or 0, (None, None))
        return record.user or user or None, record.database or database or None

    def _place(self, record: Record) -> str | None:
        return record.address or (None if record.pid is None else self._places.get(record.pid))

    def _happens(self, kind: str, record: Record) -> None:
        if kind in ("stop", "stop_requested"):
            self._stopped, self._is_stopped = record.time, kind == "stop"
        elif kind == "start":
            how = "restart" if self._is_stopped else "start" if record.before is None else "start_without_stop"
            self._add(Run(how, self._stopped if self._is_stopped else record.before, record.time))
            self._stopped, self._is_stopped = None, False
            self._places.clear()
            self._clients.clear()
        elif kind != "crash":
            self._add(Run(kind, record.before, record.time))
        elif self.runs and self.runs[-1].kind in _STARTS:
            self.runs[-1].kind = "crash"  # so the server says once it has started

    def _add(self, run: Run) -> None:
        if len(self.runs) < _MOST_RUNS:
            self.runs.append(run)
        else:
            self.runs_left_out += 1


_T = t.TypeVar("_T")


def _keep(found: collections.OrderedDict[int, _T], pid: int, value: _T) -> None:
    """What is known of a process, and of so many others that wrote lately."""
    found.pop(pid, None)
    found[pid] = value
    if len(found) > _MOST_PLACES:
        found.popitem(last=False)
