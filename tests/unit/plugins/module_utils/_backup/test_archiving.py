# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which parameters follow from what is wanted of archiving, and what is not taken over."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._backup.archiving.arguments import ARGUMENTS
from ansible_collections.rampart.postgresql.plugins.module_utils._backup.archiving.arguments import wish
from ansible_collections.rampart.postgresql.plugins.module_utils._backup.archiving.bringing import following
from ansible_collections.rampart.postgresql.plugins.module_utils._backup.archiving.deciding import Line
from ansible_collections.rampart.postgresql.plugins.module_utils._backup.archiving.deciding import State
from ansible_collections.rampart.postgresql.plugins.module_utils._backup.archiving.deciding import Statistics
from ansible_collections.rampart.postgresql.plugins.module_utils._backup.archiving.deciding import Wish
from ansible_collections.rampart.postgresql.plugins.module_utils._backup.archiving.deciding import offered
from ansible_collections.rampart.postgresql.plugins.module_utils._backup.archiving.deciding import refuse
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import ManagedElsewhere
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import PendingRestart
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Plan
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Planned

OFF = State(lines=(), mode="off", command="(disabled)", library="", major=17, in_recovery=False)
OURS = "/usr/local/bin/rampart-backup archive /etc/rampart-backup/wal.json %p"
OTHER = OURS.replace("wal.json", "second.json")
MAIN, FILE, AUTOMATIC = "/etc/postgresql.conf", "/etc/conf.d/zz_rampart.conf", "/data/postgresql.auto.conf"


def wanted(**changes: t.Any) -> Wish:
    defaults = {name: option.get("default") for name, option in ARGUMENTS.items()}
    return wish({**defaults, "job": "wal", **changes}, check_mode=False)


def lines(*given: tuple[str, str, str]) -> tuple[Line, ...]:
    return tuple(Line(name, value, path, number) for number, (path, name, value) in enumerate(given, 1))


def archiving(command: str, *, path: str = FILE, mode: str = "on", **changes: t.Any) -> State:
    found = lines((path, "archive_mode", mode), (path, "archive_command", command))
    return dataclasses.replace(OFF, mode=mode, command=command, lines=found, **changes)


def test_a_server_that_archives_nothing() -> None:
    refuse(OFF, wanted())
    expected = {"archive_command": OURS, "archive_mode": "on", "archive_timeout": "300"}
    assert offered(OFF, wanted()) == {"pg_backup": expected}
    assert "archive_timeout" not in offered(OFF, wanted(archive_timeout=-1))["pg_backup"]
    assert offered(OFF, wanted(archive_timeout=0))["pg_backup"]["archive_timeout"] == "0"


@pytest.mark.parametrize("timeout", [-2, 2**30])
def test_a_time_that_the_server_does_not_take(timeout: int) -> None:
    with pytest.raises(InputError, match="archive_timeout"):
        wanted(archive_timeout=timeout)


@pytest.mark.parametrize("name", ["", "a b", "a/b", "%p", "a;b"])
def test_a_job_that_cannot_be_called_so(name: str) -> None:
    with pytest.raises(InputError, match="job: "):
        wanted(job=name)


@pytest.mark.parametrize(
    ("command", "foreign"),
    [
        ("pgbackrest --stanza=x archive-push %p", True),
        ("wal-g wal-push %p", True),
        (f"{OURS} || true", True),
        (f"sudo {OURS}", True),
        (OURS.replace("/usr/local/bin", "/opt"), True),
        (OURS.replace("wal.json", "x/../wal.json"), True),
        (OURS, False),
        (OTHER, False),
        ("/bin/true", False),
        ("", False),
    ],
)
def test_a_command_of_somebody_else_is_not_taken_over_in_silence(command: str, foreign: bool) -> None:
    state = archiving(command, path=MAIN)
    if not foreign:
        refuse(state, wanted())
        return
    with pytest.raises(ManagedElsewhere, match=r"archive_command is .*/etc/postgresql\.conf:2.*replace: true"):
        refuse(state, wanted())
    refuse(state, wanted(replace=True))
    refuse(state, wanted(state="absent"))
    adopted = dataclasses.replace(state, lines=(*state.lines, *lines((FILE, "archive_command", OURS))))
    refuse(adopted, wanted())


def test_a_library_is_not_taken_over_either() -> None:
    found = lines((MAIN, "archive_library", "basic_archive"))
    state = dataclasses.replace(OFF, mode="on", command="", library="basic_archive", lines=found)
    with pytest.raises(ManagedElsewhere, match="archive_library is 'basic_archive'"):
        refuse(state, wanted())
    refuse(state, wanted(replace=True))
    assert offered(state, wanted(replace=True))["pg_backup"]["archive_library"] == ""
    emptied = dataclasses.replace(state, lines=(*found, *lines((FILE, "archive_library", ""))), library="")
    refuse(emptied, wanted())
    assert offered(emptied, wanted()) == offered(state, wanted(replace=True))


def test_what_a_server_was_started_with_counts_where_no_file_says_anything() -> None:
    with pytest.raises(ManagedElsewhere, match="what the server was started with"):
        refuse(dataclasses.replace(OFF, mode="on", command="cp %p /a/%f"), wanted())


