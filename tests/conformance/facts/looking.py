"""Gathers facts in this process, as cluster_info does."""

from __future__ import annotations

import contextlib
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._facts.collect import collect
from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server as OpenedServer
from ansible_collections.rampart.postgresql.plugins.module_utils._server.session import Options

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

__all__ = ["database", "facts", "only"]


def facts(server: Server, *wanted: str, **options: t.Any) -> dict[str, t.Any]:
    """The facts of a server, asked for by its superuser or by the options' user."""
    if "host" not in options:
        options["cluster"] = str(server.data_directory)
    with OpenedServer.open(Options(read_only=True, **options)) as opened:
        return collect(opened, wanted)


@contextlib.contextmanager
def database(server: Server, name: str, *statements: str) -> Iterator[None]:
    """A database in which statements were run; the server is left as it was, but for roles."""
    quoted = name.replace('"', '""')
    server.query(f'CREATE DATABASE "{quoted}"')
    try:
        with server.connect(dbname=name) as connection:
            for statement in statements:
                connection.execute(statement.encode())
        yield
    finally:
        server.query(f'DROP DATABASE "{quoted}"')


def only(rows: list[dict[str, t.Any]], **values: t.Any) -> list[dict[str, t.Any]]:
    """The rows with these values."""
    return [row for row in rows if all(row[key] == value for key, value in values.items())]
