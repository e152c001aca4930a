# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where things lie in the directory of an authority, and which of its generations does what; private.

authority.json       which generation signs, which are trusted, how long lists are valid; without it nothing is in force
trust.pem            the roots of the trusted generations, for people and other programs
crl.pem              the revocation lists of root and intermediate of each trusted generation, in ONE file: together
                     or not at all
issued.jsonl         the record
1/root.pem, 1/root.key, 1/intermediate.pem, 1/intermediate.key      the first generation; keys are encrypted
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError

__all__ = ["CERTIFICATES", "KEYS", "Policy", "Places"]

CERTIFICATES = ("root.pem", "intermediate.pem")
KEYS = ("root.key", "intermediate.key")
_FORMAT = 1
_NUMBER = re.compile(r"[1-9][0-9]{0,3}")


@dataclasses.dataclass(frozen=True)
class Places:
    """Paths in one authority."""

    directory: str

    @property
    def policy(self) -> str:
        """What is in force."""
        return os.path.join(self.directory, "authority.json")

    @property
    def trust(self) -> str:
        """Roots."""
        return os.path.join(self.directory, "trust.pem")

    @property
    def lists(self) -> str:
        """Revocation lists."""
        return os.path.join(self.directory, "crl.pem")

    @property
    def record(self) -> str:
        """What was issued and revoked."""
        return os.path.join(self.directory, "issued.jsonl")

    @property
    def paths(self) -> tuple[str, ...]:
        """The directory, and what is in it of the whole authority."""
        return (self.directory, self.policy, self.trust, self.lists, self.record)

    def generation(self, number: int) -> str:
        """The directory of one generation."""
        return os.path.join(self.directory, str(number))

    def generations(self) -> list[int]:
        """Numbers of those that are there."""
        return sorted(int(name) for name in os.listdir(self.directory) if _NUMBER.fullmatch(name))


@dataclasses.dataclass(frozen=True)
class Policy:
    """Which generation signs and which are trusted; times in days."""

    generation: int
    trusted: tuple[int, ...]
    crl_validity: int
    crl_interval: int

    def text(self) -> str:
        """As it is written."""
        return json.dumps({"format": _FORMAT, **dataclasses.asdict(self)}, indent=2, sort_keys=True) + "\n"

    @classmethod
    def parsed(cls, content: bytes, path: str) -> Policy:
        """Read what ``text`` wrote."""
        try:
            values: dict[str, t.Any] = json.loads(content)
            if values["format"] != _FORMAT:
                raise ValueError
            return cls(
                generation=int(values["generation"]),
                trusted=tuple(int(number) for number in values["trusted"]),
                crl_validity=int(values["crl_validity"]),
                crl_interval=int(values["crl_interval"]),
            )
        except (KeyError, TypeError, ValueError):
            raise RampartError(f"{path} is not what this version of rampart.postgresql wrote") from None
