# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Making and reading the file with key and certificate."""

from __future__ import annotations

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from ansible_collections.rampart.postgresql.plugins.module_utils._tls import pem
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.certificate import KeySpec
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.certificate import Request

NOW = 1_800_000_000
DAY = 86400


def request(*names: str, kind: str = "ecdsa_p256", bits: int = 0) -> Request:
    return Request(
        names=names or ("db1", "localhost"), key=KeySpec(kind, bits), not_before=NOW - 3600, not_after=NOW + 90 * DAY
    )


MADE = pem.make(request())
OTHER = pem.make(request())


def blocks(content: bytes) -> tuple[bytes, bytes]:
    """The key and the certificate of a file."""
    start = content.index(b"-----BEGIN CERTIFICATE")
    return content[:start], content[start:]


@pytest.mark.parametrize(
    ("kind", "bits", "label"),
    [("ecdsa_p256", 0, "ECDSA P-256"), ("ecdsa_p384", 0, "ECDSA P-384"), ("rsa", 3072, "RSA 3072")],
)
def test_what_is_made_reads_as_it_was_asked_for(kind: str, bits: int, label: str) -> None:
    wanted = request("db1.example.org", "*.example.org", "192.0.2.10", "2001:db8::1", kind=kind, bits=bits)
    contents = pem.read(pem.make(wanted))
    assert contents.problem == ""
    assert contents.marked
    certificate = contents.certificate
    assert certificate is not None
    assert certificate.names == wanted.names
    assert certificate.subject == "CN=db1.example.org"
    assert certificate.key == label == str(wanted.key)
    assert (certificate.not_before, certificate.not_after) == (wanted.not_before, wanted.not_after)
    assert certificate.self_signed
    assert len(certificate.fingerprint) == 64


def test_clients_tell_two_of_the_same_name_apart() -> None:
    """A client that trusts both takes the one whose key identifier is named, not the first with that subject."""
    named = []
    for content in (MADE, OTHER):
        extensions = x509.load_pem_x509_certificate(blocks(content)[1]).extensions
        authority = extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
        assert authority == extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
        named.append(authority)
    assert named[0] != named[1]


def test_two_of_them_share_nothing() -> None:
    first, second = pem.read(MADE).certificate, pem.read(OTHER).certificate
    assert first is not None and second is not None
    assert first.fingerprint != second.fingerprint
    assert blocks(MADE)[0] != blocks(OTHER)[0]


def test_a_long_first_name_is_not_cut() -> None:
    long = ".".join(["a" * 40, "b" * 40])
    contents = pem.read(pem.make(request(long, "db1")))
    assert contents.certificate is not None
    assert contents.certificate.subject == "CN=db1"
    assert contents.certificate.names == (long, "db1")


def test_the_key_of_another_certificate_is_noticed() -> None:
    contents = pem.read(blocks(MADE)[0] + blocks(OTHER)[1])
    assert contents.problem == "the private key does not belong to the certificate"
    assert pem.read(blocks(MADE)[0] + blocks(MADE)[1]).problem == ""


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "no certificate can be read from it: it holds no CERTIFICATE block"),
        (b"\0\xff" * 100, "no certificate can be read from it: it holds no CERTIFICATE block"),
        (blocks(MADE)[0], "no certificate can be read from it: it holds no CERTIFICATE block"),
        (blocks(MADE)[1], "it holds no private key"),
        (MADE[: len(MADE) // 2], "no certificate can be read from it: it holds no CERTIFICATE block"),
        (MADE.replace(b"PRIVATE KEY", b"ENCRYPTED PRIVATE KEY"), "its private key is protected by a passphrase"),
    ],
)
def test_what_cannot_be_used_is_named(content: bytes, problem: str) -> None:
    assert pem.read(content).problem == problem


def test_a_broken_key_is_not_quoted() -> None:
    key, certificate = blocks(MADE)
    broken = key.replace(b"\nM", b"\nN", 1)
    assert broken != key
    assert pem.read(broken + certificate).problem == "no private key can be read from it"


@settings(deadline=None, max_examples=150)
@given(st.integers(0, len(MADE) - 1), st.integers(1, 255))
def test_no_changed_byte_is_taken_for_what_was_made(position: int, change: int) -> None:
    changed = bytearray(MADE)
    changed[position] ^= change
    contents = pem.read(bytes(changed))
    good, original = contents.certificate, pem.read(MADE).certificate
    assert original is not None
    untouched = good is not None and good.fingerprint == original.fingerprint and not contents.problem
    if not untouched:
        assert contents.problem or not (good and good.self_signed)


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_judged(content: bytes) -> None:
    assert pem.read(content).problem
    wrapped = b"-----BEGIN CERTIFICATE-----\n" + content + b"\n-----END CERTIFICATE-----\n"
    assert pem.read(wrapped).problem
