"""Each component role alone, as a play of its own would use it."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import typing as t

import pytest

from ansible_collections.rampart.postgresql.tests.role_variables import COMPONENTS

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

# Components of the module that a role brings along.
_BRINGS: t.Final = {
    "pg_tls": ["certificate", "settings"],
    "pg_network": ["hba"],
    "pg_authentication": ["settings"],
    "pg_logging": ["settings"],
    "pg_access": ["privileges", "role_attributes", "settings"],
}


def tasks(role: str) -> list[dict[str, t.Any]]:
    """Use the role, then look at the result."""
    return [
        {"ansible.builtin.include_role": {"name": f"rampart.postgresql.{role}"}},
        {
            "ansible.builtin.assert": {
                "that": [
                    "pg_harden_result.clusters | length == 1",
                    f"pg_harden_result.clusters[0].changed_steps | sort == {_BRINGS[role]}",
                ],
                "fail_msg": f"{role}: {{{{ pg_harden_result }}}}",
            }
        },
    ]


@pytest.mark.in_turn
def test_each_role_alone(fresh_server: Server, tmp_path: pathlib.Path) -> None:
    """Their options refer to the cluster in hand, before there is a loop over clusters."""
    server = fresh_server
    server.query("CREATE ROLE app SUPERUSER")
    server.query("GRANT CREATE ON SCHEMA public TO PUBLIC")  # as it is in an upgraded cluster
    cluster = str(server.data_directory)
    rules = [{"type": "local", "databases": ["all"], "users": ["all"], "method": "trust"}]
    play = {
        "hosts": "localhost",
        "connection": "local",
        "gather_facts": False,
        "check_mode": True,
        "vars": {
            "ansible_python_interpreter": sys.executable,
            "pg_harden_clusters": [{"cluster": cluster}],
            "pg_harden_connection": {"rehearse": False},
            "pg_network_hba_rules": "{{ rules[pg_harden_cluster.cluster] }}",
            "rules": {cluster: rules},
            "pg_access_allow": [
                {"pattern": "none", "memberships": [{"role": "pg_read_server_files", "inherit": False}]}
            ],
            "pg_access_roles": [{"role": "app", "connection_limit": 3}],
            "pg_access_passwords": {"app": "a planted s3cret"},
        },
        "tasks": [task for role in COMPONENTS for task in tasks(role)],
    }
    playbook = tmp_path / "play.yml"
    playbook.write_text(json.dumps([play]), encoding="utf-8")
    done = subprocess.run(
        ["ansible-playbook", "-vv", "--diff", str(playbook)],
        env={**os.environ, "ANSIBLE_HOME": str(tmp_path / "home"), "ANSIBLE_PIPELINING": "true"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "CONNECTION LIMIT 3" in done.stdout and "set the password" in done.stdout
    assert "planted s3cret" not in done.stdout + done.stderr
    assert "is already in use" not in done.stderr, done.stderr  # what Ansible says of a loop variable with a default
