#!/usr/bin/python
# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: wal_archiving
short_description: Have a PostgreSQL server archive its WAL by a job, and prove that it arrives
version_added: 0.1.0
description:
  - Sets C(archive_mode), C(archive_command) and C(archive_timeout) so that the server hands each file of its WAL to a job of the kind
    V(wal) that M(rampart.postgresql.backup_job) has defined. They are kept, in a section C(pg_backup), in the file of
    M(rampart.postgresql.settings), and rehearsed and proved as there.
  - A restart, which C(archive_mode) needs once, is made only with O(allow_restart=true). Without it RV(waiting) is true until somebody has
    restarted the server, and the next run proves that WAL arrives, as does every run that finds nothing archived since both the last
    change of the configuration and the start of the server.
  - As soon as the server archives by the job for the first time, a segment is ended by force and waited for, up to O(timeout). One that does
    not arrive fails the run with what C(pg_stat_archiver) and the command say, and what this run has set is put back, so that no WAL
    piles up.
  - A server that archived by the job before and does not at the moment is a warning, as its WAL waits for the archive to be back.
  - On a standby the parameters are set and nothing is forced. C(archive_mode) becomes V(on); V(always), where another place says it, stays.
author:
  - rampart.postgresql contributors (@rampart-postgresql)
extends_documentation_fragment:
  - rampart.postgresql.attributes
  - rampart.postgresql.connection
attributes:
  check_mode:
    support: full
    details: A definition that is yet to be written is a warning.
  diff_mode:
    support: full
  idempotent:
    support: full
  platform:
    platforms: posix
    support: full
    details: Linux. Needs root.
options:
  job:
    description:
      - The name of the job. One that is not defined, of another kind or of another cluster is an error.
      - Either it or O(stanza) is required.
    type: str
  stanza:
    description:
      - The stanza of pgBackRest that archives instead of a job, which has to be configured and created.
    type: str
  state:
    description:
      - V(absent) ends archiving by this job, and leaves a server alone that archives in another way. It belongs before the removal of the job, as
        a server whose command fails keeps all its WAL.
      - The archiver runs until the server is restarted. Until then C(archive_command) is C(/bin/true), as PostgreSQL's documentation has it, and
        the next run after the restart takes that out.
      - What other places say of archiving is in force again.
      - Of a cluster that is stopped or gone nothing is changed. While the job of kind C(wal) is defined this is a warning, as the cluster, started
        again, may archive by a job that is there no more.
    type: str
    choices: [present, absent]
    default: present
  archive_timeout:
    description:
      - Seconds after which a segment that is not full is archived, which is as much as can be lost. V(0) waits for full ones, V(-1)
        leaves the parameter as it is.
      - PostgreSQL's documentation calls a minute or so reasonable and warns of very short times, as each file has its whole length before it is
        compressed.
    type: int
    default: 300
  replace:
    description:
      - Whether another C(archive_command) or C(archive_library), of pgBackRest or WAL-G for example, is taken out of force. It is an error
        otherwise that names the place. The command of a job of M(rampart.postgresql.backup_job) is followed without it, also by a stanza.
    type: bool
    default: false
  prove:
    description:
      - Whether a segment is forced and waited for although the server archives by this job already. It belongs where the definition of
        the job has changed, for example its places, of which C(archive_command) says nothing.
      - What this run has set is put back when it does not arrive. The definition is not, as M(rampart.postgresql.backup_job) wrote it.
    type: bool
    default: false
  allow_restart:
    description:
      - Whether the server is restarted when C(archive_mode) waits for it, in the way of M(rampart.postgresql.server_restart).
    type: bool
    default: false
requirements:
  - psycopg 3 or psycopg2; check mode works with C(psql) alone
seealso:
  - module: rampart.postgresql.backup_job
  - module: rampart.postgresql.settings
  - module: rampart.postgresql.server_restart
"""

EXAMPLES = r"""
- name: Define where WAL goes
  rampart.postgresql.backup_job:
    cluster: 17/main
    jobs:
      - name: wal
        kind: wal
        schedule:
          calendar: "*:0/5"
        encryption:
          recipients: [age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p]
        places:
          - path: /var/backups/postgresql
  become: true

- name: Have the server archive it there
  rampart.postgresql.wal_archiving:
    cluster: 17/main
    job: wal
    allow_restart: true
  become: true

- name: End that
  rampart.postgresql.wal_archiving:
    cluster: 17/main
    job: wal
    state: absent
  become: true
"""

RETURN = r"""
command:
  description: The value of C(archive_command) that this is about.
  returned: success
  type: str
  sample: /usr/local/bin/rampart-backup archive /etc/rampart-backup/wal.json %p
before:
  description: What the configuration had as C(archive_command) when the run began; empty or C((disabled)) for nothing.
  returned: success
  type: str
definition:
  description: The definition of the job, empty with a stanza.
  returned: success
  type: str
  sample: /etc/rampart-backup/wal.json
waiting:
  description: Whether the server has to be restarted for it.
  returned: success
  type: bool
steps:
  description: What was changed, in order; in check mode what would be.
  returned: success
  type: list
  elements: dict
left_alone:
  description: What was not done, with the reason.
  returned: success
  type: list
  elements: dict
restart_required:
  description: Every parameter of the server that waits for a restart, as M(rampart.postgresql.settings) returns it.
  returned: success
  type: list
  elements: dict
file:
  description: The file of WAL that did not arrive.
  returned: failure for that reason
  type: str
undone:
  description: What was taken back.
  returned: failure, after something was written
  type: list
  elements: str
server:
  description: The cluster that this was about.
  returned: success, while it runs
  type: dict
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.rampart.postgresql.plugins.module_utils._backup.archiving.arguments import ARGUMENTS
from ansible_collections.rampart.postgresql.plugins.module_utils._backup.archiving.arguments import RULES
from ansible_collections.rampart.postgresql.plugins.module_utils._backup.archiving.arguments import wish
from ansible_collections.rampart.postgresql.plugins.module_utils._backup.archiving.bringing import bring
from ansible_collections.rampart.postgresql.plugins.module_utils._backup.archiving.bringing import left_alone
from ansible_collections.rampart.postgresql.plugins.module_utils._backup.archiving.component import Archiving
from ansible_collections.rampart.postgresql.plugins.module_utils._backup.remains import down
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._server.arguments import CONNECTION_ARGUMENTS
from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server
from ansible_collections.rampart.postgresql.plugins.module_utils._server.session import Options
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.arguments import component


def main() -> t.NoReturn:
    """Have the server archive as it is wanted, and prove it."""
    module = AnsibleModule(argument_spec={**CONNECTION_ARGUMENTS, **ARGUMENTS}, supports_check_mode=True, **RULES)
    try:
        archiving = Archiving(wish(module.params, check_mode=module.check_mode))
        settings = component({"overrides": "remove" if module.params["replace"] else "fail"})
        options = Options.from_task(module.params)
        problem = None if archiving.wish.present else down(options)
        if problem is None:
            with Server.open(options) as server:
                result = bring(server, archiving, settings, check_mode=module.check_mode)
        else:
            result = left_alone(archiving.wish, problem)
    except RampartError as error:
        module.fail_json(msg=str(error), **error.details)
    for warning in result.pop("warnings"):
        module.warn(warning)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
