"""Runs a module in a child process that sends itself SIGKILL right before its n-th step: before each file that it opens
for writing, each write, rename, unlink and fsync, each statement and each login.
"""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
import signal
import sys
import traceback
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server as OpenedServer
from ansible_collections.rampart.postgresql.plugins.module_utils._server.session import Options
from ansible_collections.rampart.postgresql.tests.conformance.modules import call_main

if t.TYPE_CHECKING:
    import types

    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

__all__ = ["MOST_STEPS", "Killed", "killed_at", "leftovers"]

STRUCK = "struck"
MOST_STEPS = 500  # steps of one run; it has some dozens

_FILES = frozenset(("fchmod", "fchown", "fsync", "mkdir", "open", "rename", "setxattr", "unlink"))
_STREAMS = frozenset(("flush", "write"))
_SOCKETS = frozenset(("connect", "sendall"))
_STATEMENTS = frozenset(("connect", "execute"))


class Steps:
    """Counts what a run asks of the operating system and of the server from its first change on; may end it there."""

    def __init__(
        self, fatal: int, report: t.Callable[[str], None], kind: str, strike: t.Callable[[], None] | None
    ) -> None:
        self._fatal = fatal
        self._strike = strike
        self._kind = kind
        self._report = report
        self._count = 0
        self._begun = False

    def __call__(self, frame: types.FrameType, event: str, argument: t.Any) -> None:
        name = ""
        if event == "call":
            name = self._called(frame)
        elif event == "c_call" and self._begun:
            name = _c_called(frame, argument)
        if not name:
            return
        self._count += self._kind in ("", name)
        self._report(name)
        if self._count == self._fatal and self._kind in ("", name):
            if self._strike is None:
                os.kill(os.getpid(), signal.SIGKILL)
            else:
                self._report(STRUCK)
                self._strike()

    def _called(self, frame: types.FrameType) -> str:
        code, caller = frame.f_code, frame.f_back
        if code.co_name == "make" and code.co_filename.endswith("_server/apply.py"):
            first, self._begun = not self._begun, True
            return "begin" if first else ""
        if not self._begun or caller is None or not caller.f_code.co_filename.endswith("_server/drivers.py"):
            return ""
        return f"login {code.co_name}" if code.co_name in _STATEMENTS and "psycopg" in code.co_filename else ""


def _c_called(frame: types.FrameType, function: t.Any) -> str:
    name = str(function.__name__)
    if function.__module__ == "posix":
        return name if name in _FILES else ""
    if "module_utils" not in frame.f_code.co_filename:
        return ""
    if name in _SOCKETS and type(function.__self__).__name__ == "socket":
        return f"socket {name}"
    return f"stream {name}" if name in _STREAMS else ""


@dataclasses.dataclass(frozen=True)
class Killed:
    """How a run ended, and its steps."""

    by_signal: bool
    steps: tuple[str, ...]
    struck: bool = False


def killed_at(
    step: int,
    module: str,
    server: Server,
    *,
    of_kind: str = "",
    strike: t.Callable[[], None] | None = None,
    **options: t.Any,
) -> Killed:
    """Run a module, without a rehearsal, until right before a step; ``of_kind`` counts only those of this name.

    Where there is a ``strike``, that is what happens then, and the module goes on as it can.
    """
    values = {"cluster": str(server.data_directory), "rehearse": False, **options}
    request = json.dumps({"ANSIBLE_MODULE_ARGS": values}).encode()
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            sys.setprofile(Steps(step, lambda name: _tell(writer, name), of_kind, strike))
            call_main(module, request)
        except SystemExit as ended:
            sys.setprofile(None)
            os._exit(int(ended.code or 0))
        except BaseException:
            sys.setprofile(None)
            traceback.print_exc()
        os._exit(1)
    os.close(writer)
    with os.fdopen(reader, encoding="utf-8") as told:
        steps = tuple(told.read().splitlines())
    _pid, status = os.waitpid(child, 0)
    struck = STRUCK in steps
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0 or struck, steps
    return Killed(os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL, steps, struck)


def _tell(writer: int, name: str) -> None:
    os.write(writer, f"{name}\n".encode())


def leftovers(server: Server) -> list[pathlib.Path]:
    """Temporary files of runs, among the data and among the previous versions."""
    with OpenedServer.open(Options(cluster=str(server.data_directory))) as opened:
        history = pathlib.Path(opened.history.directory)
    return [path for place in (server.data_directory, history) for path in place.rglob("*.rampart-*")]
