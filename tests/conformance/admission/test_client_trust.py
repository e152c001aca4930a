"""Whose client certificates a server believes: what the guard says before, held against real clients after."""

from __future__ import annotations

import contextlib
import typing as t

import psycopg
import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._converge import Component
from ansible_collections.rampart.postgresql.plugins.module_utils._settings import arguments as settings
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.arguments import component
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.client_trust import component as clients
from ansible_collections.rampart.postgresql.tests.conformance.components import run_components
from ansible_collections.rampart.postgresql.tests.conformance.tls.issuing import Issued
from ansible_collections.rampart.postgresql.tests.conformance.tls.issuing import Issuer

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

ROOT = Issuer.root("Root")
WORKS = ROOT.intermediate("Works; named, that is cut within a character " + 9 * "\u00fc")
OTHER = Issuer.root("Other")
ADA, BOB, CY = WORKS.client("ada"), WORKS.client("bob"), ROOT.client("cy")
STALE = OTHER.client("stale")
NONE_REVOKED = ROOT.revocations() + WORKS.revocations()


def manage(server: Server, authorities: str, lists: str = "", **demands: t.Any) -> dict[str, t.Any]:
    values = {"names": ["localhost"], "client_authorities": authorities, "client_revocation_lists": lists}
    return _run(server, values, **demands)


def _run(server: Server, values: dict[str, t.Any], **demands: t.Any) -> dict[str, t.Any]:
    def build() -> list[Component]:
        turned_on = settings.component({"sections": {"pg_tls": {"ssl": "on"}}})
        return [component(values), clients.component(values), turned_on]

    return dict(run_components(server, build, rehearse=False, **demands).values)


def done(result: dict[str, t.Any]) -> dict[str, t.Any]:
    assert not result.get("failed") and result["changed"], result
    return result


@contextlib.contextmanager
def session(
    server: Server, who: Issued | None = None, user: str = "app", **options: t.Any
) -> Iterator[psycopg.Connection[t.Any]]:
    files = {"sslcert": "none"} if who is None else who.files(server, f"client{who.serial}")
    with contextlib.closing(
        server.connect(**{"host": "127.0.0.1", "sslmode": "require", "user": user, **files, **options})
    ) as connection:
        yield connection


def gets_in(server: Server, who: Issued | None = None, **options: t.Any) -> bool:
    try:
        with session(server, who, **options):
            return True
    except psycopg.OperationalError:
        return False


@pytest.fixture
def host(fresh_server: Server) -> Server:
    """A server that speaks TLS and lets everybody in."""
    fresh_server.query("CREATE ROLE app LOGIN")
    done(_run(fresh_server, {"names": ["localhost"]}))
    return fresh_server


def test_a_stale_certificate(host: Server) -> None:
    """Nobody asked for one, so nobody knows who has one; libpq shows it unasked."""
    assert gets_in(host, STALE)
    with session(host, STALE), session(host, user=host.superuser, sslmode="disable"):
        refused = manage(host, ROOT.pem)
        assert refused["failed"] and not refused["refused"] and len(refused["unproven"]) == 1, refused
        assert "user app, database postgres, from 127.0.0.1 with TLS might be refused: from then on" in refused["msg"]
        assert "~/.postgresql/postgresql.crt" in refused["msg"] and "accept_unproven" in refused["msg"]
        assert host.query("SELECT setting FROM pg_settings WHERE name = 'ssl_ca_file'") == [("",)]
        assert gets_in(host, STALE)
        done(manage(host, ROOT.pem, accept_unproven=[{"user": "app"}]))
    # What nobody could know; and the positive control is the same client without it.
    assert not gets_in(host, STALE) and not gets_in(host, STALE, sslmode="prefer")
    assert gets_in(host) and gets_in(host, ADA) and gets_in(host, STALE, sslmode="disable")


@pytest.mark.in_turn
def test_tls_turned_on_together_with_it(fresh_server: Server) -> None:
    server = fresh_server
    server.query("CREATE ROLE app LOGIN")
    wanted = {"names": ["localhost"], "client_authorities": ROOT.pem}
    with session(server, STALE, sslmode="prefer"):
        refused = _run(server, wanted)
        assert refused["failed"] and "TLS is turned on, and whether the client then comes with it" in refused["msg"], (
            refused
        )
        done(_run(server, wanted, allow_lockout=True))
    assert not gets_in(server, STALE, sslmode="prefer") and gets_in(server, sslmode="prefer")


@pytest.mark.in_turn
def test_no_tls_no_question(host: Server) -> None:
    with session(host, sslmode="disable"), session(host, sslmode="disable", host=str(host.socket_directory)):
        done(manage(host, ROOT.pem))


