# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When the backups of a job were proved, as its places tell: drills and vaults write it there."""

from __future__ import annotations

import contextlib
import datetime
import time
import typing as t

from ..faults import Fault
from .shelves import shelf

if t.TYPE_CHECKING:
    from ..definition import Job

__all__ = ["proofs"]

_TOLERANCE: t.Final = 3600  # seconds by which clocks of hosts may differ


def proofs(job: Job) -> dict[str, float | None]:
    """Metrics: when the newest good backup was verified, and when one was restored last; None for what nobody knows."""
    verified, restored = [""], [""]
    for place in job.places:
        with contextlib.suppress(Fault, OSError):  # the run tells of a place that is away
            records = shelf(place, job.name).records()
            verified += [record.verified for record in records if record.good and not record.removed][-1:]
            restored += [record.restored for record in records]
    return {
        "last_verified_timestamp_seconds": _seconds(max(verified)),
        "last_restored_timestamp_seconds": _seconds(max(restored)),
    }


def _seconds(stamp: str) -> float | None:
    """What is yet to come did not happen."""
    try:
        moment = datetime.datetime.strptime(stamp, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=datetime.timezone.utc)
    except ValueError:
        return None
    return moment.timestamp() if moment.timestamp() <= time.time() + _TOLERANCE else None
