"""Whose client certificates a server believes: installed, renewed, refused, and what clients then see."""

from __future__ import annotations

import contextlib
import os
import pathlib
import typing as t

import psycopg
import pytest
from cryptography import x509

from ansible_collections.rampart.postgresql.plugins.module_utils._converge import Component
from ansible_collections.rampart.postgresql.plugins.module_utils._settings import arguments as settings
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.arguments import component
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.client_trust import component as clients
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.handshake import ask
from ansible_collections.rampart.postgresql.tests.conformance.components import run_components
from ansible_collections.rampart.postgresql.tests.conformance.killed import MOST_STEPS
from ansible_collections.rampart.postgresql.tests.conformance.killed import killed_at
from ansible_collections.rampart.postgresql.tests.conformance.killed import leftovers
from ansible_collections.rampart.postgresql.tests.conformance.modules import Result
from ansible_collections.rampart.postgresql.tests.conformance.tls.issuing import Issued
from ansible_collections.rampart.postgresql.tests.conformance.tls.issuing import Issuer

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

ROOT = Issuer.root("Root")
WORKS = ROOT.intermediate("Works, Ltd. \u00fc")
OTHER = Issuer.root("Other")
ADA, BOB, CY = WORKS.client("ada"), WORKS.client("bob"), ROOT.client("cy")
STALE = OTHER.client("stale")
WORKS_LIST, ROOTS_LIST = WORKS.revocations(BOB), ROOT.revocations()
LISTS = WORKS_LIST + ROOTS_LIST
STRANGE = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")
OF_USERS = x509.IssuingDistributionPoint(None, None, True, False, None, False, False)
IN = ""
UNKNOWN, REVOKED = "tlsv1 alert unknown ca", "alert certificate revoked"


def run(server: Server, *, check: bool = False, rehearse: bool = False, ssl: str = "on", **options: t.Any) -> Result:
    """A certificate, ssl turned on, and what the options say of clients; who is connected is no matter here."""
    demands = {
        name: options.pop(name) for name in ("allow_lockout", "accept_unproven", "must_admit") if name in options
    }
    options = {"names": ["localhost"], **options}

    def build() -> list[Component]:
        return [
            component(options, can_only_judge=check),
            clients.component(options, can_only_judge=check),
            settings.component({"sections": {"pg_tls": {"ssl": ssl}}}),
        ]

    return run_components(server, build, check=check, rehearse=rehearse, **demands)


def good(result: Result) -> Result:
    assert not result.failed, result.output
    return result


def trusting(server: Server, authorities: str = ROOT.pem, lists: str | None = LISTS, **options: t.Any) -> Result:
    return run(server, client_authorities=authorities, client_revocation_lists=lists, **options)


def path(server: Server) -> pathlib.Path:
    return server.data_directory / "rampart-clients.pem"


@contextlib.contextmanager
def session(server: Server, who: Issued | None, **options: t.Any) -> t.Iterator[psycopg.Connection[t.Any]]:
    """Over TLS, with the certificate that lies where libpq looks."""
    files = {"sslcert": "none"} if who is None else who.files(server, f"client{who.serial}")
    connection = server.connect(**{"host": "127.0.0.1", "sslmode": "require", **files, **options})
    with contextlib.closing(connection):
        yield connection


def told(server: Server, who: Issued | None, **options: t.Any) -> str:
    """What a client is told when it is refused; nothing when it gets in."""
    try:
        with session(server, who, **options):
            return IN
    except psycopg.OperationalError as error:
        return str(error).rpartition("SSL error: ")[2].strip()


