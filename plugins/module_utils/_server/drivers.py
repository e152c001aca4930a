# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""psycopg 3, psycopg2, or psql for reading, behind one face; private to the collection."""

from __future__ import annotations

import contextlib
import importlib
import os
import shutil
import subprocess
import types
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import ConnectionFailed
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import ServerRefused
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import Unsupported
from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import Account
from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import child_process_options
from ansible_collections.rampart.postgresql.plugins.module_utils._server.sql import Secret
from ansible_collections.rampart.postgresql.plugins.module_utils._server.sql import shown

__all__ = ["Connection", "connect", "importable"]

_PSQL_GRACE = 30  # seconds that psql gets beyond the timeouts which the server enforces


class Connection(t.Protocol):
    """One connection. Statements arrive composed; results are the first column of the first row."""

    driver: str

    def scalar(self, statement: str) -> t.Any:
        """Run one query and return its only value."""

    def statement(self, statement: str) -> None:
        """Run one statement outside of a transaction."""

    def transaction(self, statements: t.Sequence[str]) -> None:
        """Run statements, all or none."""

    def require_transactions(self) -> None:
        """Raise Unsupported where statements could not be run in one."""

    def close(self) -> None:
        """Close it; never fails."""


def importable() -> dict[str, str | None]:
    """The Python libraries that matter here, with their versions; None when one cannot be imported."""
    return {name: _version(name) for name in ("psycopg", "psycopg2", "cryptography")}


def _version(name: str) -> str | None:
    module = _import(name)
    return None if module is None else str(module.__version__).split(" ", maxsplit=1)[0]


def _import(name: str) -> types.ModuleType | None:
    try:
        return importlib.import_module(name)
    except ImportError:  # psycopg 3 raises it too when libpq is missing
        return None


# At import, not at connect: by then the process may act as an account that cannot read the module's zip file.
_PSYCOPG = _import("psycopg")
_PSYCOPG2 = _import("psycopg2") if _PSYCOPG is None else None


def connect(parameters: dict[str, str], *, account: Account | None, timeout: int) -> Connection:
    """Connect with the best driver there is. ``parameters`` are libpq's; ``timeout`` is in seconds."""
    library = _PSYCOPG or _PSYCOPG2
    if library is not None:
        return _Psycopg(library, parameters)
    program = shutil.which("psql")
    if program is not None:
        return _Psql(program, parameters, account, timeout)
    raise Unsupported(
        "neither psycopg 3 nor psycopg2 can be imported and there is no psql: install python3-psycopg2",
        missing_python=["psycopg2"],
    )


class _Psycopg:
    """Both generations of psycopg: what is used of them here is the same."""

    def __init__(self, library: types.ModuleType, parameters: dict[str, str]) -> None:
        self.driver = library.__name__
        self._error: t.Any = library.Error
        try:
            self._connection = library.connect(**parameters)
        except library.Error as error:
            raise ConnectionFailed(f"cannot connect to the server: {_one_line(error)}") from None
        self._connection.autocommit = True

    def scalar(self, statement: str) -> t.Any:
        with self._refusals(statement), self._connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchone()[0]

    def statement(self, statement: str) -> None:
        with self._refusals(statement), self._connection.cursor() as cursor:
            cursor.execute(statement)

    def transaction(self, statements: t.Sequence[str]) -> None:
        try:
            for statement in ("BEGIN", *statements, "COMMIT"):
                self.statement(statement)
        except ServerRefused:
            with contextlib.suppress(ServerRefused):
                self.statement("ROLLBACK")
            raise

    def require_transactions(self) -> None:
        """They can be had."""

    def close(self) -> None:
        with contextlib.suppress(self._error):
            self._connection.close()

    @contextlib.contextmanager
    def _refusals(self, statement: str) -> t.Iterator[None]:
        try:
            yield
        except self._error as error:
            # The driver's own text quotes the statement.
            said = error.diag.message_primary or "" if isinstance(statement, Secret) else _one_line(error)
            raise ServerRefused(f"the server refused a statement: {said}", statement=shown(statement)) from None


class _Psql:
    """psql, one process for each query: enough to look, not to change."""

    driver = "psql"

    def __init__(self, program: str, parameters: dict[str, str], account: Account | None, timeout: int) -> None:
        self._program = program
        self._account = account
        self._timeout = timeout + _PSQL_GRACE
        self._environment = {"PATH": os.environ.get("PATH", os.defpath), "PSQL_HISTORY": os.devnull}
        self._environment.update(
            (_ENVIRONMENT[name], value) for name, value in parameters.items() if name in _ENVIRONMENT
        )
        self.scalar("SELECT 1")

    def scalar(self, statement: str) -> t.Any:
        try:
            done = subprocess.run(  # pylint: disable=ansible-bad-function # run_command needs a module object
                [self._program, "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-f", "-"],
                input=statement,
                env=self._environment,
                capture_output=True,
                text=True,
                encoding="utf-8",
                timeout=self._timeout,
                check=False,
                cwd="/",
                **(child_process_options(self._account) if self._account else {}),
            )
        except subprocess.TimeoutExpired:
            raise ConnectionFailed(f"psql did not answer within {self._timeout} s") from None
        if done.returncode == 2:  # psql: "the connection to the server went bad"
            raise ConnectionFailed(f"cannot connect to the server: {_one_line(done.stderr)}")
        if done.returncode != 0:
            raise ServerRefused(f"the server refused a statement: {_one_line(done.stderr)}", statement=statement)
        return done.stdout.rstrip("\n")

    def statement(self, statement: str) -> None:
        self.require_transactions()

    def transaction(self, statements: t.Sequence[str]) -> None:
        self.require_transactions()

    def require_transactions(self) -> None:
        raise Unsupported(
            "changing something needs psycopg 3 or psycopg2 on the host; psql is used for reading only:"
            " install python3-psycopg2",
            missing_python=["psycopg2"],
        )

    def close(self) -> None:
        """Nothing stays open between two queries."""


# libpq's parameters and the variables that carry them, so that a password is on no command line.
_ENVIRONMENT = {
    "host": "PGHOST",
    "port": "PGPORT",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "dbname": "PGDATABASE",
    "options": "PGOPTIONS",
    "application_name": "PGAPPNAME",
    "client_encoding": "PGCLIENTENCODING",
    "connect_timeout": "PGCONNECT_TIMEOUT",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
}


def _one_line(error: object) -> str:
    return " ".join(str(error).split())
