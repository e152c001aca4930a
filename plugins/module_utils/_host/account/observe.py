# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Looks at the files of a cluster and of the account that owns it; private to the collection."""

from __future__ import annotations

import contextlib
import os
import re
import stat
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._host.account import secrets
from ansible_collections.rampart.postgresql.plugins.module_utils._host.account.places import of_the_account
from ansible_collections.rampart.postgresql.plugins.module_utils._host.account.places import of_the_host
from ansible_collections.rampart.postgresql.plugins.module_utils._host.account.state import Finding
from ansible_collections.rampart.postgresql.plugins.module_utils._host.account.state import Found
from ansible_collections.rampart.postgresql.plugins.module_utils._host.account.state import Package
from ansible_collections.rampart.postgresql.plugins.module_utils._host.account.state import State
from ansible_collections.rampart.postgresql.plugins.module_utils._host.account.sudo import of_sudo
from ansible_collections.rampart.postgresql.plugins.module_utils._host.account.sudo import with_shell
from ansible_collections.rampart.postgresql.plugins.module_utils._host.sources import packages_of
from ansible_collections.rampart.postgresql.plugins.module_utils._server.files import read_file
from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import Account
from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import account_of
from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import acting_as

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server

__all__ = ["observe"]

_SETTINGS = """
SELECT name, setting FROM pg_catalog.pg_settings
WHERE name IN ('config_file', 'hba_file', 'ident_file', 'ssl_key_file')
ORDER BY name"""
_SOURCES = "SELECT DISTINCT sourcefile AS path FROM pg_catalog.pg_file_settings ORDER BY 1"
_INCLUDE = re.compile(r"^\s*include_dir\s*=?\s*'([^'\n]+)'", re.MULTILINE | re.IGNORECASE)
_RULES = re.compile(r'^\s*include(|_if_exists|_dir)\s+"?([^"\s]+)', re.MULTILINE)
_LIBRARIES = "SELECT c.setting AS directory FROM pg_catalog.pg_config c WHERE c.name = 'PKGLIBDIR' ORDER BY c.setting"
_SERVICES = ("/etc/postgresql-common/pg_service.conf", "/etc/pg_service.conf", "/etc/sysconfig/pgsql/pg_service.conf")
_OTHERS_READ = 0o004
_GROUP_READS = 0o040

Search = t.Callable[[str, str], "list[Finding]"]


def observe(server: Server) -> State:
    """Read everything; write nothing."""
    files, owner = _files(server), server.owner
    packages, unpackaged = packages_of(server.cluster.program, _libraries(server))
    made = _stat(os.path.join(server.cluster.data_directory, "PG_VERSION"), owner)
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


def _files(server: Server) -> list[Found]:
    data = os.path.realpath(server.cluster.data_directory)
    found: dict[str, Found] = {}
    for path, kind in _wanted(server, data):
        there = _stat(path, server.owner)
        if there is None or not (stat.S_ISREG(there.st_mode) or stat.S_ISDIR(there.st_mode)):
            continue
        with acting_as(server.owner):
            real = os.path.realpath(path)
        inside = real.startswith(f"{data}/")
        if inside and kind in ("configuration", "authentication"):
            kind = "inner configuration"
        if not inside or not stat.S_ISDIR(there.st_mode):  # nobody comes past the data directory
            found.setdefault(real, Found(real, kind, stat.S_IMODE(there.st_mode), there.st_uid))
    return list(found.values())


def _wanted(server: Server, data: str) -> list[tuple[str, str]]:
    settings = {row["name"]: row["setting"] or "" for row in server.session.rows(_SETTINGS)}
    listed = [row["path"] for row in server.session.rows(_SOURCES)] if server.session.is_superuser else []
    configuration = [path for path in (settings.get("config_file"), *listed) if path]
    authentication = _with_included(
        [settings[name] for name in ("hba_file", "ident_file") if settings.get(name)], server.owner
    )
    beside = [os.path.dirname(path) for path in (*configuration, *authentication)]
    home = server.owner.home
    return [
        (data, "data directory"),
        *((path, "data directory") for path in _parts(data, server.owner)),
        *((path, "configuration") for path in configuration),
        *((path, "authentication") for path in authentication),
        (os.path.join(data, settings.get("ssl_key_file") or "server.key"), "key"),
        *((os.path.join(home, name), "personal") for name in (".pgpass", ".pg_service.conf", ".psql_history")),
        *((path, "directory") for path in (*beside, *_included(configuration, server.owner), home)),
    ]


def _parts(data: str, owner: Account) -> list[str]:
    """The WAL and the tablespaces, which may be elsewhere."""
    spaces = os.path.join(data, "pg_tblspc")
    with contextlib.suppress(OSError), acting_as(owner):
        return [os.path.join(data, "pg_wal"), *(os.path.join(spaces, name) for name in sorted(os.listdir(spaces)))]
    return []


def _with_included(rules: t.Sequence[str], owner: Account) -> list[str]:
    """Files of rules with those that they include, from PostgreSQL 16 on."""
    found = list(dict.fromkeys(rules))
    for path in found:  # which grows meanwhile
        with contextlib.suppress(OSError, RampartError):
            file = read_file(path, owner)
            for kind, name in _RULES.findall(file.text) if file else []:
                named = os.path.join(os.path.dirname(path), name)
                with acting_as(owner):
                    names = (
                        [os.path.join(named, each) for each in sorted(os.listdir(named))] if kind == "_dir" else [named]
                    )
                found += [each for each in names if each not in found and (kind != "_dir" or each.endswith(".conf"))]
    return found


def _included(configuration: t.Sequence[str], owner: Account) -> list[str]:
    """Directories that are read with all files in them, of which the server tells nothing while there are none."""
    found = []
    for path in dict.fromkeys(configuration):
        with contextlib.suppress(RampartError):
            file = read_file(path, owner)
            names = _INCLUDE.findall(file.text) if file else []
            found += [os.path.join(os.path.dirname(path), name) for name in names]
    return found


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
    there = _stat(path, account)
    if there is None or not stat.S_ISREG(there.st_mode):
        return []
    try:
        found = read_file(path, account)
    except RampartError as error:
        return [Finding(path, 0, f"nobody looked into it: {error}")]
    return search(path, found.text) if found else []


def _stat(path: str, owner: Account) -> os.stat_result | None:
    with contextlib.suppress(OSError), acting_as(owner):
        return os.stat(path)
    return None


def _libraries(server: Server) -> list[str]:
    """Those that the server can load from its own directory; only superusers may ask where that is."""
    if not server.session.is_superuser:
        return []
    directory = os.path.realpath(server.session.rows(_LIBRARIES)[0]["directory"])
    with contextlib.suppress(OSError):
        return [os.path.join(directory, name) for name in sorted(os.listdir(directory)) if name.endswith(".so")]
    return []
