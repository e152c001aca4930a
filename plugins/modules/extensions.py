#!/usr/bin/python
# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: extensions
short_description: Create PostgreSQL extensions in chosen databases, and set their parameters once they are there
version_added: 0.1.0
description:
  - Creates each extension in the databases where it is missing, and sets its parameters only then.
  - An extension such as C(pgaudit) needs a library that the server loads at its start. As long as it does not run with that
    library, nothing is done about the extension; it is in RV(left_alone) and RV(waiting_extensions), and the next run after
    the restart goes on. M(rampart.postgresql.settings) asks for the library, with its option C(preload).
  - No extension is taken away or updated, and no package is installed.
author:
  - rampart.postgresql contributors (@rampart-postgresql)
extends_documentation_fragment:
  - rampart.postgresql.attributes
  - rampart.postgresql.connection
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details: One entry for each extension and database, one for each role, and that of the file of parameters.
  idempotent:
    support: full
  platform:
    platforms: posix
    support: full
    details: Linux only.
options:
  present:
    description: The extensions that shall be there. Others are neither looked at nor changed.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the extension, as C(pg_available_extensions) has it.
        type: str
        required: true
      databases:
        description:
          - The databases to have it. V(all) among them means every one that accepts connections, C(template1) included, so
            that new databases have it from the start.
          - A database that does not exist is an error.
        type: list
        elements: str
        default: [postgres]
      schema:
        description: The schema that a new one is created in. An extension that says itself where it belongs goes there.
        type: str
        default: public
      library:
        description: The library that the server must have loaded at its start before the extension can be created or used.
        type: str
      role:
        description:
          - A role that the parameters of the extension name, as C(pgaudit.role) does. One that is missing is created, without
            C(LOGIN); one that may log in is an error.
        type: str
      parameters:
        description:
          - Server parameters of the extension. They stand in our section V(extensions) of the server's parameters, as soon as
            the extension is in every database that O(present[].databases) names, and no sooner.
          - A list becomes text with commas. V(null) leaves a parameter out. A dictionary has each value under the first major
            version that has it, as with M(rampart.postgresql.settings).
        type: dict
        default: {}
requirements:
  - psycopg 3 or psycopg2; check mode works with C(psql) alone
seealso:
  - module: rampart.postgresql.settings
  - module: rampart.postgresql.server_restart
"""

EXAMPLES = r"""
- name: Have the server load pgAudit at its next start
  rampart.postgresql.settings:
    preload: [pgaudit]
  become: true

- name: Restart it for that
  rampart.postgresql.server_restart:
  become: true

- name: Audit changes of structure, roles and data, and what the role auditor was granted
  rampart.postgresql.extensions:
    present:
      - name: pgaudit
        databases: [postgres, shop]
        library: pgaudit
        role: auditor
        parameters:
          pgaudit.log: [ddl, role, write]
          pgaudit.role: auditor
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
      sample: extensions
    subject:
      description: The extension and its database, the role, or the path of the file.
      type: str
      sample: extension "pgaudit" in database "shop"
    description:
      description: What is done.
      type: str
      sample: create it in schema "public"
    statement:
      description: The statement.
      type: str
      sample: CREATE EXTENSION IF NOT EXISTS "pgaudit" SCHEMA "public"
    before:
      description: What was there.
      type: str
    after:
      description: What is there now.
      type: str
waiting_extensions:
  description: Extensions that wait for a restart of the server, on every run until it happened.
  returned: success
  type: list
  elements: dict
  contains:
    extension:
      description: Its name.
      type: str
      sample: pgaudit
    library:
      description: The library that the server has not loaded.
      type: str
      sample: pgaudit
left_alone:
  description: What was seen and deliberately not changed, with the reason.
  returned: success
  type: list
  elements: dict
  sample:
    - component: extensions
      subject: extension "pgaudit" in database "shop"
      reason: it waits until the server has loaded the library pgaudit at its start
restart_required:
  description: Parameters that wait for a restart.
  returned: success
  type: list
  elements: dict
overridden_by:
  description: Parameters that something stronger sets.
  returned: success
  type: list
  elements: dict
undone:
  description: What was taken back.
  returned: failure, after something was changed
  type: list
  elements: str
server:
  description: The cluster that this was about.
  returned: success
  type: dict
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.rampart.postgresql.plugins.module_utils._extensions.arguments import ARGUMENTS
from ansible_collections.rampart.postgresql.plugins.module_utils._extensions.arguments import component
from ansible_collections.rampart.postgresql.plugins.module_utils._module import run
from ansible_collections.rampart.postgresql.plugins.module_utils._server.arguments import CONNECTION_ARGUMENTS
from ansible_collections.rampart.postgresql.plugins.module_utils._settings import arguments as settings


def main() -> t.NoReturn:
    """Create what is missing, and set what it takes."""
    module = AnsibleModule(argument_spec={**CONNECTION_ARGUMENTS, **ARGUMENTS}, supports_check_mode=True)
    for extension in module.params["present"]:
        module.no_log_values.update(settings.secrets(extension))
    run(module, lambda values: [component(values), settings.component({})])


if __name__ == "__main__":
    main()
