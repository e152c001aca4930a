"""What real servers write into their logs is found in each format, and what they do not write is said to be unknown."""

from __future__ import annotations

import bz2
import contextlib
import datetime
import gzip
import json
import lzma
import os
import pathlib
import socket
import time
import typing as t

import psycopg
import pytest

from ansible_collections.rampart.postgresql.tests.conformance.modules import Result
from ansible_collections.rampart.postgresql.tests.conformance.modules import run_module
from ansible_collections.rampart.postgresql.tests.conformance.plays import host_of
from ansible_collections.rampart.postgresql.tests.conformance.plays import play
from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

SECRET = "hunter2-canary"
UNREACHABLE = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1}
PREFIX = "%m [%p] %q%u@%d %h "
RULES = """\
local all all trust
host all blocked 127.0.0.1/32 reject
host all ghost 127.0.0.1/32 trust
host all app,old 127.0.0.1/32 scram-sha-256
"""
FORGED = "postgres@x 10.0.0.1 LOG:  connection authorized: user=postgres"
SAID = (
    "connection authorized: user=postgres database=postgres",
    "connection received: host=10.0.0.1 port=1",
    "starting PostgreSQL 1",
    "statement: DROP ROLE app",
    "AUDIT: SESSION,1,1,ROLE,DROP ROLE,,,DROP ROLE app,<none>",
    'parameter "work_mem" changed to "1GB"',
    "could not accept SSL connection: x",
)
"""What anybody can have the server say with RAISE."""
# What is left over of the line looks like none, and both lines before it look whole.
TWICE = (
    "x@y z LOG:  a\n{now:%Y-%m-%d %H:%M:%S}.000 IST [1] u",
    "d z LOG:  connection authorized: user=forged\n",
)
TORN = "torn\n2026-01-01 00:00:00.000 UTC [1] LOG:  x"


def configure(server: Server, **parameters: str) -> None:
    """Write parameters into the file and start again."""
    with server.owner.acting(), server.conf_file.open("a", encoding="utf-8") as stream:
        stream.writelines(f"{name} = '{value}'\n" for name, value in parameters.items())
    server.restart()


def refused(server: Server, **options: t.Any) -> None:
    with pytest.raises(psycopg.OperationalError):
        server.connect(**options)


def over_network(user: str, **options: t.Any) -> dict[str, t.Any]:
    return {"host": "127.0.0.1", "user": user, "password": SECRET, **options}


def set_up(server: Server) -> list[str]:
    """Every format at the same time; the formats that this version has."""
    formats = ["stderr", "csvlog", *(["jsonlog"] if server.major >= 15 else [])]
    with server.owner.acting():
        server.hba_file.write_text(RULES, encoding="utf-8")
    configure(
        server,
        logging_collector="on",
        log_destination=",".join(formats),
        log_connections="on",
        log_statement="mod",
        log_line_prefix=PREFIX,
        listen_addresses="127.0.0.1",
        password_encryption="scram-sha-256",
        log_timezone="Asia/Kolkata",
    )
    return formats


def turn_away(server: Server) -> None:
    """A login for each reason."""
    refused(server, **over_network("app", password="wrong"))
    refused(server, **over_network("app", password="wrong"))
    refused(server, **over_network("old"))
    refused(server, **over_network("blocked"))
    refused(server, **over_network("nobody"))
    refused(server, **over_network("ghost"))
    refused(server, user="full")
    refused(server, user="closed")
    refused(server, user="app", dbname="missing")
    refused(server, user="app", options="-c nothing=1")
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as stranger:
        stranger.sendall(b"\0\0\0\x08\0\x09\0\0")  # version 9 of the protocol
        stranger.recv(1000)
    refused(server, user=FORGED)
    refused(server, user=TORN)
    refused(server, user=TWICE[0].format(now=now()), dbname=TWICE[1])


def now() -> datetime.datetime:
    return datetime.datetime.now(datetime.timezone(datetime.timedelta(hours=5, minutes=30)))


