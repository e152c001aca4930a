# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The drop-in that confines a server, computed from what was observed of it."""

from __future__ import annotations

import dataclasses
import json

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import Unsupported
from ansible_collections.rampart.postgresql.plugins.module_utils._host.sandbox.dropin import drop_in
from ansible_collections.rampart.postgresql.plugins.module_utils._host.sandbox.dropin import outermost
from ansible_collections.rampart.postgresql.plugins.module_utils._host.sandbox.state import Place
from ansible_collections.rampart.postgresql.plugins.module_utils._host.sandbox.state import State
from ansible_collections.rampart.postgresql.plugins.module_utils._host.sandbox.targets import Archive
from ansible_collections.rampart.postgresql.plugins.module_utils._host.sandbox.targets import candidates
from ansible_collections.rampart.postgresql.plugins.module_utils._host.sandbox.targets import definitions
from ansible_collections.rampart.postgresql.plugins.module_utils._host.sandbox.targets import pgbackrest_paths
from ansible_collections.rampart.postgresql.plugins.module_utils._host.sandbox.targets import runs
from ansible_collections.rampart.postgresql.plugins.module_utils._host.sandbox.trial import Wish
from ansible_collections.rampart.postgresql.plugins.module_utils._host.sandbox.trial import planned
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Reload
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import WriteFile

STATE = State(
    cluster="17/main",
    unit="postgresql@17-main.service",
    started_by_root=True,
    data_directory="/var/lib/postgresql/17/main",
    places=(Place("/run/postgresql", "socket"), Place("/srv/ts", "tablespace")),
    socket_directories=("/run/postgresql",),
    commands=(),
    reads=("/var/lib/postgresql",),
    path="/etc/systemd/system/postgresql@17-main.service.d/rampart-sandbox.conf",
    content=None,
    lacking=(),
)
ALLOWED = Wish(allow_restart=True)


def lines(state: State = STATE, *given: str) -> list[str]:
    return drop_in(state, given).splitlines()


def at(*paths: str) -> State:
    return dataclasses.replace(STATE, places=tuple(Place(path, "archive_command") for path in paths))


def test_what_is_written_stays_writable_and_only_the_data_directory_must_be_there() -> None:
    assert [line for line in lines() if line.startswith("ReadWritePaths")] == [
        'ReadWritePaths="/var/lib/postgresql/17/main"',
        'ReadWritePaths="-/run/postgresql"',
        'ReadWritePaths="-/srv/ts"',
    ]


def test_capabilities_are_those_of_the_launcher() -> None:
    confined = [line for line in lines() if line.startswith("CapabilityBoundingSet")]
    assert confined == ["CapabilityBoundingSet=", "CapabilityBoundingSet=CAP_SETGID CAP_SETUID"]
    plain = dataclasses.replace(STATE, started_by_root=False)
    assert [line for line in lines(plain) if line.startswith("Cap")] == ["CapabilityBoundingSet="]


@pytest.mark.parametrize(
    ("state", "tmp"),
    [
        (STATE, "yes"),
        (at("/tmp/archive"), "no"),
        (at("/var/tmp/archive"), "no"),
        (at("/tmpfiles"), "yes"),
        (dataclasses.replace(STATE, socket_directories=("/run/postgresql", "/tmp")), "no"),
        (dataclasses.replace(STATE, reads=("/tmp/archive.sh",)), "no"),
    ],
)
def test_tmp_is_shared_where_something_in_it_is(state: State, tmp: str) -> None:
    assert f"PrivateTmp={tmp}" in lines(state)


@pytest.mark.parametrize(
    ("path", "home"), [("/srv/x", "yes"), ("/home/db/ts", "read-only"), ("/root/a", "read-only"), ("/homes/x", "yes")]
)
def test_homes_are_hidden_unless_something_is_there(path: str, home: str) -> None:
    assert f"ProtectHome={home}" in lines(at(path))
    # A program of a command, or the home of the owner with its password file and keys.
    assert f"ProtectHome={home}" in lines(dataclasses.replace(STATE, reads=("/usr/bin/x", path)))


def test_names_are_quoted_for_systemd_or_refused() -> None:
    assert 'ReadWritePaths="-/srv/a b%%c"' in lines(at("/srv/a b%c"))
    for path in ('/srv/a"b', "/srv/a\\b", "/srv/a\nExecStartPre=/bin/x", "/srv/a\udcff"):
        with pytest.raises(Unsupported):
            drop_in(at(path))
        with pytest.raises(InputError):
            drop_in(STATE, [path])


@pytest.mark.parametrize(
    "path", ["/", "/etc", "/etc/cron.d", "/usr/local", "/var", "/boot", "srv", "/srv/../etc", "/proc/1"]
)
def test_the_operator_cannot_open_the_system(path: str) -> None:
    with pytest.raises(InputError, match="writable_paths"):
        drop_in(STATE, [path])
    assert 'ReadWritePaths="-/srv/archive"' in lines(STATE, "/srv/archive")


