# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Roles that tools of this host name in their configuration keep what they work with until somebody decides."""

from __future__ import annotations

import functools
import os
import pathlib
import typing as t

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._roles import state
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.arguments import component
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.tools import reading
from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import Account
from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import account_of
from ansible_collections.rampart.postgresql.tests.conformance.components import run_components

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from ansible_collections.rampart.postgresql.tests.conformance.modules import Result
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Owner
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

FILES = {
    "etc/pgbackrest/conf.d/shop.conf": "[shop]\npg1-path=/data\npg1-user=backrest\nrepo1-cipher-pass=hush-file\n",
    "etc/barman.d/shop.conf": "[shop]\nconninfo = host=h user=barman password=hush-file\n"
    "streaming_conninfo = postgresql://streaming_barman@h/\n",
    "etc/repmgr/17/repmgr.conf": "conninfo='host=h user=repmgr dbname=repmgr'\n",
    "etc/patroni/17-main.yml": "postgresql:\n  authentication:\n    replication:\n      username: Replicator\n"
    "      password: hush-file\n",
    "etc/default/prometheus-postgres-exporter": 'DATA_SOURCE_NAME="user=exporter password=hush-file host=/run"\n',
}
NAMED = {
    "backrest": "pgBackRest",
    "barman": "Barman",
    "streaming_barman": "Barman",
    "repmgr": "repmgr",
    "Replicator": "Patroni",
    "exporter": "postgres_exporter",
}


