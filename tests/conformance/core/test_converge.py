"""The way of every run: rehearse, apply, reload, verify, and take everything back when something is refused."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pathlib
import signal
import threading
import time
import typing as t

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._converge import Outcome
from ansible_collections.rampart.postgresql.plugins.module_utils._converge import converge
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import ConcurrentRun
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import ConnectionFailed
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import NotConverged
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RehearsalFailed
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import ServerRefused
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import Unsupported
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Planned
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import RunSql
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Step
from ansible_collections.rampart.postgresql.plugins.module_utils._server import discovery
from ansible_collections.rampart.postgresql.plugins.module_utils._server import rehearsal
from ansible_collections.rampart.postgresql.plugins.module_utils._server import scratch
from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server as OpenedServer
from ansible_collections.rampart.postgresql.plugins.module_utils._server.session import Options
from ansible_collections.rampart.postgresql.tests.conformance.components import FileComponent

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

TRUST = b"local all all trust\nhost all all 127.0.0.1/32 trust\n"
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="a switch of identity needs root")


@dataclasses.dataclass
class RoleComponent(FileComponent):
    """A role exists."""

    name: str = "role"
    order: int = 30

    def observe(self, server: OpenedServer) -> t.Any:
        return server.session.rows("SELECT 1 AS x FROM pg_catalog.pg_roles WHERE rolname = 'probe'")

    def plan(self, state: t.Any, offered: t.Any) -> Planned:
        if state:
            return Planned()
        operation = RunSql(statement="CREATE ROLE probe", undo="DROP ROLE probe")
        return Planned(steps=(Step(self.name, 'role "probe"', "create", "", "probe", operation),))


def run(server: Server, *components: FileComponent, check_mode: bool = False, **options: t.Any) -> Outcome:
    given = Options(cluster=str(server.data_directory), **{"timeout": 10, **options})
    with OpenedServer.open(given) as opened:
        return converge(server=opened, components=components, check_mode=check_mode)


def history(tmp_path: pathlib.Path, server: Server) -> str:
    directory = tmp_path / "history"
    for parent in (*reversed(tmp_path.parents), tmp_path):
        if parent.owner() == "root" and parent != pathlib.Path("/"):
            parent.chmod(parent.stat().st_mode | 0o055)
    directory.mkdir()
    if os.geteuid() == 0:
        os.chown(directory, server.owner.uid, server.owner.gid)
    return str(directory)


def test_check_mode_predicts_and_touches_nothing(fresh_server: Server, tmp_path: pathlib.Path) -> None:
    before = fresh_server.hba_file.read_bytes()
    outcome = run(fresh_server, FileComponent(TRUST), RoleComponent(b""), check_mode=True)
    assert outcome.plan.changed
    assert len(outcome.plan.steps) == 2
    assert fresh_server.hba_file.read_bytes() == before
    assert fresh_server.query("SELECT 1 FROM pg_roles WHERE rolname = 'probe'") == []


def test_a_second_run_changes_nothing_and_the_previous_file_is_kept(
    fresh_server: Server, tmp_path: pathlib.Path
) -> None:
    kept = history(tmp_path, fresh_server)
    before = fresh_server.hba_file.read_bytes()
    assert run(fresh_server, FileComponent(TRUST), history_directory=kept).plan.changed
    assert not run(fresh_server, FileComponent(TRUST), history_directory=kept).plan.changed
    assert fresh_server.hba_file.read_bytes() == TRUST
    copies = [path for path in pathlib.Path(kept).rglob("*") if path.is_file()]
    assert [path.read_bytes() for path in copies] == [before]
    assert copies[0].stat().st_mode & 0o777 == 0o600


def test_only_so_many_previous_versions_are_kept(fresh_server: Server, tmp_path: pathlib.Path) -> None:
    kept = history(tmp_path, fresh_server)
    for number in range(4):
        content = TRUST + f"# {number}\n".encode()
        run(fresh_server, FileComponent(content), history_directory=kept, history_keep=2, rehearse=False)
    copies = sorted(path for path in pathlib.Path(kept).rglob("*") if path.is_file())
    assert [path.read_bytes()[-4:] for path in copies] == [b"# 1\n", b"# 2\n"]


def test_the_rehearsal_refuses_before_anything_is_touched(fresh_server: Server) -> None:
    before = fresh_server.hba_file.read_bytes()
    with pytest.raises(RehearsalFailed, match='invalid authentication method "trus"'):
        run(fresh_server, FileComponent(TRUST + b"local all all trus\n"), RoleComponent(b""))
    assert fresh_server.hba_file.read_bytes() == before
    assert fresh_server.query("SELECT 1 FROM pg_roles WHERE rolname = 'probe'") == []


def rehearse(server: Server, name: str, content: bytes) -> None:
    """Check mode of a run that would write a file of the data directory."""
    run(server, FileComponent(content, path=str(server.data_directory / name)), check_mode=True)


def test_the_rehearsal_judges_mappings(fresh_server: Server) -> None:
    """A server starts with a faulty pg_ident.conf, and without the mappings."""
    words = "invalid regular expression" + (r".*\(line 2 of .*/pg_ident\.conf" if fresh_server.major > 15 else "")
    with pytest.raises(RehearsalFailed, match=words):
        rehearse(fresh_server, "pg_ident.conf", b"m root postgres\nm /( postgres\n")
    rehearse(fresh_server, "pg_ident.conf", b"m root postgres\nm /^p postgres\n")
    # What is at fault already is not the fault of another change.
    (fresh_server.data_directory / "pg_ident.conf").write_bytes(b"m /( postgres\n")
    rehearse(fresh_server, "pg_hba.conf", TRUST)


def test_the_rehearsal_judges_files_that_rules_name(fresh_server: Server) -> None:
    folder = fresh_server.data_directory / "rules.d"
    with fresh_server.owner.acting():
        folder.mkdir()
        (folder / "names.lst").write_bytes(b"postgres\n")
    with pytest.raises(RehearsalFailed, match="rules.d/none.lst"):
        rehearse(fresh_server, "pg_hba.conf", b"local all @rules.d/none.lst trust\n")
    rehearse(fresh_server, "pg_hba.conf", b"local all @rules.d/names.lst trust\n")
    if fresh_server.major < 16:
        return
    fresh_server.hba_file.write_bytes(b"include_dir rules.d\n" + TRUST)
    with pytest.raises(RehearsalFailed, match='invalid authentication method "trus"'):
        rehearse(fresh_server, "rules.d/ours.conf", b"local all all trus\n")
    rehearse(fresh_server, "rules.d/ours.conf", b"local all all trust\n")


def test_a_rehearsal_leaves_nothing_behind(fresh_server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    room = fresh_server.data_directory.parent / "rehearsals"
    with fresh_server.owner.acting():
        room.mkdir()
    monkeypatch.setattr(scratch, "_PARENT", str(room))
    for content in (TRUST, b"nonsense\n"):  # one that is accepted and one that is refused
        with contextlib.suppress(RehearsalFailed):
            run(fresh_server, FileComponent(content), check_mode=True)
        assert list(room.iterdir()) == []
    run(fresh_server, FileComponent(TRUST))
    assert list(room.iterdir()) == []


def test_an_owner_without_a_home_keeps_previous_versions_beside_the_data(fresh_server: Server) -> None:
    with OpenedServer.open(Options(cluster=str(fresh_server.data_directory))) as opened:
        opened.__dict__["owner"] = dataclasses.replace(opened.owner, home="/nonexistent")
        found = opened.read(str(fresh_server.hba_file))
        assert found is not None
        copy = pathlib.Path(opened.history.add(found))
    assert copy.read_bytes() == fresh_server.hba_file.read_bytes()
    assert fresh_server.data_directory.parent / ".rampart-postgresql" in copy.parents


def wait_for(find: t.Callable[[], pathlib.Path | None]) -> pathlib.Path:
    """What is found within half a minute."""
    for _attempt in range(1500):
        found = find()
        if found is not None and found.stat().st_size:
            return found
        time.sleep(0.02)
    raise RuntimeError("it did not come")


@contextlib.contextmanager
def killed_rehearsal(server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[pathlib.Path, int]]:
    """The directory of rehearsals and the throw-away server that runs in it, at the moment when its run is killed."""
    room = server.data_directory.parent / "rehearsals"
    with server.owner.acting():
        room.mkdir()
    monkeypatch.setattr(scratch, "_PARENT", str(room))
    child = os.fork()
    if not child:
        monkeypatch.setattr(rehearsal, "_wait_for_verdict", lambda process, log: time.sleep(60))
        run(server, FileComponent(TRUST), check_mode=True)
        os._exit(0)
    try:
        pid_file = wait_for(lambda: next(room.glob("*/data/postmaster.pid"), None))
        pid = int(pid_file.read_text(encoding="utf-8").split()[0])
        yield room, pid
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def is_gone(room: pathlib.Path, pid: int) -> bool:
    return list(room.iterdir()) == [] and not os.path.exists(f"/proc/{pid}/cwd")


def open_files(pid: int) -> set[str]:
    found = set()
    for path in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            found.add(os.readlink(path))
    return found


def listening_tcp_sockets() -> set[str]:
    """Of the whole host, as the kernel lists them."""
    files = [pathlib.Path("/proc/net", name).read_text(encoding="ascii") for name in ("tcp", "tcp6")]
    lines = [line.split() for text in files for line in text.splitlines()]
    return {words[9] for words in lines if words[3] == "0A"}


@pytest.mark.in_turn
def test_a_rehearsal_that_is_killed_leaves_nothing(fresh_server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """And while it is there, its server listens on no TCP port."""
    with fresh_server.conf_file.open("a", encoding="utf-8") as stream:
        stream.write("listen_addresses = '*'\n")
    fresh_server.restart()
    live = int((fresh_server.data_directory / "postmaster.pid").read_text(encoding="utf-8").split()[0])
    with killed_rehearsal(fresh_server, monkeypatch) as (room, pid):
        held = {number: open_files(number) for number in (pid, live)}
        tcp = {f"socket:[{inode}]" for inode in listening_tcp_sockets()}
        assert not held[pid] & tcp
        assert held[live] & tcp
        assert str(room) not in str([cluster.data_directory for cluster in discovery.running_clusters()])
    for _attempt in range(500):
        if is_gone(room, pid):
            break
        time.sleep(0.02)
    assert is_gone(room, pid)


@pytest.mark.in_turn
def test_what_a_host_leaves_that_went_down(fresh_server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next rehearsal takes it away."""
    monkeypatch.setattr(scratch, "_UNDERTAKER", "")
    with killed_rehearsal(fresh_server, monkeypatch) as (room, pid):
        pass
    assert os.path.exists(f"/proc/{pid}/cwd")
    monkeypatch.setattr(scratch, "_GRACE", -1)
    run(fresh_server, FileComponent(TRUST), check_mode=True)
    assert is_gone(room, pid)


