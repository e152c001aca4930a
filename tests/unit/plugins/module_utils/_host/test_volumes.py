"""Which mount a path lies in, as mountinfo has it."""

from __future__ import annotations

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._host.volumes import mount_of

MOUNTINFO = """\
22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw,discard
40 27 0:33 / /srv/tank rw,relatime shared:20 - zfs tank/pg rw,xattr
41 27 0:40 /@data /var/lib/postgresql rw - btrfs /dev/mapper/vg-pg rw,subvol=/@data
42 27 0:50 / /srv/a\\040b rw - overlay overlay rw,lowerdir=/x - y
43 27 0:51 / /srv/twice rw - tmpfs tmpfs rw
44 43 0:52 / /srv/twice rw - nfs4 host:/share rw
45 27 254:0 /var/x /srv/bound rw - ext4 /dev/vda rw
broken
"""


@pytest.mark.parametrize(
    ("path", "kind", "source"),
    [
        ("/var/lib/postgresql/17/main", "btrfs", "/dev/mapper/vg-pg"),
        ("/var/lib/postgresql2", "ext4", "/dev/vda"),
        ("/srv/tank", "zfs", "tank/pg"),
        ("/srv/a b/c", "overlay", "overlay"),
        ("/srv/twice/x", "nfs4", "host:/share"),
        ("/srv/bound", "ext4", "/dev/vda"),
        ("/", "ext4", "/dev/vda"),
    ],
)
def test_the_mount_of_a_path(path: str, kind: str, source: str) -> None:
    found = mount_of(path, MOUNTINFO)
    assert found and (found.kind, found.source) == (kind, source)


def test_no_mount() -> None:
    assert mount_of("/", "") is None