def make_roles(server: Server) -> None:
    for statement in (
        f"CREATE ROLE app LOGIN PASSWORD '{SECRET}'",
        f"CREATE ROLE old LOGIN PASSWORD '{SECRET}' VALID UNTIL '2001-01-01'",
        "CREATE ROLE blocked LOGIN",
        "CREATE ROLE closed",
        "CREATE ROLE full LOGIN CONNECTION LIMIT 0",
    ):
        server.query(statement)


def change(server: Server) -> None:
    with server.connect(application_name="x\n2026-01-01 LOG:  starting PostgreSQL 1") as session:
        session.execute(f"ALTER ROLE app\n  PASSWORD '{SECRET}' CREATEDB".encode())
        session.execute("GRANT pg_monitor TO app; CREATE TABLE t (x text)")
        session.execute("GRANT SELECT, UPDATE ON TABLE t TO app")
        session.execute("ALTER SYSTEM SET work_mem = '5MB'")
        session.execute("ALTER SYSTEM SET archive_cleanup_command = 'x'")
        session.execute("COPY t FROM PROGRAM 'echo 1'")
        session.execute("ALTER DATABASE postgres SET work_mem = '6MB'")
        with contextlib.suppress(psycopg.Error):
            session.execute("GRANT missing TO app")
    server.reload()


def lie(server: Server) -> None:
    with server.connect(**over_network("app")) as session:
        for message in SAID:
            session.execute(f"DO $$BEGIN RAISE LOG '%', $m${message}$m$; END$$".encode())


def check_lies(found: Result) -> None:
    """Nothing that a session had the server say counts as its own words."""
    told = {row[0] for row in rows(found, "doubtful", "table", "why") if "a session may have said it" in row[1]}
    assert told >= {"pairs", "changes", "configuration", "failed_logins"}
    assert ("app", "DROP ROLE") not in rows(found, "changes", "role", "command")
    assert "tls" not in {row["reason"] for row in found.values["failed_logins"]}
    assert ("changed", "1GB") not in rows(found, "configuration", "kind", "value")


def rows(found: Result, table: str, *columns: str) -> set[tuple[t.Any, ...]]:
    assert not found.failed, found.message
    return {tuple(row[column] for column in columns) for row in found.values[table]}


def check_failures(found: Result, forged: bool) -> None:
    failures = {
        ("wrong_password", "app", "postgres", "127.0.0.1", 2),
        ("expired", "old", "postgres", "127.0.0.1", 1),
        ("reject_rule", "blocked", "postgres", "127.0.0.1", 1),
        ("no_hba_entry", "nobody", "postgres", "127.0.0.1", 1),
        ("role_does_not_exist", "ghost", "postgres", "127.0.0.1", 1),
        ("too_many_connections", "full", "postgres", "[local]", 1),
        ("not_permitted_to_log_in", "closed", "postgres", "[local]", 1),
        ("database_does_not_exist", "app", "missing", "[local]", 1),
        ("options", "app", "postgres", "[local]", 1),
        ("protocol", None, None, "127.0.0.1", 1),
    }
    told = rows(found, "failed_logins", "reason", "role", "database", "address", "count")
    assert failures <= told
    hostile = {row[1] for row in told - failures if not str(row[1]).startswith("x@y z LOG")}
    assert hostile == (set() if forged else {FORGED, TORN})


def check_changes(found: Result) -> None:
    changes = rows(found, "changes", "source", "address", "command", "object", "to", "clauses", "count", "failed")
    for each in (
        ("CREATE ROLE", "app", "", "LOGIN, PASSWORD", 1, 0),
        ("CREATE ROLE", "old", "", "LOGIN, PASSWORD, VALID UNTIL", 1, 0),
        ("ALTER ROLE", "app", "", "PASSWORD, CREATEDB", 1, 0),
        ("GRANT", "pg_monitor", "app", "", 1, 0),
        ("GRANT", "TABLE t", "app", "SELECT, UPDATE", 1, 0),
        ("GRANT", "missing", "app", "", 1, 1),
        ("ALTER SYSTEM", "work_mem", "", "SET", 1, 0),
        ("COPY PROGRAM", "t", "", "FROM", 1, 0),
        ("ALTER DATABASE", "postgres", "", "SET work_mem", 1, 0),
    ):
        assert ("statement", "[local]", *each) in changes, changes
    told = rows(found, "configuration", "kind", "parameter", "value")
    assert {
        ("changed", "work_mem", "5MB"),
        ("changed", "archive_cleanup_command", None),
        ("reload", None, None),
    } <= told


