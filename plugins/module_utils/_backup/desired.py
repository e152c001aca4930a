# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Jobs as the operator wants them, as typed values; private to the collection."""

from __future__ import annotations

import dataclasses
import os
import re
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError

__all__ = [
    "STANZA",
    "Job",
    "Place",
    "Schedule",
    "checked_calendar",
    "checked_name",
    "checked_unit",
    "from_task",
    "full_path",
    "writable_directory",
]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_RESERVED = re.compile(r"vault|drills|pull-.*")  # whose units, states or metrics the other roles have
STANZA = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_CALENDAR = re.compile(r"[A-Za-z0-9*,./:~_+ -]+")
_REMOTE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+@ -]*")
_HOST = re.compile(r"[A-Za-z0-9_.:][A-Za-z0-9_.:-]*")  # or an account, on a command line of ssh
_UNQUOTABLE = re.compile(r"[\x00-\x1f\x7f\"\\]")
# Whoever may change a job must not open what is the system's to it.
_NEVER_BELOW = ("/bin", "/boot", "/dev", "/etc", "/lib", "/lib64", "/proc", "/sbin", "/sys", "/usr")
_NEVER = (
    "/",
    "/home",
    "/opt",
    "/root",
    "/run",
    "/srv",
    "/tmp",
    "/var",
    "/var/lib",
    "/var/log",
    "/var/spool",
    "/var/tmp",
)
_PATHS = ("metrics_directory", "staging")
_OPTIONAL = ("incremental", "user", *_PATHS)
_PATTERNS = ("databases", "exclude_databases", "schemas", "exclude_schemas")
_BY_ROLE = ("logical", "physical")
_COUNTS = ("last", "days", "weeks", "months", "years")
_MOST_LEVELS = {"gzip": 9, "zstd": 22, "lz4": 12, "none": -1}

Values = t.Mapping[str, t.Any]


@dataclasses.dataclass(frozen=True)
class Schedule:
    """When a job is started. ``random_delay`` in seconds."""

    calendar: str
    random_delay: int
    persistent: bool


@dataclasses.dataclass(frozen=True)
class Place:
    """Where backups go: a directory (``path``), or what the definition says of another host."""

    path: str
    definition: Values
    option: str
    files: tuple[str, ...] = ()  # that the account has to read


@dataclasses.dataclass(frozen=True)
class Job:
    """One job. ``sections`` are parts of the definition that stand in it as they are. ``timeout`` in seconds, 0 for none."""

    name: str
    option: str  # path of the option that holds it
    present: bool
    kind: str = ""
    user: str = ""  # empty: the superuser that the account logs in as
    schedule: Schedule = Schedule("", 0, False)
    sections: Values = dataclasses.field(default_factory=dict)
    places: tuple[Place, ...] = ()
    metrics: str = ""
    staging: str = ""
    timeout: int = 0

    @property
    def directories(self) -> dict[str, str]:
        """Where the job writes, besides its state: option by path."""
        found = {place.path: f"{place.option}.path" for place in self.places if place.path}
        for path, name in ((self.metrics, "metrics_directory"), (self.staging, "staging")):
            if path:
                found.setdefault(path, f"{self.option}.{name}")
        return found


def from_task(values: Values) -> tuple[Job, ...]:
    """The jobs of a module's parameters; raises InputError for what no server has to be asked about."""
    jobs = tuple(_job(each, f"jobs[{number}]") for number, each in enumerate(values["jobs"]))
    names = [job.name for job in jobs]
    for job in jobs:
        if names.count(job.name) > 1:
            raise InputError(option=f"{job.option}.name", value=job.name, expected="a name of one job only")
    return jobs


def checked_name(name: str, option: str) -> str:
    """The name of a job; raises InputError for what files and units cannot be called, and what other roles call theirs."""
    checked_unit(name, option)
    if _RESERVED.fullmatch(name):
        expected = (
            "another name: vault, drills and those that begin with pull- are of the vault, of drills and of pulls"
        )
        raise InputError(option=option, value=name, expected=expected)
    return name


def checked_unit(name: str, option: str) -> str:
    """A part of the name of a unit; raises InputError for what files and units cannot be called."""
    if not _NAME.fullmatch(name):
        expected = "up to 64 letters, digits and _ . -, a letter or a digit first"
        raise InputError(option=option, value=name, expected=expected)
    return name


def checked_calendar(text: str, option: str) -> str:
    """A calendar expression in one line; raises InputError for what a unit or a file for cron could take for something else."""
    calendar = " ".join(text.split())
    if not _CALENDAR.fullmatch(calendar):
        raise InputError(
            option=option,
            value=text,
            expected="a calendar expression of systemd, such as '*-*-* 02:30:00' (man systemd.time)",
        )
    return calendar


