# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A restart that is made only when something waits for it, and is proved afterwards; private to the collection."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import time
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import NotConverged
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import ServerRefused
from ansible_collections.rampart.postgresql.plugins.module_utils._server.discovery import Cluster
from ansible_collections.rampart.postgresql.plugins.module_utils._server.discovery import postmaster_of
from ansible_collections.rampart.postgresql.plugins.module_utils._server.drain import drain
from ansible_collections.rampart.postgresql.plugins.module_utils._server.fallback import Fallback
from ansible_collections.rampart.postgresql.plugins.module_utils._server.pending import Waiting
from ansible_collections.rampart.postgresql.plugins.module_utils._server.pending import faulty_lines
from ansible_collections.rampart.postgresql.plugins.module_utils._server.pending import waiting
from ansible_collections.rampart.postgresql.plugins.module_utils._server.rehearsal import rehearse_present
from ansible_collections.rampart.postgresql.plugins.module_utils._server.runner import Runner
from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server
from ansible_collections.rampart.postgresql.plugins.module_utils._server.standbys import check_order
from ansible_collections.rampart.postgresql.plugins.module_utils._server.start_log import StartLog

__all__ = ["RestartOutcome", "RestartWish", "examine", "prepare", "restart_if_needed"]

_STEADY = 2.0  # seconds after which a server that starts again and again is another process
_LOGIN = 2  # seconds for a login at a server that somebody else has started
_START_LOG = "server.log"
_SHOWN = 8  # lines of the log in a message
_FATAL = re.compile("(FATAL|PANIC): ")
_REPLAYING = "starting"  # as postmaster.pid calls it once the server listens


@dataclasses.dataclass(frozen=True)
class RestartWish:
    """The options of a restart. Times in seconds."""

    force: bool = False
    drain: int = 0
    drain_expired: str = "fail"  # or restart
    standby_order: str = "enforce"  # or ignore

    @classmethod
    def from_task(cls, values: t.Mapping[str, t.Any]) -> RestartWish:
        """Take the options out of a module's parameters."""
        wish = cls(**{field.name: values[field.name] for field in dataclasses.fields(cls)})
        if wish.drain < 0:
            raise InputError(option="drain", value=wish.drain, expected="a number of seconds from 0 up")
        return wish


@dataclasses.dataclass(frozen=True)
class RestartOutcome:
    """What waited, how the server was or would be restarted, and what must be told."""

    waiting: tuple[Waiting, ...]
    method: str
    needed: bool
    notes: tuple[str, ...] = ()

    def result(self) -> dict[str, t.Any]:
        """Return values of the module, but for ``restarted`` and the notes, which are warnings."""
        return {
            "changed": self.needed,
            "pending": [each.name for each in self.waiting],
            "method": self.method,
            "diff": {
                "before": "".join(f"{each.name} = {each.running}\n" for each in self.waiting),
                "after": "".join(f"{each.name} = {each.configured}\n" for each in self.waiting),
            },
        }


def restart_if_needed(server: Server, wish: RestartWish, *, check_mode: bool) -> RestartOutcome:
    """Restart when a parameter waits for it or ``force`` says so; raise unless the server is back and nothing waits."""
    with server.lock(shared=check_mode):
        found = waiting(server)
        runner = Runner.of(server.cluster, server.owner)  # which only a running server tells
        outcome = RestartOutcome(found, str(runner), needed=bool(found) or wish.force)
        if not outcome.needed:
            return outcome
        notes = examine(server, runner, wish, found)
        if not check_mode:
            server.session.require_transactions()
            notes += prepare(server, wish)
            notes += _Restart(server, runner).run()
            _assert_nothing_waits(server)
        return dataclasses.replace(outcome, notes=notes)


def examine(server: Server, runner: Runner, wish: RestartWish, found: tuple[Waiting, ...]) -> tuple[str, ...]:
    """Raise for whatever speaks against a restart; changes nothing."""
    server.refuse_if_managed(
        by="patroni",
        subject="the restart of this server",
        where="use patronictl restart, which keeps its leader",
    )
    runner.check()
    faults = faulty_lines(server)
    if faults:
        raise RampartError(f"the server was not restarted, as it would not start with its files: {'; '.join(faults)}")
    notes = check_order(server, found) if wish.standby_order == "enforce" else ()
    return notes + rehearse_present(server, {each.name: each.configured for each in found})


def prepare(server: Server, wish: RestartWish) -> tuple[str, ...]:
    """Make the stop a short one, let others end, and see that the files as they are now let this run in again."""
    try:
        server.session.statement("CHECKPOINT")
    except ServerRefused as error:
        raise RampartError(
            f"the server was not restarted: its stop begins with a checkpoint, and one did not end within timeout"
            f" ({server.options.timeout} s): {error}"
        ) from None
    notes = _drain(server, wish)
    try:
        server.reload()
    except RampartError as error:
        raise RampartError(f"the server was not restarted, as a reload of its files failed: {error}") from None
    return notes


