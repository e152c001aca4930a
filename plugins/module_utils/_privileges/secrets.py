# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Passwords that the server keeps in clear, and which limited roles could read them; private to the collection.

The server itself says whether there is one: no password, and nothing that holds one, is ever fetched.
"""

from __future__ import annotations

import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._server.sql import Identifier
from ansible_collections.rampart.postgresql.plugins.module_utils._server.sql import Literal
from ansible_collections.rampart.postgresql.plugins.module_utils._server.sql import compose

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.session import Session

__all__ = ["CONNECTION", "OPTION", "PAIRS", "Readable", "readable_secrets", "told"]

# As libpq takes a connection string apart: a quoted value may have anything in it.
PAIRS = r"^\s*(?:\w+\s*=\s*(?:'(?:[^'\\]|\\.)*'\s*|(?!['\s])(?:[^\s\\]|\\.)+\s+))*"
CONNECTION = (
    PAIRS + r"(?:password|sslpassword|oauth_client_secret)\s*=\s*(?!\s|''|$)"
    r"|^postgres(?:ql)?://(?:[^:/@]*:[^/@]+@|.*[?&](?:password|sslpassword|oauth_client_secret)=[^&])"
)
# As foreign-data wrappers call theirs; password_required of postgres_fdw is none.
OPTION = r"^(\w*password|passwd|pwd|\w*secret|\w*secret_(access_)?key|\w*token|\w*(api|access)_?key)=."

# A member becomes the role where it may SET it. Whoever has the ADMIN option, by inheritance too, makes itself a member that
# may, but of superusers: these only a superuser grants. Until 15 a membership goes without neither.
_LIMITED = """RECURSIVE edge AS MATERIALIZED (
  SELECT m.member, m.roleid AS role,
         coalesce((pg_catalog.to_jsonb(m) ->> 'set_option')::pg_catalog.bool, true) AS becomes,
         coalesce((pg_catalog.to_jsonb(m) ->> 'inherit_option')::pg_catalog.bool, true) AS inherits,
         m.admin_option AND NOT r.rolsuper AS administers
  FROM pg_catalog.pg_auth_members m JOIN pg_catalog.pg_roles r ON r.oid = m.roleid
), limited AS MATERIALIZED (
  SELECT r.oid, r.rolname AS name, r.rolreplication AS replication,
         pg_catalog.has_database_privilege(r.oid, pg_catalog.current_database(), 'CONNECT') AS connects
  FROM pg_catalog.pg_roles r WHERE r.rolcanlogin AND NOT r.rolsuper
), reach (login, role, becomes) AS (
  SELECT l.oid, l.oid, true FROM limited l WHERE l.connects
  UNION
  SELECT x.login, e.role, (x.becomes AND e.becomes) OR e.administers FROM reach x JOIN edge e ON e.member = x.role
  WHERE (x.becomes AND e.becomes) OR e.administers OR e.inherits
)"""


def _who(condition: str) -> str:
    """SQL: names of limited roles that may use this database and are, or may become, a role for which that is so."""
    return f"""(WITH holder AS MATERIALIZED (SELECT r.oid FROM pg_catalog.pg_roles r WHERE {condition})
      SELECT pg_catalog.json_agg(l.name ORDER BY l.name) FROM limited l
      WHERE l.oid IN (SELECT x.login FROM reach x JOIN holder h ON h.oid = x.role WHERE x.becomes))"""


def _selects(relation: str, column: str) -> str:
    return f"pg_catalog.has_column_privilege(r.oid, '{relation}', '{column}', 'SELECT')"


def _executes(names: str) -> str:
    return f"""EXISTS (SELECT FROM pg_catalog.pg_proc f
      WHERE f.pronamespace = 'pg_catalog'::pg_catalog.regnamespace AND ({names})
        AND pg_catalog.has_function_privilege(r.oid, f.oid, 'EXECUTE'))"""


# Whoever runs a program reads a file with it. A large object, and COPY, need a server that takes writes.
_RUNS = "pg_catalog.pg_has_role(r.oid, 'pg_execute_server_program', 'USAGE')"
_IMPORTS = "f.proname = 'lo_import' AND NOT pg_catalog.pg_is_in_recovery()"
_READS_TEXT = f"""{_RUNS}
  OR (NOT pg_catalog.pg_is_in_recovery() AND pg_catalog.pg_has_role(r.oid, 'pg_read_server_files', 'USAGE'))
  OR {_executes(f"f.proname IN ('pg_read_file', 'pg_read_binary_file') OR {_IMPORTS}")}"""
# COPY takes no zero bytes, of which the file of a catalogue has many; pg_read_file() has to be told where to begin.
_OF_CATALOGUES = f"(f.proname = 'pg_read_file' AND f.pronargs > 2) OR f.proname = 'pg_read_binary_file' OR {_IMPORTS}"
_READS_CATALOGUES = f"{_RUNS} OR {_executes(_OF_CATALOGUES)}"

_OF_A_MAPPING = f"""r.rolsuper OR (
  CASE m.umuser WHEN 0 THEN pg_catalog.pg_has_role(r.oid, s.srvowner, 'USAGE')
  ELSE r.oid = m.umuser AND (pg_catalog.pg_has_role(r.oid, s.srvowner, 'USAGE')
                             OR pg_catalog.has_server_privilege(r.oid, s.oid, 'USAGE')) END
  AND ({_selects("pg_catalog.pg_user_mappings", "umoptions")}
       OR {_selects("information_schema.user_mapping_options", "option_value")}))"""

_SECRETS = """
SELECT (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(s.subname, d.datname,
                 pg_catalog.pg_get_userbyid(s.subowner)) ORDER BY d.datname, s.subname)
        FROM pg_catalog.pg_subscription s JOIN pg_catalog.pg_database d ON d.oid = s.subdbid
        WHERE s.subconninfo ~ {connection}) AS subscriptions,
       (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(s.srvname, pg_catalog.pg_get_userbyid(s.srvowner),
                 CASE WHEN m.umuser <> 0 THEN pg_catalog.pg_get_userbyid(m.umuser) END) ORDER BY s.srvname, m.umuser)
        FROM pg_catalog.pg_user_mapping m JOIN pg_catalog.pg_foreign_server s ON s.oid = m.umserver
        WHERE EXISTS (SELECT FROM pg_catalog.unnest(m.umoptions) o WHERE o ~* {option})) AS mappings,
       (SELECT s.setting ~ {connection} FROM pg_catalog.pg_settings s WHERE s.name = 'primary_conninfo') AS primary_conninfo"""

_READERS = f"""
WITH {_LIMITED}
SELECT {_who(_selects("pg_catalog.pg_subscription", "subconninfo"))} AS subscription,
       {_who(_selects("pg_catalog.pg_user_mapping", "umoptions"))} AS mapping,
       {_who("pg_catalog.pg_has_role(r.oid, 'pg_read_all_settings', 'USAGE')")} AS settings,
       {_who("pg_catalog.has_function_privilege(r.oid, 'pg_catalog.pg_show_all_file_settings()', 'EXECUTE')")} AS lines,
       {_who(_READS_TEXT)} AS text_files,
       {_who(_READS_CATALOGUES)} AS files,
       (SELECT pg_catalog.json_agg(l.name ORDER BY l.name) FROM limited l WHERE l.replication) AS backups,
       (SELECT pg_catalog.json_agg({_who(_OF_A_MAPPING)} ORDER BY s.srvname, m.umuser)
        FROM pg_catalog.pg_user_mapping m JOIN pg_catalog.pg_foreign_server s ON s.oid = m.umserver
        WHERE EXISTS (SELECT FROM pg_catalog.unnest(m.umoptions) o WHERE o ~* {{option}})) AS views"""

_WAYS: t.Mapping[str, str] = {
    "subscription": "SELECT on pg_catalog.pg_subscription.subconninfo",
    "mapping": "SELECT on pg_catalog.pg_user_mapping.umoptions",
    "view": "pg_catalog.pg_user_mappings shows it to them",
    "settings": "pg_read_all_settings",
    "lines": "EXECUTE on pg_catalog.pg_show_all_file_settings()",
    "text_files": "they read files of the server",
    "files": "they read files of the server",
    "backups": "REPLICATION, with which they take base backups",
}


class Readable(t.NamedTuple):
    """A password that roles could read, in sessions of one database, in one way."""

    kind: str
    database: str  # where it is; empty: of the cluster
    subject: str
    owner: str
    way: str
    readers: tuple[str, ...]


def readable_secrets(session: Session) -> tuple[Readable, ...]:
    """One query where there is no password; only a superuser may ask."""
    option = Literal(OPTION)
    secrets = session.rows(compose(_SECRETS, connection=Literal(CONNECTION), option=option))[0]
    if not any(secrets.values()):
        return ()
    readers = session.rows(compose(_READERS, option=option))[0]
    found: list[Readable] = []
    for name, database, owner in secrets["subscriptions"] or ():
        found += _ways(
            "subscription_secret",
            database,
            f"subscription {Identifier(name)}",
            owner,
            ("subscription", "files"),
            readers,
        )
    for (server, owner, user), seeing in zip(secrets["mappings"] or (), readers["views"] or ()):
        whom = "PUBLIC" if user is None else str(Identifier(user))
        subject = f"user mapping for {whom} at server {Identifier(server)}"
        of_this = {**readers, "view": seeing}
        found += _ways("user_mapping_secret", session.database, subject, owner, ("view", "mapping", "files"), of_this)
    if secrets["primary_conninfo"]:
        found += _ways(
            "primary_conninfo_secret",
            "",
            "parameter primary_conninfo",
            "",
            ("settings", "lines", "text_files"),
            readers,
        )
    return tuple(found)


def _ways(
    kind: str, database: str, subject: str, owner: str, ways: t.Sequence[str], readers: t.Mapping[str, t.Any]
) -> list[Readable]:
    return [
        Readable(kind, database, subject, owner, _WAYS[way], tuple(readers[way]))
        for way in (*ways, "backups")  # which have every file of the cluster
        if readers[way]
    ]


def told(seen: t.Mapping[str, t.Sequence[Readable]]) -> list[Readable]:
    """What was seen in sessions of all databases: each once, with everybody who could read it in one of them. Pure."""
    merged: dict[Readable, set[str]] = {}
    for found in seen.values():
        for readable in found:
            merged.setdefault(readable._replace(readers=()), set()).update(readable.readers)
    return [readable._replace(readers=tuple(sorted(readers))) for readable, readers in merged.items()]
