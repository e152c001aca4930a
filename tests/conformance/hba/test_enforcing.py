"""Rules for TLS on real servers: who comes without it, since when that is known, and what happens once nobody does."""

from __future__ import annotations

import contextlib
import datetime
import gzip
import json
import os
import pathlib
import re
import subprocess
import sys
import time
import typing as t

import psycopg
import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._hba.arguments import component
from ansible_collections.rampart.postgresql.tests.conformance.components import run_components
from ansible_collections.rampart.postgresql.tests.conformance.modules import run_module

if t.TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Sequence

    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

RULES = """\
# mine
local   all       all                    trust

# applications
host    all       all    127.0.0.1/32    trust  # here
host all,replication all all reject
"""
TURNED = RULES.replace("host    all ", "hostssl all ")
ODD = "<%t|%a|%-6p> %q[%r %u/%d] %%: "
DAY = datetime.timedelta(days=1)


class Place:
    """A server with TLS, its rules, its log."""

    def __init__(self, server: Server, folder: pathlib.Path) -> None:
        self.server = server
        self.folder = folder

    def configure(self, *, rules: str = RULES, **parameters: str) -> None:
        """Restart the server with these parameters, with TLS and with every login in the log."""
        given = {"ssl": "on", "log_connections": "on", "log_line_prefix": ODD, "log_timezone": "Asia/Kolkata"}
        given.update(ssl_cert_file=f"{self.folder}/server.crt", ssl_key_file=f"{self.folder}/server.key", **parameters)
        with self.server.owner.acting():
            conf = self.server.data_directory / "postgresql.auto.conf"
            conf.write_text("".join(f"{name} = '{value}'\n" for name, value in given.items()), encoding="utf-8")
            self.server.hba_file.write_text(rules, encoding="utf-8")
        self.server.restart()

    def client(self, tls: bool, **options: t.Any) -> psycopg.Connection[tuple[t.Any, ...]]:
        mode = "require" if tls else "disable"
        return self.server.connect(host="127.0.0.1", sslmode=mode, sslcert="none", **options)

    def comes(self, *, tls: bool, **options: t.Any) -> bool:
        """Whether a client gets in, who leaves at once."""
        try:
            self.client(tls, **options).close()
        except psycopg.OperationalError as error:
            assert "pg_hba.conf" in str(error), error
            return False
        return True

    def enforce(self, mode: str = "on", *, window: int = 2, check: bool = False, **values: t.Any) -> dict[str, t.Any]:
        asked = {"mode": mode, "window": window, **values.pop("enforce_tls", {})}
        demands = {name: values.pop(name) for name in ("must_admit",) if name in values}

        def build() -> Sequence[t.Any]:
            return [component({**values, "enforce_tls": asked})]

        return dict(run_components(self.server, build, check=check, rehearse=False, **demands).values)

    def age(self, log: pathlib.Path, *, days: float, to: str = ".1", packed: bool = False) -> None:
        """Make an older file of what is in a log, as logrotate does with copytruncate, and pretend that time passed."""
        old = _moved(log.read_text(encoding="utf-8"), datetime.timedelta(days=days)).encode()
        with self.server.owner.acting():
            log.with_name(log.name + to).write_bytes(gzip.compress(old) if packed else old)
            log.write_bytes(b"")

    def text(self) -> str:
        return self.server.hba_file.read_text(encoding="utf-8")


def _moved(text: str, by: datetime.timedelta) -> str:
    def earlier(found: re.Match[str]) -> str:
        return str(datetime.datetime.fromisoformat(found.group()) - by)

    return re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", earlier, text)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Key and certificate for every server."""
    made = tmp_path_factory.mktemp("tls") / "server.pem"
    command = (
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost -keyout - -out -"
    )
    made.write_bytes(subprocess.run(command.split(), check=True, capture_output=True).stdout)
    return made.read_bytes()


@pytest.fixture
def place(fresh_server: Server, certificate: bytes) -> Place:
    folder = fresh_server.data_directory.parent
    with fresh_server.owner.acting():
        for name in ("server.crt", "server.key"):
            (folder / name).write_bytes(certificate)
            (folder / name).chmod(0o600)
    return Place(fresh_server, folder)


