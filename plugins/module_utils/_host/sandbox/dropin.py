# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The drop-in of a unit, computed from what was observed; pure; private to the collection."""

from __future__ import annotations

import os
import re
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import Unsupported
from ansible_collections.rampart.postgresql.plugins.module_utils._host.sandbox.state import Place
from ansible_collections.rampart.postgresql.plugins.module_utils._host.sandbox.state import State
from ansible_collections.rampart.postgresql.plugins.module_utils._host.sandbox.targets import runs

__all__ = ["allowed", "drop_in", "outermost", "writable"]

_SHARED = ("/tmp", "/var/tmp")
_HOMES = ("/home", "/root", "/run/user")
# Whoever is superuser in the server says where it writes; that must not open what is the system's.
_NEVER_BELOW = ("/bin", "/boot", "/dev", "/etc", "/lib", "/lib64", "/proc", "/sbin", "/sys", "/usr")
_NEVER = ("/", "/home", "/run", "/var", "/var/lib", "/var/log", "/var/spool")
_CLIMBERS = ("doas", "pkexec", "su", "sudo")
_UNQUOTABLE = re.compile(r"[\x00-\x1f\x7f\"\\\ud800-\udfff]")  # bytes that are no UTF-8 among them
# What pg_ctlcluster needs: it begins as root and becomes the owner.
_LAUNCHER = "CAP_SETGID CAP_SETUID"
_TEXT = """\
# Written by rampart.postgresql for the cluster {cluster}, and tried with a restart. The server may write in the paths below,
# in those of ReadWritePaths in other files of this directory, and nowhere else.
[Service]
NoNewPrivileges=yes
CapabilityBoundingSet=
{capabilities}ProtectSystem=strict
ProtectHome={home}
PrivateTmp={tmp}
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectControlGroups=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
{paths}"""


def drop_in(state: State, given: t.Sequence[str] = ()) -> str:
    """The text for a cluster; ``given`` are paths that the operator adds."""
    for parameter, command in state.commands:
        for program in _CLIMBERS:
            if runs(command, program):
                raise Unsupported(
                    f"{parameter} runs {program}, which gains no privileges in a sandbox (NoNewPrivileges): change it, or"
                    " leave the sandbox out"
                )
    places = writable(state, given)
    paths = [place.path for place in places]
    shared = any(_within(path, _SHARED) for path in (*paths, *state.socket_directories, *state.reads))
    return _TEXT.format(
        cluster=state.cluster,
        capabilities=f"CapabilityBoundingSet={_LAUNCHER}\n" if state.started_by_root else "",
        home="read-only" if any(_within(path, _HOMES) for path in (*paths, *state.reads)) else "yes",
        tmp="no" if shared else "yes",
        paths="".join(_line(place, optional=place.path != state.data_directory) for place in places),
    )


def writable(state: State, given: t.Sequence[str] = ()) -> tuple[Place, ...]:
    """Everything that stays writable, the data directory first, nothing twice."""
    for path in given:
        if not os.path.isabs(path) or _UNQUOTABLE.search(path) or ".." in path.split("/") or not allowed(path):
            raise InputError(
                option="writable_paths",
                value=path,
                expected=f"full paths of directories, none of {', '.join(_NEVER)} and none in {', '.join(_NEVER_BELOW)}",
            )
    for path in (state.data_directory, *(place.path for place in state.places)):
        if _UNQUOTABLE.search(path):
            raise Unsupported(f"{path!r} cannot be named in a unit of systemd")
    data = Place(state.data_directory, "data directory")
    added = tuple(Place(os.path.normpath(path), "writable_paths") for path in given)
    return (data, *(place for place in outermost((*state.places, *added)) if not _within(place.path, [data.path])))


def allowed(path: str) -> bool:
    """Whether a directory may stay writable; what is the system's may not."""
    return path not in _NEVER and not _within(path, _NEVER_BELOW)


def outermost(places: t.Iterable[Place]) -> tuple[Place, ...]:
    """Without what lies within another one, in the order of their paths."""
    found: list[Place] = []
    for place in sorted(places, key=lambda place: place.path.split("/")):
        if not found or not _within(place.path, [found[-1].path]):
            found.append(place)
    return tuple(found)


def _within(path: str, directories: t.Iterable[str]) -> bool:
    return any(path == each or path.startswith(each.rstrip("/") + "/") for each in directories)


def _line(place: Place, *, optional: bool) -> str:
    """One that is away at a start must not keep the server from it, but for the data directory."""
    path = place.path.replace("%", "%%")
    return f'# {place.why}\nReadWritePaths="{"-" if optional else ""}{path}"\n'
