"""Files, account, sudo and repositories of a host are told as they are, and what its owner planted does no harm."""

from __future__ import annotations

import contextlib
import os
import pathlib
import tempfile
import typing as t

import pytest

from ansible_collections.rampart.postgresql.plugins.filter.assess import assess
from ansible_collections.rampart.postgresql.plugins.module_utils._facts.account import account_facts
from ansible_collections.rampart.postgresql.plugins.module_utils._facts.files import NO_FILES
from ansible_collections.rampart.postgresql.plugins.module_utils._facts.files import files_of
from ansible_collections.rampart.postgresql.plugins.module_utils._facts.host import host_facts
from ansible_collections.rampart.postgresql.plugins.module_utils._facts.packages import Packages
from ansible_collections.rampart.postgresql.plugins.module_utils._facts.repositories import Repositories
from ansible_collections.rampart.postgresql.plugins.module_utils._facts.sudo import sudo_of
from ansible_collections.rampart.postgresql.plugins.module_utils._facts.system import system_of
from ansible_collections.rampart.postgresql.plugins.module_utils._server import server as _server
from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import account_of
from ansible_collections.rampart.postgresql.plugins.module_utils._server.session import Options
from ansible_collections.rampart.postgresql.plugins.module_utils._server.session import Session
from ansible_collections.rampart.postgresql.tests.conformance.modules import run_module

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Workshop

PLANTED: t.Final = "tell-nobody-4712"
HOSTILE: t.Final = b"postgresql-<script>'\xff-1-1_000.log"
SOURCE: t.Final = "http://apt.example/pub x-pgdg/main amd64 Packages"

Row = dict[str, t.Any]


@contextlib.contextmanager
def opened(server: Server, **options: t.Any) -> Iterator[_server.Server]:
    with _server.Server.open(Options(cluster=str(server.data_directory), read_only=True, **options)) as found:
        yield found


def files(server: Server, **options: t.Any) -> tuple[dict[str, Row], dict[str, str]]:
    """The last one of each kind, and what was unreadable."""
    unreadable: dict[str, str] = {}
    with opened(server, **options) as found:
        rows = files_of(found, unreadable)
    keys = {frozenset(row) for row in rows}
    assert len(keys) == 1
    return {row["what"]: row for row in rows}, unreadable


def give(server: Server, *paths: pathlib.Path) -> None:
    for path in paths:
        os.chown(path, server.owner.uid, server.owner.gid)


@pytest.fixture
def tree() -> Iterator[pathlib.Path]:
    """A directory of root's that stands for the root of the file system."""
    with tempfile.TemporaryDirectory(prefix="rampart-tree-", dir="/var/tmp") as directory:
        root = pathlib.Path(directory)
        for name in ("etc/sudoers.d", "etc/apt/sources.list.d", "var/lib/apt/lists", "proc/sys/crypto"):
            (root / name).mkdir(parents=True)
        yield root


def plant(root: pathlib.Path, name: str, text: str, mode: int = 0o440) -> pathlib.Path:
    path = root / name
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return path


def test_owners_and_modes_are_told(fresh_server: Server) -> None:
    before, unreadable = files(fresh_server)
    assert unreadable == {}
    owner = fresh_server.owner.name
    for what in ("data_directory", "config_file", "hba_file", "ident_file", "auto_conf", "wal_directory"):
        assert before[what]["owner"] == owner
        assert before[what]["exists"] is True
        assert not before[what]["writable_by_others"] and not before[what]["readable_by_others"]
        assert before[what]["exposed"] == ""
    assert before["data_directory"]["mode"] == "0700"
    assert before["data_directory"]["kind"] == "directory"
    assert before["hba_file"] == {**before["hba_file"], "mode": "0600", "kind": "file", "link": None}
    assert before["key"]["exists"] is False and before["key"]["mode"] is None
    fresh_server.hba_file.chmod(0o666)
    fresh_server.data_directory.chmod(0o770)
    os.chown(fresh_server.conf_file, 0, 0)
    after, _unreadable = files(fresh_server)
    assert after["hba_file"]["mode"] == "0666"
    assert all(after["hba_file"][name] for name in ("writable_by_group", "writable_by_others", "readable_by_others"))
    assert after["data_directory"]["mode"] == "0770" and after["data_directory"]["writable_by_group"]
    assert after["config_file"]["owner"] == "root"
    give(fresh_server, fresh_server.conf_file)


