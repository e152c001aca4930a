# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the rule that decides asks of a client; private to the collection."""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._admission.answer import ADMITTED
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.answer import Answer
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.answer import first_no
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.answer import refused
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.answer import unknown
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.answer import unproven
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.client import Client
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.world import Role
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.world import Side
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.ident.matching import maps
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.masking import without_secrets
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.records import Record

__all__ = ["NOTHING", "PASSWORD_METHODS", "Shown", "Way", "answer", "shown", "spelled", "way"]

PASSWORD_METHODS = frozenset(("scram-sha-256", "md5", "password"))  # the secret is the one in pg_authid
_VERIFIED = ("verify-ca", "verify-full")


class Way(t.NamedTuple):
    """How a client gets in: what its rule asks for, and the mappings that the rule names."""

    method: str
    options: tuple[tuple[str, str], ...]
    mappings: tuple[tuple[str, str], ...] | None


@dataclasses.dataclass(frozen=True)
class Shown:
    """What a client is known to show, because it gets in by showing it."""

    ways: frozenset[Way] = frozenset()
    password: bool = False
    scram: bool = False  # so its verifier is one
    account: str | None = None


NOTHING = Shown()


def answer(record: Record | None, side: Side, client: Client, member_of: frozenset[str], known: Shown) -> Answer:
    """What the rule says to the client; None is no rule, which refuses."""
    if record is None:
        return refused("no rule matches it")
    if not record.method:
        return unknown("what is included there is not known", spelled(record))
    found = [_certificate(record, side, client, member_of), _method(record, side, client, member_of, known)]
    decided = first_no(found)
    return decided._replace(where=decided.where or spelled(record))


def shown(records: t.Sequence[Record], side: Side, user: str) -> Shown:
    """What every client shows that gets in by one of these rules."""
    methods = {record.method for record in records}
    return Shown(
        ways=frozenset(way(record, side) for record in records) if len(records) == 1 else frozenset(),
        password=bool(methods) and methods <= PASSWORD_METHODS,
        scram=methods == {"scram-sha-256"},
        account=user if methods == {"peer"} and not any("map" in record.options for record in records) else None,
    )


def way(record: Record, side: Side) -> Way:
    """How a client gets in by this rule."""
    name = record.options.get("map")
    mappings: tuple[tuple[str, str], ...] | None = ()
    if name is not None:
        mappings = (
            None
            if side.mappings is None
            else tuple(
                (mapping.system_user.raw, mapping.pg_user.raw)
                for mapping in side.mappings
                if mapping.accepted and mapping.map == name
            )
        )
    return Way(record.method, tuple(sorted(record.options.items())), mappings)


def spelled(record: Record) -> str:
    """Where the rule stands, and the rule, without its secrets."""
    rule = " ".join(",".join(token.raw for token in field) for field in record.spelled)
    return f"{record.path}:{record.line}: {without_secrets(rule)}"


def _method(record: Record, side: Side, client: Client, member_of: frozenset[str], known: Shown) -> Answer:
    method = record.method
    if method == "reject":
        return refused("the rule rejects it")
    if method in ("trust", "cert"):  # of cert the certificate is all
        return Answer("admitted", f"the rule lets it in by {method}")
    if method in PASSWORD_METHODS:
        return _password(record, side, client, known)
    if method == "peer" and (client.account is not None or known.account is not None):
        return _peer(record, side, client, member_of, client.account or str(known.account))
    if way(record, side) in known.ways:
        return Answer("admitted", f"it shows what {method} asks for today")
    if method == "peer":
        return unknown("the rule asks for the account at its end of the socket (peer), which is not known")
    if method == "ident":
        return unknown("the rule asks the client's host who it is (ident)")
    return unproven(f"the rule asks for {method}, and whether it can show that is not known")


def _peer(record: Record, side: Side, client: Client, member_of: frozenset[str], account: str) -> Answer:
    mapped = _mapped(record, side, account, client, member_of)
    if mapped is None:
        return unknown(f"whether the mappings let account {account} in is not known")
    by = f" by map {record.options['map']}" if "map" in record.options else ""
    if mapped:
        return Answer("admitted", f"the rule lets account {account} in{by}")
    return refused(f"the rule does not let account {account} in as {client.attempt.user}{by}")


def _mapped(record: Record, side: Side, name: str, client: Client, member_of: frozenset[str]) -> bool | None:
    """Whether a name from outside may be the client's role."""
    map_name = record.options.get("map", "")
    if map_name and side.mappings is None:
        return None
    return maps(
        side.mappings or (),
        name=map_name,
        system_user=name,
        pg_user=client.attempt.user,
        dialect=side.dialect,
        member_of=member_of,
    )


def _certificate(record: Record, side: Side, client: Client, member_of: frozenset[str]) -> Answer:
    asked = record.options.get("clientcert")
    if asked not in _VERIFIED:
        return ADMITTED
    if side.parameters.ssl_ca is None:
        return refused("the rule asks for a client certificate, and ssl_ca_file is not set")
    if client.certificate is None:
        if client.may_have_certificate:
            return unproven("the rule asks for a client certificate, and it was never asked for one")
        return refused("the rule asks for a client certificate, and it has none")
    if asked == "verify-ca":
        return ADMITTED
    what = record.options.get("clientname", "CN")
    name = client.certificate.common_name if what == "CN" else client.certificate.distinguished_name
    mapped = None if name is None else bool(name) and _mapped(record, side, name, client, member_of)
    if mapped is None:
        return unknown(f"whether the {what} of its certificate fits is not known")
    if not mapped:
        return refused(f"the {what} of its certificate, {name}, does not let it in as {client.attempt.user}")
    return ADMITTED


def _password(record: Record, side: Side, client: Client, known: Shown) -> Answer:
    user, method = client.attempt.user, record.method
    if side.roles is not None and user not in side.roles:
        return refused(f"there is no role {user}", f"role {user}")
    role = Role(user) if side.roles is None else side.roles[user]
    problem = _verifier(role, side.now, method, known)
    if problem is not None:
        return problem
    if client.has_password is False:
        return refused(f"the rule asks for a password ({method}), and it has none")
    if client.has_password or known.password:
        return Answer("admitted", f"the rule asks for the password ({method})")
    return unproven(f"the rule asks for a password ({method}), and whether it has the right one is not known")


def _verifier(role: Role, now: float, method: str, known: Shown) -> Answer | None:
    """Why no password of the role's is right for the method."""
    if role.verifier == "none":
        return refused(
            f"the rule asks for a password ({method}), and the role has none", f"role {role.name}: no password"
        )
    if role.valid_until is not None and role.valid_until < now:
        return refused(
            "the role's password is not valid any more", f"role {role.name}: VALID UNTIL {_time(role.valid_until)}"
        )
    if method == "scram-sha-256" and role.verifier == "md5":
        return refused(
            "the rule asks for scram-sha-256, which an md5 verifier never passes", f"role {role.name}: verifier is md5"
        )
    if method == "scram-sha-256" and role.verifier == "unknown" and not known.scram:
        return unknown(
            "the rule asks for scram-sha-256, and of what kind the role's verifier is is not known", f"role {role.name}"
        )
    return None


def _time(seconds: float) -> str:
    try:
        return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%d %H:%M:%S+00")
    except (OverflowError, ValueError, OSError):
        return "-infinity" if seconds < 0 else "infinity"
