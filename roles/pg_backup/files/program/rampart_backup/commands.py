# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The command line.

What a command needs is imported by it: a server starts one for every 16 MiB of WAL, and a vault as well.
"""

from __future__ import annotations

import argparse
import io
import os
import signal
import sys
import typing as t

from . import definition
from . import telling
from .faults import Ended
from .faults import Fault

if t.TYPE_CHECKING:
    from .definition import Job
    from .places.shelves import Kept

__all__ = ["main"]


def main(arguments: t.Sequence[str]) -> int:
    """Do what the command line says; returns the exit status (see `faults`)."""
    parser = _parser()
    given = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, _end)
    signal.signal(signal.SIGHUP, _end)
    try:
        return int(given.act(given) or 0)
    except Fault as fault:
        telling.log(str(fault), level="error", exit_status=fault.status)
        return fault.status
    except KeyboardInterrupt:
        return Ended.status


def _end(number: int, _frame: object) -> t.NoReturn:
    raise Ended(f"ended by {signal.Signals(number).name}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="rampart-backup", description="Make backups of PostgreSQL and prove them.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, act: t.Callable[[argparse.Namespace], int | None], words: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=words, description=words)
        made.set_defaults(act=act)
        return made

    for name, act, words in (
        ("run", _run, "Make a backup now."),
        ("check", _check, "Say what a job would do, or why it cannot."),
        ("status", _status, "Show the status of the last run."),
        ("list", _list, "Show the backups in directories of this host, and those that rclone reaches."),
        ("verify", _verify, "Read every byte of these backups again."),
    ):
        command(name, act, words).add_argument("definition", help="the definition of a job, a JSON file")
    archiving = command("archive", _archive, "Put a file of WAL into every place of a job: an archive_command.")
    archiving.add_argument("definition", help="the definition of a job of the kind wal, a JSON file")
    archiving.add_argument("path", help="the file, what PostgreSQL writes for %%p")
    command(
        "drill", _drill, "Restore the newest good backup into a cluster that is thrown away, and ask it."
    ).add_argument("definition", help="the definition of a drill, a JSON file")
    restoring = command("restore", _restore, "Restore a backup into a cluster of its own, which stays.")
    restoring.add_argument("definition", help="the definition of a drill, a JSON file: it tells place, job and key")
    restoring.add_argument("--target", required=True, metavar="DIRECTORY", help="the data directory to make")
    restoring.add_argument("--backup", default="", metavar="ID", help="which one; the newest good one otherwise")
    restoring.add_argument(
        "--until",
        default="",
        metavar="TARGET",
        help="replay the definition's archive to: end, a time with its offset, 'N minutes ago', a position, 'point NAME'",
    )
    restoring.add_argument("--replace", action="store_true", help="move aside what is there")
    restoring.add_argument("--dry-run", action="store_true", help="only say what would be done")
    concluding = command("conclude", _conclude, "Tell of a run that was killed before it could do so itself.")
    concluding.add_argument("kind", choices=("drill", "job", "pull", "vault"))
    concluding.add_argument("definition", help="a JSON file")
    command("drill-status", _drill_status, "Show the status of the last drill.").add_argument(
        "definition", help="the definition of a drill, a JSON file"
    )
    telling_all = command("report", _report, "Tell of all jobs, drills and vaults of this host what became of them.")
    telling_all.add_argument(
        "path", nargs="?", default="/etc/rampart-backup", help="a definition, or a directory of them"
    )
    fetching = command("fetch", _fetch, "Bring a file of an archive: the restore_command of a server that replays.")
    fetching.add_argument("socket", help="where the drill or the restore listens that started the server")
    fetching.add_argument("file", help="the name of the file, %%f")
    fetching.add_argument("path", help="where it has to be, %%p")
    parsing = command("parse", _parse, "Only read a definition, and say what is wrong with it.")
    parsing.add_argument("kind", choices=("drill", "job", "pull", "vault"))
    parsing.add_argument("definition", help="a JSON file")
    retaining = command("retain", _retain, "Remove what no rule keeps from where this host looks after its backups.")
    keeping = command(
        "tend", _tend, "On a vault: verify everything, remove what no rule keeps, notice who sends nothing."
    )
    for each, kind in ((retaining, "job"), (keeping, "vault")):
        each.add_argument("definition", help=f"the definition of a {kind}, a JSON file")
        each.add_argument("--dry-run", action="store_true", help="only show what would be removed")
    command("pull", _pull, "On a vault: fetch what a host offers and is not here.").add_argument(
        "definition", help="the definition of a pull, a JSON file"
    )
    offering_keys = command(
        "offer", _offer, "Let keys that standard input names, as JSON, read backups by ssh, and no others."
    )
    offering_keys.add_argument("--dry-run", action="store_true", help="only say whether something would change")
    vault = command("vault", _vault, "Serve one connection; the command of a key in authorized_keys.")
    vault.add_argument("root", help="the directory of one host's backups")
    vault.add_argument("--may", choices=("add", "offer", "read"), default="add")
    vault.add_argument("--quota", type=int, default=0, metavar="BYTES")
    vault.add_argument(
        "--patience",
        type=float,
        default=900,
        metavar="SECONDS",
        help="for how long the other side may say or take nothing",
    )
    vault.add_argument("--plain", action="store_true", help="take backups that are not encrypted, too")
    return parser


def _parser_of(kind: str) -> t.Callable[[str], t.Any]:
    from . import drill
    from . import pulling
    from . import tending

    parsers: dict[str, t.Callable[[str], t.Any]] = {
        "drill": drill.read,
        "job": definition.read,
        "pull": pulling.read,
        "vault": tending.read,
    }
    return parsers[kind]


def _parse(given: argparse.Namespace) -> None:
    _parser_of(given.kind)(given.definition)


def _conclude(given: argparse.Namespace) -> None:
    from .conclusion import conclude_killed

    defined = _parser_of(given.kind)(given.definition)
    conclude_killed(defined.name, defined.state, defined.metrics, defined.notify)


def _run(given: argparse.Namespace) -> int:
    from . import run
    from .archiving import watch
    from .sources import backrest

    job = definition.read(given.definition)
    if job.kind == "pgbackrest":
        return backrest.run(job)
    return watch.run(job, given.definition) if job.kind == "wal" else run.run(job)


def _archive(given: argparse.Namespace) -> None:
    from .archiving.archive import archive

    archive(definition.read(given.definition), given.path)


def _drill(given: argparse.Namespace) -> int:
    from . import drill

    return drill.run(drill.read(given.definition))


def _restore(given: argparse.Namespace) -> None:
    from . import drill
    from . import restore
    from .archiving import until

    wish = restore.Wish(
        given.target, given.backup, until.parse("--until", given.until), replace=given.replace, dry_run=given.dry_run
    )
    restore.run(drill.read(given.definition), wish)


def _fetch(given: argparse.Namespace) -> int:
    from .archiving.broker import fetch

    return fetch(given.socket, given.file, given.path)


def _check(given: argparse.Namespace) -> None:
    from .sources import backrest
    from .streams.sealing import Sealing

    job = definition.read(given.definition)
    if job.kind == "pgbackrest":  # which may be installed after this
        telling.show(command=" ".join(backrest.words(job, "backup")))
        return
    planned = _planned(job, given.definition)
    with Sealing(job.encryption) as sealing:
        telling.show(recipients=sealing.fingerprints(), **planned)


def _planned(job: Job, path: str) -> dict[str, t.Any]:
    from .archiving import watch
    from .places import remote
    from .sources import kinds
    from .sources.server import Server

    for place in job.places:
        if isinstance(place, definition.Rclone):
            remote.refuse_impossible(place)
    if job.kind == "wal":
        return watch.check(job, path)
    server = Server(job.cluster)
    source = kinds.source(job, server, server.about())
    source.refuse_impossible()
    return source.plan()


def _status(given: argparse.Namespace) -> None:
    from .conclusion import status_file

    job = definition.read(given.definition)
    telling.show(**telling.read_json(status_file(job.state, job.name)))


def _drill_status(given: argparse.Namespace) -> None:
    from . import drill
    from .conclusion import status_file

    defined = drill.read(given.definition)
    telling.show(**{"outcome": "never run", "error": "", **telling.read_json(status_file(defined.state, defined.name))})


def _report(given: argparse.Namespace) -> None:
    from . import reporting

    for each in reporting.reports(given.path):
        telling.show(**each)


def _kept(job: Job, *, removing: bool = False) -> list[Kept]:
    from .faults import DefinitionFault
    from .places.shelves import kept
    from .sources import backrest

    if job.kind == "pgbackrest":
        raise DefinitionFault(
            f"pgBackRest looks after its backups itself: {' '.join(backrest.words(job, 'verify'))}, or expire"
        )
    return kept(job, removing=removing)


def _list(given: argparse.Namespace) -> None:
    from .archiving import keeping
    from .sources import backrest

    job = definition.read(given.definition)
    if job.kind == "pgbackrest":
        for backup in backrest.backups(job):
            telling.show(**backup)
        return
    for store in _kept(job):
        for record in store.records():
            telling.show(**{**vars(record), "place": store.path, "parts": [vars(part) for part in record.parts]})
    for archive in keeping.of(job):
        telling.show(**keeping.everything(archive))


def _verify(given: argparse.Namespace) -> None:
    from . import tending
    from .archiving import keeping
    from .faults import VerificationFault

    job = definition.read(given.definition)
    wrong = [each for store in _kept(job) for each in tending.verify(store)]
    wrong += [each for archive in keeping.of(job) for each in keeping.verify(archive)]
    if wrong:
        raise VerificationFault("; ".join(wrong))


def _retain(given: argparse.Namespace) -> None:
    from .archiving import keeping
    from .places.retention import decide

    job = definition.read(given.definition)
    doomed: set[str] = set()
    for store in _kept(job, removing=True):
        for decision in decide(store.records(), job.retention):
            telling.show(place=store.path, id=decision.record.id, keep=decision.keep, why=decision.why)
            if not decision.keep:
                doomed.add(decision.record.id)
                if not given.dry_run:
                    store.remove(decision.record, at=telling.now())
    for each in keeping.retain(job, doomed, dry_run=given.dry_run):
        telling.show(**each.shown())


def _tend(given: argparse.Namespace) -> int:
    from . import tending

    return tending.run(tending.read(given.definition), dry_run=given.dry_run)


def _pull(given: argparse.Namespace) -> int:
    from . import pulling

    return pulling.run(pulling.read(given.definition))


def _offer(given: argparse.Namespace) -> None:
    from .places import offering

    telling.show(changed=offering.offer(sys.stdin.read(), sys.argv[0], dry_run=given.dry_run))


def _vault(given: argparse.Namespace) -> None:
    from .places.vault import Vault
    from .streams.patient import Patient

    os.umask(0o077)
    source, target = (Patient(stream.fileno(), given.patience) for stream in (sys.stdin, sys.stdout))
    vault = Vault(given.root, given.patience, given.may, given.quota, sealed_only=not given.plain)
    vault.serve(os.environ.get("SSH_ORIGINAL_COMMAND", ""), io.BufferedReader(source), t.cast("t.IO[bytes]", target))
