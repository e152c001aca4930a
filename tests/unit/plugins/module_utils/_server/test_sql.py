"""Names and values stay names and values."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._server.sql import Identifier
from ansible_collections.rampart.postgresql.plugins.module_utils._server.sql import Keyword
from ansible_collections.rampart.postgresql.plugins.module_utils._server.sql import Keywords
from ansible_collections.rampart.postgresql.plugins.module_utils._server.sql import Literal
from ansible_collections.rampart.postgresql.plugins.module_utils._server.sql import Number
from ansible_collections.rampart.postgresql.plugins.module_utils._server.sql import OfColumn
from ansible_collections.rampart.postgresql.plugins.module_utils._server.sql import Qualified
from ansible_collections.rampart.postgresql.plugins.module_utils._server.sql import Routine
from ansible_collections.rampart.postgresql.plugins.module_utils._server.sql import compose

TEXT = st.text(alphabet=st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]))


@pytest.mark.parametrize(
    ("name", "written"),
    [("app", '"app"'), ('a"b', '"a""b"'), ("Ä b%s.c", '"Ä b%s.c"'), ('"; DROP ROLE x; --', '"""; DROP ROLE x; --"')],
)
def test_identifier(name: str, written: str) -> None:
    assert str(Identifier(name)) == written


@pytest.mark.parametrize(("value", "written"), [("it's", "'it''s'"), ("a\\b", "E'a\\\\b'"), ("", "''")])
def test_literal(value: str, written: str) -> None:
    assert str(Literal(value)) == written


@given(TEXT)
def test_an_identifier_never_ends_early(name: str) -> None:
    inner = str(Identifier(name))[1:-1]
    assert '"' not in inner.replace('""', "")
    assert inner.replace('""', '"') == name


@given(TEXT)
def test_a_literal_never_ends_early(value: str) -> None:
    written = str(Literal(value))
    inner = written[2:-1] if written.startswith("E") else written[1:-1]
    assert "'" not in inner.replace("''", "")


def test_a_nul_byte_is_refused() -> None:
    with pytest.raises(RampartError, match="NUL"):
        str(Identifier("a\0b"))


def test_compose_takes_typed_parts_only() -> None:
    assert (
        compose("ALTER ROLE {r} {w}", r=Identifier("{w}"), w=Keyword("NOSUPERUSER")) == 'ALTER ROLE "{w}" NOSUPERUSER'
    )
    with pytest.raises(TypeError, match="must be an Identifier"):
        compose("ALTER ROLE {r}", r="app")  # type: ignore[arg-type]  # the mistake that this is about


def test_a_keyword_is_words_only() -> None:
    with pytest.raises(RampartError, match="not a keyword"):
        str(Keyword("NOSUPERUSER; DROP ROLE x"))


def test_parts_of_statements_about_privileges() -> None:
    name = Qualified('a"b', "c.d")
    assert str(name) == '"a""b"."c.d"'
    assert str(Routine(name, (Qualified("pg_catalog", "_int4"), name))) == f'{name}(IN "pg_catalog"."_int4", IN {name})'
    assert str(Keywords(("ALTER SYSTEM", "SET"))) == "ALTER SYSTEM, SET"
    assert str(OfColumn(("SELECT", "UPDATE"), 'x"')) == 'SELECT ("x"""), UPDATE ("x""")'
    assert str(Number(4711)) == "4711"
    for wrong in (Keywords(()), Keywords(("SELECT; DROP",)), OfColumn(("SELECT (a),",), "b"), Number(-1)):
        with pytest.raises(RampartError):
            str(wrong)
