"""Fixtures of the conformance tests: a test that uses one of them runs on every major version."""

from __future__ import annotations

import os
import pathlib
import re
import typing as t
import zlib

import pytest

from ansible_collections.rampart.postgresql.tests.conformance import counts
from ansible_collections.rampart.postgresql.tests.conformance.servers import BUILD
from ansible_collections.rampart.postgresql.tests.conformance.servers import EXTENSIONS
from ansible_collections.rampart.postgresql.tests.conformance.servers import MAJORS
from ansible_collections.rampart.postgresql.tests.conformance.servers import Server
from ansible_collections.rampart.postgresql.tests.conformance.servers import Workshop

if t.TYPE_CHECKING:
    from collections.abc import Iterator


_SHARE = frozenset(os.environ.get("CONFORMANCE_MAJORS", "").split())
_EXTENDED = os.environ.get("RAMPART_EXTENDED", "") not in ("", "0")
_PROGRAMS = pathlib.Path(os.environ.get("POSTGRES_PROGRAMS", ""))
_DEBIAN = _PROGRAMS.name == "postgres-debian"  # which carry clients, and are of some versions only
_MAJOR = re.compile(r"\bpg(\d+)\b")


def pytest_configure(config: pytest.Config) -> None:
    """Make the markers known."""
    config.addinivalue_line("markers", "in_turn: one version makes the case, all of them with RAMPART_EXTENDED=1")
    config.addinivalue_line(
        "markers", "with_clients: a case of `scripts/conformance --debian` only, for PostgreSQL's clients"
    )
    config.addinivalue_line(
        "markers",
        "with_extensions(*packages): a case of `scripts/conformance --debian` only, for versions that have them",
    )
    config.addinivalue_line("markers", "since(major): older versions have nothing of the kind, so no case either")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep a run's share of the major versions; what names none is the share `any`."""

    def is_ours(item: pytest.Item) -> bool:
        return not _SHARE or bool(_SHARE & set(_MAJOR.findall(item.name) or ["any"]))

    kept = [item for item in items if is_ours(item) and _is_a_case(item) and _has_its_turn(item)]
    if len(kept) < len(items):
        ours = set(kept)
        config.hook.pytest_deselected(items=[item for item in items if item not in ours])
        items[:] = kept


def _versions(item: pytest.Item) -> list[int]:
    """Those that have what the case is about."""
    oldest = max((marker.args[0] for marker in item.iter_markers("since")), default=MAJORS[0])
    packages = {package for marker in item.iter_markers("with_extensions") for package in marker.args}
    return [
        major
        for major in MAJORS
        if major >= oldest
        and not (_DEBIAN and not (_PROGRAMS / str(major)).exists())
        and packages <= EXTENSIONS.get(major, frozenset())
    ]


def _is_a_case(item: pytest.Item) -> bool:
    if not _DEBIAN and any(item.get_closest_marker(name) for name in ("with_clients", "with_extensions")):
        return False
    return {int(major) for major in _MAJOR.findall(item.name)} <= set(_versions(item))


def _has_its_turn(item: pytest.Item) -> bool:
    if _EXTENDED or item.get_closest_marker("in_turn") is None:
        return True
    case = _MAJOR.sub("", item.name)  # the same number in every process
    versions = _versions(item)
    return _MAJOR.findall(item.name) == [str(versions[zlib.crc32(case.encode()) % len(versions)])]


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


@pytest.fixture(scope="session")
def extended_workshop() -> Iterator[Workshop]:
    """Makes servers that have the extensions of packages, for tests that are marked with_extensions."""
    workshop = Workshop(BUILD / "postgres-extensions")
    yield workshop
    workshop.close()


@pytest.fixture
def extended_server(extended_workshop: Workshop, major: int) -> Iterator[Server]:
    """A running server of the test's own, which can load the extensions of packages."""
    server = extended_workshop.server(major)
    yield server
    extended_workshop.discard(server)


@pytest.fixture
def fresh_server(workshop: Workshop, major: int) -> Iterator[Server]:
    """A running server of the test's own, to change or break; costs about half a second."""
    server = workshop.server(major)
    yield server
    workshop.discard(server)
