# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Jobs of the role pg_backup as pgBackRest does them: stanzas with their options, and what is started; pure; private."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.plugin_utils._backrest.options import Given
from ansible_collections.rampart.postgresql.plugins.plugin_utils._backrest.options import checked_passphrase
from ansible_collections.rampart.postgresql.plugins.plugin_utils._backrest.options import given
from ansible_collections.rampart.postgresql.plugins.plugin_utils._backrest.retention import compression
from ansible_collections.rampart.postgresql.plugins.plugin_utils._backrest.retention import retention

__all__ = ["Wish", "settings"]

Values = t.Mapping[str, t.Any]

_OPTION = "pg_backup_jobs"
_STANZA = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_OURS = (
    "name",
    "state",
    "schedule",
    "notify",
    "metrics_directory",
    "timeout",
    "cluster",
    "checkpoint",
    "marker",
    "restore_point",
)
_MAPPED = (*_OURS, "kind", "stanza", "backrest_type", "incremental", "compression", "retention", "places")
_TYPES = ("full", "diff", "incr")
_KINDS = ("physical", "wal")
_FOLDER = "pgbackrest"  # in a place: its own folders, archive and backup, may not be taken for jobs
_PASSPHRASE = "pg_backup_backrest_passphrase"
_WRITTEN = ("/var/log/pgbackrest", "/var/spool/pgbackrest")
_SHARED = ("compression", "retention", "places")  # what all jobs of a stanza have in common


@dataclasses.dataclass(frozen=True)
class Wish:
    """What jobs have that do not say it. ``options`` are pgBackRest's own."""

    defaults: Values
    cipher: str
    passphrase: object
    options: Given

    @classmethod
    def of(cls, values: Values) -> Wish:
        """Read it; raises for a cipher that there is not, and for a passphrase that is missing."""
        cipher = values.get("cipher", "aes-256-cbc")
        if cipher not in ("aes-256-cbc", "none"):
            raise InputError(option="pg_backup_backrest_cipher", value=cipher, expected="aes-256-cbc or none")
        return cls(
            defaults={name: value for name, value in values.get("defaults", {}).items() if value is not None},
            cipher=cipher,
            passphrase=values.get("passphrase"),
            options=given(values.get("options") or {}, "pg_backup_backrest_options"),
        )


def settings(jobs: t.Sequence[Values], wish: Wish) -> dict[str, t.Any]:
    """What pgBackRest has to do, see the filter `pgbackrest_settings`; raises InputError for what it cannot."""
    found = [(f"{_OPTION}[{number}]", job) for number, job in enumerate(jobs)]
    ours = [(option, job) for option, job in found if _is_ours(job)]
    stanzas = _stanzas(ours, wish)
    return {
        "others": [job for _option, job in found if not _is_ours(job)],
        "jobs": [_started(job, option, wish, stanzas[_stanza(job, option)]) for option, job in ours],
        "stanzas": list(stanzas.values()),
        "ended": _ended([job for _option, job in found if job.get("state") == "absent"], stanzas),
    }


def _stanzas(ours: t.Sequence[tuple[str, Values]], wish: Wish) -> dict[str, dict[str, t.Any]]:
    """By name. A job that says nothing of what its stanza is has what another one says."""
    stanzas: dict[str, dict[str, t.Any]] = {}
    first: dict[str, str] = {}
    for option, job in sorted(ours, key=lambda each: not set(_SHARED) & set(each[1])):
        _refuse(job, option)
        name, cluster = _stanza(job, option), str(job.get("cluster") or "")
        if name not in stanzas:
            stanzas[name] = {"cluster": cluster, "stanza": name, **_kept(job, option, wish)}
            first[name] = option
        elif set(_SHARED) & set(job) or cluster != stanzas[name]["cluster"]:
            made = {"cluster": cluster, "stanza": name, **_kept(job, option, wish)}
            _refuse_difference(made, stanzas[name], option, first[name])
    clusters = [stanza["cluster"] for stanza in stanzas.values()]
    for name, stanza in stanzas.items():
        if clusters.count(stanza["cluster"]) > 1:
            raise InputError(
                option=f"{first[name]}.stanza",
                value=name,
                expected="one stanza for all jobs of a cluster: it archives to one",
            )
    return stanzas


def _ended(gone: t.Sequence[Values], stanzas: t.Mapping[str, t.Any]) -> list[dict[str, str]]:
    """Stanzas that no job needs any more."""
    clusters = {stanza["cluster"] for stanza in stanzas.values()}
    found = {}
    for job in gone:
        name, cluster = _stanza(job, _OPTION), str(job.get("cluster") or "")
        if job.get("kind", "physical") in _KINDS and name not in stanzas and cluster not in clusters:
            found[name] = {"cluster": cluster, "stanza": name}
    return list(found.values())


def _is_ours(job: Values) -> bool:
    return job.get("state", "present") != "absent" and job.get("kind", "logical") in _KINDS


def _refuse(job: Values, option: str) -> None:
    for name in sorted(set(job) - set(_MAPPED)):
        why = "the repository is encrypted, with pg_backup_backrest_passphrase" if name == "encryption" else ""
        raise InputError(
            option=f"{option}.{name}",
            value=job[name],
            expected=f"pgBackRest has nothing like it: {why or 'it takes ' + ', '.join(sorted(_MAPPED))}",
        )


def _stanza(job: Values, option: str) -> str:
    name = job.get("stanza") or re.sub(r"[^A-Za-z0-9_-]+", "-", str(job.get("cluster") or "main")).strip("-")
    if not isinstance(name, str) or not _STANZA.fullmatch(name):
        raise InputError(
            option=f"{option}.stanza",
            value=name,
            expected="up to 64 letters, digits and _ -, a letter or a digit first",
        )
    return name


