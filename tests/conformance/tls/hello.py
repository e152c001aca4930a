"""Clients of one version of TLS: Python's, and a ClientHello made by hand where its own library would refuse by itself."""

from __future__ import annotations

import os
import socket
import ssl
import struct
import typing as t

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

__all__ = ["ALERT", "CODES", "SERVER_HELLO", "hello", "negotiated"]

CODES: t.Final = {"TLSv1": 0x0301, "TLSv1.1": 0x0302, "TLSv1.2": 0x0303}
SERVER_HELLO: t.Final = "server hello"
ALERT: t.Final = "alert"
_SSL_REQUEST = struct.pack("!II", 8, 80877103)
_ALERT, _HANDSHAKE = 21, 22  # types of records
# ECDHE-ECDSA and ECDHE-RSA with AES-GCM, then with AES-CBC and SHA, which TLS 1.1 has too; RSA with AES-CBC and SHA.
_CIPHERS = (0xC02B, 0xC02F, 0xC02C, 0xC030, 0xC009, 0xC013, 0xC00A, 0xC014, 0x002F, 0x0035)
_GROUPS = (0x001D, 0x0017, 0x0018)  # X25519, P-256, P-384
_SIGNATURES = (0x0403, 0x0503, 0x0804, 0x0401, 0x0501, 0x0203, 0x0201)


def _connect(server: Server) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=5)
    connection.sendall(_SSL_REQUEST)
    answer = connection.recv(1)
    assert answer == b"S", answer
    return connection


def negotiated(server: Server, version: str) -> str:
    """The cipher that the server takes from a client of this version only; ssl.SSLError when there is none."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = context.maximum_version = getattr(ssl.TLSVersion, version.replace(".", "_"))
    with _connect(server) as connection, context.wrap_socket(connection) as wrapped:
        cipher = wrapped.cipher()
        assert cipher is not None and wrapped.version() == version
        return cipher[0]


def hello(server: Server, version: str) -> tuple[str, int]:
    """Whether a ClientHello of this version is answered by a ServerHello, with its version, or an alert, with its number."""
    with _connect(server) as connection:
        connection.sendall(_client_hello(CODES[version]))
        kind, _version, length = struct.unpack("!BHH", _exactly(connection, 5))
        body = _exactly(connection, length)
    if kind == _ALERT:
        return ALERT, body[1]
    assert kind == _HANDSHAKE and body[0] == 2, body
    return SERVER_HELLO, struct.unpack("!H", body[4:6])[0]


def _exactly(connection: socket.socket, length: int) -> bytes:
    found = b""
    while len(found) < length:
        more = connection.recv(length - len(found))
        assert more, "the server hung up without an alert"
        found += more
    return found


def _client_hello(version: int) -> bytes:
    """RFC 5246, 7.4.1.2; without the extension that TLS 1.3 puts versions into."""
    ciphers = _words(_CIPHERS)
    extensions = b"".join(
        [
            _extension(10, _block(2, _words(_GROUPS))),
            _extension(11, _block(1, b"\0")),  # points are not compressed
            _extension(13, _block(2, _words(_SIGNATURES))),
        ]
    )
    body = struct.pack("!H", version) + os.urandom(32) + b"\0"  # no session
    body += _block(2, ciphers) + _block(1, b"\0") + _block(2, extensions)
    message = b"\x01" + struct.pack("!I", len(body))[1:] + body
    return struct.pack("!BH", _HANDSHAKE, min(version, 0x0301)) + _block(2, message)


def _words(numbers: t.Iterable[int]) -> bytes:
    return b"".join(struct.pack("!H", number) for number in numbers)


def _block(size: int, content: bytes) -> bytes:
    """Content after its length, which takes this many bytes."""
    return len(content).to_bytes(size, "big") + content


def _extension(number: int, content: bytes) -> bytes:
    return struct.pack("!H", number) + _block(2, content)
