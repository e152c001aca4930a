"""Versions, ciphers and groups on real servers: what they do with names that they do not know, and what is refused."""

from __future__ import annotations

import ssl
import typing as t

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._converge import Component
from ansible_collections.rampart.postgresql.plugins.module_utils._settings import arguments as settings
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.arguments import component
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.policy import asking
from ansible_collections.rampart.postgresql.tests.conformance.components import run_components
from ansible_collections.rampart.postgresql.tests.conformance.tls.hello import ALERT
from ansible_collections.rampart.postgresql.tests.conformance.tls.hello import CODES
from ansible_collections.rampart.postgresql.tests.conformance.tls.hello import SERVER_HELLO
from ansible_collections.rampart.postgresql.tests.conformance.tls.hello import hello
from ansible_collections.rampart.postgresql.tests.conformance.tls.hello import negotiated

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.tests.conformance.modules import Result
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

SOUND = "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384"
OF_RSA, OF_ECDSA = "ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-ECDSA-AES256-GCM-SHA384"
PROTOCOL_VERSION, HANDSHAKE_FAILURE = 70, 40  # alerts


def put(server: Server, *, check: bool = False, **parameters: str) -> Result:
    wanted = {"sections": {"pg_tls": parameters}}
    return run_components(server, lambda: [settings.component(wanted)], check=check, rehearse=False)


def with_certificate(server: Server, key_type: str = "ecdsa_p256", **parameters: str) -> Result:
    """A certificate with such a key, and ssl turned on."""

    def build() -> list[Component]:
        section = {"sections": {"pg_tls": {"ssl": "on", **parameters}}}
        return [component({"names": ["localhost"], "key_type": key_type}), settings.component(section)]

    return run_components(server, build, rehearse=False)


def good(result: Result) -> Result:
    assert not result.failed, result.output
    return result


def told(result: Result) -> list[str]:
    """Warnings of the TLS that is to come."""
    return [words for words in good(result).values["warnings"] if words.startswith("ssl_")]


def by_hand(server: Server, **parameters: str) -> None:
    """What an operator could do without us."""
    with server.connect() as connection:
        for name, value in parameters.items():
            connection.execute(f"ALTER SYSTEM SET {name} = '{value}'".encode())
    server.reload()


REFUSED: tuple[tuple[dict[str, str], str, str], ...] = (
    ({"ssl_ciphers": f"{OF_RSA}:ECDHE-ECDSA-AES256-GCM-SHA348"}, "ECDHE-ECDSA-AES256-GCM-SHA348", SOUND),
    ({"ssl_ciphers": "NONSENSE"}, "NONSENSE", "HIGH"),
    ({"ssl_ciphers": "TLS_AES_256_GCM_SHA384"}, "TLS_AES_256_GCM_SHA384", f"TLS_AES_256_GCM_SHA384:{OF_RSA}"),
    ({"ssl_ciphers": "ECDHE+AESGCN"}, "ECDHE+AESGCN", "ECDHE+AESGCM"),
    ({"ssl_ecdh_curve": "prime256v2"}, "prime256v2", "prime256v1"),
    ({"ssl_ciphers": f"{SOUND}:PROFILE=SYSTEMM"}, "PROFILE=SYSTEMM", f"{SOUND}:!aNULL:+3DES:@STRENGTH"),
)


@pytest.mark.in_turn
def test_a_name_that_the_server_does_not_know_is_refused(server: Server) -> None:
    for parameters, element, control in REFUSED:
        [name] = parameters
        refused = put(server, check=True, **parameters)
        assert refused.failed, refused.output
        assert repr(element) in refused.message and "the server's OpenSSL " in refused.message, refused.message
        assert refused.message.startswith(name if server.major < 18 else name.replace("ecdh_curve", "groups"))
        assert good(put(server, check=True, **{name: control})).changed


