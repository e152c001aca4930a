# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""JMESPath, compiled once, and which facts an expression reads; private to the collection.

The library may be missing on the controller; ``require`` says so.
"""

from __future__ import annotations

import functools
import typing as t

try:
    import jmespath
    from jmespath.exceptions import JMESPathError
    from jmespath.functions import Functions
    from jmespath.visitor import TreeInterpreter
except ImportError:
    _AVAILABLE = False
    _Library: t.Any = object
else:
    _AVAILABLE = True
    _Library = TreeInterpreter
    _FUNCTIONS = frozenset(Functions.FUNCTION_TABLE)

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import Unsupported

__all__ = ["checked", "reads", "require", "search"]

Path = tuple[str, ...]
_ITERATING = ("projection", "value_projection", "filter_projection", "flatten")


def require() -> None:
    """Raise where no expression can be judged by."""
    if not _AVAILABLE:
        raise Unsupported("the library jmespath is missing on the controller: install it where ansible-core runs")


def checked(option: str, expression: object) -> str:
    """The expression, if it is one."""
    if not isinstance(expression, str) or not expression.strip():
        raise InputError(option=option, value=expression, expected="give a JMESPath expression")
    if not _AVAILABLE:  # the catalogue can be read all the same
        return expression
    try:
        unknown = sorted(set(_functions(_compiled(expression).parsed)) - _FUNCTIONS)
        reads(expression)  # from now on it costs nothing, nor does it in processes forked from this one
    except JMESPathError as error:
        reason = " ".join(str(error).split())
        raise InputError(option=option, value=expression, expected=f"it is no JMESPath: {reason}") from error
    if unknown:
        raise InputError(option=option, value=expression, expected=f"JMESPath has no function {unknown[0]}")
    return expression


def search(expression: str, value: t.Any) -> t.Any:
    """What the expression yields; ValueError where the value has not the shape that it expects."""
    try:
        return _interpreter().visit(_compiled(expression).parsed, value)
    except JMESPathError as error:
        raise ValueError(" ".join(str(error).split())) from error


@functools.cache
def reads(expression: str) -> tuple[Path, ...]:
    """The facts that it takes from the root in order, as paths of names, ``settings.ssl.setting`` as three."""
    return tuple(sorted(set(_paths(_compiled(expression).parsed))))


class _Interpreter(_Library):
    """The library's own, for all expressions: it makes one for each search, and looks at each node for a way to visit it."""

    def __init__(self) -> None:
        super().__init__()
        self._ways: dict[str, t.Callable[[t.Any, t.Any], t.Any]] = {}

    def visit(self, node: t.Mapping[str, t.Any], value: t.Any) -> t.Any:
        """What the node yields."""
        kind = node["type"]
        if kind not in self._ways:
            self._ways[kind] = getattr(self, f"visit_{kind}")
        return self._ways[kind](node, value)


@functools.cache
def _interpreter() -> _Interpreter:
    return _Interpreter()


@functools.cache
def _compiled(expression: str) -> t.Any:
    return jmespath.compile(expression)


def _functions(node: t.Mapping[str, t.Any]) -> t.Iterator[str]:
    """The names of those that it calls; what it says of a wrong one comes with the first value, and then too late."""
    if node["type"] == "function_expression":
        yield node["value"]
    for child in node["children"]:
        yield from _functions(child)


def _paths(node: t.Mapping[str, t.Any]) -> t.Iterator[Path]:
    """Those of an expression that is evaluated at the root."""
    names = _names(node)
    if names:
        yield names  # all that follows is evaluated within what this yields
        return
    kind, children = node["type"], node["children"]
    if kind in ("expref", "literal"):
        return
    if kind in ("subexpression", "index_expression", "pipe", *_ITERATING):
        children = children[:1]
    for child in children:
        yield from _paths(child)


def _names(node: t.Mapping[str, t.Any]) -> Path:
    """The names that a chain such as ``a.b.{c: c}`` begins with, empty where it begins with something else."""
    if node["type"] == "field":
        return (node["value"],)
    if node["type"] != "subexpression":
        return ()
    found: list[str] = []
    for child in node["children"]:
        names = _names(child)
        found += names
        if child["type"] != "field":
            break
    return tuple(found)
