# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reviews of access for people: text, Markdown, and CSV; private to the collection."""

from __future__ import annotations

import csv
import io
import itertools
import re
import typing as t

from ansible_collections.rampart.postgresql.plugins.plugin_utils._access_review.difference import Difference
from ansible_collections.rampart.postgresql.plugins.plugin_utils._access_review.rows import UNKNOWN
from ansible_collections.rampart.postgresql.plugins.plugin_utils._access_review.rows import Values
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.text import one_line

__all__ = ["as_csv", "as_markdown", "as_text"]

_TITLES: t.Final = ("host", "cluster", "role", "kind", "where", "objects", "privileges", "how", "cannot use it without")
_OF_ROLE: t.Final = 3  # how many of these a heading has
_NAMED: t.Final = 8
_FORMULA: t.Final = ("=", "+", "-", "@")
_MARKDOWN: t.Final = re.compile(r"([\\`*_\[\]|~#!(){}])")
_ENTITIES: t.Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}

Cells = tuple[str, ...]


def as_text(rows: t.Sequence[Values], difference: Difference | None) -> str:
    """Columns of a fixed width; only what changed, where there is an earlier review."""
    if difference is None:
        return _aligned([_TITLES, *(_printable(row) for row in rows)])
    lines = [("", *_TITLES), *((f"{mark} {word}", *_printable(row)) for mark, word, row in _changed(difference))]
    return (_aligned(lines) if len(lines) > 1 else "") + _summary(difference) + "\n"


def as_markdown(rows: t.Sequence[Values], difference: Difference | None) -> str:
    """What changed, and after that a table for each role."""
    found = ["# Review of access", ""]
    if difference is not None:
        found += ["## Since the review that was signed off", "", _summary(difference), ""]
        changed = [(word, *_cells(row)) for _mark, word, row in _changed(difference)]
        found += _markdown(("", *_TITLES), changed) if changed else []
    known = [_cells(row) for row in rows if row["kind"] != UNKNOWN]
    for (host, cluster), of_cluster in itertools.groupby(known, key=lambda cells: cells[:2]):
        found += [f"## {_escaped(' '.join(filter(None, (host, cluster))) or 'The cluster')}", ""]
        for role, of_role in itertools.groupby(of_cluster, key=lambda cells: cells[2]):
            found += [f"### {_escaped(role)}", ""]
            found += _markdown(_TITLES[_OF_ROLE:], [cells[_OF_ROLE:] for cells in of_role])
    unknown = [row for row in rows if row["kind"] == UNKNOWN]
    if unknown:
        found += ["## What is not known", ""]
        lines = [(row["host"], row["cluster"], row["database"], row["reason"]) for row in unknown]
        found += _markdown(("host", "cluster", "database", "why"), lines)
    return "\n".join(found).rstrip("\n") + "\n"


def as_csv(rows: t.Sequence[Values], difference: Difference | None) -> str:
    """For spreadsheets, which take no cell for a formula; every object, column and way is named."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\r\n")
    names = list(rows[0] if rows else ())
    names.sort(key=lambda name: name not in ("host", "cluster", "role"))
    unknown = [row for row in rows if row["kind"] == UNKNOWN]
    changes = (
        [("", row) for row in rows]
        if difference is None
        else [(word, row) for word, found in difference.values().items() for row in found]
        + [("", row) for row in unknown]
    )
    writer.writerow([*(["change"] if difference else []), *names])
    for word, row in changes:
        cells = [*([word] if difference else []), *(_plain(row[name]) for name in names)]
        writer.writerow([f"'{cell}" if cell.lstrip().startswith(_FORMULA) else cell for cell in map(one_line, cells)])
    return stream.getvalue()


def _changed(difference: Difference) -> list[tuple[str, str, Values]]:
    return [
        *(("+", "added", row) for row in difference.added),
        *(("-", "removed", row) for row in difference.removed),
        *(("?", "unknown", row) for row in difference.unknown),
    ]


def _summary(difference: Difference) -> str:
    told = ", ".join(f"{len(rows)} {word}" for word, rows in difference.values().items())
    return f"rows since the review that was signed off: {told}"


def _cells(row: Values) -> Cells:
    if row["kind"] == UNKNOWN:
        return (row["host"], row["cluster"], "", UNKNOWN, row["database"], "", "", row["reason"], "")
    privileges = ", ".join(row["privileges"]) + (" (may grant it)" if row["grantable"] else "")
    how = "; ".join(row["ways"])
    return (
        *(row["host"], row["cluster"], row["role"], row["kind"]),
        *(".".join(filter(None, (row["database"], row["schema"]))), _objects(row), privileges),
        f"SET ROLE {row['set_role']}: {how}" if row["set_role"] else how,
        ", ".join(row["missing"]),
    )


def _objects(row: Values) -> str:
    count, names = row["count"], row["objects"]
    of_all = f"all {count}" if count == row["total"] and count > 1 else ""
    if not names:
        return of_all or (f"{count} of {row['total']}" if count else "")
    shown = ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
    columns = f" ({', '.join(row['columns'])})" if row["columns"] else ""
    return (f"{of_all}: " if of_all else "") + shown + columns


def _plain(value: t.Any) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value)


def _printable(row: Values) -> Cells:
    return tuple(one_line(cell) for cell in _cells(row))


def _escaped(text: str) -> str:
    entities = "".join(_ENTITIES.get(each, each) for each in one_line(text))
    return _MARKDOWN.sub(r"\\\1", entities)


def _markdown(titles: Cells, lines: t.Iterable[Cells]) -> list[str]:
    head = ["| " + " | ".join(titles) + " |", "|" + " --- |" * len(titles)]
    return [*head, *("| " + " | ".join(map(_escaped, line)) + " |" for line in lines), ""]


def _aligned(lines: t.Sequence[Cells]) -> str:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() + "\n" for line in lines
    )
