"""The playbook that rotates the certificates of a fleet: one real server of each major version is a host."""

from __future__ import annotations

import contextlib
import re
import typing as t

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._settings import arguments as settings
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.arguments import component
from ansible_collections.rampart.postgresql.tests.conformance.components import run_components
from ansible_collections.rampart.postgresql.tests.conformance.plays import Played
from ansible_collections.rampart.postgresql.tests.conformance.plays import host_of
from ansible_collections.rampart.postgresql.tests.conformance.plays import play
from ansible_collections.rampart.postgresql.tests.conformance.servers import MAJORS
from ansible_collections.rampart.postgresql.tests.conformance.tls.test_certificate import handshake

if t.TYPE_CHECKING:
    import pathlib
    from collections.abc import Iterator

    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Workshop

NAMES = ["localhost", "db.example.org"]
OURS = {"sections": {"pg_tls": {"ssl": "on", "ssl_min_protocol_version": "TLSv1.3"}}}
AWAY = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1}


@pytest.fixture
def fleet(workshop: Workshop) -> Iterator[dict[str, Server]]:
    with contextlib.ExitStack() as stack:
        servers = {}
        for number, major in enumerate(MAJORS, 1):
            server = workshop.server(major)
            stack.callback(workshop.discard, server)
            done = run_components(
                server, lambda: [component({"names": NAMES}), settings.component(OURS)], rehearse=False
            )
            assert not done.failed, done.output
            servers[f"db{number}"] = server
        yield servers


def hosts(servers: t.Mapping[str, Server], *names: str) -> dict[str, dict[str, t.Any]]:
    return {name: host_of(servers[name], pg_tls_names=NAMES) for name in names or servers}


def served(servers: t.Mapping[str, Server]) -> dict[str, bytes]:
    return {name: handshake(server) for name, server in servers.items() if server.is_running()}


def replaced(before: dict[str, bytes], after: dict[str, bytes]) -> list[str]:
    return [name for name in after if after[name] != before[name]]


def told(done: Played, name: str) -> str:
    """What the batch tells of a host."""
    found = re.findall(rf'^ +"({name}(?:  [^"]*)?: [^"]*)"', done.output, re.MULTILINE)
    assert len(found) == 1, done.output
    return str(found[0])


def test_batches_stop_at_the_first_failure_and_go_on_afterwards(
    fleet: dict[str, Server], tmp_path: pathlib.Path
) -> None:
    before = served(fleet)
    ours = {name: (server.data_directory / "zz_rampart.conf").read_bytes() for name, server in fleet.items()}
    playbook = "rotate_certificates"

    some = {"away": AWAY, **hosts(fleet, "db1")}
    judged = play(playbook, some, tmp_path, check=True, extra={"rotate_certificates_force": True})
    assert judged.failed == {"away"}, judged.output
    assert told(judged, "away") == "away: FAILED: it could not be reached"
    assert "would be replaced, now valid until" in told(judged, "db1")
    assert served(fleet) == before

    # A host that cannot be reached.
    force = {"rotate_certificates_force": True, "rotate_certificates_serial": [2, 5]}
    stopped = play(playbook, {"away": AWAY, **hosts(fleet)}, tmp_path, extra=force)
    assert stopped.code != 0
    assert replaced(before, served(fleet)) == ["db1"], stopped.output
    assert "stopped because of away" in stopped.output
    assert " replaced, valid until" in told(stopped, "db1")
    (moment,) = set(re.findall(r"rotate_certificates_made_since=([0-9TZ:-]+)", stopped.output))

    # A server that is down, in the middle of a batch.
    go_on = {"rotate_certificates_made_since": moment, "rotate_certificates_serial": [2, 3]}
    fleet["db3"].stop()
    stopped = play(playbook, hosts(fleet, "db2", "db3", "db4", "db5", "db6"), tmp_path, extra=go_on)
    assert stopped.code != 0
    assert "db3" in stopped.failed, stopped.output
    assert replaced(before, served(fleet)) == ["db1", "db2"]
    assert "FAILED" in told(stopped, "db3") and "the server is down" in told(stopped, "db3")
    assert "stopped because of db3" in stopped.output
    assert "db4: " not in stopped.output and "expires first" not in stopped.output

    fleet["db3"].start()
    halfway = served(fleet)
    pair = [{"cluster": str(fleet[name].data_directory)} for name in ("db5", "db6")]
    rest = hosts(fleet, "db2", "db3", "db4", "db5")
    rest["db5"]["pg_harden_clusters"] = pair
    done = play(playbook, rest, tmp_path, extra=go_on)
    assert done.code == 0, done.output
    assert replaced(halfway, served(fleet)) == ["db3", "db4", "db5", "db6"]
    assert sorted(name for name, changed in done.changed.items() if changed) == ["db3", "db4", "db5"]
    assert all(f"db5  {each['cluster']}: replaced, valid until" in done.output for each in pair)
    assert "not due, valid until" in told(done, "db2")
    # What else is ours is as it was.
    assert {name: (s.data_directory / "zz_rampart.conf").read_bytes() for name, s in fleet.items()} == ours
    assert done.output.rpartition("Tell what expires first")[2].count(" server ") == 3
