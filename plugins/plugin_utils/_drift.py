# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a hardening in check mode would change, as a document for programs; pure and private to the collection."""

from __future__ import annotations

import difflib
import re
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.model import SEVERITIES

__all__ = ["SCHEMA", "drift", "severities"]

SCHEMA: t.Final = 1

Values = dict[str, t.Any]

# What drifts there lets somebody in, or lets somebody do more; the rest is told by the parameter.
_OF_COMPONENT: t.Final = {
    "hba": "high",
    "ident": "high",
    "role_attributes": "high",
    "privileges": "high",
    "certificate": "high",
    "client_trust": "high",
    "extensions": "medium",
    "log_retention": "low",
    "packages": "medium",
    "restart": "medium",
    "unknown": "high",
}
_OTHERWISE: t.Final = "medium"
_ASSIGNMENT: t.Final = re.compile(r"\s*([A-Za-z_][\w.$]*)\s*(?:=|\s)")


def drift(hosts: Values, *, severities: t.Mapping[str, str], now: int) -> Values:
    """A row for each thing that would change, of each host's ``pg_harden_result``; the gravest first.

    ``severities`` are those of server parameters. A host that failed has a row that says why, as nobody knows its drift.
    """
    rows = [row for host, result in hosts.items() for row in _host(host, result, severities)]
    rows.sort(
        key=lambda row: (
            SEVERITIES.index(row["severity"]),
            row["host"],
            row["cluster"],
            row["component"],
            row["subject"],
        )
    )
    drifted = sorted({row["host"] for row in rows})
    return {
        "schema": SCHEMA,
        "generated_epoch": now,
        "hosts": sorted(hosts),
        "drifted": drifted,
        "counts": {severity: sum(row["severity"] == severity for row in rows) for severity in SEVERITIES},
        "rows": rows,
    }


def severities(given: t.Any) -> dict[str, str]:
    """Those that an operator gives, by the names of parameters."""
    if given is not None and not isinstance(given, dict):
        raise InputError(option="severities", value=given, expected="it is a dictionary of parameters")
    for name, severity in (given or {}).items():
        if severity not in SEVERITIES:
            raise InputError(
                option=f"severities.{name}", value=severity, expected=f"it is one of {', '.join(SEVERITIES)}"
            )
    return dict(given or {})


def _host(host: str, result: t.Any, severities: t.Mapping[str, str]) -> t.Iterator[Values]:
    if result is None or (isinstance(result, dict) and "clusters" not in result):
        told = (result or {}).get("msg") or "it could not be reached, or the run ended before it"
        yield _row(host, "", "unknown", subject="", description=f"nothing is known of its drift: {told}")
        return
    if not isinstance(result, dict) or not isinstance(result["clusters"], list):
        raise InputError(option=f"input.{host}", value=result, expected="it is the fact pg_harden_result")
    for cluster in result["clusters"]:
        yield from _cluster(host, cluster, severities)
    for package in result.get("packages", {}).get("missing", ()):
        yield _row(host, "", "packages", subject=package, description="is not installed")


def _cluster(host: str, cluster: Values, severities: t.Mapping[str, str]) -> t.Iterator[Values]:
    name = str(cluster.get("cluster", ""))
    for step in cluster.get("steps", ()):
        yield _row(
            host,
            name,
            step["component"],
            subject=step["subject"],
            description=step["description"],
            severity=_severity(step, severities),
            **{key: step.get(key, "") for key in ("statement", "before", "after")},
        )
    for waiting in cluster.get("restart_required", ()):
        yield _row(
            host,
            name,
            "restart",
            subject=waiting["parameter"],
            description="waits for a restart of the server",
            severity=severities.get(waiting["parameter"], _OF_COMPONENT["restart"]),
            before=waiting["running"],
            after=waiting["configured"],
        )
    if cluster.get("error"):
        yield _row(host, name, "unknown", subject="", description=f"the run failed: {cluster['error']}")


def _row(
    host: str,
    cluster: str,
    component: str,
    *,
    subject: str,
    description: str,
    severity: str = "",
    statement: str = "",
    before: str = "",
    after: str = "",
) -> Values:
    return {
        "host": host,
        "cluster": cluster,
        "component": component,
        "severity": severity or _OF_COMPONENT[component],
        "subject": subject,
        "description": description,
        "statement": statement,
        "before": before,
        "after": after,
    }


def _severity(step: Values, severities: t.Mapping[str, str]) -> str:
    """That of the component, or of the gravest parameter whose line would change."""
    if step["component"] in _OF_COMPONENT:
        return _OF_COMPONENT[step["component"]]
    changed = {name for line in _changed_lines(step) for name in _parameters(line)}
    found = [severities[name] for name in changed if name in severities]
    return min(found, key=SEVERITIES.index, default=_OTHERWISE)


def _changed_lines(step: Values) -> t.Iterator[str]:
    for line in difflib.ndiff(step["before"].splitlines(), step["after"].splitlines()):
        if line[:2] in ("- ", "+ "):
            yield line[2:]


def _parameters(line: str) -> list[str]:
    found = _ASSIGNMENT.match(line)
    return [found.group(1).lower()] if found else []
