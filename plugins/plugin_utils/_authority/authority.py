# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An authority that is there: what it says without a passphrase, and what it signs with one; private."""

from __future__ import annotations

import dataclasses
import os
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._tls import keys
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.certificate import KeySpec
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.certificate import moment
from ansible_collections.rampart.postgresql.plugins.plugin_utils import _files as files
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority import lists as _lists
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority import making
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority import record
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority import requests
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.generation import Generation
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.generation import opened
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.layout import Places
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.layout import Policy
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.lists import RevocationList
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.situation import check_clock

__all__ = ["MAKE_IT", "Authority", "Issued"]

MAKE_IT = "the module certificate_authority makes one"
_LONGEST_NAME = 64  # characters; RFC 5280, ub-common-name


@dataclasses.dataclass(frozen=True)
class Issued:
    """A certificate that was signed. Times are seconds since the epoch, ``fingerprint`` is SHA-256 in hexadecimal."""

    chain_pem: str  # the certificate and the intermediate that signed it, in this order
    serial: str
    fingerprint: str
    not_before: int
    not_after: int
    warnings: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Authority:
    """What lies in the directory of an authority: certificates, lists and policy; keys are read when they are used."""

    places: Places
    policy: Policy
    generations: tuple[Generation, ...]  # those that are trusted, the one that signs among them
    lists: tuple[RevocationList, ...]

    @classmethod
    def open(cls, path: str) -> Authority:
        """Read an authority; needs no passphrase. RampartError when it is none, half made, or open to others."""
        places = Places(path)
        if not os.path.isabs(path):
            raise RampartError(f"{path!r} is not the absolute path of a certificate authority's directory")
        if not os.path.isdir(path):
            raise RampartError(f"{path} is no directory of a certificate authority: {MAKE_IT}")
        files.check_all_owned(places.paths)
        content = files.read(places.policy)
        if content is None:
            half = places.generations() or os.path.exists(places.record)
            why = "is a certificate authority that was made by half" if half else "is no certificate authority"
            raise RampartError(f"{path} {why}: {MAKE_IT}{' whole' if half else ''}")
        policy = Policy.parsed(content, places.policy)
        generations = tuple(opened(places, number) for number in policy.trusted)
        found = _lists.parsed(files.read(places.lists) or b"", places.lists)
        needed = [_lists.list_of(found, issuer) for each in generations for _usage, issuer in each.both]
        if None in needed:
            raise RampartError(f"{places.lists} lacks a list of a trusted generation: run certificate_authority again")
        return cls(places, policy, generations, tuple(each for each in needed if each is not None))

    @property
    def issuing(self) -> Generation:
        """The generation that signs."""
        return next(each for each in self.generations if each.number == self.policy.generation)

    @property
    def issuer_pem(self) -> str:
        """The intermediate that signs; what a server sends after its own certificate."""
        return making.pem_of(self.issuing.intermediate).decode()

    @property
    def chain_pem(self) -> str:
        """The same, under the name that the options of modules use."""
        return self.issuer_pem

    @property
    def trust_pem(self) -> str:
        """The roots of all trusted generations."""
        return "".join(making.pem_of(each.root).decode() for each in self.generations)

    @property
    def revocation_lists_pem(self) -> str:
        """The lists of the root and of the intermediate of each trusted generation."""
        return "".join(each.pem.decode() for each in self.lists)

    @property
    def lists_end(self) -> int:
        """When the first of the lists expires: every client certificate is refused from then on."""
        return min(each.next_update for each in self.lists)

    def entries(self) -> list[record.Entry]:
        """Every certificate that was ever issued, in that order."""
        return record.entries((files.read(self.places.record) or b"").decode("utf-8", "replace"))

    def signing_key(self, passphrase: str, now: int) -> t.Any:
        """The key of the intermediate that signs; raises whatever would keep it from signing at this time."""
        check_clock(self.entries(), self.issuing.number, now)
        self.issuing.check_time(now)
        return self.issuing.key("intermediate", passphrase)

    def sign_server(
        self,
        request_pem: str | bytes,
        *,
        passphrase: str,
        host: str,
        granted: t.Iterable[str],
        key: KeySpec,
        validity_days: int,
        now: int,
        check: bool = False,
    ) -> Issued:
        """A certificate for the server of ``host``, with the names of its request, which must all be granted.

        ``key`` is the kind and size that the request's key must have; ``now`` is the clock of the controller. With
        ``check`` it is one that nobody may have, and it is not recorded.
        """
        requested = requests.judged_server(request_pem, host=host, granted=granted, key=key)
        return self._signed(
            requested,
            usage=requests.SERVER,
            owner=host,
            common_name=keys.common_name(requested.names),
            passphrase=passphrase,
            validity_days=validity_days,
            now=now,
            check=check,
        )

    def sign_client(
        self,
        request_pem: str | bytes,
        *,
        passphrase: str,
        role: str,
        common_name: str | None = None,
        key: KeySpec,
        validity_days: int,
        now: int,
        place: str = "",
    ) -> Issued:
        """A certificate with which a client logs in as ``role``; ``request_pem`` is a request or a public key.

        ``common_name`` is what a map of pg_ident.conf translates to the role; the default is the role itself.
        ``place`` is recorded: the directory that it is made for.
        """
        requested = requests.judged_client(request_pem, role=role, key=key)
        name = role if common_name is None else common_name
        if not 0 < len(name) <= _LONGEST_NAME or not name.isprintable():
            raise RampartError(
                f"{name!r} cannot be the common name of a certificate: 1 to {_LONGEST_NAME} printable characters"
            )
        return self._signed(
            requested,
            usage=requests.CLIENT,
            owner=role,
            common_name=name,
            passphrase=passphrase,
            validity_days=validity_days,
            now=now,
            place=place,
        )

    def _signed(
        self,
        requested: requests.Requested,
        *,
        usage: str,
        owner: str,
        common_name: str,
        passphrase: str,
        validity_days: int,
        now: int,
        place: str = "",
        check: bool = False,
    ) -> Issued:
        """Sign, and record it before anybody has it."""
        generation = self.issuing
        key = self.signing_key(passphrase, now)
        issuer = generation.intermediate
        wanted, last = now + validity_days * making.DAY, making.seconds(issuer, "not_valid_after")
        made = making.leaf(
            requested.public,
            common_name=common_name,
            names=requested.names,
            server=usage == requests.SERVER,
            issuer=issuer,
            issuer_key=key,
            not_before=max(now - making.BACKDATE, making.seconds(issuer, "not_valid_before")),
            not_after=min(wanted, last),
        )
        entry = record.Entry(
            serial=making.serial_of(made),
            usage=usage,
            owner=owner,
            common_name=common_name,
            names=requested.names,
            generation=generation.number,
            not_before=making.seconds(made, "not_valid_before"),
            not_after=making.seconds(made, "not_valid_after"),
            fingerprint=making.fingerprint(made),
            time=now,
            place=place,
        )
        if not check:
            files.append(self.places.record, record.issued_line(entry))
        return Issued(
            chain_pem=making.pem_of(made).decode() + self.issuer_pem,
            serial=entry.serial,
            fingerprint=entry.fingerprint,
            not_before=entry.not_before,
            not_after=entry.not_after,
            warnings=_warnings(owner, wanted, last),
        )


def _warnings(owner: str, wanted: int, last: int) -> tuple[str, ...]:
    if wanted <= last:
        return ()
    return (
        f"the certificate of {owner} is valid until {moment(last)} only and not until {moment(wanted)}, because the"
        " authority that signs it expires then: make another generation and sign with that",
    )
