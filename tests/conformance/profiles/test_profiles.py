# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the roles want on every major version: the server takes all of it, and shows what was asked for."""

from __future__ import annotations

import stat
import time
import typing as t

import psycopg
import pytest

from ansible_collections.rampart.postgresql.plugins.filter.assess import assess
from ansible_collections.rampart.postgresql.plugins.module_utils._extensions import arguments as extensions
from ansible_collections.rampart.postgresql.plugins.module_utils._settings import arguments as settings
from ansible_collections.rampart.postgresql.plugins.module_utils._tls import arguments as certificate
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.controls import CONTROLS
from ansible_collections.rampart.postgresql.plugins.plugin_utils._profiles.model import PROFILES
from ansible_collections.rampart.postgresql.tests.conformance.components import run_components
from ansible_collections.rampart.postgresql.tests.conformance.facts.looking import facts
from ansible_collections.rampart.postgresql.tests.role_variables import COMPONENTS
from ansible_collections.rampart.postgresql.tests.role_variables import desired

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._converge import Component
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

# How pg_settings shows a value, where that is not how it is given.
SHOWN = {
    "100MB": "102400",  # log_rotation_size, in kB
    "10min": "600000",  # idle_in_transaction_session_timeout, in ms
    "1h": "3600000",
    "2h": "7200000",
    "20s": "20000",
    "4h": "14400000",
    "10s": "10000",  # client_connection_check_interval, in ms
    "1d": "1440",  # log_rotation_age, in min
    "30s": "30",
    "60s": "60",
}
EVERYTHING = "everything"  # the profile strict, and every option of the roles that sets a parameter
# What controls say afterwards: these servers have no package of pgAudit, and some options are less strict than the profile.
AMISS: dict[str, set[str]] = {
    "baseline": set(),
    "cis": {"RPG-LOG-034"},
    "strict": {"RPG-LOG-034"},
    EVERYTHING: {"RPG-LOG-034", "RPG-LOG-011", "RPG-NET-016", "RPG-AUT-019"},
}
OPTIONS: dict[str, dict[str, t.Any]] = {
    "pg_authentication": {
        "pg_authentication_delay": 250,
        "pg_authentication_scram_iterations": 8192,
        "pg_authentication_password_check": "passwordcheck",
    },
    "pg_network": {
        "pg_network_listen_addresses": ["127.0.0.1"],
        "pg_network_listen_networks": ["127.0.0.0/8"],
        "pg_network_listen_interfaces": ["lo"],
        "pg_network_max_connections": 57,
        "pg_network_superuser_reserved_connections": 4,
        "pg_network_reserved_connections": 2,
        "pg_network_tcp_keepalives_idle": 60,
        "pg_network_tcp_keepalives_interval": 10,
        "pg_network_tcp_keepalives_count": 6,
        "pg_network_client_connection_check_interval": "20s",
        "pg_network_idle_in_transaction_session_timeout": "10min",
        "pg_network_idle_session_timeout": "2h",
        "pg_network_statement_timeout": "1h",
        "pg_network_transaction_timeout": "4h",
        "pg_network_unix_socket_permissions": "0770",
    },
    "pg_logging": {
        "pg_logging_collector": "always",
        "pg_logging_destinations": ["stderr", "csvlog"],
        "pg_logging_statement": "mod",
        "pg_logging_syslog_facility": "local3",
        "pg_logging_syslog_ident": "pg-{cluster}",
    },
}


def _wanted(server: Server, profile: str) -> dict[str, t.Any]:
    """What pg_harden would hand to the module for the settings."""
    found: dict[str, t.Any] = {"sections": {}, "optional": [], "preload": []}
    for role in COMPONENTS:
        options = OPTIONS.get(role, {}) if profile == EVERYTHING else {}
        options = {**options, f"{role}_profile": _profile(profile)}
        if role == "pg_logging" and profile != "baseline":
            options["pg_logging_directory"] = f"{server.socket_directory}/log-{{cluster}}"
        wanted = desired(role, **options)["settings"]
        found["sections"].update(wanted["sections"])
        found["optional"] += wanted["optional"]
        found["preload"] += wanted.get("preload", [])
    return found


def _profile(profile: str) -> str:
    return "strict" if profile == EVERYTHING else profile


def _here(server: Server, value: t.Any) -> str:
    """The text of a value as this server should show it."""
    if isinstance(value, dict):
        value = value[str(max(int(first) for first in value if int(first) <= server.major))]
    cluster = str(server.data_directory).strip("/").replace("/", "-")
    return SHOWN.get(str(value), str(value)).replace("{cluster}", cluster)


def _comes(condition: t.Callable[[], bool]) -> bool:
    for _attempt in range(100):
        if condition():
            return True
        time.sleep(0.1)
    return False


