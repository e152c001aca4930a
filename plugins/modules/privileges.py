#!/usr/bin/python
# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: privileges
short_description: Grant and revoke privileges on everything in a PostgreSQL cluster, in one call
version_added: 0.1.0
description:
  - Brings privileges, default privileges and owners of any objects in any databases of a cluster to the desired state in
    ONE call. Only what differs is sent, one statement for each difference, all of a database in one transaction.
  - Whoever is not named in an entry, and every object that no entry is about, stays as it is.
  - An entry with O(grants[].state=exact) takes from its objects whatever no entry gives there. Several entries about one
    object count together, so a reader and a writer can have an entry each.
  - What an owner has of its own is never taken away, whatever the entries say; RV(left_alone) tells where one would have. An
    entry that names the owner gives back what the owner had revoked from itself.
  - Objects that an extension or C(initdb) made keep what these had granted on them when O(grants[].state=exact) meets them by
    a pattern or V(ALL). An entry that names such an object itself takes that as well. The schema C(public), and the
    databases that C(initdb) makes, count as yours.
  - The grantor is part of the state. A privilege counts as given whoever granted it. What is given here comes from the
    owner. What somebody else granted is revoked in the name of that role, and what a grantee granted on is revoked before
    the grant option that it came from. See O(cascade).
  - What an entry takes from a table it takes from its columns too, as C(REVOKE) does, unless an entry with
    O(grants[].kind=column) gives it there.
  - Schemas that are PostgreSQL's own (C(information_schema) and all whose name begins with C(pg_)) are left alone unless they
    are named; a pattern or V(ALL) does not meet them.
  - Two entries of which one gives what the other takes, on the same object, are an error that names both. So is an entry
    that names a role, database, schema, object or column that is not there. A pattern may meet nothing.
  - When clients would lose C(CONNECT), it is asked first who would still get in, see O(must_admit) and O(allow_lockout).
author:
  - rampart.postgresql contributors (@rampart-postgresql)
extends_documentation_fragment:
  - rampart.postgresql.admission
  - rampart.postgresql.attributes
  - rampart.postgresql.connection
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details: One entry for each statement, with what the grantee had from the grantor before and has after.
  idempotent:
    support: full
  platform:
    platforms: posix
    support: full
    details: Linux only.
