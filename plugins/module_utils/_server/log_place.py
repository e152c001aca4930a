# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a server writes its log, as it is set up now; private to the collection."""

from __future__ import annotations

import datetime
import os
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._server import log_files
from ansible_collections.rampart.postgresql.plugins.module_utils._server.log_files import LogFile
from ansible_collections.rampart.postgresql.plugins.module_utils._server.log_prefix import Calendar
from ansible_collections.rampart.postgresql.plugins.module_utils._server.log_prefix import Change
from ansible_collections.rampart.postgresql.plugins.module_utils._server.sql import Literal
from ansible_collections.rampart.postgresql.plugins.module_utils._server.sql import compose

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server

__all__ = ["SUFFIXES", "calendar", "collects", "destinations", "files"]

SUFFIXES = {"jsonlog": ".json", "csvlog": ".csv", "stderr": ""}
"""What is put behind the name of a file; what is read first leaves least to guess."""

# The server knows its time zone, whatever this host has of the database of time zones.
_OFFSETS = """
SELECT pg_catalog.to_char(d.midnight, 'YYYY-MM-DD') AS day,
       extract(epoch FROM (d.noon AT TIME ZONE 'UTC') - (d.noon AT TIME ZONE z.zone))::int AS seconds,
       extract(epoch FROM (d.midnight AT TIME ZONE 'UTC') - (d.midnight AT TIME ZONE z.zone))::int AS before,
       extract(epoch FROM (d.night AT TIME ZONE 'UTC') - (d.night AT TIME ZONE z.zone))::int AS later
FROM (SELECT pg_catalog.current_setting('log_timezone') AS zone) AS z,
     (SELECT midnight, midnight + pg_catalog.make_interval(hours => 12) AS noon, midnight + pg_catalog.make_interval(days => 1) AS night
      FROM (SELECT pg_catalog.date_trunc('day', pg_catalog.now() AT TIME ZONE 'UTC') - pg_catalog.make_interval(days => n) AS midnight
            FROM pg_catalog.generate_series(-1, 400) AS n) AS m) AS d
ORDER BY d.midnight"""
# Zones change their clocks at a quarter of an hour.
_CHANGE = """
SELECT pg_catalog.min(q.epoch)::float8 AS moment
FROM (SELECT {midnight}::float8 + n * 900 AS epoch FROM pg_catalog.generate_series(0, 100) AS n) AS q
WHERE extract(epoch FROM (pg_catalog.to_timestamp(q.epoch) AT TIME ZONE pg_catalog.current_setting('log_timezone'))
                         - (pg_catalog.to_timestamp(q.epoch) AT TIME ZONE 'UTC'))::int = {later}::int"""


def calendar(server: Server) -> Calendar:
    """The time zone of the log."""
    days = server.session.rows(_OFFSETS)
    offsets = {each["day"]: each["seconds"] for each in days}
    changes = {each["day"]: _change(server, each) for each in days if each["before"] != each["later"]}
    return Calendar(offsets, list(offsets.values())[-1], changes)


def _change(server: Server, day: t.Mapping[str, t.Any]) -> Change:
    """When clocks were changed on a day that does not begin and end with the same time."""
    start = datetime.datetime.fromisoformat(f"{day['day']}T00:00:00+00:00").timestamp() - day["before"]
    [found] = server.session.rows(compose(_CHANGE, midnight=Literal(str(int(start))), later=Literal(str(day["later"]))))
    return Change(found["moment"] or start, day["before"], day["later"])


def collects(parameters: t.Mapping[str, str]) -> bool:
    """Whether the server has a collector of its log."""
    return parameters["logging_collector"] == "on"


def destinations(parameters: t.Mapping[str, str]) -> list[str]:
    """Those that are files, or may be."""
    asked = {word.strip().strip('"').lower() for word in parameters["log_destination"].split(",")}
    return [name for name in SUFFIXES if name in asked and (collects(parameters) or name == "stderr")]


def files(server: Server, parameters: t.Mapping[str, str], destination: str) -> list[LogFile]:
    """The files of one destination, the newest first."""
    if collects(parameters):
        directory = os.path.join(server.cluster.data_directory, parameters["log_directory"])
        return log_files.collected(directory, parameters["log_filename"], SUFFIXES[destination], server.owner)
    path = server.cluster.log_file
    return [] if path is None else log_files.rotated(path, server.owner)
