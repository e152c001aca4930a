"""No private key and no passphrase is to be seen anywhere while everything about certificates is done by real plays."""

from __future__ import annotations

import base64
import pathlib
import secrets
import sys
import tempfile
import typing as t

import pytest
from cryptography.hazmat.primitives import serialization

from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server as OpenedServer
from ansible_collections.rampart.postgresql.plugins.module_utils._server.session import Options
from ansible_collections.rampart.postgresql.plugins.module_utils._tls import keys
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.certificate import DEFAULT_KEY
from ansible_collections.rampart.postgresql.tests.conformance import counts
from ansible_collections.rampart.postgresql.tests.conformance.leaks import PLACES
from ansible_collections.rampart.postgresql.tests.conformance.leaks import Secrets
from ansible_collections.rampart.postgresql.tests.conformance.leaks import watched_play
from ansible_collections.rampart.postgresql.tests.conformance.tls.authorities import TestAuthority
from ansible_collections.rampart.postgresql.tests.conformance.tls.rotations import EXTENDED

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

# Of this process: others that run the same tests now are seen too.
PASSPHRASE, CLIENT_PASSPHRASE, WRONG = (secrets.token_urlsafe(16) for _secret in range(3))
SECRETS: t.Final = {"ca_passphrase": PASSPHRASE, "client_passphrase": CLIENT_PASSPHRASE, "wrong_passphrase": WRONG}


@pytest.fixture
def place() -> Iterator[pathlib.Path]:
    """A directory with a short name."""
    with tempfile.TemporaryDirectory(prefix="leak-", dir="/tmp") as name:
        yield pathlib.Path(name)


def host(server: Server) -> dict[str, t.Any]:
    return {
        "ansible_connection": "local",
        "ansible_python_interpreter": sys.executable,
        "cluster": str(server.data_directory),
    }


def everything(server: Server, authority: pathlib.Path, clients: pathlib.Path) -> list[dict[str, t.Any]]:
    """An authority, certificates of each kind, their renewal, and what goes wrong; each result is shown."""
    collection = "rampart.postgresql."
    own = {"path": str(authority), "passphrase": "{{ ca_passphrase }}"}
    common = {"cluster": "{{ cluster }}", "rehearse": False}
    certificate = {**common, "provider": "ca", "authority": own, "names": ["localhost"]}
    client = {"authority": own, "role": "app", "path": str(clients / "plain")}
    harden = {
        "pg_harden_clusters": [{"cluster": "{{ cluster }}"}],
        "pg_tls_provider": "ca",
        "pg_tls_authority": {**own, "trust_clients": True},
        "pg_tls_names": ["localhost"],
    }
    tasks: list[tuple[str, dict[str, t.Any], dict[str, t.Any]]] = [
        ("certificate_authority", own, {}),
        ("certificate", certificate, {}),
        ("certificate", {**certificate, "key_type": "rsa"}, {}),
        ("certificate", {**common, "provider": "request", "names": ["other"]}, {}),
        ("client_certificate", client, {}),
        (
            "client_certificate",
            {**client, "path": str(clients / "locked"), "key_passphrase": "{{ client_passphrase }}"},
            {},
        ),
        ("client_certificate", {**client, "state": "revoked"}, {}),
        ("certificate_authority", {**own, "passphrase": "{{ wrong_passphrase }}"}, {"ignore_errors": True}),
        (
            "certificate",
            {**certificate, "names": ["db1"], "authority": {**own, "passphrase": "{{ wrong_passphrase }}"}},
            {"ignore_errors": True},
        ),
        ("certificate", {**certificate, "names": ["not a name"]}, {"ignore_errors": True}),
        ("certificate", {**certificate, "provider": "self_signed"}, {"ignore_errors": True}),
    ]
    names = [f"done_{number}" for number in range(len(tasks))]
    steps: list[dict[str, t.Any]] = [
        {f"{collection}{module}": options, "register": name, **more}
        for name, (module, options, more) in zip(names, tasks, strict=True)
    ]
    steps.append({"ansible.builtin.debug": {"msg": [f"{{{{ {name} }}}}" for name in names]}})
    role = {"ansible.builtin.include_role": {"name": f"{collection}pg_tls"}, "vars": harden}
    return [*steps, role, {"ansible.builtin.debug": {"var": "pg_harden_result"}}]


def secrets_of(server: Server, authority: pathlib.Path, clients: pathlib.Path) -> tuple[Secrets, dict[str, int]]:
    """What the plays made, previous versions included."""
    found = Secrets()
    for name, text in SECRETS.items():
        found.add_text(name, text)
    numbers = {
        "server": sum(found.add_keys(f"key in {path.name}", path.read_bytes()) for path in _server_files(server)),
        "authority": sum(
            found.add_keys(path.name, path.read_bytes(), PASSPHRASE) for path in authority.glob("1/*.key")
        ),
        "clients": sum(
            found.add_keys(path.name, path.read_bytes(), CLIENT_PASSPHRASE) for path in clients.glob("*/*.key")
        ),
    }
    return found, numbers


