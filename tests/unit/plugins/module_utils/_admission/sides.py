"""Sides and clients in few words, for the tests of admission."""

from __future__ import annotations

import dataclasses
import socket
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._admission.client import Client
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.world import Database
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.world import Membership
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.world import Parameters
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.world import Role
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.world import Side
from ansible_collections.rampart.postgresql.plugins.module_utils._hba import records
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.dialects import DIALECTS
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.ident import records as ident
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.matching import Attempt

__all__ = ["NOW", "client", "side"]

NOW = 1_000_000.0
_ROLES = (
    Role("app", verifier="scram-sha-256", member_of=(Membership("staff", inherits=False), Membership("readers"))),
    Role("old", verifier="md5"),
    Role("bare", verifier="none"),
    Role("dark", verifier="unknown"),
    Role("late", verifier="scram-sha-256", valid_until=NOW - 1),
    Role("soon", verifier="scram-sha-256", valid_until=NOW + 1),
    Role("boss", superuser=True, verifier="scram-sha-256", connection_limit=0),
    Role("idle", login=False, verifier="scram-sha-256"),
    Role("none_left", verifier="scram-sha-256", connection_limit=0),
    Role("copier", replication=True, verifier="scram-sha-256"),
    Role("staff", login=False),
    Role("readers", login=False),
)
_DATABASES = (
    Database("shop"),
    Database("private", owner="app", connect=frozenset({"idle"})),
    Database("for_staff", connect=frozenset({"staff"})),
    Database("for_readers", connect=frozenset({"readers"})),
    Database("for_owner", owner="app", connect=frozenset({"pg_database_owner"})),
    Database("closed", allows_connections=False),
    Database("full", connection_limit=0),
    Database("torn", connection_limit=-2),
)


def side(rules: str, *, major: int = 17, mappings: str | None = "", **values: t.Any) -> Side:
    """A side with these rules, and a small world of roles and databases."""
    dialect = DIALECTS[major]
    fields = {field.name for field in dataclasses.fields(Parameters)}
    parameters = Parameters(**{name: values.pop(name) for name in fields & values.keys()})
    return Side(
        **{
            "dialect": dialect,
            "rules": tuple(records.parse_text(rules, dialect)),
            "mappings": None if mappings is None else tuple(ident.parse_text(mappings, dialect)),
            "roles": {role.name: role for role in _ROLES},
            "databases": {database.name: database for database in _DATABASES},
            "parameters": parameters,
            "now": NOW,
            **values,
        }
    )


def client(
    user: str = "app", database: str = "shop", address: str | None = None, *, tls: bool = False, **values: t.Any
) -> Client:
    """A client; with an address it comes by TCP."""
    packed = (
        None if address is None else socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)
    )
    replication = values.pop("replication", False)
    return Client(Attempt(user, database, packed, tls=tls, replication=replication), **values)
