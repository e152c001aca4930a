# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is planned for the authorities of clients, from states that were made by hand."""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import Unsupported
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import ClientTrustBecomes
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Planned
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Reload
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import WriteFile
from ansible_collections.rampart.postgresql.plugins.module_utils._tls import handshake
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.client_trust import reading
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.client_trust.checking import given as given_trust
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.client_trust.component import ClientTrustComponent
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.client_trust.component import component
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.client_trust.state import OwnFile
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.client_trust.state import State
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.client_trust.trust import Trust
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.client_trust.trust import findings

NOW = 1_800_000_000
DAY = 86400
PATH = "/etc/postgresql/17/main/rampart-clients.pem"
UNSET = {"ssl_ca_file": "", "ssl_crl_dir": "", "ssl_crl_file": ""}
OURS = {**UNSET, "ssl_ca_file": PATH, "ssl_crl_file": PATH}
KEY = ec.generate_private_key(ec.SECP256R1())


def at(days: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(NOW + int(days * DAY), datetime.timezone.utc)


def named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def authority(
    name: str = "Root", *, key: t.Any = KEY, ca: bool = True, end: float = 365.0, issuer: str = "", signer: t.Any = None
) -> str:
    builder = x509.CertificateBuilder().subject_name(named(name)).issuer_name(named(issuer or name))
    builder = builder.public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(at(-1)).not_valid_after(at(end))
    made = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    return made.sign(signer or key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def revocations(name: str = "Root", *serials: int, key: t.Any = KEY, begin: float = -1.0, end: float = 179.0) -> str:
    builder = (
        x509.CertificateRevocationListBuilder().issuer_name(named(name)).last_update(at(begin)).next_update(at(end))
    )
    for serial in serials:
        entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(at(begin))
        builder = builder.add_revoked_certificate(entry.build())
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


ROOT, LIST = authority(), revocations("Root", 5)
TRUST = given_trust(authorities=ROOT, lists=LIST, now=NOW)
EMPTY = State(path=PATH, now=NOW, settings=UNSET, owner="postgres", ssl=True)
FILE = OwnFile(content=TRUST.content(), mode=0o600, modified=NOW - 90.0, trust=TRUST)
GOOD = dataclasses.replace(EMPTY, settings=OURS, own=FILE, loaded=NOW - 60.0, in_force=TRUST)


def wanting(lists: str | None = LIST, authorities: str | None = ROOT, **values: t.Any) -> ClientTrustComponent:
    return component({"client_authorities": authorities, "client_revocation_lists": lists, **values})


def plan(state: State, **values: t.Any) -> Planned:
    return wanting(**values).plan(state)


def written(planned: Planned) -> str:
    [step] = planned.steps
    assert isinstance(step.operation, WriteFile) and step.operation.after is not None
    return step.operation.after.decode()


def trusted(planned: Planned) -> ClientTrustBecomes:
    [effect] = planned.effects
    assert isinstance(effect, ClientTrustBecomes)
    return effect


def test_nothing_given_nothing_planned() -> None:
    idle = component({})
    assert idle.plan(EMPTY) == Planned() and idle.offers(GOOD) == {} and idle.unproven(GOOD) == []
    seen = idle.plan(GOOD)
    assert not (seen.steps or seen.effects or seen.left_alone) and seen.standing["client_trust"]["path"] == PATH


def test_a_file_is_written_and_named() -> None:
    planned = plan(EMPTY)
    [step] = planned.steps
    assert isinstance(step.operation, WriteFile) and step.operation.after == TRUST.content() and step.reload
    assert wanting().offers(EMPTY) == {"client_trust": {"ssl_ca_file": PATH, "ssl_crl_file": PATH}}
    effect = trusted(planned)
    assert (
        effect.before is None
        and effect.after.revoked == {("/CN=Root", 5)}
        and effect.after.listed == frozenset({"/CN=Root"})
    )


def test_a_good_one_is_left() -> None:
    assert not plan(GOOD).steps and not plan(GOOD).effects and wanting().unproven(GOOD) == []
    turned = Trust(TRUST.authorities, TRUST.lists[::-1])
    assert not plan(
        dataclasses.replace(GOOD, own=dataclasses.replace(FILE, content=b"other words", trust=turned))
    ).steps


@pytest.mark.parametrize(
    ("own", "words"),
    [
        (None, "there is none"),
        (dataclasses.replace(FILE, problem="it holds a KEY"), "it holds a KEY"),
        (dataclasses.replace(FILE, mode=0o620), "others can write to it: mode 0620"),
        (dataclasses.replace(FILE, trust=Trust()), "it lacks the authority CN=Root; it lacks the list CN=Root"),
    ],
)
def test_why_it_is_written_anew(own: OwnFile | None, words: str) -> None:
    [step] = plan(dataclasses.replace(GOOD, own=own)).steps
    assert step.description == f"write the authorities of client certificates: {words}"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"refused": True}, "log says that it did not load"),
        ({"loaded": NOW - 100.0}, "newer than the configuration"),
        ({"announced": frozenset()}, "does not ask its clients"),
        ({"announced": frozenset({TRUST.authorities[0].announced, b"more"})}, "does not ask its clients"),
    ],
)
def test_what_is_not_loaded_is_loaded(values: dict[str, t.Any], words: str) -> None:
    state = dataclasses.replace(GOOD, **values)
    [step] = plan(state).steps
    assert isinstance(step.operation, Reload) and words in step.description
    assert [words in problem for problem in wanting().unproven(state)] == [True]
    assert wanting().unproven(dataclasses.replace(state, ssl=False)) == []
    assert wanting().unproven(dataclasses.replace(state, settings=UNSET)) == []


