"""A rotation that is killed at any of its steps, and the server with it: it serves a valid pair, and the next run
finishes the job."""

from __future__ import annotations

import collections
import os
import pathlib
import signal
import sys
import time
import types
import typing as t

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from ansible_collections.rampart.postgresql.tests.conformance import counts
from ansible_collections.rampart.postgresql.tests.conformance.killed import MOST_STEPS
from ansible_collections.rampart.postgresql.tests.conformance.killed import killed_at
from ansible_collections.rampart.postgresql.tests.conformance.killed import leftovers
from ansible_collections.rampart.postgresql.tests.conformance.tls.authorities import half
from ansible_collections.rampart.postgresql.tests.conformance.tls.authorities import signer
from ansible_collections.rampart.postgresql.tests.conformance.tls.clients import refusal
from ansible_collections.rampart.postgresql.tests.conformance.tls.clients import served
from ansible_collections.rampart.postgresql.tests.conformance.tls.clients import trusted
from ansible_collections.rampart.postgresql.tests.conformance.tls.rotations import EXTENDED
from ansible_collections.rampart.postgresql.tests.conformance.tls.rotations import Issued
from ansible_collections.rampart.postgresql.tests.conformance.tls.rotations import Rotation
from ansible_collections.rampart.postgresql.tests.conformance.tls.rotations import SelfSigned

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.plugin_utils._signing import Signer
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server


# Each of the first is a place to die at; of the others one of each kind is, but where all versions have their turn.
REPEATED: t.Final = ("", "rename", "unlink")
KINDS: t.Final = (*REPEATED[1:], "begin", "fsync", "login execute", "stream write")


def names_served(server: Server, rotation: Rotation) -> list[str]:
    """Of the certificate with which a client gets in: the server proves in the handshake that it has the key."""
    found = x509.load_der_x509_certificate(served(server))
    root = rotation.root
    if isinstance(rotation, SelfSigned):
        root = trusted(server.socket_directory, found.public_bytes(serialization.Encoding.PEM), name="served.crt")
    assert refusal(server, root) == ""
    return found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(x509.DNSName)


@pytest.mark.in_turn
def test_a_self_signed_rotation_killed_at_every_step(fresh_server: Server) -> None:
    """The task of one execution."""
    server = fresh_server
    rotation = SelfSigned(server)
    rotation.rotate()
    seen = _killed_at_every_step(server, rotation, lambda names: {"names": names})
    counts.tell("killed", f"PostgreSQL {server.major}, self_signed: killed before each step of a rotation", seen)
    for what in ("rename, old file", "login execute, new file"):
        assert seen[what], (what, seen)


@pytest.mark.in_turn
def test_an_issued_rotation_killed_at_every_step(fresh_server: Server) -> None:
    """The task of two executions: while the key is made that is going to wait, and while its certificate is installed."""
    server = fresh_server
    rotation = Issued(server)
    rotation.rotate()
    pending = server.data_directory / "rampart-server.pem.pending"

    def asking(names: list[str]) -> dict[str, t.Any]:
        return {"provider": "ca", "names": names, **signer(rotation.authority, names=names).public(int(time.time()))}

    def installing(names: list[str]) -> dict[str, t.Any]:
        told = asking(names)
        request = half(server, told).values["certificate_request"]
        assert pending.exists() and names_served(server, rotation) != names
        return {**told, "chain": signer(rotation.authority, names=names).sign(request, int(time.time())).chain_pem}

    seen = _killed_at_every_step(server, rotation, asking)
    assert seen["rename, old file"] and not [what for what in seen if what.endswith("new file")], seen
    words = f"PostgreSQL {server.major}, ca: killed before each step of"
    counts.tell("killed", f"{words} making a key that waits", seen)
    seen = _killed_at_every_step(server, rotation, installing)
    counts.tell("killed", f"{words} installing what was issued", seen)
    for what in ("rename, old file", "login execute, new file", "unlink, new file"):
        assert seen[what], (what, seen)


