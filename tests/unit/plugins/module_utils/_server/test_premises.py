"""What a configuration needs of the host."""

from __future__ import annotations

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._server.premises import Host
from ansible_collections.rampart.postgresql.plugins.module_utils._server.premises import asked_for
from ansible_collections.rampart.postgresql.plugins.module_utils._server.premises import cipher_faults
from ansible_collections.rampart.postgresql.plugins.module_utils._server.premises import memory_faults
from ansible_collections.rampart.postgresql.plugins.module_utils._server.premises import socket_faults
from ansible_collections.rampart.postgresql.plugins.module_utils._server.premises import wal_faults

HOST = Host(memory=1000 * 8192, huge_pages=100 * 8192)


@pytest.mark.parametrize(
    ("blocks", "huge", "named"),
    [(1000, "off", ""), (1001, "off", "shared_buffers"), (100, "on", ""), (101, "on", "huge_pages"), (101, "try", "")],
)
def test_shared_memory_has_to_fit(blocks: int, huge: str, named: str) -> None:
    found = memory_faults({"shared_buffers": str(blocks), "huge_pages": huge}, 8192, HOST)
    assert [text.partition(":")[0] for text in found] == ([named] if named else [])


def test_a_socket_needs_a_short_path_in_a_directory_of_the_owners() -> None:
    limit = "/" + 92 * "x"
    assert len(f"{limit}/.s.PGSQL.5432") == 107

    def faults(directories: str) -> list[str]:
        return socket_faults({"port": "5432", "unix_socket_directories": directories}, lambda path: path != "/no")

    assert faults(f'/tmp, "{limit}", @abstract') == []
    assert "108 bytes" in faults(f"{limit}x")[0]
    assert "/no" in faults("/tmp, /no")[0]
    assert "no way in" in faults("")[0]


def test_two_segments_of_the_live_cluster_have_to_fit() -> None:
    values = {"max_wal_size": "32", "min_wal_size": "31"}
    assert [text.partition(":")[0] for text in wal_faults(values, 16 * 1024**2)] == ["min_wal_size"]
    assert wal_faults(values, 1024**2) == []


def test_ciphers_have_to_be_some() -> None:
    assert cipher_faults("HIGH:!aNULL") == []
    assert "NONSENSE" in cipher_faults("NONSENSE")[0]


def test_only_what_is_touched_is_asked_for_with_what_belongs_to_it() -> None:
    known = {"work_mem", "huge_pages", "shared_buffers", "archive_command"}
    assert asked_for(frozenset({"work_mem"}), known) == []
    assert asked_for(frozenset({"work_mem", "huge_pages"}), known) == ["shared_buffers", "huge_pages"]
    assert asked_for(frozenset({"archive_command"}), known) == ["archive_command"]
