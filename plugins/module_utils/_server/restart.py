# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A restart that is made only when something waits for it, and is proved afterwards; private to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import NotConverged
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._server import control
from ansible_collections.rampart.postgresql.plugins.module_utils._server.drain import drain
from ansible_collections.rampart.postgresql.plugins.module_utils._server.fallback import Fallback
from ansible_collections.rampart.postgresql.plugins.module_utils._server.log import LogTail
from ansible_collections.rampart.postgresql.plugins.module_utils._server.pending import Waiting
from ansible_collections.rampart.postgresql.plugins.module_utils._server.pending import waiting
from ansible_collections.rampart.postgresql.plugins.module_utils._server.rehearsal import rehearse_present
from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server
from ansible_collections.rampart.postgresql.plugins.module_utils._server.standbys import check_order

__all__ = ["RestartOutcome", "RestartWish", "restart_if_needed"]


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
        outcome = RestartOutcome(found, control.restart_method(server.cluster), needed=bool(found) or wish.force)
        if not outcome.needed:
            return outcome
        server.refuse_if_managed(
            by="patroni",
            subject="the restart of this server",
            where="use patronictl restart, which keeps its leader",
        )
        if wish.standby_order == "enforce":
            check_order(server, found)
        notes = rehearse_present(server, {each.name: each.configured for each in found})
        if not check_mode:
            notes += _drain(server, wish)
            _restart(server, outcome.method)
            _assert_nothing_waits(server)
        return dataclasses.replace(outcome, notes=notes)


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


def _restart(server: Server, method: str) -> None:
    """A server that does not come up again gets back what it ran with."""
    log = LogTail(server.cluster.log_file, server.owner)
    directory = server.history.directory  # worked out while the server can be asked
    with Fallback.ready(server) as fallback:
        try:
            server.restart(method)
        except RampartError as error:
            if server.is_running:
                raise
            said = log.lines()
            restored = _put_back(server, method, fallback, error, said)
            raise NotConverged(
                f"the server did not start again ({error}). It runs now with what it had before, which was put back:"
                f" {'; '.join(restored) or 'nothing had to be'}. The files before that are in {directory}."
                f" Its log: {_last(said)}",
                log=said,
                restored=restored,
            ) from None


def _put_back(server: Server, method: str, fallback: Fallback, error: RampartError, said: list[str]) -> list[str]:
    """Start the server with what it ran with; the worst error that there is when that fails too."""
    try:
        restored = fallback.put_back()
        server.restart(method)
    except RampartError as second:
        raise NotConverged(
            f"THE SERVER IS DOWN. It did not start again ({error}), and not with what it had before either ({second})."
            f" Its log: {_last(said)}",
            log=said,
        ) from None
    return restored


def _last(said: list[str]) -> str:
    return " | ".join(said[-8:]) or "not in a file that is known here"


def _assert_nothing_waits(server: Server) -> None:
    remaining = [each.name for each in waiting(server)]
    if remaining:
        raise NotConverged(
            f"the server was restarted and is up, but still waits for a restart to change {', '.join(remaining)}",
            remaining=remaining,
        )