options:
  grants:
    description: Who has which privileges on what.
    type: list
    elements: dict
    suboptions:
      kind:
        description:
          - The kind of objects.
          - V(table) is also a view, materialized view, partitioned or foreign table; V(function) also a procedure, aggregate
            or window function; V(type) also a domain.
          - V(parameter) is a server parameter, from PostgreSQL 15 on.
          - V(default) are default privileges, which future objects get when they are made.
        type: str
        required: true
        choices:
          - tablespace
          - parameter
          - database
          - language
          - foreign_data_wrapper
          - foreign_server
          - schema
          - type
          - table
          - column
          - sequence
          - function
          - large_object
          - default
      databases:
        description:
          - The databases that the objects are in; with O(grants[].kind=database) the objects themselves. Not with V(tablespace)
            and V(parameter), which belong to the cluster.
          - Names, or patterns. A pattern is a regular expression behind a C(/), as in pg_hba.conf, and has to match the whole
            name, as in V(/shop_.*). V(ALL) is everything, as for the other options that choose.
          - Without it, every database that allows connections, C(template1) included. One that does not allow them is told
            in RV(left_alone), and is an error where it is named, except with O(grants[].kind=database).
          - A schema, object or column that is named has to be in every database that is named, or else in one at least.
        type: list
        elements: str
      schemas:
        description:
          - The schemas that the objects are in; with O(grants[].kind=schema), where it is required, the objects themselves.
            Names, patterns, or V(ALL).
          - Without it, every schema but PostgreSQL's own. With O(grants[].kind=default) it means the default privileges for
            all schemas, while with it they are those of each of these schemas, which can only add to the former; to take there
            what comes from the former is an error.
        type: list
        elements: str
      objects:
        description:
          - The objects. Names as the catalogue has them (capitals matter, no quotes are needed), patterns, or V(ALL). Required
            but for databases, schemas and default privileges.
          - With O(grants[].kind=column) the tables. A large object is named by its number.
          - The name of a function means all that bear it; V(total(integer, text)) means the one with these types of arguments.
          - Parameters are those that the server knows, or somebody has a privilege on. Another one with a dot in its name, as those of
            an extension that is not loaded, is meant where it is named.
          - On an untrusted language nobody but superusers can be given anything, so naming one is an error.
        type: list
        elements: str
      columns:
        description: The columns of O(grants[].kind=column). Names, patterns, or V(ALL).
        type: list
        elements: str
      for_roles:
        description:
          - Default privileges are given for objects that one of these roles makes. Names, patterns, or V(ALL), as for
            O(grants[].roles). Required with O(grants[].kind=default).
        type: list
        elements: str
      future:
        description: The kinds of future objects of O(grants[].kind=default). V(large_object) needs PostgreSQL 18.
        type: list
        elements: str
        choices: [table, sequence, function, type, schema, large_object]
      roles:
        description:
          - The roles that are given the privileges, or that they are taken from. Names, patterns, or V(PUBLIC). PostgreSQL's
            own roles, whose names begin with C(pg_), have to be named; no pattern meets them.
          - An empty list is for O(grants[].state=exact), when nobody but the owner shall have anything.
        type: list
        elements: str
        required: true
      privileges:
        description:
          - The privileges, as C(GRANT) names them, or V(ALL), which means all that this version has for the kind.
          - V(CONNECT), V(TEMPORARY) and V(CREATE) on databases; V(USAGE) and V(CREATE) on schemas; V(SELECT), V(INSERT),
            V(UPDATE), V(DELETE), V(TRUNCATE), V(REFERENCES), V(TRIGGER) and (from 17 on) V(MAINTAIN) on tables; V(SELECT),
            V(INSERT), V(UPDATE) and V(REFERENCES) on columns; V(USAGE), V(SELECT) and V(UPDATE) on sequences; V(EXECUTE) on
            functions; V(USAGE) on types, languages, foreign data wrappers and servers; V(SELECT) and V(UPDATE) on large
            objects; V(SET) and V(ALTER SYSTEM) on parameters; V(CREATE) on tablespaces.
        type: list
        elements: str
      grant_option:
        description:
          - Whether they may grant them on. With O(grants[].state=absent) only the grant option is taken, the privilege stays.
        type: bool
        default: false
      keep_current_owners:
        description:
          - Whether roles that own something in the schema keep what V(PUBLIC) loses, by grants of their own in the same
            transaction. Only together with O(grants[].kind=schema), O(grants[].state=absent) and V(PUBLIC).
          - It counts once, while V(PUBLIC) still has the privilege. Superusers, the owner of the schema and its members need no
            grant and get none. An V(exact) entry about the schema goes before it.
        type: bool
        default: false
      state:
        description:
          - With V(present) they have these at least, with V(absent) they do not have these. What they have through V(PUBLIC) or a
            role that they are members of is taken from that.
          - With V(exact) they have these, and nobody has anything else on these objects but what another entry gives.
        type: str
        choices: [present, absent, exact]
        default: present
  ownership:
    description:
      - Who owns what. An owner is changed before privileges are, in the same transaction.
      - A sequence that belongs to a column goes with the table. What an extension made keeps its owner unless it is named.
    type: list
    elements: dict
    suboptions:
      kind:
        description: The kind of objects, as in O(grants[].kind).
        type: str
        required: true
        choices:
          - tablespace
          - database
          - language
          - foreign_data_wrapper
          - foreign_server
          - schema
          - type
          - table
          - sequence
          - function
          - large_object
      databases:
        description: As O(grants[].databases). Required for databases.
        type: list
        elements: str
      schemas:
        description: As O(grants[].schemas).
        type: list
        elements: str
      objects:
        description: As O(grants[].objects).
        type: list
        elements: str
      owner:
        description: The role that owns them. Two entries that give an object to different roles are an error that names both.
        type: str
        required: true
  groups:
    description:
      - Roles that have to be there before something is granted to them. One that is missing is made with NOLOGIN and no
        attribute; one that is there stays as it is.
      - An empty name, one of more than 63 bytes, one that begins with V(pg_) or V(/), and V(ALL), V(PUBLIC), V(public) and
        V(none) are errors.
    type: list
    elements: str
  force_row_security:
    description:
      - Tables with row-level security that is to bind their owners as well (C(FORCE ROW LEVEL SECURITY)). A table where it is
        not enabled is left alone, and an error where it is named. Superusers and roles with C(BYPASSRLS) stay unbound.
    type: list
    elements: dict
    suboptions:
      databases:
        description: As O(grants[].databases).
        type: list
        elements: str
      schemas:
        description: As O(grants[].schemas).
        type: list
        elements: str
      objects:
        description: The tables. Names, patterns, or V(ALL).
        type: list
        elements: str
        required: true
  report:
    description: Whether to look, in every database that allows connections, for what RV(access_findings) tells. Changes nothing.
    type: bool
    default: false
  cascade:
    description:
      - Whether a role may lose its grant option although others, whom no entry is about, have what it granted to them.
        They lose it then, which a warning for each says, and so does the plan of check mode. C(CASCADE) itself is never sent.
      - Without it this is an error that lists what would fall, and nothing is changed.
    type: bool
    default: false
  on_standby:
    description:
      - A standby takes no writes. V(skip) reports in RV(left_alone) what would have to change on the primary, V(fail) fails.
    type: str
    choices: [skip, fail]
    default: skip
