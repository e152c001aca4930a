"""What is told of encrypted volumes, by what the kernel shows of its devices."""

from __future__ import annotations

import os
import pathlib
import tempfile
import typing as t

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._host.volumes import device_of
from ansible_collections.rampart.postgresql.plugins.module_utils._host.volumes import judge
from ansible_collections.rampart.postgresql.plugins.module_utils._host.volumes import volume_of
from ansible_collections.rampart.postgresql.tests.conformance.servers import BUILD


def kernel(
    root: pathlib.Path, number: str, *names: str, uuid: str = "", slaves: t.Sequence[str] = (), backing: str = ""
) -> None:
    """What sysfs has of a device, ``names`` being its path below devices."""
    device = root / "devices" / "/".join(names)
    device.mkdir(parents=True, exist_ok=True)
    if len(names) > 1:
        (device / "partition").write_text("1\n", encoding="ascii")
    else:
        (device / "slaves").mkdir()
        if backing:
            (device / "loop").mkdir()
            (device / "loop" / "backing_file").write_text(backing + "\n", encoding="ascii")
        for slave in slaves:
            (device / "slaves" / slave.rpartition("/")[2]).symlink_to(root / "devices" / slave)
    if uuid:
        (device / "dm").mkdir()
        (device / "dm" / "uuid").write_text(uuid + "\n", encoding="ascii")
    link = root / "dev" / "block" / number
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(device)


@pytest.mark.parametrize(
    ("uuid", "slaves", "encrypted"),
    [
        ("CRYPT-LUKS2-0815-data", ["sda/sda1"], True),
        ("LVM-abc", ["dm-5"], True),
        ("LVM-abc", ["dm-5", "sda/sda1"], False),  # one half in clear
        ("LVM-abc", ["sda/sda1"], False),
        ("", [], False),
        ("CRYPT-VERITY-0815-root", ["sda/sda1"], False),  # looked after and in clear
        ("CRYPT-INTEGRITY-data", ["sda/sda1"], False),
        ("CRYPT-INTEGRITY-data", ["dm-5"], True),
        ("CRYPT-SUBDEV-0815-data", [], False),
        ("LVM-abc", ["nbd0"], None),
        ("LVM-abc", ["dm-5", "nbd0"], None),
        ("LVM-abc", ["sda/sda1", "nbd0"], False),
        ("CRYPT-LUKS2-0815-data", ["nbd0"], True),
    ],
)
def test_every_way_down_has_to_be_encrypted(
    tmp_path: pathlib.Path, uuid: str, slaves: list[str], encrypted: bool | None
) -> None:
    kernel(tmp_path, "8:0", "sda")
    kernel(tmp_path, "8:1", "sda", "sda1")
    kernel(tmp_path, "43:0", "nbd0")
    kernel(tmp_path, "253:5", "dm-5", uuid="CRYPT-PLAIN-swap", slaves=["sda/sda1"])
    kernel(tmp_path, "253:0", "dm-0", uuid=uuid, slaves=slaves)
    found = device_of(253, 0, sysfs=str(tmp_path))
    assert found.name == "dm-0" and judge(found) is encrypted
    assert not judge(device_of(8, 1, sysfs=str(tmp_path)))
    with pytest.raises(OSError, match="No such file"):
        device_of(7, 0, sysfs=str(tmp_path))


@pytest.mark.parametrize(("other", "encrypted"), [("dm-2", True), ("sda", False), ("nbd0", None)])
def test_every_device_of_a_btrfs_counts(tmp_path: pathlib.Path, other: str, encrypted: bool | None) -> None:
    kernel(tmp_path, "8:0", "sda")
    kernel(tmp_path, "43:0", "nbd0")
    for number in (1, 2):
        kernel(tmp_path, f"253:{number}", f"dm-{number}", uuid=f"CRYPT-LUKS2-{number}-x", slaves=["sda"])
    devices = tmp_path / "fs" / "btrfs" / "0815" / "devices"
    devices.mkdir(parents=True)
    for name in ("dm-1", other):
        (devices / name).symlink_to(tmp_path / "devices" / name)
    mounts = tmp_path / "mountinfo"
    mounts.write_text("1 0 0:5 / / rw - ext4 /dev/sda rw\n9 1 0:50 /@ /dev/shm rw - btrfs /dev/dm-1 rw,subvol=/@\n")
    found = volume_of("/dev/shm", sysfs=str(tmp_path), mounts=str(mounts))  # which has no device, as btrfs has none
    assert found.encrypted is encrypted and found.device == "dm-1"
    mounts.write_text("9 1 0:50 /@ /dev/shm rw - btrfs /dev/dm-7 rw,subvol=/@\n")
    assert volume_of("/dev/shm", sysfs=str(tmp_path), mounts=str(mounts)).encrypted is None


def test_what_is_behind_a_loop_device_counts(tmp_path: pathlib.Path) -> None:
    with tempfile.NamedTemporaryFile(dir=BUILD) as backing:  # on a disk, which /tmp need not be
        number = os.stat(backing.name).st_dev
        kernel(tmp_path, "8:0", "sda")
        below = f"{os.major(number)}:{os.minor(number)}"
        kernel(tmp_path, below, "dm-1", uuid="CRYPT-LUKS2-1-x", slaves=["sda"])
        kernel(tmp_path, "7:0", "loop0", backing=backing.name)
        assert judge(device_of(7, 0, sysfs=str(tmp_path)))
    assert judge(device_of(7, 0, sysfs=str(tmp_path))) is None


def test_what_nobody_can_see_is_not_known(tmp_path: pathlib.Path) -> None:
    for path in ("/proc", str(tmp_path / "missing")):
        found = volume_of(path)
        assert found.encrypted is None and found.reason
