# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Parameters in other places than our file: ALTER SYSTEM, what is given back to the default, what is stronger."""

from __future__ import annotations

import pathlib
import typing as t

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._settings.arguments import component
from ansible_collections.rampart.postgresql.tests.conformance.components import NeverProven
from ansible_collections.rampart.postgresql.tests.conformance.components import run_components
from ansible_collections.rampart.postgresql.tests.conformance.modules import Result

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

NAME = "zz_rampart.conf"


def run(server: Server, *, check: bool = False, rehearse: bool = False, **options: t.Any) -> Result:
    return run_components(server, lambda: [component(options)], check=check, rehearse=rehearse)


def good(result: Result) -> Result:
    assert not result.failed, result.output
    return result


def converged(server: Server, *, rehearse: bool = False, **options: t.Any) -> Result:
    """Check mode changes nothing and says what the run does; after the run nothing is left to do."""
    before = everything(server)
    predicted = good(run(server, check=True, **options))
    assert predicted.changed
    assert everything(server) == before
    done = good(run(server, rehearse=rehearse, **options))
    for told in ("steps", "restart_required", "new_session_required"):
        assert done.values[told] == predicted.values[told]
    after = everything(server)
    for check in (True, False):
        again = good(run(server, check=check, **options))
        assert not again.changed, again.output
        assert again.values["restart_required"] == done.values["restart_required"]
    assert everything(server) == after
    return done


def refused(server: Server, **options: t.Any) -> Result:
    """In check mode and for real: an error, and nothing changed."""
    before = everything(server)
    for check in (True, False):
        result = run(server, check=check, **options)
        assert result.failed, result.output
        assert everything(server) == before
    return result


def undone(server: Server, **options: t.Any) -> Result:
    """Made, then taken back because another component denies that it took effect."""
    before = everything(server)
    result = run_components(server, lambda: [component(options), NeverProven()], rehearse=False)
    assert result.failed
    assert "not in force" in result.message
    assert not any("NOT taken back" in line for line in result.values["undone"]), result.output
    assert everything(server) == before
    return result


def everything(server: Server) -> tuple[dict[str, list[str]], list[t.Any]]:
    """The lines of every configuration file, those of postgresql.auto.conf in any order, and the settings of roles."""
    paths = [*server.data_directory.glob("*.conf"), *server.data_directory.glob("conf.d/*")]
    lines = {str(path): path.read_text(encoding="utf-8").splitlines() for path in paths}
    lines[str(automatic(server))].sort()
    roles = server.query("SELECT setdatabase, setrole, unnest(setconfig) FROM pg_db_role_setting ORDER BY 1, 2, 3")
    return lines, roles


def automatic(server: Server) -> pathlib.Path:
    return server.data_directory / "postgresql.auto.conf"


def show(server: Server, name: str) -> str:
    [[value]] = server.query(f"SHOW {name}")
    return str(value)


def append(path: pathlib.Path, text: str) -> None:
    with path.open("a", encoding="utf-8") as stream:
        stream.write(text)


def waits(result: Result) -> list[tuple[str, str, str]]:
    return [(item["parameter"], item["running"], item["configured"]) for item in result.values["restart_required"]]


def test_alter_system_keeps_the_parameters(fresh_server: Server) -> None:
    fresh_server.query("ALTER SYSTEM SET work_mem = '2MB'")
    fresh_server.query("ALTER SYSTEM SET log_duration = on")
    wanted = {
        "work_mem": "8MB",
        "log_statement": "DDL",
        "max_connections": 50,
        "log_line_prefix": "it's %m [%p] \\ ",
        "search_path": ["$user", "public"],
        "log_destination": ["stderr", "csvlog"],
        "unix_socket_directories": [str(fresh_server.socket_directory), "/tmp"],
        "DateStyle": "ISO, DMY",
    }
    options: dict[str, t.Any] = {"store": "alter_system", "parameters": wanted}
    undone(fresh_server, **options)
    done = converged(fresh_server, rehearse=True, **options)
    assert ("max_connections", "100", "50") in waits(done)
    assert [show(fresh_server, name) for name in ("work_mem", "log_statement", "log_duration")] == ["8MB", "ddl", "on"]
    assert not (fresh_server.data_directory / NAME).exists()
    # A name that is not given stays; another spelling is nothing to do.
    assert not good(run(fresh_server, store="alter_system", parameters={"work_mem": "8192kB"})).changed
    fresh_server.restart()
    assert [show(fresh_server, name) for name in ("max_connections", "log_line_prefix", "search_path")] == [
        "50",
        "it's %m [%p] \\ ",
        '"$user", public',
    ]
    after = good(run(fresh_server, **options))
    assert (after.changed, waits(after)) == (False, [])


