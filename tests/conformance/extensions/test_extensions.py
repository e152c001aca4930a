# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Extensions in databases of real servers: they wait for their library, and their parameters wait for them."""

from __future__ import annotations

import typing as t

import psycopg
import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._extensions.arguments import component
from ansible_collections.rampart.postgresql.plugins.module_utils._settings import arguments as settings
from ansible_collections.rampart.postgresql.tests.conformance.components import NeverProven
from ansible_collections.rampart.postgresql.tests.conformance.components import run_components
from ansible_collections.rampart.postgresql.tests.conformance.modules import Result
from ansible_collections.rampart.postgresql.tests.conformance.modules import run_module

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._converge import Component
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Workshop

ODD = 'my "odd" däta; --'
LIBRARY = "pg_stat_statements"
STATISTICS = {
    "name": LIBRARY,
    "library": LIBRARY,
    "databases": ["postgres", ODD],
    "role": 'Aud"itor',
    "parameters": {"pg_stat_statements.track": "all", "pg_stat_statements.track_utility": False},
}


def run(
    server: Server, *present: dict[str, t.Any], check: bool = False, preload: t.Sequence[str] = (), undo: bool = False
) -> Result:
    def build() -> list[Component]:
        wanted: list[Component] = [settings.component({"preload": list(preload)} if preload else {})]
        wanted.append(component({"present": list(present)}))
        return [*wanted, NeverProven()] if undo else wanted

    return run_components(server, build, check=check, rehearse=False)


def good(result: Result) -> Result:
    assert not result.failed, result.output
    return result


def extensions(server: Server, database: str) -> set[str]:
    with server.connect(dbname=database) as connection:
        return {row[0] for row in connection.execute("SELECT extname FROM pg_catalog.pg_extension").fetchall()}


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def setting(server: Server, name: str) -> str | None:
    [[value]] = server.query(f"SELECT pg_catalog.current_setting('{name}', true)")
    return None if value is None else str(value)


def test_it_waits_for_its_library_and_goes_on_after_the_restart(fresh_server: Server) -> None:
    server = fresh_server
    server.query(f"CREATE DATABASE {quoted(ODD)}")
    first = good(run(server, STATISTICS, preload=[LIBRARY]))
    assert {step["component"] for step in first.values["steps"]} == {"settings"}
    assert [item["parameter"] for item in first.values["restart_required"]] == ["shared_preload_libraries"]
    reason = f"it waits until the server has loaded the library {LIBRARY} at its start"
    assert [(item["subject"], item["reason"]) for item in first.values["left_alone"]] == [
        (f"extension {quoted(LIBRARY)} in database {quoted(name)}", reason) for name in ("postgres", ODD)
    ]
    assert first.values["waiting_extensions"] == [{"extension": LIBRARY, "library": LIBRARY}]
    assert not good(run(server, STATISTICS, preload=[LIBRARY])).changed
    assert "track" not in (server.data_directory / "zz_rampart.conf").read_text("utf-8")

    server.restart()
    foretold = good(run(server, STATISTICS, preload=[LIBRARY], check=True))
    assert extensions(server, ODD) == {"plpgsql"}
    done = good(run(server, STATISTICS, preload=[LIBRARY]))
    assert done.values["steps"] == foretold.values["steps"]
    assert [step["statement"] for step in done.values["steps"][:3]] == [
        'CREATE ROLE "Aud""itor" NOLOGIN',
        'CREATE EXTENSION IF NOT EXISTS "pg_stat_statements" SCHEMA "public"',
        'CREATE EXTENSION IF NOT EXISTS "pg_stat_statements" SCHEMA "public"',
    ]
    assert done.values["waiting_extensions"] == []
    assert {LIBRARY} < extensions(server, "postgres") and {LIBRARY} < extensions(server, ODD)
    assert setting(server, "pg_stat_statements.track") == "all"
    assert setting(server, "pg_stat_statements.track_utility") == "off"
    assert server.query("""SELECT rolcanlogin FROM pg_catalog.pg_roles WHERE rolname = 'Aud"itor'""") == [(False,)]
    for check in (True, False):
        assert not good(run(server, STATISTICS, preload=[LIBRARY], check=check)).changed

    with server.connect(dbname=ODD) as connection:  # somebody takes it away while its parameters are set
        connection.execute(f"DROP EXTENSION {LIBRARY}")
    again = good(run(server, STATISTICS, preload=[LIBRARY]))
    assert [step["subject"] for step in again.values["steps"]] == [
        f"extension {quoted(LIBRARY)} in database {quoted(ODD)}"
    ]
    assert setting(server, "pg_stat_statements.track") == "all"


