# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Addresses, sockets and connections: what each profile sets; private to the collection.

Almost everything here is a decision of the site and set only when given (the role's options).
"""

from __future__ import annotations

from ansible_collections.rampart.postgresql.plugins.plugin_utils._profiles.model import ProfileParameter

__all__ = ["PARAMETERS"]

PARAMETERS: tuple[ProfileParameter, ...] = (
    ProfileParameter(
        name="client_connection_check_interval",
        reason="A query whose client has gone is ended instead of holding its connection slot and its locks.",
        baseline=None,
        cis=None,
        strict="10s",
        cost="one poll of the socket in each interval of a running query",
        optional=True,
    ),
)
