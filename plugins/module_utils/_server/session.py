# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One session with a server, protected against what a database owner may have set; private to the collection."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import re
import socket
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import ConnectionFailed
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import ServerDown
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import Unsupported
from ansible_collections.rampart.postgresql.plugins.module_utils._server import drivers
from ansible_collections.rampart.postgresql.plugins.module_utils._server import sql
from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import Account
from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import account_of
from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import acting_as
from ansible_collections.rampart.postgresql.plugins.module_utils._server.probe import nobody_listens
from ansible_collections.rampart.postgresql.plugins.module_utils._server.probe import peer_uid

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.discovery import Cluster

__all__ = ["Options", "Session"]

APPLICATION_NAME = "rampart.postgresql"
_DEFAULT_PORT = 5432
_TIMEOUTS: t.Final = {"idle_session_timeout": 14, "transaction_timeout": 17}
"""What else ends a session or its transaction, and the first major version that has it."""
_NAME = re.compile('"name": *"([^"]*)"')
_DEFAULT_SOCKET_DIRECTORIES = ("/var/run/postgresql", "/tmp")  # Debian's and PGDG's; PostgreSQL's own

_IDENTITY = """
SELECT current_user = session_user AS same,
       session_user AS login,
       pg_catalog.current_database() AS database,
       pg_catalog.current_setting('server_version_num')::int AS version,
       pg_catalog.pg_is_in_recovery() AS in_recovery,
       (SELECT r.rolsuper FROM pg_catalog.pg_roles r WHERE r.rolname = session_user) AS superuser,
       pg_catalog.inet_client_addr()::text AS client_address"""


@dataclasses.dataclass(frozen=True)
class Options:
    """How to reach a cluster, as the operator gave it. Times in seconds."""

    cluster: str | None = None
    port: int | None = None
    socket_directory: str | None = None
    host: str | None = None
    user: str | None = None
    password: str | None = dataclasses.field(default=None, repr=False)
    dbname: str = "postgres"
    sslmode: str | None = None
    sslrootcert: str | None = None
    sslcert: str | None = None
    sslkey: str | None = None
    connect_timeout: int = 10
    timeout: int = 60
    lock_wait: int = 60
    history_directory: str | None = None
    history_keep: int = 5
    rehearse: bool = True
    allow_lockout: bool = False  # of this run itself too: then it goes on with the session that it has
    read_only: bool = False  # the server itself refuses what would write

    @classmethod
    def from_task(cls, values: t.Mapping[str, t.Any]) -> Options:
        """Take the connection options out of a module's parameters."""
        names = [field.name for field in dataclasses.fields(cls)]
        options = cls(**{name: values[name] for name in names if values.get(name) is not None})
        options.check()
        return options

    def check(self) -> None:
        """Refuse what cannot be meant."""
        if self.cluster and (self.port or self.socket_directory or self.host):
            raise InputError(
                option="cluster", value=self.cluster, expected="not together with port, socket_directory or host"
            )
        if self.port is not None and not 1 <= self.port <= 65535:
            raise InputError(option="port", value=self.port, expected="a TCP port from 1 to 65535")
        for name in ("connect_timeout", "timeout", "history_keep"):
            if getattr(self, name) < 1:
                raise InputError(option=name, value=getattr(self, name), expected="a number from 1 up")

    @property
    def is_remote(self) -> bool:
        """Whether the connection goes over TCP."""
        return self.host is not None and not self.host.startswith("/")


