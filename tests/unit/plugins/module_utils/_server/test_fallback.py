"""The last value of a name counts."""

from __future__ import annotations

from ansible_collections.rampart.postgresql.plugins.module_utils._server.fallback import behind


def test_values_stand_behind_all_others() -> None:
    text = behind(b"port = 1 # no newline", {"port": "5432", "listen_addresses": "it's\\"}).decode()
    assert text.splitlines()[0] == "port = 1 # no newline"
    assert text.splitlines()[2:] == ["port = '5432'", "listen_addresses = 'it''s\\\\'"]
    assert text.endswith("\n")