requirements:
  - psycopg 3 or psycopg2; check mode works with C(psql) alone
  - a login that is superuser, where something has to be changed
notes:
  - What a superuser can do is no matter of privileges, and policies are not governed here.
  - Where the grantor of a privilege may not look into the schema of the object, it is given C(USAGE) there for the length of the
    statement that revokes in its name.
seealso:
  - module: rampart.postgresql.role_attributes
"""

EXAMPLES = r"""
- name: One application, its readers and its writers
  rampart.postgresql.privileges:
    grants:
      - {kind: database, databases: [shop], roles: [shop_reader, shop_writer], privileges: [CONNECT], state: exact}
      - {kind: schema, databases: [shop], schemas: [app], roles: [shop_reader, shop_writer], privileges: [USAGE], state: exact}
      - {kind: table, databases: [shop], schemas: [app], objects: [ALL], roles: [shop_reader], privileges: [SELECT], state: exact}
      - kind: table
        databases: [shop]
        schemas: [app]
        objects: [ALL]
        roles: [shop_writer]
        privileges: [SELECT, INSERT, UPDATE, DELETE]
        state: exact
      - {kind: sequence, databases: [shop], schemas: [app], objects: [ALL], roles: [shop_writer], privileges: [USAGE, SELECT]}
      - kind: default
        databases: [shop]
        schemas: [app]
        for_roles: [shop_owner]
        future: [table]
        roles: [shop_reader]
        privileges: [SELECT]
  become: true

- name: Nobody makes objects in the schema public, in any database
  rampart.postgresql.privileges:
    grants:
      - {kind: schema, schemas: [public], roles: [PUBLIC], privileges: [CREATE], state: absent}
  become: true

- name: Functions are for those who are named, those of the future too
  rampart.postgresql.privileges:
    grants:
      - {kind: function, schemas: [app], objects: [ALL], roles: [PUBLIC], privileges: [EXECUTE], state: absent}
      - {kind: default, for_roles: [shop_owner], future: [function], roles: [PUBLIC], privileges: [EXECUTE], state: absent}
    ownership:
      - {kind: table, databases: [shop], schemas: [app], objects: [ALL], owner: shop_owner}
  become: true
"""

RETURN = r"""
steps:
  description: What was changed, in order; in check mode what would be.
  returned: success
  type: list
  elements: dict
  contains:
    component:
      description: The part of the collection that planned the step.
      type: str
      sample: privileges
    subject:
      description: The object, and the database that it is in.
      type: str
      sample: table "app"."orders" in database "shop"
    description:
      description: What is done.
      type: str
      sample: grant SELECT to "shop_reader"
    statement:
      description: The statement.
      type: str
      sample: GRANT SELECT ON TABLE "app"."orders" TO "shop_reader"
    before:
      description: What the grantee had from this grantor.
      type: str
      sample: ""
    after:
      description: What it has now.
      type: str
      sample: '"shop_reader", granted by "shop_owner": SELECT'
