# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a client proves who it is: what each profile sets; private to the collection."""

from __future__ import annotations

from ansible_collections.rampart.postgresql.plugins.plugin_utils._profiles.model import ProfileParameter
from ansible_collections.rampart.postgresql.plugins.plugin_utils._profiles.model import Reference

__all__ = ["PARAMETERS"]

_BACKEND = Reference("CIS 6.2", "pgdsat 2.0")

PARAMETERS: tuple[ProfileParameter, ...] = (
    ProfileParameter(
        name="password_encryption",
        reason="An md5 verifier is as good as the password itself. Applies to passwords set from now on.",
        baseline="scram-sha-256",
        cis="scram-sha-256",
        strict="scram-sha-256",
        cost="client libraries from before 2017 cannot use SCRAM",
    ),
    ProfileParameter(
        name="authentication_timeout",
        reason="A client that does not finish logging in gives its slot back.",
        baseline="60s",
        cis="60s",
        strict="30s",
        cost="log-ins over very slow links may fail",
    ),
    ProfileParameter(
        name="auth_delay.milliseconds",
        reason="A failed log-in is answered late, so guessing passwords takes long.",
        baseline="500",
        cis="500",
        strict="1000",
        cost="a failed log-in holds its connection slot while it waits",
        library="auth_delay",
    ),
    ProfileParameter(
        name="md5_password_warnings",
        reason="Whoever still sets an md5 password is told that it will stop working.",
        baseline="on",
        cis="on",
        strict="on",
        optional=True,
    ),
    ProfileParameter(
        name="pre_auth_delay",
        reason="For developers; anything but 0 lets connections that have not logged in pile up.",
        baseline="0",
        cis="0",
        strict="0",
    ),
    ProfileParameter(
        name="post_auth_delay",
        reason="For developers; anything but 0 stalls every new session.",
        baseline="0",
        cis="0",
        strict="0",
        reference=_BACKEND,
    ),
    ProfileParameter(
        name="ignore_system_indexes",
        reason="For the repair of damaged catalogues; makes every session slow.",
        baseline="off",
        cis="off",
        strict="off",
        reference=_BACKEND,
    ),
    ProfileParameter(
        name="jit_debugging_support",
        reason="For developers; registers generated code with a debugger.",
        baseline="off",
        cis="off",
        strict="off",
        reference=_BACKEND,
    ),
    ProfileParameter(
        name="jit_profiling_support",
        reason="For developers; writes files into ~/.debug/jit, which nobody removes.",
        baseline="off",
        cis="off",
        strict="off",
        reference=_BACKEND,
    ),
)
