"""Random pg_ident.conf texts, and what they hold."""

from __future__ import annotations

import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._hba import patterns
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.expansion import INCLUDES
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.lexer import read_lines
from ansible_collections.rampart.postgresql.tests.conformance.hba.coverage import IN_TEXT
from ansible_collections.rampart.postgresql.tests.conformance.hba.coverage import TOKEN_FORMS
from ansible_collections.rampart.postgresql.tests.conformance.hba.coverage import in_text
from ansible_collections.rampart.postgresql.tests.conformance.hba.coverage import of_include
from ansible_collections.rampart.postgresql.tests.conformance.hba.coverage import token_forms
from ansible_collections.rampart.postgresql.tests.conformance.hba.generator import Author

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._hba.dialects import Dialect
    from ansible_collections.rampart.postgresql.plugins.module_utils._hba.lexer import Token

__all__ = ["COMPANIONS", "MAPPED", "MappingAuthor"]

COMPANIONS = {
    "rules.inc": "# included\nmi ui pi\nmi \\\n vi qi\n",
    "broken.inc": "mi ui pi\nmi ui\n",
    "outer.inc": "mo uo po\ninclude rules.inc\nmo vo qo\n",
    "loop.inc": "ml ul pl\ninclude loop.inc\n",
    "rules.d/b.conf": "mb ub pb\n",
    "rules.d/a.conf": "ma ua pa\n",
    "rules.d/Z.conf": "mz uz pz\n",
    "rules.d/.hidden.conf": "hidden\n",
    "rules.d/other.txt": "other\n",
    "broken.d/a.conf": "ma ua pa\n",
    "broken.d/b.conf": "include ../missing.inc\nmb ub\n",
    "d/beside.inc": "@beside.lst u p\ninclude ../rules.inc\n",
    "deep12.inc": "md ud pd\n",
    "names.lst": "alice, +grp\nbob # comment\n",
    "one.lst": "alice # alone\n",
}
"""What files with the names of those beside pg_hba.conf hold here."""

_SYSTEM_USERS = (
    *(
        "u",
        "root",
        "é",
        "CN=x",
        "a b",
        "u@REALM",
        "/^a$",
        "/^(.*)@x$",
        "/(a)|b",
        "/^[[:alpha:]]+$",
        "/",
        "/a|b",
        r"/^\d\w$",
    ),
    *('""', "all", "+grp", r"\1", "u,v", "/(?:a)b", r"/(a)\1", "n" * 64),
)
_ODD_PATTERNS = ("/(", "/a{2", "/*", "/[b-a]", "/\\", "/[[:foo:]]", "/a**", "/\\1", "/(?z)a", r"/[\W]", "/[[:word:]]")
_PG_USERS = (
    *(
        "p",
        "postgres",
        "all",
        "ALL",
        "+grp",
        "+",
        r"\1",
        r"x\1y\1",
        r"+\1",
        r"/\1",
        "/^p",
        "/a|b",
        "a b",
        "@",
        "n" * 63,
    ),
    *('"all"', '"+grp"', '"/^p"'),
)

_WORDS = (
    *("system user name", "system user regular expression", "system user malformed", "system user in quotes"),
    *("pg user name", "pg user all", "pg user ALL", "pg user +role", "pg user regular expression", "pg user malformed"),
    *("pg user all in quotes", "pg user +role in quotes", "pg user regular expression in quotes", "reference"),
    *("reference with a role", "reference in a regular expression", "reference without a regular expression"),
    *("field missing", "more fields", "several values", "list in a file", "missing list in a file", "map named all"),
)
_NOT_HERE = ("comma at the end of a line", "byte order mark", "quoted @", "bare @", "number sign in quotes")
MAPPED: tuple[str, ...] = (
    *(name for name in (*IN_TEXT, *TOKEN_FORMS) if name not in _NOT_HERE),
    *_WORDS,
    *("several records", "token around 10240 bytes", "line around 20480 bytes"),
    *INCLUDES,
    *("include in quotes", "target in quotes", "target missing", "directory as target", "target with an error"),
    *("include that includes", "include that is too deep", "include_dir with files left out"),
)
"""Every construct of this grammar."""


def _constructs(text: str, dialect: Dialect) -> set[str]:
    found = in_text(text)
    records = [line.fields for line in read_lines(text, dialect) if line.fields]
    found |= {"several records"} if len(records) > 1 else set()
    for fields in records:
        found |= token_forms(token for field in fields for token in field)
        found |= of_include(fields) if fields[0][0].text in INCLUDES else _of_mapping(fields)
    return found