@pytest.mark.parametrize("profile", [*PROFILES, EVERYTHING])
def test_the_server_takes_what_the_roles_want(fresh_server: Server, profile: str) -> None:
    wanted = _wanted(fresh_server, profile)

    audited = desired("pg_logging", pg_logging_profile=_profile(profile)).get("extensions", {"present": []})

    def build() -> list[Component]:
        return [certificate.component({}), settings.component(wanted), extensions.component(audited)]

    first = run_components(fresh_server, build, rehearse=False)
    assert not first.failed, first.message
    waiting = {item["parameter"] for item in first.values["restart_required"]}
    needless = {"logging_collector"} if profile == "baseline" else set()  # the log goes into a file already
    assert "shared_preload_libraries" in waiting
    assert not needless & waiting

    fresh_server.restart()
    again = run_components(fresh_server, build, rehearse=False)
    assert not again.failed, again.message
    assert not again.changed
    assert again.values["restart_required"] == []
    assert not [text for text in again.values["warnings"] if "log" in text]

    live = dict(fresh_server.query("SELECT name, setting FROM pg_catalog.pg_settings"))
    live.setdefault("ssl_groups", live.get("ssl_ecdh_curve", ""))  # its name before 18
    given = {name: value for section in wanted["sections"].values() for name, value in section.items()}
    unloaded = {item["library"] for item in again.values["waiting_extensions"]}
    assert unloaded == (set() if profile == "baseline" else {"pgaudit"})  # these servers have no package of it
    left = {item["subject"] for item in again.values["left_alone"]} - needless
    assert not left & set(live)  # what is left out is what the server itself does not list
    if profile == EVERYTHING:
        assert "127.0.0.1" in live["listen_addresses"].split(", ")
        assert "/" not in live["listen_addresses"]
        needless.add("listen_addresses")
        # Through the socket they read as 0; a connection over TCP shows them.
        address = {"host": "127.0.0.1", "user": fresh_server.superuser}
        with fresh_server.connect(**address) as connection:
            cursor = connection.execute(
                "SELECT name, setting FROM pg_catalog.pg_settings WHERE name ~ '^tcp_keepalives'"
            )
            live.update(cursor.fetchall())
    compared = {name: _here(fresh_server, value) for name, value in given.items() if name not in left | needless}
    assert {name: live[name] for name in compared} == compared

    [judged] = assess(facts(fresh_server, "catalogue"), profile=_profile(profile))
    about = {control.id for control in CONTROLS if control.parameter}
    statuses = {each["control"]: each["status"] for each in judged["findings"] if each["control"] in about}
    expected = AMISS[profile] - ({"RPG-NET-016"} if fresh_server.major == 13 else set())  # which has no such parameter
    assert {name for name, status in statuses.items() if status == "fail"} == expected
    assert "pass" in statuses.values()


def test_the_collector_makes_the_directory_of_the_log_for_the_owner_only(fresh_server: Server) -> None:
    place = fresh_server.socket_directory / "collected"
    wanted = desired("pg_logging", pg_logging_profile="cis", pg_logging_directory=str(place))["settings"]
    assert not run_components(fresh_server, lambda: [settings.component(wanted)], rehearse=False).failed
    fresh_server.restart()
    found = place.stat()
    assert (stat.S_IMODE(found.st_mode), found.st_uid) == (0o700, fresh_server.owner.uid)
    fresh_server.query("CREATE ROLE seen")
    [log] = place.iterdir()
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    assert _comes(lambda: "CREATE ROLE seen" in log.read_text("utf-8"))  # the collector writes when it gets to it

    with fresh_server.owner.acting():
        place.chmod(0o755)
    [warning] = run_components(fresh_server, lambda: [settings.component(wanted)]).values["warnings"]
    assert "mode 0755" in warning
    with fresh_server.owner.acting():
        place.chmod(0o750)
    assert run_components(fresh_server, lambda: [settings.component(wanted)]).values["warnings"] == []


def test_a_directory_that_the_collector_could_not_make_is_refused(fresh_server: Server) -> None:
    for place, reason in (
        ("/proc/log", "its parent does not let it"),
        (f"{fresh_server.socket_directory}/missing/log", "its parent does not let it"),
        (str(fresh_server.conf_file), "a directory that the owner of the cluster can write in"),
    ):
        wanted = desired("pg_logging", pg_logging_directory=place)["settings"]
        result = run_components(fresh_server, lambda wanted=wanted: [settings.component(wanted)])  # type: ignore[misc]
        assert result.failed
        assert "sections.pg_logging.log_directory" in result.message
        assert reason in result.message
    assert not (fresh_server.data_directory / "zz_rampart.conf").exists()


@pytest.mark.parametrize("destinations", [["jsonlog"], ["stderr", "csvlog"]], ids="-".join)
def test_destinations_that_the_server_knows_are_taken(fresh_server: Server, destinations: list[str]) -> None:
    place = str(fresh_server.socket_directory / "collected")
    options = {"pg_logging_destinations": destinations, "pg_logging_directory": place}
    wanted = desired("pg_logging", **options)["settings"]
    result = run_components(fresh_server, lambda: [settings.component(wanted)], rehearse=False)
    # The server's own word: does it start with it?
    given = [
        "-D",
        str(fresh_server.data_directory),
        "-C",
        "log_destination",
        "-c",
        f"log_destination={destinations[0]}",
    ]
    try:
        fresh_server.owner.run([fresh_server.bindir / "postgres", *given])
        takes = True
    except RuntimeError:
        takes = False
    assert takes is not result.failed
    assert takes or "jsonlog is known from 15 on" in result.message


def test_new_passwords_are_judged_and_hashed_as_asked(fresh_server: Server) -> None:
    options = {"pg_authentication_scram_iterations": 8192, "pg_authentication_password_check": "auto"}
    wanted = desired("pg_authentication", **options)["settings"]
    fresh_server.query("CREATE ROLE early PASSWORD 'short'")  # nobody judges yet
    assert not run_components(fresh_server, lambda: [settings.component(wanted)], rehearse=False).failed
    fresh_server.restart()
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="password"):
        fresh_server.query("CREATE ROLE weak PASSWORD 'short'")
    fresh_server.query("CREATE ROLE sound PASSWORD 'Long-enough-4-this'")
    [(verifier,)] = fresh_server.query("SELECT rolpassword FROM pg_catalog.pg_authid WHERE rolname = 'sound'")
    known = fresh_server.query("SELECT 1 FROM pg_catalog.pg_settings WHERE name = 'scram_iterations'")
    assert verifier.startswith(f"SCRAM-SHA-256${8192 if known else 4096}:")
