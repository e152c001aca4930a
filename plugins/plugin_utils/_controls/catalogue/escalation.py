# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Controls of access: what amounts to being superuser without being called so; private to the collection."""

from __future__ import annotations

import functools
import json
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._roles.grants.known import PARAMETERS
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.benchmarks import cis
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.model import Applies
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.model import Control
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.model import Fix

__all__ = ["ESCALATION"]

_ALLOW: t.Final = Fix(
    "pg_access", "pg_access_allow", "[{role: ROLE, attributes: [CREATEDB]}]  # everybody who may have more"
)
_READERS: t.Final = ("lo_export", "lo_import", "pg_read_binary_file", "pg_read_file")
_SECRETS: t.Final = ("pg_authid", "pg_shadow", "pg_subscription", "pg_user_mapping")
_SECRET_COLUMNS: t.Final = (
    "pg_authid.rolpassword",
    "pg_shadow.passwd",
    "pg_subscription.subconninfo",
    "pg_user_mapping.umoptions",
)
_ROLE: t.Final = "{role: name, login: login}"
_HELD: t.Final = "{role: role, login: login, path: path}"
_FUNCTION: t.Final = "{database: database, schema: schema, function: function, owner: owner, search_path: search_path}"
# ALTER DATABASE ... SET of these changes what everybody's session is, an administrator's included.
_HIJACKING: t.Final = (
    "default_transaction_read_only",
    "local_preload_libraries",
    "role",
    "row_security",
    "session_authorization",
    "session_preload_libraries",
)

_access = functools.partial(Control, area="access")


def _list(names: t.Iterable[str]) -> str:
    return f"`{json.dumps(sorted(names))}`"


def _called(name: str) -> str:
    """An expression: whether it is this function, with any arguments."""
    return f"starts_with(object, '{name}(')"