def test_libraries_in_alter_system(fresh_server: Server) -> None:
    append(fresh_server.conf_file, "shared_preload_libraries = 'pg_stat_statements'\n")
    options: dict[str, t.Any] = {"store": "alter_system", "preload": ["passwordcheck", "$libdir/auth_delay"]}
    undone(fresh_server, **options)
    done = converged(fresh_server, **options)
    configured = 'pg_stat_statements, passwordcheck, "$libdir/auth_delay"'
    assert waits(done) == [("shared_preload_libraries", "", configured)]
    fresh_server.restart()
    assert show(fresh_server, "shared_preload_libraries") == configured
    options = {"store": "alter_system", "parameters": {"auth_delay.milliseconds": "1ms"}}
    converged(fresh_server, **options)  # loaded by now
    assert show(fresh_server, "auth_delay.milliseconds") == "1ms"
    converged(fresh_server, store="alter_system", preload_absent=["auth_delay"], reset=["auth_delay.milliseconds"])
    fresh_server.restart()
    assert show(fresh_server, "shared_preload_libraries") == "pg_stat_statements, passwordcheck"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"parameters": {"auth_delay.milliseconds": 1}, "preload": ["auth_delay"]}, "library that is not loaded yet"),
        ({"parameters": {"session_preload_libraries": []}}, "empty list"),
        ({"parameters": {"log_line_prefix": "a\nb"}}, "line ends"),
        ({"parameters": {"data_directory": "/x"}}, "cannot be changed with ALTER SYSTEM"),
        ({"parameters": {"primary_conninfo": "password=geheim"}}, "may hold a secret"),
        ({"parameters": {"work_mem": "1"}}, "work_mem takes an integer"),
    ],
)
def test_what_alter_system_cannot_keep_is_refused(server: Server, options: dict[str, t.Any], words: str) -> None:
    result = refused(server, store="alter_system", **options)
    assert words in result.message
    assert result.message.startswith(f"parameters.{next(iter(options['parameters']))}: ")
    assert "geheim" not in result.output


def test_a_fault_in_alter_system_is_rehearsed(server: Server) -> None:
    wanted = {"max_connections": 10, "superuser_reserved_connections": 20}
    result = refused(server, store="alter_system", rehearse=True, parameters=wanted)
    assert "superuser_reserved_connections" in result.message


def test_configuration_files_outside_of_the_data_directory(fresh_server: Server) -> None:
    directory = fresh_server.data_directory.parent / "etc"
    fresh_server.stop()
    with fresh_server.owner.acting():
        directory.mkdir()
        text = fresh_server.conf_file.read_text(encoding="utf-8")
        (directory / "postgresql.conf").write_text(
            f"{text}data_directory = '{fresh_server.data_directory}'\nwork_mem = 2MB\n", encoding="utf-8"
        )
    fresh_server.start(options=f"-c config_file={directory}/postgresql.conf")
    wanted: dict[str, t.Any] = {"max_connections": 10, "superuser_reserved_connections": 20}
    assert run(fresh_server, store="alter_system", rehearse=True, parameters=wanted).failed
    wanted["superuser_reserved_connections"] = 5
    good(run(fresh_server, store="alter_system", rehearse=True, parameters=wanted, reset=["work_mem"]))
    assert (directory / "postgresql.conf").read_text(encoding="utf-8").endswith("#work_mem = 2MB\n")
    assert show(fresh_server, "work_mem") == "4MB"
    assert not good(run(fresh_server, store="alter_system", parameters=wanted, reset=["work_mem"])).changed


