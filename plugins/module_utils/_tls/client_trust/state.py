# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is known about whom a server trusts before planning; private to the collection."""

from __future__ import annotations

import dataclasses
import os
import time
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.client_trust.trust import MARK
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.client_trust.trust import Trust
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.handshake import addresses_to_ask
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.handshake import ask
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.keys import AVAILABLE
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.state import default_path

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.files import FileState
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server

__all__ = ["FILE_NAME", "OwnFile", "State", "observe"]

FILE_NAME = "rampart-clients.pem"
_TLS = "SSL configuration"  # how the server's log calls what it loads or not as a whole
_FILES = ("ssl_ca_file", "ssl_crl_file")
_NAMES = (*_FILES, "ssl_crl_dir")

_SETTINGS = """
SELECT (SELECT pg_catalog.json_object_agg(name, setting ORDER BY name) FROM pg_catalog.pg_settings
         WHERE name IN ('listen_addresses', 'port', 'ssl', 'ssl_ca_file', 'ssl_crl_dir', 'ssl_crl_file')) AS settings,
       extract(epoch FROM pg_catalog.pg_conf_load_time())::pg_catalog.float8 AS loaded"""


@dataclasses.dataclass(frozen=True)
class OwnFile:
    """The file at our path. ``trust`` is None when nothing here can judge it."""

    content: bytes = dataclasses.field(repr=False)
    mode: int
    modified: float
    trust: Trust | None
    problem: str = ""


@dataclasses.dataclass(frozen=True)
class State:
    """Everything that planning needs; times are seconds since the epoch."""

    path: str
    now: int
    settings: t.Mapping[str, str]  # absolute paths, empty where nothing is named; ssl_crl_dir is not there before 14
    loaded: float = 0.0  # when the server last read its configuration
    writable: bool = True  # the owner of the cluster may put a file there
    owner: str = ""
    own: OwnFile | None = None
    foreign: t.Mapping[str, str] = dataclasses.field(default_factory=dict)  # parameter to what it names
    in_force: Trust | None = None  # in the files that the parameters name; None: nothing is named, or it cannot be read
    certain: bool = True  # whether that is all there is in them, and what the server has loaded
    ssl: bool = False
    announced: frozenset[bytes] | None = None  # subjects that the server asks clients for; None is not known
    refused: bool = False  # the last reload left TLS as it was, says the log
    can_judge: bool = True  # the cryptography library is here

    @property
    def named(self) -> bool:
        """Whether the server goes by the file at our path."""
        return self.settings.get("ssl_ca_file") == self.path

    @property
    def lists_in_force(self) -> bool:
        """Whether the server looks for what is revoked."""
        return any(self.settings.get(name) for name in _NAMES[1:])

    @property
    def directory_of_lists(self) -> bool:
        """Whether it looks into a directory too."""
        return bool(self.settings.get("ssl_crl_dir"))

    @property
    def lists_are_ours(self) -> bool:
        """Whether it looks into the file at our path."""
        return self.settings.get("ssl_crl_file") == self.path

    @property
    def in_force_path(self) -> str:
        """The file that names the authorities."""
        return self.settings.get("ssl_ca_file", "")


def observe(server: Server, *, path: str | None, given: bool) -> State:
    """Read the files, and what the server says of them; little more than its parameters where it trusts nobody."""
    row = server.session.rows(_SETTINGS)[0]
    found: dict[str, str] = row["settings"]
    settings = {name: _absolute(server, found[name]) for name in _NAMES if name in found}
    state = State(
        path=os.path.join(os.path.dirname(os.path.normpath(path or default_path(server))), FILE_NAME) if given else "",
        now=int(time.time()),
        settings=settings,
        loaded=row["loaded"],
        ssl=found["ssl"] == "on",
        can_judge=AVAILABLE,
    )
    if not given and not settings["ssl_ca_file"]:
        return state
    files = {name: _read(server, settings[name]) for name in _FILES if settings[name]}
    trust, certain = _in_force(files, loaded=state.loaded)
    state = dataclasses.replace(state, in_force=trust, certain=certain)
    return _observe_own(server, state, files, found) if given else state


def _observe_own(
    server: Server, state: State, files: t.Mapping[str, FileState | None], found: t.Mapping[str, str]
) -> State:
    served = None
    if state.named and state.ssl:
        served = ask(addresses_to_ask(found["listen_addresses"]), int(found["port"]))
    return dataclasses.replace(
        state,
        writable=server.owner_can_write(os.path.dirname(state.path)),
        owner=server.owner.name,
        own=_own(server.read(state.path)),
        foreign={
            name: path
            for name, path in state.settings.items()
            if path and path != state.path and not _is_ours(files.get(name))
        },
        announced=None if served is None else served.announced,
        refused=state.named and state.ssl and server.refused_at_reload(_TLS),
    )


def _absolute(server: Server, setting: str) -> str:
    return os.path.normpath(os.path.join(server.paths.data_directory, setting)) if setting else ""


def _read(server: Server, path: str) -> FileState | None:
    try:
        return server.read(path)
    except RampartError:  # whose file it is, nobody needs to know
        return None


def _is_ours(file: FileState | None) -> bool:
    """By its mark: after the path was changed."""
    return file is not None and file.content.startswith(MARK)


def _own(file: FileState | None) -> OwnFile | None:
    if file is None:
        return None
    if not AVAILABLE:
        return OwnFile(content=file.content, mode=file.mode, modified=file.modified, trust=None)

    from ansible_collections.rampart.postgresql.plugins.module_utils._tls.client_trust import reading

    trust, problem = reading.read(file.content)
    return OwnFile(content=file.content, mode=file.mode, modified=file.modified, trust=trust, problem=problem)


def _in_force(files: t.Mapping[str, FileState | None], *, loaded: float) -> tuple[Trust | None, bool]:
    """Authorities of the one file, lists of the other; and whether the server goes by exactly these."""
    if not AVAILABLE or files.get("ssl_ca_file") is None:
        return None, False

    from ansible_collections.rampart.postgresql.plugins.module_utils._tls.client_trust import reading

    read = {name: reading.read(file.content) for name, file in files.items() if file is not None}
    certain = len(read) == len(files) and not any(problem for _trust, problem in read.values())
    certain = certain and all(file.modified <= loaded for file in files.values() if file is not None)
    lists = read.get("ssl_crl_file")
    return Trust(read["ssl_ca_file"][0].authorities, () if lists is None else lists[0].lists), certain
