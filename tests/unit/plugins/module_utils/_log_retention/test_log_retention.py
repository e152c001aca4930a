# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What tells systemd-tmpfiles to remove old log files, and where it must not."""

from __future__ import annotations

import dataclasses
import os
import pathlib

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._log_retention.component import component
from ansible_collections.rampart.postgresql.plugins.module_utils._log_retention.state import State
from ansible_collections.rampart.postgresql.plugins.module_utils._log_retention.state import unsafe
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import WriteFile

DIRECTORY = "/var/log/postgresql/17-main"
STATE = State(
    cluster="17/main",
    directory=DIRECTORY,
    path="/etc/tmpfiles.d/rampart-postgresql-17-main.conf",
    content=None,
    problem="",
    version=252,
)


def written(state: State, days: int = 90) -> bytes | None:
    [step] = component({"directory": "/var/log/postgresql/{cluster}", "days": days}).plan(state).steps
    assert isinstance(step.operation, WriteFile)
    assert step.operation.by_root
    return step.operation.after


@pytest.mark.parametrize(("version", "age"), [(247, "90d"), (249, "90d"), (250, "m:90d"), (257, "m:90d")])
def test_one_line(version: int, age: str) -> None:
    state = dataclasses.replace(STATE, version=version)
    text = written(state)
    assert text is not None
    assert text.decode().splitlines()[1:] == [f"e {DIRECTORY} - - - {age}"]
    there = dataclasses.replace(state, content=text)
    assert not component({"directory": DIRECTORY, "days": 90}).plan(there).steps
    assert written(there, 91) != text
    assert written(there, 0) is None
    assert not component({"directory": DIRECTORY, "days": 0}).plan(STATE).steps


def test_a_directory_that_is_not_safe_is_refused_unless_nothing_is_removed() -> None:
    state = dataclasses.replace(STATE, problem="/srv/pg is not a directory of root's")
    with pytest.raises(InputError, match=r"directory: '/var/log/postgresql/17-main' .* /srv/pg is not"):
        component({"directory": DIRECTORY, "days": 1}).plan(state)
    assert not component({"directory": DIRECTORY, "days": 0}).plan(state).steps


@pytest.mark.parametrize(
    "directory", ["log", "/", "/log", "/var/log/*", "/var/log/a b", "/var/log/%t", "/var/../etc/x", "/var/log/a\nb", ""]
)
def test_a_path_that_would_mean_something_else_is_refused(directory: str) -> None:
    with pytest.raises(InputError, match=r"log_retention\.directory.*full path"):
        component({"directory": directory, "days": 1}, option="log_retention")


def test_days_are_not_negative() -> None:
    with pytest.raises(InputError, match=r"days: -1 cannot be used"):
        component({"directory": DIRECTORY, "days": -1})


def test_who_may_be_on_the_way(tmp_path: pathlib.Path) -> None:
    """The way is walked as it is; here nobody but this account owns the last parts of it."""
    me = os.getuid()
    log = tmp_path / "parent" / "log"
    assert "parent: No such file" in unsafe(str(log), me, root=me)
    log.parent.mkdir()
    foreign = [part for part in log.parents if os.lstat(part).st_uid != me]
    expected = f"{foreign[0]} is not a directory of root's" if foreign else ""
    assert unsafe(str(log), me, root=me) == expected  # a missing one will be made by the server
    if foreign:
        return
    log.mkdir()
    assert unsafe(str(log), me, root=me) == ""
    assert "files of others" in unsafe(str(log), me + 1, root=me)
    log.parent.chmod(0o777)
    assert unsafe(str(log), me, root=me) == ""  # the last part may be replaced: no link is followed there
    assert "others than root can write" in unsafe(str(log / "deeper"), me, root=me)
    log.parent.chmod(0o755)
    log.rmdir()
    log.symlink_to("/etc")
    assert "is not a directory of the cluster's owner" in unsafe(str(log), me, root=me)
    assert "is not a directory of root's" in unsafe(str(log / "deeper"), me, root=me)
