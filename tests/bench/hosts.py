# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts to measure on: systemd containers, fresh, with one badly configured cluster each.

A play reaches them as it reaches a server of a fleet: as an account that is not root, with sudo and pipelining. The
connection is Docker's, because it needs nothing that the images of the test hosts do not have.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pathlib
import subprocess
import typing as t

__all__ = ["BenchmarkError", "Host", "started"]

IMAGE: t.Final = "rampart-postgresql-host:trixie"
CLUSTER: t.Final = "17/main"
_PREPARE: t.Final = pathlib.Path(__file__).resolve().parent / "prepare.sh"
_LIMIT: t.Final = 120  # seconds for one command on a host


class BenchmarkError(Exception):
    """A measurement could not be made."""


@dataclasses.dataclass(frozen=True)
class Host:
    """A running container."""

    name: str

    def shell(self, script: str, *, user: str = "root") -> str:
        """Run a shell script on the host and return what it printed."""
        return _docker("exec", "--user", user, self.name, "sh", "-euc", script)

    def write(self, path: str, text: str) -> None:
        """Put a file on the host."""
        _docker("exec", "--interactive", self.name, "sh", "-euc", f"cat >{path}", text=text)

    def query(self, sql: str) -> str:
        """Ask the cluster, as its owner; rows as psql prints them unaligned."""
        return self.shell(f"psql -XAtq -d postgres <<'END'\n{sql}\nEND\n", user="postgres")

    def remove(self) -> None:
        """Stop and forget the container."""
        _docker("rm", "--force", "--volumes", self.name)


@contextlib.contextmanager
def started(names: t.Sequence[str], *, mounts: t.Mapping[str, str], second: bool = False) -> t.Iterator[list[Host]]:
    """Fresh hosts for the time of a block; ``mounts`` maps what is here to where the hosts see it, read-only.

    A host has one cluster, with ``second`` it has two.
    """
    hosts: list[Host] = []
    try:
        for name in names:
            _docker("run", "--detach", "--name", name, "--hostname", name, *_systemd(), *_volumes(mounts), IMAGE)
            hosts.append(Host(name))
        script = _PREPARE.read_text(encoding="utf-8")
        for host in hosts:
            host.shell(f"SECOND={'yes' if second else 'no'}\n{script}")
        yield hosts
    finally:
        for host in hosts:
            host.remove()


def _systemd() -> list[str]:
    """The options that systemd needs in a container that is not privileged."""
    cgroup = os.environ["TEST_HOST_CGROUP"]
    return [
        *("--cap-add", "SYS_ADMIN", "--security-opt", "seccomp=unconfined"),
        *("--tmpfs", "/run", "--tmpfs", "/run/lock", "--volume", f"{cgroup}:/sys/fs/cgroup:rw", "--cgroupns=host"),
    ]


def _volumes(mounts: t.Mapping[str, str]) -> list[str]:
    return [word for here, there in mounts.items() for word in ("--volume", f"{here}:{there}:ro")]


def _docker(*words: str, text: str | None = None) -> str:
    try:
        return subprocess.run(
            ["docker", *words], input=text or "", capture_output=True, text=True, check=True, timeout=_LIMIT
        ).stdout
    except subprocess.CalledProcessError as error:
        raise BenchmarkError(f"docker {' '.join(words[:2])} failed: {error.stdout}{error.stderr}") from None
    except subprocess.TimeoutExpired:
        raise BenchmarkError(f"docker {' '.join(words[:2])} took longer than {_LIMIT} s") from None
