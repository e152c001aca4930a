# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Certificates from a company's authority, which is openssl here, and from files that something else renews."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import os
import pathlib
import socket
import ssl
import struct
import subprocess
import time
import typing as t

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._converge import Component
from ansible_collections.rampart.postgresql.plugins.module_utils._settings import arguments as settings
from ansible_collections.rampart.postgresql.plugins.module_utils._tls import pem
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.arguments import desired
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.component import CertificateComponent
from ansible_collections.rampart.postgresql.tests.conformance.components import run_components
from ansible_collections.rampart.postgresql.tests.conformance.modules import Result

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

NAMES = ["localhost", "db1.example.org"]
ON = {"sections": {"pg_tls": {"ssl": "on"}}}
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a file that the owner cannot read")


def run(server: Server, *, check: bool = False, rehearse: bool = False, **options: t.Any) -> Result:
    """The certificate, and ssl turned on."""

    def build() -> list[Component]:
        made = desired({"names": NAMES, **options})
        return [CertificateComponent(made, can_only_judge=check), settings.component(ON)]

    return run_components(server, build, check=check, rehearse=rehearse)


def good(result: Result) -> Result:
    assert not result.failed, result.output
    return result


def refused(result: Result, *words: str) -> None:
    assert result.failed, result.output
    for word in words:
        assert word in result.message, result.message


def own_file(server: Server) -> pathlib.Path:
    return server.data_directory / "rampart-server.pem"


def tree(server: Server) -> dict[str, bytes]:
    """Every file that could hold a key or a certificate."""
    kinds = (".conf", ".pem", ".request", ".pending")
    return {path.name: path.read_bytes() for path in server.data_directory.iterdir() if path.suffix in kinds}