@pytest.mark.since(17)
def test_alter_system_that_is_switched_off(fresh_server: Server) -> None:
    fresh_server.query("ALTER SYSTEM SET work_mem = '2MB'")
    append(fresh_server.conf_file, "allow_alter_system = off\n")
    fresh_server.reload()
    wanted = {"work_mem": "8MB"}
    for options, option in (
        ({"store": "alter_system", "parameters": wanted}, "store: 'alter_system'"),
        ({"reset": ["work_mem"]}, "reset[0]: 'work_mem'"),
        ({"overrides": "remove", "parameters": wanted}, "overrides: 'work_mem'"),
    ):
        result = refused(fresh_server, **options)
        assert result.message.startswith(f"{option} cannot be used: ")
        assert "allow_alter_system is off" in result.message
    assert not good(run(fresh_server, store="alter_system", parameters={"work_mem": "2MB"})).changed


def set_everywhere(server: Server, name: str = "work_mem") -> None:
    """One parameter in every place, each with a value of its own."""
    with server.owner.acting():
        (server.data_directory / "conf.d").mkdir()
    append(server.conf_file, f"{name} = 1MB   # ours since 2019\n{name.upper()} '2MB'\ninclude_dir = 'conf.d'\n")
    (server.data_directory / "conf.d" / "50.conf").write_text(f"# ours\n\t{name} = 3MB\n", encoding="utf-8")
    server.reload()
    good(run(server, sections={"kept": {"log_statement": "ddl"}, "both": {name: "4MB", "log_duration": True}}))
    (server.data_directory / "conf.d" / "zzz.conf").write_text(f"{name} = 5MB", encoding="utf-8")
    server.query(f"ALTER SYSTEM SET {name} = '6MB'")
    server.query('CREATE ROLE "an app" LOGIN')
    for place in ("ROLE ALL", 'ROLE "an app"', "DATABASE template1", 'ROLE "an app" IN DATABASE postgres'):
        server.query(f"ALTER {place} SET {name} = '7MB'")
    server.query("ALTER ROLE \"an app\" SET search_path = '$user', 'It''s'")
    server.reload()


def test_a_parameter_goes_back_to_its_default_in_every_place(fresh_server: Server) -> None:
    set_everywhere(fresh_server)
    undone(fresh_server, reset=["WORK_MEM"])
    done = converged(fresh_server, reset=["WORK_MEM"])
    assert show(fresh_server, "work_mem") == "4MB"
    [[source]] = fresh_server.query("SELECT source FROM pg_settings WHERE name = 'work_mem'")
    assert source == "default"
    text = fresh_server.conf_file.read_text(encoding="utf-8")
    assert "\n#work_mem = 1MB   # ours since 2019\n#WORK_MEM '2MB'\ninclude_dir = 'conf.d'\n" in text
    directory = fresh_server.data_directory / "conf.d"
    assert (directory / "50.conf").read_text(encoding="utf-8") == "# ours\n#\twork_mem = 3MB\n"
    assert (directory / "zzz.conf").read_text(encoding="utf-8") == "#work_mem = 5MB"
    assert [show(fresh_server, name) for name in ("log_statement", "log_duration")] == ["ddl", "on"]
    assert fresh_server.query("SELECT unnest(setconfig) FROM pg_db_role_setting") == [
        ('search_path="$user", "It\'s"',),
    ]
    assert len(done.values["steps"]) == 9
    assert [item["parameter"] for item in done.values["new_session_required"]] == ["work_mem"]


def test_a_list_of_a_role_is_put_back_as_it_was(fresh_server: Server) -> None:
    set_everywhere(fresh_server)
    fresh_server.query("ALTER SYSTEM SET search_path = 'A b', 'c'")
    fresh_server.query("ALTER DATABASE postgres SET search_path = ''")
    fresh_server.reload()
    undone(fresh_server, reset=["search_path"])
    converged(fresh_server, reset=["search_path"])


def test_a_reset_of_what_needs_a_restart_is_announced(fresh_server: Server) -> None:
    append(fresh_server.conf_file, "max_connections = 70\n")
    fresh_server.restart()
    done = converged(fresh_server, reset=["max_connections"])
    assert waits(done) == [("max_connections", "70", "100")]
    fresh_server.restart()
    after = good(run(fresh_server, reset=["max_connections"]))
    assert (after.changed, waits(after)) == (False, [])


def test_a_reset_that_was_not_loaded_is_finished(fresh_server: Server) -> None:
    fresh_server.query("ALTER SYSTEM SET log_statement = 'ddl'")
    fresh_server.reload()
    fresh_server.query("ALTER SYSTEM RESET log_statement")
    done = good(run(fresh_server, reset=["log_statement"]))
    assert [step["description"] for step in done.values["steps"]] == ["load log_statement"]
    assert show(fresh_server, "log_statement") == "none"


