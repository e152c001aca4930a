# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Matching in time that grows with the length of the name only, whatever the pattern; private to the collection.

Python's own way of matching tries one possibility after the other, and some patterns have more than anybody waits for.
"""

from __future__ import annotations

import functools
import re
import typing as t

__all__ = ["Automaton", "build"]

_LONGEST = 4000
_MOST_STATES = 4000
_DEEPEST = 50  # parentheses in parentheses
_PART = re.compile(
    r"(?P<open>\((?:\?:)?)|(?P<close>\))|(?P<bar>\|)|(?P<anchor>\^|\$|\\A)"
    r"|(?P<atom>\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|[^*+?{}\[\\])"
)
_QUANTIFIER = re.compile(r"(?:([*+?])|\{(\d{1,4})(,?)(\d{0,4})\})\??")

Edges = list["tuple[t.Callable[[str], object] | str | None, int]"]


class _TooLarge(Exception):
    """More states, or more depth, than is worth while."""


class Automaton:
    """A pattern as states; every edge has a test of one character, an anchor, or nothing."""

    def __init__(self) -> None:
        self.edges: list[Edges] = []
        self.first = self.state()
        self.last = self.first

    def state(self) -> int:
        """A new state."""
        if len(self.edges) >= _MOST_STATES:
            raise _TooLarge
        self.edges.append([])
        return len(self.edges) - 1

    def search(self, text: str) -> bool:
        """Whether the pattern is found anywhere in the text."""
        states: set[int] = set()
        for at in range(len(text) + 1):
            states = self._reached({*states, self.first}, at, len(text))
            if self.last in states:
                return True
            if at < len(text):
                states = {
                    target
                    for state in states
                    for test, target in self.edges[state]
                    if callable(test) and test(text[at])
                }
        return False

    def _reached(self, states: set[int], at: int, length: int) -> set[int]:
        """These states and those that can be had without a character."""
        found, open_ = set(states), list(states)
        while open_:
            for test, target in self.edges[open_.pop()]:
                is_passed = test is None or (test == "$" and at == length) or (test in ("^", "\\A") and at == 0)
                if is_passed and target not in found:
                    found.add(target)
                    open_.append(target)
        return found


def build(pattern: str) -> Automaton | None:
    """The automaton of a pattern in what PostgreSQL and Python have in common; None where it would be too large."""
    if len(pattern) > _LONGEST:
        return None
    automaton = Automaton()
    try:
        end, automaton.last = _alternatives(automaton, pattern, 0, automaton.first, 0)
    except _TooLarge:
        return None
    return automaton if end == len(pattern) else None


def _alternatives(automaton: Automaton, pattern: str, at: int, start: int, depth: int) -> tuple[int, int]:
    """Add what stands up to the end or the closing parenthesis; where it ends, and the state after it."""
    if depth > _DEEPEST:
        raise _TooLarge
    done = automaton.state()
    while True:
        state = automaton.state()
        automaton.edges[start].append((None, state))
        while at < len(pattern) and pattern[at] not in "|)":
            at, state = _quantified(automaton, pattern, at, state, depth)
        automaton.edges[state].append((None, done))
        if pattern[at : at + 1] != "|":
            return at, done
        at += 1


def _quantified(automaton: Automaton, pattern: str, at: int, start: int, depth: int) -> tuple[int, int]:
    end = _end_of_one(pattern, at)
    match = _QUANTIFIER.match(pattern, end)
    if match is None:
        return _one(automaton, pattern, at, start, depth)
    sign, least, comma, most = match.groups()
    few = {"*": 0, "+": 1, "?": 0}.get(sign, int(least or 0))
    many = {"*": None, "+": None, "?": 1}[sign] if sign else int(most) if most else None if comma else few
    state = start
    for _copy in range(few):
        _end, state = _one(automaton, pattern, at, state, depth)
    if many is None:
        state = _repeated(automaton, pattern, at, state, depth)
    ends = [state]
    for _copy in range((many or few) - few):
        _end, state = _one(automaton, pattern, at, state, depth)
        ends.append(state)
    for early in ends[:-1]:
        automaton.edges[early].append((None, state))
    return match.end(), state


def _repeated(automaton: Automaton, pattern: str, at: int, start: int, depth: int) -> int:
    again = automaton.state()
    automaton.edges[start].append((None, again))
    _end, state = _one(automaton, pattern, at, again, depth)
    automaton.edges[state].append((None, again))
    return again


def _end_of_one(pattern: str, at: int) -> int:
    depth = 0
    while True:
        match = _PART.match(pattern, at) or (_QUANTIFIER.match(pattern, at) if depth else None)
        if match is None:
            raise _TooLarge
        at = match.end()
        if match.re is _PART:
            depth += bool(match.group("open")) - bool(match.group("close"))
        if not depth:
            return at


def _one(automaton: Automaton, pattern: str, at: int, start: int, depth: int) -> tuple[int, int]:
    """Add one atom, anchor or group."""
    match = _PART.match(pattern, at)
    if match is None:
        raise _TooLarge
    if match.group("open"):
        inner = automaton.state()
        automaton.edges[start].append((None, inner))
        end, state = _alternatives(automaton, pattern, match.end(), inner, depth + 1)
        return end + 1, state
    state = automaton.state()
    automaton.edges[start].append((match.group("anchor") or _test(match.group()), state))
    return match.end(), state


@functools.lru_cache(maxsize=1024)
def _test(atom: str) -> t.Callable[[str], object]:
    return re.compile(atom, re.ASCII).fullmatch
