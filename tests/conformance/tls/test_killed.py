"""A rotation that is killed at any of its steps, and the server with it: it serves a valid pair, and the next run
finishes the job."""

from __future__ import annotations

import collections
import typing as t

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from ansible_collections.rampart.postgresql.tests.conformance import counts
from ansible_collections.rampart.postgresql.tests.conformance.killed import MOST_STEPS
from ansible_collections.rampart.postgresql.tests.conformance.killed import killed_at
from ansible_collections.rampart.postgresql.tests.conformance.killed import leftovers
from ansible_collections.rampart.postgresql.tests.conformance.tls.clients import refusal
from ansible_collections.rampart.postgresql.tests.conformance.tls.clients import served
from ansible_collections.rampart.postgresql.tests.conformance.tls.clients import trusted
from ansible_collections.rampart.postgresql.tests.conformance.tls.rotations import SelfSigned

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server


def names_served(server: Server) -> list[str]:
    """Of the certificate with which a client gets in: the server proves in the handshake that it has the key."""
    found = x509.load_der_x509_certificate(served(server))
    root = trusted(server.socket_directory, found.public_bytes(serialization.Encoding.PEM), name="served.crt")
    assert refusal(server, root) == ""
    return found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(x509.DNSName)


@pytest.mark.in_turn
def test_a_self_signed_rotation_killed_at_every_step(fresh_server: Server) -> None:
    server = fresh_server
    rotation = SelfSigned(server)
    rotation.rotate()
    old, new = rotation.names, rotation.other_names
    seen: collections.Counter[str] = collections.Counter()
    for step in range(1, MOST_STEPS):
        killed = killed_at(step, "certificate", server, names=new)
        if not killed.by_signal:
            break
        server.stop(mode="immediate")
        server.start()
        after = names_served(server)
        assert after in (old, new), killed
        seen[f"{killed.steps[-1]}, {'new' if after == new else 'old'} file"] += 1
        rotation.converge(new)
        assert names_served(server) == new, killed
        assert not leftovers(server), (killed, leftovers(server))
        old, new = new, old
    assert step < MOST_STEPS - 1 and killed.steps, "the run was never completed"
    assert names_served(server) == new
    counts.tell("killed", f"PostgreSQL {server.major}, self_signed: killed before {step - 1} steps of a rotation", seen)
    for what in ("rename, old file", "fsync, new file"):
        assert seen[what], (what, seen)
