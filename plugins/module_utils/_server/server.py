# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One cluster as the components see it: a session, its files, its lock; private to the collection."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import os
import time
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import Unsupported
from ansible_collections.rampart.postgresql.plugins.module_utils._server import control
from ansible_collections.rampart.postgresql.plugins.module_utils._server import discovery
from ansible_collections.rampart.postgresql.plugins.module_utils._server import lock
from ansible_collections.rampart.postgresql.plugins.module_utils._server import managers
from ansible_collections.rampart.postgresql.plugins.module_utils._server.files import FileState
from ansible_collections.rampart.postgresql.plugins.module_utils._server.files import History
from ansible_collections.rampart.postgresql.plugins.module_utils._server.files import change_mode
from ansible_collections.rampart.postgresql.plugins.module_utils._server.files import check_writable
from ansible_collections.rampart.postgresql.plugins.module_utils._server.files import read_file
from ansible_collections.rampart.postgresql.plugins.module_utils._server.files import replace_file
from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import Account
from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import account_of
from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import acting_as
from ansible_collections.rampart.postgresql.plugins.module_utils._server.log import LogTail
from ansible_collections.rampart.postgresql.plugins.module_utils._server.probe import Answer
from ansible_collections.rampart.postgresql.plugins.module_utils._server.probe import knock
from ansible_collections.rampart.postgresql.plugins.module_utils._server.session import Options
from ansible_collections.rampart.postgresql.plugins.module_utils._server.session import Session

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.runner import Runner

__all__ = ["Paths", "Server"]

_PATHS = """
SELECT name, setting FROM pg_catalog.pg_settings
WHERE name IN ('config_file', 'data_directory', 'hba_file', 'ident_file')
ORDER BY name"""
_COLLECTED = "SELECT pg_catalog.pg_current_logfile() AS path"


@dataclasses.dataclass(frozen=True)
class Paths:
    """Where the server itself says that its files are. Untrusted: use with the owner's rights only."""

    config_file: str
    data_directory: str
    hba_file: str
    ident_file: str


