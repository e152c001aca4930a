#!/usr/bin/python
# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_info
short_description: Read-only facts about a PostgreSQL cluster
version_added: 0.1.0
description:
  - Gathers version, paths, recovery state, managers, settings, roles, memberships, hba rules, databases and extensions
    in one execution, with one session for the cluster and one for each database that allows connections.
  - It only ever reads, and works on standbys. What the login may not read is null and named in RV(unreadable).
  - Secrets stay on the host; a password verifier is reduced to its kind.
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
requirements:
  - psycopg 3, psycopg2 or C(psql)
"""

EXAMPLES = r"""
- name: Look at the one running cluster
  rampart.postgresql.cluster_info:
  become: true
  register: facts
"""

RETURN = r"""
version:
  description: The number in C(server_version_num).
  returned: success
  type: int
  sample: 170011
major:
  description: Major version.
  returned: success
  type: int
  sample: 17
in_recovery:
  description: Whether this is a standby.
  returned: success
  type: bool
managed_by:
  description: What manages the cluster besides this collection, with the evidence.
  returned: success
  type: list
  elements: dict
  sample: [{"name": "repmgr", "evidence": "shared_preload_libraries names repmgr"}]
paths:
  description: Configuration file, data directory, hba and ident file as the server names them.
  returned: success
  type: dict
settings:
  description: Every parameter by its name, with setting, unit, vartype, context, source, sourcefile, sourceline, pending_restart.
  returned: success
  type: dict
roles:
  description:
    - Every role with its attributes and the kind of its password verifier (scram-sha-256, md5, none).
    - C(valid_until_epoch) is C(valid_until) in seconds since 1970; V(null) for a password that never expires.
  returned: success
  type: list
  elements: dict
memberships:
  description: Who is a member of what, granted by whom, with the options that this version knows.
  returned: success
  type: list
  elements: dict
hba_rules:
  description: The rows of C(pg_hba_file_rules), which shows the file on disk; null when the login may not read them.
  returned: success
  type: list
  elements: dict
databases:
  description:
    - Every database with owner, connection limit, access privileges and who was granted CONNECT (C(connect)).
    - V(public), which no role can be called, stands for everybody.
  returned: success
  type: list
  elements: dict
extensions:
  description: The extensions of each database that allows connections, by the database's name.
  returned: success
  type: dict
unreadable:
  description: What could not be read, with the reason.
  returned: success
  type: dict
server:
  description: The cluster that this is about.
  returned: success
  type: dict
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._facts.collect import collect
from ansible_collections.rampart.postgresql.plugins.module_utils._server.arguments import CONNECTION_ARGUMENTS
from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server
from ansible_collections.rampart.postgresql.plugins.module_utils._server.session import Options


def main() -> t.NoReturn:
    """Gather and tell."""
    module = AnsibleModule(argument_spec=CONNECTION_ARGUMENTS, supports_check_mode=True)
    try:
        with Server.open(Options.from_task(module.params)) as server:
            facts = collect(server)
    except RampartError as error:
        module.fail_json(msg=str(error), **error.details)
    module.exit_json(changed=False, **facts)


if __name__ == "__main__":
    main()
