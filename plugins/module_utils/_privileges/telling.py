# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was seen that privileges alone do not show, for people: pure; private to the collection."""

from __future__ import annotations

import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._server.sql import Identifier
from ansible_collections.rampart.postgresql.plugins.module_utils._server.sql import Qualified

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.looking import Looked
    from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.looking import Protected
    from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.secrets import Readable

__all__ = ["findings"]


def findings(looked: t.Mapping[str, Looked], bypassing: t.Iterable[str]) -> list[dict[str, t.Any]]:
    """For people: kind, database, object and owner of each; where it is about somebody, who and why."""
    found = [_finding("bypassrls", "", f"role {Identifier(name)}", "") for name in bypassing]
    for database, seen in looked.items():
        found += _of_definers(database, seen)
        found += [_finding("untrusted_function", database, f"function {n}", o) for n, o in seen.untrusted_functions]
        found += [_finding("untrusted_language", database, f"language {Identifier(n)}", o) for n, o in seen.languages]
        found += [finding for table in seen.tables for finding in _of_table(database, table)]
    return [*found, *_of_secrets({database: seen.secrets for database, seen in looked.items() if seen.secrets})]


def _of_secrets(seen: t.Mapping[str, t.Sequence[Readable]]) -> list[dict[str, t.Any]]:
    if not seen:
        return []
    # Here and below: few servers have any.
    from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.secrets import told

    return [_finding(*secret[:4], reason=secret.way, roles=secret.readers) for secret in told(seen)]


def _of_definers(database: str, seen: Looked) -> t.Iterator[dict[str, t.Any]]:
    for definer in seen.definers:
        subject = f"function {definer.name}"
        if definer.search_path is None:
            yield _finding("definer_without_search_path", database, subject, definer.owner)
            continue
        from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.definers import traps

        for reason, roles in traps(definer, seen.makers) if seen.makers else ():
            yield _finding("definer_with_unsafe_search_path", database, subject, definer.owner, reason, roles)


def _of_table(database: str, table: Protected) -> t.Iterator[dict[str, t.Any]]:
    subject = f"table {Qualified(table.schema, table.name)}"
    if not table.policies:
        yield _finding("row_security_without_policy", database, subject, table.owner)
    if not table.forced:
        yield _finding("row_security_not_for_owner", database, subject, table.owner)
    for policy in table.policies:
        named = f"policy {Identifier(policy.name)} on {subject}"
        if policy.shows_everything:
            yield _finding("policy_for_everybody", database, named, table.owner, "it is USING (true)", ("",))
        for function, owner in policy.functions:
            reason = f"it calls function {function}, which its owner may replace"
            yield _finding("policy_with_function_of_another", database, named, table.owner, reason, (owner,))


def _finding(
    kind: str, database: str, subject: str, owner: str, reason: str = "", roles: t.Sequence[str] = ()
) -> dict[str, t.Any]:
    return {
        "kind": kind,
        "database": database,
        "object": subject,
        "owner": owner,
        "reason": reason,
        "roles": ["PUBLIC"] if "" in roles else list(roles),
    }
