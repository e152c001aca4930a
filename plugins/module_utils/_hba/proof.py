# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Asking a server whether it works with the pg_hba.conf that is on disk; private to the collection."""

from __future__ import annotations

import secrets
import time
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._hba.sentinel import PREFIX
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.sentinel import Proof
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.sentinel import judge

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server

__all__ = ["prove"]

_PAUSE = 0.05  # seconds between two looks


def prove(server: Server, *, path: str, sentinel: str | None) -> Proof:
    """What tells whether the file is in force: its sentinel, else the log of this run's reload, else nothing."""
    verdict = None if sentinel is None else _settled(server, path, sentinel)
    if verdict is not None:
        done = "was rejected by the rule that only this file has" if verdict else "was not rejected by its first rule"
        return Proof(verdict, f"a login to {sentinel} {done}")
    if server.refused_at_reload(path):
        return Proof(False, "the server's log says that it was not reloaded")
    return Proof()


def _settled(server: Server, path: str, sentinel: str) -> bool | None:
    """The verdict, once nothing can make a yes of a no any more."""
    while True:
        control = PREFIX + secrets.token_hex(16)
        answer, controlled = server.answer_to_login(sentinel), server.answer_to_login(control)
        verdict = judge(sentinel, answer, control, controlled)
        if verdict is not False or time.monotonic() >= server.settled or server.refused_at_reload(path):
            return verdict
        time.sleep(_PAUSE)
