#!/usr/bin/python
# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: log_retention
short_description: Have old log files of a PostgreSQL server removed
version_added: 0.1.0
description:
  - Writes a file in C(/etc/tmpfiles.d) which tells C(systemd-tmpfiles) to remove what is too old from the directory of the
    log. Its timer does so once a day.
  - The age is that of the last change of a file. Before systemd 250 the last reading of it counts too, so that a backup that
    reads the files keeps them there.
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
  idempotent:
    support: full
  platform:
    platforms: posix
    support: full
    details: Linux with systemd. Needs root.
options:
  directory:
    description:
      - The directory with the log files of this cluster and nothing else, as C(log_directory) has it. Whatever is in it and
        old is removed.
      - V({cluster}) in it becomes the name of the cluster with C(-) for C(/), as in C(17-main).
      - As C(systemd-tmpfiles) works as root, a directory that belongs to another account than the owner of the cluster is an
        error, and so is one whose parents are not root's, such as one in the data directory.
    type: str
    required: true
  days:
    description: The age in days. V(0) takes the file away, so that nothing is removed any more.
    type: int
    required: true
requirements:
  - psycopg 3 or psycopg2; check mode works with C(psql) alone
seealso:
  - module: rampart.postgresql.settings
"""

EXAMPLES = r"""
- name: Keep log files for three months
  rampart.postgresql.log_retention:
    cluster: 17/main
    directory: /var/log/postgresql/{cluster}
    days: 90
  become: true
"""

RETURN = r"""
steps:
  description: What was changed; in check mode what would be.
  returned: success
  type: list
  elements: dict
  contains:
    component:
      description: The part of the collection that planned the step.
      type: str
      sample: log_retention
    subject:
      description: The file.
      type: str
      sample: /etc/tmpfiles.d/rampart-postgresql-17-main.conf
    description:
      description: What is done.
      type: str
      sample: remove log files after 90 days
    statement:
      description: Empty.
      type: str
    before:
      description: The file as it was.
      type: str
    after:
      description: The file as it is now.
      type: str
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

from ansible_collections.rampart.postgresql.plugins.module_utils._log_retention.component import ARGUMENTS
from ansible_collections.rampart.postgresql.plugins.module_utils._log_retention.component import component
from ansible_collections.rampart.postgresql.plugins.module_utils._module import run
from ansible_collections.rampart.postgresql.plugins.module_utils._server.arguments import CONNECTION_ARGUMENTS


def main() -> t.NoReturn:
    """Write the file that says how old a log file may become."""
    module = AnsibleModule(argument_spec={**CONNECTION_ARGUMENTS, **ARGUMENTS}, supports_check_mode=True)
    run(module, lambda values: [component(values)])


if __name__ == "__main__":
    main()
