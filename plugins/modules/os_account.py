#!/usr/bin/python
# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: os_account
short_description: Close the files of a PostgreSQL cluster and its account, and report passwords that lie about or are not asked for
version_added: 0.1.0
description:
  - Takes away what the modes of files grant too much, those of the data directory with the WAL and tablespaces elsewhere, of the
    configuration with the files that C(pg_hba.conf) and C(pg_ident.conf) include, of the private key of TLS, and of C(.pgpass),
    C(.psql_history) and C(.pg_service.conf) in the home of the account that owns the cluster. Nobody else keeps the right to write in
    that home and in the directories of the configuration, those of C(include_dir) among them. No file is ever opened, and one that is
    not the account's is left alone and named.
  - Reports, as warnings and in the result, where passwords lie in clear, by file and line and never the password itself. It looks
    into these files, the service files of the host, C(primary_conninfo) and commands in files that others can read, and for
    E(PGPASSWORD) into the profiles of the host and of every account with a shell, C(/etc/environment) and what else PAM reads, the
    units of systemd that an administrator wrote with the files that they name, the tables of cron, and the environment of the server.
  - Reports who becomes the account, or root, through C(sudo) without a password or without a line in the log, by asking C(sudo) about
    every account with a shell and about the members of groups. That needs root, and C(sudo) logs that it was asked.
  - A file that it may not read, or that is larger than 64 MiB, is named among them.
  - Reports the packages that the server and the libraries in its directory come from, and their sources.
  - The files of the cluster and of accounts are read and changed with the rights of their owner, and never as root.
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
    details: Modes, and no contents.
  idempotent:
    support: full
  platform:
    platforms: posix
    support: full
    details: Linux only. Without root only the profiles of the account itself are read.
options:
  group_access:
    description:
      - V(as_made) leaves a data directory 0750 when the cluster was made with C(initdb --allow-group-access), as the mode of
        its C(PG_VERSION) tells, and makes it 0700 otherwise.
      - V(never) makes it 0700 always. A backup that reads it as a member of the group stops working.
    type: str
    choices: [as_made, never]
    default: as_made
  configuration_mode:
    description:
      - The most that C(postgresql.conf) and the files it includes may have, when they are outside the data directory. Inside
        it is 0600, or 0640 with group access.
      - With less than V(0644) Debian's C(psql) and C(pg_lsclusters) do not find the cluster for other accounts.
    type: str
    default: "0644"
  authentication_mode:
    description:
      - The same for C(pg_hba.conf) and C(pg_ident.conf).
    type: str
    default: "0640"
  authorised_sources:
    description:
      - Beginnings of the sources that these packages may come from, as C(apt-cache policy) shows them, or the vendor as
        C(rpm) does. A package from elsewhere is a warning, and so is a library that no package has. Without any, they are only
        returned.
      - C(apt) tells a package from that of a source by its version and what it depends on, and not by what is in it.
    type: list
    elements: str
    default: []
requirements:
  - psycopg 3 or psycopg2; check mode works with C(psql) alone
"""

EXAMPLES = r"""
- name: Close the files of the cluster
  rampart.postgresql.os_account:
    cluster: 17/main
    authorised_sources: ["http://deb.debian.org/debian ", "https://apt.postgresql.org/pub/repos/apt "]
  become: true
"""

RETURN = r"""
findings:
  description: Where passwords lie, what nobody could look into, and who needs no password for C(sudo).
  returned: success
  type: list
  elements: dict
  sample: [{"path": "/root/.profile", "line": 3, "problem": "sets PGPASSWORD, which every process of this account can read"}]
packages:
  description:
    - The server's package, and after it those of the libraries in its directory. Each with its version, the version that would be
      installed now, and the sources of the installed version that this host knows. Empty when the server comes from no package.
  returned: success
  type: list
  elements: dict
unpackaged:
  description: Libraries in the server's directory that no package has.
  returned: success
  type: list
  elements: str
  sample: [/usr/lib/postgresql/17/lib/own.so]
steps:
  description: What was changed; in check mode what would be.
  returned: success
  type: list
  elements: dict
left_alone:
  description: Files and directories that are too open and belong to another account.
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

from ansible_collections.rampart.postgresql.plugins.module_utils._host.account.component import ARGUMENTS
from ansible_collections.rampart.postgresql.plugins.module_utils._host.account.component import component
from ansible_collections.rampart.postgresql.plugins.module_utils._module import run
from ansible_collections.rampart.postgresql.plugins.module_utils._server.arguments import CONNECTION_ARGUMENTS


def main() -> t.NoReturn:
    """Close what is too open."""
    module = AnsibleModule(argument_spec={**CONNECTION_ARGUMENTS, **ARGUMENTS}, supports_check_mode=True)
    run(module, lambda values: [component(values)])


if __name__ == "__main__":
    main()
