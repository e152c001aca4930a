# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an operator says about whom to trust, checked; needs the cryptography library; private to the collection.

What is refused here the server would load without a word, and then refuse its clients.
"""

from __future__ import annotations

import contextlib
import dataclasses
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.certificate import moment
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.client_trust import reading
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.client_trust.trust import Authority
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.client_trust.trust import RevocationList
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.client_trust.trust import Trust

try:
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm
except ImportError:
    pass

__all__ = ["given"]


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


def _authorities(text: str, now: int) -> tuple[_Certificate, ...]:
    known: dict[str, _Certificate] = {}
    for number, block in enumerate(_blocks(text, reading.CERTIFICATES, "certificates of authorities"), start=1):
        subject = f"certificate {number}"
        try:
            parsed = x509.load_pem_x509_certificate(block.encode())
            authority = reading.authority(parsed)
            problem = _authority_problem(parsed, authority, now)
        except Exception as error:  # versions of the library raise different ones
            raise _Refused(subject, f"a certificate as PEM text is needed: {reading.in_one_line(error)}") from None
        if problem:
            raise _Refused(f"{subject}: {authority.title}", problem)
        known.setdefault(authority.fingerprint, _Certificate(parsed, authority))
    found = tuple(known.values())
    for each in found:
        if not any(reading.is_signed_by(each.parsed, other.parsed) for other in found):
            issuer = reading.printable(each.parsed.issuer.rfc4514_string())
            raise _Refused(
                each.authority.title,
                f"its issuer {issuer} is not among them: the server trusts nobody without the root, which issued itself",
            )
    return found


def _between(known: t.Sequence[_Certificate], text: str) -> list[_Certificate]:
    """Those that one of the authorities vouches for; what else stands there is no matter here."""
    waiting = []
    for found in reading.BLOCK.finditer(text):
        with contextlib.suppress(Exception):  # versions of the library raise different ones
            parsed = x509.load_pem_x509_certificate(found.group(0).encode())
            waiting.append(_Certificate(parsed, reading.authority(parsed)))
    between: list[_Certificate] = []
    for _level in range(len(waiting)):
        vouching = [each.parsed for each in (*known, *between)]
        between += [
            each
            for each in waiting
            if each not in between and any(reading.is_signed_by(each.parsed, other) for other in vouching)
        ]
    ours = {each.authority.fingerprint for each in known}
    return [each for each in between if each.authority.fingerprint not in ours]


def _authority_problem(parsed: t.Any, authority: Authority, now: int) -> str:
    usage = reading.extension(parsed, x509.KeyUsage)
    constraints = reading.extension(parsed, x509.BasicConstraints)
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
    for number, block in enumerate(_blocks(text, reading.LISTS, "revocation lists"), start=1):
        subject = f"list {number}"
        try:
            parsed = x509.load_pem_x509_crl(block.encode())
            each = reading.revocation_list(parsed)
            issuers = _issuers(parsed, known)
            problem = _signature_problem(parsed, known, issuers) or _list_problem(parsed, each, issuers, now)
        except Exception as error:  # versions of the library raise different ones
            raise _Refused(subject, f"a revocation list as PEM text is needed: {reading.in_one_line(error)}") from None
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
    """Who of those that are known made this list."""
    return [each for each in known if each.parsed.subject == parsed.issuer and _is_made_by(parsed, each.parsed)]


def _signature_problem(parsed: t.Any, known: t.Iterable[_Certificate], issuers: t.Sequence[_Certificate]) -> str:
    named = [each for each in known if each.parsed.subject == parsed.issuer]
    if named and not issuers:
        return "a list that its authority has signed is needed, and the signature of this one is not that of its key"
    return ""


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
        usage = reading.extension(issuer.parsed, x509.KeyUsage)
        if usage is not None and not usage.crl_sign:
            return "the key usage of its authority lacks cRLSign, so that the server does not accept the list"
    return _extension_problem(parsed)


def _extension_problem(parsed: t.Any) -> str:
    if reading.extension(parsed, x509.DeltaCRLIndicator) is not None:
        return "a complete list is needed, and this one holds only what is revoked since another one (a delta)"
    known = (
        (x509.IssuingDistributionPoint,) if _is_whole(reading.extension(parsed, x509.IssuingDistributionPoint)) else ()
    )
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
    for found in reading.BLOCK.finditer(text):
        label = found.group(1)
        if label not in labels:
            raise _Refused(f"{label} (not shown)", f"{what} as PEM text are needed here, and nothing else")
        blocks.append(found.group(0))
    if not blocks or len(reading.MARKER.findall(text)) != 2 * len(blocks):
        expected = f"{what} as PEM text are needed, each from its BEGIN line to its END line"
        raise _Refused("a block that does not end" if blocks else "text without a block", expected)
    return blocks


def _key_identifier(parsed: t.Any) -> str:
    found = reading.extension(parsed, x509.AuthorityKeyIdentifier)
    return "" if found is None or found.key_identifier is None else found.key_identifier.hex()
