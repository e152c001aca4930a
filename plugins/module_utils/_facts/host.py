# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the host of a cluster tells: files, system, unit, account, sudo and packages; private to the collection."""

from __future__ import annotations

import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._facts.account import account_facts
from ansible_collections.rampart.postgresql.plugins.module_utils._facts.files import NO_FILES
from ansible_collections.rampart.postgresql.plugins.module_utils._facts.files import files_of
from ansible_collections.rampart.postgresql.plugins.module_utils._facts.sudo import sudo_of
from ansible_collections.rampart.postgresql.plugins.module_utils._facts.system import system_of
from ansible_collections.rampart.postgresql.plugins.module_utils._facts.texts import readable
from ansible_collections.rampart.postgresql.plugins.module_utils._facts.unit import unit_of

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._facts.packages import Packages
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server

__all__ = ["host_facts"]

_CHECKSUMS = "SELECT setting FROM pg_catalog.pg_settings WHERE name = 'data_checksums' ORDER BY 1"

Part = t.TypeVar("Part")


def host_facts(
    server: Server,
    packages: Packages | None,
    unreadable: dict[str, str],
    *,
    more: t.Sequence[tuple[str, str]] = (),
) -> dict[str, object]:
    """The facts ``files``, with ``more`` of them, and ``host``; what cannot be read is None and named in ``unreadable``.

    ``packages`` were asked for when the server is on this host. Who may not reach its files learns these and the system.
    """

    def part(name: str, look: t.Callable[[], Part]) -> Part | None:
        """One that cannot be read keeps nobody from the others."""
        try:
            if server.has_files:
                return look()
            unreadable[name] = NO_FILES
        except (RampartError, OSError) as error:
            unreadable[name] = str(error)
        return None

    files = part("files", lambda: files_of(server, unreadable, more=more))
    if packages is None:
        unreadable["host"] = NO_FILES
        return {"files": readable(files), "host": None}
    host = {
        "checksums": server.session.rows(_CHECKSUMS)[0]["setting"] == "on",
        "system": system_of(unreadable),
        "unit": part("host.unit", lambda: unit_of(server, unreadable)),
        "account": part("host.account", lambda: account_facts(server, unreadable)),
        "sudo": part("host.sudo", lambda: sudo_of(server.owner, unreadable)),
        **packages.told(unreadable),
    }
    unreadable.update(readable(unreadable))
    return {"files": readable(files), "host": readable(host)}
