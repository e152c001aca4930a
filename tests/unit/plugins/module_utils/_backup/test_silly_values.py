# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whatever an option is given: the module refuses it by its name, or the program takes the definition that comes of it."""

from __future__ import annotations

import copy
import typing as t

import pytest
from rampart_backup.definition import parse

from ansible_collections.rampart.postgresql.plugins.module_utils._backup.arguments import ARGUMENTS
from ansible_collections.rampart.postgresql.plugins.module_utils._backup.definition import definition
from ansible_collections.rampart.postgresql.plugins.module_utils._backup.state import LAYOUT
from ansible_collections.rampart.postgresql.plugins.module_utils._backup.units import cron
from ansible_collections.rampart.postgresql.plugins.module_utils._backup.units import of_job
from ansible_collections.rampart.postgresql.plugins.module_utils._backup.units import service
from ansible_collections.rampart.postgresql.plugins.module_utils._backup.units import timer
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.tests.unit.plugins.module_utils._backup.jobs import SOURCE
from ansible_collections.rampart.postgresql.tests.unit.plugins.module_utils._backup.jobs import job

_JOB: t.Final = ARGUMENTS["jobs"]["options"]
_TEXTS: t.Final = (
    *("", " ", "a\nb", "a\0b", "../x", "/srv/../etc", "/srv/x\n", "$(id)", "; id", "`id`", "-x", "--x=y", "é", "%h"),
    *("a b", "'", '"', "\\", "x" * 5000, "/srv/a\x1bb", "/etc", "true", "1"),
)
_SILLY: t.Final[dict[str, tuple[t.Any, ...]]] = {
    "str": _TEXTS,
    "int": (True, False, -1, 0, 10**12, -(2**63)),
    "list": ([], [""], *([text] for text in _TEXTS)),
}
_PLACES: t.Final[dict[str, dict[str, t.Any]]] = {
    "directory": {"path": "/srv/b"},
    "vault": {"kind": "vault", "host": "h", "account": "a", "key": "/k", "known_hosts": "/h"},
    "rclone": {"kind": "rclone", "remote": "s:b/x", "config": "/c"},
}


def options(found: t.Mapping[str, t.Any], above: tuple[str, ...] = ()) -> t.Iterator[tuple[tuple[str, ...], str]]:
    """The path of each option with its type, but for those of places."""
    for name, option in found.items():
        if option["type"] == "dict":
            yield from options(option["options"], (*above, name))
        elif option["type"] in _SILLY and name not in ("places", "state") and "choices" not in option:
            yield (*above, name), option["type"]


def judge(wish: t.Mapping[str, t.Any], name: str) -> bool:
    """Whether a job is taken; then the program has to take it, and units have to hold it in lines of their own."""
    try:
        wanted = job(**wish)
    except InputError as error:
        assert f".{name}" in error.option, error
        assert error.expected
        return False
    parse(definition(wanted, SOURCE, "/var/lib/rampart-backup/nightly"))
    scheduled = of_job(wanted, SOURCE, LAYOUT)
    for text in (service(scheduled), timer(scheduled), cron(scheduled) or ""):
        assert text.isprintable() or set(filter(lambda each: not each.isprintable(), text)) <= {"\n"}, text
    return True


@pytest.mark.parametrize("kind", ["logical", "physical", "logs", "wal", "pgbackrest"])
def test_options_of_jobs(kind: str) -> None:
    taken = 0
    for path, type_ in options(_JOB):
        for value in _SILLY[type_]:
            wish: dict[str, t.Any] = {
                "kind": kind,
                "schedule": {"calendar": "daily"},
                "encryption": {"recipients": ["age1x"]},
            }
            wish.update({"pgbackrest": {"stanza": "main"}} if kind == "pgbackrest" else {})
            inner = wish
            for name in path[:-1]:
                inner = inner.setdefault(name, {"full_every": 2} if name == "incremental" else {})
            inner[path[-1]] = value
            taken += judge(copy.deepcopy(wish), path[-1])
    assert taken


@pytest.mark.parametrize("kind", list(_PLACES))
def test_options_of_places(kind: str) -> None:
    for (name,), type_ in options(_JOB["places"]["options"]):
        for value in _SILLY[type_]:
            judge({"places": [{**_PLACES[kind], name: value}]}, f"places[0].{name}")
