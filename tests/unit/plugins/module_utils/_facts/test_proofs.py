"""When backups were verified and restored, by what runs and drills wrote down."""

from __future__ import annotations

import json
import typing as t

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._facts.proofs import Proofs
from ansible_collections.rampart.postgresql.plugins.module_utils._facts.proofs import of_catalogue
from ansible_collections.rampart.postgresql.plugins.module_utils._facts.proofs import of_metrics
from ansible_collections.rampart.postgresql.plugins.module_utils._facts.proofs import of_status
from ansible_collections.rampart.postgresql.plugins.module_utils._facts.proofs import together

FIRST, SECOND, THIRD = (f"2026-11-{day}T00:00:00Z" for day in ("01", "02", "03"))
MOMENTS = {FIRST: 1793491200.0, SECOND: 1793577600.0, THIRD: 1793664000.0}


def made(name: str, at: str, **values: t.Any) -> dict[str, t.Any]:
    return {"event": "made", "at": at, "backup": {"id": name, "complete": True, "verified": at, **values}}


def catalogue(*events: dict[str, t.Any]) -> Proofs:
    return of_catalogue("".join(json.dumps(event) + "\n" for event in events) + '{"event": "made", "ba')


def test_the_newest_good_backup_counts() -> None:
    one, two = made("a", FIRST), made("b", SECOND)
    assert catalogue(one, two) == Proofs(MOMENTS[SECOND])
    assert catalogue(one, two, {"event": "verified", "id": "b", "at": THIRD}) == Proofs(MOMENTS[THIRD])
    assert catalogue(one, two, {"event": "damaged", "id": "b", "at": THIRD}) == Proofs(MOMENTS[FIRST])
    assert catalogue(one, two, {"event": "removed", "id": "b", "at": THIRD}) == Proofs(MOMENTS[FIRST])
    assert catalogue(one, made("b", SECOND, complete=False)) == Proofs(MOMENTS[FIRST])
    assert catalogue(one, made("b", SECOND, verified="")) == Proofs(None)
    assert catalogue() == Proofs()


def test_a_backup_that_was_restored_proves_it_when_it_is_gone() -> None:
    events = (
        made("a", FIRST),
        {"event": "restored", "id": "a", "at": SECOND},
        {"event": "removed", "id": "a", "at": THIRD},
    )
    assert catalogue(*events) == Proofs(None, MOMENTS[SECOND])


def test_metrics_are_read() -> None:
    text = (
        "# TYPE rampart_backup_last_verified_timestamp_seconds gauge\n"
        'rampart_backup_last_verified_timestamp_seconds{job_name="a"} 1793491200.5\n'
        'rampart_backup_last_restored_timestamp_seconds{job_name="a"} 1.7934912e+09\n'
        'rampart_backup_last_success_timestamp_seconds{job_name="a"} 5\n'
    )
    assert of_metrics(text) == Proofs(1793491200.5, 1793491200.0)
    assert of_metrics("") == Proofs()


@pytest.mark.parametrize(
    ("kind", "changes", "expected"),
    [
        ("logical", {}, 5.0),
        ("physical", {}, 5.0),
        ("wal", {}, None),
        ("pgbackrest", {}, None),
        ("logical", {"outcome": "failed"}, None),
        ("logical", {"stored": []}, None),
        ("logical", {"last_success_unix": "now"}, None),
    ],
)
def test_a_run_that_went_well_has_read_what_it_stored(
    kind: str, changes: dict[str, t.Any], expected: float | None
) -> None:
    status = {"outcome": "ok", "stored": ["/srv"], "last_success_unix": 5.0, **changes}
    assert of_status(kind, status).verified == expected


def test_the_newest_of_all_counts() -> None:
    assert together([Proofs(1.0, None), Proofs(3.0, 2.0), Proofs()]) == Proofs(3.0, 2.0)
    assert together([]) == Proofs()
