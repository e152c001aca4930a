# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The language of sudoers: rules, aliases, defaults and includes; pure; private to the collection.

What is not understood is told by its line, so that nobody takes it for nothing.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

__all__ = ["Default", "Include", "Rule", "Sudoers", "expand", "parse"]

_INCLUDE = re.compile(r"[@#](?P<kind>includedir|include)\s+(?P<path>\"[^\"]+\"|(?:\\.|\S)+)\s*(?:#.*)?$")
_ALIAS = re.compile(r"(?P<kind>User|Runas|Host|Cmnd|Cmd)_Alias\s+(?P<rest>.+)")
_NAMED = re.compile(r"\s*(?P<name>[A-Z][A-Z0-9_]*)\s*=\s*(?P<members>.+)", re.DOTALL)
_NEXT_ALIAS = re.compile(r"(?<!\\):(?=\s*[A-Z][A-Z0-9_]*\s*=)")
_DEFAULTS = re.compile(
    r"Defaults(?:(?P<kind>[@:>!])\s*(?P<scope>\"[^\"]+\"(?:\s*,\s*\S+)*|\S+(?:\s*,\s*\S+)*))?\s+(?P<options>.+)"
)
_OPTION_NAMES = r"(?:APPARMOR_PROFILE|CHROOT|CWD|LIMITPRIVS|NOTAFTER|NOTBEFORE|PRIVS|ROLE|TIMEOUT|TYPE)"
_OPTION = re.compile(rf"{_OPTION_NAMES}\s*=\s*(?:\"[^\"]*\"|\S+)\s*")
_TAG = re.compile(r"(?P<tag>(?:NO)?(?:PASSWD|EXEC|FOLLOW|INTERCEPT|LOG_INPUT|LOG_OUTPUT|MAIL|SETENV))\s*:\s*")
_RUNAS = re.compile(r"\((?P<users>[^():]*)(?::(?P<groups>[^()]*))?\)\s*")
_DIGEST = re.compile(r"sha(?:224|256|384|512)\s*:\s*[A-Za-z0-9+/=]+\s*")
_NEXT_PRIVILEGE = re.compile(
    rf"(?<!\\)(?<!sha224)(?<!sha256)(?<!sha384)(?<!sha512):(?!\s*{_OPTION_NAMES}\s*=)(?=\s*[^\s=()\"\\/:]+(?:\s*,\s*[^\s=()\"\\/:]+)*\s*=)"
)
_COMMENT = re.compile(r"#(?!-?[0-9])")

Members = tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Rule:
    """Commands that somebody may run. ``runas`` None: as whomever the defaults say; empty: as oneself.

    ``passwordless`` None: nothing is said about it here.
    """

    line: int
    who: Members
    hosts: Members
    runas: Members | None
    commands: Members
    passwordless: bool | None


@dataclasses.dataclass(frozen=True)
class Default:
    """Options, for everybody or for what ``kind`` (``@:>!``) and ``scope`` say."""

    kind: str
    scope: Members
    options: Members


@dataclasses.dataclass(frozen=True)
class Include:
    """Another file, or all files of a directory."""

    line: int
    directory: bool
    path: str


@dataclasses.dataclass
class Sudoers:
    """One file."""

    rules: list[Rule] = dataclasses.field(default_factory=list)
    aliases: dict[str, dict[str, Members]] = dataclasses.field(default_factory=dict)
    defaults: list[Default] = dataclasses.field(default_factory=list)
    includes: list[Include] = dataclasses.field(default_factory=list)
    strange: list[int] = dataclasses.field(default_factory=list)


class _Strange(Exception):
    """A line that is not understood."""


def parse(text: str) -> Sudoers:
    """Read a file."""
    found = Sudoers()
    for number, line in _lines(text):
        try:
            _take(number, line, found)
        except _Strange:
            found.strange.append(number)
    return found


def expand(
    members: t.Iterable[str], aliases: t.Mapping[str, Members], *, within: frozenset[str] = frozenset()
) -> Members:
    """Without aliases: of one that is negated, every member is. One that nobody defines stays as it is."""
    found: list[str] = []
    for member in members:
        negated, name = _sign(member)
        if name in aliases and name not in within:
            inner = expand(aliases[name], aliases, within=within | {name})
            found += [_signed(negated ^ _sign(each)[0], _sign(each)[1]) for each in inner]
        else:
            found.append(_signed(negated, name))
    return tuple(found)


def _sign(member: str) -> tuple[bool, str]:
    name = member.lstrip("! \t")
    return member[: len(member) - len(name)].count("!") % 2 == 1, name


def _signed(negated: bool, name: str) -> str:
    return f"!{name}" if negated else name


def _lines(text: str) -> t.Iterator[tuple[int, str]]:
    """Whole lines with the number of their first one."""
    first, held = 0, ""
    for number, line in enumerate(text.splitlines(), 1):
        first = first or number
        if line.endswith("\\"):
            held += line[:-1]
            continue
        whole = (held + line).strip()
        if whole:
            yield first, whole
        first, held = 0, ""
    if held.strip():
        yield first, held.strip()


