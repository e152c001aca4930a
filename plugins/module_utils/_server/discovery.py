# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which clusters run on this host, and which of them is meant; private to the collection."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import ConnectionFailed
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import ServerDown
from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import account_of
from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import acting_as

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import Account
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.session import Options

__all__ = ["REHEARSAL_PREFIX", "Cluster", "choose", "postmaster_of", "running_clusters"]

REHEARSAL_PREFIX = "rampart-rehearsal-"
"""How the directory of a throw-away cluster is named: another run's is none of the clusters of this host."""
_SERVER_PROGRAMS = frozenset({"postgres", "postmaster"})
_DEBIAN_CONFIG = re.compile(r"^/etc/postgresql/(?P<name>[^/]+/[^/]+)/postgresql\.conf$")
_DEBIAN_CLUSTERS = "/etc/postgresql"
_PID_FILE_SIZE = 4096  # bytes; two paths and six numbers are less
_STATUS_LINE = 7  # in postmaster.pid, counted from 0; written once the server listens
# Of a server's environment, what is for that one process only.
_ITS_OWN = re.compile("(NOTIFY_SOCKET|WATCHDOG_|LISTEN_|INVOCATION_ID|JOURNAL_STREAM|MAINPID|PG_GRANDPARENT_PID)")


@dataclasses.dataclass(frozen=True)
class Cluster:
    """A running cluster of this host, as its postmaster shows itself."""

    pid: int
    owner_uid: int
    data_directory: str
    port: int
    socket_directory: str
    program: str  # path of the server binary
    arguments: tuple[str, ...]  # command line of the postmaster without the program
    name: str | None  # Debian's: 17/main
    log_file: str | None  # where the postmaster's stderr goes, when that is a file
    unit: str | None  # the systemd unit in whose control group it runs
    status: str  # as in postmaster.pid: starting, stopping, ready, standby; empty before it listens

    @property
    def bindir(self) -> str:
        """Where the server's own programs are."""
        return os.path.dirname(self.program)

    @property
    def label(self) -> str:
        """The name for messages: as the option cluster takes it."""
        return self.name or self.data_directory

    def environment(self, owner: Account) -> dict[str, str]:
        """The variables that the server was started with, which its libraries and archive_command may need."""
        with acting_as(owner), open(f"/proc/{self.pid}/environ", "rb") as stream:
            found = dict(os.fsdecode(item).partition("=")[::2] for item in stream.read().split(b"\0") if b"=" in item)
        return {name: value for name, value in found.items() if not _ITS_OWN.match(name)}


