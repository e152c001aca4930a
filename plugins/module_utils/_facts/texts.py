# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Texts of a host that need not be UTF-8, as names of files: in facts they are; pure; private to the collection."""

from __future__ import annotations

import typing as t

__all__ = ["readable"]


def readable(value: t.Any) -> t.Any:
    """The same with every byte that is no text as ``\\xNN``, in dictionaries and lists too."""
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    if isinstance(value, dict):
        return {readable(name): readable(each) for name, each in value.items()}
    return [readable(each) for each in value] if isinstance(value, list) else value
