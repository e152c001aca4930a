# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Certificates in the text format that Prometheus reads; private to the collection.

https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
"""

from __future__ import annotations

import typing as t

from ansible_collections.rampart.postgresql.plugins.plugin_utils._expiry.row import Row
from ansible_collections.rampart.postgresql.plugins.plugin_utils._expiry.rows import Gathered

__all__ = ["exposition"]

_PREFIX = "rampart_postgresql_"
_NOT_AFTER = "certificate_not_after_seconds"
_NEXT_UPDATE = "revocation_list_next_update_seconds"
_PROBLEM = "certificate_problem"
_COUNT = "certificates"
_GATHERED = "certificates_gathered_seconds"
_HELP = {
    _NOT_AFTER: "When the certificate expires, in seconds since 1970.",
    _NEXT_UPDATE: "When the revocation list expires, in seconds since 1970; then its issuer's clients are refused.",
    _PROBLEM: "1 for each thing that is wrong with a certificate or a revocation list.",
    _COUNT: "How many certificates and revocation lists the server's parameters lead to.",
    _GATHERED: "When this was gathered, in seconds since 1970.",
}
_OF_STATE = {
    "expired": ("expired", "critical"),
    "not_yet_valid": ("not_yet_valid", "critical"),
    "unknown": ("unreadable", "critical"),
    "soon": ("expires_soon", "warning"),
}
_NEVER = "+Inf"

Sample = tuple[str, str, str]  # name of the metric, labels as they are written, value


def exposition(clusters: t.Sequence[Gathered], *, now: int) -> str:
    """All of it, in an order that does not depend on anything else; empty for no cluster."""
    found: dict[str, dict[str, str]] = {name: {} for name in _HELP}
    for name, labels, value in (sample for cluster in clusters for sample in _of_cluster(cluster, now)):
        found[name].setdefault(labels, value)  # a series that came twice would make the whole file worthless
    return "".join(_family(name, found[name]) for name in _HELP if found[name])


def _family(name: str, series: dict[str, str]) -> str:
    lines = [f"# HELP {_PREFIX}{name} {_HELP[name]}", f"# TYPE {_PREFIX}{name} gauge"]
    lines += [f"{_PREFIX}{name}{labels} {series[labels]}" for labels in sorted(series)]
    return "\n".join(lines) + "\n"


def _of_cluster(cluster: Gathered, now: int) -> t.Iterator[Sample]:
    which = _labels(host=cluster.host, cluster=cluster.cluster)
    if cluster.looked_at:
        yield _COUNT, which, str(len(cluster.rows))
        yield _GATHERED, which, str(now)
    for row in cluster.rows:
        if row.state != "superseded":
            yield from _of_row(row)


def _of_row(row: Row) -> t.Iterator[Sample]:
    where = {"host": row.host, "cluster": row.cluster, "path": row.path, "number": str(row.number)}
    if row.state != "unknown":
        when = _NEVER if row.not_after_epoch is None else str(row.not_after_epoch)
        if row.is_list:
            yield _NEXT_UPDATE, _labels(**where, issuer=row.subject), when
        else:
            yield _NOT_AFTER, _labels(**where, role=row.role, subject=row.subject), when
    for problem, severity in [*([_OF_STATE[row.state]] if row.state in _OF_STATE else []), *row.problems]:
        labels = _labels(**where, role=row.role, subject=row.subject, problem=problem, severity=severity)
        yield _PROBLEM, labels, "1"


def _labels(**labels: str) -> str:
    """In the order of their names; Prometheus takes an empty one and one that is not there as the same."""
    written = [f'{name}="{_escaped(value)}"' for name, value in sorted(labels.items()) if value]
    return f"{{{','.join(written)}}}" if written else ""


def _escaped(value: str) -> str:
    valid = value.encode("utf-8", "replace").decode("utf-8")  # a path may hold bytes that are no UTF-8
    return valid.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
