"""What is made of a log: reasons, with the parameter or the file and line that they are about."""

from __future__ import annotations

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._server.verdict import READY
from ansible_collections.rampart.postgresql.plugins.module_utils._server.verdict import reasons
from ansible_collections.rampart.postgresql.plugins.module_utils._server.verdict import with_names

HBA = "/data/pg_hba.conf"
IDENT = "/data/pg_ident.conf"
CONTEXT = f'CONTEXT:  line 2 of configuration file "{HBA}"'


def log(*lines: str, ready: bool = True) -> str:
    stamped = ["LOG:  starting PostgreSQL 17.10", *lines, *([f"LOG:  {READY}"] if ready else [])]
    return "".join(f"2026-01-01 00:00:00 UTC [7] {line}\n" for line in stamped)


def test_a_server_that_came_up_without_a_word_has_no_fault() -> None:
    assert reasons(log("LOG:  listening on Unix socket"), {HBA: b"local all all trust\n"}) == []


def test_a_server_that_ended_says_why_once() -> None:
    text = log("FATAL:  bad", "DETAIL:  very", "FATAL:  bad", "LOG:  database system is shut down", ready=False)
    assert reasons(text, {}) == ["bad", "very"]
    assert reasons("postgres: too many connections\n", {}) == ["postgres: too many connections"]
    assert reasons("", {}) == ["it ended without saying why"]


def test_a_warning_counts_when_it_quotes_the_files() -> None:
    text = log('WARNING:  invalid configuration parameter name "a.b"')
    assert reasons(text, {"/x.conf": b"# a.b\n\na.b = 1\n"}) == [
        'invalid configuration parameter name "a.b" (line 3 of /x.conf)'
    ]
    assert reasons(text, {"/x.conf": b"a.c = 1\n"}) == []


def test_a_line_that_the_server_does_without_counts_in_the_files_only() -> None:
    text = log('LOG:  invalid regular expression "(": unbalanced', CONTEXT)
    expected = 'line 2 of configuration file "/data/pg_hba.conf"'
    assert expected in "".join(reasons(text, {HBA: b"\nlocal all /( trust\n"}))
    assert reasons(text, {"/other": b""}) == []
    missing = log(f'LOG:  missing entry in file "{IDENT}" at end of line 1')
    assert reasons(missing, {IDENT: b"m x\n"}) == [f'missing entry in file "{IDENT}" at end of line 1']


@pytest.mark.parametrize(
    "lines",
    [
        ("LOG:  hostssl record cannot match because SSL is disabled", 'HINT:  Set "ssl = on".', CONTEXT),
        (
            'LOG:  could not open file "/data/none": No such file or directory',
            CONTEXT,
            'LOG:  skipping missing authentication file "/data/none"',
            CONTEXT,
        ),
    ],
    ids=["without TLS", "include_if_exists"],
)
def test_what_is_meant_so_is_no_fault(lines: tuple[str, ...]) -> None:
    assert reasons(log(*lines), {HBA: b"\ninclude_if_exists none\n"}) == []


@pytest.mark.parametrize(
    ("text", "values", "expected"),
    [
        ('could not load "/x.crt"', {"ssl_ca_file": "/x.crt", "port": "1"}, ['ssl_ca_file: could not load "/x.crt"']),
        (
            'no file "a"',
            {"shared_preload_libraries": "a, b"},
            ['no file "a"', "what changes: shared_preload_libraries"],
        ),
        ('no file "aa"', {"libraries": "aa, b"}, ['libraries: no file "aa"']),
        ("set the cipher list", {"ssl_ciphers": "X", "port": "1"}, ["ssl_ciphers: set the cipher list"]),
        ("port is wrong", {"port": "1", "ssl": "on"}, ["port is wrong"]),
        ("it hurts", {"port": "1", "ssl": "on"}, ["it hurts", "what changes: port, ssl"]),
        ("it hurts", {}, ["it hurts"]),
        ('bad value for parameter "a.b"', {"port": "1"}, ['bad value for parameter "a.b"']),
    ],
)
def test_reasons_name_parameters(text: str, values: dict[str, str], expected: list[str]) -> None:
    assert with_names([text], values) == expected
    assert with_names([], values) == []
