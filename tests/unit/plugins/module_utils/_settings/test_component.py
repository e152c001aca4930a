# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From options and an observed server to a plan."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import ManagedElsewhere
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import ExpectedParameter
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import ParameterBecomes
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import PendingRestart
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Reload
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import WriteFile
from ansible_collections.rampart.postgresql.plugins.module_utils._settings import dropin
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.arguments import component
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.deciding import Circumstances
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.names import Catalogue
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.places import FileSetting
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.places import RoleSetting
from ansible_collections.rampart.postgresql.tests.unit.plugins.module_utils._settings.observed import DROPIN
from ansible_collections.rampart.postgresql.tests.unit.plugins.module_utils._settings.observed import FILE
from ansible_collections.rampart.postgresql.tests.unit.plugins.module_utils._settings.observed import INCLUDE
from ansible_collections.rampart.postgresql.tests.unit.plugins.module_utils._settings.observed import MAIN
from ansible_collections.rampart.postgresql.tests.unit.plugins.module_utils._settings.observed import applied
from ansible_collections.rampart.postgresql.tests.unit.plugins.module_utils._settings.observed import plan
from ansible_collections.rampart.postgresql.tests.unit.plugins.module_utils._settings.observed import state
from ansible_collections.rampart.postgresql.tests.unit.plugins.module_utils._settings.observed import written


def test_a_new_file_in_the_included_directory() -> None:
    before = state()
    planned = plan(before, parameters={"ssl": True, "log_statement": "DDL"})
    assert written(planned) == dropin.render({"parameters": {"ssl": "on", "log_statement": "ddl"}})
    [step] = planned.steps
    assert step.reload
    assert step.description == "set log_statement, ssl"
    assert isinstance(step.operation, WriteFile)
    assert (step.operation.before, step.operation.mode) == (None, 0o644)
    assert plan(applied(before, planned), parameters={"ssl": "yes", "log_statement": "ddl"}).steps == ()


@pytest.mark.parametrize(
    ("main", "after"), [("", "include 'zz_rampart.conf'\n"), ("#x", "#x\ninclude 'zz_rampart.conf'\n")]
)
def test_one_line_is_appended_where_no_directory_is_included(main: str, after: str) -> None:
    planned = plan(state(main=main), parameters={"ssl": True})
    assert [step.subject for step in planned.steps] == ["/etc/pg/zz_rampart.conf", MAIN]
    assert written(planned, MAIN) == after
    assert planned.steps[1].reload


def test_a_missing_include_line_is_noticed_later_too() -> None:
    planned = plan(state(main="", sections={"parameters": {"ssl": "on"}}), parameters={"ssl": True})
    assert [step.subject for step in planned.steps] == [MAIN]


def test_another_spelling_is_no_change() -> None:
    present = state(sections={"parameters": {"work_mem": "8MB"}}, running={"work_mem": {"setting": "8192"}})
    for value in ("8MB", 8192, "8192kB", "0x2000", "8.0 MB"):
        assert plan(present, parameters={"work_mem": value}).steps == ()
    assert "work_mem = '9MB'" in written(plan(present, parameters={"work_mem": "9MB"}))


@pytest.mark.parametrize(
    "tamper", [lambda text: text + "ssl = off\n", lambda text: text.replace("# END", "# end"), lambda _text: ""]
)
def test_what_was_done_by_hand_to_our_file_is_undone(tamper: t.Callable[[str], str]) -> None:
    good = dropin.render({"parameters": {"work_mem": "4MB"}})
    planned = plan(state(text=tamper(good)), parameters={"work_mem": "4MB"})
    assert written(planned) == good


def test_a_file_that_others_may_write_is_closed() -> None:
    planned = plan(state(sections={"parameters": {"work_mem": "4MB"}}, mode=0o666), parameters={"work_mem": 4096})
    [step] = planned.steps
    assert isinstance(step.operation, WriteFile)
    assert (step.operation.mode, step.description) == (0o644, "mode 0644")