def test_one_file_is_named_by_both(fresh_server: Server) -> None:
    server = fresh_server
    good(run(server))
    assert told(server, STALE) == IN  # nobody asks for it
    wanted = good(trusting(server, check=True))
    assert not path(server).exists() and [step["component"] for step in wanted.values["steps"]][0] == "client_trust"
    done = good(trusting(server))
    assert done.values["steps"] == wanted.values["steps"] and path(server).stat().st_mode & 0o7777 == 0o600
    shown = dict(server.query("SELECT name, setting FROM pg_settings WHERE name IN ('ssl_ca_file', 'ssl_crl_file')"))
    assert shown == {"ssl_ca_file": str(path(server)), "ssl_crl_file": str(path(server))}
    for who, words in ((BOB, REVOKED), (STALE, UNKNOWN), (ADA, IN), (CY, IN), (None, IN)):
        assert told(server, who).endswith(words) and bool(told(server, who)) == bool(words), (words, told(server, who))
    before = path(server).read_bytes(), server.log_text()
    assert not good(trusting(server, check=True)).changed
    assert not good(trusting(server)).changed
    assert not good(trusting(server, lists=f"\n{ROOTS_LIST}{WORKS_LIST}text\n{ROOTS_LIST}", check=True)).changed
    assert (path(server).read_bytes(), server.log_text()) == before


@pytest.mark.in_turn
def test_what_cannot_be_written_and_then_can(fresh_server: Server) -> None:
    server = fresh_server
    with server.owner.acting():
        path(server).mkdir()
    refused = trusting(server, rehearse=True)
    assert refused.failed and str(path(server)) in refused.message, refused.message
    path(server).rmdir()
    assert good(trusting(server, check=True, rehearse=True)).changed and not path(server).exists()
    assert good(trusting(server, rehearse=True)).changed and told(server, ADA) == IN


@pytest.mark.in_turn
def test_what_is_refused_here_the_server_would_take(fresh_server: Server) -> None:
    """Each is loaded without a word; then clients are refused that are not revoked, and the positive control is not."""
    server = fresh_server
    good(trusting(server))
    strict = Issuer.root("Root without lists", uses=("key_cert_sign",))
    late = Issuer.root("Late", begin=-9.0, end=-1.0)
    works = WORKS.revocations()
    taken = {
        "no list of CN=Root,O=Shop": (ROOT.pem, works, ADA),
        "has expired on": (ROOT.pem, ROOT.revocations(begin=-9.0, end=-1.0) + works, ADA),
        "not valid before": (ROOT.pem, ROOT.revocations(begin=1.0) + works, ADA),
        "critical extensions (1.2.3.4)": (ROOT.pem, ROOT.revocations(extension=STRANGE) + works, ADA),
        "critical extensions (2.5.29.28)": (ROOT.pem, ROOT.revocations(extension=OF_USERS) + works, ADA),
        "lacks cRLSign": (strict.pem, strict.revocations(), strict.client("ada")),
        "is not that of its key": (ROOT.pem, ROOT.revocations(key=OTHER.key) + works, ADA),
        "this one has expired": (late.pem, late.revocations(), late.client("ada")),
        "its issuer CN=Root,O=Shop is not among them": (WORKS.pem, works, WORKS.client("ada")),
        "(CA:FALSE)": (CY.pem, "", CY),
    }
    for words, (authorities, lists, _who) in taken.items():
        refused = trusting(server, authorities, lists)
        assert refused.failed and words in refused.message, refused.message
        assert refused.message.startswith(("client_authorities: ", "client_revocation_lists: ")), refused.message
        assert len(refused.message) < 400 and told(server, ADA) == IN
    delta = ROOT.revocations() + WORKS.revocations(extension=x509.DeltaCRLIndicator(1))
    refused = trusting(server, lists=delta)
    assert refused.failed and "what is revoked since another one" in refused.message, refused.message
    for words, (authorities, lists, who) in taken.items():
        install(server, authorities + lists)
        assert told(server, who) != IN, words
    install(server, ROOT.pem + delta)
    assert told(server, BOB) == IN  # it is taken for complete
    install(server, ROOT.pem + LISTS)
    assert told(server, ADA) == IN and told(server, BOB).endswith(REVOKED)


def install(server: Server, text: str) -> None:
    """Behind our back."""
    with server.owner.acting():
        path(server).write_text(text)
    server.reload()
    assert "SSL configuration was not reloaded" not in server.log_text()


