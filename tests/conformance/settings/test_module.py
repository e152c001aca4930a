# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Parameters on real servers: set, nothing to do, tampered with, corrected, refused.

Most runs are made in this process and without a rehearsal, which has tests of its own; some go through the module.
"""

from __future__ import annotations

import pathlib
import typing as t

import psycopg
import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._converge import converge
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._server import server as _server
from ansible_collections.rampart.postgresql.plugins.module_utils._server.session import Options
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.arguments import component
from ansible_collections.rampart.postgresql.tests.conformance.modules import Result
from ansible_collections.rampart.postgresql.tests.conformance.modules import run_module

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

NAME = "zz_rampart.conf"

# Two spellings of each value, and what the server shows.
VALUES: tuple[tuple[str, object, object, str], ...] = (
    ("DateStyle", "iso, dmy", "DMY,ISO", ""),
    ("TimeZone", "utc", "UTC", "UTC"),
    ("authentication_timeout", "30s", 30, "30s"),
    ("autovacuum_work_mem", "100kB", 100, ""),
    ("checkpoint_completion_target", 0.7654321, "0.7654321", "0.765432"),
    ("client_min_messages", "WARNING", "warning", "warning"),
    ("log_connections", ["receipt", "authentication", "authorization"], True, ""),
    ("log_destination", "stderr,csvlog", ["csvlog", "stderr"], ""),
    ("log_file_mode", "0640", 0o640, "0640"),
    ("log_line_prefix", "it's %m [%p] \\ ", "it's %m [%p] \\ ", "it's %m [%p] \\ "),
    ("log_min_duration_statement", "5s", "5000", "5s"),
    ("log_statement", "DDL", "ddl", "ddl"),
    ("search_path", ["$user", "public"], '"$user",public', '"$user", public'),
    ("seq_page_cost", 1.5, "15e-1", "1.5"),
    ("statement_timeout", "1h", "60min", "1h"),
    ("wal_buffers", -1, "-1", ""),
    ("work_mem", "0x2000", "8MB", "8MB"),
)


def run(server: Server, *, check: bool = False, rehearse: bool = False, **options: t.Any) -> Result:
    """What the module would return."""
    try:
        with _server.Server.open(Options(cluster=str(server.data_directory), rehearse=rehearse)) as opened:
            values = converge(server=opened, components=[component(options)], check_mode=check).result()
    except RampartError as error:
        values = {"failed": True, "msg": str(error), **error.details}
    return Result(values=values, output=repr(values))


def run_settings(server: Server, *, check: bool = False, **options: t.Any) -> Result:
    """Run the module itself."""
    return run_module("settings", server, check=check, **options)


def good(result: Result) -> Result:
    assert not result.failed, result.output
    return result


def bad(server: Server, **options: t.Any) -> Result:
    """Run with a fault, in check mode and for real: refused, and no file changed."""
    before = files(server)
    for check in (True, False):
        result = run(server, check=check, **options)
        assert result.failed, result.output
        assert files(server) == before
    return result


def files(server: Server) -> dict[str, str]:
    """Every configuration file, with its content."""
    paths = [*server.data_directory.glob("*.conf"), *server.data_directory.glob("conf.d/*")]
    return {str(path): path.read_text(encoding="utf-8", errors="surrogateescape") for path in paths}


def show(server: Server, name: str) -> str:
    [[value]] = server.query(f"SHOW {name}")
    return str(value)


def waits(result: Result) -> list[str]:
    return [item["parameter"] for item in result.values["restart_required"]]


def append(path: pathlib.Path, text: str) -> None:
    with path.open("a", encoding="utf-8") as stream:
        stream.write(text)


def test_parameters_are_set_once_and_kept(fresh_server: Server) -> None:
    first = {name: value for name, value, _second, _shown in VALUES}
    second = {name: value for name, _first, value, _shown in VALUES}
    before = files(fresh_server)
    predicted = good(run_settings(fresh_server, check=True, parameters=first))
    assert predicted.changed
    assert files(fresh_server) == before
    done = good(run_settings(fresh_server, parameters=first))
    assert done.changed
    assert done.values["steps"] == predicted.values["steps"]
    for name, _first, _second, shown in VALUES:
        if shown:
            assert show(fresh_server, name) == shown, name
    after = files(fresh_server)
    for values in (first, second):
        for check in (True, False):
            assert not good(run(fresh_server, check=check, parameters=values)).changed
    assert files(fresh_server) == after
    main = before[str(fresh_server.conf_file)]
    assert after[str(fresh_server.conf_file)] == f"{main}include '{NAME}'\n"


def test_tampering_is_reported_and_corrected(fresh_server: Server) -> None:
    wanted = {"log_statement": "ddl", "work_mem": "8MB"}
    good(run(fresh_server, parameters=wanted))
    dropin = fresh_server.data_directory / NAME
    correct = dropin.read_text(encoding="utf-8")
    for damage in (
        correct.replace("ddl", "none"),
        correct.replace("# END", "#"),
        f"{correct}work_mem = 1MB\n",
        "# nothing\n",
    ):
        dropin.write_text(damage, encoding="utf-8")
        fresh_server.reload()
        assert good(run(fresh_server, check=True, parameters=wanted)).changed
        assert dropin.read_text(encoding="utf-8") == damage
        assert good(run(fresh_server, parameters=wanted)).changed
        assert dropin.read_text(encoding="utf-8") == correct
        assert (show(fresh_server, "log_statement"), show(fresh_server, "work_mem")) == ("ddl", "8MB")
    # The include line gone, the file still there.
    text = fresh_server.conf_file.read_text(encoding="utf-8")
    fresh_server.conf_file.write_text(text.replace(f"include '{NAME}'\n", ""), encoding="utf-8")
    fresh_server.reload()
    assert show(fresh_server, "log_statement") == "none"
    assert good(run(fresh_server, parameters=wanted)).changed
    assert show(fresh_server, "log_statement") == "ddl"


def test_a_run_that_was_killed_before_the_reload_is_finished(fresh_server: Server) -> None:
    good(run(fresh_server, parameters={"log_statement": "ddl", "log_duration": True, "statement_timeout": "1h"}))
    dropin = fresh_server.data_directory / NAME
    text = dropin.read_text(encoding="utf-8")
    dropin.write_text(
        text.replace("ddl", "mod").replace("log_duration = on\n", "").replace("1h", "2h"), encoding="utf-8"
    )
    wanted = {"log_statement": "mod", "statement_timeout": "2h"}
    done = good(run(fresh_server, parameters=wanted))
    assert [step["description"] for step in done.values["steps"]] == [
        "load log_statement, statement_timeout, log_duration"
    ]
    assert [show(fresh_server, name) for name in ("log_statement", "log_duration", "statement_timeout")] == [
        "mod",
        "off",
        "2h",
    ]
    assert not good(run(fresh_server, parameters=wanted)).changed


def test_the_file_goes_into_the_included_directory(fresh_server: Server) -> None:
    directory = fresh_server.data_directory / "conf.d"
    with fresh_server.owner.acting():
        directory.mkdir()
    append(fresh_server.conf_file, "include_dir = 'conf.d'\n")
    (directory / "50.conf").write_text("log_statement = none\n", encoding="utf-8")
    main = fresh_server.conf_file.read_text(encoding="utf-8")
    done = good(run(fresh_server, parameters={"log_statement": "ddl"}))
    assert [step["subject"] for step in done.values["steps"]] == [str(directory / NAME)]
    assert show(fresh_server, "log_statement") == "ddl"
    assert fresh_server.conf_file.read_text(encoding="utf-8") == main
    assert (directory / NAME).stat().st_uid == fresh_server.owner.uid
    (directory / "zzz.conf").write_text("log_statement = all\n", encoding="utf-8")
    refused = bad(fresh_server, parameters={"log_statement": "ddl"})
    assert f"{directory}/zzz.conf:1" in refused.message
    (directory / "zzz.conf").write_text("log_statement = 'DDL'\n", encoding="utf-8")
    assert not good(run(fresh_server, parameters={"log_statement": "ddl"})).changed


def test_sections_have_owners(fresh_server: Server) -> None:
    good(run(fresh_server, sections={"a": {"log_statement": "ddl"}, "b": {"work_mem": "8MB"}}))
    refused = bad(fresh_server, sections={"c": {"WORK_MEM": "9MB"}})
    assert "sections.c.WORK_MEM" in refused.message
    assert "section b" in refused.message
    good(run(fresh_server, sections={"a": {"log_duration": True}}))
    assert (show(fresh_server, "log_statement"), show(fresh_server, "work_mem")) == ("none", "8MB")
    good(run(fresh_server, sections={"b": {}, "c": {"WORK_MEM": "9MB"}}))
    assert show(fresh_server, "work_mem") == "9MB"


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"log_statment": "ddl"}, "nearest known name is log_statement"),
        ({"auth_delay.milliseconds": 500}, "no loaded or preloaded library owns"),
        ({"max_connections": 0}, "max_connections takes an integer from 1 to 262143"),
        ({"work_mem": "5 m"}, "with a unit (B, kB, MB, GB, TB)"),
        ({"log_statement": "everything"}, "one of none, ddl, mod, all"),
        ({"server_version": "1"}, "only shows server_version"),
        ({"ssl": "onn"}, "on or off"),
    ],
)
def test_bad_input_is_refused(server: Server, parameters: dict[str, t.Any], words: str) -> None:
    assert words in bad(server, parameters=parameters).message


def test_what_only_the_server_can_judge_is_refused(fresh_server: Server) -> None:
    wanted = {"log_timezone": "Nowhere/Land", "log_statement": "ddl"}
    refused = run(fresh_server, rehearse=True, parameters=wanted)
    assert refused.failed
    assert "log_timezone" in refused.message
    assert not (fresh_server.data_directory / NAME).exists()
    result = run(fresh_server, parameters=wanted)
    assert result.failed, result.output
    assert "log_timezone" in result.message
    assert result.values["undone"]
    assert show(fresh_server, "log_statement") == "none"
    assert not (fresh_server.data_directory / NAME).exists()
    assert good(run(fresh_server, parameters={**wanted, "log_timezone": "UTC"})).changed


def test_libraries_are_merged_and_a_restart_succeeds(fresh_server: Server) -> None:
    append(fresh_server.conf_file, "shared_preload_libraries = 'pg_stat_statements'\n")
    assert "nosuch" in bad(fresh_server, preload=["nosuch"]).message
    wanted: dict[str, t.Any] = {
        "preload": ["auth_delay", "pg_stat_statements"],
        "sections": {"delay": {"auth_delay.milliseconds": 300, "pg_stat_statements.max": 200}},
    }
    done = good(run(fresh_server, **wanted))
    assert waits(done) == ["shared_preload_libraries"]
    again = good(run(fresh_server, **wanted))
    assert not again.changed
    assert again.values["restart_required"] == [
        {"parameter": "shared_preload_libraries", "running": "", "configured": "pg_stat_statements, auth_delay"}
    ]
    fresh_server.restart()
    assert show(fresh_server, "shared_preload_libraries") == "pg_stat_statements, auth_delay"
    assert (show(fresh_server, "auth_delay.milliseconds"), show(fresh_server, "pg_stat_statements.max")) == (
        "300ms",
        "200",
    )
    wanted["sections"]["delay"]["auth_delay.milliseconds"] = "0.3s"
    after = good(run(fresh_server, **wanted))
    assert (after.changed, waits(after)) == (False, [])
    # The delay is real, and gone when it is taken out again.
    misspelt = bad(fresh_server, sections={"delay": {"auth_delay.millisecond": 300}})
    assert "nearest known name is auth_delay.milliseconds" in misspelt.message
    good(run(fresh_server, sections={"delay": {}}))
    assert show(fresh_server, "auth_delay.milliseconds") == "0"


def test_a_restart_is_announced_until_it_happened(fresh_server: Server) -> None:
    expected = [{"parameter": "max_connections", "running": "100", "configured": "50"}]
    for check, changed in ((True, True), (False, True), (False, False), (True, False)):
        result = good(run(fresh_server, check=check, parameters={"max_connections": 50}))
        assert (result.changed, result.values["restart_required"]) == (changed, expected)
    fresh_server.restart()
    assert waits(good(run(fresh_server, parameters={"max_connections": 50}))) == []
    expected = [{"parameter": "max_connections", "running": "50", "configured": "100"}]
    for check in (True, False):
        back = good(run(fresh_server, check=check, parameters={}))
        assert back.changed
        assert back.values["restart_required"] == expected


@pytest.mark.in_turn
def test_what_was_never_in_force_waits_for_nothing(fresh_server: Server) -> None:
    """The server says for ever that such a parameter waits."""
    waiting = good(run(fresh_server, parameters={"unix_socket_permissions": "0770"}))
    assert waits(waiting) == ["unix_socket_permissions"]
    assert waits(good(run(fresh_server, parameters={}))) == []
    said = fresh_server.query("SELECT name FROM pg_catalog.pg_settings WHERE pending_restart")
    assert said == [("unix_socket_permissions",)]
    assert waits(good(run(fresh_server, parameters={}))) == []
    assert not run_module("server_restart", fresh_server, check=True).changed


@pytest.mark.in_turn
@pytest.mark.parametrize("line", ["work_mem 1 MB", "nonesuch = 1", "include 'nonesuch.conf'"])
def test_a_configuration_that_the_server_would_not_load(fresh_server: Server, line: str) -> None:
    """Somebody else's mistake: it is told before anything is written, and while there is nothing to do."""
    wanted = {"log_statement": "ddl"}
    good(run(fresh_server, parameters=wanted))
    append(fresh_server.conf_file, f"{line}\n")
    number = len(fresh_server.conf_file.read_text(encoding="utf-8").splitlines())
    told = f"the server would load none of its configuration: {fresh_server.conf_file}:{number}: "
    assert any(told in warning for warning in good(run(fresh_server, parameters=wanted)).values["warnings"])
    assert "so nothing was changed" in bad(fresh_server, parameters={"log_statement": "all"}).message