def _server_files(server: Server) -> list[pathlib.Path]:
    with OpenedServer.open(Options(cluster=str(server.data_directory))) as opened:
        history = pathlib.Path(opened.history.directory)
    files = [path for folder in (server.data_directory, history) for path in folder.rglob("*rampart-server*")]
    return [path for path in files if b"PRIVATE KEY" in path.read_bytes()]


# How the modules get to the host: as files, which stay there, or in all runs that have the time, through a pipe too.
WAYS: t.Final = {"files": False, "pipelining": True} if EXTENDED else {"files": False}


@pytest.mark.in_turn
@pytest.mark.parametrize("pipelining", WAYS.values(), ids=WAYS)
def test_nothing_secret_is_seen(fresh_server: Server, place: pathlib.Path, pipelining: bool) -> None:
    server = fresh_server
    authority, clients = place / "authority", place / "clients"
    clients.mkdir()
    done = watched_play(
        everything(server, authority, clients), {"db1": host(server)}, place, secrets=SECRETS, pipelining=pipelining
    )
    assert done.code == 0, done.output
    assert done.output.count("...ignoring") == 4, done.output
    for words in (
        "rampart-clients.pem",
        "root.key cannot be opened with this passphrase",
        "intermediate.key cannot be opened with this passphrase",
        "names[0]: 'not a name' cannot be used",
        "provider: 'self_signed' cannot be used",
    ):
        assert words in done.output, words
    assert "Traceback" not in done.output
    known, numbers = secrets_of(server, authority, clients)
    assert numbers["server"] >= 3 and numbers["authority"] == 2 and numbers["clients"] >= 1, numbers
    assert done.leaks(known) == {}
    assert all(done.seen[place] for place in PLACES), {place: len(found) for place, found in done.seen.items()}
    words = f"PostgreSQL {server.major}, pipelining {'on' if pipelining else 'off'}: no secret was seen"
    counts.tell("secrets", words, {place: sum(map(len, found)) for place, found in done.seen.items()})


def test_a_planted_leak_is_found_in_each_place(place: pathlib.Path) -> None:
    authority = TestAuthority(place / "authority")
    key = (authority.path / "1" / "root.key").read_bytes()
    clear = place / "hidden-key.pem"
    known = Secrets()
    known.add_text("passphrase", PASSPHRASE)
    assert known.add_keys("key", key, "correct horse battery staple") == 1
    leaks: list[dict[str, t.Any]] = [
        {"ansible.builtin.debug": {"msg": "{{ ca_passphrase }}"}},
        {"ansible.builtin.debug": {"msg": "{{ lookup('file', '" + str(authority.path / "1" / "root.key") + "') }}"}},
        {"ansible.builtin.copy": {"content": "{{ ca_passphrase }}", "dest": str(clear)}, "no_log": True},
        {
            "ansible.builtin.command": {"argv": ["sleep", "0.3"]},
            "environment": {"LEAK": "{{ ca_passphrase }}"},
            "no_log": True,
        },
        {"ansible.builtin.command": {"argv": ["sh", "-c", "sleep 0.3", "{{ ca_passphrase }}"]}, "no_log": True},
        {"ansible.builtin.set_fact": {"leak": "{{ ca_passphrase }}", "cacheable": True}, "no_log": True},
    ]
    hosts = {"db1": {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}}
    done = watched_play(leaks, hosts, place, secrets=SECRETS, pipelining=False)
    assert done.code == 0, done.output
    assert set(done.leaks(known)) == set(PLACES)
    for where in ("output", "log", "return values"):
        assert done.leaks(known)[where] == {"passphrase", "key"}
    for where in ("argv", "environ", "host files"):
        assert done.leaks(known)[where] == {"passphrase"}


def test_a_key_is_found_however_it_is_spelled() -> None:
    key = keys.new_key(DEFAULT_KEY)
    known = Secrets()
    assert known.add_keys("key", keys.unprotected(key)) == 1
    value = key.private_numbers().private_value
    number = value.to_bytes(32, "big")
    der = key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    pem = keys.unprotected(key)
    spellings = (pem, der, number.hex().upper().encode(), str(value).encode(), base64.b64encode(der))
    for spelling in spellings:
        assert known.found_in(b"something {" + spelling + b"} else"), spelling
    assert not known.found_in(keys.unprotected(keys.new_key(DEFAULT_KEY)))