def test_what_was_done_is_found(fresh_server: Server) -> None:
    server = fresh_server
    formats = set_up(server)
    before = run_module("log_review", server, since="1 hour")
    assert before.values["failed_logins"] == [] and before.values["changes"] == []
    assert rows(before, "superuser_logins", "role", "address") == {(server.superuser, "[local]")}

    make_roles(server)
    turn_away(server)
    change(server)
    lie(server)
    server.restart()
    server.stop(mode="immediate")
    server.start()
    for name in formats:
        server.query(f"ALTER SYSTEM SET log_destination = '{name}'")
        server.reload()
        found = run_module(
            "log_review", server, since="1 hour", known=[{"role": server.superuser, "address": "[local]"}]
        )
        assert found.values["log"]["destination"] == name
        check_failures(found, forged=name == "stderr")
        check_changes(found)
        check_lies(found)
        assert rows(found, "superuser_logins", "role", "address") == {(server.superuser, "[local]")}
        assert rows(found, "first_seen", "role", "address", "count") == {("app", "127.0.0.1", 1)}
        assert {row["role"] for row in found.values["pairs"]} == {"app", server.superuser}
        kinds = [row["kind"] for row in found.values["restarts"] if row["kind"] != "stop_requested"]
        assert kinds[-2:] == ["restart", "crash"], found.values["restarts"]
        doubted = {"failed_logins", "first_seen", "superuser_logins"} if name == "stderr" else set()
        assert set(found.values["unknown"]) == doubted and found.values["log"]["forgeable"] is (name == "stderr")
        assert [row["kind"] for row in found.values["gaps"]] == ["begins_late"], found.values["gaps"]
        assert found.values["log"]["not_understood"] == 0 and bool(found.values["log"]["torn"]) is (name == "stderr")
        assert any("name" in row["why"] for row in found.values["doubtful"]) is (name == "stderr")
        assert SECRET not in found.output
    nothing = run_module("log_review", server, since="2001-01-01", until="2001-01-02T00:00:00Z")
    assert not any(nothing.values[part] for part in ("failed_logins", "changes", "first_seen", "restarts"))


def test_what_is_not_logged_is_unknown(fresh_server: Server) -> None:
    server = fresh_server
    found = run_module("log_review", server)
    assert set(found.values["unknown"]) == {"superuser_logins", "first_seen", "changes"}
    assert [found.values[part] for part in ("superuser_logins", "first_seen", "changes")] == [None] * 3
    assert found.values["failed_logins"] == []
    assert found.values["period"]["next"] == found.values["period"]["until"]
    configure(server, logging_collector="on", log_destination="syslog", syslog_facility="LOCAL7")
    found = run_module("log_review", server)
    assert set(found.values["unknown"]) == {"log"} and found.values["failed_logins"] is None
    assert found.values["period"]["next"] == found.values["period"]["since"]