@pytest.mark.in_turn
def test_a_value_in_another_encoding_is_named(fresh_server: Server) -> None:
    with fresh_server.conf_file.open("ab") as stream:
        stream.write(b"primary_conninfo = 'password=hidden'\nlog_line_prefix = 'caf\xe9'\n")
    refused = bad(fresh_server, parameters={"log_statement": "ddl"})
    assert "text that is not in UTF-8, near log_line_prefix" in refused.message
    assert "hidden" not in refused.output


@pytest.mark.in_turn
def test_a_file_that_is_included_further_down_is_stronger(fresh_server: Server) -> None:
    place = fresh_server.data_directory / "conf.d"
    with fresh_server.owner.acting():
        place.mkdir()
        (fresh_server.data_directory / "late.conf").write_text("work_mem = 3MB\n", encoding="utf-8")
    with fresh_server.conf_file.open("a", encoding="utf-8") as stream:
        stream.write("include_dir 'conf.d'\ninclude 'late.conf'\n")
    fresh_server.reload()
    wanted = {"work_mem": "9MB"}
    assert "late.conf:1 sets it to '3MB'" in bad(fresh_server, parameters=wanted).message
    assert not list(place.iterdir())
    good(run(fresh_server, parameters=wanted, overrides="remove"))
    assert show(fresh_server, "work_mem") == "9MB"


