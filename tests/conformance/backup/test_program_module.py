"""The module `backup_program`: the program arrives as one file that runs, and stays as it is."""

from __future__ import annotations

import os
import pathlib
import subprocess
import tempfile
import typing as t

import pytest

from ansible_collections.rampart.postgresql.plugins.plugin_utils._backup_program import SOURCES
from ansible_collections.rampart.postgresql.plugins.plugin_utils._backup_program import build
from ansible_collections.rampart.postgresql.plugins.plugin_utils._backup_program import packed
from ansible_collections.rampart.postgresql.tests.conformance.modules import Result
from ansible_collections.rampart.postgresql.tests.conformance.modules import run_module

if t.TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def path() -> Iterator[pathlib.Path]:
    """In a directory of root's; a path of pytest's lies below one that others may write in."""
    if os.geteuid() != 0:
        pytest.fail("what root installs has to be installed by root")
    with tempfile.TemporaryDirectory(prefix="rampart-program-", dir="/var/tmp") as directory:
        pathlib.Path(directory).chmod(0o755)
        yield pathlib.Path(directory) / "rampart-backup"


def install(path: pathlib.Path, *, check: bool = False, program: str | None = None) -> Result:
    done = run_module("backup_program", check=check, path=str(path), program=packed() if program is None else program)
    assert not done.failed, done.message
    return done


def test_it_is_installed_once_and_whenever_it_differs(path: pathlib.Path) -> None:
    foreseen = install(path, check=True)
    assert not path.exists()
    made = install(path)
    for key in ("changed", "files", "diff"):
        assert made.values[key] == foreseen.values[key]
    assert "rampart_backup/run.py" in made.values["files"]
    assert (path.stat().st_mode & 0o7777, path.stat().st_uid) == (0o755, 0)
    shown = subprocess.run([path, "check", "/nowhere"], capture_output=True, text=True, check=False)
    assert (shown.returncode, "/nowhere cannot be read" in shown.stderr) == (2, True)
    assert not install(path).changed
    path.chmod(0o777)
    again = install(path)
    assert (again.changed, again.values["files"]) == (True, [])
    assert "mode 0777" in again.values["diff"]["before"]
    sources = {each.relative_to(SOURCES).as_posix(): each.read_bytes() for each in SOURCES.rglob("*.py")}
    path.write_bytes(build({**sources, "rampart_backup/run.py": b"", "more.py": b""}))
    assert install(path).values["files"] == ["more.py", "rampart_backup/run.py"]
    assert not install(path).changed


def test_what_does_not_run_is_not_installed(path: pathlib.Path, tmp_path: pathlib.Path) -> None:
    install(path)
    before = path.read_bytes()
    (tmp_path / "__main__.py").write_text("import sys\nsys.exit('too old')\n")
    done = run_module("backup_program", path=str(path), program=packed(tmp_path))
    assert "does not run with /usr/bin/python3 of this host, which has to be 3.9 or newer: too old" in done.message
    assert path.read_bytes() == before


def test_nothing_is_written_through_a_link_or_where_others_write(path: pathlib.Path) -> None:
    target = path.with_name("target")
    target.touch()
    path.symlink_to(target)
    assert "a file: something else is there" in run_module("backup_program", path=str(path), program=packed()).message
    assert target.read_bytes() == b""
    path.unlink()
    path.parent.chmod(0o777)
    assert "others than root can write" in run_module("backup_program", path=str(path), program=packed()).message
    path.parent.chmod(0o755)
    assert install(path).changed
