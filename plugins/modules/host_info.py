#!/usr/bin/python
# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: host_info
short_description: What a host has for PostgreSQL hardening
version_added: 0.1.0
description:
  - Looks which Python libraries can be imported and which clusters run, without connecting to any server.
  - Run it as root to see the clusters of every account.
author:
  - rampart.postgresql contributors (@rampart-postgresql)
extends_documentation_fragment:
  - rampart.postgresql.attributes
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
    details: Linux only, because clusters are found through C(/proc).
requirements:
  - Python 3.9 or newer on the managed host
"""

EXAMPLES = r"""
- name: See which clusters run and what is missing
  rampart.postgresql.host_info:
  become: true
  register: host
"""

RETURN = r"""
check_mode:
  description:
    - Whether the task ran in check mode. The variable C(ansible_check_mode) knows of the command line only, not of
      the keyword C(check_mode) of a play or a task.
  returned: always
  type: bool
python:
  description: The interpreter that modules run with.
  returned: always
  type: dict
  sample: {"executable": "/usr/bin/python3", "version": "3.11.2"}
drivers:
  description: Version of each library that modules can use; null for one that cannot be imported.
  returned: always
  type: dict
  sample: {"psycopg": null, "psycopg2": "2.9.5", "cryptography": "38.0.4"}
missing_packages:
  description: Names of the distribution's packages to install, empty when nothing is missing.
  returned: always
  type: list
  elements: str
  sample: [python3-psycopg2]
clusters:
  description: The running clusters in the order of their ports.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: Debian's name of the cluster; null elsewhere.
      type: str
      sample: 17/main
    major:
      description: Major version, from the data directory's PG_VERSION.
      type: int
      sample: 17
    data_directory:
      description: Path of the data directory.
      type: str
    port:
      description: TCP port.
      type: int
    socket_directory:
      description: Directory of the socket.
      type: str
    owner:
      description: Operating system account that owns the cluster.
      type: str
    log_file:
      description: The file that the server's standard error goes to; null when it is not a file.
      type: str
    unit:
      description: The systemd unit that the server runs in; null without one.
      type: str
"""

import os
import platform
import sys
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._host.packages import missing_packages
from ansible_collections.rampart.postgresql.plugins.module_utils._server.discovery import Cluster
from ansible_collections.rampart.postgresql.plugins.module_utils._server.discovery import running_clusters
from ansible_collections.rampart.postgresql.plugins.module_utils._server.drivers import importable
from ansible_collections.rampart.postgresql.plugins.module_utils._server.files import read_file
from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import account_of


def describe(cluster: Cluster) -> dict[str, t.Any]:
    """One cluster as it is returned."""
    owner = account_of(cluster.owner_uid)
    version = read_file(os.path.join(cluster.data_directory, "PG_VERSION"), owner)
    return {
        "name": cluster.name,
        "major": int(version.text) if version else None,
        "data_directory": cluster.data_directory,
        "port": cluster.port,
        "socket_directory": cluster.socket_directory,
        "owner": owner.name,
        "log_file": cluster.log_file,
        "unit": cluster.unit,
    }


def main() -> t.NoReturn:
    """Look and tell."""
    module = AnsibleModule(argument_spec={}, supports_check_mode=True)
    drivers = importable()
    try:
        clusters = [describe(cluster) for cluster in running_clusters()]
    except RampartError as error:
        module.fail_json(msg=str(error), **error.details)
    module.exit_json(
        changed=False,
        check_mode=module.check_mode,
        python={"executable": sys.executable, "version": platform.python_version()},
        drivers=drivers,
        missing_packages=missing_packages(drivers),
        clusters=clusters,
    )


if __name__ == "__main__":
    main()