def _of_mapping(fields: list[list[Token]]) -> set[str]:
    tokens = [token for field in fields for token in field]
    found = {"several values"} if any(len(field) > 1 for field in fields[:3]) else set()
    found |= {"list in a file"} if any(token.raw[0] == "@" and len(token.text) > 1 for token in tokens) else set()
    found |= {"missing list in a file"} if any(token.raw.startswith("@missing") for token in tokens) else set()
    if len(fields) < 3:
        return found | {"field missing"}
    found |= {"more fields"} if len(fields) > 3 else set()
    found |= {"map named all"} if fields[0][0].text == "all" else set()
    system_user, pg_user = fields[1][0], fields[2][0]
    return found | _of_system_user(system_user) | _of_pg_user(pg_user) | _of_reference(system_user, pg_user)


def _of_system_user(token: Token) -> set[str]:
    found = {"system user in quotes"} if token.quoted else set()
    return found | {f"system user {_kind(token, special=False)}"}


def _of_pg_user(token: Token) -> set[str]:
    kind = _kind(token, special=True)
    return {f"pg user {kind}{' in quotes' if token.quoted and kind not in ('name', 'malformed') else ''}"}


def _kind(token: Token, *, special: bool) -> str:
    if token.text[:1] == "/":
        return "regular expression" if patterns.problem(token.text[1:]) is None else "malformed"
    if special and token.text in ("all", "ALL"):
        return token.text
    return "+role" if special and token.text[:1] == "+" else "name"


def _of_reference(system_user: Token, pg_user: Token) -> set[str]:
    if r"\1" not in pg_user.text:
        return set()
    found = {"reference"}
    found |= {"reference with a role"} if pg_user.text[0] == "+" else set()
    found |= {"reference in a regular expression"} if pg_user.text[0] == "/" else set()
    return found | ({"reference without a regular expression"} if system_user.text[:1] != "/" else set())


class MappingAuthor(Author):
    """Writes texts for pg_ident.conf."""

    themes = (
        *(
            "plain",
            "quotes",
            "quotes",
            "separators",
            "comments",
            "continuation",
            "continuation",
            "includes",
            "includes",
        ),
        *("files", "patterns", "patterns", "references", "structure", "structure", "bytes", "limits", "mutations"),
    )
    constructs = staticmethod(_constructs)

    def line(self) -> str:
        """One mapping, or an include."""
        if self.is_about("includes", 0.8, 0.02) and (self.dialect.includes or not self.sound):
            return self.spelled([self.include()])
        fields = [self._name(("m", "map", "all", "é", "a-b")), self._system_user(), self._pg_user()]
        roll = self.chance.random()
        if roll < 0.1:
            fields.append(self.chance.choice(("extra", "/(", '"x y"')))
        elif not self.sound and roll < 0.5:
            del fields[self.chance.randrange(3)]
        return self.padded(self.spelled(fields))

    def _name(self, keywords: t.Sequence[str]) -> str:
        if self.is_about("limits", 0.3, 0):
            return "a" * (10239 - 2 * self.sound + self.chance.randint(-2, 2))
        if self.is_about("bytes", 0.5, 0):
            return "x" + self.chance.choice(
                ("\x0b", "\x0c", "\udcff", "\xa0", "\x01", "\r", "\0" if not self.sound else "")
            )
        if self.is_about("files", 0.5, 0.01):
            return self.chance.choice(
                ("@one.lst", '@"one.lst"') if self.sound else ("@one.lst", "@names.lst", "@missing.lst", "@empty.lst")
            )
        commas = (",", ", ", ",,", ",x", " ,x") if not self.sound and self.is_about("separators", 0.5, 0.05) else ("",)
        return self.quoted(self.chance.choice(keywords)) + self.chance.choice(commas)

    def _system_user(self) -> str:
        if self.is_about("references", 0.6, 0.1):
            return self.chance.choice(("/^(.*)$", r"/(\w+)@x", "/a", "u"))
        if not self.sound and self.is_about("patterns", 0.7, 0.15):
            return self.quoted(self.chance.choice(_ODD_PATTERNS))
        return self._name(
            [name for name in _SYSTEM_USERS if self.is_about("patterns", 1, 0.5) == (name[:1] == "/")] or ("u",)
        )

    def _pg_user(self) -> str:
        if self.is_about("references", 0.8, 0.05):
            return self.quoted(self.chance.choice((r"\1", r"x\1y\1", r"+\1", r"/\1", r"/^\1(a)")))
        if not self.sound and self.is_about("patterns", 0.5, 0.1):
            return self.quoted(self.chance.choice(_ODD_PATTERNS))
        return self._name(_PG_USERS if self.dialect.special_pg_users or not self.sound else (*_PG_USERS, "/("))