def _drain(server: Server, wish: RestartWish) -> tuple[str, ...]:
    """Wait for others as long as they may take; says whose transactions the restart ends."""
    if not wish.drain:
        return ()
    remaining = drain(server.session, wish.drain)
    if not remaining:
        return ()
    said = f"still open after drain ({wish.drain} s): {'; '.join(map(str, remaining))}"
    if wish.drain_expired == "fail":
        raise RampartError(
            f"the server was not restarted, as transactions are {said}",
            transactions=[dataclasses.asdict(each) for each in remaining],
        )
    return (f"the restart ended transactions that were {said}",)


class _Restart:
    """One restart, and what is done when the server does not come back from it."""

    def __init__(self, server: Server, runner: Runner) -> None:
        # Worked out while the server can be asked.
        self._server = server
        self._runner = runner
        self._history = server.history.directory
        self._other_log = os.path.join(self._history, _START_LOG)
        self._log = StartLog(
            server.cluster, server.owner, unit=runner.unit, collected=server.collected_log, other=self._other_log
        )

    def run(self) -> tuple[str, ...]:
        """A server that does not come up again gets back what it ran with. Returns what must be told."""
        with Fallback.ready(self._server) as fallback:
            notes = self._where_its_log_goes()
            try:
                return notes + self._restart()
            except RampartError as error:
                return notes + self._after(error, fallback)

    def _restart(self) -> tuple[str, ...]:
        return self._server.restart(self._runner, self._log.path)

    def _where_its_log_goes(self) -> tuple[str, ...]:
        if self._log.path != self._other_log or self._server.cluster.log_file == self._other_log:
            return ()
        if self._server.read(self._other_log) is None:
            self._server.write(self._other_log, b"", mode=0o600, parents=True)
        return (
            f"the standard error of the server goes to {self._other_log} from now on, as it went to no file before",
        )

    def _after(self, error: RampartError, fallback: Fallback) -> tuple[str, ...]:
        found = postmaster_of(self._runner.cluster.data_directory)
        if found is not None:
            if found.pid == self._runner.cluster.pid:
                raise RampartError(f"the server was not restarted: {error}", log=self._log.lines())
            with contextlib.suppress(RampartError):
                self._server.log_in_again(_LOGIN)
                return (f"the server is back, although not by this run: {error}",)
            self._leave_to_recover(found, error)
        said = self._log.lines()
        restored = self._put_back(fallback, error, said)
        raise NotConverged(
            f"the server did not come back ({error}). It runs now with what it had before, which was put back:"
            f" {'; '.join(restored) or 'nothing had to be'}. The files before that are in {self._history}."
            f" Its log: {_last(said)}",
            log=said,
            restored=restored,
        ) from None

    def _leave_to_recover(self, found: Cluster, error: RampartError) -> None:
        """Raise for a server that replays its WAL: it would begin anew, with what it had before too."""
        if found.status != _REPLAYING:
            return
        time.sleep(_STEADY)
        later = postmaster_of(found.data_directory)
        if later is not None and (later.pid, later.status) == (found.pid, found.status):
            said = self._log.lines()
            raise NotConverged(
                f"the server runs with what waited, and still replays its WAL, so it was left alone ({error})."
                f" Its log: {_last(said)}",
                log=said,
            )

    def _put_back(self, fallback: Fallback, error: RampartError, said: list[str]) -> list[str]:
        """Start the server with what it ran with; the worst error that there is when that fails too."""
        try:
            restored = fallback.put_back()
            self._restart()
        except RampartError as second:
            raise NotConverged(
                f"THE SERVER {self._plight()}. It did not come back ({error}), and not with"
                f" what it had before either ({second}). Its log: {_last(self._log.lines())}",
                log=said,
            ) from None
        return restored

    def _plight(self) -> str:
        if postmaster_of(self._runner.cluster.data_directory) is not None:
            return "LETS NOBODY IN"
        return "IS DOWN, AND ITS UNIT STILL STARTS IT" if self._runner.is_starting() else "IS DOWN"


def _last(said: list[str]) -> str:
    """The last lines, or those around the last one that ended something."""
    fatal = [number for number, line in enumerate(said) if _FATAL.search(line)]
    begin = max(fatal[-1] - 2, 0) if fatal else len(said) - _SHOWN
    return " | ".join(said[max(begin, 0) :][:_SHOWN]) or "not in a place that is known here"


def _assert_nothing_waits(server: Server) -> None:
    remaining = [each.name for each in waiting(server)]
    if remaining:
        raise NotConverged(
            f"the server was restarted and is up, but still waits for a restart to change {', '.join(remaining)}",
            remaining=remaining,
        )
