# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of privileges, and what they mean; private to the collection."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.component import Privileges
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.desired import EVERYTHING
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.desired import Desired
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.desired import Entry
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.desired import Names
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.desired import Ownership
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.desired import Scope
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.kinds import DEFAULT
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.kinds import DEFAULT_KINDS
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.kinds import KINDS

__all__ = ["ARGUMENTS", "component"]

_ALL = "ALL"
_PUBLIC = "PUBLIC"
_LONGEST = 63  # bytes; of a longer name the server would make another one
_STATES = ("present", "absent", "exact")
_OWNED = tuple(kind.name for kind in KINDS.values() if kind.alter)

_NAMES: dict[str, t.Any] = {"type": "list", "elements": "str"}
ARGUMENTS: dict[str, dict[str, t.Any]] = {
    "grants": {
        "type": "list",
        "elements": "dict",
        "options": {
            "kind": {"type": "str", "choices": [*KINDS, DEFAULT], "required": True},
            "databases": _NAMES,
            "schemas": _NAMES,
            "objects": _NAMES,
            "columns": _NAMES,
            "for_roles": _NAMES,
            "future": {**_NAMES, "choices": list(DEFAULT_KINDS)},
            "roles": {**_NAMES, "required": True},
            "privileges": _NAMES,
            "grant_option": {"type": "bool", "default": False},
            "keep_current_owners": {"type": "bool", "default": False},
            "state": {"type": "str", "choices": list(_STATES), "default": "present"},
        },
    },
    "ownership": {
        "type": "list",
        "elements": "dict",
        "options": {
            "kind": {"type": "str", "choices": list(_OWNED), "required": True},
            "databases": _NAMES,
            "schemas": _NAMES,
            "objects": _NAMES,
            "owner": {"type": "str", "required": True},
        },
    },
    "groups": _NAMES,
    "force_row_security": {
        "type": "list",
        "elements": "dict",
        "options": {"databases": _NAMES, "schemas": _NAMES, "objects": {**_NAMES, "required": True}},
    },
    "report": {"type": "bool", "default": False},
    "cascade": {"type": "bool", "default": False},
    "on_standby": {"type": "str", "choices": ["skip", "fail"], "default": "skip"},
}

_IN_SCHEMA = ("databases", "schemas", "objects")
_IN_DATABASE = ("databases", "objects")
_SELECTORS: t.Mapping[str, tuple[str, ...]] = {
    "database": ("databases",),
    "tablespace": ("objects",),
    "parameter": ("objects",),
    "schema": ("databases", "schemas"),
    "table": _IN_SCHEMA,
    "sequence": _IN_SCHEMA,
    "function": _IN_SCHEMA,
    "type": _IN_SCHEMA,
    "column": (*_IN_SCHEMA, "columns"),
    "language": _IN_DATABASE,
    "foreign_data_wrapper": _IN_DATABASE,
    "foreign_server": _IN_DATABASE,
    "large_object": _IN_DATABASE,
    DEFAULT: ("databases", "schemas", "for_roles", "future"),
}
"""Which options choose the objects of a kind."""

_NEEDED: t.Mapping[str, tuple[str, ...]] = {
    "schema": ("schemas",),
    "column": ("objects", "columns"),
    DEFAULT: ("for_roles", "future"),
    **{kind: ("objects",) for kind, options in _SELECTORS.items() if options[-1] == "objects"},
}
_CHOOSING = ("databases", "schemas", "objects", "columns", "for_roles", "future")


def component(values: t.Mapping[str, t.Any], *, option: str = "") -> Privileges:
    """The component of these option values; ``option`` is the name of the option that holds them."""
    prefix = f"{option}." if option else ""
    grants = [_entry(each, f"{prefix}grants[{n}]") for n, each in enumerate(values.get("grants") or ())]
    owners = [_ownership(each, f"{prefix}ownership[{n}]") for n, each in enumerate(values.get("ownership") or ())]
    return Privileges(
        Desired(
            grants=tuple(grants),
            owners=tuple(owners),
            forced=tuple(_forced(values.get("force_row_security") or (), f"{prefix}force_row_security")),
            report=bool(values.get("report")),
            groups=_groups(values.get("groups") or (), f"{prefix}groups"),
            cascade=bool(values.get("cascade")),
            on_standby=values.get("on_standby") or "skip",
            option=option,
        )
    )


def _entry(values: t.Mapping[str, t.Any], option: str) -> Entry:
    kind = values["kind"]
    _check_selectors(values, kind, option)
    state = values.get("state") or "present"
    roles = values.get("roles")
    roles = [] if roles is None else roles
    privileges, everything = _privileges(values, kind, option)
    grant_option, public = bool(values.get("grant_option")), _PUBLIC in roles
    _check_roles(roles, state, option)
    keeps = _keeps(values, option)
    if roles and not privileges and not everything:
        raise InputError(option=f"{option}.privileges", value=values.get("privileges"), expected="name one, or ALL")
    if public and grant_option and state != "absent":
        raise InputError(option=f"{option}.roles", value=_PUBLIC, expected="PUBLIC cannot have a grant option")
    return Entry(
        option=option,
        kind=kind,
        **_selection(values, kind, option),
        for_roles=_names(values.get("for_roles"), f"{option}.for_roles"),
        future=_future(values, option),
        is_global=kind == DEFAULT and values.get("schemas") is None,
        roles=_names([name for name in roles if name != _PUBLIC], f"{option}.roles"),
        public=public,
        privileges=privileges,
        all_privileges=everything,
        grant_option=grant_option,
        state=state,
        keep_current_owners=keeps,
    )


