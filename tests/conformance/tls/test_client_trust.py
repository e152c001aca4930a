"""Whose client certificates a server believes: installed, renewed, refused, and what clients then see."""

from __future__ import annotations

import contextlib
import pathlib
import typing as t

import psycopg

from ansible_collections.rampart.postgresql.plugins.module_utils._converge import Component
from ansible_collections.rampart.postgresql.plugins.module_utils._settings import arguments as settings
from ansible_collections.rampart.postgresql.plugins.module_utils._tls import clients
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.arguments import component
from ansible_collections.rampart.postgresql.tests.conformance.components import run_components
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
    wanted = good(trusting(server, check=True, rehearse=True))
    assert not path(server).exists() and [step["component"] for step in wanted.values["steps"]][0] == "client_trust"
    done = good(trusting(server, rehearse=True))
    assert done.values["steps"] == wanted.values["steps"] and path(server).stat().st_mode & 0o7777 == 0o600
    shown = dict(server.query("SELECT name, setting FROM pg_settings WHERE name IN ('ssl_ca_file', 'ssl_crl_file')"))
    assert shown == {"ssl_ca_file": str(path(server)), "ssl_crl_file": str(path(server))}
    for who, words in ((ADA, IN), (CY, IN), (None, IN), (BOB, REVOKED), (STALE, UNKNOWN)):
        assert told(server, who).endswith(words) and bool(told(server, who)) == bool(words), (words, told(server, who))
    before = path(server).read_bytes(), server.log_text()
    assert not good(trusting(server, check=True)).changed
    assert not good(trusting(server)).changed
    assert not good(trusting(server, lists=f"\n{ROOTS_LIST}{WORKS_LIST}text\n{ROOTS_LIST}", check=True)).changed
    assert (path(server).read_bytes(), server.log_text()) == before
