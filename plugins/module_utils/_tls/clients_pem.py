# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading authorities and revocation lists; needs the cryptography library; private to the collection.

What is refused here the server would load without a word, and then refuse its clients.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import re
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._tls import keys
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.certificate import moment
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.trust import Authority
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.trust import RevocationList
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.trust import Trust

try:
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.asymmetric import padding
    from cryptography.hazmat.primitives.asymmetric import rsa
except ImportError:
    pass

__all__ = ["given", "read", "revoked"]

_BLOCK = re.compile(r"^-----BEGIN ([A-Z0-9 ]+)-----.*?^-----END \1-----", re.DOTALL | re.MULTILINE)
_MARKER = re.compile(r"^-----(BEGIN|END) ", re.MULTILINE)
_CERTIFICATES = ("CERTIFICATE", "TRUSTED CERTIFICATE", "X509 CERTIFICATE")
_LISTS = ("X509 CRL",)

# What OpenSSL calls the parts of a name, by their numbers, which pg_stat_ssl shows.
_PARTS = {
    "2.5.4.3": "CN",
    "2.5.4.4": "SN",
    "2.5.4.5": "serialNumber",
    "2.5.4.6": "C",
    "2.5.4.7": "L",
    "2.5.4.8": "ST",
    "2.5.4.9": "street",
    "2.5.4.10": "O",
    "2.5.4.11": "OU",
    "2.5.4.12": "title",
    "2.5.4.17": "postalCode",
    "2.5.4.42": "GN",
    "2.5.4.43": "initials",
    "2.5.4.46": "dnQualifier",
    "2.5.4.65": "pseudonym",
    "2.5.4.97": "organizationIdentifier",
    "1.2.840.113549.1.9.1": "emailAddress",
    "0.9.2342.19200300.100.1.1": "UID",
    "0.9.2342.19200300.100.1.25": "DC",
}
_ESCAPED = frozenset(',+"\\<>;')


class _Refused(ValueError):
    """What is wrong with one block; ``subject`` is what it is called."""

    def __init__(self, subject: str, expected: str) -> None:
        super().__init__(expected)
        self.subject = subject
        self.expected = expected


@dataclasses.dataclass(frozen=True)
class _Certificate:
    parsed: t.Any
    authority: Authority


def given(*, authorities: str, lists: str, now: int, issuers: str = "", option: str = "") -> Trust:
    """What an operator gives, checked as a whole; InputError names the option, the block and what is accepted.

    ``issuers`` are certificates between the authorities and others, as far as they are known.
    """
    name = f"{option}client_authorities"
    try:
        known = _authorities(authorities, now)
        name = f"{option}client_revocation_lists"
        found = _revocation_lists(lists, [*known, *_between(known, issuers)], now) if lists.strip() else ()
    except _Refused as refused:
        raise InputError(option=name, value=refused.subject, expected=refused.expected) from None
    return Trust(tuple(each.authority for each in known), found)


def read(content: bytes) -> tuple[Trust, str]:
    """What a file holds, and why it is not as we write it; never raises: the bytes are anybody's."""
    text = content.decode("utf-8", "replace")
    authorities: list[Authority] = []
    lists: list[RevocationList] = []
    problem = "" if len(_MARKER.findall(text)) == 2 * len(_BLOCK.findall(text)) else "a block in it does not end"
    for found in _BLOCK.finditer(text):
        try:
            if found.group(1) in _CERTIFICATES:
                authorities.append(_authority(_parsed(found.group(0), x509.load_pem_x509_certificate)))
            elif found.group(1) in _LISTS:
                lists.append(_list(_parsed(found.group(0), x509.load_pem_x509_crl)))
            else:
                problem = problem or f"it holds a {found.group(1)}"
        except Exception as error:  # versions of the library raise different ones
            problem = problem or f"it cannot be read: {_one_line(error)}"
    return Trust(tuple(authorities), tuple(lists)), problem


def revoked(each: RevocationList) -> frozenset[int]:
    """Serial numbers of what is revoked."""
    return frozenset(entry.serial_number for entry in x509.load_pem_x509_crl(each.pem))


def _authorities(text: str, now: int) -> tuple[_Certificate, ...]:
    known: dict[str, _Certificate] = {}
    for number, block in enumerate(_blocks(text, _CERTIFICATES, "certificates of authorities"), start=1):
        subject = f"certificate {number}"
        try:
            parsed = _parsed(block, x509.load_pem_x509_certificate)
            authority = _authority(parsed)
            problem = _authority_problem(parsed, authority, now)
        except Exception as error:  # versions of the library raise different ones
            raise _Refused(subject, f"a certificate as PEM text is needed: {_one_line(error)}") from None
        if problem:
            raise _Refused(f"{subject}: {authority.title}", problem)
        known.setdefault(authority.fingerprint, _Certificate(parsed, authority))
    found = tuple(known.values())
    for each in found:
        if not any(_signed_by(each.parsed, other.parsed) for other in found):
            issuer = _printable(each.parsed.issuer.rfc4514_string())
            raise _Refused(
                each.authority.title,
                f"its issuer {issuer} is not among them: the server trusts nobody without the root, which issued itself",
            )
    return found


