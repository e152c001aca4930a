# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What units and files for cron say."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._backup.calendar import to_cron
from ansible_collections.rampart.postgresql.plugins.module_utils._backup.state import LAYOUT
from ansible_collections.rampart.postgresql.plugins.module_utils._backup.units import cron
from ansible_collections.rampart.postgresql.plugins.module_utils._backup.units import of_job
from ansible_collections.rampart.postgresql.plugins.module_utils._backup.units import service
from ansible_collections.rampart.postgresql.plugins.module_utils._backup.units import timer
from ansible_collections.rampart.postgresql.tests.unit.plugins.module_utils._backup.jobs import SOURCE
from ansible_collections.rampart.postgresql.tests.unit.plugins.module_utils._backup.jobs import job


def settings(text: str) -> dict[str, list[str]]:
    """The values of a unit by their names."""
    pairs = [line.partition("=")[::2] for line in text.splitlines() if "=" in line and not line.startswith("#")]
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found


def test_the_service_is_confined_to_what_the_job_needs() -> None:
    wanted = job(places=[{"path": "/srv/100% of it"}], metrics_directory="/var/lib/metrics", timeout=60)
    found = settings(service(of_job(wanted, SOURCE, LAYOUT)))
    assert found["ExecStart"] == ["/usr/local/bin/rampart-backup run /etc/rampart-backup/nightly.json"]
    assert found["ExecStopPost"] == ["-/usr/local/bin/rampart-backup conclude job /etc/rampart-backup/nightly.json"]
    assert found["ReadWritePaths"] == ['"-/srv/100%% of it"', '"-/var/lib/metrics"']
    assert found["After"] == ["postgresql@17-main.service"]
    assert not {"Wants", "Requires", "BindsTo", "Requisite"} & set(found)
    assert found["TimeoutStartSec"] == ["60s"]
    expected = {
        "Type": "oneshot",
        "User": "postgres",
        "Group": "postgres",
        "UMask": "0077",
        "CapabilityBoundingSet": "",
        "NoNewPrivileges": "yes",
        "ProtectSystem": "strict",
        "ProtectHome": "yes",
        "PrivateTmp": "yes",
        "PrivateDevices": "yes",
        "RestrictAddressFamilies": "AF_UNIX AF_INET AF_INET6",
        "StateDirectory": "rampart-backup/nightly",
        "StateDirectoryMode": "0700",
        "IOSchedulingClass": "best-effort",
        "IOSchedulingPriority": "7",
    }
    assert {name: found[name] for name in expected} == {name: [value] for name, value in expected.items()}


@pytest.mark.parametrize(
    ("changes", "socket", "home", "tmp"),
    [
        ({}, "/tmp", "yes", "no"),
        ({}, "/tmpfiles", "yes", "yes"),
        ({"places": [{"path": "/home/backups"}]}, "/run/postgresql", "read-only", "yes"),
        ({"places": [{"path": "/homes/backups"}]}, "/run/postgresql", "yes", "yes"),
        ({"places": [{"path": "/var/tmp/backups"}]}, "/run/postgresql", "yes", "no"),
        (
            {"places": [{"kind": "vault", "host": "v", "account": "a", "key": "/root/k", "known_hosts": "/h"}]},
            "/run/postgresql",
            "read-only",
            "yes",
        ),
    ],
)
def test_what_is_hidden_depends_on_what_is_needed(changes: dict[str, t.Any], socket: str, home: str, tmp: str) -> None:
    found = settings(service(of_job(job(**changes), dataclasses.replace(SOURCE, socket_directory=socket), LAYOUT)))
    assert (found["ProtectHome"], found["PrivateTmp"]) == ([home], [tmp])


def test_a_data_directory_with_any_name_is_one_line() -> None:
    source = dataclasses.replace(SOURCE, label="/srv/a%n\nExecStart=/bin/x\\", unit="session-1.scope")
    text = service(of_job(job(timeout=0), source, LAYOUT))
    assert settings(text)["Description"] == ["Backup nightly of PostgreSQL /srv/a%%n?ExecStart=/bin/x"]
    assert settings(text)["TimeoutStartSec"] == ["infinity"]
    assert text.count("\nExecStart=") == 1
    assert "After" not in settings(text)
    assert timer(of_job(job(), source, LAYOUT)).count("%%n?ExecStart") == 1
    assert (
        len([line for line in (cron(of_job(job(), source, LAYOUT)) or "").splitlines() if not line.startswith("#")])
        == 3
    )


def test_the_timer() -> None:
    schedule = {"calendar": "Mon..Fri  *-*-* 02:30:00", "random_delay": 1800, "persistent": False}
    found = settings(timer(of_job(job(schedule=schedule), SOURCE, LAYOUT)))
    assert found["OnCalendar"] == ["Mon..Fri *-*-* 02:30:00"]
    assert (found["RandomizedDelaySec"], found["Persistent"]) == (["1800s"], ["no"])
    assert found["WantedBy"] == ["timers.target"]


def test_cron_runs_it_as_the_account() -> None:
    text = cron(of_job(job(schedule={"calendar": "Sun 02:30", "random_delay": 60}, timeout=600), SOURCE, LAYOUT)) or ""
    assert text.splitlines()[-1] == (
        "30 2 * * 0 postgres sleep $(shuf -n 1 -i 0-60); nice -n 10 ionice -c 2 -n 7 timeout -k 60 600"
        " /usr/local/bin/rampart-backup run /etc/rampart-backup/nightly.json;"
        " exec /usr/local/bin/rampart-backup conclude job /etc/rampart-backup/nightly.json"
    )


@pytest.mark.parametrize(
    ("calendar", "columns"),
    [
        ("hourly", "0 * * * *"),
        ("daily", "0 0 * * *"),
        ("weekly", "0 0 * * 1"),
        ("monthly", "0 0 1 * *"),
        ("*-*-* 02:05:00", "5 2 * * *"),
        ("23:59", "59 23 * * *"),
        ("*:15", "15 * * * *"),
        ("*-*-01 00:00:00", "0 0 1 * *"),
        ("Sun *-*-* 03:00:00", "0 3 * * 0"),
        ("Mon,Thu 03:00", "0 3 * * 1,4"),
        ("Mon..Fri *-*-* 03:00:00", "0 3 * * 1,2,3,4,5"),
        ("Sat..Sun 03:00", "0 3 * * 0,6"),
        ("Fri..Mon 03:00", "0 3 * * 0,1,5,6"),
        ("Mon..Sun 03:00", "0 3 * * 0,1,2,3,4,5,6"),
        ("Sun..Mon 03:00", "0 3 * * 0,1"),
        ("Tue..Tue 03:00", "0 3 * * 2"),
        ("Sun *-*-01 03:00:00", None),  # cron would take either
        ("*-*-* 02:05:30", None),
        ("*:0/5", "*/5 * * * *"),
        ("*:00/15:00", "*/15 * * * *"),
        ("02:3/10", "3-59/10 2 * * *"),
        ("Mon..Fri *:0/5", "*/5 * * * 1,2,3,4,5"),
        ("*:0/0", None),
        ("*:0/60", None),
        ("*:60/5", None),
        ("*:*:0/5", None),
        ("24:00", None),
        ("00:60", None),
        ("*-*-32 00:00", None),
        ("*-01-01 00:00", None),
        ("yearly", None),
        ("", None),
    ],
)
def test_calendars_for_cron(calendar: str, columns: str | None) -> None:
    assert to_cron(calendar) == columns
