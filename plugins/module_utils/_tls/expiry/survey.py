# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Looking at the certificates of a cluster: it reads, and only reads; private to the collection."""

from __future__ import annotations

import os
import re
import time
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import acting_as
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.expiry import reading
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.expiry.judgement import judge
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.expiry.observed import AUTHORITY
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.expiry.observed import INTERMEDIATE
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.expiry.observed import LIST
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.expiry.observed import SERVER
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.expiry.observed import Found
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.expiry.observed import KeyFile
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.expiry.observed import Observed
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.expiry.reading import Certificate
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.expiry.reading import Key
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.expiry.reading import RevocationList
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.expiry.reading import Unread
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.handshake import Served
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.handshake import addresses_to_ask
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.handshake import ask

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.files import FileState
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server

__all__ = ["survey"]

_SETTINGS = """
SELECT (SELECT pg_catalog.json_object_agg(name, setting ORDER BY name) FROM pg_catalog.pg_settings
         WHERE name IN ('listen_addresses', 'port', 'ssl', 'ssl_ca_file', 'ssl_cert_file', 'ssl_crl_dir',
                        'ssl_crl_file', 'ssl_key_file')) AS settings,
       extract(epoch FROM pg_catalog.pg_conf_load_time())::pg_catalog.float8 AS loaded"""
_LIST_NAME = re.compile(r"[0-9a-f]{8}\.r[0-9]+")  # as OpenSSL looks for them
_CERTIFICATE_NAME = re.compile(r"[0-9a-f]{8}\.[0-9]+")
_OF_ROOT = 0o037  # what nobody but root and one group may have of a key file; PostgreSQL demands the same
_OF_OWNER = 0o077
_DEFAULT_PORT = 5432

Settings = t.Mapping[str, str]


def survey(server: Server, *, within: int | None = None) -> list[dict[str, t.Any]]:
    """Every certificate and list that the server's parameters name, and the certificate that it serves."""
    row = server.session.rows(_SETTINGS)[0]
    return judge(_Look(server, row["settings"], row["loaded"]).observed(), within=within)


