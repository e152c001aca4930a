# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What hosts tell of their backups, as rows and as a table; private to the collection."""

from __future__ import annotations

import dataclasses
import datetime
import json
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError

__all__ = ["Limits", "Row", "rows_of", "table"]

Values = t.Mapping[str, t.Any]
Problem = tuple[str, str]  # what is wrong, and how much that matters

_CRITICAL: t.Final = "critical"
_WARNING: t.Final = "warning"
_SEVERITIES: t.Final = (_CRITICAL, _WARNING, "none")
_SHOWN: t.Final = 160  # characters of one problem in a table
_TITLES: t.Final = (
    *("host", "job", "kind", "newest good backup", "age", "size", "verified", "restored", "kept", "place", "problems"),
)
_TO_THE_RIGHT: t.Final = frozenset({"age", "size", "kept"})


@dataclasses.dataclass(frozen=True)
class Limits:
    """How many hours old the newest good backup may be; None for any age. ``jobs`` has what differs, by name."""

    now: int
    hours: float | None = None
    jobs: t.Mapping[str, float] = dataclasses.field(default_factory=dict)

    @classmethod
    def given(cls, *, hours: t.Any, jobs: t.Any, now: t.Any) -> Limits:
        """Those of plain values."""
        limits = {} if jobs is None else jobs
        if not isinstance(limits, dict):
            raise InputError(option="jobs", value=jobs, expected="a dictionary with hours for each job")
        if isinstance(now, bool) or not isinstance(now, int):
            raise InputError(option="now", value=now, expected="a time in seconds since 1970")
        return cls(
            now=now,
            hours=None if hours is None else _number("hours", hours),
            jobs={str(job): _number(f"jobs.{job}", value) for job, value in limits.items()},
        )

    def of(self, job: str) -> float | None:
        """That of a job."""
        return self.jobs.get(job, self.hours)


@dataclasses.dataclass(frozen=True)
class Row:
    """A job in one place, or a drill, or what a vault does by itself; without a job, a host of which nothing is known."""

    host: str
    told_by: str
    job: str = ""
    kind: str = ""
    cluster: str = ""
    place: str = ""
    newest: str = ""
    finished: str = ""
    age: float | None = None  # hours
    size: int | None = None  # bytes
    verified: str = ""
    restored: str = ""
    kept: int | None = None
    stale: bool = False
    problems: tuple[Problem, ...] = ()
    backups: frozenset[str] = frozenset()

    @property
    def severity(self) -> str:
        """The worst of its problems."""
        return min((severity for _what, severity in self.problems), key=_SEVERITIES.index, default="none")

    def order(self) -> tuple[t.Any, ...]:
        """The worst one first, and among equals the one that is oldest."""
        age = float("-inf") if self.age is None else -self.age
        return (_SEVERITIES.index(self.severity), age, self.host, self.job, self.kind, self.place)

    def values(self) -> dict[str, t.Any]:
        """As a playbook gets it."""
        return {
            "host": self.host,
            "told_by": self.told_by,
            "job": self.job,
            "kind": self.kind,
            "cluster": self.cluster,
            "place": self.place,
            "newest": self.newest or None,
            "finished": self.finished or None,
            "age_hours": None if self.age is None else round(self.age, 2),
            "size": self.size,
            "verified": self.verified or None,
            "restored": self.restored or None,
            "kept": self.kept,
            "stale": self.stale,
            "severity": self.severity,
            "problems": [what for what, _severity in self.problems],
        }


def rows_of(told: t.Any, limits: Limits) -> list[Row]:
    """Rows of plain values, by host what it told, the worst one first."""
    if not isinstance(told, dict):
        raise InputError(option="input", value=told, expected="a dictionary with what each host told")
    apart: list[tuple[str, Values]] = []
    rows: list[Row] = []
    for host, result in told.items():
        if isinstance(result, dict) and result.get("skipped") is True:
            continue
        reports = _reports(result, str(host))
        rows += [reports] if isinstance(reports, Row) else []
        apart += [] if isinstance(reports, Row) else [(str(host), each) for each in reports]
    judged = _judged(each for _host, each in apart)
    kept = [row for host, each in apart if each["of"] == "vault" for row in _of_vault(host, each, limits)]
    for host, each in apart:
        if each["of"] in ("drill", "pull"):
            rows.append(_of_run(host, each, limits, str(each["job"])))
        elif each["of"] != "vault":
            rows += _of_job(
                host, {**each, "places": [_joined(place, judged) for place in each["places"]]}, kept, limits
            )
    return sorted([*rows, *kept], key=Row.order)


