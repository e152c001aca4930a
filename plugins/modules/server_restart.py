#!/usr/bin/python
# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: server_restart
short_description: Restart a PostgreSQL cluster when a parameter waits for it
version_added: 0.1.0
description:
  - Restarts one cluster, and only when C(pg_settings) says that a parameter waits for a restart, or when O(force) is set.
  - The restart goes through the systemd unit whose main process is this server (on Debian C(postgresql@17-main), never
    the umbrella unit), or through C(pg_ctl) as the owner of the cluster, with the server's own environment, where no
    unit runs it.
  - What was written by hand and never loaded counts too, as the files are compared with what runs.
  - The configuration on disk is rehearsed before the server is stopped, in check mode too; see
    R(the guide on rehearsals,ansible_collections.rampart.postgresql.docsite.rehearsal). A file with an error, a broken
    C(pg_hba.conf) or a certificate that is gone is refused while the server still runs.
  - Before the stop comes a checkpoint, which makes it a short one, and a reload, which proves that the files as they are
    now let this run in again. When one of them fails the server is not stopped.
  - A server that has not stopped within O(timeout), as a standby or an C(archive_command) that hangs keeps it from that,
    is ended at once, recovers when it starts, and a warning says so. It cannot be told to stay any more.
  - Waits up to O(timeout) until the server accepts a login and checks that no parameter waits any more.
  - A server that does not start again, or lets nobody in, gets back the values that it ran with, behind the faulty ones
    in the file that decides about them, or in C(postgresql.auto.conf) where its owner cannot write beside that file. It
    is started with these, and the module fails with what the server said. Only one that still replays its WAL when the
    time is up is left alone, as it would have to begin anew.
  - A server that is down is not started, as nothing says then how it was run; the module fails and says so.
  - A server that Patroni manages is refused.
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
    details: The diff names the parameters that wait.
  idempotent:
    support: partial
    details: With O(force=true) every run restarts.
  platform:
    platforms: posix
    support: full
    details: Linux only.
options:
  force:
    description:
      - Restart although nothing waits for it.
      - It relaxes nothing else. The rehearsal, O(standby_order) and O(drain_expired) hold all the same.
    type: bool
    default: false
  drain:
    description:
      - Wait up to so many seconds for the transactions that others have open when the wait begins, before the restart
        ends them. Transactions that begin later are not waited for, or a busy server would never be restarted.
      - V(0) does not wait.
    type: int
    default: 0
  drain_expired:
    description:
      - What becomes of the restart when transactions are still open after O(drain).
      - V(fail) leaves the server as it is and names them, the default because nobody's work is lost unasked.
      - V(restart) restarts all the same and names them in a warning.
    type: str
    choices: [fail, restart]
    default: fail
  standby_order:
    description:
      - A standby that has less C(max_connections), C(max_worker_processes), C(max_wal_senders),
        C(max_prepared_transactions) or C(max_locks_per_transaction) than its primary stops replaying, or does not start.
        So these are raised on the standbys first and lowered on the primary first.
      - V(enforce) refuses the restart of a primary that would raise one of them while standbys are connected, and of a
        standby that would have less of one than its primary. What the primary has comes from C(pg_controldata);
        where it cannot be run, a standby refuses to lower one at all. A physical slot that nobody uses may be that of a
        standby which is away, so a primary that raises one of them warns of it.
      - V(ignore) leaves the order to you. On a primary it says that the standbys have been raised and restarted.
    type: str
    choices: [enforce, ignore]
    default: enforce
requirements:
  - psycopg 3 or psycopg2; check mode works with C(psql) alone
"""

EXAMPLES = r"""
- name: Restart the cluster when a parameter waits for it
  rampart.postgresql.server_restart:
    cluster: 17/main
  become: true

- name: Let transactions end first, for five minutes at the most
  rampart.postgresql.server_restart:
    cluster: 17/main
    drain: 300
  become: true

- name: Restart the primary once its standbys run with the raised max_connections
  rampart.postgresql.server_restart:
    cluster: 17/main
    standby_order: ignore
  become: true
"""

RETURN = r"""
restarted:
  description: Whether the server was restarted in this run.
  returned: success
  type: bool
pending:
  description: The parameters that waited for a restart when the run began.
  returned: success
  type: list
  elements: str
  sample: [shared_preload_libraries]
method:
  description: How the cluster is restarted, V(pg_ctl) or V(systemd) with the unit's name.
  returned: success
  type: str
  sample: systemd postgresql@17-main.service
restored:
  description: The parameters that were put back, and the file.
  returned: failure after the server did not come back
  type: list
  elements: str
transactions:
  description: The transactions that were still open, with O(drain_expired=fail).
  returned: failure because of open transactions
  type: list
  elements: dict
log:
  description:
    - What the server wrote about it on its standard error, into the files of its log collector, or into the journal.
    - A server that C(pg_ctl) starts and whose standard error was no file gets one, C(server.log) in
      O(history_directory), and a warning says so.
  returned: failure after the server did not come back
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
from ansible_collections.rampart.postgresql.plugins.module_utils._server.arguments import CONNECTION_ARGUMENTS
from ansible_collections.rampart.postgresql.plugins.module_utils._server.restart import RestartWish
from ansible_collections.rampart.postgresql.plugins.module_utils._server.restart import restart_if_needed
from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server
from ansible_collections.rampart.postgresql.plugins.module_utils._server.session import Options

ARGUMENTS: dict[str, dict[str, t.Any]] = {
    **CONNECTION_ARGUMENTS,
    "force": {"type": "bool", "default": False},
    "drain": {"type": "int", "default": 0},
    "drain_expired": {"type": "str", "choices": ["fail", "restart"], "default": "fail"},
    "standby_order": {"type": "str", "choices": ["enforce", "ignore"], "default": "enforce"},
}


def main() -> t.NoReturn:
    """Restart when it is needed."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    try:
        wish = RestartWish.from_task(module.params)
        with Server.open(Options.from_task(module.params)) as server:
            outcome = restart_if_needed(server, wish, check_mode=module.check_mode)
            facts = server.facts()
    except RampartError as error:
        module.fail_json(msg=str(error), **error.details)
    for note in outcome.notes:
        module.warn(note)
    module.exit_json(**facts, **outcome.result(), restarted=outcome.needed and not module.check_mode)


if __name__ == "__main__":
    main()