@pytest.mark.parametrize("parameter", ["ssl_ca_file", "ssl_crl_file", "ssl_crl_dir"])
def test_what_is_foreign(parameter: str) -> None:
    state = dataclasses.replace(EMPTY, settings={**UNSET, parameter: "/x"}, foreign={parameter: "/x"})
    for lists in (LIST, ""):
        beside = parameter == "ssl_crl_dir" and lists
        planned = plan(state, lists=lists)
        assert [left.subject for left in planned.left_alone] == ["/x"] and bool(planned.steps) == bool(beside)
        assert bool(wanting(lists).offers(state)) == bool(beside)
        assert plan(state, lists=lists, foreign="replace").steps
        assert wanting(lists, foreign="replace").offers(state)["client_trust"] == {
            "ssl_ca_file": PATH,
            "ssl_crl_file": PATH if lists else "",
            "ssl_crl_dir": "",
        }


def test_lists_that_are_not_given_any_more() -> None:
    with pytest.raises(InputError, match=r"client_revocation_lists: None cannot be used: .* give lists"):
        plan(GOOD, lists=None)
    planned = plan(GOOD, lists="")
    assert not planned.steps and wanting("").offers(GOOD)["client_trust"]["ssl_crl_file"] == ""
    effect = trusted(planned)
    assert effect.before is not None and (effect.before.listed, effect.after.listed) == (frozenset({"/CN=Root"}), None)
    # Until the server is told that it needs none they stay in the file.
    more = authority("More")
    content = written(plan(GOOD, lists="", authorities=ROOT + more))
    assert LIST in content and more in content
    named_no_more = dataclasses.replace(GOOD, settings={**OURS, "ssl_crl_file": ""})
    assert LIST not in written(plan(named_no_more, lists="", authorities=ROOT + more))


def test_without_configure_what_is_not_in_force_has_no_effect() -> None:
    assert plan(EMPTY, configure=False).steps and not plan(EMPTY, configure=False).effects
    assert wanting(configure=False).offers(EMPTY) == {}
    assert plan(dataclasses.replace(GOOD, in_force=Trust()), configure=False).effects


def test_without_the_library() -> None:
    blind = dataclasses.replace(EMPTY, can_judge=False)
    with pytest.raises(Unsupported, match="python3-cryptography"):
        plan(blind)
    judged = component({"client_authorities": ROOT}, can_only_judge=True)
    assert judged.plan(blind).left_alone and judged.plan(blind).warnings and judged.offers(blind) == {}


def test_where_nothing_can_be_written() -> None:
    with pytest.raises(Unsupported, match="choose another one with path"):
        plan(dataclasses.replace(EMPTY, writable=False))


@pytest.mark.parametrize(
    ("values", "option"),
    [
        ({"client_authorities": " "}, "client_authorities"),
        ({"client_revocation_lists": LIST}, "client_revocation_lists"),
    ],
)
def test_options_that_make_no_sense(values: dict[str, t.Any], option: str) -> None:
    for name in ("", "certificate"):
        with pytest.raises(InputError) as error:
            component(values, option=name)
        assert error.value.option == (f"{name}.{option}" if name else option)


OTHER = ec.generate_private_key(ec.SECP256R1())
WRONG = [
    ("words", LIST, "client_authorities", "each from its BEGIN line to its END line"),
    (ROOT[:-20], LIST, "client_authorities", "each from its BEGIN line to its END line"),
    (ROOT + "-----BEGIN CERTIFICATE-----\n", LIST, "client_authorities", "each from its BEGIN line to its END line"),
    (ROOT.replace("M", "!", 3), LIST, "client_authorities", "a certificate as PEM text is needed"),
    (ROOT + LIST, LIST, "client_authorities", "and nothing else"),
    (
        "-----BEGIN PRIVATE KEY-----\nSECRET\n-----END PRIVATE KEY-----\n",
        LIST,
        "client_authorities",
        "and nothing else",
    ),
    (authority(ca=False), LIST, "client_authorities", "CA:FALSE"),
    (authority(end=-0.5), LIST, "client_authorities", "has expired on 2027-01-14"),
    (ROOT, ROOT, "client_revocation_lists", "and nothing else"),
    (ROOT, "words", "client_revocation_lists", "each from its BEGIN line"),
    (ROOT, revocations("Another"), "client_revocation_lists", "a list of every authority in client_authorities"),
    (ROOT + authority("More"), LIST, "client_revocation_lists", "a list of every authority in client_authorities"),
    (ROOT, revocations(key=OTHER), "client_revocation_lists", "the signature of this one is not that of its key"),
    (ROOT, revocations(begin=-9, end=-1), "client_revocation_lists", "has expired on 2027-01-14"),
    (ROOT, revocations(begin=1), "client_revocation_lists", "this host's clock says 2027-01-15"),
]


