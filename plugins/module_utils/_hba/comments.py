# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Comments: what belongs to a rule, and how it is written; private to the collection."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.marks import is_own_comment

__all__ = ["check_comment", "comment_lines", "foreign_comment", "joined_comment", "same_comment"]

_UNPRINTABLE = re.compile("[\0\r\ud800-\udc7f\udd00-\udfff]")


def joined_comment(comments: t.Iterable[str]) -> str | None:
    """Comments (each what follows #) as one text: those on lines of their own, and last the one on the rule's line."""
    return "\n".join([comment.strip() for comment in comments]).strip("\n") or None


def foreign_comment(comment: str | None) -> str | None:
    """A comment without the lines that this collection writes."""
    return comment and "\n".join([line for line in comment.split("\n") if not is_own_comment(line)])


def same_comment(wanted: str | None, found: str | None) -> bool:
    """Whether a comment is as wanted; where nobody said what is wanted, any is."""
    return wanted is None or wanted == found or joined_comment(wanted.split("\n")) == found


def comment_lines(comment: str | None) -> str:
    """A comment as the lines before what it belongs to. None of them may end in a backslash, which joins lines."""
    if not comment:
        return ""
    lines = [f"# {line}".rstrip() for line in comment.split("\n")]
    return "".join([f"{line} \n" if line.endswith("\\") else f"{line}\n" for line in lines])


def check_comment(comment: str | None, option: str) -> None:
    """Refuse what would not stay a comment, or not that of its rule."""
    for line in (comment or "").split("\n"):
        if _UNPRINTABLE.search(line) or line.endswith("\\"):
            raise InputError(
                option=option,
                value=comment,
                expected="give lines of which none ends in a backslash, which would swallow what follows it",
            )
        if is_own_comment(line):
            raise InputError(option=option, value=comment, expected="such a line is how this collection marks its own")
