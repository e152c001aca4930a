"""The playbook harden in check mode writes down what it would change, and of whom nothing is known."""

from __future__ import annotations

import json
import typing as t

import pytest

from ansible_collections.rampart.postgresql.tests.conformance import plays

if t.TYPE_CHECKING:
    import pathlib

    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

_UNREACHABLE: t.Final = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1}


@pytest.mark.in_turn
def test_what_differs_is_a_row_and_becomes_a_tab(fresh_server: Server, tmp_path: pathlib.Path) -> None:
    with fresh_server.connect() as connection:
        connection.execute("CREATE ROLE intruder SUPERUSER")
    wanted = {"pg_access_allow": [{"role": fresh_server.superuser, "attributes": ["SUPERUSER"]}]}
    hosts = {"db1": plays.host_of(fresh_server, **wanted), "away": _UNREACHABLE}
    written = tmp_path / "drift.json"
    played = plays.play("harden", hosts, tmp_path, check=True, extra={"harden_drift": str(written)})
    assert written.exists(), played.output
    document = json.loads(written.read_text(encoding="utf-8"))
    assert document["hosts"] == document["drifted"] == ["away", "db1"]
    found = {(row["host"], row["component"], row["severity"]) for row in document["rows"]}
    assert ("away", "unknown", "high") in found
    assert ("db1", "role_attributes", "high") in found
    (role,) = [row for row in document["rows"] if row["component"] == "role_attributes"]
    assert "intruder" in role["subject"]
    assert "NOSUPERUSER" in role["statement"]
    settings = [row for row in document["rows"] if row["component"] == "settings"]
    assert any("log_disconnections" in row["after"] for row in settings)
    with fresh_server.connect() as connection:
        assert connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = 'intruder'").fetchone() == (True,)

    told = {"audit_directory": str(tmp_path / "audit"), "audit_formats": ["html"], "audit_drift": str(written)}
    played = plays.play("audit", {"db1": plays.host_of(fresh_server)}, tmp_path, extra=told)
    assert played.code == 0, played.output
    assert 'href="#/drift"' in (tmp_path / "audit" / "report.html").read_text(encoding="utf-8")


def test_nothing_is_known_of_a_fleet_that_is_away(tmp_path: pathlib.Path) -> None:
    written = tmp_path / "drift.json"
    written.write_text("an older one", encoding="utf-8")
    hosts = {"away": _UNREACHABLE, "gone": _UNREACHABLE}
    played = plays.play("harden", hosts, tmp_path, check=True, extra={"harden_drift": str(written)})
    assert played.failed == set(hosts)
    document = json.loads(written.read_text(encoding="utf-8"))
    assert document["hosts"] == document["drifted"] == ["away", "gone"]
    assert {(row["component"], row["severity"]) for row in document["rows"]} == {("unknown", "high")}