@contextlib.contextmanager
def connected(place: Place, *, tls: bool, **options: t.Any) -> Iterator[None]:
    with place.client(tls, **options):
        yield


def test_from_the_first_report_to_hostssl(place: Place) -> None:
    """The whole way: reported, not yet, ready, turned, nothing left to do."""
    place.configure()
    assert place.comes(tls=False) and place.comes(tls=True)
    with connected(place, tls=False):
        said = place.enforce("report")
    assert not said["changed"] and place.text() == RULES, said
    [client] = said["tls_enforcement"]["clients"]
    assert (client["user"], client["database"], client["address"]) == (place.server.superuser, "postgres", "127.0.0.1")
    assert (client["times"], client["connected"], client["encryption"]) == (2, True, "none")
    assert [warning for warning in said["warnings"] if "clients connect without TLS: " in warning], said

    said = place.enforce()
    assert not said["changed"] and said["tls_enforcement"]["verdict"] == "not yet", said
    assert [bool(re.search(words, " ".join(said["tls_enforcement"]["reasons"]))) for words in (
        "clients connect without TLS", r"has every connection since \S+ only: 0.0 of 2 days"
    )] == [True, True]  # fmt: skip

    # Time passes: the client is in the window, and the log reaches back as far as the client.
    place.age(place.server.log, days=1.5)
    said = place.enforce()
    found = said["tls_enforcement"]
    assert (found["verdict"], found["log_files"], found["clients"][0]["connected"]) == ("not yet", 2, False), said
    assert len(found["reasons"]) == 2 and "1.5 of 2 days" in found["reasons"][1], said
    assert place.enforce(window=1)["tls_enforcement"]["verdict"] == "enforced" and place.text() == TURNED
    assert not place.comes(tls=False) and place.comes(tls=True)

    before = place.server.hba_file.stat().st_ino
    again = place.enforce()
    assert not again["changed"] and again["tls_enforcement"]["verdict"] == "enforced", again
    assert again["tls_enforcement"]["log_files"] == 0 and place.server.hba_file.stat().st_ino == before


@pytest.mark.in_turn
@pytest.mark.parametrize("destination", ["csvlog", "stderr", pytest.param("jsonlog", marks=pytest.mark.since(15))])
def test_files_of_the_collector(place: Place, destination: str) -> None:
    suffix = {"csvlog": "csv", "jsonlog": "json", "stderr": "log"}[destination]
    place.configure(
        logging_collector="on", log_directory="pg_log", log_filename="pg-%%%Y.log", log_destination=destination
    )
    assert place.comes(tls=False, dbname="template1") and place.comes(tls=True)
    [log] = (place.server.data_directory / "pg_log").glob(f"pg-*.{suffix}")
    place.age(log, days=3, packed=True, to=".2.gz")
    said = place.enforce(window=4, check=True)["tls_enforcement"]
    assert (said["clients"][0]["database"], said["clients"][0]["address"]) == ("template1", "127.0.0.1"), said
    assert place.enforce(window=2, check=True)["tls_enforcement"]["verdict"] == "ready"
    place.comes(tls=False, application_name=" SSL enabled (")
    said = place.enforce(window=2)["tls_enforcement"]
    assert said["verdict"] == "not yet" and said["clients"][0]["database"] == "postgres", said


