# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What cluster_info told of certificates, on one host or on many, as rows; private to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.expiry.states import STATES
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.expiry.states import days_left
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.expiry.states import state_of
from ansible_collections.rampart.postgresql.plugins.plugin_utils._expiry.authority import NAME
from ansible_collections.rampart.postgresql.plugins.plugin_utils._expiry.authority import is_authority
from ansible_collections.rampart.postgresql.plugins.plugin_utils._expiry.authority import of_authority
from ansible_collections.rampart.postgresql.plugins.plugin_utils._expiry.row import LIST
from ansible_collections.rampart.postgresql.plugins.plugin_utils._expiry.row import SEVERITIES
from ansible_collections.rampart.postgresql.plugins.plugin_utils._expiry.row import Row
from ansible_collections.rampart.postgresql.plugins.plugin_utils._expiry.row import Values

__all__ = ["Gathered", "gathered", "in_order"]

_TOLD_BY_STATE = ("expired", "not_yet_valid", "expires_soon", "unreadable")


@dataclasses.dataclass(frozen=True)
class Gathered:
    """What is known of one cluster; one row with the reason where it could not be looked at."""

    host: str
    cluster: str
    rows: tuple[Row, ...]
    looked_at: bool = True


def gathered(given: t.Any, *, host: t.Any = None, within: t.Any = None, now: t.Any) -> list[Gathered]:
    """The clusters of plain values."""
    if host is not None and not isinstance(host, str):
        raise InputError(option="host", value=host, expected="the name of a host")
    if within is not None and not _is_number(within):
        raise InputError(option="within", value=within, expected="a number of days from 0 up")
    if not _is_number(now):
        raise InputError(option="now", value=now, expected="a time in seconds since 1970")
    return [_gathered(result, where, within, now) for where, result in _results(given, host or "")]


def in_order(clusters: t.Iterable[Gathered]) -> list[Row]:
    """Their rows, the most urgent one first."""
    return sorted((row for cluster in clusters for row in cluster.rows), key=Row.order)


def _is_number(value: t.Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _results(given: t.Any, host: str) -> t.Iterator[tuple[str, Values]]:
    """Each result of the module with the host that it is from."""
    if isinstance(given, list):
        for one in given:
            yield from _results(one, host)
    elif not isinstance(given, dict):
        raise InputError(
            option="input",
            value=given,
            expected="give what rampart.postgresql.cluster_info returned, a list of such results, or a dictionary"
            " with one or the other for each host",
        )
    elif isinstance(given.get("results"), list):  # of a loop
        yield from _results(given["results"], host)
    elif "certificates" in given or _has_failed(given):
        yield host, given  # of certificate_authority too, which has certificates of another kind
    elif "server" in given:
        raise InputError(
            option="input", value="cluster_info", expected="it has no certificates: it needs gather: [certificates]"
        )
    elif not given.get("skipped"):
        for name, of_host in given.items():
            yield from _results(of_host, str(name))


def _has_failed(result: Values) -> bool:
    return bool(result.get("failed") is True or result.get("unreachable") is True)


def _gathered(result: Values, host: str, within: int | None, now: int) -> Gathered:
    if is_authority(result):
        try:
            return Gathered(host, NAME, tuple(of_authority(result, host=host, within=within, now=now)))
        except (AttributeError, KeyError, TypeError):
            raise InputError(
                option="expiry",
                value=result["expiry"],
                expected="what rampart.postgresql.certificate_authority returned",
            ) from None
    if "certificates" not in result:
        cluster, reason = _asked_for(result), str(result.get("msg") or "it could not be asked")
        row = Row(host=host, cluster=cluster, reason=" ".join(reason.split()))
        return Gathered(host, cluster, (row,), looked_at=False)
    cluster = _text(_mapping(result.get("server")).get("cluster"))
    entries = result["certificates"]
    if not isinstance(entries, list):
        raise InputError(option="certificates", value=entries, expected="a list, as cluster_info returns it")
    rows = (_row(entry, f"certificates[{number}]", host, cluster, within, now) for number, entry in enumerate(entries))
    return Gathered(host, cluster, tuple(rows))


def _asked_for(result: Values) -> str:
    """The cluster that a task was about which failed, as far as it or its loop tells."""
    loop_variable = result.get("ansible_loop_var")
    asked = result.get(loop_variable) if isinstance(loop_variable, str) else None
    arguments = _mapping(asked) or _mapping(_mapping(result.get("invocation")).get("module_args"))
    names = (arguments.get(name) for name in ("cluster", "data_directory", "port"))
    return next((_text(name) for name in names if name), "")


def _row(entry: t.Any, where: str, host: str, cluster: str, within: int | None, now: int) -> Row:
    if not isinstance(entry, dict) or not isinstance(entry.get("role"), str):
        raise InputError(option=where, value=entry, expected="an entry as cluster_info returns it")
    after = _time(entry, "not_after_epoch", where)
    state = _state(entry, where, within, now)
    return Row(
        host=host,
        cluster=cluster,
        role=entry["role"],
        path=_text(entry.get("path")),
        number=_time(entry, "number", where) or 1,
        subject=_text(entry.get("issuer") if entry["role"] == LIST else entry.get("subject")),
        not_after=_text(entry.get("not_after")),
        not_after_epoch=after,
        days_left=None if state == "unknown" else days_left(after, now),
        state=state,
        problems=tuple(_problems(entry, where)),
        reason=_text(entry.get("reason")),
    )


def _state(entry: Values, where: str, within: int | None, now: int) -> str:
    told = entry.get("state")
    if told not in STATES:
        raise InputError(option=f"{where}.state", value=told, expected=f"one of {', '.join(STATES)}")
    before = _time(entry, "not_before_epoch", where)
    if told in ("unknown", "superseded") or before is None:
        return str(told)
    return state_of(before, _time(entry, "not_after_epoch", where), now=now, within=within)


def _problems(entry: Values, where: str) -> t.Iterator[tuple[str, str]]:
    for problem in entry.get("problems") or []:
        code, severity = _mapping(problem).get("code"), _mapping(problem).get("severity")
        if not isinstance(code, str) or severity not in SEVERITIES:
            raise InputError(option=f"{where}.problems", value=problem, expected="a code and its severity")
        if code not in _TOLD_BY_STATE:
            yield code, severity


def _time(entry: Values, name: str, where: str) -> int | None:
    value = entry.get(name)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
        raise InputError(option=f"{where}.{name}", value=value, expected="a whole number")
    return value


def _mapping(value: t.Any) -> Values:
    return value if isinstance(value, dict) else {}


def _text(value: t.Any) -> str:
    return "" if value is None else str(value)
