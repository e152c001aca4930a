# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who may do what: what each profile sets; private to the collection.

Rules and role attributes are decisions of the site and touched only when given (the role's options).
"""

from __future__ import annotations

from ansible_collections.rampart.postgresql.plugins.plugin_utils._profiles.model import ProfileParameter

__all__ = ["PARAMETERS"]

PARAMETERS: tuple[ProfileParameter, ...] = (
    ProfileParameter(
        name="allow_system_table_mods",
        reason="The catalogue is not written by hand.",
        baseline="off",
        cis="off",
        strict="off",
    ),
    ProfileParameter(
        name="lo_compat_privileges",
        reason="Large objects have privileges and they are checked.",
        baseline=None,
        cis="off",
        strict="off",
        cost="applications written for PostgreSQL before 9.0 may need grants",
    ),
    ProfileParameter(
        name="row_security",
        reason="Policies filter rows instead of making the query fail.",
        baseline=None,
        cis="on",
        strict="on",
    ),
)
