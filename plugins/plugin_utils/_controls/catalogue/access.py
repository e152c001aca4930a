# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Controls of access: who has which rights on what; private to the collection."""

from __future__ import annotations

import functools
import typing as t

from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.benchmarks import cis
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.benchmarks import stig
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.catalogue.shared import LOOSE_PROFILE
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.catalogue.shared import ONLY_STRICTER
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.catalogue.shared import parameter
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.model import Applies
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.model import Control
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.model import Fix

__all__ = ["ACCESS"]

_GRANT: t.Final = "{database: database, kind: kind, object: object, privileges: privileges}"
_access = functools.partial(Control, area="access")
_parameter = functools.partial(parameter, area="access")

ACCESS: tuple[Control, ...] = (
    _access(
        id="RPG-ACC-001",
        title="Nobody but the owner of public may create in it",
        severity="high",
        rationale="An object put there is found by the search path of others, who then run it with their own rights.",
        expression="schemas[?schema == 'public' && public_create].{database: database, schema: schema, owner: owner}",
        fix=Fix("pg_access", "pg_access_public_schema", "revoke"),
        references=cis("4.10"),
    ),
    _access(
        id="RPG-ACC-002",
        title="No other schema is open for everybody to create in",
        severity="medium",
        rationale="As in public: whose search path has the schema runs what somebody else has put there.",
        expression="schemas[?schema != 'public' && public_create].{database: database, schema: schema, owner: owner}",
        references=cis("4.10"),
    ),
    _access(
        id="RPG-ACC-003",
        title="Only those who were given a database get into it",
        severity="medium",
        rationale="By default every role may connect to every database and make temporary tables there.",
        expression="databases[?allow_connections && contains(connect, 'public')].{database: name, owner: owner}",
        applies=Applies(condition=ONLY_STRICTER, reason=LOOSE_PROFILE),
        fix=Fix("pg_access", "pg_access_public_database", "revoke"),
    ),
    _access(
        id="RPG-ACC-004",
        title="PUBLIC has no rights on objects that somebody granted",
        severity="high",
        rationale="Everybody who gets into the database, now or later, has what PUBLIC has.",
        expression=f"public_privileges[?!builtin && kind != 'function' && kind != 'schema'].{_GRANT}",
        references=cis("4.6"),
    ),
    _access(
        id="RPG-ACC-005",
        title="PUBLIC may not execute functions that it could not by default",
        severity="high",
        rationale="PostgreSQL keeps functions that read files or change the server from PUBLIC; a grant opens them to all.",
        expression=f"public_privileges[?!builtin && kind == 'function'].{_GRANT}",
        references=cis("4.5"),
    ),
    _access(
        id="RPG-ACC-006",
        title="New objects are not given to PUBLIC",
        severity="medium",
        rationale="Default privileges hand everything that is made later to everybody. What PUBLIC has of functions and types anyway is left out.",
        expression="default_privileges[?grantee == 'public' && (schema || (kind != 'function' && kind != 'type'))]",
        references=cis("4.6"),
    ),
    _access(
        id="RPG-ACC-007",
        title="Rights on tables are as few as the work needs",
        severity="medium",
        rationale="What an account may change it can be made to change.",
        expression="table_privileges[].{database: database, schema: schema, table: table, grantee: grantee, privileges: privileges}",
        manual="Go through who may read and change which table, and take away what the work of the role does not need.",
        fix=Fix("pg_access", "pg_access_groups", "[{database: DATABASE}]  # owner, writers and readers as groups"),
        references=cis("4.6"),
    ),
    _access(
        id="RPG-ACC-008",
        title="Policies of tables are in force",
        severity="high",
        rationale="A table with policies for which row-level security is not enabled shows all rows to everybody.",
        expression="row_security[?!enabled].{database: database, schema: schema, table: table, owner: owner}",
        references=cis("4.7"),
    ),
    _access(
        id="RPG-ACC-009",
        title="Row-level security binds the owners of tables, too",
        severity="medium",
        rationale="An application that logs in as the owner is bound by no policy unless row-level security is forced.",
        expression="row_security[?enabled && !forced].{database: database, schema: schema, table: table, owner: owner}",
        fix=Fix(
            "pg_access",
            "pg_access_force_row_security",
            "[{databases: [DATABASE], schemas: [SCHEMA], objects: [TABLE]}]",
        ),
        references=cis("4.7"),
    ),
    _access(
        id="RPG-ACC-010",
        title="Accounts that nobody uses are locked",
        severity="medium",
        rationale="An account that is not used is not missed when somebody else uses it.",
        expression="roles[?login].{role: name, superuser: superuser, valid_until: valid_until}",
        manual="Find out who uses each of these roles, with log_review for example, and take LOGIN from the others.",
        fix=Fix("pg_access", "pg_access_roles", "[{role: ROLE, login: false}]"),
        references=cis("4.4"),
    ),
    _access(
        id="RPG-ACC-011",
        title="Every account has a limit of connections",
        severity="low",
        rationale="One client that goes wrong, or wrong-doer, takes all connections of the server.",
        expression="roles[?login && !superuser && connection_limit == `-1`].{role: name}",
        fix=Fix("pg_access", "pg_access_roles", "[{role: ROLE, connection_limit: 20}]"),
        references=(*cis("5.5"), *stig("CD16-00-000100")),
    ),
    _access(
        id="RPG-ACC-012",
        title="Predefined roles are used, and by whom they should be",
        severity="low",
        rationale="They give monitoring or maintenance what it needs without superusers, and some of them give a lot.",
        expression="held[?starts_with(of, 'pg_')].{role: role, of: of, path: path}",
        manual="Look whether each of these memberships is needed, and whether superusers could do with one of them.",
        references=cis("4.9"),
    ),
    _access(
        id="RPG-ACC-013",
        title="Superusers log in under a name of their own, by set_user",
        severity="low",
        rationale="With set_user a person logs in as herself and becomes superuser for a while, which is in the log.",
        expression="(length(values(extensions)[] | [?name == 'set_user']) == `0` && ['set_user is in no database']) || `[]`",
        evidence="values(extensions)[].name",
        applies=Applies(condition=ONLY_STRICTER, reason=LOOSE_PROFILE),
        fix=Fix("pg_crypto", "pg_crypto_set_user", "true"),
        references=cis("4.8"),
    ),
    _access(
        id="RPG-ACC-014",
        title="Parameters that users can change are as they should be",
        severity="low",
        rationale="Defaults of the server for what every session may change are what applications rely on.",
        expression="changed_settings[?context == 'user'].{name: name, setting: setting, source: source}",
        manual="Look whether these values are wanted, and whether roles or databases have others.",
        references=cis("6.6"),
    ),
    _access(
        id="RPG-ACC-015",
        title="Parameters that superusers can change are as they should be",
        severity="low",
        rationale="They concern the security of the server, or what it logs, and a superuser's session can have others.",
        expression="changed_settings[?context == 'superuser'].{name: name, setting: setting, source: source}",
        manual="Look whether these values are wanted; those that profiles set have controls of their own.",
        references=cis("6.5"),
    ),
    _parameter("RPG-ACC-016", "allow_system_table_mods", "high", "The catalogue is not changed by hand", cis("6.5")),
    _parameter("RPG-ACC-017", "lo_compat_privileges", "medium", "Privileges on large objects are checked", cis("6.5")),
    _parameter("RPG-ACC-018", "row_security", "medium", "Policies filter rows", cis("4.7")),
)