def _reports(result: t.Any, host: str) -> Row | list[Values]:
    """What a host told, line by line; a row with the reason where it told nothing."""
    lines = result
    if isinstance(result, dict):
        if result.get("failed") is True or result.get("unreachable") is True or "stdout_lines" not in result:
            reason = result.get("stderr") or result.get("msg") or "it could not be asked"
            return Row(host=host, told_by=host, stale=True, problems=((_line(reason), _CRITICAL),))
        lines = result["stdout_lines"]
    try:
        reports = [json.loads(each) if isinstance(each, str) else each for each in lines]
        if any(not isinstance(each["places"], list) or each["of"] is None for each in reports):
            raise TypeError
    except (KeyError, TypeError, ValueError):
        raise InputError(option=host, value=lines, expected="lines of 'rampart-backup report'") from None
    if not reports:
        return Row(host=host, told_by=host, stale=True, problems=(("nothing is defined here", _CRITICAL),))
    return reports


def _judged(reports: t.Iterable[Values]) -> dict[tuple[str, str], Values]:
    """What drills found of backups in repositories that have no place for it, by system and backup; the last word counts."""
    found: dict[tuple[str, str], Values] = {}
    for report in reports:
        for each in report.get("judged") or []:
            key = (str(each["system"]), str(each["id"]))
            if key not in found or str(each["at"]) > str(found[key]["at"]):
                found[key] = each
    return found


def _joined(place: Values, judged: t.Mapping[tuple[str, str], Values]) -> Values:
    """A repository with that: what was restored was read whole, and what could not be restored is not good."""
    if place["at"] != "pgbackrest":
        return place
    backups = []
    for backup in place["backups"]:
        found = judged.get((str(backup.get("system", "")), str(backup["id"])), {})
        restored, damaged = str(found.get("restored") or ""), str(found.get("damaged") or "")
        backups.append(
            {
                **backup,
                "restored": restored,
                "verified": "" if damaged else restored,
                "good": backup["good"] and not damaged,
                "damaged": damaged or backup["damaged"],
            }
        )
    return {**place, "backups": backups, "restored": max((each["restored"] for each in backups), default="")}


def _of_job(host: str, report: Values, kept: list[Row], limits: Limits) -> t.Iterator[Row]:
    """A row for each place, but those of a vault that tells of it itself, whose row learns the rest."""
    problems = _of_status(report)
    kind, job, cluster = str(report.get("kind", "")), str(report["name"]), str(report.get("cluster", ""))
    if kind == "wal" or not report["places"]:
        places = ", ".join(str(place["place"]) for place in report["places"])
        row = _of_run(host, report, limits, job)
        yield dataclasses.replace(row, kind=kind, cluster=cluster, place=places, stale=not row.finished)
        return
    for place in report["places"]:
        row = _of_place(host, host, {**place, "kind": kind}, limits)
        same = [index for index, each in enumerate(kept) if place["at"] == "vault" and row.backups & each.backups]
        for index in same:
            found = kept[index]
            kept[index] = dataclasses.replace(found, host=host, problems=(*found.problems, *problems))
        if not same:
            yield dataclasses.replace(row, cluster=cluster, problems=(*row.problems, *problems))


def _of_vault(host: str, report: Values, limits: Limits) -> t.Iterator[Row]:
    yield dataclasses.replace(_of_run(host, report, limits, str(report["name"])), kind="vault")
    for place in report["places"]:
        row = _of_place(str(place["host"]), host, place, limits)
        yield dataclasses.replace(row, place=f"{host}:{place['place']}")


def _of_run(host: str, report: Values, limits: Limits, job: str) -> Row:
    """Of what makes no backups."""
    status = _mapping(report.get("status"))
    finished = str(status.get("last_success") or "")
    return Row(
        host=host,
        told_by=host,
        job=job,
        kind=str(report["of"]),
        newest=str(status.get("id") or ""),
        finished=finished,
        age=_age(finished, limits.now),
        restored=finished if report["of"] == "drill" else "",
        problems=_of_status(report),
        stale=not report["of"],
    )


def _of_status(report: Values) -> tuple[Problem, ...]:
    status = _mapping(report.get("status"))
    if report.get("error"):
        return ((_line(report["error"]), _CRITICAL),)
    if not status:
        return (("it has never run", _WARNING if report["of"] in ("drill", "pull", "vault") else _CRITICAL),)
    if status.get("outcome") == "ok":
        return ()
    return ((f"the last run failed: {_line(status.get('error'))}", _CRITICAL),)


