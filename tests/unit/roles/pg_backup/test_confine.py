"""Where something is mounted, as the kernel writes it."""

from __future__ import annotations

from rampart_backup.clusters import confine


def test_paths_are_read_back_and_flags_that_have_to_stay_are_kept() -> None:
    text = (
        "22 27 0:21 / /proc rw,relatime - proc proc rw\n"
        "28 27 0:25 / /mnt/a\\040b\\134c\\012d ro,nosuid,nodev,noexec shared:1 - tmpfs t ro\n"
        "29 27 0:25 /x /mnt/\u00e4 rw,nosymfollow - ext4 /dev/vda rw\n"
    )
    assert confine.mounts(text) == [("/proc", 0), ("/mnt/a b\\c\nd", 2 + 4 + 8), ("/mnt/\u00e4", 256)]
