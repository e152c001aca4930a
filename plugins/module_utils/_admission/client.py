# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who wants to get in, and what it can show; private to the collection."""

from __future__ import annotations

import dataclasses
import re

from ansible_collections.rampart.postgresql.plugins.module_utils._hba.addresses import show_address
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.matching import Attempt

__all__ = ["Certificate", "Client", "as_shown"]

_PARTS = re.compile(r"/(?=[A-Za-z0-9.]+=)")
_SHOWN_BYTES = 63  # NAMEDATALEN - 1


@dataclasses.dataclass(frozen=True)
class Certificate:
    """The names in a client certificate that the server has verified, or would."""

    common_name: str | None  # None is not known
    distinguished_name: str | None = None  # as RFC 2253 writes it, which is what clientname=DN compares
    issuer: str | None = None  # as pg_stat_ssl shows it; None is not known, and neither is the number then
    serial: int | None = None

    @classmethod
    def of_client_dn(cls, client_dn: str, issuer_dn: str | None = None, serial: int | None = None) -> Certificate:
        """From ``pg_stat_ssl.client_dn``, which is cut after 63 bytes and leaves slashes in values as they are."""
        parts = [
            (name, value) for name, _equals, value in (part.partition("=") for part in _PARTS.split(client_dn)[1:])
        ]
        is_cut = len(client_dn.encode("utf-8", "surrogateescape")) >= _SHOWN_BYTES
        names = [index for index, (name, _value) in enumerate(parts) if name == "CN"]
        common_name: str | None = ""
        if names:
            value = parts[names[0]][1]
            is_known = "\\" not in value and not (is_cut and names[0] == len(parts) - 1)
            common_name = value if is_known else None
        elif is_cut:
            common_name = None
        whole = None if is_cut else ",".join(f"{name}={value}" for name, value in reversed(parts))
        return cls(
            common_name,
            whole if whole is None or whole.isascii() else None,
            as_shown(issuer_dn) if issuer_dn and serial is not None else None,
            serial,
        )


def as_shown(name: str) -> str:
    """A distinguished name as far as pg_stat_ssl shows it: it may be cut within a character."""
    return name.encode("utf-8", "surrogateescape")[:_SHOWN_BYTES].decode("utf-8", "ignore")


@dataclasses.dataclass(frozen=True)
class Client:
    """One client: how it comes, and what it can show."""

    attempt: Attempt  # its member_of counts only where the roles of the side are not known
    label: str = ""  # how messages call it: session 4711 (pgbouncer), must_admit[2]
    connected: bool = False  # one session of it is in at this moment
    joined: bool = False  # not this one, but another session like it is in
    account: str | None = None  # operating system account at the other end of the socket; None is not known
    has_password: bool | None = None  # the right one for its role; None is not known
    certificate: Certificate | None = None
    may_have_certificate: bool = False  # nobody asked for one, so that none was shown says nothing
    logical: bool = False  # a walsender in a database: logical replication
    server_address: bytes | None = None  # that it is connected to; None is not known
    socket_directory: str | None = None  # of the socket that it is connected to; None is not known
    follows: bool = False  # finds the server by itself, whatever port and socket it has
    protocol: str = ""  # TLSv1.2
    cipher: str = ""  # as OpenSSL calls it

    @property
    def seated(self) -> bool:
        """Whether it has one of the places that are counted."""
        return self.connected or self.joined

    @property
    def is_walsender(self) -> bool:
        """Whether it comes for replication, of either kind."""
        return self.logical or self.attempt.replication

    def __str__(self) -> str:
        tried = self.attempt
        where = f"from {show_address(tried.address)}" if tried.address is not None else "through the socket"
        how = " with TLS" if tried.tls else " encrypted by GSSAPI" if tried.gss else ""
        what = "physical replication" if tried.replication else f"database {tried.database}"
        words = f"user {tried.user}, {what}, {where}{how}"
        return f"{self.label}: {words}" if self.label else words
