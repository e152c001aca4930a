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
from .faults import DefinitionFault
from .faults import Fault

if t.TYPE_CHECKING:
    from .definition import Notify

__all__ = ["Conclusion", "locked", "status_file"]


def status_file(state: str, name: str) -> str:
    """Where the status of the last run of a job or drill is."""
    return os.path.join(state, "status", f"{name}.json")


@contextlib.contextmanager
def locked(state: str, name: str) -> t.Iterator[None]:
    """One run at a time; raises ``Busy`` while another one lasts."""
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
        yield
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
        self._clock = time.monotonic()
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
        except Exception as error:
            self.fault = Fault(f"{type(error).__name__}: {error}")

    def tell(self) -> int:
        """Write everything down; returns the exit status."""
        path = status_file(self._state, self._name)
        status = self._status(telling.read_json(path))
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        telling.replace(path, json.dumps(status, sort_keys=True, indent=1) + "\n", mode=0o600)
        if self._metrics:
            self._measure(status)
        fields = {name: status.get(name, "") for name in ("job", "outcome", "exit_status", "id", "seconds", "size")}
        if self.fault is None:
            telling.log(f"{self._name} ended well", **fields)
        else:
            telling.log(f"{self._name} FAILED: {self.fault}", level="error", **fields)
        telling.notify(self._notify, status)
        return 0 if self.fault is None else self.fault.status

    def _status(self, before: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        good = self.fault is None
        return {
            "job": self._name,
            "outcome": "ok" if good else "failed",
            "exit_status": 0 if self.fault is None else self.fault.status,
            "error": "" if self.fault is None else str(self.fault),
            "started": telling.stamp(self._began),
            "finished": telling.now(),
            "seconds": round(time.monotonic() - self._clock, 3),
            "last_success": telling.now() if good else before.get("last_success", ""),
            "last_success_unix": time.time() if good else before.get("last_success_unix"),
            **self.values,
        }

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
