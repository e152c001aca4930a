# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the operator wants of a certificate; private to the collection."""

from __future__ import annotations

import dataclasses

from ansible_collections.rampart.postgresql.plugins.module_utils._tls.certificate import DEFAULT_KEY
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.certificate import KeySpec

__all__ = ["CA", "COMPONENT", "EXISTING", "INSTALL", "PROVIDERS", "QUESTION", "REQUEST", "SELF_SIGNED", "Desired"]

COMPONENT = "certificate"
QUESTION = "certificate_request"  # the return value that holds a request

SELF_SIGNED = "self_signed"
CA = "ca"
REQUEST = "request"
INSTALL = "install"
EXISTING = "existing"
PROVIDERS = (SELF_SIGNED, CA, REQUEST, INSTALL, EXISTING)


@dataclasses.dataclass(frozen=True)
class Desired:
    """Times in days, moments in seconds since the epoch, certificates as PEM."""

    provider: str = SELF_SIGNED
    names: tuple[str, ...] = ()  # empty: those of the host
    additional_names: tuple[str, ...] = ()
    granted: tuple[str, ...] | None = None  # what of the host's own names the authority would sign; None: all
    key: KeySpec = DEFAULT_KEY
    path: str | None = None
    validity: int = 365
    renew_before: int | None = None  # None: a third of the lifetime of the certificate
    made_since: int | None = None
    clock: int | None = None  # of the controller
    chain: bytes = b""  # the certificate that was issued, and what is between it and the root
    issuers: bytes = b""  # what has to follow the certificate
    source_certificate: str = ""
    source_key: str = ""
    option: str = ""  # the name of the option that holds all of these
    replace_foreign: bool = False
    configure: bool = True

    @property
    def exact_names(self) -> tuple[str, ...]:
        """The names that a certificate bears and no others; empty where they depend on the host."""
        return tuple(dict.fromkeys([*self.names, *self.additional_names])) if self.names else ()

    def named(self, option: str) -> str:
        """An option as the operator spelled it."""
        return f"{self.option}.{option}" if self.option else option
