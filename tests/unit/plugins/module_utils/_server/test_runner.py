"""What a cluster is run by, and where a restart cannot even be asked for."""

from __future__ import annotations

import os

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import Unsupported
from ansible_collections.rampart.postgresql.plugins.module_utils._server.discovery import Cluster
from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import Account
from ansible_collections.rampart.postgresql.plugins.module_utils._server.runner import Runner


def runner(*, pid: int = 4711, unit: str | None = None, program: str = "/nonexistent/bin/postgres") -> Runner:
    cluster = Cluster(
        pid=pid,
        owner_uid=101,
        data_directory="/data",
        port=5432,
        socket_directory="/run/postgresql",
        program=program,
        arguments=(),
        name="17/main",
        log_file=None,
        unit=unit,
        status="ready",
    )
    return Runner(cluster, Account("postgres", 101, 101, (101,), "/home"), unit, {})


def test_names() -> None:
    assert str(runner(unit="postgresql@17-main.service")) == "systemd postgresql@17-main.service"
    assert str(runner()) == "pg_ctl"


@pytest.mark.parametrize(
    ("run_by", "said"),
    [
        (runner(), "no systemd unit runs 17/main, and /nonexistent/bin/pg_ctl cannot be run here"),
        (runner(pid=1), "restart the container"),
        (runner(unit="postgresql@17-main.service"), "its restart needs root"),
    ],
    ids=["no pg_ctl", "container", "no root"],
)
def test_a_restart_that_cannot_be_asked_for(monkeypatch: pytest.MonkeyPatch, run_by: Runner, said: str) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 101)
    with pytest.raises(Unsupported, match=said):
        run_by.check()


def test_a_restart_that_can_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    runner(unit="postgresql@17-main.service").check()
