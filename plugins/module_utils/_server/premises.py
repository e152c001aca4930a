# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a configuration needs of this host, which a throw-away cluster is too small to try; private to the collection."""

from __future__ import annotations

import dataclasses
import errno
import os
import socket
import ssl
import stat
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import acting_as

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server

__all__ = [
    "Host",
    "asked_for",
    "cipher_faults",
    "faults",
    "items",
    "memory_faults",
    "running",
    "socket_faults",
    "wal_faults",
]

_GROUPS = (
    ("shared_buffers", "huge_pages"),
    ("port", "listen_addresses", "unix_socket_directories"),
    ("logging_collector", "log_directory"),
    ("unix_socket_permissions",),
    ("max_wal_size", "min_wal_size"),
    ("archive_command", "archive_library"),
    ("data_directory",),
    ("ssl_ciphers",),
)
_LONGEST_SOCKET_PATH = 107  # bytes, without the final zero
_LIVE = """
SELECT s.name, s.setting FROM pg_catalog.pg_settings s
ORDER BY s.name"""


def running(server: Server) -> dict[str, str]:
    """Every parameter of the live server."""
    return {row["name"]: row["setting"] for row in server.session.rows(_LIVE)}


def asked_for(touched: frozenset[str], known: t.Container[str]) -> list[str]:
    """The parameters whose coming value has to be asked for once these are touched, of those that the server has."""
    return [name for group in _GROUPS if not touched.isdisjoint(group) for name in group if name in known]


@dataclasses.dataclass(frozen=True)
class Host:
    """What there is, in bytes."""

    memory: int  # with swap space
    huge_pages: int  # those that are made on demand included

    @classmethod
    def here(cls) -> Host:
        """Read from /proc."""
        with open("/proc/meminfo", encoding="ascii") as lines:
            found = {name: int(rest.split()[0]) for name, _colon, rest in (line.partition(":") for line in lines)}
        with open("/proc/sys/vm/nr_overcommit_hugepages", encoding="ascii") as stream:
            on_demand = int(stream.read())
        pages = found.get("HugePages_Total", 0) + on_demand
        return cls(
            memory=(found["MemTotal"] + found["SwapTotal"]) * 1024,
            huge_pages=pages * found.get("Hugepagesize", 0) * 1024,
        )


def faults(server: Server, values: t.Mapping[str, str], live: t.Mapping[str, str], *, at_once: bool) -> list[str]:
    """Why the server would not start on this host with these values, which are as ``postgres -C`` prints them.

    Unless it starts ``at_once``, a directory for logs may still be made by whoever makes the one above it.
    """
    found: list[str] = []
    if "shared_buffers" in values:
        found += memory_faults(values, int(live["block_size"]), Host.here())
    if "port" in values:
        with acting_as(server.owner):
            found += _address_faults(values, live)
        found += socket_faults(values, server.owner_can_write)
    found += _faults_between(values, live)
    if values.get("logging_collector") == "on":
        directory = os.path.join(server.cluster.data_directory, values["log_directory"])
        found += _log_faults(directory.rstrip(os.sep), server, at_once)
    if "data_directory" in values:
        found += _place_faults(values["data_directory"], server)
    if "ssl_ciphers" in values:
        found += cipher_faults(values["ssl_ciphers"])
    return found


def _faults_between(values: t.Mapping[str, str], live: t.Mapping[str, str]) -> list[str]:
    """What does not go together, or not with this cluster."""
    found = []
    if "unix_socket_permissions" in values and not int(values["unix_socket_permissions"]) & stat.S_IWUSR:
        found.append("unix_socket_permissions: the owner of the cluster could not connect to its own socket")
    if "max_wal_size" in values:
        found += wal_faults(values, int(live["wal_segment_size"]))
    if values.get("archive_command") and values.get("archive_library"):
        found.append("archive_library: archive_command is set too, and the server archives nothing with both")
    return found


