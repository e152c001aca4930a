"""Tasks of the roles `pg_backup` and `pg_backup_vault` on this machine, as an account of their own that is removed again."""

from __future__ import annotations

import json
import os
import pathlib
import pwd
import shutil
import subprocess
import sys
import tempfile
import typing as t

import pytest

from ansible_collections.rampart.postgresql.tests.conformance.backup.jobs import build_program
from ansible_collections.rampart.postgresql.tests.conformance.plays import Played
from ansible_collections.rampart.postgresql.tests.conformance.plays import run

if t.TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="what roles do takes root")

_ACCOUNT: t.Final = "rampart-tasks"
_KEY: t.Final = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBkq+/x= vault"
_SECRET: t.Final = "a-secret-key-of-a-bucket"


class Tasks:
    """A directory in which everything is that roles usually have below /etc and /var, and an account with its home there."""

    def __init__(self, directory: pathlib.Path) -> None:
        self.directory = directory
        self.home = directory / "home"
        words = ["useradd", "--system", "--user-group", "--create-home", "--home-dir", str(self.home), _ACCOUNT]
        subprocess.run(words, check=True, capture_output=True)
        self.program = build_program(directory)
        self.settings = directory / "settings"

    def play(self, role: str, tasks: str, *, check: bool = False, **variables: t.Any) -> Played:
        """Include tasks of a role."""
        include = {"name": f"rampart.postgresql.{role}", "tasks_from": tasks}
        playbook = self.directory / "play.json"
        tasks_ = [{"ansible.builtin.include_role": include}]
        playbook.write_text(
            json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": tasks_}]), encoding="utf-8"
        )
        words = ("--inventory", "localhost,", "--connection", "local", "--diff", str(playbook))
        return run(
            *(*words, "--extra-vars", json.dumps(variables), *(["--check"] if check else [])),
            home=self.directory / "ansible",
            ANSIBLE_PYTHON_INTERPRETER=sys.executable,
        )

    def files(self) -> list[str]:
        """What is there, below the settings and the home."""
        return sorted(str(path) for each in (self.settings, self.home) for path in each.rglob("*"))

    def brings(self, role: str, tasks: str, **variables: t.Any) -> None:
        """Check mode foresees and does nothing, the first run changes something, the second one nothing."""
        before = self.files()
        for check, changes in ((True, None), (False, True), (False, False)):
            done = self.play(role, tasks, check=check, **variables)
            assert done.code == 0, done.output
            assert _SECRET not in done.output
            if check:
                assert self.files() == before
                assert done.changed["localhost"] > 0
            else:
                assert (done.changed["localhost"] > 0) == changes, done.output


@pytest.fixture
def tasks() -> Iterator[Tasks]:
    directory = pathlib.Path(tempfile.mkdtemp(prefix="rampart-tasks-", dir="/var/tmp"))
    directory.chmod(0o755)
    try:
        yield Tasks(directory)
    finally:
        subprocess.run(["userdel", _ACCOUNT], check=False, capture_output=True)
        shutil.rmtree(directory)


def test_the_configuration_of_rclone_is_the_accounts_alone(tasks: Tasks) -> None:
    path = tasks.settings / "rclone.conf"
    wish: dict[str, t.Any] = {
        "__pg_backup_directory": str(tasks.settings),
        "pg_backup_account": _ACCOUNT,
        "pg_backup_rclone_config": str(path),
        "pg_backup_rclone_config_content": f"[store]\ntype = s3\nsecret_access_key = {_SECRET}\n",
    }
    tasks.settings.mkdir(mode=0o755)  # the first run of check mode finds it, as on a host with jobs
    tasks.brings("pg_backup", "rclone", **wish)
    found = path.stat()
    assert (pwd.getpwuid(found.st_uid).pw_name, found.st_mode & 0o7777) == (_ACCOUNT, 0o600)
    assert _SECRET in path.read_text(encoding="utf-8")


