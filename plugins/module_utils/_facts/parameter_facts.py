# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The parameters of a server: its own values, and not those that the session which looks was given; private to the collection."""

from __future__ import annotations

import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._facts.queries import SETTINGS
from ansible_collections.rampart.postgresql.plugins.module_utils._facts.redaction import HIDDEN_PARAMETER
from ansible_collections.rampart.postgresql.plugins.module_utils._facts.redaction import NOT_SHOWN

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._facts.gathering import Rows
    from ansible_collections.rampart.postgresql.plugins.module_utils._facts.gathering import Unreadable
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.session import Session
    from ansible_collections.rampart.postgresql.plugins.module_utils._settings.values import Parameter

__all__ = ["parameter_facts"]

Labels = t.Mapping[str, "tuple[str, ...]"]
Settings = dict[str, dict[str, t.Any]]

_OF_THE_SESSION: t.Final = ("client", "database", "database user", "session", "user")  # sources
_WORDS: t.Final = ("german", "postgres")  # of DateStyle that are no abbreviations
_SECTION: t.Final = "settings of the session"

_OTHERS = f"""
SELECT s.name, s.vartype, s.unit, s.boot_val AS standard, {HIDDEN_PARAMETER} AS hidden,
       (SELECT pg_catalog.substr(c.entry, pg_catalog.length(s.name) + 2)
        FROM pg_catalog.pg_db_role_setting x CROSS JOIN LATERAL pg_catalog.unnest(x.setconfig) AS c (entry)
        WHERE x.setrole = 0 AND x.setdatabase = 0 AND pg_catalog.starts_with(c.entry, s.name || '=')) AS everywhere
FROM pg_catalog.pg_settings s
WHERE s.source IN ({", ".join(f"'{source}'" for source in _OF_THE_SESSION)})
ORDER BY s.name"""

_LINES = """
SELECT pg_catalog.lower(f.name) AS name, f.setting, f.sourcefile, f.sourceline, f.error
FROM pg_catalog.pg_file_settings f
ORDER BY f.seqno"""
_LABELS = "SELECT s.name, s.enumvals AS labels FROM pg_catalog.pg_settings s WHERE s.vartype = 'enum' ORDER BY s.name"
_NEW_NAMES: t.Final[t.Mapping[str | None, str]] = {
    "force_parallel_mode": "debug_parallel_query",
    "sort_mem": "work_mem",
    "ssl_ecdh_curve": "ssl_groups",
    "vacuum_mem": "maintenance_work_mem",
}
"""Of names that files may still have, on versions that know them no more."""
_RELOADED: t.Final = ("backend", "sighup", "superuser", "superuser-backend", "user")  # contexts
_OF_FILES: t.Final = ("configuration file", "default")  # sources
_GONE: t.Final = "its line is not there any more, and the value is still in force"
_NOT_LOADED: t.Final = "the value of this line is not in force: the file was not read since"


def parameter_facts(session: Session, unreadable: Unreadable, *, files: bool) -> dict[str, t.Any]:
    """Every parameter by its name, and lines of the files that are not in force.

    ``files``: whether the login may ask what the configuration files say.
    What ALTER ROLE, ALTER DATABASE and the connection give this session hides what the server has; without the files that is
    not known, and null.
    """
    # First, as this makes the session notice what waits for a restart. Of one name the last line without an error counts.
    told = session.rows(_LINES) if files else []
    lines = [line for line in told if line["error"] is None and line["name"] is not None]
    labels = {row["name"]: tuple(row["labels"]) for row in session.rows(_LABELS)} if files else {}
    found: Settings = {row.pop("name"): row for row in session.rows(SETTINGS)}
    others = session.rows(_OTHERS)
    for other in others:
        found[other["name"]].update(_of_the_server(other, lines, found, labels) if files else {"setting": None})
    found["transaction_read_only"]["setting"] = found["default_transaction_read_only"]["setting"]  # of the transaction
    if others and not files:
        names = ", ".join(other["name"] for other in others)
        unreadable.add(_SECTION, f"the session has values of its own for {names}; those of the server are not known")
    if not files:
        unreadable.add("configuration_findings", "the login may not read pg_catalog.pg_file_settings")
    return {"settings": found, "configuration_findings": _findings(told, found, labels) if files else None}


