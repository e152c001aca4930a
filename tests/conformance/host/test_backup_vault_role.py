"""What the role `pg_backup_vault` lets into the keys of its account: a key of another host is not trusted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import typing as t

import pytest

if t.TYPE_CHECKING:
    import pathlib

_KEY: t.Final = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBkq+/x= rampart-backup"


def accepts(entry: dict[str, t.Any], directory: pathlib.Path, *, check: bool = False) -> bool:
    """Whether the role goes on after it has looked at an entry."""
    role = {"name": "rampart.postgresql.pg_backup_vault", "tasks_from": "entries"}
    task = {"ansible.builtin.include_role": role, "vars": {"__pg_backup_vault_entry": entry}}
    playbook = directory / "play.json"
    playbook.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": [task]}]), encoding="utf-8")
    done = subprocess.run(
        [
            *("ansible-playbook", "--inventory", "localhost,", "--connection", "local", str(playbook)),
            *(["--check"] if check else []),
        ],
        env={**os.environ, "ANSIBLE_HOME": str(directory), "ANSIBLE_PYTHON_INTERPRETER": sys.executable},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0 or "is not accepted" in done.stdout, done.stdout + done.stderr
    return done.returncode == 0


@pytest.mark.parametrize(
    "entry",
    [
        {"name": "db1", "public_key": _KEY},
        {"name": "drills", "public_key": f"{_KEY}\n", "host": "db1"},
        {"name": "db1", "host": "db1.example.com"},  # to pull from
        {"name": "db1", "public_key": _KEY, "newest": 0, "retention": {"last": 0, "at_least": 1}},
    ],
)
def test_a_key_of_one_line_is_let_in(entry: dict[str, str], tmp_path: pathlib.Path) -> None:
    assert accepts(entry, tmp_path)


@pytest.mark.parametrize(
    "entry",
    [
        {"name": "db1", "public_key": f"{_KEY}\nssh-ed25519 AAAAC3Nz another"},
        {"name": "db1", "public_key": f'command="/bin/sh" {_KEY}'},
        {"name": "db1", "public_key": ""},
        {"name": "../db1", "public_key": _KEY},
        {"name": "db1\n", "public_key": _KEY},
        {"name": "drills", "public_key": _KEY, "host": 'db1" x'},
        {"name": "../db1", "host": "db1.example.com"},
        {"name": "db1", "host": "-oProxyCommand=x"},
        {"name": "db1", "public_key": _KEY, "quota": -1},
        {"name": "db1", "host": "db1.example.com", "port": 65536},
        {"name": "db1", "public_key": _KEY, "newest": -1},
        {"name": "db1", "public_key": _KEY, "retention": {"days": -1}},
        {"name": "db1", "public_key": _KEY, "retention": {"days": 1, "at_least": 0}},
        {"name": "db1", "public_key": _KEY, "retention": {"day": 1}},
    ],
)
def test_what_would_be_more_than_that_is_refused(entry: dict[str, t.Any], tmp_path: pathlib.Path) -> None:
    assert not accepts(entry, tmp_path)


def test_a_host_that_has_no_key_yet_is_foreseen(tmp_path: pathlib.Path) -> None:
    assert accepts({"name": "db1", "public_key": ""}, tmp_path, check=True)
    assert not accepts({"name": "db1", "public_key": "x"}, tmp_path, check=True)