@pytest.mark.in_turn
@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"log_connections": "off"}, "log_connections is"),
        ({"log_destination": "syslog"}, "in no file that can be read"),
        ({"log_line_prefix": "%m "}, "does not say which connections come over the network"),
        ({"log_line_prefix": "[%p] "}, "does not say when"),
        ({"log_min_messages": "fatal"}, "log_min_messages is fatal"),
        ({"log_line_prefix": "%n [%c] "}, None),
        pytest.param(
            {"log_connections": "authorization", "log_line_prefix": "%m [%p] "},
            "does not say whether they came over the network",
            marks=pytest.mark.since(18),
        ),
        pytest.param(
            {"log_connections": "authorization", "log_line_prefix": "%m [%p] %h "}, None, marks=pytest.mark.since(18)
        ),
        ({"log_line_prefix": "%m %h "}, None),
        ({"log_line_prefix": "app=%a %u@%d %h %l %m: ", "log_error_verbosity": "verbose"}, None),
    ],
)
def test_what_a_log_must_say(place: Place, parameters: dict[str, str], words: str | None) -> None:
    """A log that does not say enough is never taken for one in which nobody came; the others are."""
    place.configure(**parameters)
    place.comes(tls=True)
    if parameters.get("log_line_prefix", "").startswith("%n"):
        text = place.server.log_text()
        with place.server.owner.acting():
            old = re.sub(r"^\d{10}", lambda found: str(int(found.group()) - 3 * 86400), text, flags=re.MULTILINE)
            place.server.log.write_text(old, encoding="utf-8")
    else:
        place.age(place.server.log, days=3)
    said = place.enforce(check=True)["tls_enforcement"]
    assert said["verdict"] == ("ready" if words is None else "not yet"), said
    assert words is None or any(words in reason for reason in said["reasons"]), said


@pytest.mark.in_turn
def test_logins_that_were_not_logged(place: Place) -> None:
    """While log_connections is off anybody may come: the evidence begins when it is on again."""
    place.configure()
    place.comes(tls=True)
    place.age(place.server.log, days=3)
    assert place.enforce(check=True)["tls_enforcement"]["verdict"] == "ready"
    conf = place.server.data_directory / "postgresql.auto.conf"
    text = conf.read_text(encoding="utf-8")
    for switch in ("off", "on"):
        conf.write_text(text.replace("log_connections = 'on'", f"log_connections = '{switch}'"), encoding="utf-8")
        place.server.reload()
    said = place.enforce(check=True)["tls_enforcement"]
    assert said["verdict"] == "not yet" and "0.0 of 2 days" in said["reasons"][0], said


@pytest.mark.in_turn
def test_a_part_that_cannot_be_read(place: Place) -> None:
    """Files are opened with the rights of the owner, and what it may not read counts as a log that is not there."""
    place.configure()
    place.comes(tls=True)
    place.age(place.server.log, days=3)
    place.comes(tls=True)
    older = place.server.log.with_name("log.1")
    older.chmod(0)
    said = place.enforce(check=True)["tls_enforcement"]
    assert said["verdict"] == "not yet" and "log.1: Permission denied" in " ".join(said["reasons"]), said
    older.chmod(0o600)
    assert place.enforce(check=True)["tls_enforcement"]["verdict"] == "ready"


@pytest.mark.in_turn
def test_a_run_that_was_killed_before_the_reload(place: Place) -> None:
    place.configure()
    time.sleep(0.05)
    with place.server.owner.acting():
        place.server.hba_file.write_text(TURNED, encoding="utf-8")
    assert place.comes(tls=False)
    done = place.enforce()
    assert done["changed"] and "reload" in done["steps"][0]["description"], done
    assert not place.comes(tls=False) and not place.enforce()["changed"]


@pytest.mark.in_turn
def test_a_limit_of_what_is_read(place: Place) -> None:
    place.configure()
    place.comes(tls=True)
    place.age(place.server.log, days=3)
    with place.server.owner.acting(), place.server.log.open("a", encoding="utf-8") as stream:
        stream.write("\tx" * 2**20 + "\n")
    place.comes(tls=True)
    limited = place.enforce(check=True, enforce_tls={"log_limit": 1})["tls_enforcement"]
    assert limited["verdict"] == "not yet" and "more than 1 MiB" in " ".join(limited["reasons"]), limited
    assert limited["log_bytes"] <= 2**20
    assert place.enforce(check=True, enforce_tls={"log_limit": 4})["tls_enforcement"]["verdict"] == "ready"