class Session:
    """A connection in which nobody but the operator decides how statements behave."""

    def __init__(self, connection: drivers.Connection) -> None:
        self._connection = connection
        self.driver = connection.driver
        identity = self.rows(_IDENTITY)[0]
        if not identity["same"]:
            raise ConnectionFailed("the session does not act as the role that logged in; nothing was done")
        self.login: str = identity["login"]
        self.database: str = identity["database"]
        self.version: int = identity["version"]
        self.in_recovery: bool = identity["in_recovery"]
        self.is_superuser: bool = identity["superuser"]
        self.client_address: str | None = identity["client_address"]

    @classmethod
    def open(cls, options: Options, cluster: Cluster | None) -> Session:
        """Connect; through the socket as the cluster's owner where this process may become it."""
        parameters = _parameters(options)
        account = None
        identity: t.ContextManager[t.Any] = contextlib.nullcontext()
        if cluster is not None:
            account = account_of(cluster.owner_uid)
            parameters.update(_local(options, cluster, account))
            if os.geteuid() in (0, account.uid):
                identity = acting_as(account)
        elif not options.is_remote:
            parameters.setdefault("host", _socket_directory(options))
        with identity:
            if cluster is not None:
                _assert_peer(parameters["host"], int(parameters["port"]), account)
                parameters["options"] += _endless(_major(cluster))
            return cls(_connect(parameters, account, options.timeout))

    def rows(self, query: str) -> list[dict[str, t.Any]]:
        """The rows of a query as dictionaries. Types are JSON's."""
        try:
            found: list[dict[str, t.Any]] = json.loads(self._connection.scalar(sql.as_json(query)))
        except UnicodeDecodeError as error:
            # No more of the answer: it may hold secrets.
            names = _NAME.findall(error.object[: int(error.start)].decode("utf-8", "replace"))
            about = f", near {names[-1]}" if names else ""
            raise Unsupported(
                f"the server answers with text that is not in UTF-8{about}, so nothing was done"
            ) from None
        return found

    def transaction(self, statements: t.Sequence[str]) -> None:
        """Run statements, all or none."""
        self._connection.transaction(statements)

    def statement(self, statement: str) -> None:
        """Run one statement that the server refuses inside a transaction."""
        self._connection.statement(statement)

    def require_transactions(self) -> None:
        """Raise Unsupported, before anything is changed, where only reading is possible."""
        self._connection.require_transactions()

    def reload_configuration(self) -> None:
        """Send the signal. That it was sent proves nothing."""
        self.rows("SELECT pg_catalog.pg_reload_conf() AS sent")

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def _connect(parameters: dict[str, str], account: Account | None, timeout: int) -> drivers.Connection:
    try:
        return drivers.connect(parameters, account=account, timeout=timeout)
    except ConnectionFailed:
        host, port = parameters["host"], int(parameters.get("port") or os.environ.get("PGPORT") or _DEFAULT_PORT)
        if nobody_listens(host, port):
            raise ServerDown(f"nothing listens on {host} port {port}") from None
        raise


def _parameters(options: Options) -> dict[str, str]:
    """libpq's parameters that do not depend on the cluster."""
    milliseconds = options.timeout * 1000
    startup = {
        "role": "none",
        "search_path": "pg_catalog",
        "datestyle": "ISO",  # or a text of the server could not be given back to it
        "extra_float_digits": "1",  # or numbers would arrive rounded
        "default_transaction_read_only": "on" if options.read_only else "off",
        "statement_timeout": str(milliseconds),
        "lock_timeout": str(milliseconds),
        "max_parallel_workers_per_gather": "0",  # a worker begins with the limits that the database has
    }
    if not options.read_only:  # one that only tells must not hide what the server itself has
        startup.update(row_security="off", idle_in_transaction_session_timeout="0")
    given = {
        name: str(value)
        for name in ("host", "port", "user", "password", "dbname", "sslmode", "sslrootcert", "sslcert", "sslkey")
        if (value := getattr(options, name)) is not None
    }
    return {
        **given,
        "options": " ".join(f"-c {name}={value}" for name, value in startup.items()),
        "application_name": APPLICATION_NAME,
        "client_encoding": "UTF8",
        "connect_timeout": str(options.connect_timeout),
    }


def _endless(major: int) -> str:
    """Startup options without limits, as far as this major version has them: an older server refuses a name."""
    return "".join(f" -c {name}=0" for name, first in _TIMEOUTS.items() if first <= major)


def _major(cluster: Cluster) -> int:
    """The major version, before there is a session to ask in; 0 where this account may not read it."""
    try:
        # As bytes: the owner of the cluster may not be able to import a codec of our Python.
        with open(os.path.join(cluster.data_directory, "PG_VERSION"), "rb") as stream:
            return int(stream.read())
    except (OSError, ValueError):
        return 0


def _local(options: Options, cluster: Cluster, account: Account) -> dict[str, str]:
    return {
        "host": cluster.socket_directory,
        "port": str(cluster.port),
        "user": options.user or account.name,
    }


def _socket_directory(options: Options) -> str:
    """Where libpq of this host would look, for a process that cannot see the server's files."""
    if options.socket_directory or options.host:
        return options.socket_directory or str(options.host)
    name = f".s.PGSQL.{options.port or _DEFAULT_PORT}"
    for directory in _DEFAULT_SOCKET_DIRECTORIES:
        if os.path.exists(os.path.join(directory, name)):
            return directory
    raise ServerDown(
        f"nothing listens on {name} in {' or '.join(_DEFAULT_SOCKET_DIRECTORIES)}",
        ", or name another with cluster, port, socket_directory or host",
    )


def _assert_peer(directory: str, port: int, account: Account | None) -> None:
    """Whoever listens on the socket must be the owner of the data directory."""
    path = os.path.join(directory, f".s.PGSQL.{port}")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(5)
        try:
            probe.connect(path)
            uid = peer_uid(probe)
        except (FileNotFoundError, ConnectionRefusedError):
            raise ServerDown(f"nothing listens on {path}") from None
        except OSError as error:
            raise ConnectionFailed(f"cannot connect to the server at {path}: {error.strerror or error}") from None
    if account is not None and uid != account.uid:
        raise RampartError(f"{path} belongs to a process of uid {uid}, not to {account.name}, the owner of the cluster")
