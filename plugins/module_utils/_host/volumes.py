# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether directories lie on encrypted volumes, as the kernel shows its block devices; private to the collection."""

from __future__ import annotations

import dataclasses
import os
import typing as t

__all__ = ["Device", "Volume", "device_of", "judge", "volume_of"]

_CRYPT = "CRYPT-"  # how device-mapper begins the UUID of a device of dm-crypt, LUKS or plain
_MOUNTS = "/proc/self/mountinfo"
_UNSEEN = "no block device of its own, so what is below the file system cannot be seen"


@dataclasses.dataclass(frozen=True)
class Device:
    """One block device: its name, the UUID that device-mapper gave it, and what it is made of."""

    name: str
    uuid: str = ""
    slaves: tuple[Device, ...] = ()


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


def judge(device: Device) -> bool:
    """Whether every way from this device down to a disk goes through dm-crypt."""
    if device.uuid.startswith(_CRYPT):
        return True
    return bool(device.slaves) and all(judge(slave) for slave in device.slaves)


def device_of(major: int, minor: int, *, sysfs: str = "/sys") -> Device:
    """The block device of this number with everything below it; OSError where the kernel shows none."""
    return _device(os.path.join(sysfs, "dev", "block", f"{major}:{minor}"))


def volume_of(path: str) -> Volume:
    """Look at the device that a file or directory lies on; links are followed."""
    try:
        number = os.stat(path).st_dev
    except OSError as error:
        return Volume(path, None, "", f"it cannot be looked at: {error.strerror}")
    major, minor = os.major(number), os.minor(number)
    if major == 0:  # btrfs, overlay and their kind, which have a number without a device
        found = _mounted(f"{major}:{minor}")
        if found is None:
            return Volume(path, None, "", _UNSEEN)
        major, minor = found
    try:
        device = device_of(major, minor)
    except OSError:
        return Volume(path, None, "", _UNSEEN)
    if judge(device):
        return Volume(path, True, device.name, "dm-crypt")
    return Volume(path, False, device.name, "no dm-crypt; what the disk or its provider does cannot be seen")


def _device(path: str) -> Device:
    real = os.path.realpath(path)
    slaves = os.path.join(real, "slaves")
    if not os.path.isdir(slaves):  # a partition has none; what it is a part of may
        if not os.path.exists(os.path.join(real, "partition")):
            os.stat(real)
            return Device(os.path.basename(real))
        whole = _device(os.path.dirname(real))
        return Device(os.path.basename(real), whole.uuid, whole.slaves)
    return Device(
        os.path.basename(real),
        _read(os.path.join(real, "dm", "uuid")),
        tuple(_device(os.path.join(slaves, name)) for name in sorted(os.listdir(slaves))),
    )


def _read(path: str) -> str:
    try:
        with open(path, "rb") as stream:
            return stream.read().decode("utf-8", "replace").strip()
    except OSError:
        return ""


def _mounted(number: str) -> tuple[int, int] | None:
    """The block device that a mount without one of its own names as its source."""
    for line in _read(_MOUNTS).splitlines():
        words = line.split(" ")
        if words[2] != number or " - " not in line:
            continue
        source = line.partition(" - ")[2].split(" ")[1]
        if source.startswith("/dev/"):
            try:
                device = os.stat(source).st_rdev
            except OSError:
                return None
            return os.major(device), os.minor(device)
    return None
