# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requests for certificates, judged before anything is signed; private to the collection.

Nothing of a request is copied into a certificate but its public key and the names that were granted.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._tls import keys
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.certificate import KeySpec
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.grants import Grants
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.names import normalised

try:
    from cryptography import x509
    from cryptography.hazmat.primitives import serialization
    from cryptography.x509.oid import ExtendedKeyUsageOID
    from cryptography.x509.oid import NameOID
except ImportError:
    pass

__all__ = ["CLIENT", "SERVER", "Requested", "judged_client", "judged_server"]

SERVER = "server"
CLIENT = "client"
_LARGEST = 65536  # bytes; that of a server with a hundred names has 8,000
_HARMLESS = frozenset(("digital_signature", "key_encipherment"))
_SIMPLE_USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
)  # the other two can only be asked for together with key_agreement


@dataclasses.dataclass(frozen=True)
class Requested:
    """What is taken over from a request: ``names`` are normalised."""

    names: tuple[str, ...]
    public: t.Any


def judged_server(pem: str | bytes, *, host: str, granted: t.Iterable[str], key: KeySpec) -> Requested:
    """The names and the public key of a server's request; RampartError says why it is refused."""
    request = _parsed(pem, host)
    try:
        _check_common(request, key, SERVER)
        names = _names(request)
    except ValueError as error:
        raise _refusal(host, str(error)) from None
    refused = Grants(granted).refused(names)
    if refused:
        raise _refusal(host, f"it may not bear {', '.join(refused)}", refused_names=list(refused))
    return Requested(names=names, public=request.public_key())


def judged_client(pem: str | bytes, *, role: str, key: KeySpec) -> Requested:
    """The public key of a client: of a request, or a bare one (``BEGIN PUBLIC KEY``)."""
    content = pem.encode() if isinstance(pem, str) else pem
    if b"-----BEGIN PUBLIC KEY-----" in content:
        try:
            public = serialization.load_pem_public_key(content)
            _check_key(public, key)
        except ValueError as error:
            raise _refusal(role, str(error)) from None
        return Requested(names=(), public=public)
    request = _parsed(content, role)
    try:
        _check_common(request, key, CLIENT)
    except ValueError as error:
        raise _refusal(role, str(error)) from None
    return Requested(names=(), public=request.public_key())


def _refusal(whose: str, reason: str, **details: t.Any) -> RampartError:
    return RampartError(f"the request of {whose} for a certificate is refused: {reason}", **details)


def _parsed(pem: str | bytes, whose: str) -> t.Any:
    content = pem.encode("utf-8", "surrogateescape") if isinstance(pem, str) else pem
    if len(content) > _LARGEST:
        raise _refusal(whose, f"it has more than {_LARGEST} bytes")
    try:
        request = x509.load_pem_x509_csr(content)
        list(request.extensions)  # a broken one shows itself here
        list(request.subject)
    except Exception as error:  # versions of the library raise different errors
        raise _refusal(whose, f"it cannot be read: {' '.join(str(error).split())[:200]}") from None
    return request


def _check_common(request: t.Any, key: KeySpec, usage: str) -> None:
    if not request.is_signature_valid:
        raise ValueError("its signature is not that of its key, so who sent it does not have the key")
    _check_key(request.public_key(), key)
    for extension in request.extensions:
        _check_extension(extension.value, usage)


def _check_key(public: t.Any, key: KeySpec) -> None:
    found = keys.describe(public)
    if found != str(key):
        raise ValueError(f"its key is {found}, not {key}")


def _check_extension(value: t.Any, usage: str) -> None:
    """What is asked for beyond that is refused and not dropped: somebody wanted something else than they would get."""
    if isinstance(value, x509.BasicConstraints):
        if value.ca:
            raise ValueError("it asks for the rights of an authority (CA:TRUE)")
    elif isinstance(value, x509.KeyUsage):
        surplus = [name for name in _SIMPLE_USAGES if name not in _HARMLESS and getattr(value, name)]
        if surplus:
            raise ValueError(f"it asks for the key usage {', '.join(surplus)}")
    elif isinstance(value, x509.ExtendedKeyUsage):
        own = ExtendedKeyUsageOID.SERVER_AUTH if usage == SERVER else ExtendedKeyUsageOID.CLIENT_AUTH
        if any(asked != own for asked in value):
            raise ValueError(f"it asks for another usage than {usage}")
    elif not isinstance(value, (x509.SubjectAlternativeName, x509.SubjectKeyIdentifier)):
        raise ValueError(f"it asks for the extension {value.oid.dotted_string}")


def _names(request: t.Any) -> tuple[str, ...]:
    """Subject alternative names, and the common name, which must be one of them."""
    try:
        found = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        raise ValueError("it bears no subject alternative name") from None
    names = tuple(dict.fromkeys(_name(general) for general in found))
    if not names:
        raise ValueError("it bears no subject alternative name")
    for attribute in request.subject.get_attributes_for_oid(NameOID.COMMON_NAME):
        if attribute.value not in (*names, keys.common_name(names)):
            raise ValueError(f"its common name {attribute.value!r} is not one of its subject alternative names")
    return names


def _name(general: t.Any) -> str:
    if not isinstance(general, (x509.DNSName, x509.IPAddress)):
        raise ValueError(f"it bears a name that is neither a DNS name nor an IP address: {general.value!r}")
    try:
        return normalised(str(general.value))
    except ValueError as error:
        raise ValueError(f"it bears the name {str(general.value)!r}, which is not {error}") from None