@pytest.mark.in_turn
def test_links_are_told_and_nothing_is_opened(fresh_server: Server) -> None:
    server = fresh_server
    room = server.data_directory.parent
    wal, space, logs, secret = (room / name for name in ("wal", "space", "logs", "secret"))
    space.mkdir(mode=0o700)
    logs.mkdir(mode=0o777)
    give(server, space, logs)
    logs.chmod(0o777)
    os.utime(plant(logs, os.fsdecode(HOSTILE), "x", 0o644), (0, 0))
    plant(room, "secret", PLANTED, 0o600)
    server.query(f"CREATE TABLESPACE space LOCATION '{space}'")
    server.query(f"ALTER SYSTEM SET log_directory = '{logs}'")
    server.query("ALTER SYSTEM SET logging_collector = on")
    server.query("ALTER SYSTEM SET log_filename = 'postgresql-%Z.log'")  # in the place of %Z anything may stand
    server.query("ALTER SYSTEM SET ssl_ca_file = 'pipe'")
    server.query("ALTER SYSTEM SET ssl_crl_file = 'nowhere'")
    server.stop()
    (server.data_directory / "pg_wal").rename(wal)
    (server.data_directory / "pg_wal").symlink_to(wal)
    server.start()
    os.mkfifo(server.data_directory / "pipe")
    (server.data_directory / "nowhere").symlink_to(room / "not-there")
    (server.data_directory / "server.key").symlink_to(secret)
    found, _unreadable = files(server)
    assert found["wal_directory"]["link"] == str(wal)
    assert found["wal_directory"]["kind"] == "directory"
    assert found["tablespace"]["link"] == str(space)
    assert found["key"] == {**found["key"], "link": str(secret), "owner": "root", "mode": "0600", "exists": True}
    assert found["revocation_list"]["exists"] is False
    assert found["revocation_list"]["link"] == str(room / "not-there")
    assert found["certificate_authority"]["kind"] == "pipe"
    assert found["log_directory"] == {**found["log_directory"], "path": str(logs), "writable_by_others": True}
    assert found["log_directory"]["exposed"] == ""
    log = found["log_file"]  # the oldest one
    assert os.fsencode(log["path"]) == os.fsencode(logs) + b"/" + HOSTILE
    assert log["readable_by_others"] and f"everybody can write in {logs}" in log["exposed"]
    assert PLANTED not in repr(found)
    told = run_module("cluster_info", server, gather=["host"]).values["files"]
    assert [row["path"] for row in told if "script" in row["path"]] == [f"{logs}/postgresql-<script>'\\xff-1-1_000.log"]


@pytest.mark.in_turn
def test_configurations_of_tools_are_told(server: Server) -> None:
    directory = pathlib.Path("/etc/repmgr")
    made = not directory.exists()
    path = directory / f"rampart-test-{os.getpid()}.conf"

    def told() -> list[Row]:
        with opened(server) as found:
            return [row for row in files_of(found, {}) if row["path"] == str(path)]

    try:
        directory.mkdir(exist_ok=True)
        assert told() == []
        give(server, plant(directory, path.name, f"password={PLANTED}\n", 0o640))
        [closed] = told()
        assert (closed["what"], closed["owner"], closed["exposed"]) == ("tool_configuration", server.owner.name, "")
        assert closed["mode"] == "0640" and not closed["readable_by_others"]
        path.chmod(0o644)
        assert told()[0]["readable_by_others"] is True
    finally:
        path.unlink(missing_ok=True)
        if made:
            directory.rmdir()


@pytest.mark.in_turn
def test_what_a_login_may_not_ask_for_is_told(fresh_server: Server) -> None:
    fresh_server.query("CREATE ROLE watcher LOGIN")
    fresh_server.query("GRANT pg_monitor TO watcher")
    found, unreadable = files(fresh_server, user="watcher")
    assert found["hba_file"]["mode"] == "0600"  # so it may see most
    assert "may not ask for the files of the configuration" in unreadable["files"]
    fresh_server.query("GRANT SELECT ON pg_file_settings, pg_config TO watcher")
    fresh_server.query("GRANT EXECUTE ON FUNCTION pg_show_all_file_settings(), pg_config() TO watcher")
    assert files(fresh_server, user="watcher")[1] == {}


