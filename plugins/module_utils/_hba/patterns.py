# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Regular expressions of PostgreSQL (advanced flavour): are they well formed, do they match; private to the collection.

``problem`` follows the grammar of PostgreSQL's regular expression compiler. ``search`` lends the
matching to Python where both agree on what every construct means, and says so where they do not.
"""

from __future__ import annotations

import bisect
import functools
import itertools
import re
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._hba.automaton import Automaton
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.automaton import build
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.pattern_elements import CLASSES
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.pattern_elements import Invalid
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.pattern_grammar import Checker

__all__ = ["Crowd", "NoCapture", "captured", "groups", "problem", "search", "whole_names"]

_FEW = 4  # quantifiers
_CLASS_NAME = re.compile(rf"\[:({'|'.join(sorted(CLASSES))}):\]")
_LETTER = r"[\w\x80-\xff]"
_PORTABLE = re.compile(
    rf"(?:{_LETTER}|[ \-^$.@:/%=~!<>,;&'`#+*?]|\\[.\-+*?^$()\[\]{{}}|/dDsSwWA]|\(\?:|[()|]|\{{\d+(?:,\d*)?\}}"
    rf"|\[\^?(?:{_LETTER}-{_LETTER}|{_LETTER}(?!-{_LETTER})|[.@-]|\\[dsw]|{_CLASS_NAME.pattern})+\])*",
    re.ASCII,
)
_WHOLE_NAME = r"(?:[\w \-@]|\\[.\-+$])+"
_WHOLE_NAMES = re.compile(rf"\^(?:{_WHOLE_NAME}|\((?:\?:)?{_WHOLE_NAME}(?:\|{_WHOLE_NAME})*\))\$")
_SLOW = re.compile(r"\[\^|\\[ADWs]|\[:(?:ascii|cntrl|space):\]|[*+?}][^(]*\)[*+{]")


@functools.lru_cache(maxsize=4096)
def problem(pattern: str, *, negated_in_brackets: bool = True) -> str | None:
    r"""Why the server would not compile the pattern, in its words; None for one that it takes.

    ``negated_in_brackets``: it knows \D, \S and \W in brackets, and the class of characters named word.
    """
    try:
        Checker(pattern, negated_in_brackets).check()
    except Invalid as found:
        return str(found)
    return None


@functools.lru_cache(maxsize=4096)
def search(pattern: str, name: str) -> bool | None:
    """Whether the pattern is found in a name; None where that is not known here."""
    ours = _translated(pattern)
    return None if ours is None or "\n" in name else ours.search(_in_bytes(name))


@functools.lru_cache(maxsize=4096)
def _translated(pattern: str) -> Automaton | None:
    """The pattern as we run it; None where PostgreSQL and we may differ about what it means."""
    if not _PORTABLE.fullmatch(_in_bytes(pattern)) or problem(pattern) is not None:
        return None
    return build(_in_python(pattern))


def _in_python(pattern: str) -> str:
    return _CLASS_NAME.sub(lambda match: CLASSES[match.group(1)], _in_bytes(pattern))


def _in_bytes(text: str) -> str:
    """A character for each byte: before a database is chosen, the server knows of no encoding."""
    return text.encode("utf-8", "surrogateescape").decode("latin-1")


class Crowd:
    """Many names that are searched at once, each a line of one text."""

    def __init__(self, names: t.Iterable[str]) -> None:
        self._names = tuple(names)
        lines = [_in_bytes(name) for name in self._names]
        self._text = "\n".join(lines)
        self._is_text = len(lines) == self._text.count("\n") + 1
        self._starts = list(itertools.accumulate((len(line) + 1 for line in lines), initial=0))

    def found(self, pattern: str) -> tuple[list[str], list[str]]:
        """The names that the pattern is found in, and those of which that is not known here."""
        quick = _quick(pattern) if self._is_text else None
        if quick is not None:
            return [self._names[index] for index in self._lines(quick)], []
        answers = [(name, search(pattern, name)) for name in self._names]
        return [name for name, answer in answers if answer], [name for name, answer in answers if answer is None]

    def _lines(self, quick: re.Pattern[str]) -> t.Iterator[int]:
        match = quick.search(self._text)
        while match:
            index = bisect.bisect_right(self._starts, match.start()) - 1
            yield index
            match = quick.search(self._text, self._starts[index + 1]) if index + 1 < len(self._names) else None


def _quick(pattern: str) -> re.Pattern[str] | None:
    """The pattern for Python where that is done in no time and no character of it matches the end of a line."""
    # In this order: looking for what is slow is slow itself where there are many.
    if len(re.findall(r"[*+?}|]", pattern)) > _FEW or _SLOW.search(pattern) or _translated(pattern) is None:
        return None
    return re.compile(_in_python(pattern), re.ASCII | re.MULTILINE)


@functools.lru_cache(maxsize=4096)
def whole_names(pattern: str) -> frozenset[str] | None:
    """The names that the pattern is found in, where it spells them out like ^(ann|bob)$; None where it does not."""
    if not _WHOLE_NAMES.fullmatch(pattern):
        return None
    inner = pattern[1:-1]
    inner = inner.removeprefix("(").removeprefix("?:").removesuffix(")")
    return frozenset(name.replace("\\", "") for name in inner.split("|"))


class NoCapture:
    """The pattern is found, and its first part in parentheses captures nothing."""


@functools.lru_cache(maxsize=4096)
def groups(pattern: str) -> int | None:
    """How many parts in parentheses capture what they match; None where that is not known here."""
    checker = Checker(pattern)
    try:
        checker.check()
    except Invalid:
        return None
    return checker.groups


@functools.lru_cache(maxsize=4096)
def captured(pattern: str, name: str) -> str | NoCapture | None:
    """What the first part in parentheses captures where the pattern is found; None where that is not known here.

    PostgreSQL takes the longest match and Python the first one: they agree where there is nothing to choose from.
    """
    has_choice = "|" in pattern or not pattern.endswith("$") or re.search(r"[*+?}]\?", pattern)
    # Python tries one possibility after the other: only where there are few of them.
    has_many = len(re.findall(r"[*+?}]", pattern)) > _FEW or re.search(r"[*+?}][^(]*\)[*+{]", pattern)
    if has_choice or has_many or not search(pattern, name):
        return None
    match = re.search(_in_python(pattern), _in_bytes(name), re.ASCII)
    if match is None or not match.re.groups or match.group(1) is None:
        return NoCapture()
    return match.group(1).encode("latin-1").decode("utf-8", "surrogateescape")
