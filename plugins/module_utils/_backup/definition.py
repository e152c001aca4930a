# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The text of a job's definition, which the program reads; pure; private to the collection."""

from __future__ import annotations

import json
import os
import typing as t

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._backup.desired import Job
    from ansible_collections.rampart.postgresql.plugins.module_utils._backup.state import Source

__all__ = ["cluster_of", "definition", "kind_of", "metrics_file", "metrics_of"]


def definition(job: Job, source: Source, state: str) -> str:
    """JSON; ``state`` is the directory for locks and the status."""
    values = {
        "name": job.name,
        "kind": job.kind,
        "cluster": {
            "label": source.label,
            "bindir": source.bindir,
            "host": source.socket_directory,
            "port": source.port,
            "user": job.user or source.user,
        },
        **job.sections,
        "places": [place.definition for place in job.places],
        "state": state,
        **({"metrics": job.metrics} if job.metrics else {}),
        **({"staging": job.staging} if job.staging else {}),
    }
    return json.dumps(values, indent=2, sort_keys=True) + "\n"


def cluster_of(content: bytes | None) -> str:
    """The label of the cluster in a definition that is there; empty where that cannot be read."""
    cluster = _read(content).get("cluster")
    return str(cluster.get("label", "")) if isinstance(cluster, dict) else ""


def kind_of(content: bytes | None) -> str:
    """The kind of job; empty where that cannot be read."""
    return str(_read(content).get("kind", ""))


def metrics_of(name: str, content: bytes | None) -> str:
    """The file that a job of this definition measures itself in; empty without one."""
    directory = _read(content).get("metrics")
    return metrics_file(name, directory) if isinstance(directory, str) and directory.startswith("/") else ""


def metrics_file(name: str, directory: str) -> str:
    """The file that the program writes there."""
    return os.path.join(directory, f"rampart_backup_{name}.prom")


def _read(content: bytes | None) -> dict[str, t.Any]:
    try:
        values = json.loads(content or b"{}")
    except ValueError:
        return {}
    return values if isinstance(values, dict) else {}