@pytest.mark.parametrize(("authorities", "lists", "option", "words"), WRONG)
def test_what_is_refused(authorities: str, lists: str, option: str, words: str) -> None:
    with pytest.raises(InputError) as error:
        given_trust(authorities=authorities, lists=lists, now=NOW, option="certificate.")
    assert error.value.option == f"certificate.{option}" and words in str(error.value), error.value
    assert "SECRET" not in str(error.value) and len(str(error.value)) < 400


def test_what_is_taken() -> None:
    """The newest list of an authority counts, one of an intermediate that only clients know is taken as it is."""
    both = revocations(begin=-2.0) + LIST + revocations("Works", key=OTHER)
    found = given_trust(authorities=ROOT + ROOT, lists=both, now=NOW)
    assert [each.title for each in found.lists] == ["CN=Root", "CN=Works"] and len(found.authorities) == 1
    assert found.lists[0] == TRUST.lists[0] and reading.revoked(found.lists[0]) == {5}
    twins = ROOT + authority(key=OTHER)
    two = given_trust(authorities=twins, lists=LIST + revocations(key=OTHER), now=NOW)
    assert len(two.authorities) == len(two.lists) == 2
    with pytest.raises(InputError, match="a list of every authority"):
        given_trust(authorities=twins, lists=LIST, now=NOW)


def test_lists_of_those_in_between() -> None:
    third = ec.generate_private_key(ec.SECP256R1())
    works = authority("Works", key=OTHER, issuer="Root", signer=KEY)
    shop = authority("Shop", key=third, issuer="Works", signer=OTHER)
    lists = LIST + revocations("Works", key=OTHER)

    def trusted_with(lists: str, issuers: str) -> Trust:
        return given_trust(authorities=ROOT, lists=lists, issuers=issuers, now=NOW)

    assert trusted_with(lists, works).authorities == TRUST.authorities
    assert trusted_with(LIST, authority("Works", key=OTHER) + "rubbish" + ROOT) == TRUST  # nobody here vouches for that
    for issuers in (shop + works, works + shop):
        with pytest.raises(InputError, match="no list of CN=Shop"):
            trusted_with(lists, issuers)
        assert len(trusted_with(lists + revocations("Shop", key=third), issuers).lists) == 3
    with pytest.raises(InputError, match="the signature of this one is not that of its key"):
        trusted_with(LIST + revocations("Works"), works)


def test_what_is_written_is_read() -> None:
    odd = given_trust(authorities=authority("\u00fc\n-----BEGIN X"), lists="", now=NOW)
    for trust in (TRUST, odd):
        assert reading.read(trust.content()) == (trust, "")
    assert reading.read(TRUST.content()[:-40])[1] == "a block in it does not end"
    assert "it holds a PRIVATE KEY" in reading.read(b"-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----")[1]
    assert "it cannot be read" in reading.read(TRUST.content().replace(b"MI", b"NI"))[1]


@given(st.binary(max_size=300))
def test_whatever_lies_there_is_read(content: bytes) -> None:
    reading.read(content)
    reading.read(b"-----BEGIN CERTIFICATE-----\n" + content + b"\n-----END CERTIFICATE-----\n")


def test_what_nears_its_end() -> None:
    def told(begin: float, end: float) -> list[str]:
        lists = reading.read(revocations(begin=begin, end=end).encode())[0].lists
        return list(findings(Trust((), lists), now=NOW))

    assert told(-121, 59) and not told(-119, 61)
    assert "less than a third" in told(-121, 59)[0]
    assert "refuses every client" in told(-181, -1)[0] and "has expired on" in told(-181, -1)[0]
    near = reading.read(authority(end=89).encode())[0]
    assert "its successor has to be trusted" in [*findings(near, now=NOW)][0]
    assert "has expired" in [*findings(near, now=NOW + 90 * DAY)][0]
    assert not [*findings(TRUST, now=NOW)]


@given(st.binary(max_size=80))
def test_any_request_of_a_server_is_read(request: bytes) -> None:
    handshake._announced([b"\x0d\0\0\0" + request])


def test_requests_of_both_kinds() -> None:
    names = b"\0\x06\0\x01a\0\x01b"
    older = b"\x0d\0\0\0" + b"\x01\x40" + b"\0\x02\x04\x03" + names
    newer = b"\x0d\0\0\0" + b"\0" + b"\0\x12" + b"\0\x0d\0\x02\0\0" + b"\0\x2f\0\x08" + names
    both = frozenset((b"a", b"b"))
    assert handshake._announced([older]) == handshake._announced([newer]) == both
    assert handshake._announced([]) == frozenset() and handshake._announced([older[:-1]]) != both
