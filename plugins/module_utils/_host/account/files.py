# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files and directories of a cluster and its account whose modes matter; private to the collection."""

from __future__ import annotations

import contextlib
import os
import re
import stat
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._host.account.state import Found
from ansible_collections.rampart.postgresql.plugins.module_utils._server.files import read_file
from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import acting_as

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import Account
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server

__all__ = ["files_of", "stat_of"]

_SETTINGS = """
SELECT name, setting FROM pg_catalog.pg_settings
WHERE name IN ('config_file', 'hba_file', 'ident_file', 'ssl_key_file')
ORDER BY name"""
_SOURCES = "SELECT DISTINCT sourcefile AS path FROM pg_catalog.pg_file_settings ORDER BY 1"
_RULES = re.compile(r'^\s*include(|_if_exists|_dir)\s+"?([^"\s]+)', re.MULTILINE)
_INCLUDE = re.compile(r"^\s*include_dir\s*=?\s*'([^'\n]+)'", re.MULTILINE | re.IGNORECASE)


def files_of(server: Server) -> list[Found]:
    data = os.path.realpath(server.cluster.data_directory)
    found: dict[str, Found] = {}
    for path, kind in _wanted(server, data):
        there = stat_of(path, server.owner)
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


def stat_of(path: str, account: Account) -> os.stat_result | None:
    """As the account sees it, links followed; None when it is not there, or not to be seen."""
    with contextlib.suppress(OSError), acting_as(account):
        return os.stat(path)
    return None
