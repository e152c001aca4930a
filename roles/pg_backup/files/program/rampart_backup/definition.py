# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The definition of a job: a JSON file, which root writes and the server's account reads."""

from __future__ import annotations

import dataclasses
import fnmatch
import re
import typing as t

from .faults import DefinitionFault
from .fields import Fields

__all__ = [
    "NAME",
    "Backrest",
    "Cluster",
    "Compression",
    "Directory",
    "Encryption",
    "Job",
    "Logical",
    "Notify",
    "Physical",
    "Place",
    "Rclone",
    "Repository",
    "Retention",
    "Vault",
    "Wal",
    "checked_name",
    "parse",
    "place",
    "read",
    "read_with",
    "secrets",
    "source",
]

T = t.TypeVar("T")

NAME: t.Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")  # of a job: part of file names and of units
_SSH: t.Final = 22  # port
STANZA: t.Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_OF_BACKREST: t.Final = ("/etc/pgbackrest", "/etc/pgbackrest.conf")  # where its own configuration is
_REMOTE: t.Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+@ -]*")  # what rclone takes, without what would be an option


@dataclasses.dataclass(frozen=True)
class Cluster:
    """The server to read from. Durations of libpq: ``connect_timeout`` in seconds."""

    label: str
    bindir: str
    host: str  # directory of the socket; over TCP, a name
    port: int
    user: str
    connect_timeout: int = 30

    @classmethod
    def of(cls, fields: Fields) -> Cluster:
        """Read it."""
        return fields.close(
            cls(
                label=fields.text("label"),
                bindir=fields.text("bindir"),
                host=fields.text("host"),
                port=fields.number("port", 5432, least=1, most=65535),
                user=fields.text("user", "postgres"),
                connect_timeout=fields.number("connect_timeout", 30, least=1, most=3600),
            )
        )


@dataclasses.dataclass(frozen=True)
class Logical:
    """What pg_dump is given. Patterns are those of a shell (``*``, ``?``, ``[``), case counts."""

    databases: tuple[str, ...] = ("*",)
    exclude_databases: tuple[str, ...] = ()
    schemas: tuple[str, ...] = ()  # none: everything in a database, what belongs to no schema included
    exclude_schemas: tuple[str, ...] = ()
    row_counts: bool = True
    parallel: int = 1  # connections that dump one database; more than one takes ``staging``

    @classmethod
    def of(cls, fields: Fields) -> Logical:
        """Read it."""
        return fields.close(
            cls(
                databases=fields.texts("databases", ("*",)),
                exclude_databases=fields.texts("exclude_databases"),
                schemas=fields.texts("schemas"),
                exclude_schemas=fields.texts("exclude_schemas"),
                row_counts=fields.truth("row_counts", True),
                parallel=fields.number("parallel", 1, least=1, most=1024),
            )
        )

    def wants_database(self, name: str) -> bool:
        """Whether a database is dumped."""
        return _chosen(name, self.databases, self.exclude_databases)

    def wants_schema(self, name: str) -> bool:
        """Whether a schema is dumped."""
        return _chosen(name, self.schemas or ("*",), self.exclude_schemas)

    @property
    def picks_schemas(self) -> bool:
        """Whether some schemas may be left out."""
        return bool(self.schemas or self.exclude_schemas)


@dataclasses.dataclass(frozen=True)
class Physical:
    """What pg_basebackup is given. ``restore_point``: whether a name is written into the WAL afterwards.

    ``marker``: whether rows are written before and after, by which a drill knows which moment it restored.
    ``full_every``: one of so many is a full backup, the others build upon the one before; 0: all are.
    """

    checkpoint: str = "spread"
    restore_point: bool = True
    marker: bool = True
    full_every: int = 0

    @classmethod
    def of(cls, fields: Fields) -> Physical:
        """Read it."""
        incremental = fields.inner("incremental")
        full_every = incremental.close(incremental.number("full_every", 0, most=1000))
        checkpoint = fields.text("checkpoint", "spread", choices=("fast", "spread"))
        return fields.close(
            cls(
                checkpoint=checkpoint,
                restore_point=fields.truth("restore_point", True),
                marker=fields.truth("marker", True),
                full_every=full_every,
            )
        )