@pytest.mark.in_turn
def test_without_the_servers_library_there_are_doubts(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then the host's Python is asked, which may know less than the server."""
    wrong = f"{SOUND}:ECDHE-ECDSA-AES256-GCM-SHA348"
    assert put(server, check=True, ssl_ciphers=wrong).failed
    monkeypatch.setattr(asking, "_of_server", lambda pid: ["/nonexistent/libcrypto.so.9", "/nonexistent/libssl.so.9"])
    [doubt] = told(put(server, check=True, ssl_ciphers=wrong))
    assert "does not know ECDHE-ECDSA-AES256-GCM-SHA348, and it was not tried" in doubt
    assert told(put(server, check=True, ssl_ciphers=SOUND)) == []


@pytest.mark.in_turn
def test_oldest_and_newest_version(server: Server) -> None:
    wrong = put(server, check=True, ssl_min_protocol_version="TLSv1.3", ssl_max_protocol_version="TLSv1.2")
    assert wrong.message.startswith("ssl_min_protocol_version: 'TLSv1.3' cannot be used: it is newer than"), wrong
    assert good(put(server, check=True, ssl_min_protocol_version="TLSv1.3", ssl_max_protocol_version="")).changed
    assert good(put(server, check=True, ssl_max_protocol_version="TLSv1.2")).changed
    [broken] = told(put(server, check=True, ssl_min_protocol_version="TLSv1.1"))
    assert broken.startswith("ssl_min_protocol_version: TLSv1.1 is broken")


@pytest.mark.in_turn
def test_what_is_unwise_is_told_and_done(server: Server) -> None:
    def words_for(ciphers: str) -> str:
        return "\n".join(told(put(server, check=True, ssl_ciphers=ciphers)))

    assert words_for(SOUND) == ""
    assert words_for("ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:!aNULL") == ""
    weak = words_for(f"{SOUND}:AES256-GCM-SHA384:ECDHE-RSA-AES256-SHA:NULL-MD5:ADH-AES256-SHA:RC4:!3DES:!XYZ")
    for words in (
        "RC4 selects nothing",
        "!XYZ takes nothing away",
        "without encryption (NULL-MD5)",
        "without a certificate, open to anybody in between (ADH-AES256-SHA)",
        "with MD5 (NULL-MD5)",
        "without forward secrecy (AES256-GCM-SHA384, NULL-MD5)",
        "without authenticated encryption (ECDHE-RSA-AES256-SHA, NULL-MD5, ADH-AES256-SHA)",
    ):
        assert words in weak
    assert "3DES" not in weak
    assert " more)" in words_for("HIGH:!aNULL")
    assert "TLS_AES_256_GCM_SHA384 has no effect" in words_for(f"TLS_AES_256_GCM_SHA384:{SOUND}")


def test_before_18_there_is_one_curve(server: Server) -> None:
    several = put(server, check=True, ssl_ecdh_curve="prime256v1:secp384r1")
    assert several.failed is (server.major < 18), several.output
    unusable = put(server, check=True, ssl_ecdh_curve="X25519")  # such servers want another kind of curve
    assert unusable.failed is (server.major < 18), unusable.output


@pytest.mark.since(18)
def test_ciphers_of_tls_1_3(server: Server) -> None:
    for wrong in ("TLS_AES_256_GCM_SHA348", OF_RSA):
        refused = put(server, check=True, ssl_tls13_ciphers=f"TLS_AES_256_GCM_SHA384:{wrong}")
        assert refused.message.startswith(f"ssl_tls13_ciphers: {wrong!r} cannot be used: the server's OpenSSL")
    fine = good(put(server, check=True, ssl_tls13_ciphers="TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"))
    assert fine.changed and not told(fine)


@pytest.mark.in_turn
def test_what_the_server_itself_makes_of_a_list_without_a_cipher(fresh_server: Server) -> None:
    """It says nothing and serves no TLS 1.2 any more: why we ask its library, name by name."""
    server = fresh_server
    good(with_certificate(server, ssl_ciphers=SOUND))
    assert negotiated(server, "TLSv1.2") == OF_ECDSA
    by_hand(server, ssl_ciphers="NONSENSE")
    assert server.query("SHOW ssl_ciphers") == [("NONSENSE",)]
    with pytest.raises(ssl.SSLError):
        negotiated(server, "TLSv1.2")
    assert negotiated(server, "TLSv1.3")


@pytest.mark.in_turn
def test_ciphers_have_to_fit_the_key_of_the_certificate(fresh_server: Server) -> None:
    server = fresh_server
    refused = with_certificate(server, ssl_ciphers=OF_RSA)
    assert "the key of the certificate is ECDSA P-256" in refused.message, refused.output
    assert f"add {OF_ECDSA}" in refused.message and not (server.data_directory / "rampart-server.pem").exists()
    good(with_certificate(server, ssl_ciphers=OF_ECDSA))
    assert negotiated(server, "TLSv1.2") == OF_ECDSA

    assert "ECDSA P-256" in put(server, ssl="on", ssl_ciphers=OF_RSA).message  # the certificate that is there
    assert "RSA 3072" in with_certificate(server, "rsa", ssl_ciphers=OF_ECDSA).message  # the ciphers that are there
    newest = {"ssl": "on", "ssl_ciphers": OF_RSA, "ssl_min_protocol_version": "TLSv1.3"}
    assert good(put(server, check=True, **newest)).changed
    only = put(server, check=True, ssl="on", ssl_ciphers=OF_RSA, ssl_max_protocol_version="TLSv1.2")
    assert "no client could connect with TLS" in only.message

    # This is what was refused:
    by_hand(server, ssl_ciphers=OF_RSA)
    with pytest.raises(ssl.SSLError):
        negotiated(server, "TLSv1.2")
    assert negotiated(server, "TLSv1.3")
    by_hand(server, ssl_ciphers=OF_ECDSA)
    assert negotiated(server, "TLSv1.2") == OF_ECDSA

    server.query("ALTER SYSTEM RESET ssl_ciphers")
    good(with_certificate(server, "rsa", ssl_ciphers=SOUND))
    assert negotiated(server, "TLSv1.2") == OF_RSA


def test_versions_that_are_too_old_are_refused_by_the_server(fresh_server: Server) -> None:
    """The ClientHello is ours, so no library of a client stands between; each refusal has its control."""
    server = fresh_server
    good(with_certificate(server, ssl_min_protocol_version="TLSv1.2", ssl_ciphers=SOUND))
    assert hello(server, "TLSv1.2") == (SERVER_HELLO, CODES["TLSv1.2"])
    for version in ("TLSv1.1", "TLSv1"):
        assert hello(server, version) == (ALERT, PROTOCOL_VERSION), version

    by_hand(server, ssl_min_protocol_version="TLSv1", ssl_ciphers="ALL:@SECLEVEL=0")
    for version in ("TLSv1.2", "TLSv1.1", "TLSv1"):
        assert hello(server, version) == (SERVER_HELLO, CODES[version]), version
    by_hand(server, ssl_min_protocol_version="TLSv1.1")
    assert hello(server, "TLSv1.1") == (SERVER_HELLO, CODES["TLSv1.1"])
    assert hello(server, "TLSv1") == (ALERT, PROTOCOL_VERSION)

    by_hand(server, ssl_min_protocol_version="TLSv1.3")
    assert hello(server, "TLSv1.2") == (ALERT, PROTOCOL_VERSION)
    assert negotiated(server, "TLSv1.3")
