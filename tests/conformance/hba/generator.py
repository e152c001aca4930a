"""Random pg_hba.conf texts that are interesting to disagree about, the same for the same seed."""

from __future__ import annotations

import random
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._hba.dialects import CONNECTION_TYPES

__all__ = ["Case", "generate"]

_NAMES = ("db", "app", "u1", "a.b", "x-y", "é", "d=1", "Admin", "postgres", "long" * 16, "+grp", "+", "@", "c\\d")
_DATABASE_WORDS = ("all", "sameuser", "samerole", "samegroup", "replication", "ALL")
_USER_WORDS = ("all", "ALL", "+staff", "++x")
_PATTERNS = ("/^db", "/a|b", "/x$", "/[0-9]+", "/(a", "/a{2", "/*", "/\\d", "/a{1,2}", "/[a-z]{3,}", "/(?:x)y", "/a)")
_FILES = ("@names.lst", "@names.lst", "@missing.lst", "@empty.lst", "@nested.lst", "@keywords.lst")
_ADDRESSES = (
    *("all", "samehost", "samenet", "0.0.0.0/0", "::/0", "10.0.0.0/8", "192.168.1.0/24", "10.1.2.3/32", "::1/128"),
    *("fe80::/10", "2001:db8::1/64", "host.example.com", ".example.com", "10/8", "010.1/16", "0x7f000001/32"),
    *("10.0.0.0/33", "10.0.0.0/", "::/129", "1.2.3/24", "300.1.1.1/8", "host/8", "ALL", "fe80::1%lo/64", "1.2.3.4.5"),
)
_BARE_ADDRESSES = ("10.0.0.0", "127.0.0.1", "::1", "10", "fe80::1%1", "0377.0.0.1", "255.0.255.0")
_MASKS = ("255.0.0.0", "255.255.255.255", "255.0.255.0", "ffff::", "ffff:ffff::", "0", "0xff000000", "256.0.0.0", "md5")
_METHODS = (
    *("trust", "reject", "scram-sha-256", "md5", "password", "peer", "ident", "cert", "radius", "gss", "ldap", "pam"),
    *("oauth", "MD5", "krb5", "bsd", "sspi"),
)
_OPTIONS = (
    *("map=m", "map=", "clientcert=verify-full", "clientcert=verify-ca", "clientcert=1", "clientname=CN", "foo=1"),
    *("clientname=DN", "radiusservers=127.0.0.1", "radiussecrets=s", "radiusports=1812", "radiusports=x", "nothing"),
    *("pamservice=x", "krb_realm=R", "include_realm=0", "ldapserver=l", "issuer=i", "scope=s", 'map="a b"'),
)
_BLANKS = (" ", " ", " ", "  ", "\t", " \t ", "\r ")
_COMMENTS = (" # note", "#c", ' # "quoted, comment', " # ends in \\", "\t#")


class Case(t.NamedTuple):
    """One text and what was put into it."""

    text: str
    constructs: tuple[str, ...]


def generate(seed: str, count: int) -> t.Iterator[Case]:
    """``count`` texts; nearly all hold one record, some more."""
    for number in range(count):
        yield _Author(random.Random(f"{seed}/{number}")).case()


class _Author:
    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.constructs: list[str] = []
        self.flaw = chance.random() < 0.25  # otherwise mostly what a server takes

    def case(self) -> Case:
        lines = [self._line() for _attempt in range(self.chance.choice((1, 1, 1, 1, 1, 2)))]
        return Case(self.chance.choice(("\n", "\n", "\n", "\r\n")).join(lines), tuple(sorted(set(self.constructs))))

    def _pick(self, construct: str, values: t.Sequence[str]) -> str:
        self.constructs.append(construct)
        return self.chance.choice(values)

    def _sometimes(self, construct: str, probability: float) -> bool:
        happens = self.chance.random() < probability
        if happens:
            self.constructs.append(construct)
        return happens

    def _line(self) -> str:
        if self._sometimes("include", 0.06):
            keyword = self.chance.choice(("include", "include_if_exists", "include_dir"))
            return f"{keyword} {self.chance.choice(('rules.inc', 'missing.inc', 'rules.d', 'outer.inc'))}"
        kind = self.chance.choice(CONNECTION_TYPES)
        self.constructs.append(f"type {kind}")
        fields = [kind, self._names(_DATABASE_WORDS), self._names(_USER_WORDS)]
        if kind != "local" or self._sometimes("address on local", 0.02):
            fields += self._address()
        fields += self._method(kind)
        if self._sometimes("dropped field", 0.3 if self.flaw else 0.01):
            del fields[self.chance.randrange(len(fields))]
        if self._sometimes("swapped fields", 0.1 if self.flaw else 0):
            self.chance.shuffle(fields)
        return self._spelled(fields)

    def _names(self, words: t.Sequence[str]) -> str:
        names = [self._name(words) for _attempt in range(self.chance.choice((1, 1, 1, 2, 3)))]
        if len(names) > 1:
            self.constructs.append("list")
        return self.chance.choice((",", ",", ",", ", ", " ,", ",,")).join(names) if len(names) > 1 else names[0]

    def _name(self, words: t.Sequence[str]) -> str:
        roll = self.chance.random()
        if roll < 0.4:
            name = self._pick("keyword", words)
        elif roll < 0.47:
            name = self._pick("regular expression", _PATTERNS)
        elif roll < 0.5:
            name = self._pick("file of names", _FILES)
        else:
            name = self._pick("name", _NAMES)
        return self._quoted(name)

    def _quoted(self, text: str) -> str:
        if not self._sometimes("quoted", 0.2):
            return text
        at = self.chance.choice((0, 0, 0, len(text) // 2))
        inner = self.chance.choice(("", "", " ", ",", "#", '""'))
        if self._sometimes("unterminated quote", 0.03):
            return f'{text[:at]}"{text[at:]}{inner}'
        return f'{text[:at]}"{text[at:]}{inner}"'

    def _address(self) -> list[str]:
        if self._sometimes("netmask", 0.2):
            return [self.chance.choice(_BARE_ADDRESSES), self.chance.choice(_MASKS)]
        address = self._pick("address", _ADDRESSES if self.flaw else _ADDRESSES[:13])
        return [f'"{address}"' if self._sometimes("quoted address", 0.05) else address]

    def _method(self, kind: str) -> list[str]:
        usual = ("peer", *_METHODS[:5]) if kind == "local" else ("cert", *_METHODS[:5], "radius")
        method = self.chance.choice(_METHODS if self.flaw else usual)
        self.constructs.append(f"method {method}")
        options = []
        if method == "radius" and not self._sometimes("radius without servers", 0.2):
            options = ["radiusservers=127.0.0.1", "radiussecrets=s"]
        while self._sometimes("option", 0.15):
            options.append(self.chance.choice(_OPTIONS))
        return [method, *options]

    def _spelled(self, fields: list[str]) -> str:
        line = self.chance.choice(("", "", "", " ", "\t", ","))
        for index, field in enumerate(fields):
            if index:
                line += self.chance.choice(_BLANKS)
                if self._sometimes("continuation", 0.03):
                    line += self.chance.choice(("\\\n", "\\\r\n", "\\\n\\\n"))
            line += field
        if self._sometimes("comment", 0.15):
            line += self.chance.choice(_COMMENTS)
        if self._sometimes("trailing backslash", 0.03):
            line += "\\"
        return line