@pytest.mark.in_turn
def test_it_is_renewed_and_left_alone_when_it_means_the_same(fresh_server: Server) -> None:
    server = fresh_server
    good(trusting(server))
    install(server, f"{LISTS}\nsome words\n{ROOT.pem}{ROOT.pem}")
    assert not good(trusting(server)).changed
    with session(server, WORKS.client("bob")) as open_session:
        other = good(trusting(server, ROOT.pem + OTHER.pem, LISTS + OTHER.revocations()))
        assert "it lacks the authority CN=Other,O=Shop" in other.values["steps"][0]["description"]
        assert told(server, STALE) == IN and told(server, ADA) == IN
        assert open_session.execute("SELECT 1").fetchone() == (1,)
    for tampered in ("rubbish\n", ROOT.pem[:-30], ROOT.pem + OTHER.pem + LISTS):
        with server.owner.acting():
            path(server).write_text(tampered)
        assert good(trusting(server)).changed and not good(trusting(server)).changed
        assert told(server, ADA) == IN and told(server, STALE).endswith(UNKNOWN)
    path(server).chmod(0o666)
    assert "others can write" in good(trusting(server)).values["steps"][0]["description"]


@pytest.mark.in_turn
def test_what_the_server_did_not_load_is_taken_back(fresh_server: Server) -> None:
    server = fresh_server
    good(trusting(server))
    before = path(server).read_bytes()
    own = server.data_directory / "rampart-server.pem"
    kept = own.read_bytes()

    def only_clients() -> list[Component]:
        values = {"client_authorities": ROOT.pem, "client_revocation_lists": ROOT.revocations() + WORKS.revocations()}
        return [clients.component(values), settings.component({})]

    write(server, own, b"rubbish\n")
    refused = run_components(server, only_clients, rehearse=False)
    assert refused.failed and "log says that it did not load its TLS configuration" in refused.message, refused.message
    assert path(server).read_bytes() == before and told(server, BOB).endswith(REVOKED)
    write(server, own, kept)
    assert good(run_components(server, only_clients, rehearse=False)).changed and told(server, BOB) == IN


def write(server: Server, where: pathlib.Path, content: bytes) -> None:
    with server.owner.acting():
        where.write_bytes(content)


@pytest.mark.parametrize("newest", ["TLSv1.2", "TLSv1.3"])
@pytest.mark.in_turn
def test_a_handshake_tells_what_was_loaded(fresh_server: Server, newest: str) -> None:
    server = fresh_server
    with server.owner.acting(), server.conf_file.open("a") as stream:
        stream.write(f"ssl_max_protocol_version = '{newest}'\n")
    good(run(server))
    assert asked_for(server) == frozenset()
    good(trusting(server, ROOT.pem + OTHER.pem, None))
    names = frozenset(each.certificate.subject.public_bytes() for each in (ROOT, OTHER))
    assert asked_for(server) == names
    path(server).write_text(ROOT.pem)
    os.utime(path(server), (0, 0))
    assert "does not ask its clients" in good(trusting(server, lists=None)).values["steps"][0]["description"]
    assert asked_for(server) == frozenset({ROOT.certificate.subject.public_bytes()})
    os.utime(path(server))
    assert "newer than the configuration" in good(trusting(server, lists=None)).values["steps"][0]["description"]


def asked_for(server: Server) -> frozenset[bytes] | None:
    served = ask(("127.0.0.1",), server.port)
    return None if served is None else served.announced


@pytest.mark.in_turn
def test_lists_can_be_given_up_only_in_words(fresh_server: Server) -> None:
    server = fresh_server
    good(trusting(server))
    refused = trusting(server, lists=None)
    assert refused.failed and refused.message.startswith("client_revocation_lists: None cannot be used: "), refused
    assert told(server, BOB).endswith(REVOKED)
    assert good(trusting(server, lists="")).changed and not good(trusting(server, lists="")).changed
    assert told(server, BOB) == IN and told(server, STALE).endswith(UNKNOWN)
    assert not good(trusting(server, lists=None)).changed
    assert good(trusting(server)).changed and told(server, BOB).endswith(REVOKED)
    beside = f"{server.data_directory}/lists/../rampart-server.pem"
    assert not good(trusting(server, path=beside)).changed
    before = path(server).read_bytes()
    assert not good(run(server)).changed and path(server).read_bytes() == before  # nothing given, nothing touched