def _between(known: t.Sequence[_Certificate], text: str) -> list[_Certificate]:
    """Those that one of the authorities vouches for; what else stands there is no matter here."""
    waiting = []
    for found in _BLOCK.finditer(text):
        with contextlib.suppress(Exception):  # versions of the library raise different ones
            parsed = _parsed(found.group(0), x509.load_pem_x509_certificate)
            waiting.append(_Certificate(parsed, _authority(parsed)))
    between: list[_Certificate] = []
    for _level in range(len(waiting)):
        vouching = [each.parsed for each in (*known, *between)]
        between += [
            each
            for each in waiting
            if each not in between and any(_signed_by(each.parsed, other) for other in vouching)
        ]
    ours = {each.authority.fingerprint for each in known}
    return [each for each in between if each.authority.fingerprint not in ours]


def _authority_problem(parsed: t.Any, authority: Authority, now: int) -> str:
    usage = _extension(parsed, x509.KeyUsage)
    constraints = _extension(parsed, x509.BasicConstraints)
    if constraints is None or not constraints.ca:
        return "an authority is needed, and this certificate may not issue others (CA:FALSE)"
    if usage is not None and not usage.key_cert_sign:
        return "an authority is needed, and the key usage of this certificate lacks keyCertSign"
    if authority.not_after <= now:
        return f"a valid authority is needed, and this one has expired on {moment(authority.not_after)}"
    if authority.not_before > now:
        return (
            f"a valid authority is needed, and this one is not valid before {moment(authority.not_before)}; this host's"
            f" clock says {moment(now)}"
        )
    return ""


def _revocation_lists(text: str, known: t.Sequence[_Certificate], now: int) -> tuple[RevocationList, ...]:
    newest: dict[tuple[str, str], RevocationList] = {}
    covered: set[str] = set()
    for number, block in enumerate(_blocks(text, _LISTS, "revocation lists"), start=1):
        subject = f"list {number}"
        try:
            parsed = _parsed(block, x509.load_pem_x509_crl)
            each = _list(parsed)
            issuers = _issuers(parsed, known)
            problem = _list_problem(parsed, each, issuers, now)
        except Exception as error:  # versions of the library raise different ones
            raise _Refused(subject, f"a revocation list as PEM text is needed: {_one_line(error)}") from None
        if problem:
            raise _Refused(f"{subject}: {each.title}", problem)
        covered.update(issuer.authority.fingerprint for issuer in issuers)
        key = (each.name, issuers[0].authority.key if issuers else _key_identifier(parsed))
        if key not in newest or newest[key].last_update < each.last_update:
            newest[key] = each
    for certificate in known:
        if certificate.authority.fingerprint not in covered:
            raise _Refused(
                f"no list of {certificate.authority.title}",
                "a list of every authority in client_authorities, and of every one between it and the clients: where one"
                " is missing the server refuses all certificates of that authority",
            )
    return tuple(newest.values())


def _issuers(parsed: t.Any, known: t.Iterable[_Certificate]) -> list[_Certificate]:
    """Who of those that are known made this list; an error where one of that name did not."""
    named = [each for each in known if each.parsed.subject == parsed.issuer]
    made = [each for each in named if _is_made_by(parsed, each.parsed)]
    if named and not made:
        raise ValueError(f"the signature is not that of {named[0].authority.title}")
    return made


def _is_made_by(parsed: t.Any, issuer: t.Any) -> bool:
    try:
        return bool(parsed.is_signature_valid(issuer.public_key()))
    except (TypeError, UnsupportedAlgorithm):  # older versions of the library know less kinds of keys than OpenSSL
        return True


def _list_problem(parsed: t.Any, each: RevocationList, issuers: t.Sequence[_Certificate], now: int) -> str:
    if each.next_update is not None and each.next_update <= now:
        return (
            f"a valid list is needed, and this one has expired on {moment(each.next_update)}: with it the server would"
            " refuse every certificate of that authority"
        )
    if each.last_update > now:
        return (
            f"a valid list is needed, and this one is not valid before {moment(each.last_update)}; this host's clock says"
            f" {moment(now)}"
        )
    for issuer in issuers:
        usage = _extension(issuer.parsed, x509.KeyUsage)
        if usage is not None and not usage.crl_sign:
            return "the key usage of its authority lacks cRLSign, so that the server does not accept the list"
    return _extension_problem(parsed)


def _extension_problem(parsed: t.Any) -> str:
    if _extension(parsed, x509.DeltaCRLIndicator) is not None:
        return "a complete list is needed, and this one holds only what is revoked since another one (a delta)"
    known = (x509.IssuingDistributionPoint,) if _is_whole(_extension(parsed, x509.IssuingDistributionPoint)) else ()
    extensions = [each for each in parsed.extensions if each.critical and not isinstance(each.value, known)]
    if extensions:
        named = ", ".join(each.oid.dotted_string for each in extensions)
        return (
            f"a list for all certificates of its authority is needed, and this one has critical extensions ({named}), for"
            " which the server would refuse certificates that are not revoked"
        )
    return ""


