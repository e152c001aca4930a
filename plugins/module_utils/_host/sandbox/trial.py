# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A sandbox is tried with one restart, and taken back when the server does not come up in it; private."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import NotConverged
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._host.sandbox import archiving
from ansible_collections.rampart.postgresql.plugins.module_utils._host.sandbox.dropin import drop_in
from ansible_collections.rampart.postgresql.plugins.module_utils._host.sandbox.observe import observe
from ansible_collections.rampart.postgresql.plugins.module_utils._host.sandbox.observe import systemctl
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import LeftAlone
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Plan
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Planned
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Reload
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Step
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import WriteFile
from ansible_collections.rampart.postgresql.plugins.module_utils._server.pending import waiting
from ansible_collections.rampart.postgresql.plugins.module_utils._server.restart import RestartWish
from ansible_collections.rampart.postgresql.plugins.module_utils._server.restart import examine
from ansible_collections.rampart.postgresql.plugins.module_utils._server.restart import prepare
from ansible_collections.rampart.postgresql.plugins.module_utils._server.runner import Runner
from ansible_collections.rampart.postgresql.plugins.module_utils._server.start_log import StartLog

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._host.sandbox.state import State
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server

__all__ = ["Outcome", "Wish", "bring", "planned"]

_COMPONENT = "service_sandbox"
_MODE = 0o644
_SHOWN = 8  # lines of the log in a message


