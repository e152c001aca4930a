# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a server is asked for its certificate."""

from __future__ import annotations

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._tls.handshake import addresses_to_ask


@pytest.mark.parametrize(
    ("listen_addresses", "expected"),
    [
        ("", ()),
        ("*", ("127.0.0.1",)),
        ("localhost", ("localhost",)),
        ("::", ("::1",)),
        ("192.0.2.1, localhost", ("localhost", "192.0.2.1")),
        ("0.0.0.0,::", ("127.0.0.1", "::1")),
        (" db1.example.org ", ("db1.example.org",)),
    ],
)
def test_loopback_is_asked_first(listen_addresses: str, expected: tuple[str, ...]) -> None:
    assert addresses_to_ask(listen_addresses) == expected
