# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The roles that configuration files of tools name: pure; private to the collection.

Of a file only names of roles come back, and the numbers of lines that were not understood: the rest may be a secret.
"""

from __future__ import annotations

import re
import typing as t

__all__ = ["Named", "barman", "conninfo_user", "environment", "password_file", "patroni", "pgbackrest", "repmgr"]

_URI = re.compile(r"postgres(?:ql)?://(?:([^:/?#@]*)(?::[^/@]*)?@)?[^?#]*(?:\?([^#]*))?", re.DOTALL)
_PARAMETER = re.compile(r"\s*(\w+)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|((?:[^'\\\s]|\\.)(?:[^\\\s]|\\.)*)?)", re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)

_SECTION = re.compile(r"\[([^\]]+)\]")
_BACKREST_USER = re.compile(r"(?:pg|db)\d*-user")
_REPMGR = re.compile(r"(\w+)\s*=\s*(?:'((?:[^'\\]|''|\\.)*)'|([^'#]*?))\s*(?:#.*)?")
_ASSIGNMENT = re.compile(
    r"""[ \t]*(?:export[ \t]+)?([A-Za-z_]\w*)=(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|([^"'\n][^\n]*)?)[ \t\r]*(?:\n|$)""",
    re.DOTALL,
)
_NOTHING = re.compile(r"[ \t\r]*(?:[#;][^\n]*)?(?:\n|$)")
_YAML_KEY = re.compile(r"""( *)(?:-\s+)?(?:"([^"]+)"|'([^']+)'|([\w.-]+))\s*:(?:\s+(.*?))?\s*""")
_YAML_SCALAR = re.compile(r"""(?:"((?:[^"\\]|\\.)*)"|'((?:[^']|'')*)'|([^"'&*!|>{\[%@`#][^#{}]*?))\s*(?:#.*)?""")
_YAML_FLOW = re.compile(r"""[{,]\s*["']?username["']?\s*:\s*(?:"([^"]*)"|'([^']*)'|([^,}"']*))\s*(?=[,}])""")
_LONGEST = 4096  # characters
_LOGS_IN = ("superuser", "replication", "rewind")  # as Patroni's configuration calls them
_USERS = ("DATA_SOURCE_USER", "PGUSER", *(f"PATRONI_{name.upper()}_USERNAME" for name in _LOGS_IN))


class Named(t.NamedTuple):
    """Names of roles in the order of the file, and the numbers of lines that could not be understood."""

    roles: tuple[str, ...] = ()
    malformed: tuple[int, ...] = ()


def conninfo_user(text: str) -> str | None:
    """The user of a connection string or URI, None without one; ValueError where libpq would not understand it."""
    text = text.strip()
    if text.startswith(("postgres://", "postgresql://")):
        return _uri_user(text)
    user, position = None, 0
    while position < len(text):
        found = _PARAMETER.match(text, position)
        if found is None:
            raise ValueError("not a connection string")
        position = found.end()
        if found.group(1) == "user":
            user = _ESCAPED.sub(r"\1", found.group(2) or found.group(3) or "")
    return user or None


def _uri_user(text: str) -> str | None:
    found = _URI.fullmatch(text)
    if found is None:
        raise ValueError("not a connection URI")
    from urllib.parse import unquote  # only here: few have one

    user = found.group(1)
    for pair in (found.group(2) or "").split("&"):
        name, _separator, value = pair.partition("=")
        if name == "user":
            user = value
    return unquote(user) if user else None


class _Gathering:
    """Names and complaints, each once."""

    def __init__(self) -> None:
        self._roles: dict[str, None] = {}
        self._malformed: set[int] = set()

    def role(self, name: str | None) -> None:
        if name:
            self._roles[name] = None

    def connection(self, text: str, line: int) -> None:
        try:
            self.role(conninfo_user(text))
        except ValueError:
            self.complain(line)

    def complain(self, line: int) -> None:
        self._malformed.add(line)

    def named(self) -> Named:
        return Named(tuple(self._roles), tuple(sorted(self._malformed)))


def _lines(text: str, gathering: _Gathering) -> t.Iterator[tuple[int, str]]:
    """Lines of a length that people write: patterns take long for others."""
    for number, line in enumerate(text.split("\n"), 1):
        if len(line) > _LONGEST:
            gathering.complain(number)
        elif line.strip():
            yield number, line.rstrip()


def _entries(text: str, gathering: _Gathering, *, continued: bool = False) -> list[tuple[int, str, str]]:
    """Options of a file with sections, which pgBackRest and Barman have; ``continued`` on lines that are indented."""
    entries: list[tuple[int, str, str]] = []
    for number, line in _lines(text, gathering):
        stripped = line.strip()
        key, separator, value = stripped.partition("=")
        if stripped[0] in "#;":
            continue
        if continued and line[0].isspace() and entries:
            first, key, value = entries[-1]
            entries[-1] = (first, key, f"{value} {stripped}")
        elif separator:
            entries.append((number, key.strip().lower(), value.strip()))
        elif not _SECTION.fullmatch(stripped):
            gathering.complain(number)
    return entries


def pgbackrest(text: str) -> Named:
    """pg1-user and its like, whatever the stanza."""
    gathering = _Gathering()
    for _number, key, value in _entries(text, gathering):
        if _BACKREST_USER.fullmatch(key):
            gathering.role(value)
    return gathering.named()


def barman(text: str) -> Named:
    """The users of conninfo, streaming_conninfo and the others of that name."""
    gathering = _Gathering()
    for number, key, value in _entries(text, gathering, continued=True):
        if key.endswith("conninfo"):
            gathering.connection(value, number)
    return gathering.named()


def repmgr(text: str) -> Named:
    """The users of conninfo and replication_user."""
    gathering = _Gathering()
    for number, line in _lines(text, gathering):
        found = _REPMGR.fullmatch(line.strip())
        if found is None:
            if not line.lstrip().startswith(("#", "include")):
                gathering.complain(number)
            continue
        key, quoted, plain = found.groups()
        value = plain if quoted is None else quoted.replace("''", "'").replace("\\'", "'")
        if key == "conninfo":
            gathering.connection(value, number)
        elif key == "replication_user":
            gathering.role(value)
    return gathering.named()


def environment(text: str) -> Named:
    """DATA_SOURCE_NAME and DATA_SOURCE_USER of postgres_exporter, PGUSER, and the names that Patroni takes from there."""
    gathering = _Gathering()
    position, number = 0, 1
    while position < len(text):
        found = _NOTHING.match(text, position)
        if found is None:
            found = _ASSIGNMENT.match(text, position)
            if found is None:
                gathering.complain(number)
            else:
                _assigned(found, number, gathering)
        end = text.find("\n", position) + 1 or len(text)
        following = found.end() if found else end
        number += text.count("\n", position, following)
        position = following
    return gathering.named()


def _assigned(found: t.Match[str], number: int, gathering: _Gathering) -> None:
    key, double, single, plain = found.groups()
    value = _ESCAPED.sub(r"\1", double) if double is not None else single if single is not None else plain or ""
    if key == "DATA_SOURCE_NAME":
        for source in value.split(","):
            gathering.connection(source, number)
    elif key in _USERS:
        gathering.role(value.strip())


def patroni(text: str) -> Named:
    """The names under authentication, of the YAML that such a file is usually written in."""
    gathering = _Gathering()
    above: list[tuple[int, str]] = []
    for number, line in _lines(text, gathering):
        found = _YAML_KEY.fullmatch(line)
        if found is None:  # an item of a list, a comment, or part of a longer text
            if line.lstrip(" ").startswith("\t"):
                gathering.complain(number)
            continue
        key = found.group(2) or found.group(3) or found.group(4)
        indent, value = len(found.group(1)), found.group(5) or ""
        while above and above[-1][0] >= indent:
            above.pop()
        path = (*(name for _indent, name in above[-2:]), key)
        above.append((indent, key))
        if key == "authentication" and value and value[0] != "#":
            gathering.complain(number)
        elif path[-2:-1] == ("authentication",) and key in _LOGS_IN and value:
            _flow(value, number, gathering)
        elif len(path) > 2 and path[-3] == "authentication" and path[-2] in _LOGS_IN and key == "username":
            _scalar(value, number, gathering)
    return gathering.named()


def _scalar(value: str, number: int, gathering: _Gathering) -> None:
    found = _YAML_SCALAR.fullmatch(value)
    if found is None:
        gathering.complain(number)
        return
    double, single, plain = found.groups()
    gathering.role(double if double is not None else single.replace("''", "'") if single is not None else plain.strip())


def _flow(value: str, number: int, gathering: _Gathering) -> None:
    """A mapping in one line."""
    if value.startswith("#"):
        return
    found = _YAML_FLOW.search(value)
    if found is not None:
        gathering.role((found.group(1) or found.group(2) or found.group(3) or "").strip())
    elif "username" in value or not value.endswith("}"):
        gathering.complain(number)


def password_file(text: str) -> Named:
    """Whom the account of the server replicates as: the users of entries for the database replication."""
    gathering = _Gathering()
    for number, line in _lines(text, gathering):
        if line.startswith("#"):
            continue
        fields = [_ESCAPED.sub(r"\1", field) for field in re.findall(r"((?:[^\\:]|\\.)*)(?::|$)", line)]
        if len(fields) < 5:
            gathering.complain(number)
        elif fields[2] == "replication" and fields[3] != "*":
            gathering.role(fields[3])
    return gathering.named()
