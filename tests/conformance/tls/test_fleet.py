"""A fleet gets certificates of an authority in one play with one task for each host; one of them lies about its name.

It has a host of each major version, and twenty where there is time for that.
"""

from __future__ import annotations

import json
import pathlib
import sys
import tempfile
import typing as t

import pytest
from cryptography import x509

from ansible_collections.rampart.postgresql.plugins.module_utils._tls import keys
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.certificate import DEFAULT_KEY
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.waiting import make_pending
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.waiting import read_pending
from ansible_collections.rampart.postgresql.tests.conformance.plays import AS_JSON
from ansible_collections.rampart.postgresql.tests.conformance.plays import Played
from ansible_collections.rampart.postgresql.tests.conformance.plays import run as run_playbook
from ansible_collections.rampart.postgresql.tests.conformance.servers import MAJORS
from ansible_collections.rampart.postgresql.tests.conformance.tls.authorities import PASSPHRASE
from ansible_collections.rampart.postgresql.tests.conformance.tls.authorities import TestAuthority
from ansible_collections.rampart.postgresql.tests.conformance.tls.clients import refusal
from ansible_collections.rampart.postgresql.tests.conformance.tls.clients import served
from ansible_collections.rampart.postgresql.tests.conformance.tls.clients import trusted
from ansible_collections.rampart.postgresql.tests.conformance.tls.rotations import EXTENDED

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Workshop

HOSTS: t.Final = 20 if EXTENDED else len(MAJORS)
LIAR: t.Final = f"db{HOSTS:02}.example.org"
VICTIM: t.Final = "db01.example.org"

# An interpreter of a host that somebody took over: it puts another request in the place of the module's.
_INTERPRETER = """#!{python}
import json, subprocess, sys
done = subprocess.run([{python!r}, *sys.argv[1:]], stdin=sys.stdin, capture_output=True, text=True)
answer = done.stdout
try:
    result = json.loads(answer)
except ValueError:
    result = {{}}
if result.get("certificate_request"):
    answer = json.dumps({{**result, "certificate_request": {request!r}}})
sys.stdout.write(answer)
sys.stderr.write(done.stderr)
sys.exit(done.returncode)
"""


@pytest.fixture
def fleet(workshop: Workshop) -> Iterator[dict[str, Server]]:
    """Servers of all major versions, by the names of their hosts."""
    servers = {f"db{n:02}.example.org": workshop.server(MAJORS[n % len(MAJORS)]) for n in range(1, HOSTS + 1)}
    yield servers
    for server in servers.values():
        workshop.discard(server)


@pytest.fixture
def place() -> Iterator[pathlib.Path]:
    """A directory with a short name, as Ansible makes sockets below it."""
    with tempfile.TemporaryDirectory(prefix="fleet-", dir="/tmp") as name:
        yield pathlib.Path(name)


def test_a_fleet_gets_certificates_in_one_play(fleet: dict[str, Server], place: pathlib.Path) -> None:
    authority = TestAuthority(place / "authority")
    root = trusted(place, authority.open().trust_pem.encode())
    lying = play(fleet, authority, place, liar=interpreter(place))
    assert lying.failed == {LIAR}, lying.output
    assert f"the request of {LIAR} for a certificate is refused: it may not bear {VICTIM}" in lying.output
    assert lying.executions == 2 * HOSTS - 1 and lying.tasks == 1, lying.output
    issued = {host: x509.load_der_x509_certificate(served(server)) for host, server in fleet.items() if host != LIAR}
    for host, certificate in issued.items():
        assert refusal(fleet[host], root, host=host) == "", host
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        others = set(fleet) - {host}
        assert not others & set(names.get_values_for_type(x509.DNSName)), host
    assert "does not match host name" in refusal(fleet[VICTIM], root, host="db02.example.org")
    assert len({certificate.serial_number for certificate in issued.values()}) == HOSTS - 1
    assert len({keys.digest(certificate.public_key()) for certificate in issued.values()}) == HOSTS - 1
    recorded = [entry.owner for entry in authority.open().entries() if entry.usage == "server"]
    assert sorted(recorded) == sorted(issued)

    honest = play(fleet, authority, place)
    assert not honest.failed, honest.output
    assert {host for host, count in honest.changed.items() if count} == {LIAR}, honest.output
    assert refusal(fleet[LIAR], root, host=LIAR) == ""
    assert {host: x509.load_der_x509_certificate(served(fleet[host])) for host in issued} == issued


class _Counted(Played):
    """With the number of tasks, and of the modules that were executed."""

    def __init__(self, code: int, output: str) -> None:
        super().__init__(code, output)
        self.executions = output.count("Using module file ")
        self.tasks = output.count("\nTASK [")


def play(
    fleet: dict[str, Server], authority: TestAuthority, place: pathlib.Path, *, liar: pathlib.Path | None = None
) -> _Counted:
    """One play, one task; ``ssl`` is turned on by the same task."""
    hosts = {
        host: {
            "ansible_connection": "local",
            "ansible_python_interpreter": str(liar) if liar and host == LIAR else sys.executable,
            "data_directory": str(server.data_directory),
        }
        for host, server in fleet.items()
    }
    task = {
        "rampart.postgresql.cluster": {
            "cluster": "{{ data_directory }}",
            "rehearse": False,
            "certificate": {"provider": "ca", "authority": {"path": str(authority.path), "passphrase": PASSPHRASE}},
            "settings": {"sections": {"tls": {"ssl": "on"}}},
        }
    }
    inventory, playbook = place / "inventory.json", place / "play.yml"
    inventory.write_text(json.dumps({"all": {"hosts": hosts}}), encoding="utf-8")
    playbook.write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": [task]}]), encoding="utf-8")
    words = ("-vvv", "--forks", "4", "-i", str(inventory), str(playbook))
    done = run_playbook(*words, home=place / "home", **AS_JSON)
    return _Counted(done.code, done.output)


def interpreter(place: pathlib.Path) -> pathlib.Path:
    """That of the liar, who asks for the victim's name with a key of its own."""
    pending = read_pending(make_pending((VICTIM,), DEFAULT_KEY))
    assert pending is not None
    path = place / "python"
    path.write_text(_INTERPRETER.format(python=sys.executable, request=pending.request), encoding="utf-8")
    path.chmod(0o755)
    return path