@pytest.mark.in_turn
def test_what_is_not_ours_is_left_alone(fresh_server: Server) -> None:
    server = fresh_server
    company = server.data_directory / "company.pem"
    write(server, company, (OTHER.pem + OTHER.revocations(begin=-9.0, end=-1.0)).encode())
    with server.owner.acting(), server.conf_file.open("a") as stream:
        stream.write(f"ssl_ca_file = '{company.name}'\nssl_crl_file = '{company}'\n")
    server.reload()
    good(run(server))
    done = good(trusting(server))
    assert not done.changed and not path(server).exists()
    reasons = {(item["subject"], item["reason"].partition(" ")[0]) for item in done.values["left_alone"]}
    assert reasons == {(str(company), "ssl_ca_file"), (str(company), "ssl_crl_file")}
    assert any("list of CN=Other,O=Shop has expired" in warning for warning in done.values["warnings"]), done.values
    assert told(server, STALE) != IN  # as the warning says
    assert good(trusting(server, foreign="replace")).changed and told(server, ADA) == IN
    assert not good(trusting(server, foreign="replace")).changed
    assert company.exists() and told(server, STALE) != IN


@pytest.mark.since(14)
@pytest.mark.in_turn
def test_a_directory_of_lists_beside_ours(fresh_server: Server) -> None:
    server = fresh_server
    with server.owner.acting(), server.conf_file.open("a") as stream:
        (server.data_directory / "lists").mkdir()
        stream.write("ssl_crl_dir = 'lists'\n")
    server.reload()
    good(run(server))
    alone = good(trusting(server, lists=None))
    assert not alone.changed and "see the option foreign" in alone.values["left_alone"][0]["reason"]
    beside = good(trusting(server))
    assert beside.changed and "count beside ours" in beside.values["left_alone"][0]["reason"]
    assert told(server, ADA) == IN and told(server, BOB).endswith(REVOKED)
    assert good(trusting(server, foreign="replace")).changed
    assert server.query("SELECT setting FROM pg_settings WHERE name = 'ssl_crl_dir'") == [("",)]
    assert not good(trusting(server, foreign="replace")).changed


@pytest.mark.in_turn
def test_a_list_that_nears_its_end_is_told_every_run(fresh_server: Server) -> None:
    server = fresh_server
    near = ROOT.revocations(begin=-70.0, end=34.0) + WORKS.revocations(begin=-70.0, end=36.0)
    given: dict[str, t.Any] = {"client_authorities": ROOT.pem, "client_revocation_lists": near}
    for options in (given, {}):
        for _again in range(2):
            told_of = [words for words in good(run(server, **options)).values["warnings"] if "revocation list" in words]
            assert len(told_of) == 1 and "less than a third" in told_of[0] and "CN=Root,O=Shop" in told_of[0], told_of
    assert good(run(server)).values["client_trust"]["revocation_lists"][0]["revoked"] == 0


@pytest.mark.in_turn
def test_killed_before_each_rename(fresh_server: Server) -> None:
    """After a restart the server believes the old authorities or the new ones, and the next run finishes."""
    server = fresh_server
    good(run(server))
    ways = ((ROOT.pem, LISTS, ADA, STALE), (OTHER.pem, OTHER.revocations(), STALE, ADA))
    deaths = 0
    for number in range(1, MOST_STEPS):
        authorities, lists, believed, other = ways[number % 2]
        options: dict[str, t.Any] = {
            "names": ["localhost"],
            "client_authorities": authorities,
            "client_revocation_lists": lists,
        }
        killed = killed_at(1 + number // 2, "certificate", server, of_kind="rename", **options)
        deaths += killed.by_signal
        server.stop(mode="immediate")
        server.start()
        assert told(server, None) == IN and IN in (told(server, believed), told(server, other)), killed
        assert killed.by_signal or told(server, believed) == IN
        good(trusting(server, authorities, lists))
        assert told(server, believed) == IN and told(server, other).endswith(UNKNOWN) and not leftovers(server)
        if not killed.by_signal:
            break
    assert deaths > 1
