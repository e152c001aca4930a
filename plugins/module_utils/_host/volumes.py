# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether directories lie on encrypted volumes, as the kernel shows its block devices; private to the collection."""

from __future__ import annotations

import dataclasses
import os
import re
import typing as t

__all__ = ["Device", "Mount", "Volume", "device_of", "judge", "mount_of", "volume_of"]

# How cryptsetup begins the UUID of what it encrypts. It begins that of dm-verity and dm-integrity with CRYPT- too.
_CRYPT = re.compile("CRYPT-(LUKS1|LUKS2|PLAIN|LOOPAES|TCRYPT|BITLK|FVAULT2)-")
_MOUNTS = "/proc/self/mountinfo"
# What is at the other end of a network, or in a pool of ZFS, has no device of this kernel.
_ELSEWHERE = re.compile("(drbd|nbd|rbd|zd)[0-9]")
_ESCAPE = re.compile(r"\\([0-7]{3})")


@dataclasses.dataclass(frozen=True)
class Device:
    """One block device: its name, the UUID that device-mapper gave it, and what it is made of."""

    name: str
    uuid: str = ""
    slaves: tuple[Device, ...] = ()
    unseen: str = ""  # why nobody can tell what it is made of


@dataclasses.dataclass(frozen=True)
class Mount:
    """One line of mountinfo."""

    point: str
    kind: str  # of the file system
    source: str


@dataclasses.dataclass(frozen=True)
class Volume:
    """Where a directory lies; ``encrypted`` is None where that cannot be known."""

    path: str
    encrypted: bool | None
    device: str
    reason: str

    def result(self, purpose: str) -> dict[str, t.Any]:
        """As it is returned."""
        return {"purpose": purpose, **dataclasses.asdict(self)}


def judge(device: Device) -> bool | None:
    """Whether every way from this device down to a disk goes through dm-crypt; None where one of them is not seen."""
    if _CRYPT.match(device.uuid):
        return True
    if device.unseen:
        return None
    found = {judge(slave) for slave in device.slaves}
    if not found or False in found:
        return False
    return None if None in found else True


def mount_of(path: str, mountinfo: str) -> Mount | None:
    """The mount that a path without links lies in, by the text of mountinfo: of those at one place the last."""
    best: Mount | None = None
    for line in mountinfo.splitlines():
        left, dash, right = line.partition(" - ")
        words, rest = left.split(" "), right.split(" ")
        if not dash or len(words) < 5 or len(rest) < 2:
            continue
        point = _unescaped(words[4])
        within = path == point or path.startswith(point.rstrip("/") + "/")
        if within and (best is None or len(point) >= len(best.point)):
            best = Mount(point, rest[0], _unescaped(rest[1]))
    return best


def device_of(major: int, minor: int, *, sysfs: str = "/sys") -> Device:
    """The block device of this number with everything below it; OSError where the kernel shows none."""
    return _device(os.path.join(sysfs, "dev", "block", f"{major}:{minor}"), sysfs)


def volume_of(path: str, *, sysfs: str = "/sys", mounts: str = _MOUNTS) -> Volume:
    """Look at the device that a file or directory lies on; links are followed."""
    try:
        device = _below(path, sysfs, mounts)
    except OSError as error:
        return Volume(path, None, "", f"it cannot be looked at: {error.strerror}")
    encrypted = judge(device)
    if encrypted is None:
        return Volume(path, None, device.name, next(_unseen(device), "it cannot be seen"))
    reason = "dm-crypt" if encrypted else "no dm-crypt; what the disk or its provider does cannot be seen"
    return Volume(path, encrypted, device.name, reason)


def _unseen(device: Device) -> t.Iterator[str]:
    if device.unseen:
        yield device.unseen
    for slave in device.slaves:
        yield from _unseen(slave)


def _below(path: str, sysfs: str, mounts: str = _MOUNTS) -> Device:
    number = os.stat(path).st_dev
    if os.major(number) == 0:  # btrfs, overlay and their kind, which have a number without a device
        return _without_number(mount_of(os.path.realpath(path), _read(mounts)), sysfs)
    try:
        return device_of(os.major(number), os.minor(number), sysfs=sysfs)
    except OSError:
        return Device("", unseen="the kernel shows no device here, as in many containers")


def _without_number(mount: Mount | None, sysfs: str) -> Device:
    """Of btrfs all devices count: a file may have parts on each."""
    if mount is None or mount.kind != "btrfs":
        kind = f"{mount.kind} has" if mount else "there is"
        return Device("", unseen=f"{kind} no block device, so what is below cannot be seen")
    name = os.path.basename(os.path.realpath(mount.source))
    pools = os.path.join(sysfs, "fs", "btrfs")
    for pool in _listed(pools):
        devices = os.path.join(pools, pool, "devices")
        names = _listed(devices)
        if name in names:
            return Device(name, slaves=tuple(_device(os.path.join(devices, each), sysfs) for each in names))
    return Device(name, unseen="the kernel does not show the devices of this btrfs")


def _device(path: str, sysfs: str) -> Device:
    real = os.path.realpath(path)
    name = os.path.basename(real)
    os.stat(real)
    if os.path.exists(os.path.join(real, "partition")):  # one has nothing below it; what it is a part of may
        return dataclasses.replace(_device(os.path.dirname(real), sysfs), name=name)
    if _ELSEWHERE.match(name):
        return Device(name, unseen=f"what is behind {name} cannot be seen")
    backing = _read(os.path.join(real, "loop", "backing_file"))
    if backing:
        try:
            return Device(name, slaves=(_below(backing, sysfs),))
        except OSError:
            return Device(name, unseen=f"the file behind {name} cannot be seen")
    slaves = os.path.join(real, "slaves")
    return Device(
        name,
        _read(os.path.join(real, "dm", "uuid")),
        tuple(_device(os.path.join(slaves, each), sysfs) for each in _listed(slaves)),
    )


def _listed(directory: str) -> list[str]:
    try:
        return sorted(os.listdir(directory))
    except OSError:
        return []


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(lambda match: chr(int(match[1], 8)), text)


def _read(path: str) -> str:
    try:
        with open(path, "rb") as stream:
            return stream.read().decode("utf-8", "surrogateescape").strip()
    except OSError:
        return ""
