# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of hba and what they become; private to the collection."""

from __future__ import annotations

import os
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.component import Desired
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.component import Hba
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.dialects import CONNECTION_TYPES
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.document import check_block_name
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.expansion import INCLUDES
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.finding import CODES
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.masking import MASK
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.masking import names_secrets
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.methods import SECRET_OPTIONS
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.render import check_rule
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.review import Policy
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.rules import Include
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.rules import Rule
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.sentinel import is_sentinel_rule

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._hba.enforcing.evidence import Enforcement

__all__ = [
    "ARGUMENTS",
    "FILE_ARGUMENTS",
    "component",
    "file_options",
    "given_comment",
    "optional_string",
    "read_entry",
    "read_include",
    "read_rule",
    "secrets",
    "string",
]

FILE_ARGUMENTS: dict[str, dict[str, t.Any]] = {
    "manage": {"type": "str", "choices": ["file", "block"], "default": "file"},
    "block_name": {"type": "str", "default": "rules"},
    "position": {"type": "str", "choices": ["first", "last"], "default": "first"},
    "path": {"type": "path"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}
"""What every module offers that keeps a file or a block of it."""

# The suboptions of a rule are checked here, not by Ansible: in a list of thousands that would take most of the time.
ARGUMENTS: dict[str, dict[str, t.Any]] = {
    "rules": {"type": "list", "elements": "dict"},
    **FILE_ARGUMENTS,
    "sentinel": {"type": "bool", "default": True},
    "fail_on": {"type": "list", "elements": "str", "choices": list(CODES), "default": []},
    "catch_all": {"type": "bool", "default": False},
    "enforce_tls": {
        "type": "dict",
        "options": {
            "mode": {"type": "str", "choices": ["off", "report", "on"], "default": "off"},
            "window": {"type": "int", "default": 7},
            "log_limit": {"type": "int", "default": 1024},
        },
    },
}

_KEYS = ("type", "databases", "users", "address", "netmask", "method", "options", "comment")
_REQUIRED = ("type", "databases", "users", "method")


def component(values: t.Mapping[str, t.Any], *, option: str = "") -> Hba:
    """Validate the options and make the component of them."""
    prefix = f"{option}." if option else ""
    about_file = file_options(values, option=option)
    rules = _rules(values.get("rules"), f"{prefix}rules")
    sentinel = values.get("sentinel") is not False
    policy = Policy(_codes(values.get("fail_on"), f"{prefix}fail_on"), bool(values.get("catch_all")))
    return Hba(
        Desired(
            rules=rules if about_file["present"] else None,
            sentinel=sentinel,
            policy=policy,
            enforcement=_enforcement(values.get("enforce_tls"), f"{prefix}enforce_tls"),
            **about_file,
        )
    )


def file_options(values: t.Mapping[str, t.Any], *, option: str, block_name: str = "rules") -> dict[str, t.Any]:
    """The options of FILE_ARGUMENTS, validated, as the fields that a desired state has for them."""
    prefix = f"{option}." if option else ""
    chosen: dict[str, t.Any] = {}
    for name in ("manage", "state", "position"):
        choices = FILE_ARGUMENTS[name]["choices"]
        chosen[name] = values.get(name) or FILE_ARGUMENTS[name]["default"]
        if chosen[name] not in choices:
            raise InputError(option=f"{prefix}{name}", value=chosen[name], expected=f"give one of {', '.join(choices)}")
    block_name = values.get("block_name") or block_name
    check_block_name(block_name, f"{prefix}block_name")
    present = chosen["state"] == "present"
    if not present and chosen["manage"] != "block":
        raise InputError(
            option=f"{prefix}state", value=chosen["state"], expected="only a block (manage: block) can be absent"
        )
    path = values.get("path")
    if path is not None and not os.path.isabs(path):
        raise InputError(option=f"{prefix}path", value=path, expected="give an absolute path")
    return {
        "manage": chosen["manage"],
        "present": present,
        "block_name": block_name,
        "position": chosen["position"],
        "path": path,
        "option": option,
    }


def secrets(values: t.Any) -> set[str]:
    """Values in the given rules that must appear in no output. Takes what was given, valid or not."""
    found: set[str] = set()
    for rule in values if isinstance(values, list) else ():
        options = rule.get("options") if isinstance(rule, dict) else None
        if isinstance(options, dict):
            found.update(str(options[name]) for name in SECRET_OPTIONS if options.get(name))
        else:
            given = options if isinstance(options, list) else [options]
            found.update(str(option) for option in given if names_secrets(str(option)))
    return found


def _shown(value: t.Any) -> t.Any:
    """A value of another type than it should be, for a message: it may hold a secret anywhere."""
    return MASK if names_secrets(repr(value)) else value


def _codes(given: t.Any, option: str) -> tuple[str, ...]:
    codes = [] if given is None else given
    if not isinstance(codes, list):
        raise InputError(option=option, value=given, expected="give a list of codes")
    for index, code in enumerate(codes):
        if code not in CODES:
            raise InputError(option=f"{option}[{index}]", value=code, expected=f"known are {', '.join(CODES)}")
    return tuple(codes)


def _enforcement(given: t.Any, option: str) -> Enforcement | None:
    """None where nobody asks for TLS."""
    if not given or given.get("mode") in (None, "off", False):
        return None
    from ansible_collections.rampart.postgresql.plugins.module_utils._hba.enforcing.evidence import Enforcement

    mode = "on" if given["mode"] is True else given["mode"]
    if mode not in ("report", "on"):
        raise InputError(option=f"{option}.mode", value=mode, expected="give off, report or on")
    numbers = {}
    for name, most in (("window", 365), ("log_limit", 2**20)):
        numbers[name] = ARGUMENTS["enforce_tls"]["options"][name]["default"] if given.get(name) is None else given[name]
        if not 1 <= numbers[name] <= most:
            raise InputError(option=f"{option}.{name}", value=numbers[name], expected=f"give 1 to {most}")
    return Enforcement(mode=mode, window=numbers["window"], limit=numbers["log_limit"])


def _rules(given: t.Any, option: str) -> tuple[Rule | Include, ...] | None:
    if given is None:
        return None
    if not isinstance(given, list):
        raise InputError(option=option, value=_shown(given), expected="give a list of rules")
    given = [entry for entry in given if not is_sentinel_rule(entry)]
    if not given:
        raise InputError(
            option=option, value=given, expected="give at least one rule: a file without rules locks everybody out"
        )
    found: list[Rule | Include] = []
    for index, entry in enumerate(given):
        rule = read_entry(entry, f"{option}[{index}]")
        check_rule(rule, option=f"{option}[{index}]")
        found.append(rule)
    return tuple(found)


def read_entry(entry: t.Any, option: str) -> Rule | Include:
    """A rule or an include as given, typed; what from_hba says of a record that is refused cannot be one."""
    if isinstance(entry, dict):
        if entry.get("error") is not None:
            where = {"line": entry.get("line")}
            raise InputError(option=option, value=where, expected=f"the server refuses it: {entry['error']}")
        if entry.get("include") is not None:
            return read_include(entry, option)
    return read_rule(entry, option)


def read_include(entry: dict[str, t.Any], option: str) -> Include:
    """A line that includes files, as given."""
    kind = entry.get("type") or "include"
    if kind not in INCLUDES:
        raise InputError(option=f"{option}.type", value=kind, expected=f"give one of {', '.join(INCLUDES)}")
    for key in entry:
        if key not in ("type", "include", "comment", "line"):
            raise InputError(option=f"{option}.{key}", value=key, expected="known are type, include, comment")
    return Include(
        kind=kind,
        target=string(entry["include"], f"{option}.include"),
        comment=given_comment(entry.get("comment"), f"{option}.comment"),
    )


def read_rule(entry: t.Any, option: str) -> Rule:
    """A rule as given, typed; whether any version takes it is for ``check_rule`` to say.

    ``line``, which the filter from_hba adds, says nothing about the rule.
    """
    if not isinstance(entry, dict):
        raise InputError(option=option, value=_shown(entry), expected=f"give a dictionary with {', '.join(_KEYS)}")
    for key in entry:
        if key not in _KEYS and key != "line":
            raise InputError(option=f"{option}.{key}", value=key, expected=f"known are {', '.join(_KEYS)}")
    for key in _REQUIRED:
        if entry.get(key) is None:
            raise InputError(option=f"{option}.{key}", value=None, expected=_REQUIRED_WORDS[key])
    return Rule(
        type=string(entry["type"], f"{option}.type"),
        databases=_names(entry["databases"], f"{option}.databases"),
        users=_names(entry["users"], f"{option}.users"),
        method=string(entry["method"], f"{option}.method"),
        address=optional_string(entry.get("address"), f"{option}.address"),
        netmask=optional_string(entry.get("netmask"), f"{option}.netmask"),
        options=_options(entry.get("options"), f"{option}.options"),
        comment=given_comment(entry.get("comment"), f"{option}.comment"),
    )


def given_comment(value: t.Any, option: str) -> str | None:
    """An empty comment asks for none, which is another thing than not asking."""
    return None if value is None else string(value, option)


_REQUIRED_WORDS = {
    "type": f"give one of {', '.join(CONNECTION_TYPES)}",
    "databases": "give a list of databases, or all",
    "users": "give a list of roles, or all",
    "method": "give a method such as scram-sha-256, peer or reject",
}


def string(value: t.Any, option: str) -> str:
    """A string, or a number as one."""
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise InputError(
            option=option, value=value, expected="give a string, in quotes where YAML would make it another type"
        )
    return str(value)


def optional_string(value: t.Any, option: str) -> str | None:
    """The same, or nothing."""
    return None if value is None or value == "" else string(value, option)


def _names(value: t.Any, option: str) -> tuple[str, ...]:
    if not isinstance(value, list):
        return (string(value, option),)
    return tuple([string(name, f"{option}[{index}]") for index, name in enumerate(value)])


def _options(value: t.Any, option: str) -> tuple[tuple[str, str], ...]:
    if value is None:
        return ()
    if not isinstance(value, dict):
        raise InputError(option=option, value=_shown(value), expected="give a dictionary, option name to value")
    return tuple([(str(name), _option_text(given, f"{option}.{name}")) for name, given in value.items()])


def _option_text(value: t.Any, option: str) -> str:
    """The server knows 1 for true; whatever else is given for a boolean means false."""
    if isinstance(value, bool):
        return "1" if value else "0"
    return string(value, option)