def _of_place(host: str, told_by: str, place: Values, limits: Limits) -> Row:
    backups = sorted(place["backups"], key=lambda each: (each["finished"], each["id"]))
    good = [each for each in backups if each["good"]]
    newest = good[-1] if good else {}
    archived = str(place.get("archived") or "")
    finished = str(newest.get("finished") or archived)
    age = _age(finished, limits.now)
    job = str(place["job"])
    limit = None if archived else limits.of(job)
    row = Row(
        host=host,
        told_by=told_by,
        job=job,
        kind=str(place.get("kind") or newest.get("kind") or ("wal" if archived else "")),
        cluster=str(newest.get("cluster", "")),
        place=str(place["place"]),
        newest=str(newest.get("id", "")),
        finished=finished,
        age=age,
        size=newest.get("size"),
        verified=str(newest.get("verified", "")),
        restored=str(place.get("restored", "")),
        kept=None if archived else len(good),
        stale=not finished or (limit is not None and (age is None or age > limit)),
        backups=frozenset(str(each["id"]) for each in backups),
    )
    return row if archived else dataclasses.replace(row, problems=tuple(_of_backups(row, place, backups, limit)))


def _of_backups(row: Row, place: Values, backups: t.Sequence[Values], limit: float | None) -> t.Iterator[Problem]:
    if place["error"]:
        yield _line(place["error"]), _CRITICAL
    elif not row.newest:
        yield "there is no good backup", _CRITICAL
    elif row.stale:
        yield f"the newest good backup is more than {limit:g} hours old", _CRITICAL
    damaged = [each for each in backups if each["damaged"]]
    if backups and not backups[-1]["good"]:
        last = backups[-1]
        what = last["damaged"] or f"it lacks {', '.join(last['missing']) or 'something'}"
        yield f"the newest backup is not good: {_line(what)}", _CRITICAL
    elif damaged:
        yield f"{len(damaged)} older backups are damaged: {damaged[-1]['id']}", _WARNING
    if row.newest and not row.verified:
        yield "not verified", _WARNING
    if row.newest and not row.restored:
        yield "never restored", _WARNING


def _age(finished: str, now: int) -> float | None:
    try:
        moment = datetime.datetime.strptime(finished, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=datetime.timezone.utc)
    except ValueError:
        return None
    return (now - moment.timestamp()) / 3600


def _number(option: str, value: t.Any) -> float:
    try:
        if not isinstance(value, bool) and 0 <= float(value) < float("inf"):
            return float(value)
    except (TypeError, ValueError):
        pass
    raise InputError(option=option, value=value, expected="a number of hours from 0 up")


def _line(text: t.Any) -> str:
    return " ".join(str(text or "").split())


def _mapping(value: t.Any) -> Values:
    return value if isinstance(value, dict) else {}


def table(rows: t.Sequence[Row]) -> str:
    """For people: columns of a fixed width, a line for each row."""
    lines = [_TITLES, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(_TITLES))]
    return "".join(
        "  ".join(
            cell.rjust(width) if title in _TO_THE_RIGHT else cell.ljust(width)
            for cell, width, title in zip(line, widths, _TITLES)
        ).rstrip()
        + "\n"
        for line in lines
    )


def _cells(row: Row) -> tuple[str, ...]:
    cells = (
        *(row.host, row.job, row.kind, _minute(row.finished), _duration(row.age), _bytes(row.size)),
        *(_minute(row.verified), _minute(row.restored), "" if row.kept is None else str(row.kept), row.place),
        "; ".join(what if len(what) <= _SHOWN else f"{what[:_SHOWN]}..." for what, _severity in row.problems),
    )
    # What a host says of its backups is its word, and no terminal shall take it for a command.
    return tuple("".join(each if each.isprintable() else "?" for each in cell) for cell in cells)


def _minute(moment: str) -> str:
    return moment[:16].replace("T", " ") if moment else "-"


def _duration(hours: float | None) -> str:
    if hours is None:
        return "-"
    return f"{hours:.1f} h" if abs(hours) < 48 else f"{hours / 24:.1f} d"


def _bytes(size: int | None) -> str:
    if size is None:
        return "-"
    amount, unit = float(size), "B"
    for larger in ("KiB", "MiB", "GiB", "TiB"):
        if amount < 1024:
            break
        amount, unit = amount / 1024, larger
    return f"{amount:.1f} {unit}" if unit != "B" else f"{size} B"
