"""Small sets of rules, and every attempt that can make a difference to them."""

from __future__ import annotations

import ipaddress
import itertools
import os
import typing as t

from hypothesis import strategies as st

from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.terms import database_terms
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.terms import user_terms
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.world import Universe
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.world import User
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.world import World
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.dialects import Dialect
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.matching import Attempt
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.matching import doubts
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.matching import matches
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.records import Record

__all__ = ["EXAMPLES", "WORLD", "Answer", "attempts", "rule_sets"]

EXAMPLES = 1500 if os.environ.get("HYPOTHESIS_PROFILE") == "extended" else 60

WORLD = World(
    roles={"ann": {"staff"}, "bob": {"guests"}, "staff": {"people"}, "guests": (), "people": ()},
    databases=frozenset(("app", "ann", "people")),
)

_TYPES = ("local", "host", "host", "host", "hostssl", "hostnossl", "hostgssenc", "hostnogssenc")
_DATABASES = (
    *("all", "all", "app", "ann", "people", "new", "sameuser", "samerole", "replication"),
    *("/^a", "/p+", r"/\mapp", '"all"', '"sameuser"', "/^(ann|app|new)$"),
)
_USERS = ("all", "all", "ann", "bob", "eve", "people", "+staff", "+people", "+nobody", "/^a", r"/\mbob", '"+staff"')
_ADDRESSES = (
    *("all", "0.0.0.0/0", "::/0", "10.0.0.0/30", "10.0.0.0/31", "10.0.0.2/31", "10.0.0.0/8", "10.0.0.1/32"),
    *("0.0.0.1 0.0.0.1", "10.0.0.0 255.0.0.1", "0.0.0.2 0.0.0.2", "10.0.0.3 255.255.255.253", "10.0.0.3 0.0.0.3"),
    *("127.0.0.0/8", "::1/128", "2001:db8::/64", "2001:db8::1 ::1", "samehost", "samenet", "db.example", ".example"),
    *("0.0.0.0/1", "128.0.0.0/1", "::/1", "8000::/1"),
)
_METHODS = ("reject", "reject", "scram-sha-256", "scram-sha-256", "md5", "pam pamservice=x", "pam pamservice=y")

_CLIENTS = tuple(
    ipaddress.ip_address(text).packed
    for text in (
        *(f"10.0.0.{last}" for last in range(5)),
        *(f"10.9.0.{last}" for last in range(4)),
        *(f"192.0.2.{last}" for last in range(4)),
        *(f"1.0.2.{last}" for last in range(4)),
        *("127.0.0.1", "127.0.0.0", "127.0.0.2", "127.0.0.3", "::", "::1", "::3", "2001:db8::", "2001:db8::1"),
        *("9000::", "9000::1"),
    )
)
"""One client at least of every kind that the addresses above tell apart."""


class Answer:
    """Whether a record matches an attempt, and what that depends on."""

    def __init__(self, record: Record, attempt: Attempt, dialect: Dialect) -> None:
        self.verdict = matches(record, attempt, dialect)
        self._fields: dict[str, list[tuple[str, str]]] = {}
        for field, text in doubts(record, attempt, dialect) if self.verdict is None else ():
            self._fields.setdefault(field, []).append((field, text))

    def ways(self) -> t.Iterator[frozenset[tuple[str, str]]]:
        """What it takes that the record matches: everything that can make it so."""
        if self.verdict is not False:
            for facts in itertools.product(*self._fields.values()):
                yield frozenset(fact for each in facts for fact in _with_what_follows(each))

    def follows(self, facts: frozenset[tuple[str, str]]) -> bool:
        """Whether the record matches if these are so."""
        return self.verdict is not False and all(facts.intersection(needed) for needed in self._fields.values())


def _with_what_follows(fact: tuple[str, str]) -> set[tuple[str, str]]:
    field, text = fact
    follows = {"samehost": "samenet", "db.example": ".example"}.get(text if field == "address" else "")
    return {fact, ("address", follows)} if follows else {fact}


@st.composite
def rule_sets(draw: st.DrawFn, *, most: int) -> list[str]:
    """Lines that choose from few words each, so that they get in each other's way."""
    types, databases, users, addresses, methods = (
        st.sampled_from(draw(st.lists(st.sampled_from(words), min_size=1, max_size=4)))
        for words in (_TYPES, _DATABASES, _USERS, _ADDRESSES, _METHODS)
    )
    lines = []
    for _turn in range(draw(st.integers(1, most))):
        kind = draw(types)
        names = [",".join(draw(st.lists(field, min_size=1, max_size=2))) for field in (databases, users)]
        address = [] if kind == "local" else [draw(addresses)]
        lines.append(" ".join([kind, *names, *address, draw(methods)]) + "\n")
    return lines


def attempts(records: t.Iterable[Record], dialect: Dialect, world: World) -> t.Iterator[Attempt]:
    """Everybody, to every database, from everywhere."""
    records = [record for record in records if record.accepted]
    universe = Universe.of(
        world,
        [term for record in records for term in user_terms(record.users, dialect)],
        [term for record in records for term in database_terms(record.databases, dialect)],
    )
    for user in universe.users:
        for database, replication in _targets(universe, user):
            for transport in universe.transports:
                for client in (None,) if transport == "local" else _CLIENTS:
                    yield Attempt(
                        user=user.name,
                        database=database,
                        address=client,
                        tls=transport == "tls",
                        gss=transport == "gss",
                        replication=replication,
                        member_of=user.member_of,
                    )


def _targets(universe: Universe, user: User) -> t.Iterator[tuple[str, bool]]:
    for name in universe.databases:
        yield name, False
    for _listed, name in universe.relative_databases(user):
        yield name, False
    yield "", True
