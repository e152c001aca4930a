"""What goes wrong around a run: the server keeps its last good configuration, and the error says what it was."""

from __future__ import annotations

import collections
import contextlib
import os
import pathlib
import subprocess
import typing as t

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._settings.arguments import component
from ansible_collections.rampart.postgresql.tests.conformance.components import run_components
from ansible_collections.rampart.postgresql.tests.conformance.killed import MOST_STEPS
from ansible_collections.rampart.postgresql.tests.conformance.killed import killed_at
from ansible_collections.rampart.postgresql.tests.conformance.killed import leftovers
from ansible_collections.rampart.postgresql.tests.conformance.modules import run_module
from ansible_collections.rampart.postgresql.tests.conformance.servers import MAJORS

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from ansible_collections.rampart.postgresql.tests.conformance.modules import Result
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Workshop

_EXTENDED = os.environ.get("RAMPART_EXTENDED", "") not in ("", "0")
_NAME = "zz_rampart.conf"
_GOOD = {"work_mem": "3MB"}
_MORE = {"work_mem": "5MB", "log_line_prefix": f"%m {2000 * 'x'} "}


def can_mount() -> bool:
    """Whether this account may mount, which root in a container may not."""
    if os.geteuid() != 0:
        return False
    probe = ["unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    return subprocess.run(probe, capture_output=True, check=False).returncode == 0


needs_mount = pytest.mark.skipif(not can_mount(), reason="a file system of its own needs root that may mount")


def settings(server: Server, parameters: dict[str, t.Any], *, check: bool = False) -> Result:
    return run_components(server, lambda: [component({"parameters": parameters})], check=check, rehearse=False)


def mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True)


@pytest.fixture
def folder(fresh_server: Server) -> Iterator[pathlib.Path]:
    """The directory of our file: a file system of 32 kB of its own, with a first version of the file in it."""
    place = fresh_server.data_directory / "conf.d"
    with fresh_server.owner.acting():
        place.mkdir()
    mount(
        "-t", "tmpfs", "-o", f"size=32k,uid={fresh_server.owner.uid},gid={fresh_server.owner.gid}", "tmpfs", str(place)
    )
    try:
        with fresh_server.conf_file.open("a", encoding="utf-8") as stream:
            stream.write("include_dir 'conf.d'\n")
        done = settings(fresh_server, _GOOD)
        assert not done.failed, done.output
        assert (place / _NAME).exists()
        yield place
    finally:
        while subprocess.run(["umount", "--recursive", str(place)], capture_output=True, check=False).returncode == 0:
            pass


@contextlib.contextmanager
def full(folder: pathlib.Path) -> Iterator[None]:
    """Nothing more can be written."""
    filler = folder / "filler"
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as stream:
        while True:
            stream.write(4096 * b"#")
    yield
    filler.unlink()


@contextlib.contextmanager
def read_only_file_system(folder: pathlib.Path) -> Iterator[None]:
    """As after an error of the disk."""
    mount("-o", "remount,ro", str(folder))
    yield
    mount("-o", "remount,rw", str(folder))


@contextlib.contextmanager
def read_only_file(folder: pathlib.Path) -> Iterator[None]:
    """The file is somebody else's, as with a volume of a container."""
    mount("--bind", str(folder / _NAME), str(folder / _NAME))
    mount("-o", "remount,bind,ro", str(folder / _NAME))
    yield
    subprocess.run(["umount", str(folder / _NAME)], check=True)


@contextlib.contextmanager
def read_only_directory(folder: pathlib.Path) -> Iterator[None]:
    """The owner may not write any more."""
    folder.chmod(0o500)
    yield
    folder.chmod(0o700)


