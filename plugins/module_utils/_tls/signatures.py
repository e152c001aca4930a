# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whose signature a certificate bears; needs the cryptography library; private to the collection."""

from __future__ import annotations

import typing as t

try:
    from cryptography.exceptions import InvalidSignature
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.asymmetric import padding
    from cryptography.hazmat.primitives.asymmetric import rsa
except ImportError:  # keys.AVAILABLE says so
    pass

__all__ = ["is_signature"]

_PSS = "1.2.840.113549.1.1.10"  # RSASSA-PSS, RFC 4055


def is_signature(certificate: t.Any, public: t.Any) -> bool:
    """Whether the signature of a certificate was made with the private half of a key."""
    signature, signed = certificate.signature, certificate.tbs_certificate_bytes
    try:
        if certificate.signature_algorithm_oid.dotted_string == _PSS:
            return _is_pss(signature, signed, public)
        algorithm = certificate.signature_hash_algorithm
        if isinstance(public, rsa.RSAPublicKey):
            public.verify(signature, signed, padding.PKCS1v15(), algorithm)
        elif isinstance(public, ec.EllipticCurvePublicKey):
            public.verify(signature, signed, ec.ECDSA(algorithm))
        else:
            public.verify(signature, signed)
    except (InvalidSignature, UnsupportedAlgorithm, AttributeError, ValueError, TypeError):
        return False
    return True


def _is_pss(signature: bytes, signed: bytes, public: t.Any) -> bool:
    """Older versions of the library do not tell the parameters, so those that are in use are tried."""
    for algorithm in (hashes.SHA256(), hashes.SHA384(), hashes.SHA512()):
        for salt in (algorithm.digest_size, padding.PSS.MAX_LENGTH):
            try:
                public.verify(signature, signed, padding.PSS(padding.MGF1(algorithm), salt), algorithm)
            except (InvalidSignature, ValueError):
                continue
            return True
    return False
