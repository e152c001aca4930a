"""Rules that get in each other's way, and logins that tell them apart, the same for the same seed."""

from __future__ import annotations

import dataclasses
import random
import typing as t

from ansible_collections.rampart.postgresql.tests.conformance.hba.client import Login

__all__ = ["ADDRESSES", "FILES", "INCLUDED", "MEMBERSHIPS", "ROLES", "Draft", "drafts", "logins", "text_of"]

LONG = "l" * 63
ROLES = (
    "ann",
    "bob",
    "carl",
    "dora",
    "boss",
    "staff",
    "people",
    "guests",
    "all",
    "+odd",
    "Zoe",
    "a b",
    "d@c",
    "ünï",
    LONG,
)
"""``boss`` is a superuser."""

MEMBERSHIPS = (("staff", "ann"), ("staff", "carl"), ("people", "staff"), ("people", "bob"), ("guests", "dora"))
"""Role and member."""

_ROLE_OF = {member: role for role, member in MEMBERSHIPS}

_NOBODY = "ghost"
_USERS = (*ROLES, _NOBODY, LONG + "l")
_DATABASES = (
    "app",
    "app1",
    "appx",
    "ann",
    "staff",
    "people",
    "postgres",
    "all",
    "replication",
    "a b",
    LONG,
    LONG + "l",
)
ADDRESSES = ("127.0.0.1", "127.0.0.1", "127.0.0.2", "127.0.0.9", "127.1.2.3", "127.128.0.1", "127.255.255.254", "::1")

_TYPES = ("local", "local", "host", "host", "host", "hostssl", "hostssl", "hostnossl", "hostnogssenc", "hostgssenc")
_OWN = ("{user}",)  # a database of the user's own name
_ROLE = ("{role}", "{role}", "staff")  # of the name of a role that the user is in

# What tokens there are, and names that they match or that come near.
_DATABASE_TOKENS: dict[str, tuple[str, ...]] = {
    **{"all": _DATABASES, '"all"': ("all", "app"), 'al"l"': _DATABASES, "app": ("app", "app1"), "Zoe": ("Zoe", "zoe")},
    **{"sameuser": _OWN, '"sameuser"': ("sameuser", "ann"), "samerole": _ROLE, "samegroup": _ROLE},
    **{"replication": ("replication", "app"), '"replication"': ("replication",), '"a b"': ("a b",), LONG: (LONG, LONG + "l")},
    **{"/^app": ("app", "app1", "xapp"), "/p+": ("app", "people"), '"/^(ann|bob)$"': ("ann", "bob"), r"/^app\d$": ("app1", "appx")},
    **{r"/\mapp": ("app", "x app"), "@databases.lst": ("app", "all", "ann", *_OWN), "/[[:upper:]]": ("Zoe", "app")},
}  # fmt: skip
_USER_TOKENS: dict[str, tuple[str, ...]] = {
    **{"all": _USERS, '"all"': ("all", "ann"), "ALL": ("all", "ann"), "ann": ("ann",), "bob": ("bob",), "boss": ("boss",)},
    **{"+staff": ("ann", "staff", "boss"), "+people": ("carl", "bob", "people", "boss"), "+guests": ("dora", "guests")},
    **{'"+odd"': ("+odd",), "++odd": ("+odd", "ann"), '+"staff"': ("ann", "carl"), "+nobody": ("ann",), "+boss": ("boss", "ann")},
    **{"/^a": ("ann", "all", "bob"), "/^.{4}$": ("carl", "dora", "boss"), r"/\s": ("a b", "ann"), "/^[^a-z]": ("Zoe", "+odd")},
    **{r"/b\M": ("bob", "a b"), "Zoe": ("Zoe", "zoe"), '"a b"': ("a b",), "d@c": ("d@c",), LONG: (LONG, LONG + "l")},
    **{"@users.lst": ("dora", "bob", "Zoe"), "/^.{5}$": ("ünï", "staff", "ann")},
}  # fmt: skip
_NETWORKS: dict[str, tuple[str, ...]] = {
    **{"all": ADDRESSES, "samehost": ("127.0.0.1", "127.0.0.2", "::1"), "samenet": ("127.0.0.1", "127.1.2.3", "::1")},
    **{"127.0.0.1/32": ("127.0.0.1", "127.0.0.2"), "127.0.0.0/8": ADDRESSES, "127.0.0.0/30": ("127.0.0.2", "127.0.0.9")},
    **{"0.0.0.0/0": ADDRESSES, "::/0": ("::1", "127.0.0.1"), "::1/128": ("::1",), "::1 ::1": ("::1",), "127.0.0.9/8": ADDRESSES},
    **{"127.128.0.0/9": ("127.128.0.1", "127.1.2.3"), "127.0.0.1 255.0.0.1": ("127.0.0.1", "127.0.0.9", "127.0.0.2")},
    **{"127.1/16": ("127.0.0.9", "127.1.2.3"), "0177.0.0.2/32": ("127.0.0.2",), "127.0.0.8/29": ("127.0.0.9", "127.0.0.1")},
    **{"10.0.0.0/8": ADDRESSES, "::ffff:127.0.0.1/128": ("127.0.0.1",), "localhost": ("127.0.0.1", "::1", "127.0.0.2")},
    **{".localdomain": ("127.0.0.1",), "127.0.0.2 255.255.255.255": ("127.0.0.2",), "128.0.0.0/1": ADDRESSES},
    **{"127.0.0.0 255.0.255.0": ("127.0.0.1", "127.128.0.1", "127.1.2.3")},
}  # fmt: skip
_METHODS = ("trust", "reject", "reject", "scram-sha-256", "password", "md5")