def memory_faults(values: t.Mapping[str, str], block_size: int, host: Host) -> list[str]:
    """Shared memory is one piece: the kernel refuses one that is larger than everything that there is."""
    needed = int(values["shared_buffers"]) * block_size
    if needed > host.memory:
        return [f"shared_buffers: {needed} bytes are more than the memory of this host, {host.memory} bytes"]
    if values["huge_pages"] == "on" and needed > host.huge_pages:
        return [f"huge_pages: {needed} bytes of shared_buffers do not fit into {host.huge_pages} bytes of huge pages"]
    return []


def wal_faults(values: t.Mapping[str, str], segment: int) -> list[str]:
    """The server wants room for two segments of the WAL, which have ``segment`` bytes in the live cluster."""
    least = 2 * segment // 1024**2
    return [
        f"{name}: {values[name]} MB are less than two segments of the WAL, {least} MB"
        for name in ("max_wal_size", "min_wal_size")
        if int(values[name]) < least
    ]


def cipher_faults(ciphers: str) -> list[str]:
    """OpenSSL before 3 takes a list without a cipher and serves no TLS 1.2 any more."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).set_ciphers(ciphers)
    except ssl.SSLError:
        return [f"ssl_ciphers: {ciphers!r} names no cipher that OpenSSL has on this host"]
    return []


def socket_faults(values: t.Mapping[str, str], can_write: t.Callable[[str], bool]) -> list[str]:
    """Directories that cannot take the socket."""
    directories = items(values["unix_socket_directories"])
    found = (
        [] if directories else ["unix_socket_directories: without a directory the owner of the cluster has no way in"]
    )
    for directory in directories:
        length = len(os.fsencode(f"{directory}/.s.PGSQL.{values['port']}"))
        if length > _LONGEST_SOCKET_PATH:
            found.append(
                f"unix_socket_directories: the path of the socket in {directory} has {length} bytes, and"
                f" {_LONGEST_SOCKET_PATH} are the most"
            )
        elif not directory.startswith("@") and not can_write(directory):
            found.append(f"unix_socket_directories: the owner of the cluster cannot make a socket in {directory}")
    return found


def _address_faults(values: t.Mapping[str, str], live: t.Mapping[str, str]) -> list[str]:
    """Addresses that cannot be bound. To be called as the owner; nothing listens."""
    port = int(values["port"])
    own = values["port"] == live["port"] and bool(live["listen_addresses"])
    found = []
    for name in items(values["listen_addresses"]):
        try:
            errors = _bind_errors(None if name == "*" else name, port)
        except OSError as error:
            found.append(f"listen_addresses: {name} cannot be resolved: {error.strerror or error}")
            continue
        if errno.EADDRINUSE in errors and not own:
            found.append(f"port: {port} is in use on {name} (listen_addresses)")
        elif all(number not in (0, errno.EADDRINUSE) for number in errors):
            found.append(f"listen_addresses: {name} cannot be bound with port {port}: {os.strerror(errors[0])}")
    return found


def _bind_errors(name: str | None, port: int) -> list[int]:
    """For each address of a name, why it cannot be bound; 0 where it can."""
    known = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    return [_bind_error(family, address) for family, _type, _protocol, _name, address in known]


def _bind_error(family: int, address: t.Any) -> int:
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            probe.bind(address)
    except OSError as error:
        return error.errno or errno.EIO
    return 0


def _log_faults(directory: str, server: Server, at_once: bool) -> list[str]:
    """The collector makes its directory, but none above it."""
    with acting_as(server.owner):
        place = directory if os.path.lexists(directory) else os.path.dirname(directory)
        missing = not os.path.lexists(place)
    if server.owner_can_write(place) or (missing and not at_once):
        return []
    return [f"log_directory: the owner of the cluster cannot write a log file in {directory}"]


def _place_faults(directory: str, server: Server) -> list[str]:
    if os.path.realpath(directory) == os.path.realpath(server.cluster.data_directory):
        return []
    return [f"data_directory: the data is in {server.cluster.data_directory} and not in {directory}"]


def items(text: str) -> list[str]:
    """The items of a list of names."""
    return [item.strip().strip('"') for item in text.split(",") if item.strip()]