def _take(number: int, line: str, found: Sudoers) -> None:
    include = _INCLUDE.match(line)
    if include:
        path = re.sub(r"\\(.)", r"\1", include["path"].strip('"'))
        found.includes.append(Include(number, include["kind"] == "includedir", path))
        return
    line = _without_comment(line)
    alias, defaults = _ALIAS.fullmatch(line), _DEFAULTS.fullmatch(line)
    if alias:
        _take_aliases(alias["kind"], alias["rest"], found)
    elif defaults:
        scope = _members(defaults["scope"] or "")
        found.defaults.append(Default(defaults["kind"] or "", scope, _members(defaults["options"])))
    elif line:
        found.rules += _rules(number, line)


def _take_aliases(kind: str, rest: str, found: Sudoers) -> None:
    named = found.aliases.setdefault("Cmnd" if kind == "Cmd" else kind, {})
    for part in _NEXT_ALIAS.split(rest):
        match = _NAMED.fullmatch(part)
        if not match:
            raise _Strange
        named[match["name"]] = _members(match["members"])


def _rules(number: int, line: str) -> list[Rule]:
    left, right = _halves(line)
    words = _words(left)
    if len(words) != 2:
        raise _Strange
    who, hosts = words
    found: list[Rule] = []
    for part in _NEXT_PRIVILEGE.split(right):
        if found:
            hosts, part = _halves(part)
        found += _privilege(number, _members(who), _members(hosts), part)
    return found


def _privilege(number: int, who: Members, hosts: Members, text: str) -> list[Rule]:
    """Accounts and tags of a command are those of the ones after it, too."""
    runas: Members | None = None
    passwordless: bool | None = None
    found: list[Rule] = []
    for item in _split(text):
        match = _RUNAS.match(item)
        if match:
            runas, item = _members(match["users"]), item[match.end() :]
        item, tags = _without_options(item)
        for tag in tags:
            passwordless = tag == "NOPASSWD"
        command = _DIGEST.sub("", item, count=1) if _DIGEST.match(item) else item
        if not command.strip():
            raise _Strange
        rule = Rule(number, who, hosts, runas, (command.strip(),), passwordless)
        same = found and dataclasses.replace(found[-1], commands=rule.commands) == rule
        if same:
            found[-1] = dataclasses.replace(rule, commands=found[-1].commands + rule.commands)
        else:
            found.append(rule)
    if not found or not who or not hosts:
        raise _Strange
    return found


def _without_options(item: str) -> tuple[str, list[str]]:
    """A command without what stands before it, and which of that is about passwords."""
    tags: list[str] = []
    while True:
        option, tag = _OPTION.match(item), _TAG.match(item)
        match = option or tag
        if not match:
            return item, tags
        if tag and tag["tag"] in ("PASSWD", "NOPASSWD"):
            tags.append(tag["tag"])
        item = item[match.end() :]


def _halves(line: str) -> tuple[str, str]:
    """What is before the first equals sign, and after it."""
    for place, character, _depth in _outside(line):
        if character == "=":
            return line[:place].strip(), line[place + 1 :]
    raise _Strange


def _words(text: str) -> list[str]:
    """Lists, between which is white space; there may be some around their commas and signs, too."""
    text = re.sub(r"\s*,\s*", ",", text.strip())
    text = re.sub(r"!\s+", "!", text)
    words, begin = [], 0
    for place, character, _depth in _outside(text):
        if character.isspace():
            words.append(text[begin:place])
            begin = place + 1
    return [word for word in (*words, text[begin:]) if word]


def _members(text: str) -> Members:
    found = [re.sub(r"^(!*)\s*", r"\1", each.strip()) for each in _split(text)]
    return tuple(each.replace('"', "") for each in found if each)


def _split(text: str) -> list[str]:
    """The items of a list."""
    items, begin = [], 0
    for place, character, depth in _outside(text):
        if character == "," and not depth:
            items.append(text[begin:place])
            begin = place + 1
    return [item.strip() for item in (*items, text[begin:])]


def _without_comment(line: str) -> str:
    for place, character, _depth in _outside(line):
        if character == "#" and _COMMENT.match(line, place):
            return line[:place].strip()
    return line


def _outside(text: str) -> t.Iterator[tuple[int, str, int]]:
    """Every character that is neither quoted nor escaped, with its place and how many parentheses it is in."""
    quoted, depth, place = False, 0, 0
    while place < len(text):
        character = text[place]
        if character == "\\":
            place += 2
            continue
        if character == '"':
            quoted = not quoted
        elif not quoted:
            depth += {"(": 1, ")": -1}.get(character, 0)
            yield place, character, depth
        place += 1
    if quoted:
        raise _Strange