def test_what_lies_in_another_one_is_not_named_twice() -> None:
    places = [Place(path, "") for path in ("/srv/a/b", "/srv/a", "/srv/a-b", "/srv/ab/c", "/srv/ab")]
    assert [place.path for place in outermost(places)] == ["/srv/a", "/srv/a-b", "/srv/ab"]
    inside = at("/var/lib/postgresql/17/main/log", "/var/lib/postgresql/17/main2")
    assert [line for line in lines(inside) if "17/main/log" in line] == []
    assert 'ReadWritePaths="-/var/lib/postgresql/17/main2"' in lines(inside)


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("cp %p /srv/archive/%f", ("/srv/archive",)),
        ("test ! -f /srv/wal/%f && cp %p /srv/wal/%f", ("/srv/wal",)),
        ("gzip < %p > '/srv/archive/x-%f.gz'", ("/srv/archive",)),
        ("/usr/bin/rsync %p backup:/srv/archive/%f", ("/usr/bin/rsync",)),
        ("aws s3 cp %p s3://bucket/%f", ()),
        ("pg_archivecleanup /srv/archive %r", ("/srv/archive",)),
        ("tool --to=/srv/a -c/srv/b %p", ("/srv/a",)),
        ("cp %p ../wal/%f", ()),
        ("cp %p /srv/../etc/%f", ()),
        ("cp %p /%f", ()),
        ("(disabled)", ()),
        ("", ()),
    ],
)
def test_where_a_command_writes(command: str, expected: tuple[str, ...]) -> None:
    assert candidates(command) == expected


def test_programs_of_a_command() -> None:
    assert runs("/usr/bin/pgbackrest --stanza=x archive-push %p", "pgbackrest")
    assert not runs("cp %p /srv/pgbackrest-old/%f", "pgbackrest")
    for program in ("sudo", "/usr/bin/su", "doas", "pkexec"):
        command = f"{program} -u backup cp %p /srv/%f"
        with pytest.raises(Unsupported, match=f"archive_command runs {program.rpartition('/')[2]}"):
            drop_in(dataclasses.replace(STATE, commands=(("archive_command", command),)))
    assert drop_in(dataclasses.replace(STATE, commands=(("archive_command", "cp %p /srv/sudoers/%f"),)))


def test_pgbackrest_writes_where_its_configuration_says() -> None:
    text = "[global]\nrepo1-path = /backup\n# log-path=/x\nlock-path=/run/pgbackrest\n"
    assert pgbackrest_paths(text) == ("/run/pgbackrest", "/var/log/pgbackrest", "/var/spool/pgbackrest", "/backup")
    stanzas = "[one]\nrepo1-path=/srv/100% of it/pgbackrest \n[two]\nrepo1-path=/backup\nrepo2-path=/elsewhere\n"
    assert pgbackrest_paths(text + stanzas)[3:] == ("/backup", "/srv/100% of it/pgbackrest", "/elsewhere")


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("/usr/local/bin/rampart-backup archive /etc/rampart-backup/wal.json %p", ("/etc/rampart-backup/wal.json",)),
        ("PATH=/x rampart-backup archive '/etc/a.json' %p", ("/etc/a.json",)),
        ("/usr/local/bin/rampart-backup archive wal.json %p", ()),
        ("/usr/local/bin/rampart-backup", ()),
        ("cp /etc/rampart-backup archive", ()),
        ("/usr/bin/other archive /etc/wal.json", ()),
    ],
)
def test_definitions_of_jobs_in_a_command(command: str, expected: tuple[str, ...]) -> None:
    assert definitions(command) == expected


def test_a_definition_says_what_its_command_needs() -> None:
    content = json.dumps(
        {
            "places": [
                {"kind": "directory", "path": "/srv/archive"},
                {"kind": "vault", "host": "v", "key": "/home/db/key", "known_hosts": "/etc/known"},
                {"kind": "rclone", "remote": "s3", "path": "bucket/x", "config": "/root/rclone.conf"},
            ],
            "encryption": {"method": "gpg", "recipients": ["/home/db/public.asc", "age1x"]},
            "state": "/var/lib/rampart-backup/wal",
        }
    )
    found = Archive.of(content.encode())
    assert found.cluster == ""
    mine = {"kind": "wal", "cluster": {"label": "17/main"}}
    assert Archive.of(json.dumps(mine).encode()).cluster == "17/main"
    assert Archive.of(json.dumps({**mine, "kind": "physical"}).encode()).cluster == ""
    assert found.writes == ("/srv/archive",)
    assert found.reads == ("/home/db/key", "/etc/known", "/root/rclone.conf", "/home/db/public.asc")


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"{}", b'{"places": 1}', b'{"places": [1], "encryption": []}', b"\xff"]
)
def test_a_definition_that_says_nothing(content: bytes) -> None:
    assert Archive.of(content) == Archive((), ())


def test_nothing_is_written_without_leave_to_restart() -> None:
    refused = planned(STATE, Wish())
    assert not refused.steps
    assert "allow_restart" in refused.left_alone[0].reason
    [step] = planned(STATE, ALLOWED).steps
    assert isinstance(step.operation, WriteFile)
    assert step.operation.by_root


def test_a_server_that_does_not_run_in_the_sandbox_yet_is_restarted() -> None:
    there = dataclasses.replace(STATE, content=drop_in(STATE).encode())
    assert not planned(there, ALLOWED).steps
    assert not planned(there, Wish()).left_alone
    outside = dataclasses.replace(there, lacking=("the server may gain privileges",))
    assert planned(outside, Wish()).left_alone
    [step] = planned(outside, ALLOWED).steps
    assert isinstance(step.operation, Reload)
    [step] = planned(there, dataclasses.replace(ALLOWED, present=False)).steps
    assert isinstance(step.operation, WriteFile)
    assert step.operation.after is None
    assert not planned(STATE, dataclasses.replace(ALLOWED, present=False)).steps
    killed = dataclasses.replace(STATE, lacking=("the server gains no privileges",))
    [step] = planned(killed, dataclasses.replace(ALLOWED, present=False)).steps
    assert isinstance(step.operation, Reload) and "in which it runs still" in step.description
