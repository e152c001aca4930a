"""Modes of a cluster's files are narrowed with the rights of its owner, and passwords are found and not shown."""

from __future__ import annotations

import os
import pathlib
import stat

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._server.files import read_file
from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import account_of
from ansible_collections.rampart.postgresql.tests.conformance.modules import run_module
from ansible_collections.rampart.postgresql.tests.conformance.servers import Server
from ansible_collections.rampart.postgresql.tests.conformance.servers import Workshop

PLANTED = "tell-nobody-4711"


def modes(server: Server) -> dict[str, int]:
    """Those of everything in the data directory that no server writes meanwhile, and of itself."""
    found = {".": stat.S_IMODE(server.data_directory.stat().st_mode)}
    for entry in os.scandir(server.data_directory):
        found[entry.name] = stat.S_IMODE(entry.stat(follow_symlinks=False).st_mode)
    return found


def test_what_is_too_open_is_closed_and_nothing_else(fresh_server: Server) -> None:
    made = modes(fresh_server)
    fresh_server.data_directory.chmod(0o755)
    fresh_server.hba_file.chmod(0o644)
    fresh_server.conf_file.chmod(0o666)
    opened = modes(fresh_server)
    foreseen = run_module("os_account", fresh_server, check=True)
    assert foreseen.changed
    assert modes(fresh_server) == opened
    done = run_module("os_account", fresh_server)
    assert done.changed
    assert done.values["steps"] == foreseen.values["steps"]
    assert {step["statement"].split()[1] for step in done.values["steps"]} == {"0700", "0600"}
    assert modes(fresh_server) == made
    again = run_module("os_account", fresh_server)
    assert not again.changed
    assert not again.values["left_alone"]


@pytest.mark.in_turn
def test_directories_that_others_write_in_are_closed(fresh_server: Server, tmp_path: pathlib.Path) -> None:
    """Whoever adds a file to those of the configuration is superuser after the next reload."""
    server = fresh_server
    more, empty, space, wal = (server.data_directory.parent / name for name in ("more.d", "empty.d", "space", "wal"))
    for path in (more, empty, space):
        path.mkdir(mode=0o700)
        os.chown(path, server.owner.uid, server.owner.gid)
    (more / "a.conf").write_text("work_mem = '5MB'\n", encoding="utf-8")
    os.chown(more / "a.conf", server.owner.uid, server.owner.gid)
    with server.conf_file.open("a", encoding="utf-8") as stream:
        stream.write(f"include_dir '{more}'\ninclude_dir = '../{empty.name}'\n")
    server.query(f"CREATE TABLESPACE space LOCATION '{space}'")
    server.stop()
    (server.data_directory / "pg_wal").rename(wal)
    (server.data_directory / "pg_wal").symlink_to(wal)
    server.start()
    assert not run_module("os_account", server).changed
    for path in (more, empty, space, wal):
        path.chmod(0o2777)
    done = run_module("os_account", server)
    assert {step["subject"]: step["after"] for step in done.values["steps"]} == {
        str(more): "2755",
        str(empty): "2755",
        str(space): "0700",
        str(wal): "0700",
    }
    assert [stat.S_IMODE(path.stat().st_mode) for path in (more, empty, space, wal)] == [0o2755, 0o2755, 0o700, 0o700]
    assert not run_module("os_account", server).changed


@pytest.mark.since(16)
@pytest.mark.in_turn
def test_included_rules_are_rules(fresh_server: Server) -> None:
    server = fresh_server
    beside, below = server.data_directory.parent / "more.hba", server.data_directory.parent / "hba.d"
    below.mkdir(mode=0o777)
    for path, text in ((beside, 'include_dir "hba.d"\n'), (below / "a.conf", "# none\n")):
        path.write_text(text, encoding="utf-8")
    for path in (beside, below, below / "a.conf"):
        os.chown(path, server.owner.uid, server.owner.gid)
        path.chmod(0o777 if path == below else 0o666)
    with server.hba_file.open("a", encoding="utf-8") as stream:
        stream.write(f"include {beside}\n")
    server.reload()
    done = run_module("os_account", server)
    assert {step["subject"]: step["after"] for step in done.values["steps"]} == {
        str(beside): "0640",
        str(below / "a.conf"): "0640",
        str(below): "0755",
    }
    assert not run_module("os_account", server).changed


