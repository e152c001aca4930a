#!/usr/bin/python
# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ident
short_description: Keep the mappings of pg_ident.conf
version_added: 0.1.0
description:
  - Writes the mappings that say which PostgreSQL users an authenticated user of the operating system, a certificate or
    Kerberos may be, as a whole file or as one marked block of it. Rules of C(pg_hba.conf) name a map with their option
    C(map), see M(rampart.postgresql.hba).
  - Mappings are read, judged and written with the grammar of the server's own major version, from 13 to 18. What that
    version would reject is refused before anything is touched, and so is what it would accept and never match, such as
    V(\\1) without parentheses to refer to.
  - The order of the mappings is kept as given. All mappings of a map are tried until one matches.
  - The file is written by one rename, reloaded, and then looked up in C(pg_ident_file_mappings), which PostgreSQL has
    from 15 on. A file that the server refuses is put back.
  - A file that was written after the server last read its configuration is loaded, even when it is as desired.
  - Refuses mappings that would not admit this run's own connection, or a client in O(must_admit).
  - A file that Patroni generates is refused.
  - Without O(mappings) nothing is written; what is unwise in the present mappings is reported in
    RV(ignore:left_alone).
author:
  - rampart.postgresql contributors (@rampart-postgresql)
extends_documentation_fragment:
  - rampart.postgresql.admission
  - rampart.postgresql.attributes
  - rampart.postgresql.connection
attributes:
  check_mode:
    support: full
    details: The candidate is rehearsed in the throw-away cluster in check mode too.
  diff_mode:
    support: full
  idempotent:
    support: full
  platform:
    platforms: posix
    support: full
    details: Linux only.
options:
  mappings:
    description:
      - The mappings in the order in which the server shall try them.
      - Each has C(map), C(system_user) and C(pg_user), or else C(include).
      - The names are ONE token each, as PostgreSQL spells it. Quotes that only characters like blanks need are added.
      - An empty list means that there shall be none.
    type: list
    elements: dict
    suboptions:
      map:
        description: Name of the map, as the option C(map) of a rule in C(pg_hba.conf) has it.
        type: str
      system_user:
        description:
          - The name that authentication found, such as an account of the operating system or a common name.
          - With a slash in front, a regular expression. Begin it with V(^) and end it with V($), or it matches every
            name that has such a part.
        type: str
      pg_user:
        description:
          - The PostgreSQL user that this system user may be.
          - V(\\1) in it stands for what the first part in parentheses of a regular expression in C(system_user) matched.
          - From PostgreSQL 16 on V(all) is every role, V(+group) every member of a role, and V(/regex) every role that
            matches. In double quotes, like V("all"), it is a plain name.
          - Before 16 these are plain names, which become special with an upgrade. Such V(all) and V(+group) are a
            warning, V(/regex) is an error.
        type: str
      include:
        description: A file or directory whose mappings are tried in this place, from PostgreSQL 16 on, instead of a mapping.
        type: str
      type:
        description: How O(mappings[].include) is meant. The default is V(include).
        type: str
        choices: [include, include_if_exists, include_dir]
      comment:
        description:
          - One line or several. A mapping of the file has as its comment the lines of comment right before it and then the
            one on its own line. Where that is not this one, it is changed.
          - Without it a comment that is there stays; an empty string asks for none.
        type: str
  manage:
    description:
      - With V(file) the file has these mappings and no others. A mapping that is there already keeps its bytes, its
        comments and the blank lines around it; only what differs is changed. Comments that a blank line parts from the
        next mapping stay.
      - With V(block) the mappings are a marked block of the file, and every other byte stays as it is. In the block what
        is there already stays too, as with V(file).
    type: str
    choices: [file, block]
    default: file
  block_name:
    description: Tells several blocks in one file apart.
    type: str
    default: mappings
  position:
    description:
      - Whether the mappings of the block are tried before or after the rest of the file.
      - Blocks of other names that want the same place stay where they are; among them the last one made is outermost.
    type: str
    choices: [first, last]
    default: first
  path:
    description: The absolute path of the file. The default is what the server says in C(ident_file).
    type: path
  state:
    description: With V(absent), which needs O(manage=block), the block is removed.
    type: str
    choices: [present, absent]
    default: present
requirements:
  - psycopg 3 or psycopg2; check mode works with C(psql) alone
seealso:
  - module: rampart.postgresql.hba
"""

EXAMPLES = r"""
- name: The whole file
  rampart.postgresql.ident:
    mappings:
      - {map: operators, system_user: postgres, pg_user: postgres}
      - {map: operators, system_user: alice, pg_user: postgres, comment: on call}
      - {map: people, system_user: '/^(.*)@example\.com$', pg_user: '\1'}
  become: true

- name: A block before everything else in the file, which others keep
  rampart.postgresql.ident:
    cluster: 17/main
    manage: block
    block_name: monitoring
    mappings:
      - {map: monitoring, system_user: monitor.example.com, pg_user: monitor}
  become: true
"""

RETURN = r"""
steps:
  description: What was changed, or would be in check mode.
  returned: success
  type: list
  elements: dict
  contains:
    component: {description: Always V(ident)., type: str}
    subject: {description: The path of the file., type: str}
    description: {description: What is done to it., type: str}
    statement: {description: A statement of the same effect where there is one., type: str}
    before: {description: The text before., type: str}
    after: {description: The text after., type: str}
left_alone:
  description: What was seen and not changed, with the reason.
  returned: success
  type: list
  elements: dict
undone:
  description: What was taken back after the server had refused a change.
  returned: when a change was taken back
  type: list
  elements: str
sessions:
  description: Sessions that are not admitted any more and go on until they are ended; see O(sessions).
  returned: when this run had to ask who would still get in
  type: list
  elements: dict
  contains:
    pid: {description: The server's process., type: int}
    user: {description: The role., type: str}
    database: {description: The database; null with physical replication., type: str}
    address: {description: The IP address; null through the socket., type: str}
    application_name: {description: How the client calls itself., type: str}
    reason: {description: Why it would be refused., type: str}
    where: {description: The rule or attribute that says so., type: str}
    action: {description: V(terminate) when it is ended; V(none)., type: str}
refused:
  description: Clients that would be refused. Each has C(client), C(pids), C(user), C(database), C(address), C(reason), C(where).
  returned: failure because somebody would be locked out
  type: list
  elements: dict
unproven:
  description: Clients of which it is not certain that they get in, in the same form; see O(accept_unproven).
  returned: failure because somebody would be locked out
  type: list
  elements: dict
server:
  description: The cluster that this was about.
  returned: success
  type: dict
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.rampart.postgresql.plugins.module_utils._admission.arguments import ADMISSION_ARGUMENTS
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.arguments import guards
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.ident.arguments import ARGUMENTS
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.ident.arguments import component
from ansible_collections.rampart.postgresql.plugins.module_utils._module import run
from ansible_collections.rampart.postgresql.plugins.module_utils._server.arguments import CONNECTION_ARGUMENTS


def main() -> t.NoReturn:
    """Converge pg_ident.conf."""
    module = AnsibleModule(
        argument_spec={**CONNECTION_ARGUMENTS, **ADMISSION_ARGUMENTS, **ARGUMENTS}, supports_check_mode=True
    )
    run(module, lambda values: [component(values)], guards)


if __name__ == "__main__":
    main()
