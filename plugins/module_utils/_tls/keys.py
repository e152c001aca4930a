# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Private keys and the parts of a certificate that hang on them; private to the collection.

The cryptography library may be missing on a host: ``AVAILABLE`` says whether it is there.
"""

from __future__ import annotations

import hashlib
import ipaddress
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._tls.certificate import KeySpec

try:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.asymmetric import rsa
except ImportError:
    AVAILABLE = False
else:
    AVAILABLE = True

__all__ = [
    "AVAILABLE",
    "common_name",
    "describe",
    "general_name",
    "key_usage",
    "new_key",
    "digest",
    "signing_hash",
    "unprotected",
]

_COMMON_NAME_LENGTH = 64  # RFC 5280, ub-common-name
_EXPONENT = 65537


def new_key(spec: KeySpec) -> t.Any:
    """A private key of this kind and size."""
    if spec.kind == "rsa":
        return rsa.generate_private_key(public_exponent=_EXPONENT, key_size=spec.bits)
    return ec.generate_private_key(ec.SECP384R1() if spec.kind == "ecdsa_p384" else ec.SECP256R1())


def unprotected(key: t.Any) -> bytes:
    """PEM of a private key, PKCS #8, without a passphrase."""
    encoded: bytes = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return encoded


def signing_hash(key: t.Any) -> t.Any:
    """The hash is also that of SCRAM's channel binding: one that is as strong as the key that signs."""
    strong = isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.key_size >= 384
    return hashes.SHA384() if strong else hashes.SHA256()


def describe(public: t.Any) -> str:
    """Kind and size of a public key, as ``str(KeySpec)`` spells it."""
    if isinstance(public, rsa.RSAPublicKey):
        return str(KeySpec("rsa", public.key_size))
    curves = {"secp256r1": "ecdsa_p256", "secp384r1": "ecdsa_p384"}
    if isinstance(public, ec.EllipticCurvePublicKey):
        kind = curves.get(public.curve.name)
        return str(KeySpec(kind)) if kind else f"ECDSA {public.curve.name}"
    return type(public).__name__.strip("_").replace("PublicKey", "")


def digest(public: t.Any) -> str:
    """SHA-256 of a public key, in hexadecimal: what two keys are compared by."""
    encoded = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(encoded).hexdigest()


def common_name(names: tuple[str, ...]) -> str:
    """The first name that fits in a subject."""
    return next((name for name in names if len(name) <= _COMMON_NAME_LENGTH), "PostgreSQL server")


def general_name(name: str) -> t.Any:
    """An IP address or a DNS name as a certificate bears it."""
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def key_usage(*, encipherment: bool) -> t.Any:
    """What a key of a server or a client may be used for."""
    return x509.KeyUsage(
        digital_signature=True,
        key_encipherment=encipherment,
        content_commitment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
