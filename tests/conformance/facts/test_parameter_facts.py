"""Parameters: what the server has, whatever the session that looks was given."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.rampart.postgresql.plugins.filter.assess import assess
from ansible_collections.rampart.postgresql.tests.conformance.facts.looking import facts

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

# Two values of one name, spellings that the server does not keep, and one that it refuses.
FILE = """\
log_statement = none
STATEMENT_TIMEOUT = '2min'
statement_timeout = 3min
extra_float_digits = 0
work_mem = '8MB'
cursor_tuple_fraction = 0.250
bytea_output = 'Escape'
row_security = yes
lock_timeout = 'soon'
log_planner_stats = off
"""
OF_THE_ROLE = {"log_statement": "'all'", "work_mem": "'9MB'", "row_security": "off", "bytea_output": "hex"}
OF_THE_DATABASE = {"statement_timeout": "'9s'", "cursor_tuple_fraction": "0.5", "log_duration": "on"}
OF_EVERYBODY = {"log_planner_stats": "on", "log_executor_stats": "on"}
PLAIN = "SELECT name, setting, source FROM pg_settings ORDER BY 1"
OF_THE_CLIENT = {"application_name", "client_encoding"}  # which the driver of this test has, too


@pytest.fixture
def overridden(fresh_server: Server) -> Server:
    """A server of which a file says some parameters, and all roles together others."""
    with fresh_server.owner.acting(), fresh_server.conf_file.open("a", encoding="utf-8") as stream:
        stream.write(FILE)
    fresh_server.reload()
    for name, value in OF_EVERYBODY.items():
        fresh_server.query(f"ALTER ROLE ALL SET {name} = {value}")
    return fresh_server


def override(server: Server, role: str) -> None:
    """Give the sessions that are going to look other values."""
    for name, value in OF_THE_ROLE.items():
        server.query(f'ALTER ROLE "{role}" SET {name} = {value}')
    for name, value in {**OF_THE_DATABASE, "log_planner_stats": "off"}.items():
        server.query(f"ALTER DATABASE postgres SET {name} = {value}")


def test_the_values_are_those_of_the_server(overridden: Server) -> None:
    server = overridden
    expected = {name: (setting, source) for name, setting, source in server.query(PLAIN)}
    override(server, server.superuser)
    found = facts(server, "catalogue", "databases")
    assert found["unreadable"] == {}
    shown = {name: (row["setting"], row["source"]) for name, row in found["settings"].items()}
    assert {name for name in shown if shown[name] != expected[name]} <= OF_THE_CLIENT
    assert shown.keys() == expected.keys()
    line = found["settings"]["statement_timeout"]
    assert (line["setting"], line["sourcefile"]) == ("180000", str(server.conf_file))
    assert server.conf_file.read_text().splitlines()[line["sourceline"] - 1] == "statement_timeout = 3min"


def test_a_better_value_of_one_role_is_not_that_of_the_server(overridden: Server) -> None:
    override(overridden, overridden.superuser)
    [found] = assess(facts(overridden, "catalogue", "databases"), profile="cis")
    status = {finding["control"]: finding["status"] for finding in found["findings"]}
    assert (status["RPG-LOG-011"], status["RPG-ACC-018"]) == ("fail", "pass")
    [overrides] = [finding for finding in found["findings"] if finding["control"] == "RPG-PLT-019"]
    assert [item["name"] for item in overrides["items"]] == ["row_security"]


def test_what_only_the_session_has_is_not_told_for_the_servers(overridden: Server) -> None:
    overridden.query("CREATE ROLE monitor LOGIN; GRANT pg_monitor TO monitor")
    override(overridden, "monitor")
    found = facts(overridden, "catalogue", "databases", user="monitor")
    hidden = {name for name, row in found["settings"].items() if row["setting"] is None}
    assert {*OF_THE_ROLE, *OF_THE_DATABASE, "search_path", "log_planner_stats"} <= hidden
    assert "log_executor_stats" not in hidden
    assert all(name in found["unreadable"]["settings of the session"] for name in hidden)
    [assessed] = assess(found, profile="cis")
    status = {finding["control"]: finding["status"] for finding in assessed["findings"]}
    assert (status["RPG-LOG-011"], status["RPG-ACC-018"], status["RPG-PLT-019"]) == ("unknown", "unknown", "fail")


def test_a_role_that_may_read_the_files_of_the_configuration_knows_them(overridden: Server) -> None:
    overridden.query("CREATE ROLE monitor LOGIN; GRANT pg_monitor TO monitor")
    for grant in ("SELECT ON pg_file_settings", "EXECUTE ON FUNCTION pg_show_all_file_settings()"):
        overridden.query(f"GRANT {grant} TO monitor")
    override(overridden, "monitor")
    found = facts(overridden, "catalogue", user="monitor")
    assert "settings of the session" not in found["unreadable"]
    assert found["settings"]["log_statement"]["setting"] == "none"


def test_lines_that_are_not_in_force_are_told(fresh_server: Server) -> None:
    server = fresh_server

    def write(text: str) -> list[tuple[str, str | None, int]]:
        with server.owner.acting(), server.conf_file.open("a", encoding="utf-8") as stream:
            stream.write(text)
        found = facts(server, "catalogue")["configuration_findings"]
        assert {each["file"] for each in found} <= {str(server.conf_file)}
        return [(each["code"], each["name"], each["line"]) for each in found]

    lines = len(server.conf_file.read_text().splitlines())
    assert write("") == []
    in_other_words = (
        "log_statement = 'DDL'\nLOG_min_duration_statement = 1h\nsynchronous_commit = true\nseq_page_cost = 1.50\n"
    )
    older_names = "vacuum_mem = 9MB\nssl_ecdh_curve = prime256v1\n"
    write(in_other_words + older_names + "work_mem = 1MB\nwork_mem = '5MB'\n")
    server.reload()
    assert write("") == []
    assert write("log_statement = mod\n") == [("not_loaded", "log_statement", lines + 9)]
    assert write("max_connections = 77\n") == [("not_loaded", "log_statement", lines + 9)]
    refused = [("rejected", "no_such_name", lines + 11), ("not_loaded", "log_statement", lines + 9)]
    assert write("no_such_name = 1\n") == refused
    server.reload()
    assert write("") == refused
    text = server.conf_file.read_text().splitlines(keepends=True)
    with server.owner.acting():
        server.conf_file.write_text("".join(text[:lines]))
    assert ("not_loaded", "work_mem") in [line[:2] for line in write("")]
    server.reload()
    assert write("") == []