FILES = {
    "databases.lst": 'app, "all"\nsameuser\n',
    "users.lst": "+guests bob # and\nZoe\n",
}
"""What the rules refer to with @."""

INCLUDED = "more.inc"


@dataclasses.dataclass(frozen=True)
class Draft:
    """One rule, or a line that includes others."""

    fields: tuple[str, ...]
    method: str = ""
    options: str = ""
    included: tuple[Draft, ...] = ()


def text_of(rules: t.Sequence[Draft], *, only_passwords: bool = False) -> str:
    """The file; with ``only_passwords`` one whose rules match the same and all ask for a password."""
    lines = []
    for rule in rules:
        method = (rule.method, rule.options) if rule.method else ()
        lines.append(
            " ".join((*rule.fields, *(("password",) if only_passwords and method else method))).rstrip() + "\n"
        )
    return "".join(lines)


def drafts(chance: random.Random, number: int, *, includes: bool) -> list[Draft]:
    """The rules of one file. Each file is about other words, which its first rules hold."""
    words = [list(tokens)[number % len(tokens)] for tokens in (_DATABASE_TOKENS, _USER_TOKENS, _NETWORKS)]
    rules = [
        _draft(chance, kind=chance.choice(("local", "host")), database="all", user=words[1], network="all"),
        _draft(chance, kind=chance.choice(("local", "host")), database=words[0], user="all", network="127.0.0.0/8"),
        _draft(
            chance,
            kind=chance.choice(_TYPES[3:-1]),
            database="all",
            user=chance.choice(("all", "all", "+people")),
            network=words[2],
        ),
    ]
    rules += [_draft(chance) for _number in range(chance.randint(1, 9))]
    if includes and chance.random() < 0.1:
        included = tuple(_draft(chance) for _number in range(2))
        rules.insert(chance.randint(0, len(rules)), Draft(("include", INCLUDED), included=included))
    return rules


def _draft(chance: random.Random, *, kind: str = "", database: str = "", user: str = "", network: str = "") -> Draft:
    kind = kind or chance.choice(_TYPES)
    fields = [kind, database or _tokens(chance, _DATABASE_TOKENS), user or _tokens(chance, _USER_TOKENS)]
    if kind != "local":
        fields.append(network or chance.choice(list(_NETWORKS)))
    own = {"local": ("peer",), "hostssl": ("cert", *_METHODS)}.get(kind, ("ident",))
    method = chance.choice((*_METHODS, *own))
    certificate = kind == "hostssl" and method != "cert" and chance.random() < 0.2
    return Draft(tuple(fields), method, "clientcert=verify-ca" if certificate else "")


def _tokens(chance: random.Random, tokens: t.Mapping[str, object]) -> str:
    return "all" if chance.random() < 0.25 else ",".join(chance.sample(list(tokens), chance.choice((1, 1, 2))))


def logins(chance: random.Random, rules: t.Sequence[Draft], addresses: t.Container[str]) -> t.Iterator[Login]:
    """Logins that a rule is about or nearly about, and as many of anybody, to anything, from anywhere."""
    flat = [each for rule in rules for each in rule.included or (rule,)]
    while True:
        rule = chance.choice((*flat, *flat[:3] * 2)).fields if chance.random() < 0.8 else ()
        user = chance.choice(_about(chance, rule, 2, _USER_TOKENS, _USERS))
        database = chance.choice(_about(chance, rule, 1, _DATABASE_TOKENS, (*_DATABASES, *_OWN)))
        if user == _NOBODY and database in (*_OWN, _NOBODY):
            continue  # who does not exist is no member of the role of that name; hba_match is about those who do
        if database == "{role}" and user not in _ROLE_OF:
            user = chance.choice(list(_ROLE_OF))
        places = _about(chance, rule, 3, _NETWORKS, ADDRESSES if rule else (*ADDRESSES, None))
        place = chance.choice(places)
        address = None if rule[:1] == ("local",) or place not in addresses else place
        physical = "replication" in rule[1:2] or chance.random() < 0.1
        yield Login(
            user=user,
            database=database.format(user=user, role=_ROLE_OF.get(user, "staff")),
            address=address,
            tls=address is not None and chance.random() < 0.5,
            replication="true" if physical else chance.choice(("", "", "", "", "database")),
        )


_Names = t.TypeVar("_Names", bound=t.Optional[str])


def _about(
    chance: random.Random,
    rule: tuple[str, ...],
    field: int,
    tokens: t.Mapping[str, tuple[str, ...]],
    otherwise: tuple[_Names, ...],
) -> tuple[_Names, ...] | tuple[str, ...]:
    """Names for a field of a rule."""
    if field >= len(rule):
        return otherwise
    text = rule[field]
    return tokens[text] if text in tokens else tokens[chance.choice(text.split(","))]
