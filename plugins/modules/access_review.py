#!/usr/bin/python
# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: access_review
short_description: Who can do what on which object of a PostgreSQL cluster, and in which way
version_added: 0.1.0
description:
  - Tells for each role what it can do on databases, schemas, tables, columns, functions and all other objects that have
    privileges, and in which way it came to that, by a grant, as a member of another role, as the owner, by C(PUBLIC),
    by an attribute such as C(SUPERUSER).
  - What everybody can do is told once, under V(public). A role has that, too, and its own rows tell what it has beyond.
  - It only ever reads, in sessions that the server keeps from writing, with one session for each database, and works on
    standbys.
  - Of PostgreSQL's own objects it tells what somebody granted on them, and not what they come with. What C(pg_hba.conf) and
    row-level security keep somebody from is not told.
  - The filter P(rampart.postgresql.access_review#filter) makes a table of it, and compares it with an earlier review.
author:
  - rampart.postgresql contributors (@rampart-postgresql)
extends_documentation_fragment:
  - rampart.postgresql.attributes
  - rampart.postgresql.connection
attributes:
  check_mode:
    support: full
  diff_mode:
    support: N/A
    details: It never changes anything.
  idempotent:
    support: full
  platform:
    platforms: posix
    support: full
    details: Linux only.
options:
  roles:
    description:
      - The roles to review. Names, or patterns. A pattern is a regular expression behind a C(/), and has to match the
        whole name.
      - The default is every role that can log in. V(public) is always told.
    type: list
    elements: str
  databases:
    description: The databases to review, in the same form. The default is all.
    type: list
    elements: str
  kinds:
    description: The kinds of objects to review. The default is all.
    type: list
    elements: str
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
  listed:
    description:
      - How many objects that a role holds in the same way in a schema are named. More of them are counted, and two reviews
        can then only tell that it was another choice of objects, and not which one came or went.
    type: int
    default: 50
requirements:
  - a login that is superuser, or a member of C(pg_monitor); it looks into the databases that it may connect to
  - psycopg 3, psycopg2 or C(psql)
seealso:
  - plugin: rampart.postgresql.access_review
    plugin_type: filter
  - module: rampart.postgresql.privileges
  - module: rampart.postgresql.cluster_info
"""

EXAMPLES = r"""
- name: Review what every role that can log in can do
  rampart.postgresql.access_review:
  become: true
  register: review

- name: Review whom the tables of one database are open to
  rampart.postgresql.access_review:
    databases: [shop]
    kinds: [table, column]
    roles: [reporting, "/app_.*"]
  become: true
  register: review

- name: Show it
  ansible.builtin.debug:
    msg: "{{ (review | rampart.postgresql.access_review).splitlines() }}"
"""

RETURN = r"""
rows:
  description: Who can do what. Each row is about all objects of a schema that a role holds in the same way.
  returned: success
  type: list
  elements: dict
  contains:
    role:
      description: Who; V(public), which no role can be called, stands for everybody.
      type: str
    set_role:
      description: The role that it has to become with C(SET ROLE) first; empty for what it can do at once.
      type: str
    kind:
      description:
        - The kind of the objects, as in O(kinds).
        - With V(cluster) the privileges are attributes of the role, with V(role) what a membership gives (C(INHERIT), C(SET),
          C(ADMIN)).
      type: str
    database: {description: Where they are; empty for what belongs to the cluster., type: str}
    schema: {description: Where they are; empty for what is in no schema., type: str}
    objects:
      description: Their names, a function with the types of its arguments. Empty where there are more than O(listed).
      type: list
      elements: str
    columns:
      description: The columns that this is about, with V(column).
      type: list
      elements: str
    count: {description: How many objects., type: int}
    total:
      description: How many objects of the kind there are in the schema; 0 for roles, attributes, columns and in PostgreSQL's own schemas.
      type: int
    digest: {description: Tells one choice of more than O(listed) objects from another; empty where it is all of them., type: str}
    privileges:
      description: What can be done. C(OWNER) stands for what only an owner may, such as to alter, drop and grant.
      type: list
      elements: str
    grantable: {description: Whether it may grant these to others., type: bool}
    ways:
      description: How it came to that, for example V(direct), V(public), V(owner) or V(member of "readers").
      type: list
      elements: str
    missing:
      description:
        - What the use would need besides, so that with any of these it is held and cannot be used. C(CONNECT) on the
          database, C(USAGE) on the schema; V(closed) when the database takes no connections.
      type: list
      elements: str
  sample:
    - role: reporting
      set_role: ""
      kind: table
      database: shop
      schema: sales
      objects: []
      columns: []
      count: 20000
      total: 20000
      digest: ""
      privileges: [SELECT]
      grantable: false
      ways: ['member of "readers"']
      missing: []
reviewed:
  description: The roles that were reviewed.
  returned: success
  type: list
  elements: str
scope:
  description: What was asked for (C(roles), C(databases), C(kinds)), so that the filter knows what was not looked at.
  returned: success
  type: dict
  sample: {"roles": null, "databases": ["shop"], "kinds": ["table", "column"]}
session:
  description: Who looked, as in RV(rampart.postgresql.cluster_info#module:session).
  returned: success
  type: dict
unreadable:
  description: Databases that could not be looked into, with the reason. What is in them is not known.
  returned: success
  type: dict
  sample: {"database template0": "it takes no connections"}
server:
  description: The cluster that this is about.
  returned: success
  type: dict
"""

import dataclasses
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._facts.access import KIND_NAMES
from ansible_collections.rampart.postgresql.plugins.module_utils._facts.access import Wanted
from ansible_collections.rampart.postgresql.plugins.module_utils._facts.access import reviewed
from ansible_collections.rampart.postgresql.plugins.module_utils._server.arguments import CONNECTION_ARGUMENTS
from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server
from ansible_collections.rampart.postgresql.plugins.module_utils._server.session import Options

_NAMES: dict[str, t.Any] = {"type": "list", "elements": "str"}
ARGUMENTS: dict[str, dict[str, t.Any]] = {
    "roles": _NAMES,
    "databases": _NAMES,
    "kinds": {**_NAMES, "choices": list(KIND_NAMES)},
    "listed": {"type": "int", "default": 50},
}


def main() -> t.NoReturn:
    """Review and tell."""
    module = AnsibleModule(argument_spec={**CONNECTION_ARGUMENTS, **ARGUMENTS}, supports_check_mode=True)
    values = module.params
    wanted = Wanted(values["roles"], values["databases"], values["kinds"] or KIND_NAMES, values["listed"])
    try:
        if wanted.listed < 0:
            raise InputError(option="listed", value=wanted.listed, expected="a number from 0 up")
        options = dataclasses.replace(Options.from_task(values), read_only=True)
        with Server.open(options) as server:
            result = reviewed(server, wanted)
    except RampartError as error:
        module.fail_json(msg=str(error), **error.details)
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