class Server:
    """Opened with ``Server.open(options)``; the session is replaced after a reload by a fresh one."""

    def __init__(self, options: Options, cluster: discovery.Cluster | None, session: Session) -> None:
        self.options = options
        self.session = session
        self._cluster = cluster
        self.settled = 0.0  # until then (monotonic) a reload may be under way of which no new login could tell
        self._since_reload: LogTail | None = None

    @classmethod
    @contextlib.contextmanager
    def open(cls, options: Options) -> t.Iterator[Server]:
        """Find the cluster that the options name, connect to it, and close what is open in the end."""
        cluster = None if options.is_remote else discovery.choose(options)
        session = Session.open(options, cluster)
        server = cls(options, cluster, session)
        try:
            yield server
        finally:
            server.session.close()

    @property
    def cluster(self) -> discovery.Cluster:
        """The running cluster on this host; an error where only a connection is there."""
        if self._cluster is None:
            raise Unsupported(
                "this needs the files of the cluster: run it on the database host, as root or as the owner of the"
                " cluster, without the option host"
            )
        return self._cluster

    @property
    def has_files(self) -> bool:
        """Whether this process can reach the files of the cluster."""
        return self._cluster is not None

    @functools.cached_property
    def owner(self) -> Account:
        """The operating system account that owns the data directory."""
        return account_of(self.cluster.owner_uid)

    @property
    def version(self) -> int:
        """Version number as server_version_num gives it: 170011 for 17.11."""
        return self.session.version

    @property
    def major(self) -> int:
        """13 to 18."""
        return self.session.version // 10000

    @property
    def in_recovery(self) -> bool:
        """Whether this is a standby now."""
        return self.session.in_recovery

    @functools.cached_property
    def paths(self) -> Paths:
        """Read from the live server."""
        found = {row["name"]: row["setting"] for row in self.session.rows(_PATHS)}
        if len(found) < len(dataclasses.fields(Paths)):
            raise Unsupported(
                f"the login {self.session.login!r} may not see where the server's files are: it has to be a superuser"
                " or a member of pg_read_all_settings"
            )
        return Paths(**found)

    @functools.cached_property
    def managers(self) -> tuple[managers.Manager, ...]:
        """What manages this cluster besides us."""
        return managers.find(self)

    def refuse_if_managed(self, *, by: str, subject: str, where: str) -> None:
        """Raise ManagedElsewhere when the manager named ``by`` runs this cluster."""
        managers.refuse(self.managers, by=by, subject=subject, where=where)

    def read(self, path: str, *, by_root: bool = False) -> FileState | None:
        """Read a file of the cluster with the owner's rights, or one of the host with root's."""
        return read_file(path, self._writer(by_root))

    def write(
        self, path: str, content: bytes | None, *, mode: int | None = None, parents: bool = False, by_root: bool = False
    ) -> None:
        """Replace, create or remove a file of the cluster with the owner's rights, or one of the host with root's."""
        replace_file(path, content, owner=self._writer(by_root), mode=mode, parents=parents)

    def change_mode(self, path: str, before: int, after: int) -> None:
        """Give a file or directory of the cluster another mode with the owner's rights."""
        change_mode(path, before, after, owner=self.owner)

    def make_directory(self, path: str, mode: int, *, owned: bool) -> None:
        """Make a directory of the host as root, for itself or for the owner of the cluster."""
        from ansible_collections.rampart.postgresql.plugins.module_utils._server import directories

        directories.make_directory(path, mode=mode, owner=self._writer(not owned))

    def remove_directory(self, path: str) -> None:
        """Remove one that this run made."""
        from ansible_collections.rampart.postgresql.plugins.module_utils._server import directories

        directories.remove_directory(path)

    def _writer(self, by_root: bool) -> Account:
        return account_of(0) if by_root else self.owner

    def check_writable(self, path: str, *, parents: bool = False, by_root: bool = False) -> None:
        """Raise what ``write`` would meet where the directory takes no file of the owner's."""
        check_writable(path, owner=self._writer(by_root), parents=parents)

    def owner_can_write(self, directory: str) -> bool:
        """Whether the owner of the cluster may create files in a directory."""
        with acting_as(self.owner):
            return os.access(directory, os.W_OK | os.X_OK, effective_ids=True)

    @functools.cached_property
    def history(self) -> History:
        """Where previous versions are kept."""
        return History(
            directory=self.options.history_directory or self._default_history_directory(),
            keep=self.options.history_keep,
            owner=self.owner,
        )

    def _default_history_directory(self) -> str:
        data_directory = os.path.realpath(self.cluster.data_directory)
        base = os.path.join(self.owner.home, ".local", "state", "rampart-postgresql")
        inside = os.path.commonpath([os.path.realpath(base), data_directory]) == data_directory
        if inside or not (self.owner_can_write(base) or self.owner_can_write(self.owner.home)):
            base = os.path.join(os.path.dirname(data_directory), ".rampart-postgresql")
        return os.path.join(base, data_directory.strip(os.path.sep).replace(os.path.sep, "_"))

    @contextlib.contextmanager
    def lock(self, *, shared: bool) -> t.Iterator[None]:
        """Hold this cluster for one run; readers of check mode share it."""
        if self.has_files:
            with lock.data_directory(self.cluster.data_directory, self.owner, shared, self.options.lock_wait):
                yield
        elif shared:
            yield
        else:
            with lock.advisory(self.session, self.options.lock_wait):
                yield

    def reload(self) -> None:
        """Make the server read its configuration, prove that a new login sees it, continue with that login."""
        log = LogTail(self._log_file(), self.owner) if self.has_files else None
        fresh = control.reload(
            self.session,
            lambda: Session.open(self.options, self._cluster),
            self.options.timeout,
            may_lock_out=self.options.allow_lockout,
        )
        self._since_reload = log
        self.settled = time.monotonic() + self.options.timeout if fresh is self.session else 0.0
        if fresh is not self.session:
            self.session.close()
        self.session = fresh

    def refused_at_reload(self, path: str) -> bool:
        """Whether the log says that the last reload, of this run if it made one, did not take a file."""
        usual = {self.paths.hba_file: "pg_hba.conf", self.paths.ident_file: "pg_ident.conf"}  # so older versions say
        names = [path, *([usual[path]] if path in usual else [])]
        if self._since_reload is not None:
            return self._since_reload.says_not_reloaded(names)
        return self.has_files and LogTail(self._log_file(), self.owner).said_not_reloaded(names)

    def _log_file(self) -> str | None:
        return self.collected_log or self.cluster.log_file

    @property
    def collected_log(self) -> str | None:
        """The file that the collector of the log writes to; None without one, and where we may not ask."""
        path = self.session.rows(_COLLECTED)[0]["path"] if self.session.is_superuser else None
        return None if path is None else os.path.join(self.cluster.data_directory, path)

    def answer_to_login(self, database: str) -> Answer:
        """How far a login to a database comes through the socket, which it does not complete."""
        with acting_as(self.owner):
            return knock(
                self.cluster.socket_directory,
                self.cluster.port,
                user=self.session.login,
                database=database,
                uid=self.owner.uid,
            )

    def restart(self, runner: Runner, log_file: str | None) -> tuple[str, ...]:
        """Restart the server, or start it when it is down; wait for a login, continue with that login."""
        self.session.close()
        notes = runner.restart(self.options.timeout, log_file)
        self.log_in_again(self.options.timeout)
        return notes

    def log_in_again(self, timeout: int) -> None:
        """Continue with a new session. By the data, as port and socket of the server may be others now."""
        options = dataclasses.replace(
            self.options, cluster=self.cluster.data_directory, port=None, socket_directory=None, host=None
        )

        def log_in() -> Session:
            self._cluster = discovery.choose(options)
            return Session.open(options, self._cluster)

        self.session = control.wait_for_login(log_in, timeout)

    @contextlib.contextmanager
    def session_for(self, database: str) -> t.Iterator[Session]:
        """A session in another database, for what catalogues hold per database."""
        options = dataclasses.replace(self.options, dbname=database)
        session = Session.open(options, self._cluster)
        try:
            yield session
        finally:
            session.close()

    @contextlib.contextmanager
    def session_in(self, database: str) -> t.Iterator[Session]:
        """The session of this run where that is its database (or it is empty), else another one."""
        if database in ("", self.session.database):
            yield self.session
        else:
            with self.session_for(database) as session:
                yield session

    def facts(self) -> dict[str, t.Any]:
        """What every module returns about the cluster that it worked on."""
        found: dict[str, t.Any] = {
            "version": self.version,
            "major": self.major,
            "in_recovery": self.in_recovery,
            "driver": self.session.driver,
        }
        if self.has_files:
            found.update(
                cluster=self.cluster.name or self.cluster.data_directory,
                data_directory=self.cluster.data_directory,
                port=self.cluster.port,
                managed_by=[manager.name for manager in self.managers],
            )
        return {"server": found}