def test_rules_of_sudo_are_read_as_sudo_reads_them(workshop: Workshop, tree: pathlib.Path) -> None:
    owner = account_of(workshop.owner.uid)

    def rows() -> tuple[list[Row] | None, dict[str, str]]:
        unreadable: dict[str, str] = {}
        return sudo_of(owner, unreadable, root=str(tree)), unreadable

    assert rows() == ([], {})
    plant(tree, "etc/sudoers", "User_Alias STAFF = alice\nroot ALL=(ALL) ALL\n@includedir /etc/sudoers.d\n")
    assert rows() == ([], {})
    rule = plant(tree, "etc/sudoers.d/a", f"\nSTAFF ALL=({owner.name}) NOPASSWD: /usr/bin/psql\n")
    plant(tree, "etc/sudoers.d/ignored.conf", f"bob ALL=({owner.name}) ALL\n")
    expected = {"file": "/etc/sudoers.d/a", "line": 2, "who": ["alice"], "as": [owner.name], "hosts": ["ALL"]}
    found, unreadable = rows()
    assert found is not None
    [row] = found
    assert row == {**expected, "commands": ["/usr/bin/psql"], "nopasswd": True, "raw_understood": True}
    assert unreadable == {}
    plant(tree, "etc/sudoers.d/b", "carol ALL=\n")
    found, unreadable = rows()
    assert found and found[-1]["raw_understood"] is False
    assert "/etc/sudoers.d/b, line 1 is not understood" in unreadable["host.sudo"]
    (tree / "etc/sudoers.d/b").unlink()
    rule.chmod(0o446)  # sudo refuses it, and nobody knows what it says tomorrow
    found, unreadable = rows()
    assert found == [] and "only root can write" in unreadable["host.sudo"]
    rule.unlink()
    os.mkfifo(rule)
    found, unreadable = rows()
    assert found == [] and str(rule) in unreadable["host.sudo"]
    rule.unlink()
    plant(tree, "etc/nsswitch.conf", "passwd: files\nsudoers: files sss\n", 0o644)
    assert "directory service" in rows()[1]["host.sudo"]
    plant(tree, "etc/nsswitch.conf", "passwd: files sss\nsudoers: files\n", 0o644)
    assert rows() == ([], {})
    with workshop.owner.acting():
        found, unreadable = rows()
    assert found is None and "only root" in unreadable["host.sudo"]


def test_a_repository_is_trusted_when_it_is_known_and_signed(tree: pathlib.Path) -> None:
    lists = "var/lib/apt/lists/apt.example_pub_dists_x-pgdg"
    head = "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nOrigin: apt.postgresql.org\n"

    def told() -> tuple[str | None, bool | None]:
        return Repositories(root=str(tree)).of(SOURCE)

    assert told() == (None, None)
    plant(tree, f"{lists}_Release", "Origin: Debian\n")
    assert told() == ("Debian", False)
    plant(tree, f"{lists}_Release.gpg", "signature")
    assert told() == ("Debian", True)
    plant(tree, f"{lists}_InRelease", head)
    assert told() == ("apt.postgresql.org", True)
    sources = plant(tree, "etc/apt/sources.list.d/x.list", "deb [trusted=yes] http://apt.example/pub x-pgdg main\n")
    assert told() == ("apt.postgresql.org", False)
    sources.unlink()
    (tree / f"{lists}_InRelease").unlink()
    plant(tree, f"{lists}_InRelease", head.replace("apt.postgresql.org", "Somebody"))
    assert told() == ("Somebody", False)


def test_the_system_says_whether_it_is_in_fips_mode(tree: pathlib.Path) -> None:
    plant(tree, "etc/os-release", 'ID=debian\nVERSION_ID="13"\n')
    unreadable: dict[str, str] = {}
    found = system_of(unreadable, root=str(tree))
    assert (found["distribution"], found["version"], found["fips"]) == ("debian", "13", None)
    assert "fips_enabled" in unreadable["host.system"]
    for text, fips in (("0\n", False), ("1\n", True)):
        unreadable = {}
        (tree / "proc/sys/crypto/fips_enabled").write_text(text)
        assert system_of(unreadable, root=str(tree))["fips"] is fips
        assert unreadable == {}


def test_packages_are_those_of_this_host() -> None:
    unreadable: dict[str, str] = {}
    found = Packages("/usr/bin/env").told(unreadable)
    assert found["server_package"] == "coreutils"
    assert "libpq5" in [package["name"] for package in found["packages"]]  # by which psql connects
    assert {frozenset(package) for package in found["packages"]} == {
        frozenset(("name", "version", "candidate", "origin", "repository", "trusted"))
    }
    assert ("host.packages" in unreadable) is any(package["trusted"] is None for package in found["packages"])
    with tempfile.NamedTemporaryFile() as mine:
        assert Packages(mine.name).told({})["server_package"] == ""


