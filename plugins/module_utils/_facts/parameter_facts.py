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

__all__ = ["parameter_facts"]

Settings = dict[str, dict[str, t.Any]]

_OF_THE_SESSION: t.Final = ("client", "database", "database user", "session", "user")  # sources
_WORDS: t.Final = ("german", "postgres")  # of DateStyle that are no abbreviations
_SECTION: t.Final = "settings of the session"

_OTHERS = f"""
SELECT s.name, s.vartype, s.unit, s.enumvals AS labels, s.boot_val AS standard, {HIDDEN_PARAMETER} AS hidden,
       (SELECT pg_catalog.substr(c.entry, pg_catalog.length(s.name) + 2)
        FROM pg_catalog.pg_db_role_setting x CROSS JOIN LATERAL pg_catalog.unnest(x.setconfig) AS c (entry)
        WHERE x.setrole = 0 AND x.setdatabase = 0 AND pg_catalog.starts_with(c.entry, s.name || '=')) AS everywhere
FROM pg_catalog.pg_settings s
WHERE s.source IN ({", ".join(f"'{source}'" for source in _OF_THE_SESSION)})
ORDER BY s.name"""

# A line with an error is not in force; the last one of a name counts.
_LINES = """
SELECT pg_catalog.lower(f.name) AS name, f.setting, f.sourcefile, f.sourceline
FROM pg_catalog.pg_file_settings f
WHERE f.error IS NULL AND f.name IS NOT NULL
ORDER BY f.seqno"""


def parameter_facts(session: Session, unreadable: Unreadable, *, files: bool) -> Settings:
    """Every parameter by its name. ``files``: whether the login may ask what the configuration files say.

    What ALTER ROLE, ALTER DATABASE and the connection give this session hides what the server has; without the files that is
    not known, and null.
    """
    lines = session.rows(_LINES) if files else []  # first, as this makes the session notice what waits for a restart
    found: Settings = {row.pop("name"): row for row in session.rows(SETTINGS)}
    others = session.rows(_OTHERS)
    for other in others:
        found[other["name"]].update(_of_the_server(other, lines, found) if files else {"setting": None})
    found["transaction_read_only"]["setting"] = found["default_transaction_read_only"]["setting"]  # of the transaction
    if others and not files:
        names = ", ".join(other["name"] for other in others)
        unreadable.add(_SECTION, f"the session has values of its own for {names}; those of the server are not known")
    return found


def _of_the_server(row: dict[str, t.Any], lines: Rows, settings: Settings) -> dict[str, t.Any]:
    """What a session without any of that would have."""
    line = next((each for each in reversed(lines) if each["name"] == row["name"].lower()), None)
    source, text, place = "default", row["standard"], (None, None)
    if row["everywhere"] is not None:
        source, text = "global", row["everywhere"]
    elif line is not None:
        source, text, place = "configuration file", line["setting"], (line["sourcefile"], line["sourceline"])
    elif row["name"] == "client_encoding":  # of a client that asks for nothing
        text = settings["server_encoding"]["setting"]
    setting = text if source == "default" else _shown(row, text)
    hidden = row["hidden"] and setting
    return {
        "setting": NOT_SHOWN if hidden else setting,
        "source": source,
        "sourcefile": place[0],
        "sourceline": place[1],
    }


def _shown(row: dict[str, t.Any], text: str) -> str:
    """As pg_settings shows it: in its unit, and without other spellings."""
    from ansible_collections.rampart.postgresql.plugins.module_utils._settings.values import Parameter
    from ansible_collections.rampart.postgresql.plugins.module_utils._settings.values import normalise

    parameter = Parameter(name=row["name"], vartype=row["vartype"], unit=row["unit"], labels=tuple(row["labels"] or ()))
    try:
        value = normalise(parameter, text)
    except ValueError:
        return text
    if row["name"] == "DateStyle":
        words = (word.strip() for word in text.split(","))
        return ", ".join(word.capitalize() if word.lower() in _WORDS else word.upper() for word in words)
    if row["vartype"] == "integer":
        return str(value.key)
    return f"{value.key:g}" if isinstance(value.key, float) else value.text