@dataclasses.dataclass(frozen=True)
class Wish:
    """The options. ``restart`` is how, where ``allow_restart`` says that it may be."""

    present: bool = True
    allow_restart: bool = False
    writable_paths: tuple[str, ...] = ()
    restart: RestartWish = RestartWish(force=True)

    @classmethod
    def from_task(cls, values: t.Mapping[str, t.Any]) -> Wish:
        """Take the options out of a module's parameters."""
        return cls(
            present=values["state"] == "present",
            allow_restart=values["allow_restart"],
            writable_paths=tuple(values["writable_paths"]),
            restart=RestartWish.from_task({**values, "force": True, "standby_order": "enforce"}),
        )


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What was found, done and left."""

    state: State
    plan: Plan
    notes: tuple[str, ...] = ()

    def result(self) -> dict[str, t.Any]:
        """Return values of the module."""
        result = self.plan.result()
        result["warnings"] += self.notes
        return {
            **result,
            "unit": self.state.unit,
            "writable": [dataclasses.asdict(place) for place in self.state.places],
            "waiting": bool(result["left_alone"]),
        }


def planned(state: State, wish: Wish) -> Planned:
    """One step at most; none without leave to restart, as a sandbox that was never tried waits for the next boot. Pure."""
    content = drop_in(state, wish.writable_paths).encode() if wish.present else None
    same = content == state.content
    if same and not state.lacking:
        return Planned()
    described = "run the server in a sandbox" if wish.present else "run the server without the sandbox"
    if same:
        still = "in which it does not run yet" if wish.present else "in which it runs still"
        described += f", {still}: {', '.join(state.lacking)}"
    if not wish.allow_restart:
        reason = f"to {described} needs a restart, which allow_restart has to permit"
        return Planned(left_alone=(LeftAlone(_COMPONENT, state.unit, reason),))
    return Planned(
        steps=(
            Step(
                component=_COMPONENT,
                subject=state.path,
                description=described,
                before=(state.content or b"").decode("utf-8", "replace"),
                after=(content or b"").decode(),
                operation=Reload() if same else WriteFile(state.path, state.content, content, mode=_MODE, by_root=True),
                statement=f"systemctl restart {state.unit}",
            ),
        )
    )


def bring(server: Server, wish: Wish, *, check_mode: bool) -> Outcome:
    """Confine the server, or end that; raise unless it runs so afterwards."""
    with server.lock(shared=check_mode):
        server.refuse_if_managed(
            by="patroni", subject="the unit of this server", where="the unit of Patroni is the one to confine"
        )
        runner = Runner.of(server.cluster, server.owner)
        state = observe(server, runner, wish.writable_paths)
        plan = Plan((planned(state, wish),))
        if not plan.steps:
            return Outcome(state, plan)
        _refuse_waiting(server)
        notes = examine(server, runner, wish.restart, ())
        if not check_mode:
            server.session.require_transactions()
            notes += _Trial(server, runner, wish, state).run()
        return Outcome(state, plan, notes)


def _refuse_waiting(server: Server) -> None:
    """With one cause at most a server that does not come back can be helped."""
    names = [each.name for each in waiting(server)]
    if names:
        raise RampartError(
            f"the sandbox was not tried, as the server waits for a restart to change {', '.join(names)}: restart it first"
            " (server_restart)"
        )


class _Trial:
    def __init__(self, server: Server, runner: Runner, wish: Wish, state: State) -> None:
        self._server = server
        self._runner = runner
        self._wish = wish
        self._state = state
        # Worked out while the server can be asked.
        self._log = StartLog(server.cluster, server.owner, unit=runner.unit, collected=server.collected_log, other=None)

    def run(self) -> tuple[str, ...]:
        """Write, restart, prove; whatever goes wrong takes it back. Returns what must be told."""
        notes = prepare(self._server, self._wish.restart)
        archived = archiving.observe(self._server)
        content = drop_in(self._state, self._wish.writable_paths).encode() if self._wish.present else None
        self._begin(content)
        try:
            notes += self._server.restart(self._runner, self._log.path)
            self._prove(content)
            if content is not None:
                notes += archiving.prove(self._server, archived)
        except BaseException as error:  # an interruption too must not leave a server that is down
            said = self._log.lines()
            undone = self._take_back(error, said)
            if not isinstance(error, RampartError):
                raise
            raise NotConverged(
                f"{error}. {undone}. Its log: {' | '.join(said[-_SHOWN:]) or 'says nothing'}", log=said, undone=[undone]
            ) from None
        return notes

    def _begin(self, content: bytes | None) -> None:
        """A unit that could not be written is no reason for a restart."""
        try:
            self._write(content)
        except BaseException:
            with contextlib.suppress(RampartError):
                self._write(self._state.content)
            raise

    def _prove(self, content: bytes | None) -> None:
        self._server.reload()
        now = observe(self._server, Runner.of(self._server.cluster, self._server.owner), self._wish.writable_paths)
        if now.content != content:
            raise NotConverged(f"{now.path} was changed by somebody else meanwhile")
        if now.lacking:
            raise NotConverged(f"the server was restarted, but not confined as it should be: {', '.join(now.lacking)}")

    def _take_back(self, error: BaseException, said: list[str]) -> str:
        undone = "This was taken back, and the server runs as it did before"
        try:
            self._write(self._state.content)
        except RampartError as second:  # a server that is down needs its restart all the more
            undone = f"The server was restarted, but this could not be taken back: {second}"
        try:
            self._server.restart(self._runner, self._log.path)
        except RampartError as second:
            raise NotConverged(
                f"THE SERVER IS DOWN. It did not come back ({error}), and not as it ran before either ({second})."
                f" Its log: {' | '.join(said[-_SHOWN:])}",
                log=said,
            ) from None
        return undone

    def _write(self, content: bytes | None) -> None:
        path = self._state.path
        directory = os.path.dirname(path)
        try:
            if content is not None and not os.path.isdir(directory):
                os.mkdir(directory)
                os.chmod(directory, 0o755)  # whatever the umask is: everybody may read units
        except OSError as error:
            raise RampartError(f"cannot make {directory}: {error.strerror}") from None
        if os.path.isdir(directory):
            self._server.write(path, content, mode=_MODE, by_root=True)
        if content is None:
            with contextlib.suppress(OSError):  # others have drop-ins there
                os.rmdir(directory)
        systemctl("daemon-reload")
