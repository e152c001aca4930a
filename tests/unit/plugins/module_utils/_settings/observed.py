# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server as it was observed, for plans."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Planned
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import WriteFile
from ansible_collections.rampart.postgresql.plugins.module_utils._server.files import FileState
from ansible_collections.rampart.postgresql.plugins.module_utils._settings import dropin
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.arguments import component
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.deciding import Circumstances
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.names import Catalogue
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.places import FileSetting
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.places import find_place
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.state import State
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.values import Parameter

__all__ = ["DROPIN", "FILE", "INCLUDE", "MAIN", "applied", "file", "plan", "state", "written"]

MAIN = "/etc/pg/postgresql.conf"
DROPIN = "/etc/pg/conf.d/zz_rampart.conf"
INCLUDE = "include_dir 'conf.d'\n"
FILE = "configuration file"

PARAMETERS = (
    Parameter("ssl", "bool", setting="off"),
    Parameter("logging_collector", "bool", "postmaster", setting="off"),
    Parameter("work_mem", "integer", "user", "kB", "64", "2147483647", setting="4096"),
    Parameter("statement_timeout", "integer", "user", "ms", "0", "2147483647", setting="60000", source="client"),
    Parameter("max_connections", "integer", "postmaster", None, "1", "262143", setting="100"),
    Parameter("log_statement", "enum", "superuser", labels=("none", "ddl", "mod", "all"), setting="none"),
    Parameter("shared_preload_libraries", "string", "postmaster"),
    Parameter("session_preload_libraries", "string", "superuser"),
    Parameter("primary_conninfo", "string"),
    Parameter("ssl_ecdh_curve", "string", setting="prime256v1"),
    Parameter("server_version", "string", "internal", setting="17.1"),
    Parameter("config_file", "string", "postmaster", setting=MAIN),
)


def file(path: str, text: str, mode: int = 0o644, modified: float = 100.0) -> FileState:
    """A file with this text."""
    return FileState(path, path, text.encode(), mode, 0, 0, modified)


def state(
    *,
    sections: dict[str, dict[str, str]] | None = None,
    text: str | None = None,
    main: str = INCLUDE,
    others: tuple[FileSetting, ...] = (),
    running: dict[str, dict[str, t.Any]] | None = None,
    mode: int = 0o644,
    **more: t.Any,
) -> State:
    """A server that has read its files; ``running`` changes rows of pg_settings."""
    if sections is not None:
        text = dropin.render(sections)
    place = find_place(MAIN, main, "zz_rampart.conf")
    ours = [
        FileSetting(place.path, number, name, value)
        for values in dropin.parse(text or "").values()
        for number, (name, value) in enumerate(values.items(), start=6)
    ]
    strong = tuple(row for row in others if row.path.endswith("auto.conf"))
    weak = tuple(row for row in others if row not in strong)
    rows = {parameter.name: parameter for parameter in PARAMETERS}
    for name, values in (running or {}).items():
        rows[name] = dataclasses.replace(rows.get(name) or Parameter(name, "string"), **values)
    return State(
        catalogue=Catalogue.of(rows.values()),
        files=(*weak, *ours, *strong),
        roles=more.pop("roles", ()),
        place=place,
        main=file(MAIN, main),
        dropin=None if text is None else file(place.path, text, mode),
        missing_libraries=more.pop("missing_libraries", ()),
        library_directory="/lib/pg",
        loaded=more.pop("loaded", 200.0),
        now=300.0,
        circumstances=more.pop("circumstances", Circumstances()),
    )


def plan(state: State, offered: dict[str, dict[str, str]] | None = None, **values: t.Any) -> Planned:
    """What these options come to."""
    return component(values).plan(state, offered or {})


def written(planned: Planned, path: str = DROPIN) -> str:
    """What the plan writes there."""
    [content] = [
        step.operation.after
        for step in planned.steps
        if isinstance(step.operation, WriteFile) and step.operation.path == path
    ]
    assert content is not None
    return content.decode()


def applied(before: State, planned: Planned, others: tuple[FileSetting, ...] = ()) -> State:
    """The server after the plan and a reload."""
    sections = dropin.parse(written(planned))
    flat = {name: value for values in sections.values() for name, value in values.items()}
    running = {
        name: {"setting": value, "source": FILE} for name, value in flat.items() if name in ("ssl", "log_statement")
    }
    return state(sections=sections, main=before.main.text, running=running, others=others)