@dataclasses.dataclass(frozen=True)
class Wal:
    """When archiving is behind: by ``behind_seconds`` for the oldest file that waits, by more files than ``behind_files``."""

    behind_seconds: int = 900
    behind_files: int = 64

    @classmethod
    def of(cls, fields: Fields) -> Wal:
        """Read it."""
        return fields.close(
            cls(
                behind_seconds=fields.number("behind_seconds", 900, least=1, most=10**8),
                behind_files=fields.number("behind_files", 64, least=1, most=10**8),
            )
        )


@dataclasses.dataclass(frozen=True)
class Backrest:
    """What pgBackRest is told to do. ``type`` is one of its own, or ``check``, which makes no backup.

    Every ``full_every``th backup is a full one whatever the type, 0 for none. ``marker`` and ``restore_point`` are those of
    physical jobs.
    """

    stanza: str = ""
    type: str = "full"
    full_every: int = 0
    checkpoint: str = "spread"
    marker: bool = True
    restore_point: bool = True
    repositories: tuple[int, ...] = (1,)

    @classmethod
    def of(cls, fields: Fields) -> Backrest:
        """Read it."""
        made = cls(
            stanza=fields.text("stanza", ""),
            type=fields.text("type", "full", choices=("full", "diff", "incr", "check")),
            full_every=fields.number("full_every", 0, most=100_000),
            checkpoint=fields.text("checkpoint", "spread", choices=("fast", "spread")),
            marker=fields.truth("marker", True),
            restore_point=fields.truth("restore_point", True),
            repositories=tuple(range(1, fields.number("repositories", 1, least=1, most=256) + 1)),
        )
        return fields.close(made)


def _chosen(name: str, included: t.Sequence[str], excluded: t.Sequence[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, each) for each in included) and not any(
        fnmatch.fnmatchcase(name, each) for each in excluded
    )


@dataclasses.dataclass(frozen=True)
class Compression:
    """How pg_dump compresses. ``level`` -1: the method's own (6 for gzip, 3 for zstd)."""

    method: str = "gzip"
    level: int = -1

    @classmethod
    def of(cls, fields: Fields) -> Compression:
        """Read it."""
        method = fields.text("method", "gzip", choices=("gzip", "zstd", "lz4", "none"))
        most = {"gzip": 9, "zstd": 22, "lz4": 12, "none": -1}[method]
        return fields.close(cls(method=method, level=fields.number("level", -1, least=-1, most=most)))


@dataclasses.dataclass(frozen=True)
class Encryption:
    """To whom backups are encrypted: public keys of age, or files with a public key of gpg each."""

    method: str = "age"
    recipients: tuple[str, ...] = ()

    @classmethod
    def of(cls, fields: Fields) -> Encryption:
        """Read it."""
        method = fields.text("method", "age", choices=("age", "gpg", "none"))
        recipients = fields.texts("recipients")
        if method != "none" and not recipients:
            raise DefinitionFault(f"{fields.key('recipients')} is empty: {method} needs a public key at least")
        strange = next((each for each in recipients if each.startswith("-")), None)
        if strange is not None:  # the programs would take it for an option
            raise DefinitionFault.of(fields.key("recipients"), strange, "a public key")
        if method == "none" and recipients:
            raise DefinitionFault(f"{fields.key('method')}: 'none' does not go with recipients")
        return fields.close(cls(method=method, recipients=recipients))


@dataclasses.dataclass(frozen=True)
class Directory:
    """A place on this host, or one that is mounted here."""

    path: str

    @classmethod
    def of(cls, fields: Fields) -> Directory:
        """Read it."""
        path = fields.text("path")
        if not path.startswith("/"):
            raise DefinitionFault.of(fields.key("path"), path, "the full path of a directory")
        return fields.close(cls(path=path))

    @property
    def name(self) -> str:
        """For messages and results."""
        return self.path


@dataclasses.dataclass(frozen=True)
class Vault:
    """A place on another host, reached by ssh, where this host may only add. ``timeout`` in seconds without an answer."""

    host: str
    account: str
    key: str
    known_hosts: str
    port: int = _SSH
    timeout: int = 60

    @classmethod
    def of(cls, fields: Fields) -> Vault:
        """Read it."""
        host, account = fields.text("host"), fields.text("account")
        for key, value in (("host", host), ("account", account)):
            if not re.fullmatch(r"[A-Za-z0-9_.:][A-Za-z0-9_.:-]*", value):
                raise DefinitionFault.of(fields.key(key), value, "a name")
        return fields.close(
            cls(
                host=host,
                account=account,
                key=fields.text("key"),
                known_hosts=fields.text("known_hosts"),
                port=fields.number("port", _SSH, least=1, most=65535),
                timeout=fields.number("timeout", 60, least=1, most=86400),
            )
        )

    @property
    def name(self) -> str:
        """For messages and results."""
        return f"{self.account}@{self.host}" + (f":{self.port}" if self.port != _SSH else "")


