"""An audit only reads: what it opens for writing, and what the server is made to write, with a planted write that is noticed."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import typing as t

import pytest

from ansible_collections.rampart.postgresql.tests.conformance import modules

if t.TYPE_CHECKING:
    import pathlib

    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

_CALLS: t.Final = (
    "open,openat,openat2,creat,truncate,ftruncate,mkdir,mkdirat,rmdir,mknod,mknodat,rename,renameat,renameat2,link,linkat,symlink,"
    "symlinkat,unlink,unlinkat,chmod,fchmod,fchmodat,chown,fchown,lchown,fchownat,utime,utimes,utimensat,setxattr,lsetxattr,fsetxattr"
)
_OPENS: t.Final = re.compile(r"\b(?:open|openat|openat2)\(")
_WRITES: t.Final = re.compile(r"O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|O_APPEND")
# The last one is a file that has no name and with O_EXCL cannot get one; apt-cache, run as nobody, takes notes in such.
_NOWHERE: t.Final = ('"/dev/null"', '"/dev/tty"', "O_RDWR|O_EXCL|O_CLOEXEC|O_TMPFILE")


def writes_of(words: t.Sequence[str], request: bytes, directory: pathlib.Path) -> list[str]:
    """The system calls of a program and its children that succeeded and could have changed a file."""
    trace = directory / "trace"
    subprocess.run(
        [
            "strace",
            "--follow-forks",
            "--quiet=all",
            "--signal=none",
            f"--trace={_CALLS}",
            "--successful-only",
            f"--output={trace}",
            *words,
        ],
        input=request,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.DEVNULL,
        timeout=300,
        check=True,
    )
    lines = trace.read_text(encoding="utf-8", errors="replace").splitlines()
    return [line for line in lines if not _reads(line) and not any(sign in line for sign in _NOWHERE)]


def _reads(line: str) -> bool:
    return bool(_OPENS.search(line)) and not _WRITES.search(line)


def request(server: Server) -> bytes:
    """What Ansible would send to cluster_info for an audit."""
    options = {"cluster": str(server.data_directory), "gather": ["all"]}
    return json.dumps({"ANSIBLE_MODULE_ARGS": options}).encode()


@pytest.mark.in_turn
def test_no_file_is_opened_for_writing(server: Server, tmp_path: pathlib.Path) -> None:
    module = [sys.executable, "-m", modules.__name__, "cluster_info"]
    assert writes_of(module, request(server), tmp_path) == []
    planted = tmp_path / "planted"
    (found,) = writes_of(["sh", "-c", f'>"{planted}"; exec "$@"', "sh", *module], request(server), tmp_path)
    assert str(planted) in found


def test_the_server_gives_no_transaction_a_number(fresh_server: Server) -> None:
    def next_number() -> int:
        with fresh_server.connect() as connection:
            row = connection.execute("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint").fetchone()
        assert row is not None
        return int(row[0])

    with fresh_server.connect() as connection:
        connection.execute("ALTER SYSTEM SET autovacuum = off")
        connection.execute("SELECT pg_reload_conf()")
    before = next_number()
    facts = modules.run_module("cluster_info", fresh_server, gather=["all"])
    assert not facts.failed, facts.message
    assert next_number() == before
    with fresh_server.connect() as connection:
        connection.execute("CREATE TABLE planted ()")
    assert next_number() > before
