# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Values as a template hands them over, turned into plain Python; private to the collection."""

from __future__ import annotations

import collections.abc
import typing as t

__all__ = ["plain"]


def plain(value: t.Any) -> t.Any:
    """The same value made of exact built-in types.

    Ansible's containers template their elements when these are taken out one by one; a copy by ``dict()`` or
    ``list()`` would take the templates themselves. Its strings carry tags, or are still encrypted.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, (str, bytes)):
        return str.__str__(value) if isinstance(value, str) else value.decode("utf-8", "surrogateescape")
    for kind in (int, float):
        if isinstance(value, kind):
            return kind(value)
    if hasattr(value, "__ENCRYPTED__"):  # a vaulted string of ansible-core 2.18, which is a sequence too
        return str(value)
    if isinstance(value, collections.abc.Mapping):
        return {plain(key): plain(value[key]) for key in value}
    if isinstance(value, collections.abc.Iterable):
        return [plain(element) for element in value]
    return str(value)
