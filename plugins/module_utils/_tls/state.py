# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is known about the certificate of a cluster before planning; private to the collection."""

from __future__ import annotations

import dataclasses
import os
import time
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._tls import pem
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.certificate import Contents
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.certificate import Pending
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.desired import CA
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.desired import EXISTING
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.desired import INSTALL
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.desired import REQUEST
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.desired import Desired
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.handshake import Served
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.handshake import addresses_to_ask
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.handshake import ask
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.names import host_addresses
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.names import host_names
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.places import account_name
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.places import exposed

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server
    from ansible_collections.rampart.postgresql.plugins.module_utils._tls.source import Source

__all__ = ["DISTRIBUTION_CERTIFICATES", "FILE_NAME", "InUse", "OwnFile", "State", "Waiting", "observe"]

FILE_NAME = "rampart-server.pem"
WAITING = ".pending"  # appended to the path: a key that waits for the authority, between two halves of one task
REQUESTED = ".request"  # a key whose request an operator carries
DISTRIBUTION_CERTIFICATES = (
    "/etc/ssl/certs/ssl-cert-snakeoil.pem",  # Debian's package ssl-cert
    "/etc/pki/tls/certs/localhost.crt",  # mod_ssl on Red Hat's systems
)

_SETTINGS = """
SELECT (SELECT pg_catalog.json_object_agg(name, setting ORDER BY name) FROM pg_catalog.pg_settings
         WHERE name IN ('listen_addresses', 'port', 'ssl', 'ssl_cert_file',
                        'ssl_passphrase_command_supports_reload')) AS settings,
       EXISTS (SELECT FROM pg_catalog.pg_settings WHERE name = 'ssl_passphrase_command' AND setting <> '') AS command,
       extract(epoch FROM pg_catalog.pg_conf_load_time())::pg_catalog.float8 AS loaded"""


@dataclasses.dataclass(frozen=True)
class OwnFile:
    """The file at our path. ``contents`` is None when nothing here can judge it."""

    content: bytes = dataclasses.field(repr=False)
    mode: int
    modified: float
    contents: Contents | None
    roots: bool = False  # belongs to root, which the server lets its group read
    stranger: str = ""  # the account that it belongs to, when that is neither root nor the owner of the cluster


@dataclasses.dataclass(frozen=True)
class InUse:
    """The certificate that ssl_cert_file names, when that is not the file at our path."""

    path: str
    real_path: str
    contents: Contents | None = None
    unreadable: str = ""


@dataclasses.dataclass(frozen=True)
class Waiting:
    """The file of a private key that waits for its certificate. ``pending`` is None when it is of no use."""

    path: str = ""
    content: bytes | None = dataclasses.field(default=None, repr=False)
    pending: Pending | None = None


@dataclasses.dataclass(frozen=True)
class State:
    """Everything that planning needs; times are seconds since the epoch."""

    path: str
    writable: bool  # the owner of the cluster may put a file there
    owner: str
    now: int
    host_names: tuple[str, ...]
    own: OwnFile | None
    in_use: InUse | None  # None: ssl_cert_file names our path, or no file
    named: bool  # ssl_cert_file names our path
    ssl: bool
    loaded: float  # when the server last read its configuration
    served: Served | None = None  # asked only when ours is named and ssl is on
    can_judge: bool = True  # the cryptography library is here
    can_stand_in: bool = False
    exposed: str = ""  # why somebody else could put another file there
    passphrase_command: bool = False  # the server has one; what it says is nobody's business
    passphrase_at_reload: bool = False  # and calls it at a reload too
    waiting: Waiting = Waiting()  # for the authority
    requested: Waiting = Waiting()  # for an operator's answer
    source: Source | None = None
    issuers: tuple[str, ...] = ()  # fingerprints of what has to follow the certificate
    issuer_end: int | None = None  # when the first of them expires


def observe(server: Server, desired: Desired) -> State:
    """Read the files, the clock, the names of the host, and what the server serves."""
    row = server.session.rows(_SETTINGS)[0]
    settings: dict[str, str] = row["settings"]
    path = desired.path or default_path(server)
    configured = os.path.join(server.paths.data_directory, settings["ssl_cert_file"])
    named = os.path.normpath(configured) == os.path.normpath(path)
    ssl = settings["ssl"] == "on"
    listen = settings["listen_addresses"]
    return State(
        path=path,
        writable=server.owner_can_write(os.path.dirname(path)),
        owner=server.owner.name,
        now=int(time.time()),
        host_names=() if desired.names else (*host_names(), *host_addresses(listen)),
        own=_own(server, path),
        in_use=None if named or not settings["ssl_cert_file"] else _in_use(server, configured),
        named=named,
        ssl=ssl,
        loaded=row["loaded"],
        served=ask(addresses_to_ask(listen), int(settings["port"])) if named and ssl else None,
        can_judge=pem.AVAILABLE,
        can_stand_in=not pem.AVAILABLE and pem.stand_in_possible(),
        exposed=exposed(path, server.owner),
        passphrase_command=row["command"],
        passphrase_at_reload=settings["ssl_passphrase_command_supports_reload"] == "on",
        **_provided(server, path, desired),
    )


def _provided(server: Server, path: str, desired: Desired) -> dict[str, t.Any]:
    """What only some providers look at, and what they left."""
    if not pem.AVAILABLE:
        return {}
    found: dict[str, t.Any] = {}
    if desired.provider == EXISTING:
        from ansible_collections.rampart.postgresql.plugins.module_utils._tls.source import read_source

        found["source"] = read_source(server, desired)
    if desired.provider == CA:
        found["waiting"] = _waiting(server, path + WAITING)
    if desired.provider in (REQUEST, INSTALL):
        found["requested"] = _waiting(server, path + REQUESTED)
    if desired.issuers:
        from ansible_collections.rampart.postgresql.plugins.module_utils._tls.waiting import judged_chain

        issuers = judged_chain(desired.issuers, option=desired.named("issuers"))
        found["issuers"], found["issuer_end"] = issuers.chain, issuers.certificate and issuers.certificate.not_after
    return found


def _waiting(server: Server, path: str) -> Waiting:
    found = server.read(path)
    if found is None:
        return Waiting(path=path)
    from ansible_collections.rampart.postgresql.plugins.module_utils._tls.waiting import read_pending

    return Waiting(path=path, content=found.content, pending=read_pending(found.content))


def default_path(server: Server) -> str:
    """Beside the main configuration file where the owner may write there, else in the data directory."""
    directory = os.path.dirname(server.paths.config_file)
    if not server.owner_can_write(directory):
        directory = server.paths.data_directory
    return os.path.join(directory, FILE_NAME)


def _own(server: Server, path: str) -> OwnFile | None:
    found = server.read(path)
    if found is None:
        return None
    return OwnFile(
        content=found.content,
        mode=found.mode,
        modified=found.modified,
        contents=pem.read(found.content) if pem.AVAILABLE else None,
        roots=found.uid == 0,
        stranger="" if found.uid in (0, server.owner.uid) else account_name(found.uid),
    )


def _in_use(server: Server, path: str) -> InUse | None:
    try:
        found = server.read(path)
    except RampartError as error:
        return InUse(path=path, real_path=path, unreadable=str(error))
    if found is None:
        return None
    contents = pem.read(found.content) if pem.AVAILABLE else None
    return InUse(path=path, real_path=found.real_path, contents=contents)