@pytest.mark.in_turn
def test_what_cannot_be_proved_is_taken_back_in_every_database(fresh_server: Server) -> None:
    server = fresh_server
    server.query(f"CREATE DATABASE {quoted(ODD)}")
    wanted = {"name": "pgcrypto", "databases": ["all"], "role": "auditor"}
    refused = run(server, wanted, undo=True)
    assert refused.failed
    assert len([line for line in refused.values["undone"] if line.startswith("taken back")]) == 4
    for database in ("postgres", "template1", ODD):
        assert extensions(server, database) == {"plpgsql"}
    assert not server.query("SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = 'auditor'")
    good(run(server, wanted))  # the positive control
    server.query("CREATE DATABASE later")
    for database in ("postgres", "template1", ODD, "later"):
        assert extensions(server, database) == {"plpgsql", "pgcrypto"}
    assert not good(run(server, wanted)).changed


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ({"name": "pgcrypto", "databases": ["postgres", "shpo"]}, ["present[0].databases[1]", "'shpo'", "postgres"]),
        ({"name": "pgcrypto", "databases": ["template0"]}, ["present[0].databases[0]", "accepts connections"]),
        ({"name": "pgcrypt"}, ["present[0].name", "'pgcrypt'", "install its package"]),
        ({"name": "pgcrypto", "schema": "nowhere"}, ["present[0].schema", "'nowhere'", '"postgres"']),
        ({"name": "pgcrypto", "role": "somebody"}, ["present[0].role", "'somebody'", "cannot log in"]),
    ],
    ids=["database", "closed", "name", "schema", "role"],
)
def test_what_cannot_be_is_refused_with_its_option(server: Server, wanted: dict[str, t.Any], words: list[str]) -> None:
    server.query("DROP ROLE IF EXISTS somebody")
    server.query("CREATE ROLE somebody LOGIN")
    for check in (True, False):
        refused = run(server, wanted, check=check)
        assert refused.failed
        assert all(word in refused.message for word in words), refused.message
    server.query("DROP ROLE somebody")
    assert extensions(server, "postgres") == {"plpgsql"}


@pytest.mark.in_turn
def test_an_extension_that_says_where_it_belongs_goes_there(fresh_server: Server) -> None:
    fresh_server.query("DROP EXTENSION plpgsql")
    good(run(fresh_server, {"name": "plpgsql"}))
    [[schema]] = fresh_server.query(
        "SELECT extnamespace::regnamespace::text FROM pg_catalog.pg_extension WHERE extname = 'plpgsql'"
    )
    assert schema == "pg_catalog"


@pytest.mark.in_turn
def test_a_standby_gets_them_from_its_primary(workshop: Workshop, fresh_server: Server) -> None:
    standby = workshop.standby(fresh_server)
    wanted = {"name": "pgcrypto", "role": "auditor"}
    waits = good(run(standby, wanted))
    assert not waits.changed
    assert [item["subject"] for item in waits.values["left_alone"]] == [
        'extension "pgcrypto" in database "postgres"',
        'role "auditor"',
    ]
    assert all("a standby takes no writes" in item["reason"] for item in waits.values["left_alone"])
    good(run(fresh_server, wanted))
    for _attempt in range(100):
        if "pgcrypto" in extensions(standby, "postgres"):
            break
        standby.query("SELECT pg_sleep(0.1)")
    assert good(run(standby, wanted)).values["left_alone"] == []
    workshop.discard(standby)


@pytest.mark.in_turn
def test_a_database_that_nobody_can_look_into_is_named(fresh_server: Server) -> None:
    fresh_server.query("CREATE DATABASE shut")
    rules = fresh_server.hba_file.read_text("utf-8")
    with fresh_server.owner.acting():
        fresh_server.hba_file.write_text(f"local shut all reject\n{rules}", "utf-8")
    fresh_server.query("SELECT pg_reload_conf()")
    with pytest.raises(psycopg.OperationalError):
        extensions(fresh_server, "shut")
    refused = run(fresh_server, {"name": "pgcrypto", "databases": ["all"]})
    assert refused.failed
    assert "'shut'" in refused.message and "look into" in refused.message
    good(run(fresh_server, {"name": "pgcrypto"}))


@pytest.mark.in_turn
def test_the_module_and_the_composed_one_are_the_same(fresh_server: Server) -> None:
    present = [{"name": "pgcrypto", "databases": ["postgres"]}]
    predicted = good(run_module("cluster", fresh_server, check=True, extensions={"present": present}))
    alone = good(run_module("extensions", fresh_server, present=present))
    assert alone.values["steps"] == predicted.values["steps"]
    assert alone.values["diff"][0]["after_header"].startswith('extension "pgcrypto" in database "postgres"')
    assert not good(run_module("cluster", fresh_server, extensions={"present": present})).changed
