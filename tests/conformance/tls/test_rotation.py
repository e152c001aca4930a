"""Rotations while clients are at work: none loses its session, none is turned away."""

from __future__ import annotations

import time
import typing as t

import psycopg
import pytest

from ansible_collections.rampart.postgresql.tests.conformance import counts
from ansible_collections.rampart.postgresql.tests.conformance.tls.clients import Crowd
from ansible_collections.rampart.postgresql.tests.conformance.tls.clients import libpq
from ansible_collections.rampart.postgresql.tests.conformance.tls.clients import served
from ansible_collections.rampart.postgresql.tests.conformance.tls.rotations import WAYS
from ansible_collections.rampart.postgresql.tests.conformance.tls.rotations import SelfSigned

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

ROTATIONS: t.Final = 20


@pytest.mark.in_turn
@pytest.mark.parametrize("way", WAYS)
def test_a_crowd_that_connects_all_the_time_notices_nothing(fresh_server: Server, way: str) -> None:
    """And a session that was open before the first rotation is open after the last."""
    server = fresh_server
    rotation = WAYS[way](server)
    rotation.rotate()
    seen = {served(server)}
    with libpq(server, rotation.root) as session, Crowd(server, rotation.root) as crowd:
        pid = session.execute("SELECT pg_backend_pid()").fetchone()
        for _rotation in range(ROTATIONS):
            before = crowd.connections
            rotation.rotate()
            seen.add(served(server))
            while crowd.connections < before + 3 and not crowd.lost:
                time.sleep(0.01)
        assert session.execute("SELECT pg_backend_pid()").fetchone() == pid
    assert crowd.lost == []
    assert len(seen) == 1 + ROTATIONS
    words = f"PostgreSQL {server.major}, {way}: nobody was turned away"
    counts.tell("rotations", words, {"rotations": ROTATIONS, "connections": crowd.connections})


def test_a_crowd_notices_a_server_that_is_not_there(fresh_server: Server) -> None:
    server = fresh_server
    rotation = SelfSigned(server)
    rotation.rotate()
    with libpq(server, rotation.root) as session, Crowd(server, rotation.root) as crowd:
        server.stop()
        with pytest.raises(psycopg.OperationalError):
            session.execute("SELECT 1")
        while not crowd.lost:
            time.sleep(0.01)
        server.start()
