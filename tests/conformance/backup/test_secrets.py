"""What nobody may read: rows without the key, and passwords at all."""

from __future__ import annotations

import os
import pathlib
import secrets
import shutil
import time
import typing as t

import pytest

from ansible_collections.rampart.postgresql.tests.conformance.backup.vaults import Vault
from ansible_collections.rampart.postgresql.tests.conformance.backup.watching import Watching
from ansible_collections.rampart.postgresql.tests.conformance.backup.watching import holding

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from ansible_collections.rampart.postgresql.tests.conformance.backup.jobs import Jobs

pytestmark = [pytest.mark.with_clients, pytest.mark.in_turn]


@pytest.fixture
def vault(jobs: Jobs) -> Iterator[Vault]:
    """One that trusts two keys."""
    made = Vault(jobs)
    yield made
    made.close()


@pytest.mark.parametrize("kind", ["logical", "physical"])
def test_nothing_is_readable_without_the_key(jobs: Jobs, vault: Vault, kind: str) -> None:
    """Nothing is compressed, so that every byte that leaks is found."""
    marker = f"marker-{secrets.token_hex(8)}"
    with jobs.server.connect() as connection:
        connection.execute("CREATE TABLE t AS SELECT %s || g AS words FROM generate_series(1, 5000) AS g", [marker])
        connection.execute("CREATE ROLE somebody")
        connection.execute(f"COMMENT ON ROLE somebody IS '{marker}'")
        connection.execute(f"SELECT lo_from_bytea(0, '{marker}')")
    since = time.time()
    places = [{"kind": "directory", "path": str(jobs.place)}, vault.place()]
    values: dict[str, t.Any] = {"compression": {"method": "none"}, "physical": {"checkpoint": "fast"}}
    with Watching(jobs.server.owner.uid, marker) as watching:
        done = jobs.call("run", jobs.define(kind=kind, places=places, **values))
    assert done.status == 0, done.told
    assert (marker in done.told, watching.seen) == (False, set())
    assert any(f"put nightly {jobs.status()['id']}" in line for line in watching.lines)
    searched = [jobs.directory, *map(pathlib.Path, ("/tmp", "/var/tmp", "/run", "/var/log"))]
    assert holding(marker, *searched, since=since) == []
    assert marker.encode() in jobs.database(jobs.backups()[0], "base.tar" if kind == "physical" else "roles.sql")
    for planted in (jobs.place / "planted", vault.root / "planted"):
        planted.write_text(f"words {marker}")
        assert planted in holding(marker, *searched, since=since)


def test_no_password_is_in_a_process_list_or_a_file(jobs: Jobs, vault: Vault) -> None:
    words = {name: f"{name}-{secrets.token_hex(8)}" for name in ("login", "role", "mapping", "subscription")}
    home = jobs.directory / "home"
    home.mkdir(mode=0o700)
    server, owner = jobs.server, jobs.server.owner
    with server.connect() as connection:
        connection.execute(f"CREATE ROLE dumper SUPERUSER REPLICATION LOGIN PASSWORD '{words['login']}'")
        connection.execute(f"CREATE ROLE app LOGIN PASSWORD '{words['role']}'")
        connection.execute("CREATE FOREIGN DATA WRAPPER f")
        connection.execute("CREATE SERVER far FOREIGN DATA WRAPPER f")
        connection.execute(f"CREATE USER MAPPING FOR app SERVER far OPTIONS (password '{words['mapping']}')")
        connection.execute(
            f"CREATE SUBSCRIPTION s CONNECTION 'dbname=x password={words['subscription']}' PUBLICATION p WITH (connect = false)"
        )
        connection.execute("CREATE TABLE t AS SELECT md5(g::text) FROM generate_series(1, 300000) AS g")
    with server.hba_file.open("a") as stream:
        stream.write("host all,replication dumper 127.0.0.1/32 scram-sha-256\n")
    server.hba_file.write_text("host all,replication dumper 127.0.0.1/32 password\n" + server.hba_file.read_text())
    server.stop()
    server.start(options="-c listen_addresses=127.0.0.1")
    (home / ".pgpass").write_text(f"127.0.0.1:*:*:dumper:{words['login']}\n")
    (home / ".pgpass").chmod(0o600)
    for path in (home, home / ".pgpass"):
        os.chown(path, owner.uid, owner.gid)
    cluster = {"label": "x", "bindir": str(server.bindir), "host": "127.0.0.1", "port": server.port, "user": "dumper"}
    places = [{"kind": "directory", "path": str(jobs.place)}, vault.place()]
    environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(home)}
    told = ""
    with Watching(owner.uid, *words.values()) as watching:
        for kind in ("logical", "physical"):
            values = {"kind": kind, "places": places, "cluster": cluster, "physical": {"checkpoint": "fast"}}
            done = jobs.call("run", jobs.define(kind, **values), env=environment)
            assert done.status == 0, done.told
            told += done.told + done.said
    assert watching.seen == set()
    assert any("pg_dump" in line and "-U dumper" in line for line in watching.lines)
    assert any(f"put physical {jobs.status('physical')['id']}" in line for line in watching.lines)
    for word in words.values():
        assert word not in told
        assert holding(word, jobs.place, jobs.state, vault.root, *jobs.directory.glob("*.json")) == []
    (home / ".pgpass").unlink()
    assert jobs.call("run", jobs.define("logical", places=places, cluster=cluster), env=environment).status == 10
    for path in (jobs.place, jobs.state, vault.root / "logical", vault.root / "physical"):
        for each in (path, *path.rglob("*")):
            assert each.stat().st_mode & 0o077 == 0 or each.suffix == ".prom", each
    with Watching(owner.uid, words["role"]) as watching:
        owner.run(["sh", "-c", f"sleep 0.5; : {words['role']}"])
    assert watching.seen
    shutil.rmtree(home)
