# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which roles and databases a review is about: pure; private to the collection."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError

__all__ = ["Names"]


class Names:
    """Names, or patterns behind a slash that have to match a whole name."""

    def __init__(self, option: str, names: t.Sequence[str]) -> None:
        self._option = option
        self._literal = [name for name in names if not name.startswith("/")]
        self._patterns = [self._pattern(name) for name in names if name.startswith("/")]

    def matches(self, name: str) -> bool:
        """Whether a name is meant."""
        return name in self._literal or any(pattern.fullmatch(name) for pattern in self._patterns)

    def check(self, found: t.Iterable[str]) -> None:
        """Raise InputError for a name that nothing bears."""
        known = set(found)
        for name in self._literal:
            if name not in known:
                raise InputError(option=self._option, value=name, expected="one that is there")

    def _pattern(self, text: str) -> re.Pattern[str]:
        try:
            return re.compile(text[1:], re.DOTALL)
        except re.error as error:
            raise InputError(
                option=self._option, value=text, expected=f"a regular expression behind the /: {error}"
            ) from None
