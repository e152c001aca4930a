"""What may be said about a connection."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._server.session import Options


def test_values_that_were_not_given_keep_their_defaults() -> None:
    options = Options.from_task({"port": 5433, "user": None, "timeout": 60, "rules": []})
    assert (options.port, options.user, options.dbname, options.timeout) == (5433, None, "postgres", 60)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"cluster": "17/main", "port": 5432}, "cluster: '17/main' cannot be used: not together with port"),
        ({"port": 70000}, "port: 70000 cannot be used: a TCP port from 1 to 65535"),
        ({"timeout": 0}, "timeout: 0 cannot be used: a number from 1 up"),
        ({"history_keep": 0}, "history_keep: 0 cannot be used"),
    ],
)
def test_what_cannot_be_meant_is_refused(values: dict[str, t.Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Options.from_task(values)


@pytest.mark.parametrize(("host", "remote"), [(None, False), ("/run/postgresql", False), ("db1", True), ("::1", True)])
def test_a_host_that_is_a_directory_is_local(host: str | None, remote: bool) -> None:
    assert Options(host=host).is_remote is remote


def test_a_password_is_not_in_the_text_of_the_options() -> None:
    assert "s3cret" not in repr(Options(password="s3cret"))