STRONGER = (
    ("SYSTEM", "postgresql.auto.conf:3"),
    ("DATABASE template1", "SET for database template1"),
    ("ROLE app", "SET for role app"),
    ("ROLE app IN DATABASE postgres", "SET for role app in database postgres"),
    ("ROLE ALL", "SET for all roles"),
)


def test_a_stronger_place_is_named(fresh_server: Server) -> None:
    fresh_server.query("CREATE ROLE app LOGIN")
    for place, source in STRONGER:
        fresh_server.query(f"ALTER {place} SET work_mem = '2MB'")
        fresh_server.reload()
        wanted = {"work_mem": "8MB", "log_statement": "ddl"}
        refused = bad(fresh_server, parameters=wanted)
        assert refused.values["overridden_by"][0]["source"].endswith(source)
        assert source in refused.message
        reported = good(run(fresh_server, parameters=wanted, overrides="report"))
        assert [(item["parameter"], item["value"]) for item in reported.values["overridden_by"]] == [
            ("work_mem", "2MB")
        ]
        assert show(fresh_server, "log_statement") == "ddl"
        assert not good(run(fresh_server, parameters=wanted, overrides="report")).changed
        good(run(fresh_server, parameters={**wanted, "work_mem": 2048}))  # an equal value is no conflict
        fresh_server.query(f"ALTER {place} RESET work_mem")
        fresh_server.reload()
        good(run(fresh_server, parameters=wanted))
        assert show(fresh_server, "work_mem") == "8MB"
        good(run(fresh_server, parameters={}))


