"""Runs playbooks of the collection against conformance servers: each one is a host of the inventory, on this machine."""

from __future__ import annotations

import json
import os
import pathlib
import re
import subprocess
import sys
import typing as t

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

__all__ = ["AS_JSON", "Played", "host_of", "play", "run"]

# Inventories are JSON, and so may what belongs to roles be.
AS_JSON: t.Final = {
    "ANSIBLE_PIPELINING": "true",
    "ANSIBLE_INVENTORY_ENABLED": "yaml",
    "ANSIBLE_YAML_FILENAME_EXT": ".json,.yml,.yaml",  # and of the argument specs of roles
}


class Played:
    """What a run of ansible-playbook came to."""

    def __init__(self, code: int, output: str) -> None:
        self.code = code
        self.output = output
        recap = output.rpartition("PLAY RECAP")[2]
        pattern = r"^(\S+)\s+: ok=(\d+)\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)"
        found = re.findall(pattern, recap, re.MULTILINE)
        self.changed = {host: int(changed) for host, _ok, changed, _unreachable, _failed in found}
        self.failed = {host for host, *_counts, unreachable, failed in found if int(unreachable) or int(failed)}


def host_of(server: Server, **variables: t.Any) -> dict[str, t.Any]:
    """The variables of a host that is this server."""
    return {
        "ansible_connection": "local",
        "ansible_python_interpreter": sys.executable,
        "pg_harden_clusters": [{"cluster": str(server.data_directory)}],
        "pg_harden_connection": {"rehearse": False},
        **variables,
    }


def play(
    playbook: str,
    hosts: t.Mapping[str, t.Mapping[str, t.Any]],
    directory: pathlib.Path,
    *,
    check: bool = False,
    extra: t.Mapping[str, t.Any] | None = None,
    limit: str | None = None,
) -> Played:
    """Run a playbook of the collection, by its name; ``extra`` are variables of the command line, ``limit`` a pattern of hosts."""
    inventory = directory / "inventory.json"
    inventory.write_text(json.dumps({"postgresql": {"hosts": hosts}}), encoding="utf-8")
    words = (f"rampart.postgresql.{playbook}", "--inventory", str(inventory), "--extra-vars", json.dumps(extra or {}))
    options = [*(["--check"] if check else []), *(["--limit", limit] if limit else [])]
    return run(*words, *options, home=directory / "home", **AS_JSON)


def run(*words: str, home: pathlib.Path, **environment: str) -> Played:
    """Run ansible-playbook with a home of its own."""
    done = subprocess.run(
        ["ansible-playbook", *words],
        env={**os.environ, "ANSIBLE_HOME": str(home), "ANSIBLE_NOCOLOR": "true", **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return Played(done.returncode, done.stdout + done.stderr)