@pytest.mark.in_turn
@needs_mount
@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (full, "No space left on device; nothing was changed there"),
        (read_only_file_system, "Read-only file system; nothing was changed there"),
        (read_only_file, "Device or resource busy; nothing was changed there"),
        (read_only_directory, "permission denied"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_cannot_be_written_leaves_what_was(
    fresh_server: Server, folder: pathlib.Path, fault: t.Callable[[pathlib.Path], t.ContextManager[None]], said: str
) -> None:
    before = (folder / _NAME).read_bytes()
    with fault(folder):
        refused = settings(fresh_server, _MORE)
        assert refused.failed
        assert f"cannot write {folder / _NAME}" in refused.message
        assert said in refused.message
        assert (folder / _NAME).read_bytes() == before
        assert not leftovers(fresh_server)
        assert fresh_server.query("SHOW work_mem") == [("3MB",)]
        fresh_server.restart()
        assert fresh_server.query("SHOW work_mem") == [("3MB",)]
        assert not settings(fresh_server, _GOOD, check=True).changed
    done = settings(fresh_server, _MORE)
    assert done.changed and not done.failed, done.output
    assert fresh_server.query("SHOW work_mem") == [("5MB",)]


@pytest.mark.in_turn
@needs_mount
def test_values_are_put_back_on_a_full_disk(fresh_server: Server, folder: pathlib.Path) -> None:
    """The server is stopped only when the way back lies on the disk; going it needs no room."""
    fresh_server.query("SELECT pg_catalog.pg_create_physical_replication_slot('kept')")
    assert settings(fresh_server, {**_GOOD, "max_replication_slots": 0}).changed
    since = fresh_server.query("SELECT pg_catalog.pg_postmaster_start_time()")
    with full(folder):
        refused = run_module("server_restart", fresh_server)
        assert fresh_server.query("SELECT pg_catalog.pg_postmaster_start_time()") == since
        assert "No space left on device; nothing was changed there" in refused.message
    (folder / "filler").write_bytes(5 * 4096 * b"#")  # of eight pages
    failed = run_module("server_restart", fresh_server)
    assert "It runs now with what it had before" in failed.message, failed.output
    assert fresh_server.query("SHOW max_replication_slots") == [("10",)]
    assert not leftovers(fresh_server)


@pytest.mark.in_turn
def test_a_library_that_no_session_can_load_is_taken_back(fresh_server: Server) -> None:
    """The server would start with it; without a rehearsal the run notices by its own next login."""
    before = fresh_server.conf_file.read_bytes()
    refused = settings(fresh_server, {"session_preload_libraries": "nonesuch"})
    assert refused.failed
    assert "nonesuch" in refused.message
    assert fresh_server.conf_file.read_bytes() == before
    assert not (fresh_server.data_directory / _NAME).exists()
    assert fresh_server.query("SHOW session_preload_libraries") == [("",)]


@pytest.mark.in_turn
def test_a_server_that_is_down_is_named(fresh_server: Server) -> None:
    fresh_server.stop()
    rule = {"type": "local", "databases": ["all"], "users": ["all"], "method": "peer"}
    runs: dict[str, dict[str, t.Any]] = {
        "settings": {"parameters": _GOOD},
        "hba": {"rules": [rule]},
        "server_restart": {},
    }
    for name, options in runs.items():
        result = run_module(name, fresh_server, **options)
        assert result.failed
        assert f"the server is down: the cluster {fresh_server.data_directory} does not run" in result.message
    assert not (fresh_server.data_directory / _NAME).exists()


@pytest.mark.parametrize("major", MAJORS if _EXTENDED else (MAJORS[0], MAJORS[-1]), ids=lambda major: f"pg{major}")
def test_settings_killed_at_every_step(workshop: Workshop, major: int) -> None:
    server = workshop.server(major)
    try:
        _killed_at_every_step(server)
    finally:
        workshop.discard(server)


def _killed_at_every_step(server: Server) -> None:
    """From nothing, so that our file is made and the line that includes it is written; the server dies too."""
    ours = server.data_directory / _NAME
    pristine = server.conf_file.read_bytes()
    new = {"work_mem": "5MB", "max_connections": 57}
    assert not settings(server, new).failed
    texts = (ours.read_bytes(), server.conf_file.read_bytes())
    seen: collections.Counter[str] = collections.Counter()
    for step in range(1, MOST_STEPS):
        ours.unlink()
        server.conf_file.write_bytes(pristine)
        server.reload()
        killed = killed_at(step, "settings", server, parameters=new)
        if not killed.by_signal:
            break
        made, included = ours.exists(), server.conf_file.read_bytes() != pristine
        seen[f"{killed.steps[-1]}, {'file' if made else 'no file'}, {'included' if included else 'not included'}"] += 1
        assert not made or ours.read_bytes() == texts[0], killed
        assert server.conf_file.read_bytes() in (pristine, texts[1]), killed
        server.stop(mode="immediate")
        server.start()
        in_force = made and included
        assert server.query("SHOW work_mem") == [("5MB" if in_force else "4MB",)], killed
        assert server.query("SHOW max_connections") == [("57" if in_force else "100",)], killed
        done = settings(server, new)
        assert not done.failed, (killed, done)
        assert (ours.read_bytes(), server.conf_file.read_bytes()) == texts, killed
        assert not leftovers(server), killed
        assert not settings(server, new, check=True).changed, killed
    print(f"PostgreSQL {server.major}: killed before " + "; ".join(f"{n} x {what}" for what, n in seen.items()))
    assert step < MOST_STEPS - 1 and killed.steps, "the run was never completed"
    for what in ("rename, no file, not included", "rename, file, not included", "fsync, file, included"):
        assert seen[what], (what, seen)
