# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Audits and reviews of a control host: what becomes a unit, what a file of variables, and what is refused."""

from __future__ import annotations

import re
import typing as t

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.rampart.postgresql.plugins.filter.audit_jobs import audit_jobs
from ansible_collections.rampart.postgresql.plugins.filter.backup_unit import backup_unit

DEFAULTS: t.Final[dict[str, t.Any]] = {
    "account": "rampart-audit",
    "inventory": ["/srv/ansible/hosts.yml"],
    "ansible_playbook": "/opt/ansible/bin/ansible-playbook",
    "collections_path": [],
    "working_directory": "",
    "random_delay": 60,
    "timeout": 600,
    "on_failure": "",
}
AUDIT: t.Final[dict[str, t.Any]] = {"name": "weekly", "kind": "audit", "calendar": "Mon  06:00"}


def lines(job: dict[str, t.Any], form: str = "service") -> list[str]:
    return backup_unit({**job["wish"], "group": "990"}, form).splitlines()


def test_a_job_that_says_little() -> None:
    [job] = audit_jobs([AUDIT], DEFAULTS)
    assert job["variables"] == {"audit_directory": "/var/lib/rampart-audit/weekly", "audit_history": True}
    assert (job["unit"], job["variables_file"]) == ("rampart-audit-weekly", "/etc/rampart-audit/weekly.json")
    assert not job["makes_directory"]
    text = lines(job)
    assert {
        'ExecStart="/opt/ansible/bin/ansible-playbook" --inventory "/srv/ansible/hosts.yml"'
        " --extra-vars @/etc/rampart-audit/weekly.json rampart.postgresql.audit",
        "User=rampart-audit",
        "Group=990",
        "StateDirectory=rampart-audit/weekly",
        "WorkingDirectory=/var/lib/rampart-audit/weekly",
        'Environment="ANSIBLE_HOME=/var/lib/rampart-audit/weekly/.ansible"',
        "TimeoutStartSec=600s",
        "ProtectHome=yes",
    } <= set(text)
    assert not [line for line in text if line.startswith(("OnFailure", "ExecStopPost", 'ReadWritePaths="-/srv'))]
    assert {"OnCalendar=Mon 06:00", "RandomizedDelaySec=60s", "Persistent=yes"} <= set(lines(job, "timer"))


def test_a_job_that_says_all() -> None:
    given = {
        "name": "logs",
        "kind": "log_review",
        "calendar": "daily",
        "target": "production:!db9",
        "variables": {"log_review_gap": "2 hours", "log_review_since": "1 day", "password": "secret"},
        "directory": "/srv/100% logs",
        "account": "auditor",
        "inventory": ["/home/auditor/$hosts", "/srv/more"],
        "collections_path": ["/srv/a", "/srv/b"],
        "working_directory": "/srv/ansible",
        "random_delay": 0,
        "timeout": 0,
        "on_failure": "alert@%n.service  other.target",
    }
    [job] = audit_jobs([given], DEFAULTS)
    assert job["variables"] == {
        "log_review_directory": "/srv/100% logs",
        "log_review_history": True,
        "log_review_since": "1 day",
        "log_review_gap": "2 hours",
        "password": "secret",
        "target": "production:!db9",
    }
    text = lines(job)
    assert {
        "OnFailure=alert@%n.service other.target",
        "WorkingDirectory=/srv/ansible",
        'Environment="ANSIBLE_COLLECTIONS_PATH=/srv/a:/srv/b"',
        'ReadWritePaths="-/srv/100%% logs"',
        "User=auditor",
        "TimeoutStartSec=infinity",
        "ProtectHome=read-only",
    } <= set(text)
    assert '--inventory "/home/auditor/$$hosts" --inventory "/srv/more"' in "\n".join(text)
    assert "secret" not in "\n".join(text)
    assert job["makes_directory"] and job["above"] == ["/", "/srv"]


def test_reviews_of_logs_go_on_where_they_ended() -> None:
    [job] = audit_jobs([{**AUDIT, "kind": "log_review"}], DEFAULTS)
    assert job["variables"]["log_review_since"] == "last"


def test_a_job_that_is_to_be_absent_needs_a_name_only() -> None:
    [job] = audit_jobs([{"name": "old", "state": "absent"}], {})
    assert (job["present"], job["unit"]) == (False, "rampart-audit-old")


@pytest.mark.parametrize(
    ("changes", "option", "value"),
    [
        ({"name": "../x"}, "name", "../x"),
        ({"name": ""}, "name", ""),
        ({"name": "a b"}, "name", "a b"),
        ({"name": "x" * 49}, "name", "x" * 49),
        ({"kind": "harden"}, "kind", "harden"),
        ({"kind": None}, "kind", None),
        ({"state": "gone"}, "state", "gone"),
        ({"calendar": None}, "calendar", ""),
        ({"calendar": "daily\nUser=root"}, "calendar", "daily User=root"),
        ({"account": "root"}, "account", "root"),
        ({"account": "a\nb"}, "account", "a\nb"),
        ({"inventory": []}, "inventory", []),
        ({"inventory": ["hosts.yml"]}, "inventory", "hosts.yml"),
        ({"inventory": ['/srv/"x']}, "inventory", '/srv/"x'),
        ({"ansible_playbook": "ansible-playbook"}, "ansible_playbook", "ansible-playbook"),
        ({"ansible_playbook": "/opt/$HOME/x"}, "ansible_playbook", "/opt/$HOME/x"),
        ({"working_directory": "ansible"}, "working_directory", "ansible"),
        ({"collections_path": ["../x"]}, "collections_path", "../x"),
        ({"collections_path": ["/srv/a:b"]}, "collections_path", "/srv/a:b"),
        ({"directory": "/etc/x"}, "directory", "/etc/x"),
        ({"random_delay": -1}, "random_delay", -1),
        ({"timeout": True}, "timeout", True),
        ({"on_failure": "alert"}, "on_failure", "alert"),
        ({"on_failure": "a.service\nUser=root"}, "on_failure", "a.service\nUser=root"),
        ({"variables": ["x"]}, "variables", ["x"]),
        ({"variables": {"audit_directory": "/srv/x"}}, "variables.audit_directory", "/srv/x"),
    ],
)
def test_what_cannot_be_used_is_named(changes: dict[str, t.Any], option: str, value: t.Any) -> None:
    defaults = {name: each for name, each in DEFAULTS.items() if name not in changes}
    with pytest.raises(AnsibleFilterError) as caught:
        audit_jobs([{**AUDIT, **changes}], defaults)
    wanted = f"pg_audit_schedule_jobs[0].{option}: "
    assert str(caught.value).startswith(wanted), caught.value
    if option != "calendar":
        assert f"{value!r} cannot be used" in str(caught.value)


@pytest.mark.parametrize(
    ("other", "option"),
    [({}, "name"), ({"name": "x", "directory": "/srv/x"}, "directory"), ({"directory": "/srv/y"}, "name")],
)
def test_two_jobs_do_not_share(other: dict[str, t.Any], option: str) -> None:
    first = {**AUDIT, "directory": "/srv/x"}
    with pytest.raises(AnsibleFilterError, match=re.escape(f"pg_audit_schedule_jobs[0].{option}: ")):
        audit_jobs([first, {**first, **other}], DEFAULTS)
    assert len(audit_jobs([first, {**first, "name": "x", "directory": "/srv/y"}], DEFAULTS)) == 2