@pytest.mark.in_turn
def test_rules_that_are_given_stay_turned(place: Place) -> None:
    """What is desired says host, the file says hostssl, and neither run nor tampering makes them fight."""
    user = place.server.superuser
    own = {"type": "local", "databases": ["all"], "users": [user], "method": "trust"}
    there = {"type": "host", "databases": ["all"], "users": ["all"], "address": "127.0.0.1/32", "method": "trust"}
    rest = {**there, "address": "all", "method": "reject"}
    place.configure()
    place.comes(tls=True)
    place.age(place.server.log, days=3)
    rules = [own, {**there, "comment": "applications"}, rest]
    done = place.enforce(rules=rules)
    assert done["changed"] and done["tls_enforcement"]["verdict"] == "enforced", done
    assert done["in_force"]["verdict"] == "proven", done
    text = place.text()
    assert "# applications\nhostssl all       all    127.0.0.1/32    trust" in text and "host all,rep" not in text
    assert not place.comes(tls=False) and place.comes(tls=True)
    assert not place.enforce(rules=rules)["changed"]
    more = place.enforce(rules=[own, {**there, "comment": "applications"}, {**there, "users": ["late"]}, rest])
    assert more["changed"] and "hostssl\tall\tlate\t127.0.0.1/32\ttrust" in place.text()

    # Somebody comes without TLS by a line that somebody else put there: no reason to open the other rules again.
    line = f"host all {user} 127.0.0.1/32 trust\n"
    with place.server.owner.acting():
        place.server.hba_file.write_text(line + text, encoding="utf-8")
    place.server.reload()
    assert place.comes(tls=False)
    again = place.enforce(rules=rules)
    assert again["changed"] and place.text() == text, again
    # Without the option the rules mean what they say.
    assert place.enforce("report", rules=rules)["changed"] and place.comes(tls=False)


@pytest.mark.in_turn
def test_block_and_what_stands_around_it(place: Place) -> None:
    rules = [{"type": "host", "databases": ["all"], "users": ["app"], "address": "192.0.2.0/24", "method": "md5"}]
    place.configure()
    place.comes(tls=True)
    place.age(place.server.log, days=3)
    assert place.enforce("off", rules=rules, manage="block")["changed"]
    # The role pg_tls alone gives no rules: the block stays a block, and its first rule tells which version is loaded.
    alone = place.enforce()
    assert alone["changed"] and alone["in_force"]["verdict"] == "proven", alone
    assert place.text().endswith(TURNED) and "hostssl\tall\tapp" in place.text()
    both = place.enforce(rules=rules, manage="block")
    assert not both["changed"] and both["in_force"]["verdict"] == "proven", both


@pytest.mark.in_turn
def test_admission_is_asked(place: Place) -> None:
    """Nobody was seen without TLS, and somebody is said to need it."""
    place.configure()
    place.comes(tls=True)
    place.age(place.server.log, days=3)
    client = {"user": place.server.superuser, "database": "postgres", "address": "127.0.0.1"}
    refused = place.enforce(must_admit=[client])
    assert refused["failed"] and refused["refused"][0]["address"] == "127.0.0.1", refused
    assert place.text() == RULES
    assert place.enforce(must_admit=[{**client, "tls": True}])["changed"] and place.text() == TURNED


@pytest.mark.in_turn
def test_rules_that_ask_for_no_tls(place: Place) -> None:
    """A client of hostnossl goes on as before, and keeps nobody else from TLS; the rule is named, and stays."""
    exception = f"hostnossl template1 {place.server.superuser} 127.0.0.1/32 trust\n"
    place.configure(rules=exception + RULES)
    place.comes(tls=True)
    place.age(place.server.log, days=3)
    assert place.comes(tls=False, dbname="template1")
    done = place.enforce()
    assert done["changed"] and place.text() == exception + TURNED, done
    assert [left["subject"][-2:] for left in done["left_alone"] if "hostnossl" in left["reason"]] == [":1"], done
    assert place.comes(tls=False, dbname="template1") and not place.comes(tls=False)


