# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was found on a cluster before it is judged, as values; private to the collection."""

from __future__ import annotations

import dataclasses

from ansible_collections.rampart.postgresql.plugins.module_utils._tls.expiry.reading import Item
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.expiry.reading import Key

__all__ = ["AUTHORITY", "INTERMEDIATE", "LIST", "SERVER", "Found", "KeyFile", "Observed"]

SERVER = "server"
INTERMEDIATE = "intermediate"
AUTHORITY = "client_authority"
LIST = "revocation_list"


@dataclasses.dataclass(frozen=True)
class Found:
    """One certificate or list, and where it lies. ``path`` is None for what the server served in a handshake."""

    role: str
    item: Item
    path: str | None = None
    number: int = 1  # in its file
    not_loaded: bool = False  # the file was changed after the server had read its configuration
    passed_over: bool = False  # in a directory, under a name that OpenSSL does not look for


@dataclasses.dataclass(frozen=True)
class KeyFile:
    """The private key of the server. ``exposed`` says who else may read it, in words; empty for nobody."""

    path: str
    key: Key
    exposed: str = ""


@dataclasses.dataclass(frozen=True)
class Observed:
    """Everything that judging needs. Times in seconds since the epoch."""

    now: int
    found: tuple[Found, ...]
    key_file: KeyFile | None = None
    ssl: bool = False
    served: str | None = None  # fingerprint; None when nobody could be asked, and ``not_served`` says why
    not_served: str = ""
    checks_lists: bool = False  # a client certificate needs a good list from every authority of its chain