@pytest.mark.in_turn
def test_a_parameter_set_by_hand_is_asked_too(host: Server) -> None:
    with host.owner.acting():
        (host.data_directory / "by-hand.pem").write_text(ROOT.pem)
    by_hand = settings.component({"parameters": {"ssl_ca_file": "by-hand.pem"}})
    with session(host, STALE):
        refused = run_components(host, lambda: [by_hand], rehearse=False)
        assert refused.failed and "might be refused: from then on" in refused.message, refused.message
    assert run_components(host, lambda: [by_hand], rehearse=False).changed


def test_revoked_while_connected(host: Server) -> None:
    done(manage(host, ROOT.pem, NONE_REVOKED))
    with session(host, ADA, application_name="shop") as ada, session(host, BOB), session(host, CY), session(host):
        assert not manage(host, ROOT.pem, NONE_REVOKED)["changed"]
        fresh = ROOT.revocations() + WORKS.revocations(WORKS.client("gone"))
        done(manage(host, ROOT.pem, fresh))  # nobody who is here

        refused = manage(host, ROOT.pem, ROOT.revocations() + WORKS.revocations(ADA))
        assert refused["failed"] and [client["pids"] for client in refused["refused"]] == [[ada.info.backend_pid]], (
            refused
        )
        assert f"number {ADA.serial} of /O=Shop/CN=Works\\; named\\, that is cut" in refused["msg"], refused["msg"]
        assert "is revoked" in refused["msg"] and not refused["unproven"] and gets_in(host, ADA)
        assert manage(host, ROOT.pem, ROOT.revocations() + WORKS.revocations(ADA), accept_unproven=[{"user": "app"}])[
            "failed"
        ]

        done(manage(host, ROOT.pem, ROOT.revocations() + WORKS.revocations(ADA), allow_lockout=True))
        assert not gets_in(host, ADA) and ada.execute("SELECT 1").fetchone() == (1,)
        # It has lost what it had before: no consequence of the next list, which is installed and says so.
        later = done(manage(host, ROOT.pem, ROOT.revocations() + WORKS.revocations(ADA, WORKS.client("gone"))))
        assert any("is revoked" in warning for warning in later["warnings"]), later
        gone = done(
            manage(
                host, ROOT.pem, ROOT.revocations() + WORKS.revocations(ADA), allow_lockout=True, sessions="terminate"
            )
        )
        assert [(item["pid"], item["action"]) for item in gone["sessions"]] == [(ada.info.backend_pid, "terminate")]
    assert not gets_in(host, ADA) and gets_in(host, BOB) and gets_in(host, CY) and gets_in(host)


@pytest.mark.in_turn
def test_a_list_that_an_intermediate_lacks(host: Server) -> None:
    done(manage(host, ROOT.pem))
    with session(host, ADA), session(host, CY):
        refused = manage(host, ROOT.pem, ROOT.revocations())
        assert refused["failed"] and "without a list of what that revoked" in refused["msg"], refused
        assert [item["reason"].split()[5] for item in refused["refused"]] == ["/O=Shop/CN=Works\\;"], refused
        done(manage(host, ROOT.pem, NONE_REVOKED))
        assert gets_in(host, ADA) and gets_in(host, CY)
        done(manage(host, ROOT.pem, ROOT.revocations(), allow_lockout=True))
    assert not gets_in(host, ADA) and gets_in(host, CY)


@pytest.mark.in_turn
def test_an_intermediate_that_is_revoked_itself(host: Server) -> None:
    done(manage(host, ROOT.pem, NONE_REVOKED))
    revoking = ROOT.revocations(WORKS) + WORKS.revocations()
    with session(host, ADA), session(host, CY):
        refused = manage(host, ROOT.pem, revoking)
        assert refused["failed"] and "is itself among what is revoked is not known" in refused["msg"], refused
        assert len(refused["unproven"]) == 1 and not refused["refused"]
        done(manage(host, ROOT.pem, revoking, allow_lockout=True))
    assert not gets_in(host, ADA) and gets_in(host, CY)


@pytest.mark.in_turn
def test_authorities_that_come_and_go(host: Server) -> None:
    done(manage(host, ROOT.pem))
    new = Issuer.root("Root")  # another key under the same name
    with session(host, ADA), session(host, CY):
        done(manage(host, ROOT.pem + OTHER.pem))
        assert gets_in(host, ADA) and gets_in(host, STALE)
        for authorities, counts in ((OTHER.pem, (1, 1)), (new.pem, (2, 0))):
            refused = manage(host, authorities)
            assert (len(refused["refused"]), len(refused["unproven"])) == counts, refused
            assert "and nobody vouches for that any more" in refused["msg"]
        both = NONE_REVOKED + new.revocations()
        known = done(manage(host, ROOT.pem + new.pem, both, accept_unproven=[{"user": "app"}]))
        assert any("have the same name and different keys" in warning for warning in known["warnings"]), known
        assert gets_in(host, ADA) and gets_in(host, CY) and gets_in(host, new.client("app"))
        assert not gets_in(host, new.client("app", by_key=False))  # as the warning says
