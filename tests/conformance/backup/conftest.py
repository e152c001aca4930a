"""What the tests of backups share."""

from __future__ import annotations

import pathlib
import tempfile
import typing as t

import pytest

from ansible_collections.rampart.postgresql.tests.conformance.backup.jobs import Jobs

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server


@pytest.fixture
def jobs(fresh_server: Server) -> Iterator[Jobs]:
    """A server of the test's own and a directory for its backups."""
    directory = pathlib.Path(tempfile.mkdtemp(prefix="rampart-jobs-", dir="/var/tmp"))
    directory.chmod(0o755)
    made = Jobs(fresh_server, directory)
    yield made
    made.remove()