def test_names_of_other_versions(fresh_server: Server) -> None:
    wanted = {"ssl_groups": "prime256v1", "log_connections": "on", "scram_iterations": 8192}
    done = good(run(fresh_server, parameters=wanted, optional=["scram_iterations"]))
    assert not good(run(fresh_server, parameters=wanted, optional=["scram_iterations"])).changed
    known = bool(fresh_server.query("SELECT 1 FROM pg_settings WHERE name = 'scram_iterations'"))
    assert [item["subject"] for item in done.values["left_alone"]] == ([] if known else ["scram_iterations"])
    with fresh_server.connect() as connection:
        connection.execute("SET client_min_messages = error")
        if known:
            assert connection.execute("SHOW scram_iterations").fetchone() == ("8192",)
        else:
            with pytest.raises(psycopg.errors.UndefinedObject):
                connection.execute("SHOW scram_iterations")


def test_what_patroni_manages_is_refused(fresh_server: Server) -> None:
    trace = fresh_server.data_directory / "patroni.dynamic.json"
    trace.write_text("{}", encoding="utf-8")
    refused = bad(fresh_server, parameters={"log_statement": "ddl"})
    assert "patronictl edit-config" in refused.message
    trace.unlink()
    good(run(fresh_server, parameters={"log_statement": "ddl"}))


def test_root_does_not_follow_a_planted_link(fresh_server: Server, tmp_path: pathlib.Path) -> None:
    target = tmp_path / "root-only"
    target.write_text("precious", encoding="utf-8")
    target.chmod(0o600)
    (fresh_server.data_directory / NAME).symlink_to(target)
    bad(fresh_server, parameters={"log_statement": "ddl"})
    assert target.read_text(encoding="utf-8") == "precious"
    (fresh_server.data_directory / NAME).unlink()
    good(run(fresh_server, parameters={"log_statement": "ddl"}))


def test_secrets_are_in_no_output(fresh_server: Server) -> None:
    for secret in ("host=a password=geheim1", "host=a password=geheim2"):
        done = good(run_settings(fresh_server, rehearse=False, parameters={"primary_conninfo": secret}))
        assert done.changed
        # Ansible itself returns the options of the call, as it does for every module.
        done.values.pop("invocation", None)
        assert "geheim" not in str(done.values)
    assert (fresh_server.data_directory / NAME).stat().st_mode & 0o777 == 0o600
