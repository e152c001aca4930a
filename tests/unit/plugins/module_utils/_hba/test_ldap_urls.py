"""The option ldapurl."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.rampart.postgresql.plugins.module_utils._hba.ldap_urls import options_of
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.refusal import Refusal


@pytest.mark.parametrize(
    ("url", "server", "port", "base", "scope"),
    [
        ("ldap://l/dc=x?uid?sub", "l", "389", "dc=x", "2"),
        ("LDAPS://l:0/dc=x", "l", "636", "dc=x", "0"),
        ("<URL:ldap://[::1]:99/d%63?,uid,cn?ONE>", "::1", "99", "dc", "1"),
        ("ldap://l?uid?sub", "l", "389", None, "0"),
        ("ldap://l/", "l", "389", "", "0"),
        ("ldap://l%41:%39/%zz??children", "lA", "9", "", "3"),
        ("ldap://:4294967297/x", None, "1", "x", "0"),
    ],
)
def test_parts(url: str, server: str | None, port: str, base: str | None, scope: str) -> None:
    found = options_of(url)
    assert found.get("ldapserver") == server and found["ldapport"] == port
    assert found.get("ldapbasedn") == base and found["ldapscope"] == scope
    assert found.get("ldapsearchattribute") == ("uid" if "/" in url[7:] and "uid" in url else None)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "Time limit exceeded"),
        ("http://l", "Time limit exceeded"),
        ("<ldap://l", "Size limit exceeded"),
        ("ldap://l:", "Compare False"),
        ("ldap://l:9 /", "Compare False"),
        ("ldap://[::1/", "Compare False"),
        ("ldap://l/b?a?foo", "Strong(er) authentication required"),
        ("ldap://l/b?a?%zz", "Strong(er) authentication required"),
        ("ldap://l/b?a?sub?%zz", "Partial results and referral received"),
        ("ldap://l/b???f?", "Referral"),
        ("ldap://l/b???f?,", "Referral"),
        ("ldap://l/b???f?x?y", "Compare False"),
    ],
)
def test_refusals_bear_the_words_of_unrelated_codes(url: str, words: str) -> None:
    with pytest.raises(Refusal) as caught:
        options_of(url)
    assert caught.value.words == f'could not parse LDAP URL "{url}": {words}'


@pytest.mark.parametrize("attributes", [",", "%zz", "%00uid", ",,"])
def test_what_would_end_the_server_is_refused(attributes: str) -> None:
    with pytest.raises(Refusal, match="ends the server"):
        options_of(f"ldap://l/b?{attributes}?sub")
    assert options_of("ldap://l/b?,uid,?sub")["ldapsearchattribute"] == "uid"


def test_numbers_of_any_length() -> None:
    assert options_of(f"ldap://l:{'9' * 5000}/b")["ldapport"] == "-1"
    assert options_of(f"ldap://l:{'0' * 5000}9/b")["ldapport"] == "9"


def test_schemes() -> None:
    with pytest.raises(Refusal) as caught:
        options_of("ldapi://%2ftmp/x")
    assert caught.value.words == "unsupported LDAP URL scheme: ldapi"


@given(st.text(alphabet="ldap:/?%[]<>a1 \udcff", max_size=30))
def test_nothing_is_too_strange(rest: str) -> None:
    try:
        assert options_of(f"ldap://{rest}")["ldapscheme"] == "ldap"
    except Refusal as refusal:
        assert refusal.words
