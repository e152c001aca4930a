"""Backups in a bucket that speaks the protocol of S3, with versions of what is deleted: real rclone, and moto's server."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import socket
import subprocess
import sys
import time
import typing as t

import boto3
import pytest
from botocore.config import Config

from ansible_collections.rampart.postgresql.tests.conformance.backup.test_drill import drill
from ansible_collections.rampart.postgresql.tests.conformance.backup.vaults import free_port

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from ansible_collections.rampart.postgresql.tests.conformance.backup.jobs import Jobs

pytestmark = [pytest.mark.with_clients, pytest.mark.in_turn]

_BUCKET: t.Final = "company-backups"
_SECRET: t.Final = "a-key-that-nobody-else-may-read"
_SMALL: t.Final = {"databases": ["postgres"]}
_PATIENCE: t.Final = 30  # seconds


class Bucket:
    """One with versions, below which this host has a path of its own."""

    def __init__(self, jobs: Jobs) -> None:
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.config = jobs.directory / "rclone.conf"
        self.config.write_text(
            f"[s3]\ntype = s3\nprovider = Other\nendpoint = http://127.0.0.1:{self._port}\nregion = eu-central-1\n"
            f"access_key_id = host\nsecret_access_key = {_SECRET}\nforce_path_style = true\nno_check_bucket = true\n"
        )
        self.config.chmod(0o600)
        os.chown(self.config, jobs.server.owner.uid, jobs.server.owner.gid)
        self.client = boto3.client(
            "s3",
            endpoint_url=f"http://127.0.0.1:{self._port}",
            region_name="eu-central-1",
            aws_access_key_id="owner",
            aws_secret_access_key=_SECRET,
            config=Config(retries={"max_attempts": 1}),
        )

    def serve(self) -> None:
        """Start the server; it forgets everything when it ends."""
        words = (sys.executable, "-m", "moto.server", "--port", str(self._port))
        self._process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + _PATIENCE
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self._port), timeout=1):
                break
            assert time.monotonic() < deadline, "moto serves nothing"
            time.sleep(0.05)
        self.client.create_bucket(Bucket=_BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
        self.client.put_bucket_versioning(Bucket=_BUCKET, VersioningConfiguration={"Status": "Enabled"})

    def close(self) -> None:
        """End the server."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(_PATIENCE)
            self._process = None

    def place(self, **changes: t.Any) -> dict[str, t.Any]:
        """The place as a definition has it."""
        return {"kind": "rclone", "remote": f"s3:{_BUCKET}/db1", "config": str(self.config), **changes}

    def objects(self) -> dict[str, str]:
        """What is there, with its tag, by the path below that of the host."""
        found = self.client.list_objects_v2(Bucket=_BUCKET, Prefix="db1/").get("Contents", ())
        return {each["Key"].partition("/")[2]: each["ETag"].strip('"') for each in found}

    def read(self, key: str) -> bytes:
        """An object."""
        data = self.client.get_object(Bucket=_BUCKET, Key=f"db1/{key}")["Body"].read()
        assert isinstance(data, bytes)
        return data


@pytest.fixture
def bucket(jobs: Jobs) -> Iterator[Bucket]:
    """One that is served."""
    made = Bucket(jobs)
    made.serve()
    yield made
    made.close()


def test_a_backup_of_several_pieces_arrives_is_read_back_and_restored(jobs: Jobs, bucket: Bucket) -> None:
    with jobs.server.connect() as connection:
        # What does not compress, so that rclone sends it in pieces, of which the bucket has no checksum of the whole.
        connection.execute(
            "CREATE TABLE t AS SELECT decode(string_agg(md5(random()::text), ''), 'hex') AS noise"
            " FROM generate_series(1, 800) AS g, generate_series(1, 600) AS h GROUP BY g"
        )
    definition = jobs.define(places=[bucket.place()], logical=_SMALL)
    assert jobs.call("check", definition).status == 0
    done = jobs.call("run", definition)
    assert done.status == 0, done.told
    assert _SECRET not in done.told
    (entry,) = (json.loads(bucket.read(key)) for key in bucket.objects() if key.endswith("/backup.json"))
    tags = {key.rpartition("/")[2]: tag for key, tag in bucket.objects().items() if entry["id"] in key}
    assert "-" in tags["database-postgres.dump.age"]
    for part in entry["parts"]:
        data = bucket.read(f"nightly/{entry['id']}/{part['name']}")
        assert (len(data), hashlib.sha256(data).hexdigest()) == (part["size"], part["sha256"])
        assert data.startswith(b"age-encryption.org/v1")
    done = drill(jobs, place=bucket.place(), checks=[{"query": "SELECT count(*) FROM t", "expected": "800"}])
    assert done.status == 0, done.told
    (shown,) = jobs.call("list", definition).shown
    assert shown["restored"]


def test_an_object_that_was_changed_is_found_and_an_older_backup_is_taken(jobs: Jobs, bucket: Bucket) -> None:
    definition = jobs.define(places=[bucket.place()], logical=_SMALL)
    for _turn in range(2):
        assert jobs.call("run", definition).status == 0
    first, second = sorted(key.split("/")[1] for key in bucket.objects() if key.endswith("/backup.json"))
    key = f"nightly/{second}/database-postgres.dump.age"
    data = bytearray(bucket.read(key))
    data[len(data) // 2] ^= 1
    bucket.client.put_object(Bucket=_BUCKET, Key=f"db1/{key}", Body=bytes(data))
    done = jobs.call("verify", definition)
    assert (done.status, "database-postgres.dump.age" in done.told) == (11, True), done.told
    assert {each["id"]: bool(each["damaged"]) for each in jobs.call("list", definition).shown} == {
        first: False,
        second: True,
    }
    assert drill(jobs, place=bucket.place()).status == 0
    assert jobs.status("drill")["id"] == first


def test_a_bucket_with_versions_keeps_what_retention_removes(jobs: Jobs, bucket: Bucket) -> None:
    definition = jobs.define(places=[bucket.place(retain=True)], logical=_SMALL, retention={"last": 1})
    for _turn in range(2):
        assert jobs.call("run", definition).status == 0
    (gone,) = jobs.status()["removed"]
    assert not [key for key in bucket.objects() if key.startswith(f"nightly/{gone}/")]
    versions = bucket.client.list_object_versions(Bucket=_BUCKET, Prefix=f"db1/nightly/{gone}/")["Versions"]
    assert {each["Key"].rpartition("/")[2] for each in versions} >= {"backup.json", "database-postgres.dump.age"}


def test_a_bucket_that_does_not_answer_is_an_alarm(jobs: Jobs, bucket: Bucket) -> None:
    places = [{"kind": "directory", "path": str(jobs.place)}, bucket.place(timeout=5)]
    definition = jobs.define(places=places, logical=_SMALL)
    bucket.close()
    done = jobs.call("run", definition)
    assert done.status == 13, done.told
    assert (len(jobs.backups()), list(jobs.status()["failed"])) == (1, [f"s3:{_BUCKET}/db1"])
    assert _SECRET not in done.told
