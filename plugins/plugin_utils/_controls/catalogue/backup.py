# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Controls of backup: whether there is one, whether it was tried, and the state of archiving and slots; private to the collection."""

from __future__ import annotations

import functools
import typing as t

from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.benchmarks import cis
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.model import Applies
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.model import Control
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.model import Fix

__all__ = ["BACKUP"]

_WITH_JOBS: t.Final = Applies(condition="backups.jobs", reason="There is no job of this collection.")
_JOBS: t.Final = Fix(
    "pg_backup", "pg_backup_jobs", "[{name: nightly, schedule: '*-*-* 01:00:00'}, {name: wal, kind: wal}]"
)
_DRILLS: t.Final = Fix(
    "pg_backup_drill",
    "pg_backup_drill_drills",
    "[{name: weekly, job: HOST/nightly, place: {kind: vault, host: VAULT}}]  # on a host for drills",
)

_backup = functools.partial(Control, area="backup")

BACKUP: tuple[Control, ...] = (
    _backup(
        id="RPG-BAK-001",
        title="There are backups",
        severity="critical",
        rationale=(
            "What is not backed up is gone one day. Jobs of this collection count, and tools that leave something in the server's"
            " configuration; pgBackRest does with a stanza for this cluster."
        ),
        expression="(!(backups.jobs) && !(backups.tools) && ['neither a job nor a tool for backups is here']) || `[]`",
        evidence="{jobs: backups.jobs[].name, tools: backups.tools[].name}",
        fix=_JOBS,
        references=cis("7.3", "8.2"),
    ),
    _backup(
        id="RPG-BAK-002",
        title="The last good backup is not older than eight days",
        severity="high",
        rationale="A job that fails and nobody hears of is found out when its backup is needed.",
        expression=(
            "backup_jobs[?last_success_days == null || last_success_days > `8`].{job: name, last_success_epoch: last_success_epoch}"
        ),
        applies=_WITH_JOBS,
        fix=_JOBS,
        references=cis("7.3"),
    ),
    _backup(
        id="RPG-BAK-003",
        title="Backups were verified within eight days",
        severity="medium",
        rationale="A file that has lost some bytes looks like a backup until it is read.",
        expression=(
            "backup_jobs[?kind != 'wal' && (verified_days == null || verified_days > `8`)]"
            ".{job: name, verified_epoch: verified_epoch}"
        ),
        applies=_WITH_JOBS,
        fix=_JOBS,
        references=cis("7.3"),
    ),
    _backup(
        id="RPG-BAK-004",
        title="Backups were restored within three months",
        severity="high",
        rationale="Only a restore shows that there is everything that a restore takes, keys and people included.",
        expression=(
            "backup_jobs[?kind != 'wal' && (restored_days == null || restored_days > `92`)]"
            ".{job: name, restored_epoch: restored_epoch}"
        ),
        applies=_WITH_JOBS,
        fix=_DRILLS,
        references=cis("7.3"),
    ),
    _backup(
        id="RPG-BAK-005",
        title="Backups are encrypted",
        severity="high",
        rationale="A backup is all of the data, outside of everything that guards it in the server.",
        expression="backups.jobs[?encrypted == `false`].{job: name, places: places, encrypted: encrypted}",
        unclear="backups.jobs[?encrypted == `null`].join(' ', ['nobody knows whether those of', name, 'are'])",
        applies=_WITH_JOBS,
        fix=Fix("pg_backup", "pg_backup_encryption_method", "age"),
    ),
    _backup(
        id="RPG-BAK-006",
        title="Backups are kept on another host",
        severity="high",
        rationale="Who takes the host, or the fire that does, takes the backups on it.",
        expression="backups.jobs[?off_host == `false`].{job: name, places: places}",
        unclear="backups.jobs[?off_host == `null`].join(' ', ['nobody knows where those of', name, 'are'])",
        applies=_WITH_JOBS,
        fix=Fix("pg_backup", "pg_backup_places", "[{kind: vault, host: VAULT}]"),
    ),
    _backup(
        id="RPG-BAK-007",
        title="WAL is archived",
        severity="medium",
        rationale="Without it a restore ends at the last backup; all that was written since is gone.",
        expression="[replication.archiving][?mode == 'off' || (!command_set && !library)].{mode: mode}",
        evidence="replication.archiving.{mode: mode, library: library}",
        fix=_JOBS,
        references=cis("7.4"),
    ),
    _backup(
        id="RPG-BAK-008",
        title="The archiver does not fail",
        severity="critical",
        rationale="What is not archived is missing from every restore, and piles up until the disk is full.",
        expression=(
            "[replication.archiving][?last_failed_epoch && (!last_archived_epoch || last_failed_epoch > last_archived_epoch)]"
            ".{failed_count: failed_count, last_failed_epoch: last_failed_epoch}"
        ),
        fix=_JOBS,
        references=cis("7.4"),
    ),
    _backup(
        id="RPG-BAK-009",
        title="Every replication slot is in use",
        severity="medium",
        rationale="A slot that nobody reads keeps WAL until the disk is full.",
        expression="replication.slots[?!active].{name: name, kind: kind, wal_status: wal_status}",
    ),
    _backup(
        id="RPG-BAK-010",
        title="Slots keep no more WAL than there is room for",
        severity="low",
        rationale="Without max_slot_wal_keep_size one standby that is away can fill the disk of the primary.",
        expression="[settings.max_slot_wal_keep_size][?setting == '-1'].{name: 'max_slot_wal_keep_size', setting: setting}",
        evidence="settings.max_slot_wal_keep_size.setting",
        applies=Applies(condition="replication.slots", reason="There is no slot."),
        fix=Fix("pg_network", "pg_network_parameters", "{max_slot_wal_keep_size: 10GB}"),
    ),
    _backup(
        id="RPG-BAK-011",
        title="No slot has lost its WAL",
        severity="high",
        rationale="What read from it has to be made anew, and until then a standby or subscriber falls behind.",
        expression="replication.slots[?wal_status == 'lost' || invalidation_reason].{name: name, reason: invalidation_reason}",
    ),
    _backup(
        id="RPG-BAK-013",
        title="No job failed when it ran last",
        severity="high",
        rationale="The next backup that is needed may be the one that was not made.",
        expression="backups.jobs[?outcome == 'failed'].{job: name, last_success_epoch: last_success_epoch}",
        applies=_WITH_JOBS,
        fix=Fix("pg_backup", "pg_backup_notify", "{command: [/usr/local/bin/tell], when: failure}"),
    ),
    _backup(
        id="RPG-BAK-014",
        title="Every job has a timer that is active",
        severity="high",
        rationale="A job that nobody starts makes no backup, and nothing fails.",
        expression="backups.jobs[?scheduled == `false`].{job: name, schedule: schedule}",
        applies=_WITH_JOBS,
        fix=_JOBS,
        references=cis("7.3"),
    ),
    _backup(
        id="RPG-BAK-012",
        title="What grows lies outside of the data directory",
        severity="low",
        rationale="A log, WAL or tablespace of its own file system cannot stop the cluster by filling its disk.",
        expression="inside_data_directory",
        references=cis("8.1"),
        depends_on=("log_directory",),
    ),
)