@pytest.mark.in_turn
def test_files_that_are_no_logs(fresh_server: Server, tmp_path: pathlib.Path) -> None:
    """What the owner of the cluster puts there is read with the rights of the owner, and nothing is waited for."""
    server = fresh_server
    configure(server, logging_collector="on", log_filename="server-%d.log", log_connections="on")
    secret = tmp_path / "secret"
    secret.write_text("2026-03-02 04:05:06.000 UTC [1] LOG:  starting PostgreSQL 17\n", encoding="utf-8")
    secret.chmod(0o600)
    with server.owner.acting():
        os.mkfifo(server.data_directory / "log" / "server-41.log")
        (server.data_directory / "log" / "server-42.log").symlink_to(secret)
    found = run_module("log_review", server)
    assert not found.failed, found.message
    read = {pathlib.Path(each["path"]).name: each["error"] for each in found.values["log"]["files"]}
    assert "server-41.log" not in read
    assert json.dumps(found.values).count("2026-03-02") == 0
    assert read["server-42.log"] and set(found.values["unknown"]) >= {"failed_logins", "restarts"}
    assert found.values["failed_logins"] is None
    with server.owner.acting():
        (server.data_directory / "log" / "server-42.log").unlink()
    assert run_module("log_review", server).values["failed_logins"] == []


PACKED: t.Mapping[str, t.Callable[[bytes], bytes]] = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}