def _killed_at_every_step(
    server: Server, rotation: Rotation, options: t.Callable[[list[str]], dict[str, t.Any]]
) -> collections.Counter[str]:
    """How often it was killed before which step; the options of a run are made by ``options`` of the names it wants."""
    seen: collections.Counter[str] = collections.Counter()
    for kind in ("",) if EXTENDED else KINDS:  # empty: of any kind
        for step in range(1, MOST_STEPS):
            if not _dies(server, rotation, options, seen, step=step, kind=kind) or kind not in REPEATED:
                break
        assert step < MOST_STEPS - 1, "the run was never completed"
    return seen


def _dies(
    server: Server,
    rotation: Rotation,
    options: t.Callable[[list[str]], dict[str, t.Any]],
    seen: collections.Counter[str],
    *,
    step: int,
    kind: str,
) -> bool:
    """Whether a run came to this step; it was killed there then, and another one made the certificate."""
    old, new = rotation.names, rotation.other_names
    killed = killed_at(step, "certificate", server, of_kind=kind, **options(new))
    if killed.by_signal:
        server.stop(mode="immediate")
        server.start()
        after = names_served(server, rotation)
        assert after in (old, new), killed
        seen[f"{killed.steps[-1]}, {'new' if after == new else 'old'} file"] += 1
    rotation.converge(new)
    assert names_served(server, rotation) == new, killed
    assert not _remains(server), (killed, _remains(server))
    rotation.names, rotation.other_names = new, old
    return killed.by_signal


def _remains(server: Server) -> list[pathlib.Path]:
    """Temporary files, and keys that wait for a certificate."""
    return [*leftovers(server), *server.data_directory.glob("*.pending")]


@pytest.mark.in_turn
def test_a_controller_killed_while_it_signs(fresh_server: Server) -> None:
    """Nothing is handed out that the record does not hold, and the host's key goes on waiting for the next run."""
    server = fresh_server
    rotation = Issued(server)
    rotation.rotate()
    old, new = rotation.names, rotation.other_names
    seen: collections.Counter[str] = collections.Counter()
    for step in range(1, MOST_STEPS):
        asked = signer(rotation.authority, names=new)
        told = {"provider": "ca", "names": new, **asked.public(int(time.time()))}
        request = half(server, told).values["certificate_request"]
        steps = _killed_while_signing(step, asked, request)
        if len(steps) < step:
            break
        seen[steps[-1]] += 1
        assert names_served(server, rotation) == old
        assert half(server, told).values["certificate_request"] == request, "the same key is waiting"
        rotation.converge(new)
        assert names_served(server, rotation) == new and not _remains(server), (steps, _remains(server))
        record = {entry.serial for entry in rotation.authority.open().entries()}
        serial = x509.load_der_x509_certificate(served(server)).serial_number
        assert f"{serial:x}" in record, steps
        old, new = new, old
    assert step < MOST_STEPS - 1
    counts.tell("killed", f"PostgreSQL {server.major}, ca: the controller killed before each step of signing", seen)
    for what in ("open", "write", "fsync"):
        assert seen[what], (what, seen)


def _killed_while_signing(step: int, asked: Signer, request: str) -> list[str]:
    """The steps that a child took; it is killed before this one, and does not come to it when they are fewer."""
    reader, writer = os.pipe()
    count = 0

    def profile(frame: types.FrameType, event: str, function: t.Any) -> None:
        nonlocal count
        if event != "c_call" or not frame.f_code.co_filename.endswith("plugin_utils/_files.py"):
            return
        if function.__name__ in ("flock", "fsync", "open", "pread", "write"):
            count += 1
            os.write(writer, f"{function.__name__}\n".encode())
            if count == step:
                os.kill(os.getpid(), signal.SIGKILL)

    child = os.fork()
    if not child:
        sys.setprofile(profile)
        asked.sign(request, int(time.time()))
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, encoding="utf-8") as told:
        steps = told.read().splitlines()
    os.waitpid(child, 0)
    return steps
