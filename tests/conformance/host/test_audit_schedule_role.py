"""Where the role `pg_audit_schedule` makes directories for an account: not where that account could have put a link."""

from __future__ import annotations

import json
import os
import sys
import typing as t

import pytest

from ansible_collections.rampart.postgresql.tests.conformance.plays import Played
from ansible_collections.rampart.postgresql.tests.conformance.plays import run

if t.TYPE_CHECKING:
    import pathlib

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="what roles do takes root")


def looks_at(directory: str, home: pathlib.Path) -> Played:
    """What the role says of a directory of results; nothing is written."""
    job = {"name": "weekly", "kind": "audit", "calendar": "weekly", "directory": directory}
    variables = {"pg_audit_schedule_jobs": [job], "pg_audit_schedule_inventory": ["/srv/hosts.yml"]}
    include = {"name": "rampart.postgresql.pg_audit_schedule", "tasks_from": "places"}
    playbook = home / "play.json"
    tasks = [{"ansible.builtin.include_role": include}]
    playbook.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]), encoding="utf-8")
    words = ("--inventory", "localhost,", "--connection", "local", "--extra-vars", json.dumps(variables))
    return run(*words, str(playbook), home=home / "ansible", ANSIBLE_PYTHON_INTERPRETER=sys.executable)


def test_no_directory_is_made_where_others_write(tmp_path: pathlib.Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    os.chown(theirs, 65534, 65534)
    (theirs / "link").symlink_to("/srv")
    for name in ("reviews", "link/reviews"):
        done = looks_at(str(theirs / name), tmp_path)
        assert done.failed == {"localhost"}, done.output
        assert f"the directory of weekly, '{theirs / name}', cannot be used" in " ".join(done.output.split())
    (theirs / "reviews").mkdir()
    for path in (str(theirs / "reviews"), "/srv/rampart-nowhere/reviews"):
        done = looks_at(path, tmp_path)
        assert done.code == 0, done.output
