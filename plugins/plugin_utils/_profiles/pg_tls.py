# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Encryption on the wire: what each profile sets; private to the collection."""

from __future__ import annotations

from ansible_collections.rampart.postgresql.plugins.plugin_utils._profiles.model import ProfileParameter
from ansible_collections.rampart.postgresql.plugins.plugin_utils._profiles.model import Reference

__all__ = ["PARAMETERS"]

# Forward secrecy (ECDHE) and authenticated encryption (GCM, ChaCha20-Poly1305) only. TLS 1.3 has nothing else.
_SUITES = (
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-CHACHA20-POLY1305",
    "ECDHE-RSA-CHACHA20-POLY1305",
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-GCM-SHA256",
)
_CIPHERS = ":".join(_SUITES)

PARAMETERS: tuple[ProfileParameter, ...] = (
    ProfileParameter(
        name="ssl",
        reason="Without it, passwords' proofs, queries and data cross the network readable and changeable.",
        baseline="on",
        cis="on",
        strict="on",
        reference=Reference("CIS 6.8", "pgdsat 2.0"),
        cost="a handshake for each new connection",
    ),
    ProfileParameter(
        name="ssl_min_protocol_version",
        reason="TLS 1.0 and 1.1 are broken; TLS 1.3 also hides the certificates and has no weak cipher left.",
        baseline="TLSv1.2",
        cis={"13": "TLSv1.2", "17": "TLSv1.3"},
        strict="TLSv1.3",
        reference=Reference("CIS 6.9", "Tenable: TLS 1.2 in 13 v1.2.0 and 14 v1.2.0, TLS 1.3 in 17 v1.0.0"),
        cost="clients whose TLS library is older than the version are refused in the handshake",
    ),
    ProfileParameter(
        name="ssl_ciphers",
        reason="The server's default admits ciphers without forward secrecy and without authenticated encryption.",
        baseline=_CIPHERS,
        cis=_CIPHERS,
        strict=_CIPHERS,
        reference=Reference("CIS 6.10", "pgdsat 2.0"),
        cost="TLS 1.2 clients without any of these ciphers are refused",
    ),
    ProfileParameter(
        name="ssl_prefer_server_ciphers",
        reason="The server's order decides, not that of the client.",
        baseline="on",
        cis="on",
        strict="on",
    ),
    ProfileParameter(
        name="ssl_groups",
        reason="The key exchange is worth 128 bits at least: what PostgreSQL itself sets, should somebody have weakened it.",
        baseline=None,
        cis=None,
        strict={"13": "prime256v1", "18": "X25519:prime256v1"},
        cost="a host in FIPS mode does not know X25519: set ssl_groups to prime256v1 there",
    ),
    ProfileParameter(
        name="ssl_tls13_ciphers",
        reason="256-bit keys only, where the server can choose among the ciphers of TLS 1.3.",
        baseline=None,
        cis=None,
        strict="TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256",
        cost="clients that offer AES-128 only are refused",
        optional=True,
    ),
)
