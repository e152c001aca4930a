# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Looks at the files of a cluster and of the account that owns it; private to the collection."""

from __future__ import annotations

import contextlib
import os
import stat
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._host.account import secrets
from ansible_collections.rampart.postgresql.plugins.module_utils._host.account.files import files_of
from ansible_collections.rampart.postgresql.plugins.module_utils._host.account.files import stat_of
from ansible_collections.rampart.postgresql.plugins.module_utils._host.account.places import of_the_account
from ansible_collections.rampart.postgresql.plugins.module_utils._host.account.places import of_the_host
from ansible_collections.rampart.postgresql.plugins.module_utils._host.account.state import Finding
from ansible_collections.rampart.postgresql.plugins.module_utils._host.account.state import Package
from ansible_collections.rampart.postgresql.plugins.module_utils._host.account.state import State
from ansible_collections.rampart.postgresql.plugins.module_utils._host.account.sudo import of_sudo
from ansible_collections.rampart.postgresql.plugins.module_utils._host.account.sudo import with_shell
from ansible_collections.rampart.postgresql.plugins.module_utils._host.sources import packages_of
from ansible_collections.rampart.postgresql.plugins.module_utils._server.files import read_file
from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import Account
from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import account_of

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._host.account.state import Found
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server

__all__ = ["observe"]

_LIBRARIES = "SELECT c.setting AS directory FROM pg_catalog.pg_config c WHERE c.name = 'PKGLIBDIR' ORDER BY c.setting"
_SERVICES = ("/etc/postgresql-common/pg_service.conf", "/etc/pg_service.conf", "/etc/sysconfig/pgsql/pg_service.conf")
_OTHERS_READ = 0o004
_GROUP_READS = 0o040

Search = t.Callable[[str, str], "list[Finding]"]


def observe(server: Server) -> State:
    """Read everything; write nothing."""
    files, owner = files_of(server), server.owner
    packages, unpackaged = packages_of(server.cluster.program, _libraries(server))
    made = stat_of(os.path.join(server.cluster.data_directory, "PG_VERSION"), owner)
    return State(
        owner=owner.name,
        uid=owner.uid,
        # initdb writes it once, with the mode that it was told to give to files; nobody rewrites it.
        group_access=made is not None and bool(made.st_mode & _GROUP_READS),
        files=tuple(files),
        findings=tuple(_findings(server, files)),
        packages=tuple(Package(**each) for each in packages),
        unpackaged=tuple(unpackaged),
    )


def _findings(server: Server, files: t.Sequence[Found]) -> list[Finding]:
    home, owner = server.owner.home, server.owner
    found = [
        *_search(os.path.join(home, ".pgpass"), owner, secrets.in_password_file),
        *_search(os.path.join(home, ".psql_history"), owner, secrets.in_history),
        *_search(os.path.join(home, ".pg_service.conf"), owner, secrets.in_service_file),
    ]
    for file in files:
        if file.kind == "configuration" and file.mode & _OTHERS_READ:
            found += _search(file.path, owner, secrets.in_configuration)
    # Debian's, for pg_ctlcluster, is in a directory of the owner's.
    found += _search(os.path.join(os.path.dirname(server.paths.config_file), "environment"), owner, secrets.in_profile)
    found += _on_the_host(account_of(0) if os.geteuid() == 0 else owner)
    for account in _accounts(owner):
        for path in of_the_account(account):
            found += _search(path, account, secrets.in_profile)
    if os.geteuid() == 0:
        found += of_sudo(owner)
    if "PGPASSWORD" in server.cluster.environment(owner):
        found.append(Finding(f"/proc/{server.cluster.pid}/environ", 0, "the server was started with PGPASSWORD"))
    return list(dict.fromkeys(found))


def _on_the_host(reader: Account) -> list[Finding]:
    """In what is root's, and some of it for nobody else to read."""
    found = [finding for path in _SERVICES for finding in _search(path, reader, secrets.in_service_file)]
    named: dict[str, None] = {}

    def search(path: str, text: str) -> list[Finding]:
        named.update(dict.fromkeys(secrets.environment_files(text)))
        return secrets.in_profile(path, text)

    for path in of_the_host():
        found += _search(path, reader, search)
    for path in named:
        found += _search(path, reader, secrets.in_profile)
    return found


def _accounts(owner: Account) -> list[Account]:
    """Whoever has a shell; without root only the owner, as nobody else's files could be read."""
    if os.geteuid() != 0:
        return [owner]
    return [account_of(uid) for uid in sorted({owner.uid, *(entry.pw_uid for entry in with_shell())})]


def _search(path: str, account: Account, search: Search) -> list[Finding]:
    """What a search finds in a file that the account may read, and that is there; nothing is in one of a device."""
    there = stat_of(path, account)
    if there is None or not stat.S_ISREG(there.st_mode):
        return []
    try:
        found = read_file(path, account)
    except RampartError as error:
        return [Finding(path, 0, f"nobody looked into it: {error}")]
    return search(path, found.text) if found else []


def _libraries(server: Server) -> list[str]:
    """Those that the server can load from its own directory; only superusers may ask where that is."""
    if not server.session.is_superuser:
        return []
    directory = os.path.realpath(server.session.rows(_LIBRARIES)[0]["directory"])
    with contextlib.suppress(OSError):
        return [os.path.join(directory, name) for name in sorted(os.listdir(directory)) if name.endswith(".so")]
    return []
