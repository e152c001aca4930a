"""Which regular expressions are well formed, and which names they match: what we say against real servers."""

from __future__ import annotations

import collections
import os
import random
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._hba import patterns
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.dialects import dialect_of
from ansible_collections.rampart.postgresql.tests.conformance.counts import tell

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

_EXTENDED = os.environ.get("RAMPART_EXTENDED", "") not in ("", "0")
_COUNT = 40000 if _EXTENDED else 4000
_SEED = os.environ.get("RAMPART_SEED", "2" if _EXTENDED else "1")

_ATOMS = (
    *("a", "b", "A", "_", "1", ".", "-", " ", "é", r"\d", r"\w", r"\s", r"\D", r"\W", r"\S", r"\.", r"\+", "[ab]", "[^a]"),
    *("[a-c]", "[^0-9]", "[[:alpha:]]", "[[:upper:]_]", "[^[:digit:]]", "[[:punct:]]", "[[:space:][:xdigit:]]", r"[\d_]"),
    *("(a|b)", "(?:ab)", "(a)", "()", "(a|)", "^", "$", r"\A", "[[:graph:]]", "[[:print:]]", "[[:cntrl:]]", "[[:blank:]]"),
    *("[é]", "[^é]", "[a-é]", "é.", "[[:lower:]-]", "[[:word:]]", "[[:ascii:]]", "[[:alnum:]]", r"[^\w]", "a|b", r"\m", r"\y", "[a-", "{", "(", ")", "*", "]"),
)  # fmt: skip
_STRANGE = (
    *(r"\1", r"\2", r"\12", r"\x4", r"\xg", r"\u0041", r"\u004", r"\U00000041", r"\cA", r"\c", r"\07", r"\081", r"\8", r"\e"),
    *(r"\g", r"\Z", r"\Y", r"\M", r"\B", "[a-a]", "[b-a]", "[a-[.b.]]", "[[.hyphen.]]", "[[.foo.]]", "[[=a=]]", "[[:foo:]]"),
    *("[[:alpha:", r"[\d-z]", r"[\W]", r"[\n]", r"[\1]", r"[\]]", "[]a]", "[^]a]", "[a-]", "[-a]", "[", "[^", "[[", "[a\\"),
    *("(?=a)", "(?!a)", "(?<=a)", "(?<!a)", "(?#c)", "(?#", "(?:", "(?i)", "(?x)", "(?q)", "(?e)", "(?z)", "(?ic)", "***="),
    *("***:", "***", "***?", "{1", "{1,", "{,1}", "{1,2", "{2,1}", "{255}", "{256}", "{1}{2}", "a{1}?", "+?", "??", "(|", "|"),
    *(r"\(", r"\)", r"\{1\}", r"\{1,\}", r"\{2,1\}", r"\{1", r"\<", r"\>", "{1 , 2}", "{1 2#", " ", "# c"),
    *("||", "\\", "^*", "$+", "(^)*", r"\m*", "(?=a)*", "[[:<:]]", "[[:>:]]*", "#", "\t", "[é-ü]", "[ü-é]", "[a-é]", "}"),
)  # fmt: skip
_FLAVOURS = ("", "", "", "", "(?x)", "(?e)", "(?b)", "(?bx)")
_QUANTIFIERS = ("", "", "", "", "*", "+", "?", "{2}", "{1,2}", "{0,1}", "{2,}", "*?", "+?", "{1,2}?", "**")
_NAMES = (
    "",
    "a",
    "b",
    "ab",
    "aab",
    "abc",
    "A1",
    "a_b",
    "a b",
    "a.b",
    "-",
    "é",
    "aé",
    "1",
    "12",
    "a1b2",
    "Ab-c",
    "a\tb",
    "B",
    "~`{}",
    "Ω",
)

_BYTES = "bytes"  # a database whose text is bytes, as it is where the server reads its files


_PROBLEM = """
    CREATE FUNCTION pg_temp.problem(p text) RETURNS text LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM '' ~ p COLLATE "C";
        RETURN NULL;
    EXCEPTION WHEN OTHERS THEN
        RETURN pg_catalog.replace(SQLERRM, 'invalid regular expression: ', '');
    END $$
"""


def _pattern(chance: random.Random, *atoms: t.Sequence[str]) -> str:
    parts = [chance.choice(chance.choice(atoms)) for _atom in range(chance.randint(1, 4))]
    return "".join(part + chance.choice(_QUANTIFIERS) for part in parts)


def test_problem(server: Server) -> None:
    chance = random.Random(f"{_SEED}-{server.major}")
    asked = sorted({chance.choice(_FLAVOURS) + _pattern(chance, _ATOMS, _STRANGE) for _number in range(_COUNT)})
    knows = dialect_of(server.major).negated_in_brackets
    counts: collections.Counter[str] = collections.Counter()
    wrong = []
    with server.connect() as session:
        session.execute(_PROBLEM)
        for pattern, theirs in session.execute("SELECT p, pg_temp.problem(p) FROM unnest(%s::text[]) p", [asked]):
            counts[theirs or "well formed"] += 1
            ours = patterns.problem(pattern, negated_in_brackets=knows)
            wrong += [] if ours == theirs else [(pattern, theirs, ours)]
    words = f"PostgreSQL {server.major}, seed {_SEED}: {len(asked)} patterns, {len(wrong)} disagreements"
    tell("patterns", words, counts)
    assert not wrong
    assert counts["well formed"] > len(asked) // 5


def test_search(server: Server) -> None:
    chance = random.Random(f"{_SEED}-{server.major}")
    knows = dialect_of(server.major).negated_in_brackets
    asked = []
    for _number in range(_COUNT):
        pattern = _pattern(chance, _ATOMS)
        name = chance.choice(_NAMES)
        ours = patterns.search(pattern, name)
        if ours is not None and patterns.problem(pattern, negated_in_brackets=knows) is None:
            asked.append((pattern, name, ours))
    statement = 'SELECT p, n, o, n ~ p COLLATE "C" FROM unnest(%s::text[], %s::text[], %s::bool[]) u(p, n, o) WHERE (n ~ p COLLATE "C") <> o'
    server.query(f"CREATE DATABASE {_BYTES} ENCODING 'SQL_ASCII' TEMPLATE template0")
    try:
        with server.connect(dbname=_BYTES, client_encoding="UTF8") as session:
            wrong = session.execute(statement, [list(column) for column in zip(*asked)]).fetchall()
    finally:
        server.query(f"DROP DATABASE {_BYTES}")
    yes = sum(ours for _pattern, _name, ours in asked)
    words = f"PostgreSQL {server.major}, seed {_SEED}: {len(asked)} patterns and names, {len(wrong)} disagreements"
    tell("patterns", words, {"found": yes, "not found": len(asked) - yes})
    assert not wrong
    assert len(asked) > _COUNT // 4 and min(yes, len(asked) - yes) > len(asked) // 10
