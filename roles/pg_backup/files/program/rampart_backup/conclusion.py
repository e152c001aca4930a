# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a run ends: one lock while it lasts, and afterwards status, metrics, journal and whom the operator named."""

from __future__ import annotations

import contextlib
import datetime
import fcntl
import json
import os
import time
import typing as t

from . import telling
from .faults import Busy
from .faults import ClockFault
from .faults import DefinitionFault
from .faults import Ended
from .faults import Fault

if t.TYPE_CHECKING:
    from .definition import Notify

__all__ = ["Conclusion", "conclude_killed", "concluding", "locked", "status_file"]

_MOMENT: t.Final = 20  # bytes of one
_JUMP: t.Final = 60  # seconds; a clock that is set right in passing moves by less


def status_file(state: str, name: str) -> str:
    """Where the status of the last run of a job or drill is."""
    return os.path.join(state, "status", f"{name}.json")


@contextlib.contextmanager
def concluding(name: str, state: str, metrics: str, notify: Notify) -> t.Iterator[Conclusion]:
    """One run at a time; raises ``Busy`` while another one lasts. One that was killed before is told of first."""
    with contextlib.ExitStack() as stack:
        try:
            killed = stack.enter_context(locked(state, name))
        except Fault as fault:
            # The status is that of the other run, or there can be none.
            values = {"job": name, "outcome": "failed", "exit_status": fault.status, "error": str(fault)}
            telling.notify(notify, values)
            raise
        _tell_of_killed(killed, name, state, metrics, notify)
        yield Conclusion(name, state, metrics, notify)


def conclude_killed(name: str, state: str, metrics: str, notify: Notify) -> int:
    """Tell of a run that was killed, and could not do so itself; returns its exit status, 0 when there is none."""
    try:
        with locked(state, name) as killed:
            return _tell_of_killed(killed, name, state, metrics, notify)
    except Busy:
        return 0


def _tell_of_killed(began: str, name: str, state: str, metrics: str, notify: Notify) -> int:
    if not began:
        return 0
    conclusion = Conclusion(name, state, metrics, notify)
    conclusion.fault = Ended(f"the run that began at {began} was killed, or its host went down")
    return conclusion.tell()


@contextlib.contextmanager
def locked(state: str, name: str) -> t.Iterator[str]:
    """One run at a time; raises ``Busy`` while another one lasts.

    Gives the moment when the one before began, if that was killed: each writes it into the lock, and takes it out.
    """
    directory = os.path.join(state, "locks")
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        os.makedirs(directory, mode=0o700, exist_ok=True)
        descriptor = os.open(os.path.join(directory, name), flags, 0o600)
    except OSError as error:
        raise DefinitionFault(f"state: {state} cannot be used: {error}") from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Busy(f"another run of {name} has not ended") from None
        before = os.pread(descriptor, _MOMENT, 0).decode("ascii", "replace")
        with contextlib.suppress(OSError):  # on a full disk; the run itself will tell
            os.pwrite(descriptor, telling.now().encode(), 0)
        try:
            yield before
        finally:
            os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


class Conclusion:
    """What becomes of a run. ``values`` are what it has to say of its own, ``fault`` what it failed with.

    ``measures`` are metrics of its own, which are told whatever becomes of it.
    """

    def __init__(self, name: str, state: str, metrics: str, notify: Notify) -> None:
        self._name = name
        self._state = state
        self._metrics = metrics
        self._notify = notify
        self._began = datetime.datetime.now(datetime.timezone.utc)
        self._clock = time.clock_gettime(time.CLOCK_BOOTTIME)
        self.values: dict[str, t.Any] = {}
        self.measures: dict[str, float | None] = {}
        self.fault: Fault | None = None

    @property
    def began(self) -> datetime.datetime:
        """When it began, in UTC."""
        return self._began

    @contextlib.contextmanager
    def judged(self) -> t.Iterator[None]:
        """Whatever ends the block is what the run failed with, so that none ends without an alarm."""
        try:
            yield
        except Fault as fault:
            self.fault = fault
        except KeyboardInterrupt:
            self.fault = Ended("ended by SIGINT")
        except Exception as error:
            self.fault = Fault(f"{type(error).__name__}: {error}")

    def tell(self) -> int:
        """Write everything down; returns the exit status."""
        path = status_file(self._state, self._name)
        before = telling.read_json(path)
        self._judge_clock(str(before.get("finished", "")))
        status = self._status(before)
        try:
            os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
            telling.replace(path, json.dumps(status, sort_keys=True, indent=1) + "\n", mode=0o600)
        except OSError as error:
            telling.log(f"state: {path}: {error.strerror}", level="error", job=self._name)
            self.fault = self.fault or Fault(f"state: {path}: {error.strerror}")
            status = self._status(before)
        if self._metrics:
            self._measure(status)
        fields = {name: status.get(name, "") for name in ("job", "outcome", "exit_status", "id", "seconds", "size")}
        if self.fault is None:
            telling.log(f"{self._name} ended well", **fields)
        else:
            telling.log(f"{self._name} FAILED: {self.fault}", level="error", **fields)
        telling.notify(self._notify, status)
        return 0 if self.fault is None else self.fault.status

    def _judge_clock(self, before: str) -> None:
        """Times are compared with those of the run before, and with a clock that nobody sets."""
        if self.fault is not None:
            return
        passed = self._seconds()
        jumped = (datetime.datetime.now(datetime.timezone.utc) - self._began).total_seconds() - passed
        if abs(jumped) > _JUMP:
            self.fault = ClockFault(f"the clock of this host jumped by {jumped:.0f} seconds during the run")
        elif before > telling.stamp(self._began + datetime.timedelta(seconds=_JUMP)):
            self.fault = ClockFault(
                f"the run before ended at {before}, and this one began at {telling.stamp(self._began)}: the clock of this"
                " host was wrong, or is"
            )

    def _seconds(self) -> float:
        return time.clock_gettime(time.CLOCK_BOOTTIME) - self._clock

    def _status(self, before: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        good = self.fault is None
        return {
            "job": self._name,
            "outcome": "ok" if good else "failed",
            "exit_status": 0 if self.fault is None else self.fault.status,
            "error": "" if self.fault is None else str(self.fault),
            "started": telling.stamp(self._began),
            "finished": telling.now(),
            "seconds": round(self._seconds(), 3),
            **self._success(before),
            **self.values,
        }

    def _success(self, before: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        """When the last one was. What is yet to come was no success, and would keep an alarm silent for as long."""
        if self.fault is None or isinstance(self.fault, ClockFault):
            return {"last_success": telling.now(), "last_success_unix": time.time()}
        text, moment = before.get("last_success", ""), before.get("last_success_unix")
        if isinstance(moment, (int, float)) and moment > time.time() + _JUMP:
            text, moment = "", None
        return {"last_success": text, "last_success_unix": moment}

    def _measure(self, status: t.Mapping[str, t.Any]) -> None:
        values = {
            "last_run_timestamp_seconds": time.time(),
            "last_run_exit_status": status["exit_status"],
            "last_run_duration_seconds": status["seconds"],
            "last_success_timestamp_seconds": status["last_success_unix"],
            "size_bytes": status.get("size") if self.fault is None else None,
            **self.measures,
        }
        try:
            telling.metrics(self._metrics, self._name, values)
        except OSError as error:
            telling.log(f"metrics: {self._metrics}: {error.strerror}", level="error", job=self._name)
