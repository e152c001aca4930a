"""Fixtures of the conformance tests: a test that uses one of them runs on every major version."""

from __future__ import annotations

import os
import re
import typing as t

import pytest

from ansible_collections.rampart.postgresql.tests.conformance import counts
from ansible_collections.rampart.postgresql.tests.conformance.servers import MAJORS
from ansible_collections.rampart.postgresql.tests.conformance.servers import Server
from ansible_collections.rampart.postgresql.tests.conformance.servers import Workshop

if t.TYPE_CHECKING:
    from collections.abc import Iterator


_SHARE = frozenset(os.environ.get("CONFORMANCE_MAJORS", "").split())


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep a run's share of the major versions; what names none goes with the oldest one."""

    def is_ours(item: pytest.Item) -> bool:
        return bool(_SHARE & set(re.findall(r"\bpg(\d+)\b", item.name) or [str(MAJORS[0])]))

    if _SHARE:
        config.hook.pytest_deselected(items=[item for item in items if not is_ours(item)])
        items[:] = [item for item in items if is_ours(item)]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show what was counted, whatever the verdict."""
    for line in counts.lines():
        terminalreporter.write_line(line)


@pytest.fixture(scope="session", params=MAJORS, ids=lambda major: f"pg{major}")
def major(request: pytest.FixtureRequest) -> int:
    """Each supported major version in turn."""
    return int(request.param)


@pytest.fixture(scope="session")
def workshop() -> Iterator[Workshop]:
    """Makes servers for tests that need more than one; removes them all at the end."""
    workshop = Workshop()
    yield workshop
    workshop.close()


@pytest.fixture(scope="session")
def server(workshop: Workshop, major: int) -> Server:
    """A running server that tests share: leave it as it was found."""
    return workshop.server(major)


@pytest.fixture
def fresh_server(workshop: Workshop, major: int) -> Iterator[Server]:
    """A running server of the test's own, to change or break; costs about half a second."""
    server = workshop.server(major)
    yield server
    workshop.discard(server)
