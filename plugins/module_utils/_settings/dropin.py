# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The text of our file: a header that says whose it is, and one marked block for each section; private to the collection."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._settings import grammar
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.values import is_harmless
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.values import may_hold_secret

__all__ = ["Sections", "masked", "parse", "render"]

Sections = t.Mapping[str, t.Mapping[str, str]]
"""Section to name to the text of the value."""

_HEADER = """\
# This file belongs to the Ansible collection rampart.postgresql.
# What is changed here by hand is undone by its next run: put settings of your own into another file.
# Each section belongs to the role or the task that its first line names.
"""
_BEGIN = "# BEGIN "
_END = "# END "
_ASSIGNMENT = re.compile(r"(?P<head>\s*(?P<name>[^\s=#']+)(?:\s*=\s*|\s+))(?P<value>[^\n]*)")


def render(sections: Sections) -> str:
    """The file that holds exactly these sections, in the order of their names."""
    blocks = [_block(name, values) for name, values in sorted(sections.items()) if values]
    return _HEADER + "".join(blocks)


def parse(text: str) -> dict[str, dict[str, str]]:
    """The sections of a file as the server would read them; what stands outside of sections is not ours."""
    sections: dict[str, dict[str, str]] = {}
    current: str | None = None
    for line in text.split("\n"):
        if line.startswith(_BEGIN):
            current = line[len(_BEGIN) :].strip()
        elif line.startswith(_END):
            current = None
        elif current is not None:
            _take(line, sections.setdefault(current, {}))
    return sections


def masked(text: str) -> str:
    """The text for people: values of parameters that may hold secrets are hidden."""
    return "\n".join(_masked_line(line) for line in text.split("\n"))


def _block(section: str, values: t.Mapping[str, str]) -> str:
    lines = [grammar.render(name, value) for name, value in sorted(values.items(), key=lambda item: item[0].lower())]
    return "\n".join(["", f"{_BEGIN}{section}", *lines, f"{_END}{section}", ""])


def _take(line: str, values: dict[str, str]) -> None:
    try:
        pair = grammar.parse_line(line)
    except ValueError:
        return
    if pair is not None:
        name, value = pair
        for known in [known for known in values if known.lower() == name.lower()]:
            del values[known]  # the last one counts
        values[name] = value


def _masked_line(line: str) -> str:
    match = _ASSIGNMENT.match(line)
    if match is None or not may_hold_secret(match.group("name")) or is_harmless(match.group("value")):
        return line
    return f"{match.group('head')}'********'"