def test_always_stays_and_is_never_ours() -> None:
    assert "archive_mode" not in offered(archiving("", path=MAIN, mode="always"), wanted())["pg_backup"]
    assert offered(archiving("", path=MAIN, mode="on"), wanted())["pg_backup"]["archive_mode"] == "on"


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (dataclasses.replace(OFF, missing=True), "is not there"),
        (dataclasses.replace(OFF, problem="another one"), "another one"),
    ],
)
def test_a_job_that_is_none_is_refused(state: State, expected: str) -> None:
    with pytest.raises(InputError, match=f"job: 'wal' .*{expected}"):
        refuse(state, wanted())
    refuse(state, wanted(state="absent"))


def test_a_definition_that_is_yet_to_come_is_foreseen() -> None:
    refuse(dataclasses.replace(OFF, missing=True), dataclasses.replace(wanted(), foreseen=True))


def test_an_archiver_that_still_runs_ends_well() -> None:
    gone = wanted(state="absent")
    assert offered(archiving(OURS), gone) == {"pg_backup": {"archive_mode": "off", "archive_command": "/bin/true"}}
    ended = archiving("/bin/true", mode="off")
    assert offered(dataclasses.replace(ended, mode="on"), gone) == offered(archiving(OURS), gone)
    assert offered(ended, gone) == {"pg_backup": {}}
    assert offered(archiving(OURS), wanted(state="absent", allow_restart=True)) == {"pg_backup": {}}


@pytest.mark.parametrize("state", [OFF, archiving(OTHER), archiving("cp %p /a/%f"), archiving("/bin/true", path=MAIN)])
def test_who_archives_in_another_way_is_left_alone(state: State) -> None:
    assert offered(state, wanted(state="absent")) == {}


def test_what_archived_before_does_so_again() -> None:
    before = lines((MAIN, "archive_mode", "on"), (MAIN, "archive_command", "cp %p /a/%f"))
    state = archiving(OURS)
    assert offered(dataclasses.replace(state, lines=(*before, *state.lines)), wanted(state="absent")) == {
        "pg_backup": {}
    }


def plan(*waiting: str) -> Plan:
    return Plan((Planned(restart_required=tuple(PendingRestart(name, "off", "on") for name in waiting)),))


@pytest.mark.parametrize(
    ("state", "changes", "waiting", "expected"),
    [
        (OFF, {}, ["archive_mode"], []),
        (OFF, {"allow_restart": True}, ["archive_mode"], ["the server", "wal"]),
        (dataclasses.replace(OFF, in_recovery=True), {"allow_restart": True}, ["archive_mode"], ["the server"]),
        (OFF, {"allow_restart": True}, ["shared_buffers"], []),
        (archiving("/bin/true"), {}, [], ["wal"]),
        (archiving(OURS), {}, [], ["wal"]),
        (archiving(OURS, statistics=Statistics(archived=1)), {}, [], []),
        (archiving(OURS, statistics=Statistics(archived=1, fails=True)), {}, [], []),
        (archiving(OURS, statistics=Statistics(archived=1, outdated=True)), {}, [], ["wal"]),
        (archiving(OURS, statistics=Statistics(archived=1)), {"prove": True}, [], ["wal"]),
        (archiving(OURS, in_recovery=True, statistics=Statistics(archived=1)), {"prove": True}, [], []),
        (archiving(OURS, statistics=Statistics(archived=1)), {"prove": True, "state": "absent"}, [], []),
        (archiving(OTHER, statistics=Statistics(archived=1)), {}, [], ["wal"]),
        (archiving(OURS, in_recovery=True), {}, [], []),
        (archiving(OURS), {"state": "absent"}, [], []),
    ],
)
def test_when_a_segment_is_forced(
    state: State, changes: dict[str, t.Any], waiting: list[str], expected: list[str]
) -> None:
    assert [step.subject for step in following(state, wanted(**changes), plan(*waiting))] == expected


BACKREST: t.Final = "/usr/bin/pgbackrest --stanza=17-main archive-push %p"


def test_a_stanza_of_pgbackrest_archives_instead_of_a_job() -> None:
    wish = wanted(job=None, stanza="17-main")
    refuse(OFF, wish)
    assert offered(OFF, wish)["pg_backup"]["archive_command"] == BACKREST
    refuse(archiving(BACKREST), wish)
    with pytest.raises(ManagedElsewhere, match="archive_command"):
        refuse(archiving(BACKREST.replace("17-main", "another")), wish)  # which somebody may have set up
    refuse(
        archiving(OURS), wish
    )  # so that a job can be changed to one of pgBackRest without a time in which nothing archives
    with pytest.raises(ManagedElsewhere, match="archive_command"):
        refuse(archiving(f"{OURS} || true"), wish)
    ended = wanted(job=None, stanza="17-main", state="absent", allow_restart=True)
    assert offered(archiving(BACKREST), ended) == {"pg_backup": {}}
    assert offered(archiving(OURS), ended) == {}


@pytest.mark.parametrize("stanza", ["a b", "--config=x", "a%p", "a;b", "-a"])
def test_a_stanza_that_the_shell_could_read(stanza: str) -> None:
    with pytest.raises(InputError, match="stanza"):
        wanted(job=None, stanza=stanza)
