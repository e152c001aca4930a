"""Archives as they flow by, cut into pieces of every size."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rampart_backup.faults import VerificationFault
from rampart_backup.streams.manifest import Checker

FILES: t.Final = {
    "backup_label": b"START WAL LOCATION",
    "base/1/1259": bytes(8192),
    "empty": b"",
    "base/1/" + "long" * 20: b"one file with a long name",
}


def manifest(files: t.Mapping[str, bytes], **changes: str) -> bytes:
    """As a server writes it."""
    lines = [
        json.dumps(
            {"Path": path, "Size": len(data), "Checksum-Algorithm": "SHA256", "Checksum": _sha256(data), **changes}
        )
        for path, data in files.items()
    ]
    listed = ",\n".join(line.replace('{"', '{ "', 1).replace("}", " }") for line in lines)
    text = (
        '{ "PostgreSQL-Backup-Manifest-Version": 1,\n"Files": [\n' + listed + "\n],\n"
        '"WAL-Ranges": [\n{ "Timeline": 1, "Start-LSN": "0/2000028", "End-LSN": "0/2000100" }\n],\n'
    ).encode()
    return text + f'"Manifest-Checksum": "{_sha256(text)}"}}\n'.encode()


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def archive(files: t.Mapping[str, bytes], listed: bytes | None) -> bytes:
    """A data directory with a segment of WAL."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as made:
        directory = tarfile.TarInfo("base")
        directory.type = tarfile.DIRTYPE
        made.addfile(directory)
        members = {**files, "pg_wal/000000010000000000000002": bytes(1024)}
        if listed is not None:
            members["backup_manifest"] = listed
        for path, data in members.items():
            member = tarfile.TarInfo(path)
            member.size = len(data)
            made.addfile(member, io.BytesIO(data))
    return stream.getvalue()


def check(data: bytes, *, piece: int = 4096) -> Checker:
    """Let it flow by."""
    checker = Checker()
    for start in range(0, len(data), piece):
        checker.write(memoryview(data)[start : start + piece])
    checker.end()
    checker.verify()
    return checker


@pytest.mark.parametrize("piece", [1, 7, 511, 512, 513, 4096, 10**6])
def test_what_the_manifest_lists_is_whole(piece: int) -> None:
    checker = check(archive(FILES, manifest(FILES)), piece=piece)
    assert (checker.files, checker.ranges[0]["Start-LSN"]) == (4, "0/2000028")


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({**FILES, "empty": b"!"}, "not what its manifest lists"),
        ({**FILES, "more": b""}, "5 files are there, 4 listed"),
        ({path: data for path, data in FILES.items() if path != "empty"}, "3 files are there, 4 listed"),
        ({**FILES, "base/1/1259": bytes(8191) + b"\1"}, "not what its manifest lists"),
    ],
)
def test_another_content_is_found(files: dict[str, bytes], said: str) -> None:
    with pytest.raises(VerificationFault, match=said):
        check(archive(files, manifest(FILES)))


def test_a_manifest_that_is_missing_changed_or_of_weak_checksums() -> None:
    with pytest.raises(VerificationFault, match="no manifest"):
        check(archive(FILES, None))
    with pytest.raises(VerificationFault, match="has not the checksum that it says"):
        check(archive(FILES, manifest(FILES).replace(b"0/2000100", b"0/2000101")))
    with pytest.raises(VerificationFault, match="no SHA256"):
        check(archive(FILES, manifest(FILES, **{"Checksum-Algorithm": "CRC32C"})))


@given(length=st.integers(0, 12_000))
def test_one_that_is_cut_off_is_never_whole(length: int) -> None:
    whole = archive(FILES, manifest(FILES))
    ends = whole.rindex(b"Manifest-Checksum") + len('Manifest-Checksum": "') + 64 + len('"}\n')
    if length < ends:
        with pytest.raises(VerificationFault):
            check(whole[:length])
    else:
        check(whole[:length])


def in_files(base: dict[str, bytes], tablespace: dict[str, bytes], listed: dict[str, bytes]) -> None:
    """Archives of a cluster with a tablespace, and their manifest beside them."""
    checker = Checker()
    reader = checker.tablespace("16384")
    for sink, data in ((checker, archive(base, None)), (reader, archive(tablespace, None))):
        sink.write(memoryview(data))
        sink.end()
    lines = checker.manifest()
    lines.write(memoryview(manifest(listed)))
    lines.end()
    checker.verify()


def test_a_tablespace_is_listed_by_the_same_manifest() -> None:
    inside = {"PG_17_202406281/5/16385": bytes(8192)}
    listed = {**FILES, "pg_tblspc/16384/PG_17_202406281/5/16385": bytes(8192)}
    # A segment of WAL within a tablespace is a file as others.
    wal = {"pg_tblspc/16384/pg_wal/000000010000000000000002": bytes(1024)}
    in_files(FILES, inside, {**listed, **wal})
    for base, changed in ((FILES, {"PG_17_202406281/5/16385": bytes(8191) + b"!"}), (inside, FILES), (FILES, {})):
        with pytest.raises(VerificationFault, match="not what its manifest lists"):
            in_files(base, changed, {**listed, **wal})
