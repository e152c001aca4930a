#!/usr/bin/python
# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: service_sandbox
short_description: Confine a PostgreSQL server to the files that it needs
version_added: 0.1.0
description:
  - Writes a drop-in for the systemd unit of one cluster (C(rampart-sandbox.conf)), so that the server, and whatever it
    starts, may write in its own directories and nowhere else, gains no privileges, does not see the homes, and has a
    C(/tmp) of its own.
  - What stays writable is computed from the live server. The data directory, tablespaces, the directory of the WAL when it
    is elsewhere, those of the log, the sockets and the process number, and what C(archive_command), the commands of
    recovery and C(basic_archive.archive_directory) name, as far as the owner of the cluster may write there. Directories of the
    system are left out whoever names them. C(ReadWritePaths) of other drop-ins stay in force.
  - Where M(rampart.postgresql.backup_job) has defined a job that archives the WAL of the cluster, its places are among them, and
    its keys are readable, whether the server archives by it already or is going to.
  - C(/tmp) is shared with the host when a socket, a tablespace, an archive or a program of a command is in it, homes are read-only
    instead of hidden when one of these or the home of the account is in them, and the capabilities that remain are those that the launcher needs,
    C(CAP_SETUID) and C(CAP_SETGID) where the unit begins as root, as on Debian.
  - It is tried with one restart. A server that does not come back in it, is not confined as it should be, or archived before and
    within O(timeout) does not, gets back the unit that it had and is restarted with that, and the module fails with what the server
    said. To see whether it archives, it switches to a new segment of the WAL.
  - Without O(allow_restart) nothing is written at all, since what was never tried would wait for the next boot.
  - A new tablespace or archive elsewhere needs another run before the server can write there, or O(writable_paths).
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
  state:
    description:
      - V(absent) takes the drop-in away and restarts the server, with the same care and proof.
    type: str
    choices: [present, absent]
    default: present
  allow_restart:
    description:
      - Whether the server may be restarted. Otherwise what would be done is in the result under RV(left_alone).
      - A server for which a parameter waits is refused, as its restart would have two reasons to fail; see
        M(rampart.postgresql.server_restart).
    type: bool
    default: false
  writable_paths:
    description:
      - Directories that stay writable besides those that are found, for archives that a program of its own configuration
        writes, or tablespaces to come.
      - Those of the system (C(/), C(/etc), C(/usr), C(/var) and their like) are an error.
    type: list
    elements: str
    default: []
  drain:
    description:
      - As with M(rampart.postgresql.server_restart), seconds that open transactions get before the restart.
    type: int
    default: 0
  drain_expired:
    description:
      - What becomes of the restart when transactions are still open after O(drain).
    type: str
    choices: [fail, restart]
    default: fail
requirements:
  - psycopg 3 or psycopg2; check mode works with C(psql) alone
seealso:
  - module: rampart.postgresql.server_restart
"""

EXAMPLES = r"""
- name: Confine the server
  rampart.postgresql.service_sandbox:
    cluster: 17/main
    allow_restart: true
  become: true

- name: Confine it, and let it archive with a program that has its own configuration
  rampart.postgresql.service_sandbox:
    cluster: 17/main
    allow_restart: true
    writable_paths: [/srv/archive]
  become: true
"""

RETURN = r"""
unit:
  description: The unit that runs the server.
  returned: success
  type: str
  sample: postgresql@17-main.service
writable:
  description: What the server writes in besides its data directory, and why.
  returned: success
  type: list
  elements: dict
  sample: [{"path": "/run/postgresql", "why": "socket"}]
waiting:
  description: Whether there is something to do that O(allow_restart) does not permit.
  returned: success
  type: bool
steps:
  description: What was done; in check mode what would be.
  returned: success
  type: list
  elements: dict
left_alone:
  description: What was not done, with the reason.
  returned: success
  type: list
  elements: dict
log:
  description: What the server wrote about its start.
  returned: failure after the server did not come back
  type: list
  elements: str
undone:
  description: What was taken back.
  returned: failure after something was changed
  type: list
  elements: str
server:
  description: The cluster that this was about.
  returned: success
  type: dict
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._host.sandbox.trial import Wish
from ansible_collections.rampart.postgresql.plugins.module_utils._host.sandbox.trial import bring
from ansible_collections.rampart.postgresql.plugins.module_utils._server.arguments import CONNECTION_ARGUMENTS
from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server
from ansible_collections.rampart.postgresql.plugins.module_utils._server.session import Options

ARGUMENTS: dict[str, dict[str, t.Any]] = {
    **CONNECTION_ARGUMENTS,
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "allow_restart": {"type": "bool", "default": False},
    "writable_paths": {"type": "list", "elements": "str", "default": []},
    "drain": {"type": "int", "default": 0},
    "drain_expired": {"type": "str", "choices": ["fail", "restart"], "default": "fail"},
}


def main() -> t.NoReturn:
    """Confine the server, or end that."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    try:
        wish = Wish.from_task(module.params)
        with Server.open(Options.from_task(module.params)) as server:
            outcome = bring(server, wish, check_mode=module.check_mode)
            facts = server.facts()
    except RampartError as error:
        module.fail_json(msg=str(error), **error.details)
    result = outcome.result()
    for warning in result.pop("warnings"):
        module.warn(warning)
    module.exit_json(**{**facts, **result})


if __name__ == "__main__":
    main()
