"""Statements are reduced to what they name, and nothing of a secret is left."""

from __future__ import annotations

import hypothesis
import pytest
from hypothesis import strategies

from ansible_collections.rampart.postgresql.plugins.module_utils._log_review.statements import Change
from ansible_collections.rampart.postgresql.plugins.module_utils._log_review.statements import changes_of
from ansible_collections.rampart.postgresql.plugins.module_utils._log_review.statements import may_change
from ansible_collections.rampart.postgresql.plugins.module_utils._log_review.tokens import statements_of
from ansible_collections.rampart.postgresql.tests.unit.growth import no_explosion

SECRET = "hunter2"


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("CREATE ROLE a LOGIN PASSWORD 'hunter2' VALID UNTIL '2030'", ("CREATE ROLE", "a", "", "LOGIN, PASSWORD, VALID UNTIL")),
        ('alter user "A b" with encrypted password E\'hunter2\\\' x\' superuser', ("ALTER USER", "A b", "", "PASSWORD, SUPERUSER")),
        ("CREATE ROLE a CONNECTION LIMIT 3 IN ROLE b", ("CREATE ROLE", "a", "", "CONNECTION LIMIT, IN")),
        ("DROP ROLE IF EXISTS a, b", ("DROP ROLE", "a, b", "", "")),
        ("ALTER GROUP g ADD USER a", ("ALTER GROUP", "g", "", "ADD")),
        ("ALTER ROLE a RENAME TO b", ("ALTER ROLE", "a", "b", "TO")),
        ("ALTER ROLE r IN DATABASE d SET log_statement = 'hunter2'", ("ALTER ROLE", "r", "", "IN DATABASE d, SET log_statement")),
        ("ALTER ROLE ALL RESET ALL", ("ALTER ROLE", "all", "", "RESET all")),
        ("ALTER DATABASE d SET x.y TO hunter2", ("ALTER DATABASE", "d", "", "SET x.y")),
        ("ALTER DATABASE d OWNER TO e", ("ALTER DATABASE", "d", "e", "TO")),
        ("ALTER SYSTEM SET primary_conninfo = 'password=hunter2'", ("ALTER SYSTEM", "primary_conninfo", "", "SET")),
        ("ALTER SYSTEM RESET ALL", ("ALTER SYSTEM", "all", "", "RESET")),
        ("GRANT a, b TO c WITH ADMIN OPTION", ("GRANT", "a, b", "c", "WITH ADMIN")),
        ("GRANT SELECT (x, y), UPDATE ON ALL TABLES IN SCHEMA s TO c, PUBLIC", ("GRANT", "ALL TABLES IN SCHEMA s", "c, public", "SELECT, UPDATE")),
        ("GRANT EXECUTE ON FUNCTION f.g(int, text) TO x WITH GRANT OPTION", ("GRANT", "FUNCTION f.g", "x", "EXECUTE, WITH GRANT")),
        ("GRANT SET ON PARAMETER log_statement TO x", ("GRANT", "PARAMETER log_statement", "x", "SET")),
        ("REVOKE ADMIN OPTION FOR a FROM b CASCADE", ("REVOKE", "a", "b", "ADMIN OPTION FOR")),
        ("GRANT x TO y IDENTIFIED BY hunter2", ("GRANT", "x", "y", "")),
        ("REASSIGN OWNED BY a TO b", ("REASSIGN OWNED", "a", "b", "")),
        ("DROP OWNED BY a", ("DROP OWNED", "a", "", "")),
        ("SECURITY LABEL FOR selinux ON TABLE s.t IS 'hunter2'", ("SECURITY LABEL", "TABLE s.t", "", "FOR selinux")),
        ("CREATE EXTENSION IF NOT EXISTS dblink", ("CREATE EXTENSION", "dblink", "", "")),
        ("ALTER DEFAULT PRIVILEGES IN SCHEMA s GRANT SELECT ON TABLES TO x", ("ALTER DEFAULT PRIVILEGES GRANT", "TABLES", "x", "SELECT")),
        ("CREATE USER MAPPING FOR x SERVER y OPTIONS (password 'hunter2')", ("CREATE USER MAPPING", "SERVER y", "x", "")),
        ("COPY t (a, b) FROM PROGRAM 'curl hunter2'", ("COPY PROGRAM", "t", "", "FROM")),
        ("COPY (SELECT 'TO PROGRAM' FROM x) TO PROGRAM 'sh'", ("COPY PROGRAM", "", "", "TO")),
        ("SELECT set_user('postgres', 'hunter2')", ("SET_USER", "set_user", "", "")),
        ("/* a /* b */ c */ -- d\n GRANT a TO b $$hunter2$$", ("GRANT", "a", "b", "")),
        ('ALTER ROLE a PASSWORD "hunter2"', ("ALTER ROLE", "a", "", "PASSWORD")),
        ("ALTER ROLE a PASSWORD hunter2 LOGIN", ("ALTER ROLE", "a", "", "PASSWORD, LOGIN")),
    ],
)  # fmt: skip
def test_changes(statement: str, expected: tuple[str, ...]) -> None:
    assert may_change(statement)
    assert changes_of(statement) == [Change(*expected)]
    assert SECRET not in repr(changes_of(statement))


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT 'GRANT a TO b'",
        "CREATE TABLE role (grant_user text)",
        "COPY t TO '/tmp/program'",
        "COPY (SELECT 1 FROM program) TO STDOUT",
        "DROP TABLE extension",
        "CREATE DATABASE d",
        '"GRANT" a TO b',
        "-- GRANT a TO b",
        "DO $x$ GRANT a TO b $x$",
        "",
        ";;",
    ],
)
def test_no_changes(statement: str) -> None:
    assert changes_of(statement) == []


def test_several_in_one() -> None:
    text = "SELECT ';'; CREATE ROLE a; ALTER ROLE a PASSWORD $x$;hunter2;$x$; DROP ROLE a"
    assert [each.command for each in changes_of(text)] == ["CREATE ROLE", "ALTER ROLE", "DROP ROLE"]
    assert not may_change("SELECT x FROM t; INSERT INTO t VALUES (1)")


@hypothesis.given(strategies.text(strategies.characters(exclude_characters="'\\", codec="utf-8")))
def test_no_literal_is_left(secret: str) -> None:
    """Whatever it holds, and however it is written; also where the text is cut off within it."""
    secret = f"q7{secret}q7"
    for literal in (f"'{secret}'", f"E'{secret}'", f"$$ {secret.replace('$', '')} $$", f"U&'{secret}'", f"'{secret}"):
        for statement in (
            f"ALTER ROLE a PASSWORD {literal}",
            f"GRANT a TO b {literal}",
            f"ALTER SYSTEM SET x = {literal}",
        ):
            assert "q7" not in repr(changes_of(statement))


@hypothesis.given(strategies.text("GRANTO '\"$();,.aE&/*-\n", max_size=60))
def test_anything_can_be_read(text: str) -> None:
    changes_of(text)
    assert sum(1 for _statement in statements_of(text)) >= 1


def test_growth() -> None:
    with no_explosion():
        for piece in ("'", '"', "/*", "$$", "$a$ ", "GRANT ", "a.", "a,", "(", ";", "''", "E'\\", "COPY (", "ON "):
            changes_of("GRANT " + piece * 30_000)
            changes_of("COPY " + piece * 30_000)
