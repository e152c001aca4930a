"""File systems with little room, which are full soon."""

from __future__ import annotations

import contextlib
import os
import pathlib
import subprocess
import typing as t

import pytest

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from ansible_collections.rampart.postgresql.tests.conformance.servers import Owner

__all__ = ["small_disk"]


@contextlib.contextmanager
def small_disk(owner: Owner, path: pathlib.Path, size: str = "1m") -> Iterator[None]:
    """One of an account's own, in memory. Root in many containers may mount nothing, and others never may: skipped there."""
    path.mkdir(exist_ok=True)
    options = f"size={size},mode=0700,uid={owner.uid},gid={owner.gid}"
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(path)]
    if os.geteuid() != 0 or subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("whoever may mount nothing has no disk that is full")
    try:
        yield
    finally:
        subprocess.run(["umount", path], check=True)
