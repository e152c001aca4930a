# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Owners and modes of the files and directories of a cluster; private to the collection.

Everything is looked at with the rights of the cluster's owner, and nothing but the main configuration file is opened.
"""

from __future__ import annotations

import glob
import grp
import os
import stat
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._host.account.files import stat_of
from ansible_collections.rampart.postgresql.plugins.module_utils._host.account.sudo import with_shell
from ansible_collections.rampart.postgresql.plugins.module_utils._server.files import read_file
from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import account_of
from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import acting_as
from ansible_collections.rampart.postgresql.plugins.module_utils._server.log_files import collected
from ansible_collections.rampart.postgresql.plugins.module_utils._server.log_files import rotated
from ansible_collections.rampart.postgresql.plugins.module_utils._settings import grammar
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.places import account_name
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.places import exposed

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import Account
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server

__all__ = ["NO_FILES", "SERVICE_FILES", "files_of"]

Wanted = t.Iterator[tuple[str, str]]  # what it is, and its path

NO_FILES: t.Final = (
    "the files of the cluster cannot be reached: this needs the database host, as root or as the owner of the cluster"
)
"""Why nothing of the host is told over a mere connection."""

SERVICE_FILES: t.Final = (
    "/etc/postgresql-common/pg_service.conf",
    "/etc/pg_service.conf",
    "/etc/sysconfig/pgsql/pg_service.conf",
)
"""Where packages of PostgreSQL look for connection services of everybody."""

_SETTINGS = """
SELECT name, setting FROM pg_catalog.pg_settings
WHERE name IN (
    'config_file', 'hba_file', 'ident_file', 'log_directory', 'log_filename', 'logging_collector', 'ssl_ca_file',
    'ssl_cert_file', 'ssl_crl_file', 'ssl_key_file', 'unix_socket_directories')
ORDER BY name"""
_SOURCES = "SELECT DISTINCT sourcefile AS path FROM pg_catalog.pg_file_settings WHERE sourcefile <> '' ORDER BY 1"
_BUILD = """
SELECT c.name, c.setting FROM pg_catalog.pg_config AS c
WHERE c.name IN ('PKGLIBDIR', 'SHAREDIR') ORDER BY c.name"""
_TLS = (
    ("key", "ssl_key_file"),
    ("certificate", "ssl_cert_file"),
    ("certificate_authority", "ssl_ca_file"),
    ("revocation_list", "ssl_crl_file"),
)
_TOOL = "tool_configuration"
# Those of tools hold passwords or passphrases.
_TOOLS = (
    "/etc/pgbackrest.conf",
    "/etc/pgbackrest/pgbackrest.conf",
    "/etc/pgbackrest/conf.d/*.conf",
    "/etc/barman.conf",
    "/etc/barman.d/*.conf",
    "/etc/repmgr.conf",
    "/etc/repmgr/*.conf",
    "/etc/repmgr/*/*.conf",
    "/etc/patroni.y*ml",
    "/etc/patroni/*.y*ml",
)
_MOST = 20  # files of one log: the newest; and of one kind of tool's configuration
_MOST_ACCOUNTS = 1000
_KINDS = (
    (stat.S_ISREG, "file"),
    (stat.S_ISDIR, "directory"),
    (stat.S_ISLNK, "link"),
    (stat.S_ISSOCK, "socket"),
    (stat.S_ISFIFO, "pipe"),
)


def files_of(
    server: Server, unreadable: dict[str, str], *, more: t.Iterable[tuple[str, str]] = ()
) -> list[dict[str, t.Any]]:
    """One entry for each, what is not there included; what may not be looked at is told in ``unreadable``.

    ``more`` are others of these kinds that the server reads, with their paths.
    """
    problems: list[str] = []
    owner = server.owner
    wanted = dict.fromkeys((*_wanted(server, problems), *more))
    found = [_entry(what, path, owner, problems) for what, path in wanted]
    found += [
        {**_entry(what, path, account, problems), **_way(path, owner if what == _TOOL else account)}
        for what, path, account in _of_others(owner)
    ]
    if problems:
        others = f", and {len(problems) - 1} more" if len(problems) > 1 else ""
        unreadable["files"] = f"{problems[0]}{others}"
    return found


def _wanted(server: Server, problems: list[str]) -> Wanted:
    data = server.cluster.data_directory
    settings = {row["name"]: row["setting"] or "" for row in server.session.rows(_SETTINGS)}
    yield "data_directory", data
    yield "wal_directory", os.path.join(data, "pg_wal")
    yield from (("tablespace", path) for path in _listed(os.path.join(data, "pg_tblspc"), server.owner, problems))
    for name in ("config_file", "hba_file", "ident_file"):
        if settings.get(name):
            yield name, os.path.join(data, settings[name])
        else:
            problems.append(f"the login {server.session.login!r} may not see {name}")
    yield "auto_conf", os.path.join(data, "postgresql.auto.conf")
    yield from _included(settings.get("config_file"), server.owner, problems)
    yield from (("included_file", path) for path in _sources(server, settings, problems))
    for what, name in _TLS:
        if settings.get(name):
            yield what, os.path.join(data, settings[name])
    for each in settings.get("unix_socket_directories", "").split(","):
        directory = each.strip().strip('"')
        if directory.startswith("/"):
            yield "socket_directory", directory
            yield "socket", os.path.join(directory, f".s.PGSQL.{server.cluster.port}")
    yield from _logs(server, data, settings)
    yield from _programs(server, problems)
    yield from _of_people(server)


def _included(main: str | None, owner: Account, problems: list[str]) -> Wanted:
    """What the main file of the configuration names, whether anything is set there or not."""
    try:
        found = read_file(main, owner) if main else None
    except RampartError as error:
        problems.append(str(error))
        return
    for entry in grammar.parse(found.text)[0] if found else ():
        if entry.includes:
            what = "included_directory" if entry.includes == "include_dir" else "included_file"
            yield what, os.path.normpath(os.path.join(os.path.dirname(str(main)), entry.value))


def _sources(server: Server, settings: t.Mapping[str, str], problems: list[str]) -> list[str]:
    """Files that the configuration includes."""
    known = {settings.get("config_file"), os.path.join(server.cluster.data_directory, "postgresql.auto.conf")}
    rows = _rows(server, _SOURCES, "the files of the configuration", problems)
    return [row["path"] for row in rows if row["path"] not in known]


def _logs(server: Server, data: str, settings: t.Mapping[str, str]) -> Wanted:
    """Of the collector, where it writes, and where the server's standard error goes, the newest files."""
    if settings.get("logging_collector") == "on" and settings.get("log_directory"):
        directory = os.path.join(data, settings["log_directory"])
        yield "log_directory", directory
        for suffix in ("", ".csv", ".json"):
            found = collected(directory, settings.get("log_filename", ""), suffix, server.owner)
            yield from (("log_file", file.path) for file in found[:_MOST])
    if server.cluster.log_file:
        yield "log_directory", os.path.dirname(server.cluster.log_file)
        found = rotated(server.cluster.log_file, server.owner)
        yield from (("log_file", file.path) for file in found[:_MOST])


