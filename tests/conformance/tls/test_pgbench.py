"""pgbench of Debian, with the libpq and the OpenSSL of its release, while certificates are made anew."""

from __future__ import annotations

import math
import pathlib
import re
import subprocess
import time
import typing as t

import pytest

from ansible_collections.rampart.postgresql.tests.conformance import counts
from ansible_collections.rampart.postgresql.tests.conformance.servers import BUILD
from ansible_collections.rampart.postgresql.tests.conformance.servers import Workshop
from ansible_collections.rampart.postgresql.tests.conformance.tls.clients import libpq
from ansible_collections.rampart.postgresql.tests.conformance.tls.clients import pgbench
from ansible_collections.rampart.postgresql.tests.conformance.tls.clients import trusted
from ansible_collections.rampart.postgresql.tests.conformance.tls.rotations import WAYS
from ansible_collections.rampart.postgresql.tests.conformance.tls.rotations import Rotation
from ansible_collections.rampart.postgresql.tests.conformance.tls.rotations import SelfSigned

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

pytestmark = [pytest.mark.with_clients, pytest.mark.in_turn]

ROTATIONS: t.Final = 20
_SECONDS: t.Final = 8  # of pgbench; more of them where that is not enough for the rotations


@pytest.fixture(scope="module")
def workshop() -> Iterator[Workshop]:
    """The servers that all tests have: those of Debian run under the name of a loader here, so no module finds them."""
    workshop = Workshop(BUILD / "postgres")
    yield workshop
    workshop.close()


@pytest.fixture
def fresh_server(workshop: Workshop, major: int) -> Iterator[Server]:
    """A running server of the test's own."""
    server = workshop.server(major)
    yield server
    workshop.discard(server)


@pytest.mark.parametrize("way", WAYS)
def test_pgbench_that_connects_for_each_transaction_loses_none(
    fresh_server: Server, tmp_path: pathlib.Path, way: str
) -> None:
    server = fresh_server
    rotation = WAYS[way](server)
    rotation.rotate()
    rotations, seconds = 0, _SECONDS
    while rotations < ROTATIONS:
        running = pgbench(server, rotation.root, tmp_path / "script.sql", seconds=seconds)
        with libpq(server, rotation.root) as session:
            rotations = _rotate_until_the_end(rotation, running)
            assert session.execute("SELECT 1").fetchone() == (1,)
        output, _nothing = running.communicate(timeout=60)
        assert running.returncode == 0, output
        for words in ("error", "aborted", "fatal"):
            assert words not in output.lower(), output
        seconds = math.ceil(1.3 * seconds * ROTATIONS / max(1, rotations))
    [made] = re.findall(r"transactions actually processed: (\d+)", output)
    assert int(made) > ROTATIONS, output
    words = f"PostgreSQL {server.major} and pgbench of its release, {way}: no connection was lost"
    counts.tell("pgbench", words, {"connections": int(made), "rotations": rotations})


def _rotate_until_the_end(rotation: Rotation, running: subprocess.Popen[str]) -> int:
    """How many rotations began and ended while pgbench was at work."""
    count = -1
    while running.poll() is None:
        count += 1
        rotation.rotate()
    return count


def test_pgbench_notices_a_certificate_that_it_does_not_trust(fresh_server: Server, tmp_path: pathlib.Path) -> None:
    server = fresh_server
    rotation = SelfSigned(server)
    rotation.rotate()
    old = (server.data_directory / "rampart-server.pem").read_bytes()
    running = pgbench(server, rotation.root, tmp_path / "script.sql", seconds=30)
    time.sleep(0.5)
    assert running.poll() is None, running.communicate()
    rotation.rotate()
    trusted(rotation.root.parent, old)
    output, _nothing = running.communicate(timeout=60)
    assert running.returncode != 0, output
    assert "certificate verify failed" in output
