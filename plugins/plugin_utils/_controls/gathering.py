# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The clusters in what cluster_info returned, of one host or of many; pure, private to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError

__all__ = ["Cluster", "clusters"]

Values = dict[str, t.Any]


@dataclasses.dataclass(frozen=True)
class Cluster:
    """One cluster: its facts, or why there are none."""

    host: str
    name: str
    facts: Values | None
    error: str = ""


def clusters(given: t.Any, host: str) -> t.Iterator[Cluster]:
    """Each of them, in the order given."""
    if isinstance(given, list):
        for one in given:
            yield from clusters(one, host)
    elif not isinstance(given, dict):
        raise InputError(
            option="input",
            value=given,
            expected="give what rampart.postgresql.cluster_info returned, a list of such results, or a dictionary"
            " with one or the other for each host",
        )
    elif isinstance(given.get("results"), list):  # of a loop
        yield from clusters(given["results"], host)
    elif given.get("failed") is True or given.get("unreachable") is True:
        reason = " ".join(str(given.get("msg") or "it could not be asked").split())
        yield Cluster(host, _asked_for(given), None, reason)
    elif "server" in given:
        yield _cluster(given, host)
    elif not given.get("skipped"):
        for name, of_host in given.items():
            yield from clusters(of_host, str(name))


def _cluster(facts: Values, host: str) -> Cluster:
    for name in ("major", "version"):
        if not isinstance(facts.get(name), int):
            raise InputError(option=name, value=facts.get(name), expected="a number, as cluster_info returns it")
    server = facts["server"] if isinstance(facts["server"], dict) else {}
    return Cluster(host, str(server.get("cluster") or ""), facts)


def _asked_for(result: Values) -> str:
    """The cluster that a task was about which failed, as far as it or its loop tells."""
    asked = result.get(str(result.get("ansible_loop_var")))
    invocation = result.get("invocation")
    arguments = (
        asked if isinstance(asked, dict) else invocation.get("module_args") if isinstance(invocation, dict) else {}
    )
    names = ((arguments or {}).get(name) for name in ("cluster", "data_directory", "port"))
    return next((str(name) for name in names if name), "")
