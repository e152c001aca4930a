"""Hosts that facts are gathered on: files of this machine's kernel, packages and accounts with others in their places.

A module runs in a mount namespace of its own, so the machine stays as it is. systemd does not run where these tests do: of
it alone the answer is a file; Molecule's scenario os confines real units.
"""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time
import typing as t

from ansible_collections.rampart.postgresql.tests.conformance import modules

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

__all__ = ["CARELESS", "CERTIFIED", "TIDY", "Host", "Job", "gather"]

_DAY: t.Final = 86400
_COPIED: t.Final = ("group", "ld.so.cache", "nsswitch.conf", "os-release", "passwd")
_MOUNT: t.Final = 'while [ "$1" != -- ]; do mount --bind "$1" "$2"; shift 2; done; shift; exec "$@"'
_NAMESPACE: t.Final = ("unshare", "--mount", "--propagation", "private", "sh", "-e", "-c", _MOUNT, "sh")
_DEBIAN: t.Final = ("deb.debian.org/debian", "Debian")
_INSTALLED: t.Final = "15.18-1"
_STRANGER: t.Final = ("apt.example/debian", "Somebody")


@dataclasses.dataclass(frozen=True)
class Job:
    """A job for backups: its definition and what its last run left."""

    name: str
    encryption: str
    place: t.Mapping[str, str]
    outcome: str
    days_ago: int
    cron: str | None  # when cron starts it


@dataclasses.dataclass(frozen=True)
class Host:
    """What is on it. ``files`` are below /etc, ``homes`` in the home of the server's account, with their modes."""

    files: t.Mapping[str, str]
    homes: t.Mapping[str, int]
    home_mode: int
    shadow: str
    fips: str
    package: str  # of a repository that nobody knows, empty for none
    offered: str  # the version of libpq5 that Debian has
    packaged: bool  # whether the server's program is of a package
    unit: t.Mapping[str, str]
    job: Job
    secret: tuple[str, ...] = ()  # the files that are for root and a group only
    libraries: int | None = None  # the mode of another directory in the place of the server's


CARELESS: t.Final = Host(
    files={
        "profile": "umask 022\n",
        "profile.d/careless.sh": "export PGPASSWORD=secret\n",
        "pg_service.conf": "[shop]\npassword=secret\n",
        "pgbackrest.conf": "[global]\nrepo1-cipher-pass=secret\n",
        "sudoers": "alice ALL=(ALL) NOPASSWD: ALL\n",
    },
    homes={".pgpass": 0o644, ".psql_history": 0o600},
    home_mode=0o755,
    shadow="$y$j9T$hash",
    fips="0\n",
    package="postgresql-rampart",
    offered="15.20-1",
    packaged=False,
    unit={"UnitFileState": "disabled", "ProtectSystem": "no", "NoNewPrivileges": "no"},
    job=Job("careless", "none", {"kind": "directory", "path": "/var/backups"}, "failed", 20000, None),
    libraries=0o777,
)
TIDY: t.Final = Host(
    files={
        "profile": "umask 077\nexport PSQL_HISTORY=/dev/null\n",
        "pg_service.conf": "[shop]\nhost=db.example\n",
        "pgbackrest.conf": "[global]\nrepo1-cipher-pass=secret\n",
        "sudoers": "alice ALL=(ALL) ALL\n",
    },
    secret=("pgbackrest.conf",),
    homes={".pgpass": 0o600},
    home_mode=0o750,
    shadow="!*",
    fips="0\n",
    package="",
    offered=_INSTALLED,
    packaged=True,
    unit={"UnitFileState": "enabled", "ProtectSystem": "strict", "NoNewPrivileges": "yes"},
    job=Job("nightly", "age", {"kind": "vault", "host": "vault1", "account": "db1"}, "ok", 1, "30 2 * * *"),
)

CERTIFIED: t.Final = dataclasses.replace(TIDY, fips="1\n", files={})
"""With nothing that tells of tools, in FIPS mode, in which APT of Debian does not say where packages come from: libgcrypt refuses it MD5."""