@pytest.mark.in_turn
def test_group_access_stays_where_the_cluster_was_made_for_it(fresh_server: Server) -> None:
    fresh_server.data_directory.chmod(0o750)
    (fresh_server.data_directory / "PG_VERSION").chmod(0o640)
    assert not run_module("os_account", fresh_server).changed
    assert run_module("os_account", fresh_server, group_access="never").changed
    assert modes(fresh_server)["."] == 0o700


@pytest.mark.in_turn
def test_a_link_to_a_file_of_somebody_else_is_left_alone(fresh_server: Server, tmp_path: pathlib.Path) -> None:
    mine = pathlib.Path("/var/tmp") / f"rampart-test-{tmp_path.name}-{os.getpid()}"
    hba = fresh_server.hba_file
    try:
        mine.write_bytes(hba.read_bytes())
        mine.chmod(0o644)
        hba.unlink()
        hba.symlink_to(mine)
        done = run_module("os_account", fresh_server)
        assert not done.failed
        assert [left["subject"] for left in done.values["left_alone"]] == [str(mine)]
        assert stat.S_IMODE(mine.stat().st_mode) == 0o644
    finally:
        mine.unlink()


@pytest.mark.in_turn
def test_a_password_is_told_by_its_place_only(fresh_server: Server) -> None:
    name = f"rampart-test-{os.getpid()}"
    variables = pathlib.Path("/etc") / f"{name}.env"
    planted = {
        pathlib.Path("/etc/profile.d") / f"{name}.sh": f"# a comment\nexport PGPASSWORD={PLANTED}\n",
        pathlib.Path("/etc/cron.d") / name: f"\n0 1 * * * root PGPASSWORD={PLANTED} true\n",
        pathlib.Path(f"/etc/systemd/system/{name}.service.d/x.conf"): f"EnvironmentFile=-{variables}\n[Service]\n",
        variables: f"A=b\nPGPASSWORD={PLANTED}\n",
    }
    unit = next(path.parent for path in planted if path.name == "x.conf")
    try:
        unit.mkdir(parents=True)
        for path, text in planted.items():
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
            path.chmod(0o600)  # some of it only root reads
        found = run_module("os_account", fresh_server)
    finally:
        for path in planted:
            path.unlink(missing_ok=True)
        unit.rmdir()
    told = {(each["path"], each["line"]) for each in found.values["findings"] if name in each["path"]}
    assert told == {(str(path), 2) for path in planted if path.name != "x.conf"}
    assert PLANTED not in found.output
    assert name not in run_module("os_account", fresh_server).output


def test_what_the_owner_may_not_read_or_nobody_could_hold_is_not_read(workshop: Workshop) -> None:
    owner = account_of(workshop.owner.uid)
    room = workshop.directory / "large"
    room.mkdir()
    os.chown(room, owner.uid, owner.gid)
    file, pipe, link, shadow = (room / name for name in ("history", "pipe", "link", "shadow"))
    shadow.write_text(PLANTED, encoding="utf-8")
    shadow.chmod(0o600)
    link.symlink_to(shadow)
    with pytest.raises(RampartError, match="permission denied"):
        read_file(str(link), owner)
    by_root = read_file(str(link), account_of(0))
    assert by_root and by_root.text == PLANTED  # so it was there to be read
    with file.open("wb") as stream:
        stream.truncate(64 * 2**20)  # takes no place on the disk
    os.mkfifo(pipe)
    for path in (file, pipe):
        os.chown(path, owner.uid, owner.gid)
    found = read_file(str(file), owner)
    assert found and len(found.content) == 64 * 2**20
    with file.open("ab") as stream:
        stream.truncate(2**40)
    with pytest.raises(RampartError, match="larger than 64 MiB"):
        read_file(str(file), owner)
    with pytest.raises(RampartError, match="not a regular file"):
        read_file(str(pipe), owner)
