"""A clock that jumps: it is told, every backup stays that has to, and none of another time hides that nothing comes."""

from __future__ import annotations

import json
import pathlib
import typing as t

import pytest

from ansible_collections.rampart.postgresql.tests.conformance.backup.test_drill import drill
from ansible_collections.rampart.postgresql.tests.conformance.backup.test_faults import alarmed
from ansible_collections.rampart.postgresql.tests.conformance.backup.test_faults import fails_while
from ansible_collections.rampart.postgresql.tests.conformance.backup.test_faults import prepared
from ansible_collections.rampart.postgresql.tests.conformance.backup.vaults import Vault

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from ansible_collections.rampart.postgresql.tests.conformance.backup.jobs import Jobs

pytestmark = [pytest.mark.with_clients, pytest.mark.in_turn]


@pytest.fixture
def vault(jobs: Jobs) -> Iterator[Vault]:
    """One that trusts two keys."""
    made = Vault(jobs)
    yield made
    made.close()


def at(offset: str, **more: str) -> dict[str, str]:
    """The environment in which a program sees another time."""
    (library,) = pathlib.Path("/usr/lib").glob("*/faketime/libfaketime.so.1")
    fake = {"LD_PRELOAD": str(library), "FAKETIME": offset, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    return {"PATH": "/usr/local/bin:/usr/bin:/bin", **fake, **more}


def test_a_clock_that_was_ahead(jobs: Jobs) -> None:
    told = jobs.state / "told"
    definition = jobs.define(
        logical={"databases": ["postgres"]},
        retention={"last": 2},
        notify={"command": ["/bin/sh", "-c", f"cat >>{told}; echo >>{told}"]},
    )
    values = {"roots": [{"path": str(jobs.place), "retention": {"last": 2}, "newest": 1}], "state": str(jobs.state)}
    tending = jobs.directory / "vault.json"
    tending.write_text(json.dumps(values))
    assert jobs.call("run", definition).status == 0
    assert jobs.call("tend", tending).status == 0
    first = jobs.status()["id"]
    assert jobs.call("run", definition, env=at("+3650d")).status == 0
    ahead = jobs.status()["id"]
    done = jobs.call("tend", tending)
    assert (done.status, f"{ahead} is said to be of" in done.told) == (11, True), done.told
    done = jobs.call("run", definition)
    assert (done.status, "the clock of this host was wrong, or is" in done.told) == (17, True), done.told
    alarmed(jobs, 17)
    assert jobs.status()["stored"] == [str(jobs.place)]
    third = jobs.status()["id"]
    assert {each.name for each in jobs.backups()} == {ahead, third}
    assert first not in {ahead, third}
    assert drill(jobs).status == 0
    assert jobs.status("drill")["id"] == third
    assert jobs.call("tend", tending).status == 0
    assert jobs.call("run", definition).status == 0
    assert {each.name for each in jobs.backups()} == {third, jobs.status()["id"]}
    assert jobs.call("verify", definition).status == 0


@pytest.mark.parametrize("jump", ["+2d", "-2d"])
def test_a_clock_that_jumps_in_a_run(jobs: Jobs, vault: Vault, jump: str) -> None:
    clock = jobs.directory / "clock"
    clock.write_text("+0")
    clock.chmod(0o644)
    job = prepared(jobs, vault)
    before = len(jobs.backups())
    environment = at("", FAKETIME_TIMESTAMP_FILE=str(clock), FAKETIME_NO_CACHE="1")
    del environment["FAKETIME"]
    done = fails_while(jobs, job, lambda _running: bool(clock.write_text(jump)), kept=1, env=environment)
    assert (done.status, "the clock of this host jumped by" in done.told) == (17, True), done.told
    alarmed(jobs, 17, told=False)  # faketime has poll() fail after a jump
    assert (len(jobs.backups()), len(vault.backups())) == (before + 1, before + 1)
    assert jobs.call("verify", job).status == 0
