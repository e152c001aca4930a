# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Modes that are narrowed, and where passwords are seen."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._host.account import secrets
from ansible_collections.rampart.postgresql.plugins.module_utils._host.account.component import Account
from ansible_collections.rampart.postgresql.plugins.module_utils._host.account.component import Desired
from ansible_collections.rampart.postgresql.plugins.module_utils._host.account.component import component
from ansible_collections.rampart.postgresql.plugins.module_utils._host.account.state import Finding
from ansible_collections.rampart.postgresql.plugins.module_utils._host.account.state import Found
from ansible_collections.rampart.postgresql.plugins.module_utils._host.account.state import Package
from ansible_collections.rampart.postgresql.plugins.module_utils._host.account.state import State
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import ChangeMode

VALUES: dict[str, t.Any] = {
    "group_access": "as_made",
    "configuration_mode": "0644",
    "authentication_mode": "0640",
    "authorised_sources": [],
}

HISTORY = (
    "SELECT 1;",
    "ALTER ROLE a PASSWORD 'secret';",
    "ALTER ROLE a PASSWORD 'SCRAM-SHA-256$4096:x$y:z';",
    "create user b password $$secret$$;",
    "ALTER ROLE a PASSWORD NULL;",
    "\\connect postgresql://a:secret@h/db",
    "\\c 'host=h password=secret'",
    "CREATE TABLE t (password text);",
    "ALTER ROLE a PASSWORD\x01'secret';",  # how psql keeps an end of line
    "\\connect \"password='secret' host=h\"",
    "CREATE USER MAPPING FOR a SERVER s OPTIONS (user 'a', password 'secret')",
    "ALTER ROLE a PASSWORD U&'secret'",
)


def state(*files: Found, group: bool = False, packages: tuple[Package, ...] = ()) -> State:
    return State("postgres", 100, group_access=group, files=files, findings=(), packages=packages, unpackaged=())


def narrowed(
    kind: str, mode: int, *, group: bool = False, uid: int = 100, desired: Desired | None = None
) -> int | None:
    """The mode that a file gets; None when it stays."""
    found = Found("/x", kind, mode, uid)
    steps = Account(desired or Desired()).plan(state(found, group=group)).steps
    if not steps:
        return None
    [step] = steps
    assert isinstance(step.operation, ChangeMode)
    assert step.operation.before == mode
    return step.operation.after


@pytest.mark.parametrize(
    ("kind", "group", "mode", "expected"),
    [
        ("data directory", False, 0o700, None),
        ("data directory", False, 0o750, 0o700),
        ("data directory", True, 0o750, None),
        ("data directory", True, 0o770, 0o750),
        ("data directory", True, 0o700, None),
        ("directory", False, 0o3777, 0o3755),
        ("directory", True, 0o755, None),
        ("directory", False, 0o700, None),
        ("configuration", False, 0o644, None),
        ("configuration", False, 0o666, 0o644),
        ("configuration", False, 0o600, None),
        ("authentication", False, 0o644, 0o640),
        ("inner configuration", False, 0o644, 0o600),
        ("inner configuration", True, 0o640, None),
        ("key", False, 0o640, 0o600),
        ("personal", False, 0o644, 0o600),
        ("personal", False, 0o400, None),
    ],
)
def test_modes_are_narrowed_and_never_widened(kind: str, group: bool, mode: int, expected: int | None) -> None:
    assert narrowed(kind, mode, group=group) == expected


def test_group_access_can_be_refused() -> None:
    assert narrowed("data directory", 0o750, group=True, desired=Desired(group_access=False)) == 0o700


def test_files_of_others_are_left_alone_and_named() -> None:
    assert narrowed("key", 0o640, uid=0) is None
    planned = Account(Desired()).plan(state(Found("/etc/x.key", "key", 0o644, 0), Found("/y", "personal", 0o644, 7)))
    assert not planned.steps
    assert [left.subject for left in planned.left_alone] == ["/etc/x.key", "/y"]


