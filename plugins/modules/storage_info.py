#!/usr/bin/python
# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: storage_info
short_description: Whether a PostgreSQL cluster lies on encrypted volumes
version_added: 0.1.0
description:
  - Looks at the block devices under the data directory, the WAL, the tablespaces, and other directories such as those of backups, and
    tells whether every way down to a disk goes through dm-crypt.
  - dm-verity and dm-integrity encrypt nothing and do not count. Of btrfs every device counts, of a loop device what its file lies on.
  - What the kernel does not show is not known. Native encryption of ZFS and of bcachefs, and what is at the other end of a network file
    system or a network block device, are of that kind. A disk that encrypts itself, or one that a provider encrypts, is V(false), as it looks
    like any other. Which cipher dm-crypt has is not looked at, and C(null) is one.
  - It does not connect to the server. Run it as root or as the owner of the cluster.
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
  paths:
    description: Other directories to look at, such as those that backups and the WAL archive are written to.
    type: list
    elements: path
    default: []
requirements:
  - Python 3.9 or newer on the managed host
"""

EXAMPLES = r"""
- name: See what lies on encrypted volumes
  rampart.postgresql.storage_info:
    cluster: 17/main
    paths: [/var/backups/postgresql]
  become: true
  register: storage
"""

RETURN = r"""
volumes:
  description: The directories, the same ones in every run.
  returned: success
  type: list
  elements: dict
  contains:
    purpose:
      description: What it is for, one of V(data), V(wal), V(tablespace) and V(other).
      type: str
    path:
      description: The directory, for the WAL and tablespaces where their links lead.
      type: str
      sample: /var/lib/postgresql/17/main
    encrypted:
      description: Whether it lies on dm-crypt; null when that cannot be known.
      type: bool
    device:
      description: Name of the kernel for the device; empty where there is none.
      type: str
      sample: dm-1
    reason:
      description: Why that is said.
      type: str
      sample: dm-crypt
"""

import os
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._host.volumes import volume_of
from ansible_collections.rampart.postgresql.plugins.module_utils._server.arguments import CONNECTION_ARGUMENTS
from ansible_collections.rampart.postgresql.plugins.module_utils._server.discovery import choose
from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import account_of
from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import acting_as
from ansible_collections.rampart.postgresql.plugins.module_utils._server.session import Options


def look(options: Options, paths: t.Iterable[str]) -> list[dict[str, t.Any]]:
    """Every directory of the cluster, and the others."""
    cluster = choose(options)
    if cluster is None:
        raise RampartError("no cluster can be seen: use become, to be root or the owner of the cluster")
    data = cluster.data_directory
    with acting_as(account_of(cluster.owner_uid)):
        spaces = os.path.join(data, "pg_tblspc")
        found = [("data", data), ("wal", os.path.join(data, "pg_wal"))]
        found += [("tablespace", os.path.join(spaces, name)) for name in sorted(os.listdir(spaces))]
        found = [(purpose, os.path.realpath(path)) for purpose, path in found]
    found += [("other", path) for path in paths]
    return [volume_of(path).result(purpose) for purpose, path in found]


def main() -> t.NoReturn:
    """Look and tell."""
    arguments = {**CONNECTION_ARGUMENTS, "paths": {"type": "list", "elements": "path", "default": []}}
    module = AnsibleModule(argument_spec=arguments, supports_check_mode=True)
    try:
        volumes = look(Options.from_task(module.params), module.params["paths"])
    except (RampartError, OSError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, volumes=volumes)


if __name__ == "__main__":
    main()
