"""Whether a server archives by a job, and how far behind it is."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest
from rampart_backup.archiving.watch import Archiver
from rampart_backup.archiving.watch import problems
from rampart_backup.archiving.watch import wanting

OURS: t.Final = "/usr/local/bin/rampart-backup archive /etc/rampart-backup/wal.json %p"
GOOD: t.Final = Archiver(
    mode="on",
    command=OURS,
    library="",
    timeout=60,
    standby=False,
    segment_size=2**24,
    waiting=0,
    oldest=0.0,
    archived="000000010000000000000001",
    archived_unix=1.0,
    failing="",
)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, []),
        ({"mode": "always"}, []),
        ({"standby": True}, []),
        ({"command": f"nice timeout 60 {OURS}"}, []),
        ({"command": OURS.replace("%p", '"%p"')}, []),
        ({"command": f"{OURS} || true"}, ["archive_command is"]),
        ({"command": f"{OURS}; true"}, ["archive_command is"]),
        ({"command": f"true || {OURS}"}, ["archive_command is"]),
        ({"command": f"true;{OURS}"}, ["archive_command is"]),
        ({"command": f"true # {OURS}"}, ["archive_command is"]),
        ({"command": f"! {OURS}"}, ["archive_command is"]),
        ({"command": f"true\n{OURS}"}, ["archive_command is"]),
        ({"command": f"$(true) {OURS}"}, ["archive_command is"]),
        ({"command": f"echo {OURS}"}, ["archive_command is"]),
        ({"command": OURS.replace("wal.json", "other.json")}, ["archive_command is"]),
        ({"command": "/bin/true"}, ["archive_command is '/bin/true', not"]),
        ({"command": ""}, ["archive_command is ''"]),
        ({"command": "'"}, ["archive_command is"]),
        ({"library": "basic_archive", "command": ""}, ["archive_library is 'basic_archive'"]),
        ({"mode": "off", "command": "(disabled)"}, ["archive_mode is off", "archive_command has to be"]),
    ],
)
def test_what_is_missing(changes: dict[str, t.Any], said: list[str]) -> None:
    found = wanting(dataclasses.replace(GOOD, **changes), "wal", OURS)
    assert len(found) == len(said)
    assert all(one.startswith(other) for one, other in zip(found, said))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, []),
        ({"waiting": 64, "oldest": 900.0}, []),
        ({"waiting": 65}, ["65 files of WAL wait, 64 may be"]),
        ({"waiting": 1, "oldest": 901.0}, ["the oldest file of WAL waits for 901 seconds, 900 may pass"]),
        ({"waiting": 1, "failing": "X"}, ["archiving X failed"]),
        ({"failing": "X"}, []),  # somebody took away what could not be archived
        ({"waiting": 99, "oldest": 9999.0, "failing": "X", "standby": True}, []),  # it was the primary's to archive
        ({"waiting": 99, "standby": True, "mode": "always"}, ["99 files of WAL wait"]),
        ({"waiting": 99, "mode": "off"}, []),
    ],
)
def test_how_far_it_is_behind(changes: dict[str, t.Any], said: list[str]) -> None:
    found = problems(dataclasses.replace(GOOD, **changes), seconds=900, files=64)
    assert len(found) == len(said)
    assert all(one.startswith(other) for one, other in zip(found, said))
