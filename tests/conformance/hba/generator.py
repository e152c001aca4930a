"""Random pg_hba.conf texts that are interesting to disagree about, the same for the same seed."""

from __future__ import annotations

import collections
import itertools
import random
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._hba.dialects import CONNECTION_TYPES
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.dialects import Dialect
from ansible_collections.rampart.postgresql.tests.conformance.hba import vocabulary as words
from ansible_collections.rampart.postgresql.tests.conformance.hba.coverage import constructs

__all__ = ["Author", "generate"]

THEMES = (
    *("plain", "names", "names", "quotes", "quotes", "separators", "comments", "continuation", "continuation"),
    *("addresses", "addresses", "masks", "masks", "methods", "methods", "options", "options", "options", "options"),
    *("options", "certificates", "certificates", "certificates", "includes", "includes", "includes", "files", "files"),
    *("patterns", "structure", "bytes", "bytes", "limits", "mutations", "mutations"),
)
"""Each text is about one of them in turn."""

_MOSTLY_REFUSED = ("methods", "options", "certificates", "includes")
_EDITS = (
    '"',
    ",",
    "#",
    "\\",
    " ",
    "\t",
    "\r",
    "\n",
    "@",
    "+",
    "/",
    "=",
    "\0",
    "\x0b",
    "é",
    "\udcff",
    "a",
    "0",
    "\\\n",
    '""',
)
_BYTES = ("\0", "\x0b", "\x0c", "\udcff", "\ufeff", "\xa0", "\x7f", "\udcc3", "\r", "\x1a", "é", "\x01")
_MOST_TRIES = 80  # times what was asked for, to find what is missing
_LENGTHS = range(-2, 3)
_TOKEN_LIMIT = 10239  # of 13 to 15
_LINE_LIMIT = 20479  # of 13


def generate(
    seed: str,
    count: int,
    dialect: Dialect,
    *,
    unsupported: t.Container[str] = (),
    wanted: t.Mapping[str, int] | None = None,
    author: type[Author] | None = None,
) -> t.Iterator[tuple[str, set[str]]]:
    """``count`` texts of one to three lines with what they hold, more than half of them meant to be taken.

    And after them more, picked for constructs of which there were fewer than wanted.
    """
    author = author or Author
    missing = dict(wanted or {})
    useless: collections.Counter[str] = collections.Counter()
    for number in itertools.count():
        if number >= count and (not missing or number > _MOST_TRIES * count):
            return
        theme = author.themes[number % len(author.themes)]
        if number >= count and useless[theme] > 5 and number // len(author.themes) % 5:
            continue
        text = author(random.Random(f"{seed}/{number}"), theme, dialect, unsupported).text()
        held = author.constructs(text, dialect)
        found = held & missing.keys()
        for name in found:
            missing[name] -= 1
            if not missing[name]:
                del missing[name]
        if number < count or found:
            useless[theme] = 0
            yield text, held
        else:
            useless[theme] += 1


