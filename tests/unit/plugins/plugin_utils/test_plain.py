# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Exact built-in types, whatever comes in."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.plugin_utils._plain import plain


class Lazy(dict):  # type: ignore[type-arg]
    """As Ansible's containers: what is stored is not what is to be seen."""

    def __getitem__(self, key: t.Any) -> t.Any:
        return f"seen {super().__getitem__(key)}"


class LazyList(list):  # type: ignore[type-arg]
    """The same for lists."""

    def __iter__(self) -> t.Iterator[t.Any]:
        return (f"seen {index}" for index in range(len(self)))


class Text(str):
    """A tagged string."""

    __slots__ = ()


class Vaulted(tuple):  # type: ignore[type-arg]
    """A vaulted string of ansible-core 2.18: a sequence that is none."""

    __ENCRYPTED__ = True

    def __str__(self) -> str:
        return "clear"


class Encrypted:
    """One of 2.19 and newer."""

    def __str__(self) -> str:
        return "clear"


class Number(int):
    """A tagged number."""


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (Lazy(a=1), {"a": "seen 1"}),
        ([LazyList([1, 2])], [["seen 0", "seen 1"]]),
        ({Text("a"): Text("b")}, {"a": "b"}),
        (Number(3), 3),
        ((1.5, None, True), [1.5, None, True]),
        (Vaulted("xy"), "clear"),
        (Encrypted(), "clear"),
        (b"caf\xc3\xa9 \xff", "café \udcff"),
        (iter("ab"), ["a", "b"]),
    ],
)
def test_plain(value: t.Any, wanted: t.Any) -> None:
    assert plain(value) == wanted


def test_tags_are_left_behind() -> None:
    assert [plain(value).__class__ for value in (Text("x"), Number(1))] == [str, int]


def test_half_a_character_is_refused_unless_something_stands_for_it() -> None:
    with pytest.raises(InputError):
        plain(["\ud800"])
    assert plain(["a\ud800 \udcff", {"\udfff": "\udfff"}], half=lambda text: text.replace("\ud800", "?")) == [
        "a? \udcff",
        {"\udfff": "\udfff"},
    ]