def test_resets_that_cannot_be(server: Server) -> None:
    for options, words in (
        ({"reset": ["work_mem"], "parameters": {"WORK_MEM": "8MB"}}, "a name that parameters.WORK_MEM does not set"),
        ({"reset": ["log_statment"]}, "nearest known name is log_statement"),
        ({"reset": ["server_version"]}, "only shows server_version"),
        ({"reset": ["shared_preload_libraries"], "preload": []}, "a name that preload does not set"),
    ):
        result = refused(server, **options)
        assert result.message.startswith("reset[0]: ")
        assert words in result.message
    left = good(run(server, reset=["no_such_name"], optional=["no_such_name"]))
    assert (left.changed, [item["subject"] for item in left.values["left_alone"]]) == (False, ["no_such_name"])
    assert not good(run(server, reset=["nobody.knows", "log_statement"])).changed


def test_a_standby_keeps_what_roles_have(fresh_server: Server) -> None:
    fresh_server.query("ALTER ROLE ALL SET work_mem = '7MB'")
    fresh_server.query("ALTER SYSTEM SET work_mem = '6MB'")
    (fresh_server.data_directory / "standby.signal").touch()
    fresh_server.restart()
    for options in (
        {"reset": ["work_mem"]},
        {"store": "alter_system", "parameters": {"log_statement": "ddl"}, "reset": ["work_mem"]},
    ):
        done = converged(fresh_server, **options)
        assert [item["subject"] for item in done.values["left_alone"]] == ["SET work_mem for all roles"]
    assert [show(fresh_server, name) for name in ("work_mem", "log_statement")] == ["7MB", "ddl"]
    kept = good(run(fresh_server, parameters={"work_mem": "8MB"}, overrides="remove"))
    assert [item["source"] for item in kept.values["overridden_by"]] == ["SET for all roles"]


def test_what_is_stronger_is_removed(fresh_server: Server) -> None:
    set_everywhere(fresh_server)
    options: dict[str, t.Any] = {
        "sections": {"both": {"work_mem": "8MB", "log_duration": True}},
        "overrides": "remove",
    }
    undone(fresh_server, **options)
    done = converged(fresh_server, **options)
    assert done.values["overridden_by"] == []
    assert show(fresh_server, "work_mem") == "8MB"
    # What is weaker stays as it is.
    text = fresh_server.conf_file.read_text(encoding="utf-8")
    assert "\nwork_mem = 1MB   # ours since 2019\nWORK_MEM '2MB'\n" in text
    directory = fresh_server.data_directory / "conf.d"
    assert (directory / "50.conf").read_text(encoding="utf-8") == "# ours\n\twork_mem = 3MB\n"
    assert (directory / "zzz.conf").read_text(encoding="utf-8") == "#work_mem = 5MB"
    assert fresh_server.query("SELECT unnest(setconfig) FROM pg_db_role_setting") == [
        ('search_path="$user", "It\'s"',),
    ]


def test_the_command_line_stays_what_it_is(fresh_server: Server) -> None:
    fresh_server.stop()
    fresh_server.start(options="-c work_mem=2MB")
    assert refused(fresh_server, reset=["work_mem"]).message.startswith("reset[0]: 'work_mem' cannot be used: ")
    for store in ("drop_in", "alter_system"):
        result = refused(fresh_server, store=store, parameters={"work_mem": "8MB"}, overrides="remove")
        assert "the server's command line sets it" in result.message
    assert "command line" in refused(fresh_server, parameters={"work_mem": "8MB"}).message


def test_files_of_pg_auto_failover_are_not_edited(fresh_server: Server) -> None:
    path = fresh_server.data_directory / "postgresql-auto-failover.conf"
    path.write_text("work_mem = 2MB\n", encoding="utf-8")
    append(fresh_server.conf_file, f"include '{path.name}'\n")
    fresh_server.reload()
    assert "belongs to pg_auto_failover" in refused(fresh_server, reset=["work_mem"]).message
    assert (
        "belongs to pg_auto_failover"
        in refused(fresh_server, parameters={"work_mem": "8MB"}, overrides="remove").message
    )
