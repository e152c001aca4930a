# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Making and reading one PEM file with a private key and its certificate; private to the collection.

The cryptography library may be missing: ``AVAILABLE`` says whether it is there.
"""

from __future__ import annotations

import datetime
import hashlib
import re
import shutil
import subprocess
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import Unsupported
from ansible_collections.rampart.postgresql.plugins.module_utils._tls import keys
from ansible_collections.rampart.postgresql.plugins.module_utils._tls import signatures
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.certificate import Certificate
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.certificate import Contents
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.certificate import Request

try:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives import serialization
    from cryptography.x509.oid import ExtendedKeyUsageOID
    from cryptography.x509.oid import NameOID
except ImportError:
    pass

__all__ = [
    "AVAILABLE",
    "MARK",
    "alternative_names",
    "assembled",
    "blocks",
    "make",
    "make_stand_in",
    "read",
    "seconds",
    "stand_in_possible",
]

MARK = b"# Private key and certificate of a PostgreSQL server, made by rampart.postgresql."
_NOTE = b"# It is replaced before it expires; what is edited here is lost."
AVAILABLE = keys.AVAILABLE
_PROTECTED = "its private key is protected by a passphrase"
_BLOCK = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----.*?-----END \1-----[^\S\n]*\n?", re.DOTALL)


def make(request: Request) -> bytes:
    """A new private key and its self-signed certificate, as the content of one file."""
    key = keys.new_key(request.key)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, keys.common_name(request.names))])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_datetime(request.not_before))
        .not_valid_after(_datetime(request.not_after))
    )
    for extension, critical in _extensions(request, key.public_key()):
        builder = builder.add_extension(extension, critical=critical)
    certificate = builder.sign(key, keys.signing_hash(key))
    return assembled(keys.unprotected(key), certificate.public_bytes(serialization.Encoding.PEM))


def assembled(private_key: bytes, chain: bytes) -> bytes:
    """The content of one file: a private key and the certificates that belong to it, all of them PEM."""
    held = [block if block.endswith(b"\n") else block + b"\n" for block in blocks(chain, label=b"CERTIFICATE")]
    return b"\n".join([MARK, _NOTE, private_key]) + b"".join(held)


def read(content: bytes) -> Contents:
    """Judge a file; it never raises: the bytes are anybody's, and versions of the library raise different errors."""
    marked = content.startswith(MARK)
    try:
        certificate, public = _parse_certificate(content)
    except Exception as error:
        return Contents(problem=f"no certificate can be read from it: {_one_line(error)}", marked=marked)
    try:
        problem = _key_problem(content, public)
    except Exception:  # its text might quote the key
        problem = "no private key can be read from it"
    above, linked = _above(content)
    return Contents(
        certificate=certificate,
        problem=problem,
        marked=marked,
        above=above,
        protected=problem == _PROTECTED,
        linked=linked,
    )


def stand_in_possible() -> bool:
    """Whether openssl can make something for a rehearsal where the library is missing."""
    return shutil.which("openssl") is not None


def make_stand_in() -> bytes:
    """A key and certificate that only the throw-away cluster of check mode ever sees."""
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=rehearsal"]
    # run_command is a method of AnsibleModule, which nothing in module_utils knows
    done = subprocess.run(  # pylint: disable=ansible-bad-function
        [*command, "-keyout", "/dev/stdout"], stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    if done.returncode != 0:
        raise Unsupported("openssl could not make a certificate for the rehearsal, and python3-cryptography is missing")
    return done.stdout


def _extensions(request: Request, public: t.Any) -> list[tuple[t.Any, bool]]:
    # No key usage: one without signing certificates is no self-signed certificate to OpenSSL 1.1.1, which then looks
    # for an issuer and refuses; and one with it is against the rules for what is no authority.
    return [
        (x509.BasicConstraints(ca=False, path_length=None), True),
        (x509.SubjectAlternativeName([keys.general_name(name) for name in request.names]), False),
        (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False),
        (x509.SubjectKeyIdentifier.from_public_key(public), False),
        # Or OpenSSL takes any trusted certificate with this subject for the issuer, the one before this one too.
        (x509.AuthorityKeyIdentifier.from_issuer_public_key(public), False),
    ]


def blocks(content: bytes, *, label: bytes) -> list[bytes]:
    """The PEM blocks of a file whose label ends with this."""
    return [found.group(0) for found in _BLOCK.finditer(content) if found.group(1).endswith(label)]


def _parse_certificate(content: bytes) -> tuple[Certificate, t.Any]:
    """The first certificate, which is the server's own, and its public key."""
    held = blocks(content, label=b"CERTIFICATE")
    if not held:
        raise ValueError("it holds no CERTIFICATE block")
    found = x509.load_pem_x509_certificate(held[0])
    public = found.public_key()
    self_issued = found.issuer == found.subject
    certificate = Certificate(
        subject=found.subject.rfc4514_string(),
        names=alternative_names(found),
        key=keys.describe(public),
        not_before=seconds(found, "not_valid_before"),
        not_after=seconds(found, "not_valid_after"),
        fingerprint=found.fingerprint(hashes.SHA256()).hex(),
        self_signed=self_issued and signatures.is_signature(found, public),
        self_issued=self_issued,
        public_key=keys.digest(public),
    )
    return certificate, public


def _above(content: bytes) -> tuple[tuple[str, ...], bool]:
    """Fingerprints of the certificates after the first one, and whether each signs the one before it."""
    held = blocks(content, label=b"CERTIFICATE")
    if len(held) < 2:
        return (), True
    try:
        found = [x509.load_pem_x509_certificate(block) for block in held]
        linked = all(signatures.is_signature(lower, upper.public_key()) for lower, upper in zip(found, found[1:]))
    except Exception:  # versions of the library raise different errors
        return tuple(hashlib.sha256(block).hexdigest() for block in held[1:]), False
    return tuple(upper.fingerprint(hashes.SHA256()).hex() for upper in found[1:]), linked


def _key_problem(content: bytes, public: t.Any) -> str:
    held = blocks(content, label=b"PRIVATE KEY")
    if not held:
        return "it holds no private key"
    if b"ENCRYPTED" in held[0]:
        return _PROTECTED
    private = serialization.load_pem_private_key(held[0], password=None)
    if keys.digest(private.public_key()) != keys.digest(public):
        return "the private key does not belong to the certificate"
    return ""


def alternative_names(found: t.Any) -> tuple[str, ...]:
    """DNS names and IP addresses of a certificate or a request."""
    try:
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    return tuple(_name(name) for name in names if isinstance(name, (x509.DNSName, x509.IPAddress)))


def _name(name: t.Any) -> str:
    """As ``names.normalised`` spells it: clients do not tell capital letters from small ones."""
    return str(name.value).lower()


def seconds(found: t.Any, name: str) -> int:
    """``not_valid_before`` or ``not_valid_after`` of a certificate, since the epoch."""
    modern = f"{name}_utc"  # cryptography 42 and newer, where the naive one is deprecated
    if hasattr(found, modern):
        return int(getattr(found, modern).timestamp())
    return int(getattr(found, name).replace(tzinfo=datetime.timezone.utc).timestamp())


def _datetime(seconds: int) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