def _findings(told: Rows, settings: Settings, labels: Labels) -> Rows:
    """What the server refuses of its files, and what it has not read yet; what waits for a restart is told as such."""
    by_name = {name.lower(): (name, row) for name, row in settings.items()}
    told = [
        {**line, "name": line["name"] if line["name"] in by_name else _NEW_NAMES.get(line["name"], line["name"])}
        for line in told
    ]
    waiting = {folded for folded, (_name, row) in by_name.items() if row["pending_restart"]}
    last = {line["name"]: line for line in told if line["error"] is None}
    found = [
        _finding("rejected", line["name"], line["error"], line)
        for line in told
        if line["error"] is not None and line["name"] not in waiting
    ]
    for folded, (name, row) in by_name.items():
        if row["context"] not in _RELOADED or row["source"] not in _OF_FILES or row["setting"] == NOT_SHOWN:
            continue
        line = last.get(folded)
        if line is None and row["sourcefile"] and not any(each["name"] == folded for each in told):
            found.append(_finding("not_loaded", name, _GONE, row))
        elif line is not None and not _is_in_force(_parameter(name, row, labels), line["setting"]):
            found.append(_finding("not_loaded", name, _NOT_LOADED, line))
    return found


def _finding(code: str, name: str | None, message: str, place: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    where = {"file": place["sourcefile"], "line": place["sourceline"]}
    return {"code": code, "name": name, "message": message, **where}


def _is_in_force(parameter: Parameter, text: str) -> bool:
    from ansible_collections.rampart.postgresql.plugins.module_utils._settings.values import is_running
    from ansible_collections.rampart.postgresql.plugins.module_utils._settings.values import normalise

    try:
        return is_running(parameter, normalise(parameter, text))
    except ValueError:
        return parameter.setting == text


def _parameter(name: str, row: t.Mapping[str, t.Any], labels: Labels) -> Parameter:
    from ansible_collections.rampart.postgresql.plugins.module_utils._settings.values import Parameter

    of_this, setting = labels.get(name, ()), row.get("setting") or ""
    return Parameter(name=name, vartype=row["vartype"], unit=row["unit"], labels=of_this, setting=setting)


def _of_the_server(row: dict[str, t.Any], lines: Rows, settings: Settings, labels: Labels) -> dict[str, t.Any]:
    """What a session without any of that would have."""
    line = next((each for each in reversed(lines) if each["name"] == row["name"].lower()), None)
    source, text, place = "default", row["standard"], (None, None)
    if row["everywhere"] is not None:
        source, text = "global", row["everywhere"]
    elif line is not None:
        source, text, place = "configuration file", line["setting"], (line["sourcefile"], line["sourceline"])
    elif row["name"] == "client_encoding":  # of a client that asks for nothing
        text = settings["server_encoding"]["setting"]
    setting = text if source == "default" else _shown(_parameter(row["name"], row, labels), text)
    hidden = row["hidden"] and setting
    return {
        "setting": NOT_SHOWN if hidden else setting,
        "source": source,
        "sourcefile": place[0],
        "sourceline": place[1],
    }


def _shown(parameter: Parameter, text: str) -> str:
    """As pg_settings shows it: in its unit, and without other spellings."""
    from ansible_collections.rampart.postgresql.plugins.module_utils._settings.values import normalise

    try:
        value = normalise(parameter, text)
    except ValueError:
        return text
    if parameter.name == "DateStyle":
        words = (word.strip() for word in text.split(","))
        return ", ".join(word.capitalize() if word.lower() in _WORDS else word.upper() for word in words)
    if parameter.vartype == "integer":
        return str(value.key)
    return f"{value.key:g}" if isinstance(value.key, float) else value.text