@pytest.mark.in_turn
def test_without_the_programs_a_run_goes_on_and_says_so(fresh_server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    found = discovery.choose(Options(cluster=str(fresh_server.data_directory)))
    assert found is not None
    monkeypatch.setattr(discovery, "choose", lambda options: dataclasses.replace(found, program="/nonesuch/postgres"))
    result = run(fresh_server, FileComponent(TRUST)).result()
    told = "the candidate configuration was not rehearsed: /nonesuch/initdb and /nonesuch/postgres cannot be run here"
    assert result["warnings"] == [told]
    assert result["changed"]
    assert fresh_server.hba_file.read_bytes() == TRUST


def test_a_lock_out_is_noticed_and_taken_back(fresh_server: Server, tmp_path: pathlib.Path) -> None:
    """No rehearsal can see it: the file is fine, but it refuses this very run."""
    kept = history(tmp_path, fresh_server)
    before = fresh_server.hba_file.read_bytes()
    with pytest.raises(ConnectionFailed) as caught:
        run(fresh_server, RoleComponent(b""), FileComponent(b"local all all reject\n"), history_directory=kept)
    assert fresh_server.hba_file.read_bytes() == before
    assert fresh_server.query("SELECT 1 FROM pg_roles WHERE rolname = 'probe'") == []
    assert caught.value.details["undone"][-1] == "the server has loaded what it had before"


def test_what_is_not_proved_is_taken_back(fresh_server: Server, tmp_path: pathlib.Path) -> None:
    kept = history(tmp_path, fresh_server)
    before = fresh_server.hba_file.read_bytes()
    with pytest.raises(NotConverged, match="line 7 is not in force"):
        run(fresh_server, FileComponent(TRUST, problem="line 7 is not in force"), history_directory=kept)
    assert fresh_server.hba_file.read_bytes() == before


def test_a_file_that_the_server_refuses_is_taken_back(fresh_server: Server, tmp_path: pathlib.Path) -> None:
    kept = history(tmp_path, fresh_server)
    before = fresh_server.conf_file.read_bytes()
    component = FileComponent(before + b"nonesuch = 1\n", path=str(fresh_server.conf_file))
    with pytest.raises(ServerRefused, match="did not load"):
        run(fresh_server, component, history_directory=kept, rehearse=False, timeout=2)
    assert fresh_server.conf_file.read_bytes() == before


def test_mode_and_group_of_a_replaced_file_stay(fresh_server: Server, tmp_path: pathlib.Path) -> None:
    fresh_server.hba_file.chmod(0o640)
    run(fresh_server, FileComponent(TRUST), history_directory=history(tmp_path, fresh_server))
    found = fresh_server.hba_file.stat()
    assert (found.st_mode & 0o777, found.st_uid, found.st_gid) == (
        0o640,
        fresh_server.owner.uid,
        fresh_server.owner.gid,
    )


@needs_root
def test_a_planted_link_to_a_file_of_roots_is_refused(fresh_server: Server, tmp_path: pathlib.Path) -> None:
    secret = pathlib.Path(f"/root/.rampart-link-test-{os.getpid()}")
    secret.write_text("local all all trust\n", encoding="utf-8")
    secret.chmod(0o600)
    try:
        fresh_server.hba_file.unlink()
        fresh_server.hba_file.symlink_to(secret)
        with pytest.raises(Unsupported, match="permission denied"):
            run(fresh_server, FileComponent(TRUST))
        assert secret.read_text(encoding="utf-8") == "local all all trust\n"
        assert fresh_server.hba_file.is_symlink()
        fresh_server.hba_file.unlink()  # the control: the same run with a file of the owner's own
        fresh_server.hba_file.write_bytes(b"local all all trust\n")
        os.chown(fresh_server.hba_file, fresh_server.owner.uid, fresh_server.owner.gid)
        assert run(fresh_server, FileComponent(TRUST), history_directory=history(tmp_path, fresh_server)).plan.changed
    finally:
        secret.unlink()


@needs_root
def test_a_read_only_directory_is_a_clear_error(fresh_server: Server, tmp_path: pathlib.Path) -> None:
    kept = history(tmp_path, fresh_server)
    before = fresh_server.hba_file.read_bytes()
    fresh_server.data_directory.chmod(0o500)
    try:
        with pytest.raises(RampartError, match="cannot write .*pg_hba.conf"):
            run(fresh_server, FileComponent(TRUST), history_directory=kept)
    finally:
        fresh_server.data_directory.chmod(0o700)
    assert fresh_server.hba_file.read_bytes() == before


def test_a_second_run_waits_for_the_first(server: Server) -> None:
    given = Options(cluster=str(server.data_directory), lock_wait=1)
    with OpenedServer.open(given) as first, OpenedServer.open(given) as second:
        with (
            first.lock(shared=False),
            pytest.raises(ConcurrentRun, match=r"gave up after lock_wait \(1 s\)"),
            second.lock(shared=False),
        ):
            pass
        with first.lock(shared=True), second.lock(shared=True):
            pass  # two check modes do not disturb each other


def test_a_waiting_run_goes_on_when_the_first_has_ended(server: Server) -> None:
    given = Options(cluster=str(server.data_directory), lock_wait=10)
    order: list[str] = []
    with OpenedServer.open(given) as first, OpenedServer.open(given) as second:

        def wait() -> None:
            with second.lock(shared=False):
                order.append("second")

        thread = threading.Thread(target=wait)
        with first.lock(shared=False):
            thread.start()
            time.sleep(0.3)
            order.append("first")
        thread.join(10)
    assert order == ["first", "second"]


def test_a_file_edited_by_somebody_else_meanwhile_is_not_overwritten(fresh_server: Server) -> None:
    class Meddled(FileComponent):
        def prepare(self, planned: Planned, server: OpenedServer) -> Planned:
            fresh_server.hba_file.write_bytes(b"local all all trust # by hand\n")
            return planned

    with pytest.raises(ConcurrentRun, match="changed by somebody else"):
        run(fresh_server, Meddled(TRUST), rehearse=False)
    assert fresh_server.hba_file.read_bytes() == b"local all all trust # by hand\n"


def test_runs_over_tcp_take_turns_too(server: Server) -> None:
    given = Options(host="127.0.0.1", port=server.port, user=server.superuser, lock_wait=1)
    with OpenedServer.open(given) as first, OpenedServer.open(given) as second:
        with (
            first.lock(shared=False),
            pytest.raises(ConcurrentRun, match=r"gave up after lock_wait \(1 s\)"),
            second.lock(shared=False),
        ):
            pass
        with second.lock(shared=False):
            pass  # it was given back


def test_what_needs_files_says_so_over_tcp(server: Server) -> None:
    given = Options(host="127.0.0.1", port=server.port, user=server.superuser)
    with OpenedServer.open(given) as opened, pytest.raises(Unsupported, match="run it on the database host"):
        converge(server=opened, components=[FileComponent(TRUST)], check_mode=True)


def test_an_interruption_takes_everything_back(fresh_server: Server, tmp_path: pathlib.Path) -> None:
    class Interrupted(FileComponent):
        def unproven(self, state: t.Any) -> list[str]:
            raise KeyboardInterrupt

    before = fresh_server.hba_file.read_bytes()
    with pytest.raises(KeyboardInterrupt):
        run(fresh_server, Interrupted(TRUST), RoleComponent(b""), history_directory=history(tmp_path, fresh_server))
    assert fresh_server.hba_file.read_bytes() == before
    assert fresh_server.query("SELECT 1 FROM pg_roles WHERE rolname = 'probe'") == []


def test_what_a_killed_run_left_is_removed_by_the_next(fresh_server: Server, tmp_path: pathlib.Path) -> None:
    leftover = fresh_server.data_directory / ".pg_hba.conf.rampart-k1ll3d"
    with fresh_server.owner.acting():
        leftover.write_text("half a fi", encoding="utf-8")
    run(fresh_server, FileComponent(TRUST), history_directory=history(tmp_path, fresh_server))
    assert not leftover.exists()