@pytest.mark.in_turn
def test_passwords_are_told_by_their_files(fresh_server: Server) -> None:
    server = fresh_server
    name = f"rampart-test-{os.getpid()}"
    profile = pathlib.Path("/etc/profile.d") / f"{name}.sh"
    services = pathlib.Path("/etc/pg_service.conf")
    assert not services.exists()

    def account() -> tuple[Row, dict[str, str]]:
        unreadable: dict[str, str] = {}
        with opened(server) as found:
            return account_facts(found, unreadable), unreadable

    before, unreadable = account()
    assert unreadable == {}
    assert (before["pgpassword_in"], before["password_in_service_file"]) == ([], [])
    assert before["pgpassword_in_environment"] is False
    assert before["name"] == server.owner.name
    try:
        plant(profile.parent, profile.name, f"export PGPASSWORD={PLANTED}\numask 027\nPSQL_HISTORY=/dev/null\n", 0o644)
        plant(services.parent, services.name, f"[shop]\npassword={PLANTED}\n", 0o644)
        server.stop()
        start = ("-D", server.data_directory, "-w", "-l", server.log)
        server.owner.run(["env", f"PGPASSWORD={PLANTED}", server.bindir / "pg_ctl", "start", *start])
        after, unreadable = account()
        result = run_module("cluster_info", server, gather=["host"])
    finally:
        profile.unlink(missing_ok=True)
        services.unlink(missing_ok=True)
    assert after["pgpassword_in"] == [str(profile)]
    assert after["password_in_service_file"] == [str(services)]
    assert after["pgpassword_in_environment"] is True
    assert (after["umask"], after["history"]) == ("0027", [])
    assert before["history"] == [f"{account_of(server.owner.uid).home}/.psql_history"] and before["umask"] != "0027"
    assert result.values["host"]["account"] == after
    assert PLANTED not in result.output


@pytest.mark.in_turn
def test_without_root_what_is_not_seen_is_not_known(server: Server) -> None:
    def told() -> tuple[Row, dict[str, str]]:
        unreadable: dict[str, str] = {}
        with opened(server) as found:
            facts = host_facts(found, Packages(found.cluster.program), unreadable)
        assert facts["files"]
        assert isinstance(facts["host"], dict)
        return facts["host"], unreadable

    with server.owner.acting():
        host, unreadable = told()
    assert host["account"]["locked"] is None and host["account"]["pgpassword_in"] is None
    assert host["sudo"] is None
    assert {"host.account", "host.sudo"} <= set(unreadable)
    host, unreadable = told()
    assert isinstance(host["account"]["locked"], bool)
    assert not {"host.account", "host.sudo"} & set(unreadable)


@pytest.mark.in_turn
def test_over_a_mere_connection_nothing_of_the_host_is_known(server: Server) -> None:
    options: dict[str, t.Any] = {
        "host": "127.0.0.1",
        "port": server.port,
        "user": server.superuser,
        "gather": ["host", "backups"],
    }
    found = run_module("cluster_info", **options).values
    assert [found[name] for name in ("files", "host", "backups")] == [None, None, None]
    assert {"files", "host", "backups"} <= set(found["unreadable"])
    away = dict.fromkeys(("files", "host.account", "host.sudo", "host.unit"), NO_FILES)
    unreadable: dict[str, str] = {}
    socket = Options(socket_directory=str(server.socket_directory), port=server.port, user=server.superuser)
    unseen = _server.Server(socket, None, Session.open(socket, None))
    try:
        host = host_facts(unseen, Packages(""), unreadable)["host"]
    finally:
        unseen.session.close()
    assert isinstance(host, dict)
    assert host["system"]["kernel"] and host["packages"] and host["account"] is None and host["server_package"] is None
    assert away.items() <= unreadable.items()
    near = run_module("cluster_info", server, gather=["host", "backups"]).values
    assert near["files"] and near["host"] and near["backups"] == {"jobs": [], "tools": []}


@pytest.mark.in_turn
@pytest.mark.since(16)
def test_files_that_the_server_reads_besides_are_looked_at(fresh_server: Server) -> None:
    """Whoever writes what pg_hba.conf or postgresql.conf includes lets himself in, or owns what the account runs."""
    server = fresh_server
    names = {"hba_file": "people", "ident_file": "maps.conf", "included_file": "more.conf"}
    for name in names.values():
        plant(server.data_directory, name, "", 0o600)
        give(server, server.data_directory / name)
    with server.owner.acting():
        (server.data_directory / "people").write_text("app\n")
        server.hba_file.write_text("local all all trust\nlocal all @people trust\n")
        (server.data_directory / "pg_ident.conf").write_text("include maps.conf\n")
        with server.conf_file.open("a", encoding="utf-8") as stream:
            stream.write("include 'more.conf'\ninclude_dir 'parts'\n")
        (server.data_directory / "parts").mkdir(mode=0o700)
    server.reload()

    def failing() -> dict[str, list[str]]:
        result = run_module("cluster_info", server, gather=["all"])
        assert not result.failed, result.message
        [found] = assess(result.values)
        return {
            each["control"]: [os.path.basename(item["path"]) for item in each["items"]]
            for each in found["findings"]
            if each["control"] in ("RPG-PLT-012", "RPG-PLT-013")
        }

    assert failing() == {"RPG-PLT-012": [], "RPG-PLT-013": []}
    for name in names.values():
        os.chown(server.data_directory / name, 65534, server.owner.gid)
        (server.data_directory / name).chmod(0o640)
    (server.data_directory / "parts").chmod(0o777)
    assert failing() == {"RPG-PLT-012": ["people", "maps.conf"], "RPG-PLT-013": ["more.conf", "parts"]}
