# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The guard that the options of admission describe; private."""

from __future__ import annotations

import ipaddress
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._admission.arguments import SESSIONS
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.client import Certificate
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.client import Client
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.demands import Demands
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.demands import Selector
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.guard import Admission
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.attempts import attempt

__all__ = ["build"]

_LOCAL = "local"


def build(values: t.Mapping[str, t.Any]) -> Admission:
    """Validate the options and make the guard of them."""
    must_admit, accepted = values.get("must_admit") or (), values.get("accept_unproven") or ()
    sessions = values.get("sessions") or "report"
    if sessions not in SESSIONS:
        raise InputError(option="sessions", value=sessions, expected=f"give one of {', '.join(SESSIONS)}")
    demands = Demands(
        must_admit=tuple(_client(entry, f"must_admit[{index}]") for index, entry in enumerate(must_admit)),
        accept_unproven=tuple(_selector(entry, f"accept_unproven[{index}]") for index, entry in enumerate(accepted)),
        allow_lockout=bool(values.get("allow_lockout")),
        terminate=sessions == "terminate",
    )
    return Admission(demands)


def _client(entry: t.Mapping[str, t.Any], option: str) -> Client:
    """A client that knows its password; with a database, replication is logical and asks like any other session."""
    replication, database = bool(entry.get("replication")), entry.get("database")
    logical = replication and database is not None
    try:
        tried = attempt(
            user=entry.get("user"),
            database=database,
            address=entry.get("address"),
            tls=bool(entry.get("tls")),
            gss=bool(entry.get("gss")),
            replication=replication and not logical,
        )
    except InputError as error:
        raise InputError(option=f"{option}.{error.option}", value=error.value, expected=error.expected) from None
    _refuse_what_cannot_be(entry, option, through_socket=tried.address is None)
    certificate = entry.get("certificate")
    return Client(
        attempt=tried,
        label=f"{option} ({entry['name']})" if entry.get("name") else option,
        account=entry.get("system_user"),
        has_password=True,
        certificate=None if certificate is None else Certificate(common_name=certificate),
        logical=logical,
    )


def _refuse_what_cannot_be(entry: t.Mapping[str, t.Any], option: str, *, through_socket: bool) -> None:
    if entry.get("certificate") is not None and not entry.get("tls"):
        expected = "a certificate is shown over TLS only: set tls to true"
        raise InputError(option=f"{option}.certificate", value=entry["certificate"], expected=expected)
    if entry.get("system_user") is not None and not through_socket:
        expected = "the server sees the account of a client only through its socket: leave out the address"
        raise InputError(option=f"{option}.system_user", value=entry["system_user"], expected=expected)


def _selector(entry: t.Mapping[str, t.Any], option: str) -> Selector:
    user, database, address = (entry.get(name) for name in ("user", "database", "address"))
    if user is None and database is None and address is None:
        raise InputError(option=option, value=entry, expected="give at least one of user, database, address")
    for name, value in (("user", user), ("database", database)):
        if value == "":
            raise InputError(option=f"{option}.{name}", value=value, expected="give a name, or leave it out for any")
    if address in (None, _LOCAL):
        return Selector(user=user, database=database, through_socket=address == _LOCAL)
    try:
        network = ipaddress.ip_network(address)
    except ValueError:
        raise InputError(
            option=f"{option}.address",
            value=address,
            expected="give an IP address, a network such as 10.0.3.0/24, or local for the server's socket",
        ) from None
    return Selector(user=user, database=database, network=network)