@dataclasses.dataclass(frozen=True)
class Rclone:
    """A place that rclone reaches: ``remote`` is the name of one in ``config``, and a path of this host's own there.

    ``timeout`` in seconds without a byte. ``retain``: whether this host removes what no rule keeps; it removes nothing else.
    """

    remote: str
    config: str
    timeout: int = 300
    retain: bool = False

    @classmethod
    def of(cls, fields: Fields) -> Rclone:
        """Read it. What rclone would take as a remote that is described on the spot could hold a key, and is refused."""
        remote, config = fields.text("remote"), fields.text("config")
        name, _colon, path = remote.partition(":")
        if not _REMOTE.fullmatch(name) or not path.strip("/") or {".", ".."} & set(path.split("/")):
            expected = "the name of a remote, a colon and a path, such as 'store:bucket/db1'"
            raise DefinitionFault.of(fields.key("remote"), remote, expected)
        if not config.startswith("/"):
            raise DefinitionFault.of(fields.key("config"), config, "the full path of a file")
        timeout = fields.number("timeout", 300, least=1, most=86400)
        return fields.close(cls(remote=remote, config=config, timeout=timeout, retain=fields.truth("retain", False)))

    @property
    def name(self) -> str:
        """For messages and results."""
        return self.remote


Place = t.Union[Directory, Vault, Rclone]


@dataclasses.dataclass(frozen=True)
class Repository:
    """One of pgBackRest, which drills and restores read. ``config`` is a file of pgBackRest's with all that opens it.

    Without one it is what pgBackRest is configured with on this host. ``superuser`` is the role that the cluster was made
    with, which a repository does not know.
    """

    stanza: str
    config: str = ""
    number: int = 1
    superuser: str = "postgres"

    @classmethod
    def of(cls, fields: Fields) -> Repository:
        """Read it."""
        config = fields.text("config", "")
        if config and not config.startswith("/"):
            raise DefinitionFault.of(fields.key("config"), config, "the full path of a file")
        made = cls(
            stanza=_stanza(fields.key("stanza"), fields.text("stanza")),
            config=config,
            number=fields.number("repository", 1, least=1, most=256),
            superuser=fields.text("superuser", "postgres"),
        )
        return fields.close(made)

    @property
    def name(self) -> str:
        """For messages and results."""
        return f"repo{self.number} of {self.stanza}"


_PLACES: t.Final[dict[str, t.Callable[[Fields], Place]]] = {
    "directory": Directory.of,
    "rclone": Rclone.of,
    "vault": Vault.of,
}


def place(fields: Fields) -> Place:
    """Read a place of any kind."""
    return _PLACES[fields.text("kind", choices=sorted(_PLACES))](fields)


def source(fields: Fields) -> Place | Repository:
    """Read where backups are restored from: a place of any kind, or a repository of pgBackRest."""
    kinds: dict[str, t.Callable[[Fields], Place | Repository]] = {**_PLACES, "pgbackrest": Repository.of}
    return kinds[fields.text("kind", choices=sorted(kinds))](fields)


def secrets(place: Place | Repository) -> list[str]:
    """Files that open it, which nothing that is restored may read."""
    if isinstance(place, Vault):
        return [place.key]
    if isinstance(place, Repository):
        return [place.config] if place.config else list(_OF_BACKREST)
    return [place.config] if isinstance(place, Rclone) else []


@dataclasses.dataclass(frozen=True)
class Retention:
    """How many are kept: the newest ``last``, the newest of each of so many days, weeks, months, years.

    ``at_least`` good ones stay whatever the rules say. All zero: nothing is ever removed.
    """

    last: int = 0
    days: int = 0
    weeks: int = 0
    months: int = 0
    years: int = 0
    at_least: int = 1

    @classmethod
    def of(cls, fields: Fields) -> Retention:
        """Read it."""
        names = ("last", "days", "weeks", "months", "years")
        rules = {name: fields.number(name, 0, most=100_000) for name in names}
        return fields.close(cls(**rules, at_least=fields.number("at_least", 1, least=1, most=100_000)))