def gather(server: Server, host: Host, *, unit: bool = True, jobs: bool = True) -> dict[str, t.Any]:
    """All facts of a server on this host; it is run by a unit, and has a job for backups, unless told otherwise."""
    tree = server.data_directory.parent / "host"
    shutil.rmtree(tree, ignore_errors=True)
    tree.mkdir(mode=0o755)
    _etc(tree / "etc", host, server, tree)
    _packages(tree, host, server)
    _write(tree / "sys/crypto/fips_enabled", host.fips)
    mounts = {tree / "etc": "/etc", tree / "dpkg": "/var/lib/dpkg", tree / "lists": "/var/lib/apt/lists"}
    mounts[tree / "sys"] = "/proc/sys"
    if unit:
        mounts |= _unit(tree, host, server)
    if jobs:
        _job(tree / "etc", host.job, server)
    if host.libraries is not None:
        (tree / "libraries").mkdir()
        (tree / "libraries").chmod(host.libraries)
        mounts[tree / "libraries"] = str(server.bindir.parent / "lib/postgresql")
    pairs = [str(side) for pair in mounts.items() for side in pair]
    options = {"cluster": str(server.data_directory), "gather": ["all"]}
    done = subprocess.run(
        [*_NAMESPACE, *pairs, "--", sys.executable, "-m", modules.__name__, "cluster_info"],
        input=json.dumps({"ANSIBLE_MODULE_ARGS": options}),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    try:
        facts: dict[str, t.Any] = json.loads(done.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        raise RuntimeError(f"cluster_info returned no result:\n{done.stdout}{done.stderr}") from None
    assert not facts.get("failed"), facts
    return facts


def _write(path: pathlib.Path, text: str, mode: int = 0o644) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)


def _etc(etc: pathlib.Path, host: Host, server: Server, tree: pathlib.Path) -> None:
    etc.mkdir()
    for name in _COPIED:
        if os.path.exists(f"/etc/{name}"):
            shutil.copy(f"/etc/{name}", etc / name)
    for name, text in host.files.items():
        _write(etc / name, text, 0o640 if name in host.secret else 0o644)
    (etc / "apt/apt.conf.d").mkdir(parents=True)
    sources = [f"deb http://{place} stable main\n" for place, _origin in (_DEBIAN, _STRANGER)]
    _write(etc / "apt/sources.list", "".join(sources))
    owner, home = server.owner, tree / "home"
    lines = (etc / "passwd").read_text().splitlines()
    others = [line for line in lines if not line.startswith(f"{owner.name}:")]
    account = f"{owner.name}:x:{owner.uid}:{owner.gid}::{home}:/bin/bash"
    _write(etc / "passwd", "\n".join([*others, account, ""]))
    _write(etc / "shadow", f"{owner.name}:{host.shadow}:20000::::::\n", 0o640)
    home.mkdir()
    for name, mode in host.homes.items():
        _write(home / name, "", mode)
        os.chown(home / name, owner.uid, owner.gid)
    home.chmod(host.home_mode)
    os.chown(home, owner.uid, owner.gid)


def _packages(tree: pathlib.Path, host: Host, server: Server) -> None:
    """A package of Debian's, and one of somebody else's."""
    packages = {"libpq5": _DEBIAN, **({host.package: _STRANGER} if host.package else {})}
    installed = [_package(name, _INSTALLED, "Status: install ok installed") for name in packages]
    _write(tree / "dpkg/status", "\n".join(installed))
    for name in ("info", "updates"):
        (tree / "dpkg" / name).mkdir()
    if host.packaged:
        _write(tree / "dpkg/info/libpq5.list", f"{(server.bindir / 'postgres').resolve()}\n")
    for name, (place, origin) in packages.items():
        files = tree / "lists" / f"{place.replace('/', '_')}_dists_stable"
        about = f"Origin: {origin}\nSuite: stable\nCodename: stable\nComponents: main\nArchitectures: all amd64 arm64\n"
        _write(files.with_name(f"{files.name}_Release"), about)
        _write(files.with_name(f"{files.name}_Release.gpg"), "")
        version = host.offered if origin == "Debian" else _INSTALLED  # of a version in no list nobody knows the source
        offered = _package(name, version, f"Filename: pool/{name}.deb\nSize: 1\nSHA256: {'0' * 64}")
        for architecture in ("all", "amd64", "arm64"):
            _write(files.with_name(f"{files.name}_main_binary-{architecture}_Packages"), offered)


def _package(name: str, version: str, more: str) -> str:
    return f"Package: {name}\n{more}\nArchitecture: all\nVersion: {version}\nMaintainer: x\nDescription: x\n"


def _unit(tree: pathlib.Path, host: Host, server: Server) -> dict[pathlib.Path, str]:
    pid = (server.data_directory / "postmaster.pid").read_text().splitlines()[0]
    told = {"ActiveState": "active", "Environment": "", "MainPID": pid, "WantedBy": "multi-user.target", **host.unit}
    text = "".join(f"{name}={value}\n" for name, value in told.items())
    _write(tree / "systemctl", f"#!/bin/sh\ncat <<'END'\n{text}END\n", 0o755)
    _write(tree / "cgroup", "0::/system.slice/postgresql@test.service\n")
    return {tree / "systemctl": "/usr/bin/systemctl", tree / "cgroup": f"/proc/{pid}/cgroup"}


def _job(etc: pathlib.Path, job: Job, server: Server) -> None:
    state = server.data_directory.parent / "state"
    moment = int(time.time()) - job.days_ago * _DAY
    values = {
        "kind": "physical",
        "cluster": {"label": str(server.data_directory)},
        "encryption": {"method": job.encryption},
        "places": [job.place],
        "state": str(state),
        "metrics": str(state),
    }
    _write(etc / "rampart-backup" / f"{job.name}.json", json.dumps(values))
    if job.cron:
        _write(etc / "cron.d" / f"rampart-backup-{job.name}", f"{job.cron} postgres rampart-backup run {job.name}\n")
    _write(state / "status" / f"{job.name}.json", json.dumps({"outcome": job.outcome, "last_success_unix": moment}))
    measured = [
        f'rampart_backup_last_{what}_timestamp_seconds{{job="{job.name}"}} {moment}'
        for what in ("verified", "restored")
    ]
    _write(state / f"rampart_backup_{job.name}.prom", "\n".join([*measured, ""]))
