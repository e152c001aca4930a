# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The systemd unit that runs a cluster, and how far it confines it; private to the collection."""

from __future__ import annotations

import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._host.programs import answer_of

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server

__all__ = ["parse_properties", "starts_with_host", "unit_of", "variables_of"]

_STATE = ("ActiveState", "MainPID", "UnitFileState", "WantedBy")
_TOLD = (
    *("AmbientCapabilities", "CapabilityBoundingSet", "DevicePolicy", "DropInPaths", "FragmentPath", "Group"),
    *("IPAddressAllow", "IPAddressDeny", "LimitCORE", "LockPersonality", "MemoryDenyWriteExecute", "NoNewPrivileges"),
    *("PrivateDevices", "PrivateNetwork", "PrivateTmp", "PrivateUsers", "ProtectClock", "ProtectControlGroups"),
    *("ProtectHome", "ProtectHostname", "ProtectKernelLogs", "ProtectKernelModules", "ProtectKernelTunables"),
    *("ProtectProc", "ProtectSystem", "ReadOnlyPaths", "ReadWritePaths", "RestrictAddressFamilies"),
    *("RestrictNamespaces", "RestrictRealtime", "RestrictSUIDSGID", "SystemCallArchitectures", "Type", "UMask", "User"),
)
_SECRET = "Environment"
_MOST = 2000  # characters of one property


def unit_of(server: Server, unreadable: dict[str, str]) -> dict[str, t.Any] | None:
    """Its name, state and what it confines; None without one, and where systemd does not tell."""
    unit = server.cluster.unit
    if unit is None:
        return None
    found = _shown(unit, *_STATE, *_TOLD)
    if not found:
        unreadable["host.unit"] = f"systemctl does not tell of {unit}"
        return None
    return {
        "name": unit,
        "main": found.get("MainPID") == str(server.cluster.pid),
        "enabled": starts_with_host(found.get("UnitFileState", ""), found.get("WantedBy", "").split(), _file_state),
        "active": found.get("ActiveState") == "active",
        "properties": {name: found[name][:_MOST] for name in _TOLD if name in found},
    }


def variables_of(unit: str) -> str | None:
    """The variables that a unit sets, which may be secrets; None where systemd does not tell."""
    return _shown(unit, _SECRET).get(_SECRET)


def _shown(unit: str, *names: str) -> dict[str, str]:
    return parse_properties(answer_of("systemctl", "show", f"--property={','.join(names)}", "--", unit) or "")


def starts_with_host(state: str, wanted_by: t.Sequence[str], state_of: t.Callable[[str], str]) -> bool | None:
    """Whether a unit does: what only another service wants, as Debian's do, is started by that one; pure but for ``state_of``."""
    if not state:
        return None
    if not state.startswith("enabled") or not wanted_by or any(each.endswith(".target") for each in wanted_by):
        return state.startswith("enabled")
    return any(state_of(each).startswith("enabled") for each in wanted_by)


def _file_state(unit: str) -> str:
    return _shown(unit, "UnitFileState").get("UnitFileState", "")


def parse_properties(text: str) -> dict[str, str]:
    """What ``systemctl show`` writes; pure."""
    return {name: value for name, equals, value in (line.partition("=") for line in text.splitlines()) if equals}