@pytest.fixture
def root(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[pathlib.Path]:
    """A directory that stands for the root of the file system."""
    for directory in (tmp_path, *tmp_path.parents[:-2]):
        if directory.stat().st_uid == os.geteuid() and directory != pathlib.Path("/tmp"):
            directory.chmod(directory.stat().st_mode | 0o011)
    for name, text in FILES.items():
        write(tmp_path / name, text)
    monkeypatch.setattr(state, "configured", functools.partial(reading.configured, root=str(tmp_path)))
    yield tmp_path


def write(path: pathlib.Path, content: str | bytes) -> pathlib.Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def run(server: Server, **options: t.Any) -> Result:
    return run_components(server, lambda: [component(options)])


def account(owner: Owner) -> Account:
    return account_of(owner.uid)


def powers(server: Server) -> list[tuple[t.Any, ...]]:
    return server.query(
        "SELECT rolname, rolsuper, rolcreatedb, rolreplication FROM pg_catalog.pg_roles ORDER BY oid"
    ) + (server.query("SELECT roleid, member, grantor FROM pg_catalog.pg_auth_members ORDER BY 1, 2, 3"))


@pytest.mark.in_turn
def test_roles_that_files_name_have_to_be_decided_about(fresh_server: Server, root: pathlib.Path) -> None:
    server = fresh_server
    for name in (*NAMED, "nobody"):
        server.query(f'CREATE ROLE "{name}" LOGIN CREATEDB')
    server.query("ALTER ROLE exporter NOCREATEDB")
    server.query("GRANT pg_read_server_files TO exporter, nobody")
    before = powers(server)

    refused = run(server, allow=[])

    assert refused.failed
    for name, tool in NAMED.items():
        need = "membership in pg_read_server_files" if name == "exporter" else "CREATEDB"
        assert f'role "{name}" needs {need}: ' in refused.message
        assert f"names it for {tool}" in refused.message
    assert "nobody" not in refused.message
    assert set(refused.values["roles"]) == set(NAMED)
    assert powers(server) == before

    kept = run(server, allow=[], in_use="keep")
    assert not kept.failed, kept.output
    assert {step["subject"] for step in kept.values["steps"]} == {'role "nobody"'}
    assert {item["subject"] for item in kept.values["left_alone"]} == {f'role "{name}"' for name in NAMED}
    used = {each["role"]: each["uses"] for each in kept.values["roles_in_use"]}
    assert set(used) == set(NAMED)
    assert used["barman"] == [f"{root}/etc/barman.d/shop.conf names it for Barman"]
    assert not run(server, allow=[], in_use="keep").changed
    assert "hush-file" not in refused.output + kept.output  # which is in the files
    assert not kept.values.get("warnings")

    for name in FILES:  # the control: nothing else kept them
        (root / name).unlink()
    stripped = run(server, allow=[{"role": "repmgr", "attributes": ["CREATEDB"]}])
    assert not stripped.failed, stripped.output
    assert {step["subject"] for step in stripped.values["steps"]} == {
        f'role "{name}"' for name in set(NAMED) - {"repmgr"}
    }


@pytest.mark.in_turn
def test_who_is_decided_about_is_in_nobodys_way(fresh_server: Server, root: pathlib.Path) -> None:
    server = fresh_server
    server.query("CREATE ROLE barman LOGIN SUPERUSER")
    server.query("CREATE ROLE backrest LOGIN CREATEDB")
    allow = [{"role": "barman", "attributes": ["SUPERUSER"]}, {"role": "backrest"}]
    done = run(server, allow=allow)
    assert not done.failed, done.output
    assert [step["statement"] for step in done.values["steps"]] == ['ALTER ROLE "backrest" NOCREATEDB']


@pytest.mark.in_turn
def test_a_tool_that_is_connected_is_recognised(fresh_server: Server, root: pathlib.Path) -> None:
    server = fresh_server
    server.query("CREATE ROLE watcher LOGIN CREATEDB")
    with server.connect(user="watcher", application_name="postgres_exporter"):
        refused = run(server, allow=[])
        assert refused.failed
        assert 'role "watcher" needs CREATEDB: it is connected as postgres_exporter' in refused.message
    with server.connect(user="watcher", application_name="psql"):
        assert not run(server, allow=[]).failed


@pytest.mark.in_turn
def test_files_are_untrusted(server: Server, root: pathlib.Path) -> None:
    """Whatever they are, the run goes on and says which could not be read; the rest counts."""
    owner = account(server.owner)
    secret = write(root / "secret", "conninfo = user=planted\n")
    secret.chmod(0o600)
    (root / "etc/barman.d/link.conf").symlink_to(secret)
    (root / "etc/barman.d/dangling.conf").symlink_to(root / "gone")
    os.mkfifo(root / "etc/barman.d/fifo.conf")
    (root / "etc/barman.d/directory.conf").mkdir()
    with (root / "etc/barman.d/large.conf").open("wb") as stream:
        stream.truncate(2**40)
    write(root / "etc/barman.d/bytes.conf", b"\xff\xfe\0[\nconninfo = user=odd\xff host=h\nconninfo = user=fine\n")
    write(root / "etc/barman.d/broken.conf", "conninfo = user='hush-broken\nnothing\nwal_conninfo = user=after\n")
    write(root / owner.home.strip("/") / ".pgpass", "h:*:replication:streamer:hush-pgpass\nh:*:shop:app:hush-pgpass\n")
    readable = write(root / "etc/pgbackrest.conf", "[a]\npg1-user=closed\n")
    readable.chmod(0o600)  # root's alone, in directories that only root may write

    found = reading.configured(owner, root=str(root))

    as_root = os.geteuid() == 0
    assert {*NAMED, "fine", "after", "streamer"} <= set(found.uses)
    assert "app" not in found.uses
    assert ("closed" in found.uses) == as_root
    # A link may lead anywhere: it is followed with the rights of the cluster's owner, who may not read that file.
    assert ("planted" in found.uses) == (not as_root)
    complaints = "\n".join(found.problems)
    for name in ("dangling", "fifo", "directory", "large", *(["link"] if as_root else [])):
        assert f"etc/barman.d/{name}.conf" in complaints, name
    assert "etc/barman.d/broken.conf, lines 1, 2: not understood" in complaints
    assert "etc/barman.d/bytes.conf, line 1: not understood" in complaints
    assert "hush" not in complaints


@pytest.mark.in_turn
def test_a_file_in_a_directory_of_the_clusters_owner_is_not_read_as_root(server: Server, root: pathlib.Path) -> None:
    owner = account(server.owner)
    if os.geteuid() != 0:
        return  # who is not root has nothing to be careful with
    path = write(root / "etc/pgbackrest/pgbackrest.conf", "[a]\npg1-user=planted\n")
    path.chmod(0o600)
    assert "planted" in reading.configured(owner, root=str(root)).uses
    os.chown(path.parent, owner.uid, owner.gid)
    found = reading.configured(owner, root=str(root))
    assert "planted" not in found.uses
    assert any(f"cannot read {path} as {owner.name}: permission denied" in problem for problem in found.problems)
    os.chown(path, owner.uid, owner.gid)
    assert "planted" in reading.configured(owner, root=str(root)).uses


@pytest.mark.in_turn
def test_what_is_closed_to_this_account_is_said(server: Server, root: pathlib.Path) -> None:
    closed = write(root / "etc/repmgr/18/repmgr.conf", "conninfo='user=hidden'\n").parent
    closed.chmod(0o700)
    (root / "etc/barman.d/shop.conf").chmod(0o600)
    with server.owner.acting():  # as which a run without root would look
        mine = os.geteuid()
        found = reading.configured(account_of(mine), root=str(root))
    if mine == closed.stat().st_uid:
        assert "hidden" in found.uses
        return
    assert "hidden" not in found.uses and "barman" not in found.uses and "backrest" in found.uses
    complaints = "\n".join(found.problems)
    assert f"cannot look into {closed}" in complaints
    assert f"cannot read {root}/etc/barman.d/shop.conf" in complaints
