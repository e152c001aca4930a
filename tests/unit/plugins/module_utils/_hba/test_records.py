"""Records: fields, verdicts and the server's own words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.rampart.postgresql.plugins.module_utils._hba.circumstances import Circumstances
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.dialects import DIALECTS
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.methods import shown_options
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.records import Record
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.records import parse_text


def one(text: str, major: int = 17, **circumstances: object) -> Record:
    [record] = parse_text(text, DIALECTS[major], circumstances=Circumstances(**circumstances))  # type: ignore[arg-type]
    return record


def test_all_fields() -> None:
    record = one('# c\nhostssl "all",+g u 10.0.0.1 255.255.0.0 cert map=m,clientname=DN # why')
    assert record.accepted and record.error is None
    assert record.line == 2 and record.type == "hostssl" and record.method == "cert"
    assert [(token.text, token.quoted) for token in record.databases] == [("all", True), ("+g", False)]
    assert record.address is not None and record.address.shown() == ("10.0.0.1", "255.255.0.0")
    assert record.options == {"map": "m", "clientname": "DN", "clientcert": "verify-full"}
    assert shown_options("cert", record.options) == ["map=m", "clientcert=verify-full"]
    assert record.comment == " why"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("HOST db u 10.0.0.0/8 md5", 'invalid connection type "HOST"'),
        ("host,local db u 10.0.0.0/8 md5", "multiple values specified for connection type"),
        ("local", "end-of-line before database specification"),
        ("local db", "end-of-line before role specification"),
        ("host db u", "end-of-line before IP address specification"),
        ("host db u 10.0.0.0/8", "end-of-line before authentication method"),
        ("host db u 10.0.0.1", "end-of-line before netmask specification"),
        ("host db u 10.0.0.0/33 md5", 'invalid CIDR mask in address "10.0.0.0/33"'),
        ("host db u a.b/8 md5", 'specifying both host name and CIDR mask is invalid: "a.b/8"'),
        ("host db u 10.0.0.1 ffff:: md5", "IP address and mask do not match"),
        ("host db u 10.0.0.1 md5", 'invalid IP mask "md5": Name or service not known'),
        ("host db u 10.0.0.0/8 MD5", 'invalid authentication method "MD5"'),
        ("host db u 10.0.0.0/8 peer", "peer authentication is only supported on local sockets"),
        ("host db u 10.0.0.0/8 cert", "cert authentication is only supported on hostssl connections"),
        ("local db u gss", "gssapi authentication is not supported on local sockets"),
        ("local db u peer map", "authentication option not in name=value format: map"),
        ("local db u peer foo=1", 'unrecognized authentication option name: "foo"'),
        ("hostssl db u all trust clientcert=foo", None),
        ('local db "/(a" trust', 'invalid regular expression "(a": parentheses () not balanced'),
        ("local db @missing trust", 'could not open file "missing": No such file or directory'),
    ],
)
def test_words_of_refusal(text: str, words: str | None) -> None:
    record = one(text)
    assert not record.accepted
    assert record.error == words
    assert record.refusal == words or (record.error is None and record.refusal == 'invalid value for clientcert: "foo"')


def test_versions_differ() -> None:
    assert one("local db /(a trust", 15).accepted
    assert not one("local db /(a trust", 16).accepted
    assert one("hostssl db u all md5 clientcert=0", 13).accepted
    assert not one("hostssl db u all md5 clientcert=0", 14).accepted
    assert not one("hostssl db u all cert clientname=CN", 13).accepted
    assert str(one("hostssl db u all cert clientcert=0", 13).error).startswith(
        'clientcert cannot be set to "no-verify"'
    )
    for major, words in ((17, "cannot use ldapbasedn, "), (18, "cannot mix options ")):
        assert str(one("host db u all ldap ldapprefix=p ldapbasedn=b", major).error).startswith(words)
    assert one("include missing", 15).error == 'invalid connection type "include"'
    assert one("include missing", 16).error == 'could not open file "missing": No such file or directory'
    assert parse_text("include_if_exists missing", DIALECTS[16]) == []
    assert one("host db u all oauth issuer=i scope=s", 17).error == 'invalid authentication method "oauth"'
    assert one("host db u all oauth issuer=i scope=s", 18).accepted


def test_accepted_with_a_warning() -> None:
    record = one("hostssl db u all trust", ssl=False)
    assert record.accepted and record.error == "hostssl record cannot match because SSL is disabled"
    assert one("hostssl db u all oauth issuer=i scope=s", 18, ssl=False).error is None
    refused = one("hostssl db u all trust clientcert=foo", ssl=False)
    assert not refused.accepted and refused.error == "hostssl record cannot match because SSL is disabled"


def test_ident_on_a_socket_is_peer() -> None:
    assert one("local db u ident").method == "peer"
    assert one("host db u all ident").method == "ident"


@given(st.binary(max_size=80), st.sampled_from(sorted(DIALECTS)))
def test_arbitrary_bytes(content: bytes, major: int) -> None:
    parse_text(content.decode("utf-8", "surrogateescape"), DIALECTS[major])


@given(
    st.lists(
        st.sampled_from(["local", "host", "all", "10.0.0.0/8", "md5", "peer", "map=m", '"', ",", "#", "\\", "@x", "\n"])
    ),
    st.sampled_from(sorted(DIALECTS)),
)
def test_arbitrary_words(words: list[str], major: int) -> None:
    for record in parse_text(" ".join(words), DIALECTS[major]):
        assert record.accepted == (record.refusal is None)