@dataclasses.dataclass(frozen=True)
class Notify:
    """A command that is told of a run: its words, and when (``failure`` or ``always``). It reads the status as JSON."""

    command: tuple[str, ...] = ()
    when: str = "failure"

    @classmethod
    def of(cls, fields: Fields) -> Notify:
        """Read it."""
        return fields.close(
            cls(command=fields.texts("command"), when=fields.text("when", "failure", choices=("failure", "always")))
        )


@dataclasses.dataclass(frozen=True)
class Job:
    """All of it. ``state`` is the directory for locks and status, ``metrics`` one for Prometheus' textfile collector.

    ``staging`` is a directory of this host where what cannot flow may lie in clear while a run lasts; empty: nowhere.
    """

    name: str
    kind: str
    cluster: Cluster
    logical: Logical
    physical: Physical
    wal: Wal
    compression: Compression
    encryption: Encryption
    places: tuple[Place, ...]
    retention: Retention
    notify: Notify
    state: str
    metrics: str = ""
    backrest: Backrest = Backrest()
    staging: str = ""


def checked_name(key: str, name: str) -> str:
    """A name that may be part of file names and of units; raises for others."""
    if not NAME.fullmatch(name):
        raise DefinitionFault.of(key, name, "letters, digits and _ . - (64 at most, a letter or digit first)")
    return name


def _refuse_places(kind: str, places: t.Sequence[Place]) -> None:
    for number, each in enumerate(places):
        if kind == "pgbackrest" and isinstance(each, Rclone):
            raise DefinitionFault(
                f"places[{number}].kind: 'rclone' is no place for jobs of kind {kind}, a directory is"
            )
        if each.name in [other.name for other in places[:number]]:
            raise DefinitionFault(f"places[{number}]: {each.name} is there twice")


def parse(text: str) -> Job:
    """Read a definition; raises ``DefinitionFault`` that names the key, its value and what it may be."""
    fields = Fields.of_json(text)
    name = checked_name("name", fields.text("name"))
    places = tuple(place(each) for each in fields.inners("places"))
    if not places:
        raise DefinitionFault("places is empty: a backup has to be put somewhere")
    kind = fields.text("kind", choices=("logical", "physical", "logs", "wal", "pgbackrest"))
    _refuse_places(kind, places)
    staging = _staging(fields)
    logical = Logical.of(fields.inner("logical"))
    if logical.parallel > 1 and not staging:
        raise DefinitionFault(
            f"logical.parallel: {logical.parallel} connections write files in clear first: name a directory for them"
            " (staging)"
        )
    return fields.close(
        Job(
            name=name,
            kind=kind,
            cluster=Cluster.of(fields.inner("cluster")),
            logical=logical,
            physical=Physical.of(fields.inner("physical")),
            wal=Wal.of(fields.inner("wal")),
            backrest=_backrest(kind, fields.inner("pgbackrest")),
            compression=Compression.of(fields.inner("compression")),
            encryption=Encryption("none") if kind == "pgbackrest" else Encryption.of(fields.inner("encryption")),
            places=places,
            retention=Retention.of(fields.inner("retention")),
            notify=Notify.of(fields.inner("notify")),
            state=fields.text("state", "/var/lib/rampart-backup"),
            metrics=fields.text("metrics", ""),
            staging=staging,
        )
    )


def _backrest(kind: str, fields: Fields) -> Backrest:
    found = Backrest.of(fields)
    if (kind == "pgbackrest") != bool(found.stanza):
        raise DefinitionFault.of(fields.key("stanza"), found.stanza, f"right for kind {kind}: pgbackrest has one")
    if found.stanza:
        _stanza(fields.key("stanza"), found.stanza)
    return found


def _stanza(key: str, name: str) -> str:
    if not STANZA.fullmatch(name):
        raise DefinitionFault.of(key, name, "letters, digits and _ - (a letter or digit first)")
    return name


def _staging(fields: Fields) -> str:
    path = fields.text("staging", "")
    if path and not path.startswith("/"):
        raise DefinitionFault.of("staging", path, "the full path of a directory")
    return path


def read(path: str) -> Job:
    """Read the definition in a file."""
    return read_with(path, parse)


def read_with(path: str, parser: t.Callable[[str], T]) -> T:
    """Read a file with a parser; whatever is wrong is told with its path."""
    try:
        with open(path, encoding="utf-8") as stream:
            return parser(stream.read())
    except (OSError, UnicodeError) as error:
        raise DefinitionFault(f"{path} cannot be read: {error}") from None
    except DefinitionFault as fault:
        raise DefinitionFault(f"{path}: {fault}") from None