def test_a_section_that_is_given_is_exact_and_others_stay() -> None:
    present = state(
        sections={"tls": {"ssl": "on"}, "memory": {"work_mem": "8MB"}},
        running={"ssl": {"setting": "on"}, "work_mem": {"setting": "8192"}},
    )
    planned = plan(present, sections={"tls": {"ssl": True, "log_statement": "ddl"}})
    assert dropin.parse(written(planned)) == {
        "tls": {"ssl": "on", "log_statement": "ddl"},
        "memory": {"work_mem": "8MB"},
    }
    planned = plan(present, sections={"tls": {}})
    assert dropin.parse(written(planned)) == {"memory": {"work_mem": "8MB"}}
    assert planned.steps[0].description == "remove ssl"


def test_nothing_wanted_writes_nothing() -> None:
    assert plan(state(), parameters={}).steps == ()
    assert plan(state()).steps == ()


@pytest.mark.parametrize(
    ("values", "sections", "words"),
    [
        ({"sections": {"a": {"ssl": True}, "b": {"SSL": True}}}, {}, ["sections.b.SSL", "sections.a.ssl"]),
        ({"sections": {"a": {"ssl": True}}}, {"kept": {"ssl": "on"}}, ["sections.a.ssl", "section kept"]),
        ({"parameters": {"ssl_groups": "x", "ssl_ecdh_curve": "x"}}, {}, ["ssl_ecdh_curve", "parameters.ssl_groups"]),
        (
            {"preload": ["auth_delay"], "parameters": {"shared_preload_libraries": "x"}},
            {},
            ["preload", "parameters.shared_preload_libraries"],
        ),
    ],
)
def test_one_name_in_two_sections_is_an_error_that_names_both(
    values: dict[str, t.Any], sections: dict[str, dict[str, str]], words: list[str]
) -> None:
    with pytest.raises(InputError) as caught:
        plan(state(sections=sections), **values)
    assert all(word in str(caught.value) for word in words)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"log_statment": "ddl"}, "the nearest known name is log_statement"),
        ({"qqqqqqqq": "ddl"}, "this server knows no such parameter"),
        ({"nobody.knows": 1}, "no loaded or preloaded library owns"),
        ({"work_mem": []}, r"parameters\.work_mem: \[\] cannot be used"),
        ({"work_mem": "1kB"}, "work_mem takes an integer from 64kB to 2147483647kB"),
        ({"log_statement": "some"}, "log_statement takes one of none, ddl, mod, all"),
        ({"server_version": "18"}, "the server only shows server_version"),
        ({"config_file": "/x"}, "no place in a configuration file"),
        ({"ssl_groups": "X25519:prime256v1"}, "one curve"),
    ],
)
def test_bad_input_is_refused(values: dict[str, t.Any], message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        plan(state(), parameters=values)
    assert caught.value.option == f"parameters.{next(iter(values))}"


def test_a_secret_is_in_no_text() -> None:
    planned = plan(state(), parameters={"primary_conninfo": "password=geheim", "ssl": True})
    assert "geheim" not in str(planned.steps[0].result())
    assert "password=geheim" in written(planned)
    assert isinstance(planned.steps[0].operation, WriteFile)
    assert planned.steps[0].operation.mode == 0o600
    with pytest.raises(InputError) as caught:
        plan(state(), parameters={"primary_conninfo": ["geheim"]})
    assert "geheim" not in str(caught.value)


def test_optional_names_are_left_out_where_they_are_unknown() -> None:
    planned = plan(state(), parameters={"SCRAM_iterations": 8192, "ssl": True}, optional=["scram_iterations"])
    assert [item.subject for item in planned.left_alone] == ["SCRAM_iterations"]
    assert "scram" not in written(planned).lower()


def test_a_renamed_parameter_bears_the_name_of_this_server() -> None:
    assert "ssl_ecdh_curve = prime256v1" in written(plan(state(), parameters={"ssl_groups": "prime256v1"}))


def test_names_that_only_a_library_knows_are_for_the_rehearsal() -> None:
    values: dict[str, t.Any] = {"auth_delay.milliseconds": 500, "auth_delay.other": 1, "ssl": True}
    planned = plan(state(), preload=["auth_delay"], parameters=values, optional=["auth_delay.Other"])
    assert planned.expected == (ExpectedParameter("parameters.auth_delay.milliseconds", "auth_delay.milliseconds"),)


def test_parameters_of_a_library_to_come_are_accepted() -> None:
    values: dict[str, t.Any] = {"parameters": {"auth_delay.milliseconds": 500}}
    assert "auth_delay.milliseconds = 500" in written(plan(state(), preload=["auth_delay"], **values))
    configured = FileSetting(MAIN, 1, "shared_preload_libraries", "auth_delay")
    assert plan(state(others=(configured,)), **values).steps
    loaded = {"shared_preload_libraries": {"setting": "auth_delay"}}
    assert plan(state(running=loaded), **values).steps  # a library that has defined nothing so far
    known = {**loaded, "auth_delay.millisecond": {"vartype": "integer"}}
    with pytest.raises(InputError, match="nearest known name is auth_delay.millisecond"):
        plan(state(running=known), **values)


@pytest.mark.parametrize(
    ("others", "ours", "preload", "expected"),
    [
        ([], "", ["auth_delay"], "auth_delay"),
        (["pg_stat_statements"], "", ["auth_delay"], "'pg_stat_statements, auth_delay'"),
        (["a", "b, c"], "d", ["e", "c"], "'a, b, c, d, e'"),
        (["$libdir/auth_delay"], "x", ["auth_delay"], "'$libdir/auth_delay, x'"),
        (["a"], "", ["a"], None),
        (["a, b"], "", [], None),
        ([], "", [], None),
    ],
)
def test_libraries_are_merged_over_all_places(
    others: list[str], ours: str, preload: list[str], expected: str | None
) -> None:
    rows = tuple(FileSetting(MAIN, line, "shared_preload_libraries", value) for line, value in enumerate(others))
    sections = {"preload": {"shared_preload_libraries": ours}} if ours else None
    planned = plan(state(others=rows, sections=sections), preload=preload)
    if expected is None:
        assert planned.steps == ()
    else:
        assert f"shared_preload_libraries = {expected}\n" in written(planned)
        assert [item.parameter for item in planned.restart_required] == ["shared_preload_libraries"]


@pytest.mark.parametrize(
    ("others", "ours", "preload", "absent", "expected"),
    [
        (["a, b"], "", None, ["b"], "a"),
        (["a", "b, c"], "d", ["e"], ["$libdir/b"], "'a, c, d, e'"),
        (["a"], "", None, ["a"], "''"),
        (["a"], "", None, ["b"], None),
        (["a, b"], "a", None, ["b"], None),
        ([], "", None, ["b"], None),
        (["pgauditlogtofile"], "", ["pgaudit"], [], "'pgaudit, pgauditlogtofile'"),
    ],
)
def test_libraries_are_taken_out_of_all_places(
    others: list[str], ours: str, preload: list[str] | None, absent: list[str], expected: str | None
) -> None:
    rows = tuple(FileSetting(MAIN, line, "shared_preload_libraries", value) for line, value in enumerate(others))
    sections = {"preload": {"shared_preload_libraries": ours}} if ours else None
    present = state(others=rows, sections=sections)
    planned = plan(present, preload=preload, preload_absent=absent)
    if expected is None:
        assert planned.steps == ()
    else:
        assert f"shared_preload_libraries = {expected}\n" in written(planned)
        assert plan(applied(present, planned, rows), preload=preload, preload_absent=absent).steps == ()


def test_the_last_library_takes_the_line_with_it() -> None:
    present = state(sections={"preload": {"shared_preload_libraries": "a"}})
    assert dropin.parse(written(plan(present, preload_absent=["a"]))) == {}


def test_parameters_of_a_library_do_not_stay_behind() -> None:
    loaded = {"shared_preload_libraries": {"setting": "pgaudit, pgauditlogtofile"}, "pgaudit.log": {}}
    sections = {
        "preload": {"shared_preload_libraries": "pgaudit, pgauditlogtofile"},
        "audit": {"pgaudit.log": "ddl"},
    }
    present = state(running=loaded, sections=sections)
    with pytest.raises(InputError, match=r"preload_absent\[0\].*'pgaudit'.*section audit sets pgaudit.log"):
        plan(present, preload_absent=["pgaudit", "pgauditlogtofile"])
    assert "shared_preload_libraries = pgaudit\n" in written(plan(present, preload_absent=["pgauditlogtofile"]))
    planned = plan(present, preload_absent=["pgaudit"], sections={"audit": {}})
    assert dropin.parse(written(planned)) == {"preload": {"shared_preload_libraries": "pgauditlogtofile"}}


def test_a_library_without_a_file_is_refused() -> None:
    with pytest.raises(InputError, match=r"preload\[1\].*'nosuch'.*/lib/pg"):
        plan(state(missing_libraries=("nosuch",)), preload=["auth_delay", "nosuch"])


AUTOMATIC = "/data/postgresql.auto.conf"
OVERRIDES = [
    ({"others": (FileSetting(AUTOMATIC, 3, "log_statement", "all"),)}, f"{AUTOMATIC}:3"),
    ({"roles": (RoleSetting("sales", "app", "log_statement", "none"),)}, "SET for role app in database sales"),
    ({"running": {"log_statement": {"setting": "mod", "source": "command line"}}}, "the server's command line"),
]


@pytest.mark.parametrize(("observed", "source"), OVERRIDES)
def test_a_stronger_place_is_named(observed: dict[str, t.Any], source: str) -> None:
    with pytest.raises(RampartError, match="stronger place") as caught:
        plan(state(**observed), parameters={"log_statement": "ddl"})
    assert source in str(caught.value)
    assert caught.value.details["overridden_by"][0]["source"] == source


@pytest.mark.parametrize(("observed", "source"), OVERRIDES)
def test_a_stronger_place_is_reported_and_the_parameter_left_as_it_is(observed: dict[str, t.Any], source: str) -> None:
    values = {"log_statement": "ddl", "work_mem": "4MB"}
    planned = plan(state(**observed), parameters=values, overrides="report")
    assert dropin.parse(written(planned)) == {"parameters": {"work_mem": "4MB"}}
    assert [(item.parameter, item.source) for item in planned.overridden_by] == [("log_statement", source)]
    present = state(sections={"parameters": {"log_statement": "mod", "work_mem": "4MB"}}, **observed)
    assert all(
        not isinstance(step.operation, WriteFile) for step in plan(present, parameters=values, overrides="report").steps
    )


def test_an_equal_value_in_a_stronger_place_is_fine() -> None:
    rows = (FileSetting(AUTOMATIC, 3, "work_mem", "8192"),)
    planned = plan(
        state(others=rows, roles=(RoleSetting(None, "a", "work_mem", "8MB"),)), parameters={"work_mem": "8MB"}
    )
    assert planned.overridden_by == ()
    assert planned.steps


def test_a_weaker_place_does_not_count() -> None:
    rows = (FileSetting(MAIN, 3, "work_mem", "1MB"), FileSetting("/etc/pg/conf.d/a.conf", 3, "work_mem", "2MB"))
    assert plan(state(others=rows, main="\n" * 10 + INCLUDE), parameters={"work_mem": "8MB"}).overridden_by == ()


def test_a_restart_is_announced_before_and_until_it_happened() -> None:
    expected = (PendingRestart("max_connections", "100", "50"),)
    assert plan(state(), parameters={"max_connections": 50}).restart_required == expected
    waits = state(
        sections={"parameters": {"max_connections": "50"}}, running={"max_connections": {"pending_restart": True}}
    )
    planned = plan(waits, parameters={"max_connections": 50})
    assert (planned.steps, planned.restart_required) == ((), expected)
    done = state(sections={"parameters": {"max_connections": "50"}}, running={"max_connections": {"setting": "50"}})
    assert plan(done, parameters={"max_connections": 50}).restart_required == ()


def test_taking_a_parameter_out_may_need_a_restart_too() -> None:
    rows = (FileSetting(MAIN, 3, "max_connections", "70"),)
    running = {"max_connections": {"setting": "50", "default": "100"}}
    present = state(sections={"parameters": {"max_connections": "50"}}, running=running)
    assert plan(present, parameters={}).restart_required == (PendingRestart("max_connections", "50", "100"),)
    present = state(sections={"parameters": {"max_connections": "50"}}, running=running, others=rows)
    assert plan(present, parameters={}).restart_required == (PendingRestart("max_connections", "50", "70"),)


def test_what_others_wait_for_is_announced_too() -> None:
    waits = {"setting": "50", "pending_restart": True}
    removed = state(running={"max_connections": {**waits, "sourcefile": MAIN}})
    assert plan(removed, parameters={}).restart_required == (PendingRestart("max_connections", "50", "the default"),)
    never_in_force = state(running={"max_connections": waits})
    assert plan(never_in_force, parameters={}).restart_required == ()


@pytest.mark.parametrize(
    ("observed", "expected"),
    [
        ({"sections": {"parameters": {"log_statement": "ddl"}}}, "load log_statement"),
        ({"sections": {"parameters": {"statement_timeout": "5s"}}, "loaded": 50.0}, "load statement_timeout"),
        ({"sections": {}, "running": {"ssl": {"source": FILE, "sourcefile": DROPIN, "setting": "on"}}}, "load ssl"),
    ],
)
def test_what_was_written_and_never_loaded_is_loaded(observed: dict[str, t.Any], expected: str) -> None:
    present = state(**observed)
    planned = plan(present, parameters=present.sections.get("parameters", {}))
    assert [(step.description, step.operation, step.reload) for step in planned.steps] == [(expected, Reload(), True)]
    assert component({}).unproven(present)


def test_a_parameter_that_no_library_has_taken_is_unproven_and_stays_secret() -> None:
    present = state(sections={"parameters": {"some.password": "geheim"}})
    [problem] = component({}).unproven(present)
    assert "some.password is '********'" in problem
    assert "geheim" not in problem


def test_a_value_of_this_session_says_nothing() -> None:
    present = state(sections={"parameters": {"statement_timeout": "5s"}})
    assert plan(present, parameters={"statement_timeout": 5000}).steps == ()
    assert component({}).unproven(present) == []


def test_a_refused_line_is_unproven() -> None:
    present = state(sections={"parameters": {"max_connections": "50"}})
    refused = dataclasses.replace(
        present, files=(dataclasses.replace(present.files[0], error="setting could not be applied", applied=False),)
    )
    assert component({}).unproven(refused) == [f"{DROPIN}:6: max_connections: setting could not be applied"]
    rows = {**present.catalogue.parameters}
    rows["max_connections"] = dataclasses.replace(rows["max_connections"], pending_restart=True)
    assert component({}).unproven(dataclasses.replace(refused, catalogue=Catalogue(rows))) == []


def test_a_file_that_the_server_does_not_read_is_unproven() -> None:
    present = state(sections={"parameters": {"ssl": "off"}})
    assert component({}).unproven(dataclasses.replace(present, files=())) == [f"the server does not read {DROPIN}"]
    taken_out = FileSetting("", 0, "", "", applied=False, error="cannot be changed without restarting the server")
    assert component({}).unproven(dataclasses.replace(present, files=(*present.files, taken_out))) == []
    fault = FileSetting(MAIN, 7, "", "", applied=False, error="syntax error")
    assert component({}).unproven(dataclasses.replace(present, files=(fault,))) == [f"{MAIN}:7: syntax error"]


def test_offered_sections_count_as_given() -> None:
    offered = {"certificate": {"ssl": "on"}}
    planned = plan(state(sections={"memory": {"work_mem": "4MB"}}), offered)
    assert dropin.parse(written(planned)) == {"certificate": {"ssl": "on"}, "memory": {"work_mem": "4MB"}}
    with pytest.raises(InputError, match="belongs to the component certificate"):
        plan(state(), offered, sections={"certificate": {}})
    with pytest.raises(InputError, match="one place only"):
        plan(state(), offered, sections={"tls": {"ssl": True}})


def test_nothing_is_offered() -> None:
    settings = component({})
    assert settings.offers(state()) == {}
    assert (settings.name, settings.order) == ("settings", 20)


def test_what_pg_auto_failover_sets_is_its_own() -> None:
    theirs = FileSetting("/data/postgresql-auto-failover.conf", 5, "ssl", "off")
    with pytest.raises(ManagedElsewhere, match=r"auto-failover.conf:5 sets ssl to 'off'"):
        plan(state(others=(theirs,)), parameters={"ssl": True})
    assert plan(state(others=(theirs,)), parameters={"ssl": False, "work_mem": "8MB"}).steps
    elsewhere = dataclasses.replace(theirs, path="/data/other.conf")
    assert plan(state(others=(elsewhere,)), parameters={"ssl": True}).steps


def test_what_parameters_become_is_told() -> None:
    assert plan(state(), parameters={"ssl": True, "max_connections": 100}).effects == (ParameterBecomes("ssl", "on"),)
    for text in ("2e2", "0xc8", " 200.4"):
        assert plan(state(), parameters={"max_connections": text}).effects == (
            ParameterBecomes("max_connections", "200"),
        )
    fixed = state(running={"ssl": {"source": "command line"}})
    assert not plan(fixed, parameters={"ssl": True}, overrides="report").effects


def test_what_a_removed_parameter_becomes_is_told() -> None:
    running = {"ssl": {"setting": "on", "sourcefile": DROPIN, "source": FILE, "default": "off"}}
    ours = state(sections={"parameters": {"ssl": "on"}}, running=running)
    assert plan(ours, parameters={}).effects == (ParameterBecomes("ssl", "off"),)
    elsewhere = state(
        sections={"parameters": {"ssl": "on"}}, running=running, others=(FileSetting(MAIN, 1, "ssl", "yes"),)
    )
    assert not plan(elsewhere, parameters={}).effects


def test_what_was_written_and_never_loaded_is_told() -> None:
    left = state(sections={"parameters": {"ssl": "on"}}, running={"ssl": {"source": "default"}})
    assert plan(left, parameters={"ssl": True}).effects == (ParameterBecomes("ssl", "on"),)


def test_the_collector_is_wanted_where_nothing_keeps_the_log() -> None:
    planned = plan(state(), sections={"log": {"logging_collector": "auto"}})
    assert written(planned) == dropin.render({"log": {"logging_collector": "on"}})
    kept = plan(
        state(circumstances=Circumstances(log_file="/var/log/pg.log")), sections={"log": {"logging_collector": "auto"}}
    )
    assert kept.steps == ()
    assert [(left.subject, left.reason) for left in kept.left_alone] == [
        ("logging_collector", "the log goes to /var/log/pg.log")
    ]
    with pytest.raises(InputError, match="work_mem takes"):
        plan(state(), parameters={"work_mem": "auto"})


def test_an_optional_library_without_a_file_is_left_alone() -> None:
    lacking = state(missing_libraries=("nosuch",))
    planned = plan(lacking, preload=["auth_delay", "nosuch"], optional=["NoSuch"])
    assert written(planned) == dropin.render({"preload": {"shared_preload_libraries": "auth_delay"}})
    assert [(left.subject, left.reason) for left in planned.left_alone] == [
        ("nosuch", "the library has no file in /lib/pg")
    ]
    with pytest.raises(InputError, match=r"preload\[1\]"):
        plan(lacking, preload=["auth_delay", "nosuch"])


def test_what_belongs_to_a_library_without_a_file_is_left_out_with_it() -> None:
    lacking = state(missing_libraries=("credcheck",))
    lacking = dataclasses.replace(lacking, library_directory="/usr/lib/postgresql/17/lib")
    given: dict[str, t.Any] = {"preload": ["auth_delay", "credcheck"]}
    given["parameters"] = {"credcheck.password_min_length": 9, "ssl": True}
    planned = plan(lacking, **given, optional=["credcheck"])
    assert dropin.parse(written(planned))["parameters"] == {"ssl": "on"}
    assert [left.subject for left in planned.left_alone] == ["credcheck", "credcheck.password_min_length"]
    missing = [{"library": "credcheck", "package": "postgresql-17-credcheck"}]
    assert planned.facts["missing_libraries"] == missing
    assert plan(state(), preload=["auth_delay"]).facts["missing_libraries"] == []
    with pytest.raises(InputError, match="install postgresql-17-credcheck first") as caught:
        plan(lacking, **given)
    assert caught.value.details["missing_libraries"] == missing