def _job(values: Values, option: str) -> Job:
    name = checked_name(values["name"], f"{option}.name")
    if values["state"] == "absent":
        return Job(name=name, option=option, present=False)
    for key in sorted(values):
        if values[key] is None and key not in _OPTIONAL:
            raise InputError(
                option=f"{option}.{key}", value=None, expected="a value; leave it out to have the default, if any"
            )
    _number(values, "timeout", option, least=0)
    if not values["places"]:
        raise InputError(option=f"{option}.places", value=[], expected="a backup has to be put somewhere")
    metrics, staging = (values[name] for name in _PATHS)
    places = tuple(_place(each, f"{option}.places[{number}]") for number, each in enumerate(values["places"]))
    _refuse_twice(places, staging, option)
    return Job(
        name=name,
        option=option,
        present=True,
        kind=values["kind"],
        user=_user(values, option),
        schedule=_schedule(values["schedule"], f"{option}.schedule"),
        sections={
            **_KINDS[values["kind"]](values, option),
            **_kept(values, option),
            "notify": {**values["notify"], "command": _texts(values["notify"], "command", f"{option}.notify")},
        },
        places=places,
        metrics=writable_directory(metrics, f"{option}.metrics_directory") if metrics else "",
        staging=writable_directory(staging, f"{option}.staging") if staging else "",
        timeout=values["timeout"],
    )


def _refuse_twice(places: t.Sequence[Place], staging: str | None, option: str) -> None:
    """A backup cannot be put twice where it is, and what is staged lies in clear."""
    for number, place in enumerate(places):
        if any(place.definition == each.definition for each in places[:number]):
            raise InputError(
                option=place.option, value=dict(place.definition), expected="another place: it is there twice"
            )
        if staging and place.path and writable_directory(staging, f"{option}.staging") == place.path:
            raise InputError(
                option=f"{option}.staging", value=staging, expected="another directory than that of a place"
            )


def _user(values: Values, option: str) -> str:
    user = values["user"]
    if user is None:
        return ""
    if not user or not user.isprintable():
        raise InputError(option=f"{option}.user", value=user, expected="the name of a role")
    if values["kind"] not in _BY_ROLE:
        raise InputError(
            option=f"{option}.user",
            value=user,
            expected=f"left out: only {' or '.join(_BY_ROLE)} jobs have a role of their own",
        )
    return str(user)


def _kept(values: Values, option: str) -> dict[str, t.Any]:
    """How backups are kept, which pgBackRest has in files of its own."""
    if values["kind"] == "pgbackrest":
        return _pgbackrest(values, option)
    return {
        "compression": _compression(values["compression"], f"{option}.compression"),
        "encryption": _encryption(values["encryption"], f"{option}.encryption"),
        "retention": _retention(values["retention"], f"{option}.retention"),
    }


def _pgbackrest(values: Values, option: str) -> dict[str, t.Any]:
    wish, inner = values["pgbackrest"], f"{option}.pgbackrest"
    if not STANZA.fullmatch(wish["stanza"]):
        raise InputError(
            option=f"{inner}.stanza",
            value=wish["stanza"],
            expected="up to 64 letters, digits and _ -, a letter or a digit first",
        )
    _number(wish, "full_every", inner, least=0, most=100_000)
    _number(wish, "repositories", inner, least=1, most=256)
    if any(place["kind"] != "directory" for place in values["places"]):
        raise InputError(
            option=f"{option}.places",
            value=[place["kind"] for place in values["places"]],
            expected="directories of this host, in which pgBackRest has to write",
        )
    return {"pgbackrest": {**wish, **{name: values[name] for name in ("checkpoint", "restore_point", "marker")}}}


def _logical(values: Values, option: str) -> dict[str, t.Any]:
    _number(values, "parallel", option, least=1, most=1024)
    if values["parallel"] > 1 and not values["staging"]:
        raise InputError(
            option=f"{option}.parallel",
            value=values["parallel"],
            expected="1 without staging, as several connections write files in clear first",
        )
    patterns = {name: _texts(values, name, option) for name in _PATTERNS}
    if not patterns["databases"]:
        raise InputError(option=f"{option}.databases", value=[], expected="a pattern at least: '*' chooses all")
    return {"logical": {**patterns, "row_counts": values["row_counts"], "parallel": values["parallel"]}}


def _physical(values: Values, option: str) -> dict[str, t.Any]:
    found = {name: values[name] for name in ("checkpoint", "restore_point", "marker")}
    if values["incremental"] is not None:
        _number(values["incremental"], "full_every", f"{option}.incremental", least=2, most=1000)
        found["incremental"] = dict(values["incremental"])
    return {"physical": found}


def _wal(values: Values, option: str) -> dict[str, t.Any]:
    for name in ("behind_seconds", "behind_files"):
        _number(values["wal"], name, f"{option}.wal", least=1)
    return {"wal": dict(values["wal"])}


_KINDS: dict[str, t.Callable[[Values, str], dict[str, t.Any]]] = {
    "logical": _logical,
    "physical": _physical,
    "logs": lambda _values, _option: {},
    "pgbackrest": lambda _values, _option: {},
    "wal": _wal,
}
"""What each kind of job adds to the definition."""


