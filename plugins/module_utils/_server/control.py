# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A reload, and the wait for a server that starts, proved by asking it; private to the collection."""

from __future__ import annotations

import time
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import ConnectionFailed
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import ServerRefused
from ansible_collections.rampart.postgresql.plugins.module_utils._server.sql import Literal
from ansible_collections.rampart.postgresql.plugins.module_utils._server.sql import compose

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.session import Session

__all__ = ["reload", "wait_for_login"]

_PAUSE = 0.05  # seconds between two looks
_NOW = "SELECT pg_catalog.clock_timestamp()::text AS moment"
_LOADED_SINCE = "SELECT pg_catalog.pg_conf_load_time() > {moment} AS loaded"


def reload(
    session: Session, open_session: t.Callable[[], Session], timeout: int, *, may_lock_out: bool = False
) -> Session:
    """Reload through ``session``; return a new login that was made after the server had read its files.

    A login is forked by the postmaster when it has worked through the whole signal, so its load time proves that
    parameters were read. A refused login means that this run is locking itself out, and raises, unless the operator
    wants it so: then ``session`` goes on.
    """
    moment = session.rows(_NOW)[0]["moment"]
    query = compose(_LOADED_SINCE, moment=Literal(moment))
    session.reload_configuration()
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        fresh = _login_or(session if may_lock_out else None, open_session)
        if fresh.rows(query)[0]["loaded"]:
            return fresh
        if fresh is not session:
            fresh.close()
        time.sleep(_PAUSE)
    raise ServerRefused(
        f"the server did not load its configuration within timeout ({timeout} s): its log names the faulty line"
    )


def _login_or(session: Session | None, open_session: t.Callable[[], Session]) -> Session:
    """A new login, or ``session``, where there is one, when the login is refused."""
    try:
        return open_session()
    except ConnectionFailed:
        if session is None:
            raise
        return session


def wait_for_login(open_session: t.Callable[[], Session], timeout: int) -> Session:
    """The first session that a starting server accepts."""
    deadline = time.monotonic() + timeout
    while True:
        try:
            return open_session()
        except ConnectionFailed as error:
            if time.monotonic() >= deadline:
                message = f"no login within timeout ({timeout} s) after the restart: {error.reason}"
                raise ConnectionFailed(message) from None
            time.sleep(_PAUSE)
