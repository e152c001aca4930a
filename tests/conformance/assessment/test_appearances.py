"""What a server shows is not always so."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.rampart.postgresql.plugins.filter.assess import assess
from ansible_collections.rampart.postgresql.tests.conformance.modules import run_module

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server


@pytest.mark.in_turn
def test_a_server_that_could_not_switch_tls_on_does_not_speak_it(fresh_server: Server) -> None:
    with fresh_server.owner.acting(), fresh_server.conf_file.open("a", encoding="utf-8") as stream:
        stream.write("ssl = on\n")
    fresh_server.reload()
    assert fresh_server.query("SHOW ssl") == [("on",)]
    facts = run_module("cluster_info", fresh_server, gather=["catalogue", "certificates"])
    [found] = assess(facts.values)
    [spoken] = [finding for finding in found["findings"] if finding["control"] == "RPG-ENC-017"]
    assert spoken["status"] == "fail"
    assert "does not offer TLS" in spoken["items"][0]["problem"]