def _programs(server: Server, problems: list[str]) -> Wanted:
    yield "program_directory", server.cluster.bindir
    yield "program", server.cluster.program
    build = {row["name"]: row["setting"] for row in _rows(server, _BUILD, "the directories of the programs", problems)}
    if build:
        yield "library_directory", build["PKGLIBDIR"]
        yield "extension_directory", os.path.join(build["SHAREDIR"], "extension")


def _of_people(server: Server) -> Wanted:
    home = server.owner.home
    yield "home", home
    yield "passfile", os.path.join(home, ".pgpass")
    yield "history", os.path.join(home, ".psql_history")
    for path in (os.path.join(home, ".pg_service.conf"), *SERVICE_FILES):
        yield "service_file", path


def _of_others(owner: Account) -> t.Iterator[tuple[str, str, Account]]:
    """What is in directories of root's, and the password files that other accounts have, each with who looks at it."""
    host = account_of(0) if os.geteuid() == 0 else owner
    for pattern in _TOOLS:
        yield from ((_TOOL, path, host) for path in sorted(glob.glob(pattern))[:_MOST])
    if host is owner:
        return
    for entry in with_shell()[:_MOST_ACCOUNTS]:
        path = os.path.join(entry.pw_dir, ".pgpass")
        account = account_of(entry.pw_uid)
        if account.uid != owner.uid and stat_of(path, account) is not None:
            yield "passfile", path, account


def _rows(server: Server, query: str, what: str, problems: list[str]) -> list[dict[str, t.Any]]:
    """What only some logins may ask for."""
    try:
        return server.session.rows(query)
    except RampartError:
        problems.append(f"the login {server.session.login!r} may not ask for {what}")
        return []


def _listed(directory: str, owner: Account, problems: list[str]) -> list[str]:
    try:
        with acting_as(owner):
            return [os.path.join(directory, name) for name in sorted(os.listdir(directory))]
    except OSError as error:
        problems.append(f"{directory}: {error.strerror}")
        return []


def _entry(what: str, path: str, owner: Account, problems: list[str]) -> dict[str, t.Any]:
    """Of a link, what it leads to; ``link`` says where that is."""
    found, link = None, None
    exists: bool | None = True
    try:
        with acting_as(owner):
            found = os.lstat(path)
            if stat.S_ISLNK(found.st_mode):
                link = os.path.realpath(path)
                found = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        exists, found = False, None
    except OSError as error:
        exists, found = None, None
        problems.append(f"{path}: {error.strerror}")
    return {
        "what": what,
        "path": path,
        "exists": exists,
        "link": link,
        **_attributes(found, owner),
        **_way(path, owner),
    }


def _attributes(found: os.stat_result | None, owner: Account) -> dict[str, t.Any]:
    names = (
        *("kind", "owner", "group", "mode", "of_another"),
        *("writable_by_group", "writable_by_others", "readable_by_others"),
    )
    if found is None:
        return dict.fromkeys(names)
    mode = stat.S_IMODE(found.st_mode)
    values = (
        next((kind for is_one, kind in _KINDS if is_one(found.st_mode)), "device"),
        account_name(found.st_uid),
        _group_name(found.st_gid),
        f"{mode:04o}",
        found.st_uid not in (0, owner.uid),
        *(bool(mode & bit) for bit in (stat.S_IWGRP, stat.S_IWOTH, stat.S_IROTH)),
    )
    return dict(zip(names, values))


def _way(path: str, owner: Account) -> dict[str, str]:
    """Why somebody else than root and the owner could put another file in its place."""
    return {"exposed": exposed(path, owner)}


def _group_name(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return f"gid {gid}"
