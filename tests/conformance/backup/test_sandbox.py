"""A backup that is hostile: restored it reaches no network, reads no key, and changes nothing outside its own directory."""

from __future__ import annotations

import gzip
import io
import subprocess
import tarfile
import typing as t

import pytest

from ansible_collections.rampart.postgresql.tests.conformance.backup.test_drill import definition_of_a_drill
from ansible_collections.rampart.postgresql.tests.conformance.backup.test_drill import drill

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.tests.conformance.backup.jobs import Jobs

pytestmark = [pytest.mark.with_clients, pytest.mark.in_turn]


def answer_of(command: str) -> str:
    """A query that gives what a command of the shell wrote on the restored server."""
    quoted = command.replace("'", "''")
    return f"CREATE TEMP TABLE n (n text); COPY n FROM PROGRAM '{quoted}'; SELECT n FROM n"


def test_a_program_of_the_server_writes_nothing_and_sees_no_key_and_no_other_server(jobs: Jobs) -> None:
    assert jobs.call("run", jobs.define(logical={"databases": ["postgres"]})).status == 0
    definition_of_a_drill(jobs)
    evil = jobs.place / "evil"
    key = jobs.directory / "drill-identity"
    probes = {
        f"touch {evil} 2>/dev/null && echo written || echo refused": ("refused", "written"),
        f"rm -f {evil} 2>/dev/null && test -e {jobs.place} && echo $?": ("0", "0"),
        f"grep -q AGE-SECRET-KEY {key} && echo read || echo unread": ("unread", "read"),
        f"test -S {jobs.server.socket_directory}/.s.PGSQL.{jobs.server.port} && echo seen || echo unseen": (
            "unseen",
            "seen",
        ),
    }
    for number, network in ((0, False), (1, True)):
        checks = [{"query": answer_of(command), "expected": said[number]} for command, said in probes.items()]
        done = drill(jobs, checks=checks, network=network)
        assert done.status == 0, done.told
    assert not evil.exists()


def test_a_command_for_psql_among_the_roles_is_not_obeyed(jobs: Jobs) -> None:
    """psql itself is outside of the server: it would have the network and the key."""
    assert jobs.call("run", jobs.define(logical={"databases": ["postgres"]})).status == 0
    (backup,) = jobs.backups()
    evil = jobs.place / "evil"
    wicked = b"SELECT 1 \\! touch %s\n;" % bytes(evil)
    roles = jobs.database(backup, "roles.sql")
    jobs.forge(backup, "roles.sql", roles)
    assert drill(jobs).status == 0
    jobs.forge(backup, "roles.sql", roles + wicked)
    for network in (False, True):
        done = drill(jobs, network=network)
        assert not evil.exists()
        assert network <= (done.status == 16), done.told
    words = [str(jobs.server.bindir / "psql"), "-X", "-h", str(jobs.server.socket_directory), "-d", "postgres"]
    words += ["-p", str(jobs.server.port), "-U", jobs.server.superuser]
    subprocess.run(words, input=wicked, check=True, capture_output=True)
    assert evil.exists()


def test_a_trigger_that_comes_with_a_dump_runs_inside(jobs: Jobs) -> None:
    evil = jobs.place / "evil"
    body = f"BEGIN COPY public.t FROM PROGRAM 'touch {evil} 2>/dev/null; true'; END"
    with jobs.server.connect() as connection:
        connection.execute("CREATE TABLE t (id text)")
        connection.execute("CREATE MATERIALIZED VIEW v AS SELECT 1 AS one")
        connection.execute(f"CREATE FUNCTION evil() RETURNS event_trigger LANGUAGE plpgsql AS $f$ {body} $f$")
        connection.execute("CREATE EVENT TRIGGER evil ON ddl_command_end EXECUTE FUNCTION evil()")
    assert jobs.call("run", jobs.define()).status == 0
    assert not evil.exists()
    assert drill(jobs).status == 0
    assert not evil.exists()
    assert drill(jobs, network=True).status == 0
    assert evil.exists()


def repacked(archive: bytes, *more: tuple[tarfile.TarInfo, bytes], without: str = "") -> bytes:
    """A base backup with other members."""
    target = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(gzip.decompress(archive))) as old,
        tarfile.open(fileobj=target, mode="w") as new,
    ):
        for member in old:
            if member.name != without:
                new.addfile(member, old.extractfile(member) if member.isfile() else None)
        for member, data in more:
            member.size = len(data)
            new.addfile(member, io.BytesIO(data))
    return gzip.compress(target.getvalue(), 1)


def member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    """A header."""
    made = tarfile.TarInfo(name)
    made.type, made.linkname, made.mode = kind, target, 0o600
    return made


def test_an_archive_leads_nowhere_else(jobs: Jobs) -> None:
    assert jobs.call("run", jobs.define(kind="physical", physical={"checkpoint": "fast"})).status == 0
    (backup,) = jobs.backups()
    archive = jobs.database(backup, "base.tar.gz")
    jobs.forge(backup, "base.tar.gz", repacked(archive))
    assert drill(jobs).status == 0
    victim = jobs.place / "victim"
    victim.write_text("as it was")
    victim.chmod(0o666)
    before = {each for each in jobs.directory.rglob("*") if "scratch" not in each.parts}
    wicked = (
        (member("../evil"), b"x"),
        (member(str(jobs.place / "evil")), b"x"),
        (member("way", tarfile.SYMTYPE, str(jobs.place)), b""),
        (member("way/evil"), b"x"),
        (member("up", tarfile.SYMTYPE, "../.."), b""),
        (member("up/evil"), b"x"),
        (member("hard", tarfile.LNKTYPE, str(victim)), b""),
        (member("hard"), b"changed"),
    )
    jobs.forge(backup, "base.tar.gz", repacked(archive, *wicked))
    assert drill(jobs).status in (11, 16)
    assert victim.read_text() == "as it was"
    assert {each for each in jobs.directory.rglob("*") if "scratch" not in each.parts} == before


def test_a_log_that_leads_out_of_the_data_directory_is_not_followed(jobs: Jobs) -> None:
    """The manifest says nothing of links, and a server writes where they lead."""
    assert jobs.call("run", jobs.define(kind="physical", physical={"checkpoint": "fast"})).status == 0
    (backup,) = jobs.backups()
    archive = jobs.database(backup, "base.tar.gz")
    outside = jobs.place / "outside"
    outside.mkdir(mode=0o777)
    outside.chmod(0o777)
    link = (member("pg_stat_tmp", tarfile.SYMTYPE, str(outside)), b"")
    jobs.forge(backup, "base.tar.gz", repacked(archive, link, without="pg_stat_tmp"))
    query = answer_of("touch pg_stat_tmp/evil 2>/dev/null && echo written || echo refused")
    done = drill(jobs, checks=[{"query": query, "expected": "refused"}])
    assert done.status == 0, done.told
    assert list(outside.iterdir()) == []


def test_a_manifest_that_is_gone_is_found(jobs: Jobs) -> None:
    definition = jobs.define(kind="physical", physical={"checkpoint": "fast"})
    for _turn in range(2):
        assert jobs.call("run", definition).status == 0
    older, backup = jobs.backups()
    jobs.forge(backup, "base.tar.gz", repacked(jobs.database(backup, "base.tar.gz"), without="backup_manifest"))
    assert jobs.call("verify", definition).status == 0
    done = drill(jobs)
    assert (done.status, "backup_manifest" in done.told) == (11, True), done.told
    # Its bytes are those that were stored, which does not make it good.
    assert jobs.call("verify", definition).status == 0
    assert drill(jobs).status == 0
    assert jobs.status("drill")["id"] == older.name
