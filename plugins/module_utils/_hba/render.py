# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The text of a rule, which the same version reads back to the same rule; private to the collection.

What the version would reject, or take and never match, is refused with an InputError that names the option.
"""

from __future__ import annotations

import functools
import re
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._hba import patterns
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.addresses import cidr_mask
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.addresses import numeric_address
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.circumstances import Circumstances
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.comments import check_comment
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.dialects import CONNECTION_TYPES
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.dialects import DIALECTS
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.dialects import NAME_BYTES
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.dialects import Dialect
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.dialects import dialect_of
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.expansion import Line
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.lexer import byte_length
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.lexer import split_fields
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.methods import SECRET_OPTIONS
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.records import ADDRESS_KEYWORDS
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.records import parse_line
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.rules import Include
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.rules import Rule
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.rules import Written

__all__ = [
    "check_patterns",
    "check_rule",
    "render_rule",
    "render_rules",
    "spell",
    "spelled_options",
    "token_problem",
    "without_continuation",
]

_DATABASE_KEYWORDS = ("all", "sameuser", "samerole", "samegroup", "replication")
_USER_KEYWORDS = ("all",)
_NEEDS_QUOTES = re.compile(r'[ \t,#"]|\\\Z|\A\Z')
_PLAIN = re.compile(r"[A-Za-z0-9_.:/-]+")  # stands for itself, whatever reads it
_UNPRINTABLE = re.compile("[\0\n\r\ud800-\udc7f\udd00-\udfff]")  # the last two ranges are no characters of any file
_HOST_NAME = re.compile(
    r"\.?[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?(?:\.[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?)*\.?"
)
_FULL_IPV4 = re.compile(r"(?:0|[1-9][0-9]{0,2})(?:\.(?:0|[1-9][0-9]{0,2})){3}")
_ONLY_NUMBERS = re.compile(r"[0-9.]+|.*:.*|.*/.*|0[xX].*", re.DOTALL)
_ALL_METHODS = tuple(dict.fromkeys(method for dialect in DIALECTS.values() for method in dialect.methods))

_ACCEPTED_ADDRESS = (
    "give all, samehost, samenet, an address with its prefix length such as 10.0.0.0/8 or 2001:db8::/32, an address"
    " in full together with netmask, a host name, or a domain with a leading dot"
)


def spell(value: str) -> str:
    """A token as it stands in the file: quotes only where characters need them, where meaning allows."""
    if '"' in value or not _NEEDS_QUOTES.search(value):
        return value
    if len(value) > 1 and value[0] in "+@":
        return f'{value[0]}"{value[1:]}"'
    return f'"{value}"'


def without_continuation(line: str) -> str:
    """The same line, empty quotes behind a backslash that would join it to the next one."""
    return f'{line}""' if line.endswith("\\") else line


def render_rules(rules: t.Iterable[Rule | Include], dialect: Dialect, *, option: str = "rules") -> list[Written]:
    """The lines of rules that ``check_rule`` took, in their order."""
    lines = []
    known: dict[Rule | Include, Written] = {}
    for index, rule in enumerate(rules):
        text = known.get(rule)
        if text is None:
            text = known[rule] = render_rule(rule, dialect, option=f"{option}[{index}]")
        lines.append(text)
    return lines


def render_rule(rule: Rule | Include, dialect: Dialect, *, option: str = "rule") -> Written:
    """One rule as a line."""
    if isinstance(rule, Include):
        return Written(_include_line(rule, dialect, option), rule.comment)
    check_patterns(rule, dialect, option=option)
    _check_method(rule, dialect, option)
    fields = [rule.type, ",".join(map(spell, rule.databases)), ",".join(map(spell, rule.users))]
    if rule.address is not None:
        fields.append(spell(rule.address))
    if rule.netmask is not None:
        fields.append(rule.netmask)
    fields.append(rule.method)
    fields += spelled_options(rule.options)
    line = "\t".join(fields)
    _check_length(rule, line, dialect, option)
    return Written(line, rule.comment)


def _include_line(include: Include, dialect: Dialect, option: str) -> str:
    if not dialect.includes:
        raise InputError(
            option=option,
            value=f"{include.kind} {include.target}",
            expected=f"PostgreSQL {dialect.major} refuses it: other files are included from 16 on",
        )
    return without_continuation(f"{include.kind}\t{spell(include.target)}")


def check_rule(rule: Rule | Include, *, option: str) -> None:
    """Refuse what no version takes, before any server is asked."""
    check_comment(rule.comment, f"{option}.comment")
    if isinstance(rule, Include):
        problem = token_problem(rule.target) if rule.target else "give the name of a file or directory"
        if problem is not None:
            raise InputError(option=f"{option}.include", value=rule.target, expected=problem)
        return
    if rule.type not in CONNECTION_TYPES:
        raise InputError(
            option=f"{option}.type", value=rule.type, expected=f"give one of {', '.join(CONNECTION_TYPES)}"
        )
    if rule.method not in _ALL_METHODS:
        raise InputError(
            option=f"{option}.method", value=rule.method, expected=f"give one of {', '.join(_ALL_METHODS)}"
        )
    _check_names(rule.databases, _DATABASE_KEYWORDS, f"{option}.databases", "database")
    _check_names(rule.users, _USER_KEYWORDS, f"{option}.users", "role")
    _check_address(rule, option)
    _check_options(rule, option)


def _check_names(names: tuple[str, ...], keywords: tuple[str, ...], option: str, what: str) -> None:
    if not names:
        raise InputError(option=option, value=[], expected=f"give at least one {what}, or all")
    for index, name in enumerate(names):
        problem = _name_problem(name, keywords, what)
        if problem is not None:
            raise InputError(option=f"{option}[{index}]", value=name, expected=problem)


@functools.lru_cache(maxsize=65536)
def _name_problem(name: str, keywords: tuple[str, ...], what: str) -> str | None:
    """What is wrong with a database or user, whatever the version."""
    problem = token_problem(name)
    if problem is not None:
        return problem
    lowered = name.lower()
    if lowered in keywords and name != lowered:
        return f"the keyword is {lowered}, in lower case; a {what} of that name is written '\"{name}\"'"
    text = _token_text(name)
    special = "" if name.startswith('"') else text[:1]
    if special == "@" and len(text) > 1:
        return None  # a path, which may be longer than a name
    if special == "+" and what == "role":
        text = text[1:]
    if not text:
        return f"no {what} has an empty name, so this never matches"
    if text[:1] != "/" and byte_length(text) > NAME_BYTES:
        return f"no name is longer than {NAME_BYTES} bytes, so this never matches"
    return None


def token_problem(value: str) -> str | None:
    """One token, complete: nothing in it may end the field, the line or the file."""
    if _PLAIN.fullmatch(value):
        return None
    spelled = spell(value)
    fields, _comment, _error = split_fields(spelled)
    complete = value.count('"') % 2 == 0 and not _UNPRINTABLE.search(value)
    if not complete or [[token.raw for token in field] for field in fields] != [[spelled]]:
        return "give ONE name as PostgreSQL spells it; double quotes in it must be balanced"
    return None


def _token_text(value: str) -> str:
    return value if _PLAIN.fullmatch(value) else split_fields(spell(value))[0][0][0].text


def _check_address(rule: Rule, option: str) -> None:
    if rule.type == "local":
        for name in ("address", "netmask"):
            if getattr(rule, name) is not None:
                raise InputError(
                    option=f"{option}.{name}", value=getattr(rule, name), expected="a rule of type local has none"
                )
        return
    if not rule.address:
        raise InputError(option=f"{option}.address", value=rule.address, expected=_ACCEPTED_ADDRESS)
    problem = token_problem(rule.address)
    if problem is not None:
        raise InputError(option=f"{option}.address", value=rule.address, expected=problem)
    text = _token_text(rule.address)
    if rule.address not in ADDRESS_KEYWORDS and not _is_address(text, rule.netmask, rule.address.startswith('"')):
        raise InputError(option=f"{option}.address", value=rule.address, expected=_ACCEPTED_ADDRESS)
    if rule.netmask is not None:
        _check_netmask(rule, text, option)


def _is_address(text: str, netmask: str | None, quoted: bool) -> bool:
    address, slash, bits = text.partition("/")
    packed = _complete_address(address)
    if packed is not None:
        return bool(slash) != (netmask is not None) and (not slash or cidr_mask(bits, len(packed)) is not None)
    if text.lower() in ADDRESS_KEYWORDS and not quoted:
        return False  # in capitals it would be taken as the name of a host
    return netmask is None and not _ONLY_NUMBERS.fullmatch(text) and bool(_HOST_NAME.fullmatch(text))


def _complete_address(text: str) -> bytes | None:
    """An address in full; the server takes 10 as 0.0.0.10 and 010.0.0.0 as 8.0.0.0, which nobody means."""
    if ":" not in text and not _FULL_IPV4.fullmatch(text):
        return None
    address, percent, zone = text.partition("%")
    return numeric_address(address, (zone,)) if percent and zone else numeric_address(text)


def _check_netmask(rule: Rule, address: str, option: str) -> None:
    packed, mask = _complete_address(address), _complete_address(rule.netmask or "")
    if packed is None or mask is None or len(packed) != len(mask):
        raise InputError(
            option=f"{option}.netmask",
            value=rule.netmask,
            expected="give a mask in full, such as 255.255.0.0, of the same family as address, which has no prefix length",
        )


def _check_options(rule: Rule, option: str) -> None:
    for name, value in rule.options:
        if not re.fullmatch(r"[a-z_]+", name) or _UNPRINTABLE.search(value):
            raise InputError(
                option=f"{option}.options.{name}", value=_hidden(name, value), expected="give a name and one line"
            )


def check_patterns(rule: Rule, dialect: Dialect, *, option: str) -> None:
    """What this version would take and never match."""
    for what in ("databases", "users"):
        for index, name in enumerate(getattr(rule, what)):
            if name.lstrip('"')[:1] != "/":
                continue
            where = f"{option}.{what}[{index}]"
            if not dialect.regular_expressions:
                raise InputError(
                    option=where,
                    value=name,
                    expected=f"PostgreSQL {dialect.major} would take this as a name and never match;"
                    " regular expressions are known from 16 on",
                )
            problem = patterns.problem(_token_text(name)[1:])
            if problem is not None:
                raise InputError(option=where, value=name, expected=f"the regular expression has {problem}")


def _check_length(rule: Rule, line: str, dialect: Dialect, option: str) -> None:
    if dialect.line_limit is not None and byte_length(line) + 1 >= dialect.line_limit:
        raise InputError(
            option=option,
            value=f"{rule.type} rule of {byte_length(line)} bytes",
            expected=f"a line of PostgreSQL {dialect.major} holds less than {dialect.line_limit} bytes: make two rules",
        )


def _check_method(rule: Rule, dialect: Dialect, option: str) -> None:
    """Let our own reader of this version judge method and options, which depend on the type and nothing else."""
    words = _verdict(rule.type, rule.method, rule.options, dialect.major)
    if words is None:
        return
    where, value = _culprit(rule, words, dialect)
    raise InputError(
        option=f"{option}{where}",
        value=value,
        expected=f"PostgreSQL {dialect.major} refuses it: {_without_secrets(words, rule)}",
    )


@functools.lru_cache(maxsize=1024)
def _verdict(kind: str, method: str, options: tuple[tuple[str, str], ...], major: int) -> str | None:
    """Why the version refuses a rule of this type with this method and these options; None when it does not."""
    dialect = dialect_of(major)
    address = [] if kind == "local" else ["all"]
    line = " ".join([kind, "all", "all", *address, method, *spelled_options(options)])
    fields, _comment, error = split_fields(line, dialect.token_limit)
    record = parse_line(Line("", 1, fields, fields, None, error), dialect, Circumstances())
    return record.refusal


def spelled_options(options: tuple[tuple[str, str], ...]) -> list[str]:
    """Options as they stand in the file, values in quotes where they need them."""
    return [f"{name}={_spell_value(value)}" for name, value in options]


def _culprit(rule: Rule, words: str, dialect: Dialect) -> tuple[str, t.Any]:
    """The option to blame: one that the words name, else the method."""
    for name, value in rule.options:
        if f'"{name}"' in words or name in words:
            return f".options.{name}", _hidden(name, value)
    if rule.method in dialect.methods and rule.options and "authentication is only" not in words:
        return ".options", {name: _hidden(name, value) for name, value in rule.options}
    return ".method", rule.method


def _spell_value(value: str) -> str:
    if not _NEEDS_QUOTES.search(value):
        return value
    return '"' + value.replace('"', '""') + '"'


def _hidden(name: str, value: str) -> str:
    return "********" if name in SECRET_OPTIONS else value


def _without_secrets(text: str, rule: Rule) -> str:
    for secret in rule.secrets:
        if secret:
            text = text.replace(secret, "********")
    return text