def served(server: Server, *, root: str | None = None) -> str:
    """SHA-256 of the certificate that the server really serves; verified by Python's ssl where a root is given."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
        connection.sendall(struct.pack("!II", 8, 80877103))
        assert connection.recv(1) == b"S"
        context = ssl.create_default_context(cafile=root)
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT  # what openssl's x509 command makes lacks key identifiers
        if root is None:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        with context.wrap_socket(connection, server_hostname="localhost") as wrapped:
            der = wrapped.getpeercert(binary_form=True) or b""
            with contextlib.suppress(OSError):
                wrapped.unwrap()
    return ssl.DER_cert_to_PEM_cert(der)


def openssl(*arguments: str, content: str = "") -> str:
    done = subprocess.run(["openssl", *arguments], input=content, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@dataclasses.dataclass(frozen=True)
class Company:
    """An authority with an intermediate, made and used by openssl alone."""

    directory: pathlib.Path

    @classmethod
    def make(cls, directory: pathlib.Path) -> Company:
        company = cls(directory)
        curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        root = [*curve, "-keyout", company.path("root.key"), "-out", company.path("root.pem")]
        openssl("req", "-x509", *root, "-days", "90", "-subj", "/CN=Company root")
        between = [*curve, "-keyout", company.path("between.key"), "-out", company.path("between.csr")]
        openssl("req", *between, "-subj", "/CN=Company between")
        company.sign("between.csr", "between.pem", by="root", extensions="basicConstraints=critical,CA:TRUE")
        return company

    def path(self, name: str) -> str:
        return str(self.directory / name)

    def text(self, name: str) -> str:
        return pathlib.Path(self.path(name)).read_text()

    def sign(self, request: str, certificate: str, *, by: str = "between", extensions: str = "", days: int = 60) -> str:
        pathlib.Path(self.path("extensions")).write_text(extensions or "copy=1\n")
        copying = ["-copy_extensions", "copy"] if not extensions else ["-extfile", self.path("extensions")]
        authority = ["-CA", self.path(f"{by}.pem"), "-CAkey", self.path(f"{by}.key"), "-CAcreateserial"]
        files = ["-in", self.path(request), "-out", self.path(certificate)]
        openssl("x509", "-req", *files, *authority, *copying, "-days", str(days))
        return self.text(certificate)

    def answer(self, request: str, **options: t.Any) -> str:
        """The chain for a request."""
        pathlib.Path(self.path("server.csr")).write_text(request)
        return self.sign("server.csr", "server.pem", **options) + self.text("between.pem")


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    return Company.make(tmp_path_factory.mktemp("company"))


def test_a_company_answers_a_request(fresh_server: Server, company: Company) -> None:
    server = fresh_server
    good(run(server))
    before, first = tree(server), served(server)
    wanted = good(run(server, check=True, provider="request"))
    assert wanted.changed and tree(server) == before
    assert wanted.values["certificate_request"] is None  # plays ask for it in check mode too
    asked = good(run(server, provider="request"))
    request = asked.values["certificate_request"]
    assert asked.changed and "CERTIFICATE REQUEST" in request
    waiting = pathlib.Path(f"{own_file(server)}.request")
    assert (waiting.stat().st_mode & 0o7777, waiting.stat().st_uid) == (0o600, server.owner.uid)
    assert served(server) == first
    text = openssl("req", "-verify", "-noout", "-text", content=request)
    assert "DNS:localhost, DNS:db1.example.org" in text
    again = good(run(server, provider="request"))
    assert not again.changed and again.values["certificate_request"] == request
    key = [line for line in waiting.read_text().split("-----END PRIVATE")[0].splitlines() if len(line) == 64]
    assert key and not any(line in asked.output + again.output for line in key)

    chain = company.answer(request)
    present = tree(server)
    assert good(run(server, check=True, provider="install", chain=chain, rehearse=True)).changed
    assert tree(server) == present
    done = good(run(server, provider="install", chain=chain, rehearse=True))
    assert [step["subject"] for step in done.values["steps"]][:1] == [str(own_file(server))]
    assert served(server, root=company.path("root.pem")) in chain
    assert first not in chain
    assert not waiting.exists()
    assert not any(line in done.output for line in key)
    assert not good(run(server, provider="install", chain=chain)).changed
    nothing = good(run(server, provider="request", issuers=company.text("between.pem")))
    assert not nothing.changed and nothing.values["certificate_request"] is None
    kept = good(run(server))  # self-signed is no step back that anybody asked for
    assert not kept.changed and "somebody else" in kept.values["left_alone"][0]["reason"]

    renewed = company.answer(request, days=80)  # the same key, a new certificate
    assert good(run(server, provider="install", chain=renewed)).changed
    assert served(server, root=company.path("root.pem")) in renewed
    other = good(run(server, provider="request", issuers=company.text("root.pem")))
    assert other.changed and "authority that issues now" in other.values["steps"][0]["description"]


@pytest.mark.in_turn
def test_an_answer_that_clients_would_refuse_is_refused(fresh_server: Server, company: Company) -> None:
    server = fresh_server
    good(run(server))
    request = good(run(server, provider="request")).values["certificate_request"]
    chain = company.answer(request)
    before, first = tree(server), served(server)
    own, between = chain.split("-----END CERTIFICATE-----\n")[:2]
    swapped = f"{between}-----END CERTIFICATE-----\n{own}-----END CERTIFICATE-----\n"
    another = openssl("req", "-x509", "-newkey", "rsa:3072", "-nodes", "-keyout", os.devnull, "-subj", "/CN=other")
    expired = company.answer(request, days=-1) if _openssl_goes_back() else None
    refused(run(server, provider="install", chain=swapped), "chain", "first")
    refused(run(server, provider="install", chain=another, names=None), "chain", "private key of this host")
    refused(run(server, provider="install", chain="nonsense"), "chain", "PEM")
    refused(run(server, provider="install"), "chain", "provider is install")
    refused(run(server, provider="install", chain=chain, names=[*NAMES, "more.example.org"]), "lacks more.example.org")
    refused(run(server, provider="self_signed", chain=chain), "provider", "install")
    if expired:
        refused(run(server, provider="install", chain=expired), "has expired")
    assert (tree(server), served(server)) == (before, first)
    assert good(run(server, provider="install", chain=chain)).changed


def _openssl_goes_back() -> bool:
    """Older ones take no negative number of days."""
    return subprocess.run(["openssl", "version"], capture_output=True, text=True, check=True).stdout >= "OpenSSL 3.2"


@needs_root
@pytest.mark.in_turn
def test_files_that_something_else_renews_are_adopted(
    fresh_server: Server, company: Company, tmp_path: pathlib.Path
) -> None:
    server = fresh_server
    live = pathlib.Path("/run/rampart-test-acme")
    live.mkdir(mode=0o700)
    try:
        _adopt(server, company, live, tmp_path)
    finally:
        for path in live.iterdir():
            path.unlink()
        live.rmdir()


def _adopt(server: Server, company: Company, live: pathlib.Path, tmp_path: pathlib.Path) -> None:
    certificate, key = live / "fullchain.pem", live / "privkey.pem"
    options: dict[str, t.Any] = {
        "provider": "existing",
        "source_certificate": str(certificate),
        "source_key": str(key),
    }
    refused(run(server, **options), "source_certificate", str(certificate))
    first = _renewed(company, live)
    wanted = good(run(server, check=True, **options))
    done = good(run(server, **options))
    assert wanted.changed and done.changed
    assert served(server, root=company.path("root.pem")) in first
    assert own_file(server).stat().st_uid == server.owner.uid
    assert not good(run(server, **options)).changed
    second = _renewed(company, live)
    assert good(run(server, **options)).changed
    assert served(server, root=company.path("root.pem")) in second
    assert second != first

    before = tree(server)
    good_key = key.read_bytes()
    key.write_bytes(pem.make_stand_in())
    refused(run(server, **options), "source_key", "does not belong")
    key.write_bytes(b"no key")
    refused(run(server, **options), "source_key", "no private key")
    key.write_bytes(good_key)
    key.chmod(0o644)
    assert not good(run(server, **options)).changed  # nobody else gets into the directory
    live.chmod(0o755)
    refused(run(server, **options), "source_key", "not every account of this host can read")
    key.chmod(0o600)
    live.chmod(0o777)  # anybody could have put it there: it is not read with root's rights
    os.chown(key, 0, 0)
    key.chmod(0o600)
    refused(run(server, **options), "permission denied")
    live.chmod(0o700)
    assert tree(server) == before
    assert not good(run(server, **options)).changed

    planted = tmp_path / "link"  # somebody else's directory on the way
    os.chown(tmp_path, server.owner.uid, server.owner.gid)
    planted.symlink_to(key)
    refused(run(server, **{**options, "source_key": str(planted)}), "permission denied")


def _renewed(company: Company, live: pathlib.Path) -> str:
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", str(live / "privkey.pem")]
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,DNS:db1.example.org"]
    chain = company.answer(openssl("req", *key, *names))
    (live / "fullchain.pem").write_text(chain)
    return chain


@pytest.mark.in_turn
def test_it_is_made_anew_once_when_it_is_older_than_wanted(fresh_server: Server) -> None:
    server = fresh_server
    good(run(server))
    first = served(server)
    time.sleep(1.1)
    moment = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    done = good(run(server, made_since=moment))
    assert "made before" in done.values["steps"][0]["description"]
    assert served(server) != first
    assert not good(run(server, made_since=moment)).changed
    before = tree(server)
    later = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=2)).isoformat()
    refused(run(server, made_since=later), "made_since", "has passed")
    refused(run(server, made_since="2026-11-29T12:00:00"), "made_since", "time zone")
    refused(run(server, made_since="yesterday"), "made_since", "yesterday")
    assert tree(server) == before


@pytest.mark.in_turn
def test_nothing_is_made_while_the_clocks_disagree(fresh_server: Server) -> None:
    server = fresh_server
    good(run(server))
    before, first = tree(server), served(server)
    now = int(time.time())
    for clock in (now - 86400, now + 86400):
        refused(run(server, key_type="rsa", controller_clock=clock), "the clock of this host says", "controller")
        assert not good(run(server, controller_clock=clock)).changed  # nothing to do is no reason to fail
    assert (tree(server), served(server)) == (before, first)
    assert good(run(server, key_type="rsa", controller_clock=now)).changed


@pytest.mark.in_turn
def test_additional_names_come_on_top(fresh_server: Server) -> None:
    server = fresh_server
    done = good(run(server, names=None, additional_names=["service.example.org", "192.0.2.44"]))
    names = done.values["steps"][0]["after"].splitlines()[0]
    assert "localhost" in names and "service.example.org" in names and "192.0.2.44" in names
    assert not good(run(server, names=None, additional_names=["service.example.org"])).changed
    exact = good(run(server, additional_names=["service.example.org"]))
    assert exact.values["steps"][0]["after"].startswith("names: localhost, db1.example.org, service.example.org\n")
    refused(run(server, additional_names=["not a name"]), "additional_names[0]", "not a name")