def test_what_is_offered_is_let_in_and_taken_back(tasks: Tasks) -> None:
    keys = tasks.home / ".ssh" / "authorized_keys"
    keys.parent.mkdir(mode=0o700)
    own = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA== somebody's own\n"
    keys.write_text(own, encoding="utf-8")
    keys.chmod(0o600)
    place = tasks.home / "place"
    place.mkdir(mode=0o700)
    for path in (keys.parent, keys, place):
        shutil.chown(path, _ACCOUNT, _ACCOUNT)
    wish: dict[str, t.Any] = {
        "__pg_backup_directory": str(tasks.settings),
        "__pg_backup_offered": str(tasks.settings / "offered"),
        "__pg_backup_program": str(tasks.program),
        "pg_backup_account": _ACCOUNT,
    }
    offers = [{"path": str(place), "public_key": _KEY}]
    tasks.brings("pg_backup", "offers", pg_backup_offers=offers, **wish)
    text = keys.read_text(encoding="utf-8")
    assert text.startswith(own)
    (line,) = [each for each in text.splitlines() if _KEY.split()[1] in each]
    assert line.startswith('restrict,command="') and "--may offer" in line
    tasks.brings("pg_backup", "offers", pg_backup_offers=[], **wish)
    assert keys.read_text(encoding="utf-8").strip() == own.strip()
    assert not (tasks.settings / "offered").exists()


def test_an_offer_that_would_open_more_is_refused(tasks: Tasks) -> None:
    wish: dict[str, t.Any] = {
        "__pg_backup_directory": str(tasks.settings),
        "__pg_backup_offered": str(tasks.settings / "offered"),
        "__pg_backup_program": str(tasks.program),
        "pg_backup_account": _ACCOUNT,
    }
    for offer in (
        {"path": "/srv/b", "public_key": f"{_KEY}\nssh-ed25519 AAAA another"},
        {"path": '/srv/b"; id', "public_key": _KEY},
    ):
        done = tasks.play("pg_backup", "offers", pg_backup_offers=[offer], **wish)
        assert done.code != 0, (offer, done.output)
        assert not (tasks.home / ".ssh" / "authorized_keys").exists()
        assert not (tasks.settings / "offered").exists()


def test_pulls_are_defined_and_go(tasks: Tasks) -> None:
    pulls = tasks.settings / "pulls"
    metrics = tasks.home / "metrics"
    (tasks.settings / "units").mkdir(parents=True)
    metrics.mkdir()
    (metrics / "rampart_backup_pull-db1.prom").write_text("old", encoding="utf-8")
    wish: dict[str, t.Any] = {
        "__pg_backup_vault_program": str(tasks.program),
        "__pg_backup_vault_pulls": str(pulls),
        "__pg_backup_vault_known_hosts": str(pulls / "known_hosts"),
        "__pg_backup_vault_systemd": False,
        "pg_backup_vault_account": _ACCOUNT,
        "pg_backup_vault_directory": str(tasks.home),
        "pg_backup_vault_metrics_directory": str(metrics),
        "pg_backup_vault_install_packages": False,
        "pg_backup_vault_known_hosts": ["db1.example.com ssh-ed25519 AAAA"],
    }
    one = {"name": "db1", "host": "db1.example.com", "quota": 1000}
    tasks.brings("pg_backup_vault", "pulls", pg_backup_vault_pulls=[one], **wish)
    defined = json.loads((pulls / "db1.json").read_text(encoding="utf-8"))
    assert (defined["name"], defined["quota"], defined["source"]["account"]) == ("pull-db1", 1000, "postgres")
    assert (pulls / "known_hosts").read_text(encoding="utf-8") == "db1.example.com ssh-ed25519 AAAA\n"
    key = tasks.home / "pull" / "id_ed25519"
    assert (pwd.getpwuid(key.stat().st_uid).pw_name, key.stat().st_mode & 0o7777) == (_ACCOUNT, 0o600)
    before = key.read_bytes()
    tasks.brings("pg_backup_vault", "pulls", pg_backup_vault_pulls=[{"name": "db1", "state": "absent"}], **wish)
    assert sorted(path.name for path in pulls.iterdir()) == ["known_hosts"]
    assert not list(metrics.iterdir())
    assert key.read_bytes() == before
    done = tasks.play("pg_backup_vault", "pulls", pg_backup_vault_pulls=[{**one, "host": "-oProxyCommand=x"}], **wish)
    assert done.code != 0 and "host" in done.output
    assert not (pulls / "db1.json").exists()
