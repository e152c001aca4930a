"""Private keys with a passphrase: what the server loads when, and what the module makes of it."""

from __future__ import annotations

import typing as t

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from ansible_collections.rampart.postgresql.plugins.module_utils._tls import pem
from ansible_collections.rampart.postgresql.tests.conformance.tls.authorities import TestAuthority
from ansible_collections.rampart.postgresql.tests.conformance.tls.authorities import half
from ansible_collections.rampart.postgresql.tests.conformance.tls.hello import negotiated
from ansible_collections.rampart.postgresql.tests.conformance.tls.test_certificate import _request
from ansible_collections.rampart.postgresql.tests.conformance.tls.test_certificate import good
from ansible_collections.rampart.postgresql.tests.conformance.tls.test_certificate import handshake
from ansible_collections.rampart.postgresql.tests.conformance.tls.test_certificate import in_file
from ansible_collections.rampart.postgresql.tests.conformance.tls.test_certificate import own_file
from ansible_collections.rampart.postgresql.tests.conformance.tls.test_certificate import run
from ansible_collections.rampart.postgresql.tests.conformance.tls.test_certificate import write
from ansible_collections.rampart.postgresql.tests.conformance.tls.test_policy import by_hand
from ansible_collections.rampart.postgresql.tests.conformance.tls.test_policy import put

if t.TYPE_CHECKING:
    import pathlib

    from ansible_collections.rampart.postgresql.tests.conformance.modules import Result
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

SECRET = "geheim-8f2c"
NAMES = ["localhost"]


def certificate_of(content: bytes) -> bytes:
    return b"".join(pem.blocks(content, label=b"CERTIFICATE"))


def protected(content: bytes) -> bytes:
    """The same key with a passphrase, and its certificate; the mark stays."""
    key = serialization.load_pem_private_key(pem.blocks(content, label=b"PRIVATE KEY")[0], password=None)
    encrypted = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(SECRET.encode()),
    )
    return pem.assembled(encrypted, certificate_of(content))


def another() -> bytes:
    return pem.make(_request(names=("localhost",)))


def told(result: Result, words: str) -> bool:
    assert SECRET not in good(result).output
    return any(words in warning for warning in result.values["warnings"])


@pytest.fixture
def guarded(fresh_server: Server) -> Server:
    """A server with a certificate of ours whose key somebody has given a passphrase."""
    server = fresh_server
    good(run(server, names=NAMES))
    write(server, own_file(server), protected(own_file(server).read_bytes()))
    by_hand(server, ssl_passphrase_command=f"echo {SECRET}")
    server.restart()
    return server


def test_what_the_server_loads_at_a_reload(guarded: Server) -> None:
    """The facts that the module goes by."""
    server = guarded
    first = handshake(server)
    write(server, own_file(server), protected(another()))
    by_hand(server, ssl_ciphers="ECDHE-ECDSA-AES128-GCM-SHA256")
    assert handshake(server) == first  # and with it, nothing of TLS was loaded
    assert server.query("SHOW ssl_ciphers") == [("ECDHE-ECDSA-AES128-GCM-SHA256",)]
    assert negotiated(server, "TLSv1.2") != "ECDHE-ECDSA-AES128-GCM-SHA256"

    write(server, own_file(server), another())
    server.reload()  # a key without a passphrase is loaded whatever the switch says
    assert handshake(server) != first
    assert negotiated(server, "TLSv1.2") == "ECDHE-ECDSA-AES128-GCM-SHA256"

    second = handshake(server)
    write(server, own_file(server), protected(another()))
    by_hand(server, ssl_passphrase_command_supports_reload="on")
    assert handshake(server) != second


@pytest.mark.in_turn
def test_a_passphrase_that_the_server_knows_is_no_fault(guarded: Server) -> None:
    server = guarded
    before = own_file(server).read_bytes()
    assert handshake(server) == _served(before)
    left = run(server, names=NAMES)
    assert not good(left).changed and not told(left, "restart")
    assert own_file(server).read_bytes() == before

    # The names are judged all the same; the new key has no passphrase, and is loaded by a reload.
    made = run(server, names=["localhost", "db1"])
    assert good(made).changed and told(made, "the new one has none")
    assert handshake(server) == in_file(server) != _served(before)


@pytest.mark.in_turn
def test_without_a_command_it_is_a_fault(guarded: Server) -> None:
    server = guarded
    server.query("ALTER SYSTEM RESET ssl_passphrase_command")
    server.reload()
    made = good(run(server, names=NAMES))
    assert "protected by a passphrase" in made.values["steps"][0]["description"]
    assert handshake(server) == in_file(server)


@pytest.mark.in_turn
def test_what_waits_for_a_restart_is_told_and_not_taken_back(guarded: Server) -> None:
    server = guarded
    served = handshake(server)
    write(server, own_file(server), protected(another()))
    waiting = run(server, names=NAMES)
    assert not good(waiting).changed and told(waiting, "before it is restarted")
    assert handshake(server) == served
    late = put(server, check=True, ssl="on", ssl_ciphers="ECDHE-ECDSA-AES128-GCM-SHA256")
    assert told(late, "ssl_ciphers: in force after a restart only")

    server.restart()
    assert handshake(server) != served
    assert not told(run(server, names=NAMES), "before it is restarted")

    by_hand(server, ssl_passphrase_command_supports_reload="on")
    served = handshake(server)
    write(server, own_file(server), protected(another()))
    loaded = run(server, names=NAMES)
    assert good(loaded).changed and not told(loaded, "restart")
    assert handshake(server) != served
    assert not told(put(server, check=True, ssl="on", ssl_ciphers="ECDHE-ECDSA-AES128-GCM-SHA256"), "restart")


@pytest.mark.in_turn
def test_whom_the_server_believes_does_not_wait_for_a_restart(guarded: Server, tmp_path: pathlib.Path) -> None:
    """A certificate that was revoked is not to be believed any longer than anybody knows."""
    server, authority = guarded, TestAuthority(tmp_path / "authority").open()
    trust = {"client_authorities": authority.trust_pem, "client_revocation_lists": authority.revocation_lists_pem}
    wanted = {"provider": "self_signed", "names": NAMES, **trust}
    file = server.data_directory / "rampart-clients.pem"
    refused = half(server, wanted)
    assert "would go on believing the clients" in refused.message and not file.exists(), refused.output
    by_hand(server, ssl_passphrase_command_supports_reload="on")
    assert good(half(server, wanted)).changed and file.exists()


@pytest.mark.in_turn
def test_files_of_something_else_may_have_a_passphrase(guarded: Server) -> None:
    server = guarded
    source = server.data_directory / "renewed.pem"
    content = another()
    write(server, source, protected(content))
    options: dict[str, t.Any] = {"provider": "existing", "source_certificate": str(source)}
    adopted = run(server, **options)
    assert good(adopted).changed and told(adopted, "before it is restarted")
    server.restart()
    assert handshake(server) == _served(content)
    assert not good(run(server, **options)).changed


def _served(content: bytes) -> bytes:

    return x509.load_pem_x509_certificate(certificate_of(content)).public_bytes(serialization.Encoding.DER)
