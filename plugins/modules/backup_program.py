#!/usr/bin/python
# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_program
short_description: Install the program that makes backups of PostgreSQL
version_added: 0.1.0
description:
  - Installs the program of this collection as one file, root's, mode 0755. It is made of the sources on the controller, is
    the same file whichever controller makes it, and is replaced in one step, so that a job that starts meanwhile has the old one or
    the new one.
  - A program that does not run with C(/usr/bin/python3) of the host is not installed.
author:
  - rampart.postgresql contributors (@rampart-postgresql)
extends_documentation_fragment:
  - rampart.postgresql.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details: Lists the files within, each with the beginning of its checksum.
  idempotent:
    support: full
  platform:
    platforms: posix
    support: full
    details: Linux with Python 3.9 or newer as C(/usr/bin/python3). Needs root.
options:
  path:
    description:
      - Where it goes. Jobs of M(rampart.postgresql.backup_job) start the one at the default.
      - That others than root can write in a directory above it is an error, as where Debian's group C(staff) has C(/usr/local).
    type: str
    default: /usr/local/bin/rampart-backup
  program:
    description: Filled in by the action plugin of this name; whatever is given is replaced.
    type: str
seealso:
  - module: rampart.postgresql.backup_job
"""

EXAMPLES = r"""
- name: Install what makes backups
  rampart.postgresql.backup_program:
  become: true
"""

RETURN = r"""
path:
  description: Where the program is.
  returned: success
  type: str
  sample: /usr/local/bin/rampart-backup
files:
  description: The files within that differ from what was there.
  returned: success
  type: list
  elements: str
  sample: [rampart_backup/run.py]
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.rampart.postgresql.plugins.module_utils._backup.program import bring
from ansible_collections.rampart.postgresql.plugins.module_utils._backup.program import unpacked
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError


def main() -> t.NoReturn:
    """Install the program."""
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "str", "default": "/usr/local/bin/rampart-backup"},
            "program": {"type": "str"},
        },
        supports_check_mode=True,
    )
    path = module.params["path"]
    try:
        change = bring(path, unpacked(module.params["program"] or ""), check_mode=module.check_mode)
    except RampartError as error:
        module.fail_json(msg=str(error), **error.details)
    diff = {
        "before_header": f"{path} (now)",
        "after_header": f"{path} (then)",
        "before": change.before,
        "after": change.after,
    }
    module.exit_json(changed=change.needed, path=path, files=list(change.changed), diff=diff if change.needed else {})


if __name__ == "__main__":
    main()