class Author:
    """Writes one text."""

    themes: t.ClassVar[tuple[str, ...]] = THEMES
    constructs = staticmethod(constructs)

    def __init__(self, chance: random.Random, theme: str, dialect: Dialect, unsupported: t.Container[str]) -> None:
        self.chance = chance
        self.theme = theme
        self.dialect = dialect
        self.unsupported = unsupported
        self.sound = chance.random() < (
            0.4 if theme in _MOSTLY_REFUSED else 0.68
        )  # made of what a server takes only, as far as that is known here

    def text(self) -> str:
        """The text."""
        lines = [self.line() for _attempt in range(self.chance.choice((1, 1, 1, 2, 3)))]
        end = self.chance.choice(("\n", "\n", "\n", "\r\n", "\n\n"))
        text = end.join(lines) + self.chance.choice(("", "", end))
        if self.theme == "mutations":
            for _edit in range(self.chance.choice((1, 1, 2, 3))):
                text = self._edited(text)
        return text

    def is_about(self, theme: str, usually: float, otherwise: float) -> bool:
        """A chance that depends on what the text is about."""
        return self.chance.random() < (usually if self.theme == theme else otherwise)

    def _edited(self, text: str) -> str:
        at = self.chance.randrange(len(text) + 1)
        length = self.chance.choice((0, 0, 1, 1, 2, 5))
        return text[:at] + self.chance.choice(("", *_EDITS)) + text[at + length :]

    def line(self) -> str:
        """One line."""
        if self.is_about("includes", 0.7, 0.01) and (self.dialect.includes or not self.sound):
            return self.spelled([self.include()])
        kind = self.chance.choice(CONNECTION_TYPES)
        if self.theme == "certificates":
            kind = self.chance.choice(("hostssl", "hostssl", kind))
        fields = [kind, self._names(words.DATABASES), self._names(words.USERS)]
        if kind != "local":
            fields += self._address()
        fields += self._method(kind)
        if not self.sound:
            self._damage(fields)
        elif self.is_about("quotes", 0.3, 0.02):
            fields[0] = f'"{kind}"'
        return self.padded(self.spelled(fields))

    def include(self) -> str:
        """A line that includes another file."""
        keyword = self.chance.choice(list(words.INCLUDED))
        targets = words.INCLUDED[keyword] if self.sound or self.chance.random() < 0.2 else words.ODD_INCLUDED
        spelled = self.chance.choice((keyword, keyword, f'"{keyword}"'))
        return f"{spelled}{self.chance.choice(words.BLANKS)}{self.chance.choice(targets)}"

    def _damage(self, fields: list[str]) -> None:
        """What makes most lines wrong: without it too few were refused."""
        roll = self.chance.random()
        at = self.chance.randrange(len(fields))
        if roll < 0.25:
            del fields[at]
        elif roll < 0.35:
            self.chance.shuffle(fields)
        elif roll < 0.45:
            fields.insert(at, fields[at])
        elif roll < 0.55 or self.theme == "structure":
            fields[0] = self.chance.choice(words.ODD_TYPES)

    def _names(self, keywords: t.Sequence[str]) -> str:
        count = self.chance.choice((1, 2, 3, 4)) if self.theme == "separators" else self.chance.choice((1, 1, 1, 2, 3))
        commas = (",", ",", ",", ", ", ",\t", ",,") if self.sound else (",", ",", " ,", " , ", ", ,")
        return self.chance.choice(commas).join(self._name(keywords) for _name in range(count))

    def _name(self, keywords: t.Sequence[str]) -> str:
        if self.is_about("files", 0.5, 0.03):
            # Before 16 nothing stops a list that names itself but the server's stack.
            odd = [each for each in words.ODD_FILES if self.dialect.nesting_limit or "loop" not in each]
            return self.chance.choice(words.FILES if self.sound else odd)
        if self.is_about("patterns", 0.7, 0.05):
            taken = self.sound and self.dialect.regular_expressions
            return self.quoted(self.chance.choice((*words.PATTERNS, *(() if taken else words.ODD_PATTERNS))))
        if self.is_about("limits", 0.3, 0):
            return "a" * (_TOKEN_LIMIT - 2 * self.sound + self.chance.choice(_LENGTHS))
        if self.is_about("bytes", 0.5, 0):
            return "x" + self.chance.choice(_BYTES if not self.sound else _BYTES[1:]) + self.chance.choice(("", "y"))
        if self.is_about("names", 0.5, 0.4):
            return self.quoted(self.chance.choice(keywords))
        return self.quoted(self.chance.choice((*words.NAMES, *words.NAMES, *words.STRANGE_NAMES)))

    def quoted(self, text: str) -> str:
        """A token with quotes here or there, or without."""
        if not self.is_about("quotes", 0.7, 0.12) or '"' in text:
            return text
        at = self.chance.choice((0, 0, 0, 1, len(text) // 2))
        to = self.chance.choice((len(text), len(text), len(text), max(at, len(text) - 1)))
        inner = self.chance.choice(("", "", "", " ", ",", "#", '""', " x", "\t"))
        close = '"' if self.sound or self.chance.random() < 0.85 else ""
        return f'{text[:at]}"{text[at:to]}{inner}{close}{text[to:]}'

    def _address(self) -> list[str]:
        if self.is_about("masks", 0.9, 0.08):
            return list(self.chance.choice(words.MASKED[:8] if self.sound else words.MASKED[8:]))
        if self.is_about("files", 0.1, 0):
            return ["@address.lst"]
        odd = () if self.sound else words.ODD_ADDRESSES
        address = self.chance.choice(words.ADDRESSES + odd)
        return [f'"{address}"' if self.is_about("quotes", 0.3, 0.04) else address]

    def _method(self, kind: str) -> list[str]:
        possible = [method for method in words.METHOD_OPTIONS if self._is_sound(method, kind)]
        if self.theme == "options":
            name = self.chance.choice([*words.OPTION_VALUES])
            of_it = [each for each, names in words.METHOD_OPTIONS.items() if name in names]
            method = self.chance.choice([each for each in of_it if not self.sound or each in possible] or possible)
            return [method, *self._options(kind, method), *([] if self.sound else [self._option(name)])]
        method = self.chance.choice(possible)
        if not self.sound and self.is_about("methods", 0.9, 0.4):
            others = [each for each in words.METHOD_OPTIONS if each not in possible]
            method = self.chance.choice(
                self.chance.choice((others, others, words.ODD_METHODS, [*words.METHOD_OPTIONS]))
            )
        return [method, *self._options(kind, method)]

    def _is_sound(self, method: str, kind: str) -> bool:
        if method not in self.dialect.methods or method in self.unsupported:
            return False
        return {"peer": kind == "local", "gss": kind != "local", "cert": kind == "hostssl"}.get(method, True)

    def _options(self, kind: str, method: str) -> list[str]:
        options: list[str] = []
        if method in words.REQUIRED_OPTIONS and (self.sound or self.chance.random() < 0.7):
            options += self.chance.choice(words.REQUIRED_OPTIONS[method])
        if self.theme == "certificates" or (kind == "hostssl" and self.chance.random() < 0.1):
            options += self._certificate(kind, method)
        own = words.METHOD_OPTIONS.get(method, ())
        while own and self.is_about("options", 0.5 if self.sound else 0.65, 0.1):
            options.append(self._option(self.chance.choice(own)))
        while not self.sound and self.is_about("options", 0.3, 0.05):
            name = self.chance.choice(list(words.OPTION_VALUES))
            options.append(
                self.chance.choice((self._option(name), self._option(name), self.chance.choice(words.ODD_OPTIONS)))
            )
        return options

    def _certificate(self, kind: str, method: str) -> list[str]:
        if not self.sound:
            return [
                self._option(name)
                for name in self.chance.sample(("clientcert", "clientname"), self.chance.choice((1, 2)))
            ]
        if kind != "hostssl":
            return []
        found = [
            "clientcert=verify-full"
            if method == "cert"
            else f"clientcert={self.chance.choice(('verify-ca', 'verify-full'))}"
        ]
        if self.dialect.clientname and self.chance.random() < 0.5:
            found.append(f"clientname={self.chance.choice(('CN', 'DN'))}")
        return found

    def _option(self, name: str) -> str:
        values = words.OPTION_VALUES[name]
        option = f"{name}={values[0] if self.sound and self.chance.random() < 0.6 else self.chance.choice(values)}"
        return f'"{option}"' if '"' not in option and self.is_about("quotes", 0.3, 0.03) else option

    def spelled(self, fields: list[str]) -> str:
        """Fields with what may stand between and around them."""
        line = self.chance.choice(("", "", "", " ", "\t", ",", " , "))
        for index, field in enumerate(fields):
            if index:
                line += self.chance.choice(words.BLANKS)
                if self.is_about("continuation", 0.3, 0.01) and (self.dialect.continuation or not self.sound):
                    line += self.chance.choice(("\\\n", "\\\n", "\\\r\n", "\\\n\\\n", "\\\n  "))
            line += field
        if self.is_about("separators", 0.2, 0.02):
            line += self.chance.choice((",", " ,", " ", "\t", "\r"))
        if self.is_about("comments", 0.6, 0.08):
            line += self.chance.choice(words.COMMENTS)
            line = self.chance.choice((line, line, f"#{line}", f"# c\n{line}", f"\n  \n{line}"))
        if self.is_about("continuation", 0.15, 0.01):
            line += self.chance.choice(("\\", "\\\\", " \\", "\\ "))
        return line

    def padded(self, line: str) -> str:
        """Around the length that 13 allows."""
        if self.theme != "limits" or self.chance.random() < 0.5:
            return line
        length = _LINE_LIMIT - self.sound + self.chance.choice(_LENGTHS)
        filler, start = self.chance.choice(((" ", ""), ("c", " #"), (" ", " #"), ("a,", "")))
        missing = max(0, length - len(line.encode("utf-8", "surrogateescape")) - len(start))
        if filler == "a,":
            return f"local {'a,' * (length // 2 - 10)}b u trust"
        return f"{line}{start}{filler * missing}"