def _refuse_difference(made: Values, other: Values, option: str, first: str) -> None:
    for name in made:
        if made[name] != other[name]:
            raise InputError(
                option=option,
                value=made["stanza"],
                expected=f"a stanza has one cluster, and the same {', '.join(_SHARED)} for all its jobs: {first} differs",
            )


def _said(job: Values, name: str, option: str, wish: Wish, nothing: t.Any) -> tuple[t.Any, str]:
    """What a job says of something, or the role; and the name of the option that says it."""
    if name in job:
        return job[name], f"{option}.{name}"
    return wish.defaults.get(name, nothing), f"pg_backup_{name}"


def _kept(job: Values, option: str, wish: Wish) -> dict[str, t.Any]:
    """Lines of the stanza's files, and what its repositories are."""
    places = _paths(*_said(job, "places", option, wish, []))
    numbers = _numbers(places, option, wish.options)
    rules = retention(*_said(job, "retention", option, wish, {}))
    lines: dict[str, str] = {}
    for number in numbers:
        lines.update({f"repo{number}-{name}": str(value) for name, value in rules.items()})
        lines[f"repo{number}-cipher-type"] = wish.cipher
    lines.update({f"repo{number}-path": f"{path.rstrip('/')}/{_FOLDER}" for number, path in enumerate(places, 1)})
    packed = compression(*_said(job, "compression", option, wish, {}))
    lines.update({name: str(value) for name, value in packed.items()})
    return {
        "repositories": len(numbers),
        "directories": places,
        "lines": _overridden(lines, wish.options.plain),
        "secret_lines": _overridden(_passphrases(numbers, wish), wish.options.secret),
    }


def _numbers(places: t.Sequence[str], option: str, options: Given) -> list[int]:
    """Of the repositories: those of places, and those that the operator's own options speak of."""
    numbers = sorted({*range(1, len(places) + 1), *options.repositories})
    if not numbers:
        raise InputError(
            option=f"{option}.places",
            value=[],
            expected="a directory, or a repository in pg_backup_backrest_options (repo1-type and what belongs to it)",
        )
    if numbers != list(range(1, len(numbers) + 1)):
        raise InputError(
            option="pg_backup_backrest_options",
            value=[f"repo{number}" for number in numbers],
            expected="repositories are numbered from 1 on without a gap, those of places first",
        )
    return numbers


def _passphrases(numbers: t.Sequence[int], wish: Wish) -> dict[str, str]:
    names = [
        f"repo{number}-cipher-pass"
        for number in numbers
        if (wish.options.value(f"repo{number}-cipher-type") or wish.cipher) != "none"
    ]
    needed = [name for name in names if wish.options.value(name) is None]
    return dict.fromkeys(needed, checked_passphrase(wish.passphrase, _PASSPHRASE) if needed else "")


def _overridden(lines: Values, options: t.Sequence[tuple[str, str]]) -> list[str]:
    """What the operator says of an option is said instead."""
    names = {name for name, _value in options}
    kept = [(name, value) for name, value in lines.items() if name not in names]
    return [f"{name}={value}" for name, value in sorted([*kept, *options], key=lambda line: line[0])]


def _paths(places: t.Sequence[Values], option: str) -> list[str]:
    for number, place in enumerate(places):
        kind = place.get("kind", "directory")
        if kind != "directory":
            raise InputError(
                option=f"{option}[{number}].kind",
                value=kind,
                expected="pgBackRest puts backups into directories of this host, and elsewhere by"
                " pg_backup_backrest_options (repo1-type s3, azure, gcs or sftp); with places: [] the first is repo1",
            )
        path = place.get("path", "")
        if not isinstance(path, str) or not path.startswith("/") or not path.isprintable() or path != path.strip():
            raise InputError(option=f"{option}[{number}].path", value=path, expected="the full path of a directory")
    return [place["path"] for place in places]


def _type(job: Values, option: str) -> dict[str, t.Any]:
    if job["kind"] == "wal":
        return {"type": "check"}
    inner = job.get("incremental") or {}
    wanted = job.get("backrest_type", "incr" if inner else "full")
    if wanted not in _TYPES:
        raise InputError(option=f"{option}.backrest_type", value=wanted, expected=f"one of {', '.join(_TYPES)}")
    if set(inner) - {"full_every"}:
        raise InputError(option=f"{option}.incremental", value=inner, expected="full_every and nothing else")
    return {"type": wanted, "full_every": inner.get("full_every", 0)}


def _started(job: Values, option: str, wish: Wish, stanza: Values) -> dict[str, t.Any]:
    """Options of the module backup_job."""
    common = ("notify", "timeout", "metrics_directory")
    directories = [*stanza["directories"], *_WRITTEN, *_posix(wish.options, stanza["directories"])]
    return {
        **{name: wish.defaults[name] for name in common if name in wish.defaults},
        **{name: job[name] for name in _OURS if name in job},
        "kind": "pgbackrest",
        "pgbackrest": {
            "stanza": stanza["stanza"],
            "repositories": stanza["repositories"],
            **_type(job, option),
        },
        "encryption": {"method": "none"},
        "places": [{"kind": "directory", "path": path} for path in directories],
    }


def _posix(options: Given, places: t.Sequence[str]) -> list[str]:
    """Directories of this host that only the operator's own options name."""
    found = []
    for number in sorted(options.repositories):
        path = options.value(f"repo{number}-path")
        if path and options.value(f"repo{number}-type") in (None, "posix", "cifs") and path not in places:
            found.append(path)
    return found