@pytest.mark.parametrize("mode", ["", "644x", "0777", "0666", "0444", "0755", "abc", "0o644"])
def test_modes_that_make_no_sense_are_refused(mode: str) -> None:
    with pytest.raises(InputError, match="configuration_mode"):
        component({**VALUES, "configuration_mode": mode})
    assert component({**VALUES, "configuration_mode": "640"})


def told(search: t.Callable[[str, str], list[Finding]], text: str) -> list[int]:
    found = search("/f", text)
    assert all("secret" not in str(finding) for finding in found)
    return [finding.line for finding in found]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("PGPASSWORD=secret", True),
        ("PGPASSWORD = secret", True),
        ("export PGPASSWORD='secret'", True),
        ("x; PGPASSWORD=secret psql", True),
        ("* * * * * root PGPASSWORD=secret psql", True),
        ("Environment=PGPASSWORD=secret", True),
        ('Environment=A=b "PGPASSWORD=secret"', True),
        ("PGPASSWORD DEFAULT=secret", True),  # of pam_env
        ("setenv PGPASSWORD secret", True),
        ("set -gx PGPASSWORD secret", True),
        ("# PGPASSWORD=secret", False),
        ("unset PGPASSWORD", False),
        ("setenv PGPASSWORD", False),
        ("set -e PGPASSWORD x", False),
        ("MYPGPASSWORD=secret", False),
        ("PGPASSWORDS=secret", False),
        ("PGPASSWORD=", False),
        ('export PGPASSWORD=""', False),
        ("PGPASSWORD='' psql", False),
        ('test "$PGPASSWORD" = x', False),
    ],
)
def test_profiles(line: str, expected: bool) -> None:
    assert told(secrets.in_profile, f"x\n{line}\n") == ([2] if expected else [])


def test_files_that_units_read_variables_from() -> None:
    text = (
        "EnvironmentFile=-/etc/default/app\nEnvironmentFile = /srv/app.env\n#EnvironmentFile=/x\nEnvironmentFile=%h/y\n"
    )
    assert secrets.environment_files(text) == ["/etc/default/app", "/srv/app.env"]


def test_service_files() -> None:
    text = "[a]\nhost=x\npassword=secret\n#password=secret\npassword=\nsslpassword=secret\nrequire_auth=password\n"
    assert told(secrets.in_service_file, text) == [3, 6]


def test_history_of_psql() -> None:
    text = "\n".join(HISTORY)
    assert told(secrets.in_history, text) == [2, 4, 6, 7, 9, 10, 11, 12]


def test_password_files() -> None:
    assert told(secrets.in_password_file, "# c\n\nh:5432:*:u:secret\n*:*:*:u:secret\n") == [0, 4]
    assert told(secrets.in_password_file, "# c\n") == []


def test_configuration() -> None:
    text = "primary_conninfo = 'host=x password=secret'\n#primary_conninfo = 'password=secret'\nprimary_conninfo = 'host=x'\n"
    text += "primary_conninfo = 'password=''secret'' host=x'\nprimary_conninfo='password='''' host=x'\n"
    text += "archive_command = 'PGPASSWORD=secret tool %p'\n"
    assert told(secrets.in_configuration, text) == [1, 4, 6]


def test_where_the_server_may_come_from() -> None:
    package = Package("postgresql-17", "17.1", "17.2", ("http://deb.example.org/debian trixie/main amd64 Packages",))
    where = Desired(authorised_sources=("http://deb.example.org/debian ",))

    def told(desired: Desired, *packages: Package, unpackaged: tuple[str, ...] = ()) -> tuple[str, ...]:
        found = dataclasses.replace(state(packages=packages), unpackaged=unpackaged)
        return Account(desired).plan(found).findings

    assert not told(where, package)
    assert not told(Desired(), package, unpackaged=("/lib/own.so",))
    other = dataclasses.replace(where, authorised_sources=("https://apt.postgresql.org/",))
    assert "none of authorised_sources" in told(other, package)[0]
    assert told(where)
    [only] = told(where, package, Package("pgaudit", "1"))
    assert only.startswith("pgaudit 1 comes from no package list")
    assert told(where, package, unpackaged=("/lib/own.so",))[0].startswith("/lib/own.so comes from no package")
