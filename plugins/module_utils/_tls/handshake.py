# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The certificate that a server really serves: SHOW gives new values even when they were not loaded; private to the
collection."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import socket
import ssl
import struct
import typing as t

__all__ = ["Served", "addresses_to_ask", "ask"]

_SSL_REQUEST = struct.pack("!II", 8, 80877103)  # length, and the code of PostgreSQL's SSLRequest
_HANDSHAKE = 22  # type of a record
_CERTIFICATE_REQUEST = 13  # type of a message
_CERTIFICATE_AUTHORITIES = 47  # type of an extension
_TIMEOUT = 2.0  # seconds for the connection and for each answer
_EVERYWHERE = {"*": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1", "localhost": "localhost"}


@dataclasses.dataclass(frozen=True)
class Served:
    """An answer of the server: its certificate in DER and the SHA-256 fingerprint of it, or why there is no TLS.

    ``announced`` are the authorities whose certificates it asks clients for, their subjects in DER. Empty: it asks for
    none. None is not known.
    """

    fingerprint: str = ""
    refusal: str = ""
    certificate: bytes = dataclasses.field(default=b"", repr=False, compare=False)
    announced: frozenset[bytes] | None = None


def addresses_to_ask(listen_addresses: str) -> tuple[str, ...]:
    """Where a server with these listen_addresses can be reached from its own host, loopback first."""
    listed = [item.strip() for item in listen_addresses.split(",") if item.strip()]
    loopback = [_EVERYWHERE[item] for item in listed if item in _EVERYWHERE]
    return tuple(dict.fromkeys([*loopback, *(item for item in listed if item not in _EVERYWHERE)]))


def ask(addresses: tuple[str, ...], port: int) -> Served | None:
    """Start TLS with the first address that answers and hang up; None when nobody answers."""
    for address in addresses:
        try:
            connection = socket.create_connection((address, port), timeout=_TIMEOUT)
        except OSError:
            continue
        with connection:
            try:
                return _handshake(connection)
            except OSError:  # of TLS too: that this client has no cipher in common says nothing about the certificate
                continue
    return None


def _handshake(connection: socket.socket) -> Served | None:
    # Without this the leave below waits 40 ms for an acknowledgement.
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.sendall(_SSL_REQUEST)
    answer = connection.recv(1)
    if answer != b"S":
        return Served(refusal="the server does not offer TLS") if answer == b"N" else None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # the question is which certificate it is, the answer is compared
    requests = _listen(context)
    with context.wrap_socket(connection) as wrapped:
        der = wrapped.getpeercert(binary_form=True) or b""
        with contextlib.suppress(OSError):  # taking leave reads what is pending, or the server logs a broken connection
            wrapped.unwrap()
    return Served(
        fingerprint=hashlib.sha256(der).hexdigest(),
        certificate=der,
        announced=None if requests is None else _announced(requests),
    )


def _listen(context: ssl.SSLContext) -> list[bytes] | None:
    """Where the server's requests for a certificate will be; None where this Python does not show them.

    No public interface has them, and from TLS 1.3 on they are encrypted.
    """
    if not hasattr(context, "_msg_callback"):
        return None
    requests: list[bytes] = []

    def heard(connection: object, way: str, version: int, content: int, kind: int, message: bytes) -> None:
        if (way, int(content), int(kind)) == ("read", _HANDSHAKE, _CERTIFICATE_REQUEST):
            requests.append(message)

    t.cast("t.Any", context)._msg_callback = heard
    return requests


def _announced(requests: list[bytes]) -> frozenset[bytes] | None:
    try:
        return frozenset(name for request in requests for name in _names(request))
    except (IndexError, struct.error):
        return None


def _names(request: bytes) -> list[bytes]:
    """Distinguished names in a CertificateRequest: RFC 8446, 4.3.2, whose first byte is the length of a context that is
    empty here, or RFC 5246, 7.4.4, whose first byte counts the types of certificates, of which there is one at least."""
    body = request[4:]
    if body[0] == 0:
        extensions, _rest = _vector(body[1:])
        while extensions:
            [kind] = struct.unpack_from("!H", extensions)
            content, extensions = _vector(extensions[2:])
            if kind == _CERTIFICATE_AUTHORITIES:
                return _items(_vector(content)[0])
        return []
    _algorithms, rest = _vector(body[1 + body[0] :])
    return _items(_vector(rest)[0])


def _items(names: bytes) -> list[bytes]:
    found = []
    while names:
        name, names = _vector(names)
        found.append(name)
    return found


def _vector(content: bytes) -> tuple[bytes, bytes]:
    """Bytes whose length comes first, and what follows them."""
    [length] = struct.unpack_from("!H", content)
    return content[2 : 2 + length], content[2 + length :]