@pytest.mark.in_turn
@pytest.mark.since(16)
def test_rules_of_included_files_are_named(place: Place) -> None:
    with place.server.owner.acting():
        (place.server.data_directory / "more.conf").write_text("host all all ::1/128 trust\n", encoding="utf-8")
    place.configure(rules=RULES + "include more.conf\n")
    place.comes(tls=True)
    place.age(place.server.log, days=3)
    done = place.enforce()
    assert done["changed"] and "in a file that is included" in str(done["left_alone"]), done


@pytest.mark.in_turn
def test_replication_without_tls(place: Place) -> None:
    place.configure(rules="host replication all 127.0.0.1/32 trust\n" + RULES)
    with connected(place, tls=False, replication="yes"):
        said = place.enforce("report")["tls_enforcement"]
    [client] = said["clients"]
    assert (client["replication"], client["database"], client["times"], client["connected"]) == (True, None, 1, True)


@pytest.mark.in_turn
def test_no_tls_at_all(place: Place) -> None:
    place.configure(ssl="off")
    refused = place.enforce()
    assert refused["failed"] and "ssl is off" in refused["msg"], refused
    assert not place.enforce("report").get("failed")


@pytest.mark.in_turn
def test_file_of_patroni(place: Place) -> None:
    place.configure(rules="# Do not edit this file manually!\n# It will be overwritten by Patroni!\n" + RULES)
    assert place.enforce()["managed_by"] == "patroni"
    assert not place.enforce("report").get("failed")


@pytest.mark.in_turn
def test_as_a_module(place: Place) -> None:
    """Options and return values, with a rehearsal; YAML makes a truth value of on."""
    place.configure()
    place.comes(tls=True)
    place.age(place.server.log, days=3)
    done = run_module("cluster", place.server, hba={"enforce_tls": {"mode": True, "window": 2}})
    assert done.changed and done.values["tls_enforcement"]["verdict"] == "enforced", done.output
    assert place.text() == TURNED
    bad = run_module("hba", place.server, enforce_tls={"mode": "on", "window": 0})
    assert bad.failed and "enforce_tls.window" in bad.message


@pytest.mark.in_turn
def test_as_roles(place: Place, tmp_path: pathlib.Path) -> None:
    """pg_tls asks for TLS, pg_network has the rules, which go on to say host: one execution, and no fight."""
    place.configure()
    place.comes(tls=True)
    place.age(place.server.log, days=3)
    rules = [
        {"type": "local", "databases": ["all"], "users": ["all"], "method": "trust"},
        {"type": "host", "databases": ["all"], "users": ["all"], "address": "127.0.0.1/32", "method": "trust"},
    ]
    account = "pg_harden_result.clusters[0]"
    role = {"ansible.builtin.include_role": {"name": "rampart.postgresql.pg_harden"}}
    play = {
        "hosts": "localhost",
        "connection": "local",
        "gather_facts": False,
        "vars": {
            "ansible_python_interpreter": sys.executable,
            "pg_harden_clusters": [{"cluster": str(place.server.data_directory)}],
            "pg_harden_connection": {"rehearse": False},
            "pg_harden_components": ["pg_tls", "pg_network"],
            "pg_tls_manage_certificate": False,
            "pg_tls_parameters": {"ssl": None},
            "pg_tls_enforce": True,  # what YAML makes of on
            "pg_tls_enforce_window": 2,
            "pg_network_hba_rules": rules,
        },
        "tasks": [
            role,
            {"ansible.builtin.assert": {"that": ["pg_harden_result.changed", f"'hba' in {account}.changed_steps"]}},
            role,
            {"ansible.builtin.assert": {"that": ["not pg_harden_result.changed"]}},
            {"ansible.builtin.assert": {"that": [f"{account}.tls_enforcement.verdict == 'enforced'"]}},
        ],
    }
    playbook = tmp_path / "play.yml"
    playbook.write_text(json.dumps([play]), encoding="utf-8")
    done = subprocess.run(
        ["ansible-playbook", str(playbook)],
        env={**os.environ, "ANSIBLE_HOME": str(tmp_path / "home"), "ANSIBLE_PIPELINING": "true"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "hostssl all       all    127.0.0.1/32    trust" in place.text()
    assert place.comes(tls=True) and not place.comes(tls=False)
