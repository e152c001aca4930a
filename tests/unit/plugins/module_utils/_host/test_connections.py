"""What the kernel tells of connections."""

from __future__ import annotations

import socket
import sys

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._host.connections import local_ends
from ansible_collections.rampart.postgresql.plugins.module_utils._host.connections import parse_connections

FOUR = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1538 00000000:0000 0A 00000000:00000000 00:00000000 00000000   101        0 1 1 0000000000000000
   1: 0100007F:1538 0200007F:D431 01 00000000:00000000 00:00000000 00000000   101        0 2 1 0000000000000000
   2: 0100000A:1539 0700030A:D431 01 00000000:00000000 00:00000000 00000000   101        0 3 1 0000000000000000
   3: 0200007F:D431 0100007F:1538 01 00000000:00000000 00:00000000 00000000   101        0 4 1 0000000000000000
"""
SIX = """\
   0: 00000000000000000000000001000000:1538 00000000000000000000000001000000:D432 08 0:0 0:0 0 101 0 5 1 0
"""


@pytest.mark.skipif(sys.byteorder != "little", reason="the kernel writes words in the order of the processor")
def test_lines_of_the_kernel() -> None:
    found = parse_connections([*FOUR.splitlines(), *SIX.splitlines()], 5432)
    assert found == {
        (socket.inet_aton("127.0.0.2"), 54321): socket.inet_aton("127.0.0.1"),
        (socket.inet_pton(socket.AF_INET6, "::1"), 54322): socket.inet_pton(socket.AF_INET6, "::1"),
    }


def test_a_process_that_is_not_there() -> None:
    assert local_ends(2**30, 5432) == {}
