"""The playbooks about certificates on a fleet of real servers, each of which is a host of the inventory."""

from __future__ import annotations

import re
import typing as t

import pytest

from ansible_collections.rampart.postgresql.tests.conformance.plays import host_of
from ansible_collections.rampart.postgresql.tests.conformance.plays import play
from ansible_collections.rampart.postgresql.tests.conformance.tls.test_expiry import Pki
from ansible_collections.rampart.postgresql.tests.conformance.tls.test_expiry import put
from ansible_collections.rampart.postgresql.tests.conformance.tls.test_expiry import serve
from ansible_collections.rampart.postgresql.tests.papers import DAY
from ansible_collections.rampart.postgresql.tests.papers import key_text

if t.TYPE_CHECKING:
    import pathlib

    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Workshop

TABLE = re.compile(r" (soon|ok|unknown) +(/|the server is down|.*Failed to connect|in the authority)")
AWAY = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1}


@pytest.mark.in_turn
def test_when_certificates_expire(workshop: Workshop, fresh_server: Server, major: int, tmp_path: pathlib.Path) -> None:
    pki = Pki()
    old = workshop.server(major)
    down = workshop.server(major)
    try:
        serve(fresh_server, pki)
        serve(old, pki)
        soon = pki.issue("db2", by=pki.intermediate, days=9)
        put(old, "own.pem", key_text(soon.key) + soon.text + pki.intermediate.text)
        old.reload()
        down.stop()
        textfile = tmp_path / "postgresql.prom"
        fleet = {
            "db1": host_of(fresh_server),
            "db2": host_of(old, certificate_expiry_textfile=str(textfile)),
            "db3": host_of(down),
            "db4": AWAY,
        }
        authority = {"path": str(tmp_path / "authority"), "passphrase": "only for this test"}
        extra = {"pg_tls_authority": authority}
        assert play("certificate_authority", fleet, tmp_path, extra=extra).code == 0
        told = play("certificate_expiry", fleet, tmp_path, extra=extra)
        assert told.code == 0, told.output
        assert [host for host, changed in told.changed.items() if changed] == ["db2"]
        first = [re.split("  +", line.strip(' ",'))[0] for line in told.output.splitlines() if TABLE.search(line)]
        assert first[:4] == ["db3", "db4", "db2", "db1"], told.output
        assert first.count("controller") == 3  # root, intermediate, the first of the lists
        assert authority["passphrase"] not in told.output
        assert not any(key_text(key).decode().split()[5] in told.output for key in (pki.server.key, soon.key))

        strict = {
            "good": host_of(fresh_server, certificate_expiry_fail="warning"),
            "soon": host_of(old, certificate_expiry_fail="warning"),
            "soon_enough": host_of(old, certificate_expiry_fail="critical"),
            "down": host_of(down, certificate_expiry_fail="critical"),
        }
        judged = play("certificate_expiry", strict, tmp_path)
        assert judged.failed == {"soon", "down"}, judged.output

        metrics = textfile.read_text(encoding="utf-8").splitlines()
        (own,) = [line for line in metrics if 'role="server"' in line and "not_after_seconds{" in line]
        assert own.endswith(f" {pki.now + 9 * DAY}")
        assert 'host="db2"' in own and f'path="{old.data_directory}/own.pem"' in own
        assert sum(line.startswith("rampart_postgresql_revocation_list_next_update_seconds{") for line in metrics) == 2
        assert [path.name for path in tmp_path.iterdir() if "prom" in path.name] == ["postgresql.prom"]
    finally:
        workshop.discard(old)
        workshop.discard(down)