def _keeps(values: t.Mapping[str, t.Any], option: str) -> bool:
    keeps = bool(values.get("keep_current_owners"))
    fits = values["kind"] == "schema" and values.get("state") == "absent" and _PUBLIC in (values.get("roles") or ())
    if keeps and not fits:
        raise InputError(
            option=f"{option}.keep_current_owners",
            value=True,
            expected="together with kind: schema, state: absent and PUBLIC among the roles",
        )
    return keeps


def _forced(values: t.Iterable[t.Mapping[str, t.Any]], option: str) -> t.Iterator[Scope]:
    for number, each in enumerate(values):
        where = f"{option}[{number}]"
        _check_selectors(each, "table", where)
        yield Scope(option=where, kind="table", **_selection(each, "table", where))


def _groups(values: t.Sequence[t.Any], option: str) -> tuple[tuple[str, str], ...]:
    """Where each was written, and the name; a name that two mean is there once."""
    found: dict[str, str] = {}
    for number, value in enumerate(values):
        name = str(value)
        reserved = name.startswith(("pg_", "/")) or name in (_ALL, _PUBLIC, "public", "none")
        if not name or "\0" in name or reserved or len(name.encode()) > _LONGEST:
            raise InputError(option=f"{option}[{number}]", value=value, expected="a name that a role can have")
        found.setdefault(name, f"{option}[{number}]")
    return tuple((where, name) for name, where in found.items())


def _check_roles(roles: t.Sequence[str], state: str, option: str) -> None:
    if not roles and state != "exact":
        raise InputError(option=f"{option}.roles", value=roles, expected="name one, or PUBLIC")
    if _ALL in roles:
        raise InputError(
            option=f"{option}.roles",
            value=_ALL,
            expected="PUBLIC for everybody, or a pattern such as /.* for each role",
        )


def _ownership(values: t.Mapping[str, t.Any], option: str) -> Ownership:
    kind = values["kind"]
    _check_selectors(values, kind, option)
    if kind == "database" and not values.get("databases"):
        raise InputError(option=f"{option}.databases", value=None, expected="name the databases that change hands")
    return Ownership(option=option, kind=kind, **_selection(values, kind, option), owner=str(values["owner"]))


def _check_selectors(values: t.Mapping[str, t.Any], kind: str, option: str) -> None:
    for name in _CHOOSING:
        if values.get(name) is not None and name not in _SELECTORS[kind]:
            raise InputError(
                option=f"{option}.{name}",
                value=values[name],
                expected=f"not together with kind: {kind}, where {' and '.join(_SELECTORS[kind])} choose",
            )
    for name in _NEEDED.get(kind, ()):
        if not values.get(name):
            raise InputError(
                option=f"{option}.{name}",
                value=values.get(name),
                expected=f"kind: {kind} needs it: names, patterns, or ALL",
            )


def _selection(values: t.Mapping[str, t.Any], kind: str, option: str) -> dict[str, Names]:
    found = {
        name: _names(values[name], f"{option}.{name}")
        for name in ("databases", "schemas", "objects", "columns")
        if values.get(name) is not None
    }
    if kind == "parameter" and "objects" in found:
        names = found["objects"]
        found["objects"] = Names(frozenset(n.lower() for n in names.literal), names.patterns, names.everything)
    return found


def _names(values: t.Sequence[t.Any] | None, option: str) -> Names:
    if values is None:
        return EVERYTHING
    literal, patterns, everything = set(), [], False
    for number, value in enumerate(values):
        text = str(value)
        if text == _ALL:
            everything = True
        elif text.startswith("/"):
            try:
                patterns.append(re.compile(text[1:], re.DOTALL))
            except re.error as error:
                raise InputError(
                    option=f"{option}[{number}]", value=text, expected=f"a regular expression behind the /: {error}"
                ) from None
        elif not text or "\0" in text:
            raise InputError(option=f"{option}[{number}]", value=value, expected="a name, a pattern, or ALL")
        else:
            literal.add(text)
    return Names(frozenset(literal), tuple(patterns), everything)


def _privileges(values: t.Mapping[str, t.Any], kind: str, option: str) -> tuple[tuple[str, ...], bool]:
    """Those named, and whether all are meant."""
    given = [str(name).upper() for name in values.get("privileges") or ()]
    if _ALL in given or "ALL PRIVILEGES" in given:
        if len(given) > 1:
            raise InputError(option=f"{option}.privileges", value=values["privileges"], expected="nothing beside ALL")
        return (), True
    known = _known_privileges(values, kind)
    names = ["TEMPORARY" if kind == "database" and name == "TEMP" else name for name in given]
    for name in names:
        if name not in known:
            raise InputError(option=f"{option}.privileges", value=name, expected=f"among {', '.join(('ALL', *known))}")
    return tuple(dict.fromkeys(names)), False


def _known_privileges(values: t.Mapping[str, t.Any], kind: str) -> tuple[str, ...]:
    """What the kind has; of several kinds of future objects, what all of them have."""
    if kind != DEFAULT:
        return KINDS[kind].privileges
    kinds = [kind for kind in values.get("future") or () if kind in DEFAULT_KINDS]
    if not kinds:
        return ()
    return tuple(p for p in KINDS[kinds[0]].privileges if all(p in KINDS[kind].privileges for kind in kinds))


def _future(values: t.Mapping[str, t.Any], option: str) -> tuple[str, ...]:
    kinds = tuple(values.get("future") or ())
    for kind in kinds:
        if kind not in DEFAULT_KINDS:
            raise InputError(option=f"{option}.future", value=kind, expected=f"among {', '.join(DEFAULT_KINDS)}")
    if values.get("schemas") is not None and {"schema", "large_object"} & set(kinds):
        raise InputError(
            option=f"{option}.schemas", value=values["schemas"], expected="schemas and large objects are in no schema"
        )
    return kinds