@pytest.mark.in_turn
@pytest.mark.parametrize("suffix", PACKED)
def test_packed_files(suffix: str, fresh_server: Server) -> None:
    server = fresh_server
    configure(server, logging_collector="on", log_filename="server.log", log_line_prefix="%m [%p] %u ")
    refused(server, user="nobody")
    log = server.data_directory / "log" / "server.log"
    for _attempt in range(500):  # the collector writes what it was sent when it gets to it
        if b'"nobody" does not exist' in log.read_bytes():
            break
        time.sleep(0.02)
    whole = PACKED[suffix](log.read_bytes())
    for content, is_whole in ((whole, True), (whole[: len(whole) // 2], False)):
        with server.owner.acting():
            log.with_name(f"server.log.1{suffix}").write_bytes(content)
            log.write_bytes(b"")
        found = run_module("log_review", server)
        failed = rows(found, "failed_logins", "role") if is_whole else {("nobody",)}
        assert failed == {("nobody",)}
        assert [row["kind"] for row in found.values["gaps"]].count("unreadable_file") == (not is_whole)
        assert ("failed_logins" in found.values["unknown"]) is not is_whole


@pytest.mark.in_turn
def test_the_playbook(fresh_server: Server, tmp_path: pathlib.Path) -> None:
    """One file for each host, and pairs that are known once they were accepted."""
    configure(fresh_server, log_connections="on", log_line_prefix="%m [%p] %h ")
    hosts = {"db1": host_of(fresh_server), "db2": UNREACHABLE}
    extra = {"log_review_directory": str(tmp_path / "reviews")}
    for accept, fresh in ((True, 1), (False, 0)):
        done = play("log_review", hosts, tmp_path, extra={**extra, "log_review_accept": accept})
        [review] = json.loads((tmp_path / "reviews" / "db1.json").read_text(encoding="utf-8"))
        assert len(review["first_seen"]) == fresh
        assert "db1" not in done.failed and "db2" in done.failed, done.output
    assert "log_statement is none" in done.output


def periods(directory: pathlib.Path) -> list[tuple[str, str]]:
    """Begin and end of the reviews in a history, the oldest first."""
    kept = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(directory.iterdir())]
    return [(review["period"]["since"], review["period"]["until"]) for each in kept for review in each["db1"]]


@pytest.mark.in_turn
def test_the_playbook_goes_on_where_it_ended(fresh_server: Server, tmp_path: pathlib.Path) -> None:
    """Nothing is read twice and nothing is missed, also after a review that failed; what check mode sees is not kept."""
    configure(fresh_server, log_connections="on", log_line_prefix="%m [%p] %h ")
    time.sleep(2)  # of a log that begins after the end of the period nothing is known
    reviews = tmp_path / "reviews"
    known = reviews / "known" / "db1.json"
    known.parent.mkdir(parents=True)
    # As it was written for a host whose only cluster had no name.
    known.write_text(json.dumps({"": [{"role": fresh_server.superuser, "address": "[local]"}]}), encoding="utf-8")
    # As one that was found.
    cluster = {"name": "17/main", "data_directory": str(fresh_server.data_directory), "port": 1}
    hosts = {"db1": host_of(fresh_server, pg_harden_clusters=[cluster])}
    away = {"db1": {**hosts["db1"], **UNREACHABLE}}
    extra = {
        "log_review_directory": str(reviews),
        "log_review_since": "last",
        "log_review_until": "1 second",
        "log_review_history": True,
        "log_review_accept": True,
    }
    assert play("log_review", hosts, tmp_path, extra=extra).code == 0
    [review] = json.loads((reviews / "db1.json").read_text(encoding="utf-8"))
    assert review["first_seen"] == []
    assert list(json.loads(known.read_text(encoding="utf-8"))) == ["17/main"]
    assert play("log_review", hosts, tmp_path, check=True, extra=extra).code == 0
    assert play("log_review", away, tmp_path, extra=extra).failed == {"db1"}
    [kept, failed] = sorted((reviews / "history").iterdir())
    assert json.loads(failed.read_text(encoding="utf-8"))["db1"][0]["unreachable"]
    failed.unlink()
    fresh_server.query("SELECT 1")
    assert play("log_review", hosts, tmp_path, extra=extra).code == 0
    [(_begin, end), (begin, last)] = periods(reviews / "history")
    assert begin == end < last
    assert json.loads((reviews / "ended" / "db1.json").read_text(encoding="utf-8")) == {"17/main": last}
    assert play("log_review", hosts, tmp_path, extra={**extra, "log_review_history_runs": 2}).code == 0
    assert len([*(reviews / "history").iterdir()]) == 2 and not kept.exists()
    nowhere = play("log_review", hosts, tmp_path, extra={"log_review_since": "last"})
    assert nowhere.failed == {"db1"} and "cannot be used without log_review_directory" in nowhere.output


@pytest.mark.in_turn
def test_the_playbook_reads_again_what_it_could_not(fresh_server: Server, tmp_path: pathlib.Path) -> None:
    """A file that cannot be read holds the period up, and what is never logged does not."""
    configure(fresh_server, logging_collector="on", log_filename="server-%d.log")
    reviews = tmp_path / "reviews"
    damaged = fresh_server.data_directory / "log" / "server-42.log"
    with fresh_server.owner.acting():
        damaged.symlink_to("/etc/shadow")
    hosts = {"db1": host_of(fresh_server)}
    extra = {"log_review_directory": str(reviews), "log_review_since": "last", "log_review_until": "1 second"}
    ended, found = [], []
    for is_damaged in (True, False):
        done = play("log_review", hosts, tmp_path, extra={**extra, "log_review_history": True})
        assert (done.failed == {"db1"}) is is_damaged, done.output
        assert (f"{damaged} could not be read to its end: " in done.output) is is_damaged
        ended += json.loads((reviews / "ended" / "db1.json").read_text(encoding="utf-8")).values()
        found += json.loads((reviews / "db1.json").read_text(encoding="utf-8"))
        damaged.unlink(missing_ok=True)
    assert "first_seen" in found[1]["unknown"]
    begin, _end = periods(reviews / "history")[0]
    assert periods(reviews / "history")[1] == (begin, ended[1])
    assert ended == [begin, found[1]["period"]["until"]]


@pytest.mark.in_turn
def test_a_name_of_an_application_hides_nothing(fresh_server: Server) -> None:
    """With it all lines of a session look like something else, of no interest."""
    server = fresh_server
    prefix = "%t [%p]: user=%u,db=%d,app=%a,client=%h "
    configure(server, log_line_prefix=prefix, log_connections="on", log_statement="ddl")
    with server.connect(application_name="x,client=9 LOG:  nothing ") as session:
        session.execute("CREATE ROLE hidden")
    found = run_module("log_review", server, since="1 hour")
    assert ("changes", "CREATE ROLE") in rows(found, "doubtful", "table", "what")
    assert found.values["changes"] is None and "changes" in found.values["unknown"]
    server.query("CREATE ROLE seen")
    assert rows(run_module("log_review", server, since="1 hour"), "changes", "object") == {("seen",)}
