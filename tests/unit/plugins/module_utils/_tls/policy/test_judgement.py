"""What is wrong, or unwise, with versions, ciphers and groups."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import Unsupported
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.policy import words
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.policy.judgement import Coming
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.policy.judgement import Library
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.policy.judgement import question
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.policy.judgement import warnings
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.policy.words import Cipher

RSA = Cipher.described("ECDHE-RSA-AES256-GCM-SHA384 TLSv1.2 Kx=ECDH Au=RSA Enc=AESGCM(256) Mac=AEAD")
ECDSA = Cipher.described("ECDHE-ECDSA-AES256-GCM-SHA384 TLSv1.2 Kx=ECDH Au=ECDSA Enc=AESGCM(256) Mac=AEAD")
SUITE = Cipher.described("TLS_AES_256_GCM_SHA384 TLSv1.3 Kx=any Au=any Enc=AESGCM(256) Mac=AEAD")
KNOWN = {each.name: (each,) for each in (RSA, ECDSA)}


def library(text: str = "", *, certain: bool = True, **more: t.Any) -> Library:
    """One that has two ciphers, one suite and the curve P-256."""
    names = [word.name for word in words.cipher_words(text)]
    selected = tuple(each for name in names for each in KNOWN.get(name, ()))
    ciphers = {words.SOUND: (RSA, ECDSA), **{name: KNOWN.get(name, ()) for name in names}, text: selected}
    return Library(version="OpenSSL 3.0.0", certain=certain, ciphers=ciphers, **more)


def coming(*, key: str = "", **values: str) -> Coming:
    return Coming(values=values, touched=frozenset(values), key=key)


def refusal(what: Coming, known: Library) -> str:
    with pytest.raises(InputError) as raised:
        warnings(what, known)
    return str(raised.value)


@pytest.mark.parametrize(
    ("text", "name", "adds", "keyword"),
    [
        ("HIGH", "HIGH", True, True),
        ("!aNULL", "aNULL", False, True),
        ("+3DES", "3DES", False, True),
        ("-RC4+SHA", "RC4+SHA", False, True),
        ("ECDHE+AESGCM", "ECDHE+AESGCM", True, True),
        ("ECDHE+NONSENSE", "ECDHE+NONSENSE", True, False),
        (RSA.name, RSA.name, True, False),
    ],
)
def test_words(text: str, name: str, adds: bool, keyword: bool) -> None:
    [word] = words.cipher_words(f"@STRENGTH {text},@SECLEVEL=2;")
    assert (word.text, word.name, word.adds, word.is_keyword) == (text, name, adds, keyword)


def test_words_of_tls_1_3_and_of_groups() -> None:
    assert [each.is_suite for each in words.cipher_words(f"{SUITE.name}:TLS_RSA_WITH_AES_128_CBC_SHA:HIGH")] == [
        True,
        False,
        False,
    ]
    assert words.group_words("*X25519MLKEM768 / X25519:?P-256::DEFAULT") == ["X25519MLKEM768", "X25519", "P-256"]


def test_only_what_changes_is_asked_for() -> None:
    values = {"ssl_ciphers": RSA.name, "ssl_groups": "X25519", "ssl_tls13_ciphers": SUITE.name}
    assert question(Coming(values=values, touched=frozenset({"ssl_renegotiation_limit"}))) == {}
    found = question(Coming(values=values, touched=frozenset(values)))
    assert sorted(found) == ["ciphers", "groups", "suites"]
    assert RSA.name in found["ciphers"] and "X25519" in found["groups"] and found["suites"] == [SUITE.name] * 2
    assert list(question(Coming(values=values, touched=frozenset(), certificate_touched=True))) == ["ciphers"]


def test_an_unknown_name_is_an_error_only_where_it_is_certain() -> None:
    text = f"{RSA.name}:ECDHE-RSA-AES256-GCM-SHA348"
    said = refusal(coming(ssl_ciphers=text), library(text))
    assert "'ECDHE-RSA-AES256-GCM-SHA348' cannot be used: the server's OpenSSL 3.0.0 knows no such" in said
    assert f"the nearest are {RSA.name}" in said
    [doubt] = warnings(coming(ssl_ciphers=text), library(text, certain=False))
    assert "does not know ECDHE-RSA-AES256-GCM-SHA348" in doubt and "not tried" in doubt
    assert warnings(coming(ssl_ciphers=RSA.name), library(RSA.name)) == []
    assert "with forward secrecy it has" in refusal(coming(ssl_ciphers="X"), library("X"))
    assert ["not tried" in each for each in warnings(coming(ssl_ciphers=text), Library())] == [True]


def test_what_a_policy_of_the_host_forbids_is_no_error_while_something_is_left() -> None:
    """FIPS 140 has no ChaCha20."""
    text = f"{RSA.name}:ECDHE-RSA-CHACHA20-POLY1305"
    assert ["is not allowed" in each for each in warnings(coming(ssl_ciphers=text), library(text))] == [True]
    alone = "ECDHE-RSA-CHACHA20-POLY1305"
    assert "has none of these" in refusal(coming(ssl_ciphers=alone), library(alone))


def test_ciphers_have_to_fit_the_key() -> None:
    on = {"ssl": "on", "ssl_ciphers": RSA.name, "ssl_min_protocol_version": "TLSv1.2"}
    known = library(RSA.name)
    assert warnings(coming(key="RSA 3072", **on), known) == []
    assert warnings(coming(key="", **on), known) == []
    assert warnings(coming(key="DSA", **on), known) == []
    for key in ("ECDSA P-256", "ECDSA secp521r1", "Ed25519"):
        said = refusal(coming(key=key, **on), known)
        assert f"the key of the certificate is {key}" in said and "add ECDHE-ECDSA" in said
        assert "clients without TLS 1.3" in said and "set ssl_min_protocol_version to" in said
        assert warnings(coming(key=key, **{**on, "ssl_min_protocol_version": "TLSv1.3"}), known) == []
        assert warnings(coming(key=key, **{**on, "ssl": "off"}), known) == []
    said = refusal(coming(key="ECDSA P-256", **on, ssl_max_protocol_version="TLSv1.2"), known)
    assert "no client could connect" in said and "or set" not in said
    assert "not tried" in warnings(coming(key="ECDSA P-256", **on), library(RSA.name, certain=False))[0]
    # Nothing of it is touched, so it is not this plan's affair:
    untouched = Coming(values=on, touched=frozenset({"ssl_groups"}), key="ECDSA P-256")
    assert warnings(untouched, known) == []


@pytest.mark.parametrize(
    ("oldest", "newest", "wrong"),
    [
        ("TLSv1.3", "TLSv1.2", True),
        ("TLSv1.2", "TLSv1.2", False),
        ("TLSv1.2", "", False),
        ("TLSv1.2", "TLSv1.3", False),
        ("TLSv1.2", "TLSv1", True),
    ],
)
def test_versions(oldest: str, newest: str, wrong: bool) -> None:
    values = {"ssl_min_protocol_version": oldest, "ssl_max_protocol_version": newest}
    if wrong:
        assert f"newer than ssl_max_protocol_version, which is {newest!r}" in refusal(coming(**values), Library())
    else:
        assert warnings(coming(**values), Library()) == []
    assert warnings(Coming(values=values, touched=frozenset({"ssl"})), Library()) == []


def test_groups_and_the_one_curve() -> None:
    known = {**dict.fromkeys(words.USUAL_GROUPS, False), "prime256v1": True, "nonesuch": False}
    said = refusal(coming(ssl_groups="prime256v1:nonesuch"), library(groups=known))
    assert "'nonesuch' cannot be used" in said and said.endswith("it has prime256v1")
    assert warnings(coming(ssl_groups="prime256v1"), library(groups=known)) == []
    assert "takes one curve" in refusal(coming(ssl_ecdh_curve="prime256v1:nonesuch"), library(curves=known))
    assert warnings(coming(ssl_ecdh_curve="prime256v1"), library(curves=known)) == []
    assert len(warnings(coming(ssl_groups="nonesuch"), library(certain=False, groups=known))) == 1


def test_ciphers_of_tls_1_3() -> None:
    text = f"{SUITE.name}:nonesuch"
    known = {SUITE.name: (SUITE,), "nonesuch": (), text: (SUITE,)}
    assert "'nonesuch' cannot be used" in refusal(coming(ssl_tls13_ciphers=text), library(suites=known))
    assert warnings(coming(ssl_tls13_ciphers=SUITE.name), library(suites=known)) == []
    assert (
        "has no effect"
        in warnings(coming(ssl_ciphers=f"{SUITE.name}:{RSA.name}"), library(f"{SUITE.name}:{RSA.name}"))[0]
    )


def test_a_key_with_a_passphrase_keeps_the_server_from_loading() -> None:
    values = {"ssl": "on", "ssl_ciphers": RSA.name, "ssl_passphrase_command_supports_reload": "off"}
    late = Coming(values=values, touched=frozenset(values), only_at_start=True)
    [told] = warnings(late, library(RSA.name))
    assert told.startswith("ssl, ssl_ciphers: in force after a restart only")
    assert warnings(Coming(values=values, touched=frozenset(values)), library(RSA.name)) == []
    off = Coming(values={**values, "ssl": "off"}, touched=frozenset(values), only_at_start=True)
    assert warnings(off, library(RSA.name)) == []
    believed = Coming(values=values, touched=frozenset(), trust="/clients.pem", only_at_start=True)
    with pytest.raises(Unsupported, match=r"^/clients.pem: the server would go on believing"):
        warnings(believed, library(RSA.name))
    assert warnings(Coming(values=values, touched=frozenset(), trust="/clients.pem"), library(RSA.name)) == []