def running_clusters() -> list[Cluster]:
    """Every cluster of this host whose processes this account may look at, in order of their ports."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(
                OSError, ValueError, IndexError, RampartError
            ):  # ended meanwhile, or not ours to see
                cluster = _postmaster(int(entry))
                if cluster is not None:
                    found.append(cluster)
    return sorted(found, key=lambda cluster: (cluster.port, cluster.data_directory))


def postmaster_of(data_directory: str) -> Cluster | None:
    """The cluster that runs on a data directory now."""
    return next((each for each in running_clusters() if each.data_directory == data_directory), None)


def choose(options: Options) -> Cluster | None:
    """The one cluster that the options name; None when no process can be seen but a socket may be there."""
    clusters = running_clusters()
    matching = [cluster for cluster in clusters if _matches(cluster, options)]
    if len(matching) == 1:
        return matching[0]
    if len(matching) > 1:
        listed = ", ".join(f"{cluster.label} (port {cluster.port})" for cluster in matching)
        raise RampartError(
            f"several clusters run here, so cluster has to name one: {listed}",
            clusters=[cluster.data_directory for cluster in matching],
        )
    if os.geteuid() != 0 and not clusters and options.cluster is None:
        return None
    if os.geteuid() != 0 and _hidden_servers():
        raise ConnectionFailed(
            f"uid {os.geteuid()} may not look at every server of this host, and finds none that matches"
            f" {_named(options)}: use become, to be root or the owner of the cluster"
        )
    raise _nothing_runs(options, clusters)


def _matches(cluster: Cluster, options: Options) -> bool:
    if options.cluster is not None:
        wanted = options.cluster
        return cluster.name == wanted or (
            os.path.isabs(wanted) and os.path.realpath(wanted) == os.path.realpath(cluster.data_directory)
        )
    directory = options.socket_directory or options.host
    if directory is not None and os.path.realpath(directory) != os.path.realpath(cluster.socket_directory):
        return False
    return options.port is None or options.port == cluster.port


def _named(options: Options) -> str:
    """What the options say about the cluster that is meant."""
    given = ", ".join(
        f"{name} {value}"
        for name, value in (("port", options.port), ("socket_directory", options.socket_directory))
        if value is not None
    )
    return options.cluster or given or "this host"


def _nothing_runs(options: Options, clusters: list[Cluster]) -> ServerDown:
    running = ", ".join(f"{cluster.label} (port {cluster.port})" for cluster in clusters) or "none"
    known = _debian_clusters()
    configured = f"; configured on this host: {', '.join(known)}" if known else ""
    data = os.path.isabs(options.cluster or "") and os.path.isfile(os.path.join(str(options.cluster), "PG_VERSION"))
    if data or options.cluster in known:
        return ServerDown(f"the cluster {options.cluster} does not run", f". Running: {running}")
    return ServerDown(
        f"no running cluster matches {_named(options)}",
        f", or name one that runs. Running: {running}{configured}",
    )


def _hidden_servers() -> bool:
    """Whether server processes run here that this account may not look at."""
    for entry in os.listdir("/proc"):
        with contextlib.suppress(OSError):  # no process, or ended meanwhile
            if _is_server(f"/proc/{entry}") and os.stat(f"/proc/{entry}").st_uid != os.geteuid():
                return True
    return False


def _is_server(process: str) -> bool:
    with open(f"{process}/comm", encoding="utf-8", errors="replace") as stream:
        return stream.read().rstrip("\n") in _SERVER_PROGRAMS


def _debian_clusters() -> list[str]:
    with contextlib.suppress(OSError):
        return sorted(
            f"{version}/{name}"
            for version in os.listdir(_DEBIAN_CLUSTERS)
            if os.path.isdir(os.path.join(_DEBIAN_CLUSTERS, version))
            for name in os.listdir(os.path.join(_DEBIAN_CLUSTERS, version))
        )
    return []


def _postmaster(pid: int) -> Cluster | None:
    """The cluster of a process when it is a postmaster here; None for anything else."""
    process = f"/proc/{pid}"
    if not _is_server(process):
        return None
    owner_uid = os.stat(process).st_uid
    if owner_uid == 0:
        return None
    # With the owner's rights: root without CAP_SYS_PTRACE, as in many containers, may not follow these links.
    with acting_as(account_of(owner_uid)):
        program = os.readlink(f"{process}/exe").replace(" (deleted)", "")
        data_directory = os.readlink(f"{process}/cwd")
        if os.path.basename(program) not in _SERVER_PROGRAMS or not _of_this_host(process, data_directory):
            return None  # another program, or one of a container that this host can see
        if os.stat(data_directory).st_uid != owner_uid or _is_rehearsal(data_directory):
            return None
        fields = _first_bytes(os.path.join(data_directory, "postmaster.pid")).split("\n")
        log_file = _log_file(process)
    if int(fields[0]) != pid:
        return None  # a child of the postmaster
    with open(f"{process}/cmdline", "rb") as cmdline:
        arguments = tuple(os.fsdecode(item) for item in cmdline.read().rstrip(b"\0").split(b"\0")[1:])
    return Cluster(
        pid=pid,
        owner_uid=owner_uid,
        data_directory=data_directory,
        port=int(fields[3]),
        socket_directory=fields[4],
        program=program,
        arguments=arguments,
        name=_debian_name(arguments),
        log_file=log_file,
        unit=_unit(process),
        status="".join(fields[_STATUS_LINE : _STATUS_LINE + 1]).strip(),
    )


def _of_this_host(process: str, data_directory: str) -> bool:
    """Whether a process sees the files that we see. In a sandbox of systemd it has mounts of its own, of the same root."""
    if _same(f"{process}/ns/mnt", "/proc/self/ns/mnt"):
        return True
    return (
        _same(f"{process}/ns/pid", "/proc/self/ns/pid")
        and _same(f"{process}/root", "/")
        and _same(f"{process}/cwd", data_directory)
    )


def _same(one: str, other: str) -> bool:
    return os.path.samestat(os.stat(one), os.stat(other))


def _is_rehearsal(data_directory: str) -> bool:
    return os.path.basename(os.path.dirname(data_directory)).startswith(REHEARSAL_PREFIX)


def _first_bytes(path: str) -> str:
    """The start of a file that anybody may have put there: neither a pipe nor a huge file can stop the search."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        return os.read(descriptor, _PID_FILE_SIZE).decode("utf-8")
    finally:
        os.close(descriptor)


def _debian_name(arguments: tuple[str, ...]) -> str | None:
    for argument in arguments:
        key, _equals, value = argument.partition("=")
        match = _DEBIAN_CONFIG.match(value) if key.lstrip("-") == "config_file" else None
        if match:
            return match.group("name")
    return None


def _log_file(process: str) -> str | None:
    target = os.readlink(f"{process}/fd/2")
    return target if os.path.isabs(target) and os.path.isfile(target) else None


def _unit(process: str) -> str | None:
    with open(f"{process}/cgroup", encoding="utf-8") as lines:
        for line in lines:
            last = line.strip().rsplit("/", maxsplit=1)[-1]
            if last.endswith(".service"):
                return last
    return None