ESCALATION: tuple[Control, ...] = (
    _access(
        id="RPG-ACC-101",
        title="Only the first role of the cluster is a superuser",
        severity="high",
        rationale="A superuser is bound by nothing, and runs programs as the account of the server.",
        expression=f"roles[?superuser && oid != `10`].{_ROLE}",
        fix=_ALLOW,
        references=cis("4.3"),
    ),
    _access(
        id="RPG-ACC-102",
        title="No role can make itself a superuser by CREATEROLE",
        severity="high",
        rationale="Before PostgreSQL 16 such a role grants itself pg_execute_server_program and changes others' passwords.",
        expression=f"roles[?createrole && !superuser].{_ROLE}",
        applies=Applies(last=15),
        fix=_ALLOW,
        references=cis("4.3"),
    ),
    _access(
        id="RPG-ACC-103",
        title="CREATEROLE is for those who look after roles",
        severity="medium",
        rationale="From PostgreSQL 16 on it reaches the roles that it made; that still is every account it makes.",
        expression=f"roles[?createrole && !superuser].{_ROLE}",
        applies=Applies(first=16),
        fix=_ALLOW,
        references=cis("4.3"),
    ),
    _access(
        id="RPG-ACC-104",
        title="No role bypasses row-level security",
        severity="medium",
        rationale="Policies do not exist for it.",
        expression=f"roles[?bypassrls && !superuser].{_ROLE}",
        fix=_ALLOW,
        references=cis("4.3"),
    ),
    _access(
        id="RPG-ACC-105",
        title="No role makes databases without need",
        severity="low",
        rationale="Whoever makes databases fills the disk, and copies others that are templates.",
        expression=f"roles[?createdb && !superuser].{_ROLE}",
        fix=_ALLOW,
        references=cis("4.3"),
    ),
    _access(
        id="RPG-ACC-106",
        title="Roles for replication do nothing else",
        severity="high",
        rationale="A standby's credentials lie on another host, and should open the stream and nothing more.",
        expression="replication_users[?superuser || besides[0]]",
        fix=_ALLOW,
        references=cis("7.1"),
    ),
    _access(
        id="RPG-ACC-107",
        title="REPLICATION does not load libraries into the server",
        severity="high",
        rationale="Minor releases before August 2026 let such a role load any library as an output plugin (CVE-2026-6471).",
        expression=f"roles[?replication && !superuser].{_ROLE}",
        applies=Applies(
            condition="!(settings.output_plugin_libraries) && settings.wal_level.setting == 'logical'",
            reason="This release has output_plugin_libraries, or wal_level is not logical.",
        ),
        fix=_ALLOW,
    ),
    _access(
        id="RPG-ACC-108",
        title="No role runs programs on the host",
        severity="critical",
        rationale="A member of pg_execute_server_program runs what it likes as the account of the server.",
        expression=f"held[?of == 'pg_execute_server_program'].{_HELD}",
        fix=_ALLOW,
        references=cis("4.3"),
    ),
    _access(
        id="RPG-ACC-109",
        title="No role writes files of the host",
        severity="critical",
        rationale="A member of pg_write_server_files writes pg_hba.conf, or a key for SSH, as the account of the server.",
        expression=f"held[?of == 'pg_write_server_files'].{_HELD}",
        fix=_ALLOW,
        references=cis("4.3"),
    ),
    _access(
        id="RPG-ACC-110",
        title="No role reads files of the host",
        severity="high",
        rationale="A member of pg_read_server_files reads the files of every database, verifiers and keys included.",
        expression=f"held[?of == 'pg_read_server_files'].{_HELD}",
        fix=_ALLOW,
        references=cis("4.3"),
    ),
    _access(
        id="RPG-ACC-111",
        title="No role becomes a superuser by membership",
        severity="critical",
        rationale="SET ROLE to a superuser takes one statement.",
        expression="held[?superuser].{role: role, login: login, path: path}",
        fix=_ALLOW,
        references=cis("4.3"),
    ),
    _access(
        id="RPG-ACC-112",
        title="Nobody reads md5 verifiers",
        severity="critical",
        rationale="A member of pg_read_all_data reads pg_authid; an md5 verifier logs in as it is, a superuser's too.",
        expression=f"held[?of == 'pg_read_all_data'].{_HELD}",
        needs=("verifiers",),
        applies=Applies(
            first=14,
            condition="roles[?verifier == 'md5']",
            reason="No password is stored as md5.",
        ),
        fix=Fix("pg_access", "pg_access_passwords", '{ROLE: "{{ vault_password_of_role }}"}  # for the roles with md5'),
    ),
    _access(
        id="RPG-ACC-113",
        title="Parameters that run code are not granted",
        severity="critical",
        rationale="With SET or ALTER SYSTEM on such a parameter a role runs a program or a library in the server, or lets itself in.",
        expression=f"parameter_privileges[?contains({_list(PARAMETERS)}, parameter)]",
        applies=Applies(first=15),
        fix=_ALLOW,
    ),
    _access(
        id="RPG-ACC-114",
        title="Other parameters are granted on purpose",
        severity="low",
        rationale="A role that may set a superuser's parameter can switch off what is logged of it, for example.",
        expression=f"parameter_privileges[?!contains({_list(PARAMETERS)}, parameter)]",
        applies=Applies(first=15),
    ),
    _access(
        id="RPG-ACC-115",
        title="Untrusted languages are not there without need",
        severity="medium",
        rationale="A function in one does anything that the account of the server can; its owner is as good as a superuser.",
        expression=(
            "languages[?!trusted && language != 'c' && language != 'internal'].{database: database, language: language, owner: owner}"
        ),
    ),
    _access(
        id="RPG-ACC-116",
        title="Functions of superusers that run with their rights have a safe search_path",
        severity="high",
        rationale="Whoever calls it chooses the schemas that it finds operators and tables in, and with them what it runs.",
        expression=f"definer_functions[?owner_superuser && !search_path_safe && !extension].{_FUNCTION}",
        references=cis("4.5"),
    ),
    _access(
        id="RPG-ACC-117",
        title="Functions of others that run with their rights have a safe search_path",
        severity="medium",
        rationale="As above: the caller becomes the owner of the function.",
        expression=f"definer_functions[?!owner_superuser && !search_path_safe && !extension].{_FUNCTION}",
        references=cis("4.5"),
    ),
    _access(
        id="RPG-ACC-118",
        title="Functions that run with a superuser's rights are not for everybody",
        severity="high",
        rationale="EXECUTE belongs to PUBLIC by default: whoever gets into the database does what the function does as superuser.",
        expression=f"definer_functions[?owner_superuser && public_execute && !extension].{_FUNCTION}",
        references=cis("4.5"),
    ),
    _access(
        id="RPG-ACC-119",
        title="Event triggers belong to superusers",
        severity="high",
        rationale="They run with the rights of whoever changes the schema, a superuser included.",
        expression="event_triggers[?!owner_superuser && enabled].{database: database, name: name, owner: owner}",
    ),
    _access(
        id="RPG-ACC-120",
        title="No database changes what everybody's session is",
        severity="high",
        rationale="Its owner can set role or libraries for all who connect, and so have an administrator run the owner's code.",
        expression=f"role_settings[?!role && contains({_list(_HIJACKING)}, name)]",
    ),
    _access(
        id="RPG-ACC-122",
        title="No database sets the search_path of everybody",
        severity="medium",
        rationale="Its owner chooses in which schemas an administrator's session finds operators and functions.",
        expression="role_settings[?!role && name == 'search_path']",
    ),
    _access(
        id="RPG-ACC-123",
        title="No role was given what reads verifiers, or reads and writes files of the host",
        severity="high",
        rationale="EXECUTE on pg_read_file, or SELECT on pg_authid, gives what superusers and a few predefined roles have.",
        expression=(
            f"catalogue_privileges[?contains({_list((*_SECRETS, *_SECRET_COLUMNS))}, object)"
            f" || {' || '.join(_called(name) for name in _READERS)}]"
        ),
        references=cis("4.5"),
    ),
    _access(
        id="RPG-ACC-121",
        title="Subscriptions do not belong to superusers",
        severity="low",
        rationale="The worker runs with the owner's rights, and so do triggers of the tables that it writes.",
        expression="subscriptions[?owner_superuser && enabled].{database: database, name: name, owner: owner}",
        applies=Applies(first=16),
    ),
)
