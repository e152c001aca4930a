# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is worked out of the facts before controls ask, as JMESPath can neither join nor calculate; private to the collection."""

from __future__ import annotations

import dataclasses
import ipaddress
import os
import re
import socket
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._settings.lists import split_items
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls import parameters
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls import reach
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.support import support

__all__ = ["DERIVED", "Circumstances"]

Values = t.Mapping[str, t.Any]
_Network = t.Union[ipaddress.IPv4Network, ipaddress.IPv6Network]
_DAY: t.Final = 86400
_FULL_MASK: t.Final = re.compile(r"/[^/]*[.:]")
_LIBDIR: t.Final = "$libdir/"
_SUFFIX: t.Final = ".so"
_PACKAGED: t.Final = ("/usr/lib/", "/usr/lib64/", "/usr/pgsql-")  # where distributions have the libraries of servers
_PRELOADS: t.Final = ("shared_preload_libraries", "session_preload_libraries", "local_preload_libraries")
_PATHS: t.Final[t.Mapping[str, str]] = {"dynamic_library_path": "$libdir", "extension_control_path": "$system"}
_WIDE: t.Final = {4: 16, 6: 48}  # bits of the prefix; fewer is more than a site
_TIMES: t.Final = ("last_success", "verified", "restored")
_OF_NOBODY: t.Final = ("default", "override")  # sources
_OWN_NAMES: t.Final = ("localhost", "samehost")  # addresses that mean this host
_OUTSIDE: t.Final = ("log_directory", "wal_directory", "tablespace")


@dataclasses.dataclass(frozen=True)
class Circumstances:
    """What an assessment is made by, besides the facts."""

    profile: str
    now: int
    newest_minors: t.Mapping[int, str]


def _listening(facts: Values, _by: Circumstances) -> list[str]:
    return split_items(facts["settings"]["listen_addresses"]["setting"])


def _open_addresses(facts: Values, by: Circumstances) -> list[str]:
    """Those that mean every address, whichever way they are spelled: 0 is 0.0.0.0."""
    return [address for address in _listening(facts, by) if address == "*" or _is_unspecified(address)]


def _is_unspecified(address: str) -> bool:
    try:
        if ":" in address:
            found = ipaddress.IPv6Address(address)
            return not int(found) or (found.ipv4_mapped is not None and not int(found.ipv4_mapped))
        return not any(socket.inet_aton(address))
    except (OSError, ValueError):
        return False  # the name of a host


def _preloaded(facts: Values, _by: Circumstances) -> list[str]:
    """The names of the libraries, without the directory that they are looked for in anyway."""
    row = facts["settings"].get("shared_preload_libraries")
    return [] if row is None else [_library(item) for item in split_items(row["setting"])]


def _library(item: str) -> str:
    name = item[len(_LIBDIR) :] if item.startswith(_LIBDIR) else item
    return name[: -len(_SUFFIX)] if name.endswith(_SUFFIX) else name


def _foreign_libraries(facts: Values, _by: Circumstances) -> list[dict[str, t.Any]]:
    """Libraries that are loaded from elsewhere than the server's own directory or that of a package, and paths that lead there."""
    found = [
        {"name": row["name"], "setting": row["value"], "role": row["role"], "database": row["database"]}
        for row in facts["role_settings"]
        if (row["name"] in _PATHS and row["value"] != _PATHS[row["name"]])
        or (row["name"] in _PRELOADS and any(map(_is_foreign, split_items(row["value"]))))
    ]
    for name in _PRELOADS:
        setting = (facts["settings"].get(name) or {}).get("setting") or ""
        if any(map(_is_foreign, split_items(setting))):
            found.append({"name": name, "setting": setting, "role": None, "database": None})
    return found


def _is_foreign(item: str) -> bool:
    if "/" not in item:
        return False
    return ".." in item.split("/") or not item.startswith((_LIBDIR, *_PACKAGED))


def _changed_settings(facts: Values, _by: Circumstances) -> list[dict[str, t.Any]]:
    """What is set by somebody, and not by the server itself."""
    return [
        {"name": name, "setting": row["setting"], "context": row["context"], "source": row["source"]}
        for name, row in facts["settings"].items()
        if row["source"] not in (*_OF_NOBODY, *parameters.OF_SESSIONS) and row["context"] != "internal"
    ]


