# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a verdict on a record depends on besides its text and the version; private to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

__all__ = ["Circumstances"]


def _may_resolve(name: str) -> bool:
    """Whatever is a name; only of one domain it is certain that it has none (RFC 6761)."""
    return not name.rstrip(".").lower().endswith(".invalid")


@dataclasses.dataclass(frozen=True)
class Circumstances:
    """The defaults are those of a distribution's build on Linux with TLS on."""

    ssl: bool = True
    unsupported: frozenset[str] = frozenset(("bsd", "sspi"))  # methods that this build lacks
    interfaces: tuple[str, ...] = ("lo",)  # names that may follow % in a link-local address
    oauth_validators: tuple[str, ...] | None = None  # oauth_validator_libraries; None is not known
    resolves: t.Callable[[str], bool] = _may_resolve  # whether the name of a RADIUS server does
