"""Names, definitions and catalogues that nobody expects."""

from __future__ import annotations

import json
import typing as t

import pytest
from psycopg import sql

from ansible_collections.rampart.postgresql.tests.conformance.backup.test_drill import drill

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.tests.conformance.backup.jobs import Jobs

pytestmark = [pytest.mark.with_clients, pytest.mark.in_turn]

_NAMES: t.Final = (
    "../up",
    "%2e%2e%2f",
    "host=/nowhere user=x",
    "quo'te\"d \\back",
    "$(touch x); `id`",
    "\u00fc" * 31 + "x",
    "/" * 63,
    "-Fp",
    " ",
    ":'variable'",
)


def test_names_that_are_hostile(jobs: Jobs) -> None:
    for name in _NAMES:
        with jobs.server.connect() as connection:
            connection.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(name)))
            connection.execute(sql.SQL("CREATE DATABASE {0} OWNER {0}").format(sql.Identifier(name)))
        with jobs.server.connect(dbname=name) as connection:
            connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(name)))
            connection.execute(sql.SQL("CREATE TABLE {0}.{0} AS SELECT 1 AS one").format(sql.Identifier(name)))
    definition = jobs.define()
    done = jobs.call("run", definition)
    assert done.status == 0, done.told
    (backup,) = jobs.backups()
    databases = [part["database"] for part in json.loads((backup / "backup.json").read_text())["parts"]]
    assert set(_NAMES) < set(databases)
    assert jobs.call("verify", definition).status == 0
    done = drill(jobs, checks=[{"database": _NAMES[0], "query": 'SELECT one FROM "../up"."../up"', "expected": "1"}])
    assert done.status == 0, done.told
    assert jobs.status("drill")["tables"] == len(_NAMES)


def test_a_name_with_an_end_of_line_is_dumped_or_told(jobs: Jobs) -> None:
    with jobs.server.connect() as connection:
        connection.execute('CREATE DATABASE "two\nlines"')
        connection.execute("CREATE DATABASE one")
    definition = jobs.define()
    done = jobs.call("run", definition)
    if done.status == 0:
        assert drill(jobs).status == 0
    else:
        assert (done.status, list(jobs.status()["missing"])) == (14, ["two\nlines"]), done.told
    assert [each for each in jobs.backups()[0].iterdir() if each.name == "database-one.dump.age"]


def test_a_catalogue_full_of_garbage_hides_no_backup(jobs: Jobs) -> None:
    definition = jobs.define(logical={"databases": ["postgres"]}, retention={"last": 5})
    assert jobs.call("run", definition).status == 0
    catalogue = jobs.place / "nightly" / "catalogue.jsonl"
    garbage = (b"\xff\xfe\0", b"[" * 100_000, b"{}", b"1", b'{"event": "made", "backup": {"parts": ["x"]}}')
    more = (b'{"event": "made"}', b'{"event": "verified", "id": ["x"]}', b'{"event": 1}', b'{"event": "made", "ba')
    catalogue.write_bytes(b"\n".join((*garbage, catalogue.read_bytes().rstrip(), *more)))
    assert jobs.call("run", definition).status == 0
    assert jobs.call("verify", definition).status == 0
    assert len(jobs.call("list", definition).shown) == 2
    catalogue.unlink()
    assert len(jobs.call("list", definition).shown) == 2
    assert jobs.call("run", definition).status == 0
    made = [each["id"] for each in jobs.call("list", definition).shown]
    assert sorted(made) == [each.name for each in jobs.backups()]
    lines = catalogue.read_text().splitlines(keepends=True)
    catalogue.write_text(
        "".join(line for line in lines if f'"id": "{made[-1]}"' not in line)
    )  # killed before it was noted
    assert jobs.call("run", definition).status == 0
    assert [each["id"] for each in jobs.call("list", definition).shown] == [*made, jobs.status()["id"]]
    assert drill(jobs).status == 0
    assert jobs.status("drill")["id"] == jobs.status()["id"]


_DEFINITIONS: t.Final[tuple[tuple[dict[str, t.Any], str], ...]] = (
    ({"name": "../x"}, "name"),
    ({"name": ["x"]}, "name"),
    ({"places": {"kind": "directory"}}, "places"),
    ({"places": [None]}, "places[0]"),
    ({"places": [{"kind": "vault", "host": "-oProxyCommand=x", "account": "a"}]}, "host"),
    ({"cluster": {"label": "x", "bindir": "/x", "host": "/x", "port": 10**30}}, "cluster.port"),
    ({"cluster": {"label": "x", "bindir": "/x\0", "host": "/x"}}, "cluster.bindir"),
    ({"retention": {"last": 1e9}}, "retention.last"),
    ({"retention": {"last": True}}, "retention.last"),
    ({"state": 7}, "state"),
    ({"surprise": 1}, "surprise is not known"),
    ({"notify": {"command": "rm -rf /"}}, "notify.command"),
    ({"encryption": {"method": "age", "recipients": ["-x"]}}, "encryption.recipients"),
)
_TEXTS: t.Final = ("", "[", "[" * 100_000, "null", '{"name": "\\ud800"}', "\ufeff{}")


def test_a_definition_that_is_hostile_is_refused_by_name(jobs: Jobs) -> None:
    path = jobs.define()
    values = json.loads(path.read_text())
    assert jobs.call("check", path).status == 0
    for change, said in _DEFINITIONS:
        path.write_text(json.dumps({**values, **change}))
        done = jobs.call("check", path)
        assert (done.status, said in done.told, "Traceback" in done.told) == (2, True, False), done.told
    for text in _TEXTS:
        path.write_text(text)
        done = jobs.call("check", path)
        assert (done.status, "Traceback" in done.told) == (2, False), done.told
    path.write_text(json.dumps({**values, "encryption": {"method": "age", "recipients": ["age1nobody"]}}))
    assert jobs.call("check", path).status == 12