def _pending_restarts(facts: Values, _by: Circumstances) -> list[dict[str, t.Any]]:
    return [
        {"name": name, "setting": row["setting"]} for name, row in facts["settings"].items() if row["pending_restart"]
    ]


def _remote_rules(facts: Values, _by: Circumstances) -> list[dict[str, t.Any]]:
    """The rules that let somebody in from other hosts, with the width of their network."""
    found = []
    for rule in facts["hba"]["rules"]:
        if rule["type"] == "local" or rule["method"] == "reject" or not rule["reachable"]:
            continue
        if rule["address"] in _OWN_NAMES:
            continue
        network = _network(rule["address"])
        if network is None or not network.is_loopback:
            bits, least = _bits(rule["address"], network)
            everywhere = rule["address"] == "all" or bits == 0
            found.append({**rule, "everywhere": everywhere, "wide": 0 < bits < least})
    return found


def _bits(address: str | None, network: _Network | None) -> tuple[int, int]:
    """How many bits of an address have to fit, and how many should; a mask in full is one with gaps."""
    if network is not None:
        return network.prefixlen, _WIDE[network.version]
    try:
        mask = ipaddress.ip_address((address or "").rpartition("/")[2])
    except ValueError:
        return -1, 0
    return bin(int(mask)).count("1"), _WIDE[mask.version]


def _network(address: str | None) -> _Network | None:
    """The network of an address, None for a keyword, the name of a host, or a mask with gaps."""
    if _FULL_MASK.search(address or ""):
        return None
    try:
        return ipaddress.ip_network((address or "").strip('"').replace(" ", "/"), strict=False)
    except ValueError:
        return None


def _backup_jobs(facts: Values, by: Circumstances) -> list[dict[str, t.Any]]:
    """The jobs with whole days since each of their times."""
    return [
        {**job, **{f"{name}_days": _days(job, name, by.now) for name in _TIMES}} for job in facts["backups"]["jobs"]
    ]


def _days(job: Values, name: str, now: int) -> int | None:
    epoch = job.get(f"{name}_epoch")
    return None if epoch is None else int((now - epoch) // _DAY)


def _inside_data_directory(facts: Values, _by: Circumstances) -> list[dict[str, t.Any]]:
    """What grows or must outlive the cluster, and lies in its directory."""
    top = next((file["path"] for file in facts["files"] if file["what"] == "data_directory"), None)
    return [
        {"what": file["what"], "path": file["path"]}
        for file in facts["files"]
        if top
        and file["what"] in _OUTSIDE
        and not file["link"]
        and os.path.normpath(file["path"]).startswith(f"{top}/")
    ]


@dataclasses.dataclass(frozen=True)
class Derived:
    """One of them: the facts that it is made of, and how."""

    sources: tuple[str, ...]
    make: t.Callable[[Values, Circumstances], t.Any]


DERIVED: t.Final[t.Mapping[str, Derived]] = {
    "parameters": Derived(("settings",), lambda facts, by: parameters.wanted_parameters(facts, by.profile)),
    "overrides": Derived(("settings", "role_settings"), lambda facts, by: parameters.overrides(facts, by.profile)),
    "listening": Derived(("settings.listen_addresses",), _listening),
    "open_addresses": Derived(("settings.listen_addresses",), _open_addresses),
    "preloaded": Derived(("settings.shared_preload_libraries",), _preloaded),
    "foreign_libraries": Derived(("settings", "role_settings"), _foreign_libraries),
    "changed_settings": Derived(("settings",), _changed_settings),
    "pending_restarts": Derived(("settings",), _pending_restarts),
    "held": Derived(("roles", "memberships"), lambda facts, _by: reach.held(facts)),
    "replication_users": Derived(("roles", "replication.senders"), lambda facts, _by: reach.replication_users(facts)),
    "remote_rules": Derived(("hba.rules",), _remote_rules),
    "backup_jobs": Derived(("backups.jobs",), _backup_jobs),
    "inside_data_directory": Derived(("files",), _inside_data_directory),
    "support": Derived(("version",), lambda facts, by: support(facts, by.now, by.newest_minors)),
}
"""By the name that controls use."""