def _schedule(values: Values, option: str) -> Schedule:
    calendar = checked_calendar(values["calendar"], f"{option}.calendar")
    _number(values, "random_delay", option, least=0)
    return Schedule(calendar, values["random_delay"], values["persistent"])


def _compression(values: Values, option: str) -> Values:
    _number(values, "level", option, least=-1, most=_MOST_LEVELS[values["method"]])
    return dict(values)


def _encryption(values: Values, option: str) -> Values:
    recipients = _texts(values, "recipients", option)
    strange = next((each for each in recipients if each.startswith("-")), None)
    if strange is not None:  # the programs would take it for an option
        raise InputError(option=f"{option}.recipients", value=strange, expected="a public key")
    if values["method"] == "none" and recipients:
        raise InputError(option=f"{option}.recipients", value=recipients, expected="none where method is none")
    if values["method"] != "none" and not recipients:
        raise InputError(
            option=f"{option}.recipients",
            value=recipients,
            expected=f"a public key at least for {values['method']}; method: none keeps backups in clear",
        )
    return dict(values)


def _retention(values: Values, option: str) -> Values:
    for name in _COUNTS:
        _number(values, name, option, least=0, most=100_000)
    _number(values, "at_least", option, least=1, most=100_000)
    return dict(values)


def _place(values: Values, option: str) -> Place:
    for name in _NEEDED[values["kind"]]:
        if values[name] is None:
            raise InputError(option=f"{option}.{name}", value=None, expected=f"a value, as kind is {values['kind']}")
    if values["kind"] == "directory":
        path = writable_directory(values["path"], f"{option}.path")
        return Place(path, {"kind": "directory", "path": path}, option)
    kind = values["kind"]
    given = {**values, "timeout": _TIMEOUTS[kind] if values["timeout"] is None else values["timeout"]}
    _number(given, "timeout", option, least=1, most=86400)
    if kind == "rclone":
        _remote(given["remote"], f"{option}.remote")
    else:
        _number(given, "port", option, least=1, most=65535)
        for name in ("host", "account"):
            if not _HOST.fullmatch(given[name]):
                raise InputError(
                    option=f"{option}.{name}",
                    value=given[name],
                    expected="a name of letters, digits and _ . : -, not first -",
                )
    files = tuple(full_path(given[each], f"{option}.{each}", "the full path of a file") for each in _FILES[kind])
    return Place("", {name: given[name] for name in _KEYS[kind]}, option, files=files)


_NEEDED = {
    "directory": ("path",),
    "vault": ("host", "account", "key", "known_hosts"),
    "rclone": ("remote", "config"),
}
_TIMEOUTS = {"vault": 60, "rclone": 300}  # seconds
_FILES = {"vault": ("key", "known_hosts"), "rclone": ("config",)}
_KEYS = {
    "vault": ("kind", "host", "account", "key", "known_hosts", "port", "timeout"),
    "rclone": ("kind", "remote", "config", "timeout", "retain"),
}


def _remote(remote: str, option: str) -> None:
    """No remote that is described on the spot: it could hold a key, and everybody reads the definition."""
    name, _colon, path = remote.partition(":")
    if not _REMOTE.fullmatch(name) or not path.strip("/") or {".", ".."} & set(path.split("/")):
        raise InputError(
            option=option, value=remote, expected="the name of a remote, a colon and a path, such as 'store:bucket/db1'"
        )


def _number(values: Values, name: str, option: str, *, least: int, most: int = 2**31 - 1) -> None:
    if isinstance(values[name], bool) or not least <= values[name] <= most:
        raise InputError(
            option=f"{option}.{name}", value=values[name], expected=f"a whole number from {least} to {most}"
        )


def _texts(values: Values, name: str, option: str) -> list[str]:
    """A list of texts that a program can be given."""
    if not all(each and "\0" not in each for each in values[name]):
        raise InputError(option=f"{option}.{name}", value=values[name], expected="texts that are not empty")
    return list(values[name])


def full_path(path: str, option: str, expected: str) -> str:
    """A path in its shortest form; raises InputError for what a unit could not hold between quotes."""
    parts = path.split("/")
    if not path.startswith("/") or _UNQUOTABLE.search(path) or {".", ".."} & set(parts):
        raise InputError(option=option, value=path, expected=f"{expected}, without quotes, backslashes, '.' and '..'")
    return os.path.normpath("/" + path.strip("/"))


def writable_directory(path: str, option: str) -> str:
    """The same for a directory that something is to write in; raises InputError for the system's own."""
    found = full_path(path, option, "the full path of a directory")
    if found in _NEVER or any(found == each or found.startswith(f"{each}/") for each in _NEVER_BELOW):
        raise InputError(
            option=option, value=path, expected="the full path of a directory that is not one of the system's own"
        )
    return found
