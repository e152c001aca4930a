# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the authority on the controller grants, tells and signs for one host; private to the collection."""

from __future__ import annotations

import dataclasses
import datetime
import os
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.arguments import ARGUMENTS
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.arguments import desired
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.desired import Desired
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.names import LOOPBACK_NAME
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.names import is_loopback
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.names import normalised
from ansible_collections.rampart.postgresql.plugins.plugin_utils._action import validated
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.authority import Authority
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.authority import Issued
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.requests import SERVER

__all__ = ["Signer", "granted_names", "inventory_names"]

Values = t.Mapping[str, t.Any]


@dataclasses.dataclass(frozen=True)
class Signer:
    """One host, one task, and the authority that signs for it; None when it is still to be made."""

    authority: Authority | None
    wanted: Desired
    host: str
    inventory: tuple[str, ...]
    path: str
    trusts_clients: bool
    passphrase: str = dataclasses.field(repr=False)

    @classmethod
    def of(cls, values: Values, variables: Values, *, option: str, check: bool = False) -> Signer:
        """Of the options of a certificate and the variables of a host; raises what the module would complain of.

        In check mode the authority may be one that a task before this one would have made.
        """
        wanted, given = _validated(values, option)
        _check_trust(values, given, wanted)
        return cls(
            authority=None if check and not os.path.lexists(given["path"]) else Authority.open(given["path"]),
            wanted=wanted,
            host=str(variables.get("inventory_hostname", "")),
            inventory=tuple(inventory_names(variables)),
            path=given["path"],
            trusts_clients=given["trust_clients"],
            passphrase=given["passphrase"] or "",
        )

    @property
    def granted(self) -> tuple[str, ...]:
        """What the host may bear."""
        return granted_names(self.wanted, self.inventory)

    @property
    def missing(self) -> str:
        """That there is no authority yet, and what that means; empty when there is one."""
        if self.authority is not None:
            return ""
        trusted = "; whose clients the server would trust is not judged" if self.trusts_clients else ""
        return f"{self.path} is still to be made by certificate_authority{trusted}"

    def public(self, now: int) -> dict[str, t.Any]:
        """What the host is told: nothing of it is secret, and the passphrase stays here."""
        values = {
            "authority": {"path": self.path, "allowed_names": list(self.granted)},
            "additional_names": [*self.wanted.additional_names, *(() if self.wanted.names else self.inventory)],
            "controller_clock": now,
        }
        return values if self.authority is None else {**values, **self._of_authority(self.authority)}

    def _of_authority(self, authority: Authority) -> dict[str, t.Any]:
        trusted = {
            "client_authorities": authority.trust_pem,
            "client_revocation_lists": authority.revocation_lists_pem,
        }
        return {
            "issuers": authority.chain_pem,
            "made_since": self._made_since(authority),
            **(trusted if self.trusts_clients else {}),
        }

    def _made_since(self, authority: Authority) -> str | None:
        """What the operator says, or the moment after the last certificate of this host that was revoked."""
        revoked = [
            entry.time + 1
            for entry in authority.entries()
            if entry.revoked and (entry.usage, entry.owner) == (SERVER, self.host)
        ]
        moments = [*revoked, *([self.wanted.made_since] if self.wanted.made_since is not None else [])]
        if not moments:
            return None
        return datetime.datetime.fromtimestamp(max(moments), datetime.timezone.utc).isoformat()

    def sign(self, request: str, now: int, *, check: bool = False) -> Issued:
        """The certificate for a request (PEM) of this host; with ``check`` one that is not recorded, for nobody."""
        if self.authority is None:
            raise RampartError(self.missing)
        return self.authority.sign_server(
            request,
            passphrase=self.passphrase,
            host=self.host,
            granted=self.granted,
            key=self.wanted.key,
            validity_days=self.wanted.validity,
            now=now,
            check=check,
        )


def granted_names(wanted: Desired, inventory: t.Sequence[str]) -> tuple[str, ...]:
    """What a host may bear: what the task and the inventory call it, never what it calls itself."""
    called = [*wanted.names, *wanted.additional_names, *inventory, *(wanted.granted or ()), LOOPBACK_NAME]
    return tuple(dict.fromkeys(called))


def inventory_names(variables: Values) -> list[str]:
    """The name of a host in the inventory, short too, and its address there; what is no such name is left out."""
    name = str(variables.get("inventory_hostname", ""))
    found = []
    for candidate in (name, name.split(".", maxsplit=1)[0], str(variables.get("ansible_host", ""))):
        try:
            valid = normalised(candidate)
        except ValueError:
            continue
        if not is_loopback(valid):
            found.append(valid)
    return list(dict.fromkeys(found))


def _check_trust(values: Values, given: Values, wanted: Desired) -> None:
    """Clients are trusted as the authority says, or as the task does."""
    for name in ("client_authorities", "client_revocation_lists") if given["trust_clients"] else ():
        if values.get(name):
            raise InputError(
                option=wanted.named(name),
                value=f"{str(values[name])[:40]}...",
                expected=f"no value, as {wanted.named('authority.trust_clients')} fills it in",
            )


def _validated(values: Values, option: str) -> tuple[Desired, Values]:
    """The values as the module understands them, and its suboptions of the authority."""
    found = validated({name: values[name] for name in values if name in ARGUMENTS}, ARGUMENTS, option=option)
    return desired(found, option=option), found["authority"]