class _Look:
    """One look at one cluster."""

    def __init__(self, server: Server, settings: Settings, loaded: float) -> None:
        self._server = server
        self._settings = settings
        self._loaded = loaded  # when the server last read its configuration
        self._ssl = settings["ssl"] == "on"

    def observed(self) -> Observed:
        """Read everything."""
        served, refusal = self._served() if self._ssl else (None, "")
        own = self._own()
        another = served is not None and (not own or own[0].item.fingerprint != served.fingerprint)
        shown = [Found(SERVER, reading.served_certificate(served.certificate))] if served and another else []
        trusted = self._trusted()
        return Observed(
            now=int(time.time()),
            found=(*own, *shown, *trusted),
            key_file=self._key_file(own),
            ssl=self._ssl,
            served=served.fingerprint if served else None,
            not_served=refusal,
            checks_lists=bool(
                self._settings["ssl_ca_file"] and (self._setting("crl_file") or self._setting("crl_dir"))
            ),
        )

    def _setting(self, name: str) -> str:
        return self._settings.get(f"ssl_{name}") or ""

    def _path(self, name: str) -> str:
        value = self._setting(name)
        return os.path.join(self._server.paths.data_directory, value) if value and self._server.has_files else value

    def _served(self) -> tuple[Served | None, str]:
        """What a handshake showed, and what is amiss with it; neither where there is no TCP to ask over."""
        options = self._server.options
        if options.is_remote:
            addresses: tuple[str, ...] = (options.host or "",)
            port = options.port or _DEFAULT_PORT
        else:
            addresses, port = addresses_to_ask(self._settings["listen_addresses"]), int(self._settings["port"])
        if not addresses:
            return None, ""
        answer = ask(addresses, port)
        if answer is None:
            return None, f"no TLS handshake came about at {', '.join(addresses)}, port {port}"
        if answer.refusal:
            return None, f"ssl is on, but {answer.refusal}"
        return answer, ""

    def _own(self) -> list[Found]:
        """The server's certificate and what follows it in its file."""
        path = self._path("cert_file")
        if not path:
            return []
        items, _changed = self._items(path)
        if not self._ssl and (items is None or not self._server.has_files):
            return []  # the default names a file that nobody needs while ssl is off
        return [
            Found(SERVER if number == 1 else INTERMEDIATE, item, path=path, number=number)
            for number, item in enumerate(_certificates(items or [Unread("there is no such file")]), 1)
        ]

    def _trusted(self) -> list[Found]:
        """What client certificates are judged by: OpenSSL takes both kinds out of each file."""
        found: list[Found] = []
        for path in dict.fromkeys(path for path in (self._path("ca_file"), self._path("crl_file")) if path):
            items, changed = self._items(path)
            role = AUTHORITY if path == self._path("ca_file") else LIST
            stale = changed > self._loaded
            found += _all_of(items or [Unread("there is no such file")], path, role, not_loaded=stale)
        return found + self._in_directory(self._path("crl_dir"))

    def _in_directory(self, directory: str) -> list[Found]:
        if not directory:
            return []
        found: list[Found] = []
        try:
            names = self._names_in(directory)
        except (OSError, RampartError) as error:
            return [
                Found(LIST, Unread(f"the directory cannot be read: {_reason(error)}", is_list=True), path=directory)
            ]
        for name in names:
            path = os.path.join(directory, name)
            items, _changed = self._items(path)
            held = [item for item in items or [] if not isinstance(item, Unread) or item.is_list or _looked_for(name)]
            found += _all_of(held, path, LIST, name=name)
        return found

    def _names_in(self, directory: str) -> list[str]:
        if not self._server.has_files:
            raise RampartError(reading.REMOTE)
        with acting_as(self._server.owner):
            return sorted(os.listdir(directory))

    def _items(self, path: str) -> tuple[list[reading.Item] | None, float]:
        """What a file holds, None when there is none, and when it was changed."""
        try:
            state = self._read(path)
        except RampartError as error:
            return [Unread(str(error))], 0.0
        if state is None:
            return None, 0.0
        items = reading.pem_items(state.content)
        return items or [Unread("it holds neither a certificate nor a revocation list")], state.changed

    def _read(self, path: str) -> FileState | None:
        if not self._server.has_files:
            raise RampartError(reading.REMOTE)
        return self._server.read(path)

    def _key_file(self, own: t.Sequence[Found]) -> KeyFile | None:
        """Judged only together with a certificate that could be read."""
        path = self._path("key_file")
        certificate = own[0].item if own else None
        if not path or not isinstance(certificate, Certificate):
            return None
        try:
            state = self._read(path)
        except RampartError as error:
            return KeyFile(path, Key(None, str(error), usable=False))
        if state is None:
            return KeyFile(path, Key(None, "there is no such file", usable=False))
        return KeyFile(path, reading.key_in(state.content, certificate), self._exposed(state))

    def _exposed(self, state: FileState) -> str:
        if state.uid not in (0, self._server.owner.uid):
            return f"it belongs to neither root nor {self._server.owner.name}, so the server does not start with it"
        if state.mode & (_OF_ROOT if state.uid == 0 else _OF_OWNER):
            return f"others have access to it, so the server does not start with it: mode {state.mode:04o}"
        return ""


def _certificates(items: t.Sequence[reading.Item]) -> list[reading.Item]:
    return [item for item in items if not isinstance(item, RevocationList)] or [Unread("it holds no certificate")]


def _all_of(
    items: t.Sequence[reading.Item], path: str, role: str, *, not_loaded: bool = False, name: str | None = None
) -> list[Found]:
    """``role`` is that of what cannot be read; ``name`` that of a file in a directory of hashes."""
    return [
        Found(
            role=_role(item, role),
            item=item,
            path=path,
            number=number,
            not_loaded=not_loaded,
            passed_over=name is not None and not _looked_for(name),
        )
        for number, item in enumerate(items, 1)
    ]


def _role(item: reading.Item, otherwise: str) -> str:
    if isinstance(item, RevocationList):
        return LIST
    if isinstance(item, Certificate):
        return AUTHORITY
    return LIST if item.is_list else otherwise


def _looked_for(name: str) -> bool:
    return bool(_LIST_NAME.fullmatch(name) or _CERTIFICATE_NAME.fullmatch(name))


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