access_findings:
  description:
    - What lets somebody do more than privileges show. What an extension made is not in it.
    - After this run; in check mode, before.
  returned: success, with O(report)
  type: list
  elements: dict
  contains:
    kind:
      description:
        - V(definer_without_search_path) is a C(SECURITY DEFINER) routine that does not set C(search_path), so that its caller
          chooses which objects it uses with the power of its owner.
        - V(untrusted_language) is one that counts as trusted although it can do anything the server's account can.
        - V(untrusted_function) is a routine in an untrusted language that C(PUBLIC) may execute.
        - V(definer_with_unsafe_search_path) is one that does, but with a schema in which somebody else may make objects, a
          schema that is not there and that somebody else may make, or without C(pg_temp) at the end, so that temporary
          objects come before all others, even those of C(pg_catalog).
        - V(row_security_without_policy) is a table where row-level security is enabled and nobody sees a row but who is not
          bound by it.
        - V(row_security_not_for_owner) is one of which the owner is not bound, see O(force_row_security).
        - V(policy_for_everybody) is a permissive policy C(USING (true)) for C(PUBLIC), where no restrictive policy for C(PUBLIC)
          and the same command says otherwise.
        - V(policy_with_function_of_another) is a policy that calls a function whose owner is neither superuser nor the
          owner of the table, and so may replace it.
        - V(bypassrls) is a role that no policy binds, without being superuser.
        - V(subscription_secret), V(user_mapping_secret) and V(primary_conninfo_secret) are passwords that the server keeps in
          clear and that roles which are no superusers could read, with one finding for each way. Only a superuser may look
          for these. The password itself never leaves the server.
      type: str
    database: {description: Where it is; empty for a role and a parameter., type: str}
    object: {description: What it is., type: str}
    owner: {description: Who owns it; empty for a role and a parameter., type: str}
    reason:
      description: >-
        With V(definer_with_unsafe_search_path), V(policy_for_everybody) and V(policy_with_function_of_another) why, with secrets
        the way in which they are read; else empty.
      type: str
    roles:
      description:
        - With these, who can use it; C(PUBLIC) alone stands for everybody. Else empty.
        - Of secrets, all roles that may log in and connect to the database, and read it themselves or as a role that they may
          become (C(SET ROLE)), if need be by an C(ADMIN) option that they have. What pg_hba.conf says is not asked.
        - Until PostgreSQL 15 a role with C(CREATEROLE) may become every role that is no superuser, and so read all of it;
          M(rampart.postgresql.role_attributes) tells such roles in RV(rampart.postgresql.role_attributes#module:near_superusers).
      type: list
      elements: str
left_alone:
  description: What was seen and deliberately not changed, with the reason.
  returned: success
  type: list
  elements: dict
  sample:
    - component: privileges
      subject: database "archive"
      reason: it takes no connections
falling:
  description: What others would lose, see O(cascade).
  returned: failure for that reason
  type: list
  elements: str
undone:
  description: What was taken back.
  returned: failure, after something was changed
  type: list
  elements: str
sessions:
  description: Sessions that are not admitted any more and go on until they are ended; see O(sessions).
  returned: when this run had to ask who would still get in
  type: list
  elements: dict
  contains:
    pid: {description: The server's process., type: int}
    user: {description: The role., type: str}
    database: {description: The database; null with physical replication., type: str}
    address: {description: The IP address; null through the socket., type: str}
    application_name: {description: How the client calls itself., type: str}
    reason: {description: Why it would be refused., type: str}
    where: {description: The rule or attribute that says so., type: str}
    action: {description: V(terminate) when it is ended; V(none)., type: str}
refused:
  description: Clients that would be refused. Each has C(client), C(pids), C(user), C(database), C(address), C(reason), C(where).
  returned: failure because somebody would be locked out
  type: list
  elements: dict
unproven:
  description: Clients of which it is not certain that they get in, in the same form; see O(accept_unproven).
  returned: failure because somebody would be locked out
  type: list
  elements: dict
server:
  description: The cluster that this was about.
  returned: success
  type: dict
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.rampart.postgresql.plugins.module_utils._admission.arguments import ADMISSION_ARGUMENTS
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.arguments import guards
from ansible_collections.rampart.postgresql.plugins.module_utils._module import run
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.arguments import ARGUMENTS
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.arguments import component
from ansible_collections.rampart.postgresql.plugins.module_utils._server.arguments import CONNECTION_ARGUMENTS


def main() -> t.NoReturn:
    """Grant what is missing, revoke what is too much."""
    module = AnsibleModule(
        argument_spec={**CONNECTION_ARGUMENTS, **ADMISSION_ARGUMENTS, **ARGUMENTS}, supports_check_mode=True
    )
    run(module, lambda values: [component(values)], guards)


if __name__ == "__main__":
    main()