def _is_whole(point: t.Any) -> bool:
    """Whether a list that says where it comes from holds all of its authority's certificates."""
    names = ("user_certs", "ca_certs", "attribute_certs")
    narrowed = [getattr(point, f"only_contains_{name}", False) for name in names]
    return not any((*narrowed, getattr(point, "only_some_reasons", None), getattr(point, "indirect_crl", False)))


def _blocks(text: str, labels: t.Container[str], what: str) -> list[str]:
    blocks = []
    for found in _BLOCK.finditer(text):
        label = found.group(1)
        if label not in labels:
            raise _Refused(f"{label} (not shown)", f"{what} as PEM text are needed here, and nothing else")
        blocks.append(found.group(0))
    if not blocks or len(_MARKER.findall(text)) != 2 * len(blocks):
        shown = text.strip().split("\n", maxsplit=1)[0][:24]
        expected = f"{what} as PEM text are needed, each from its BEGIN line to its END line"
        raise _Refused("a block that does not end" if blocks else f"{shown}...", expected)
    return blocks


def _parsed(block: str, load: t.Callable[[bytes], t.Any]) -> t.Any:
    return load(block.encode())


def _authority(parsed: t.Any) -> Authority:
    return Authority(
        title=_printable(parsed.subject.rfc4514_string()),
        name=_shown(parsed.subject),
        announced=parsed.subject.public_bytes(),
        key=keys.digest(parsed.public_key()),
        self_issued=parsed.subject == parsed.issuer,
        not_before=_seconds(parsed, "not_valid_before"),
        not_after=_seconds(parsed, "not_valid_after"),
        fingerprint=parsed.fingerprint(hashes.SHA256()).hex(),
        pem=parsed.public_bytes(serialization.Encoding.PEM),
    )


def _list(parsed: t.Any) -> RevocationList:
    return RevocationList(
        title=_printable(parsed.issuer.rfc4514_string()),
        name=_shown(parsed.issuer),
        last_update=_seconds(parsed, "last_update"),
        next_update=None if _time(parsed, "next_update") is None else _seconds(parsed, "next_update"),
        entries=len(parsed),
        fingerprint=parsed.fingerprint(hashes.SHA256()).hex(),
        pem=parsed.public_bytes(serialization.Encoding.PEM),
    )


def _key_identifier(parsed: t.Any) -> str:
    found = _extension(parsed, x509.AuthorityKeyIdentifier)
    return "" if found is None or found.key_identifier is None else found.key_identifier.hex()


def _extension(parsed: t.Any, kind: t.Any) -> t.Any:
    try:
        return parsed.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _signed_by(parsed: t.Any, issuer: t.Any) -> bool:
    """Whether a certificate was issued by another, or by itself."""
    if parsed.issuer != issuer.subject:
        return False
    if hasattr(parsed, "verify_directly_issued_by"):  # cryptography 40 and newer
        try:
            parsed.verify_directly_issued_by(issuer)
        except (InvalidSignature, ValueError, TypeError):
            return False
        return True
    return _is_signature(parsed, issuer.public_key())


def _is_signature(parsed: t.Any, public: t.Any) -> bool:
    algorithm = parsed.signature_hash_algorithm
    try:
        if isinstance(public, rsa.RSAPublicKey):
            public.verify(parsed.signature, parsed.tbs_certificate_bytes, padding.PKCS1v15(), algorithm)
        elif isinstance(public, ec.EllipticCurvePublicKey):
            public.verify(parsed.signature, parsed.tbs_certificate_bytes, ec.ECDSA(algorithm))
        else:
            public.verify(parsed.signature, parsed.tbs_certificate_bytes)
    except (InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError):
        return False
    return True


def _shown(name: t.Any) -> str:
    """As pg_stat_ssl shows it: parts from the outermost in, values escaped as RFC 2253 has it."""
    parts = [f"/{_PARTS.get(each.oid.dotted_string, '?')}={_escaped(each.value)}" for each in name]
    return "".join(parts)


def _escaped(value: t.Any) -> str:
    text = value if isinstance(value, str) else "?"
    last = len(text) - 1
    escaped = []
    for index, character in enumerate(text):
        at_the_edge = (index == 0 and character in "# ") or (index == last and character == " ")
        if character < " " or character == "\x7f":
            escaped.append(f"\\{ord(character):02X}")
        else:
            escaped.append(f"\\{character}" if at_the_edge or character in _ESCAPED else character)
    return "".join(escaped)


def _seconds(parsed: t.Any, name: str) -> int:
    return int(t.cast("datetime.datetime", _time(parsed, name)).timestamp())


def _time(parsed: t.Any, name: str) -> datetime.datetime | None:
    modern = f"{name}_utc"  # cryptography 42 and newer, where the naive one is deprecated
    if hasattr(parsed, modern):
        return t.cast("datetime.datetime | None", getattr(parsed, modern))
    found = getattr(parsed, name)
    return None if found is None else found.replace(tzinfo=datetime.timezone.utc)


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in text)


def _one_line(error: Exception) -> str:
    return _printable(" ".join(str(error).split())[:200]) or type(error).__name__
