#!/usr/bin/python
# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: settings
short_description: Set server parameters in one call, exactly, and say what overrides them
version_added: 0.1.0
description:
  - Keeps server parameters in a file of its own, in the directory that the main configuration file includes (Debian's
    C(conf.d)), otherwise next to the main file, which then gets one C(include) line at its end. Nothing else of the
    server's configuration is edited, unless O(reset) or O(overrides=remove) asks for it. O(store=alter_system) keeps them
    with C(ALTER SYSTEM) instead.
  - Names, types, units and ranges come from the live server (C(pg_settings)), not from a list of versions. An unknown
    name, a wrong unit or a value out of range is refused before anything is written, with the nearest known name or
    with what would be accepted.
  - Values compare in base units and types, so V(30s) and V(30000) of a parameter in milliseconds, V(on) and V(yes), or
    V('0600') and V(384) of a file mode are the same, and enumerations compare without case, lists without spaces.
    A value that is there in another spelling is not changed.
  - A value that a stronger place sets differently (a file that is read later, C(postgresql.auto.conf), the command
    line, C(ALTER ROLE) or C(ALTER DATABASE)) is found, see O(overrides).
  - After writing, the server's own views (C(pg_file_settings), after the reload C(pg_settings)) prove that the values are
    in force, otherwise everything is put back.
  - It never restarts the server. What waits for a restart is in RV(restart_required) on every run until it happened, and
    is not a change.
  - A cluster that Patroni manages is refused, as its parameters belong into the dynamic configuration.
author:
  - rampart.postgresql contributors (@rampart-postgresql)
extends_documentation_fragment:
  - rampart.postgresql.admission
  - rampart.postgresql.attributes
  - rampart.postgresql.connection
attributes:
  check_mode:
    support: full
    details: The rehearsal runs in check mode too, in a temporary directory of its own.
  diff_mode:
    support: full
    details: The diff hides values of parameters that may hold secrets, C(primary_conninfo) for example.
  idempotent:
    support: full
  platform:
    platforms: posix
    support: full
    details: Linux only.
options:
  parameters:
    description:
      - Parameter to value. Values may be typed (V(true), V(30), V(1.5)), text as the server takes it (V(30s), V(1GB)), or
        a list for list-valued parameters.
      - V(null) leaves a parameter out.
      - This is the whole set. A parameter of an earlier call that is missing now goes back to what other places say.
        Give O(sections) when several tasks or roles share the file.
      - A name of another version is translated (C(ssl_ecdh_curve) and C(ssl_groups)), and C(log_connections) may be
        given as the list of PostgreSQL 18 on every version.
      - >-
        A value that depends on the server's major version is a dictionary, in which each value stands under the first
        version that has it, V({13: TLSv1.2, 17: TLSv1.3}). On a server older than all of them the parameter is left out.
      - V(auto) for C(logging_collector) switches it on where the log would go nowhere, or where C(log_directory) or one
        of the destinations V(csvlog) and V(jsonlog) is wanted; where the server's standard error goes into a file, as it
        does on Debian, or the log to syslog only, it leaves the parameter out, which RV(left_alone) then says.
      - V({cluster}) in C(log_directory) and C(syslog_ident) becomes the name of the cluster with C(-) for C(/), as in
        C(17-main), or its data directory in the same way where it has no name.
      - An item of C(listen_addresses) that is a network, V(10.0.0.0/8), becomes the addresses that the host has in it, and
        one such as V(interface:eth0) those of that interface. It is an error when there are none. Link-local and temporary
        addresses of IPv6 are not among them.
      - A C(log_directory) with its full path has to be one that the owner of the cluster can write in, or make.
    type: dict
  store:
    description:
      - Where O(parameters) and the libraries of O(preload) are kept.
      - V(drop_in) is our file, whose header and sections say what belongs to whom.
      - V(alter_system) is C(postgresql.auto.conf), written by the server with C(ALTER SYSTEM). Nothing in that file says whose
        a line is. So only the names that are given are set, and others stay as they are, also those of an earlier call;
        O(reset) takes one out. O(sections) cannot be given. What O(file_name) holds stays as it is.
      - C(ALTER SYSTEM) cannot keep everything. An error names the parameter, before anything is changed, when it belongs to a
        library that is not loaded yet (versions before 17 refuse it; the rule is the same on all), when the value is an
        empty list of quoted items or has line ends, when it may hold a secret, which the server's log could show, for
        C(data_directory), and when the server has C(allow_alter_system) off.
    type: str
    choices: [drop_in, alter_system]
    default: drop_in
  reset:
    description:
      - Names of parameters to give back to the default in whichever place sets them. They leave our file, are reset with
        C(ALTER SYSTEM), C(ALTER ROLE) and C(ALTER DATABASE), and become comments in the main file and in every file that it
        includes. Such a line stays behind a C(#), and the file's previous version is kept as for every file.
      - A name that the server's command line sets is an error, as only what starts the server can change that. So is one that
        this call sets too.
      - On a standby, settings of roles and databases stay, which RV(left_alone) then says.
    type: list
    elements: str
  sections:
    description:
      - Section to parameters, for several owners of one file. A section that is given is exact, an empty one is removed,
        others stay as they are in the file.
      - One parameter in two sections, given or already in the file, is an error that names both.
    type: dict
  preload:
    description:
      - Libraries to load at the start of the server. They are added to C(shared_preload_libraries) behind those that any
        place already names, in their order; none is removed and none is there twice.
      - A library that has to stand in front of another one is moved there when both are named, C(pgaudit) in front of
        C(pgauditlogtofile) and C(pg_stat_statements) in front of C(pg_wait_sampling) for example; C(citus) comes first.
      - A library whose file the server could not find is refused.
      - Parameters of these libraries, C(auth_delay.milliseconds) for example, can be set in the same call. The rehearsal
        asks the throw-away server, which has loaded the libraries, for their names, so a misspelt one is refused on every
        version; without a rehearsal it is found only after the restart.
      - Parameters of an extension whose library is loaded only when a session needs it, C(plpgsql.extra_warnings) for
        example, can be set without it being here.
    type: list
    elements: str
  preload_absent:
    description:
      - Libraries to load no longer. They are taken out of C(shared_preload_libraries), whichever places name them, and the
        others stay in their order. What is left is written into our file, the other places keep their lines.
      - Taking away a library while this file goes on setting parameters of its own is an error that names one of them.
      - A library cannot be in O(preload) as well.
    type: list
    elements: str
  optional:
    description:
      - Names among O(parameters) and O(sections) that are left out where this server does not know them, and libraries of
        O(preload) that are left out where they have no file, with the parameters that only they would define, which
        RV(left_alone) then says. Any other unknown name is an error. Names of a library that is yet to be loaded are known
        only when it is, so until then such a parameter is written.
    type: list
    elements: str
    default: []
  overrides:
    description:
      - What to do about a value that a stronger place sets differently.
      - V(fail) is an error that names file and line, role or database.
      - V(report) leaves such a parameter as it is and lists it in RV(overridden_by).
      - V(remove) takes the value out of every stronger place, in the way of O(reset), and leaves the weaker ones as they are. It
        cannot change the server's command line, which stays an error, nor roles and databases on a standby, which are
        reported.
    type: str
    choices: [fail, report, remove]
    default: fail
  file_name:
    description: Name of our file of O(store=drop_in). Files of an included directory are read in the order of their names.
    type: str
    default: zz_rampart.conf
requirements:
  - psycopg 3 or psycopg2; check mode works with C(psql) alone
seealso:
  - module: rampart.postgresql.server_restart
  - module: rampart.postgresql.cluster
"""

EXAMPLES = r"""
- name: Log what an investigation will ask for
  rampart.postgresql.settings:
    parameters:
      log_connections: true
      log_disconnections: true
      log_statement: ddl
      log_min_duration_statement: 5s
  become: true

- name: Slow down password guessing; the restart that this needs is a task of its own
  rampart.postgresql.settings:
    cluster: 17/main
    preload: [auth_delay]
    sections:
      authentication:
        auth_delay.milliseconds: 500
        authentication_timeout: 30s
        scram_iterations: 8192
    optional: [scram_iterations]
  become: true
  register: authentication

- name: Let one role have no longer statement timeout than all others, and forget what was tried by hand
  rampart.postgresql.settings:
    sections:
      timeouts:
        statement_timeout: 1min
    overrides: remove
    reset: [work_mem]
  become: true

- name: Keep parameters where the administrators of this server look for them
  rampart.postgresql.settings:
    store: alter_system
    parameters:
      log_statement: ddl
  become: true

- name: Say what waits
  ansible.builtin.debug:
    msg: "{{ authentication.restart_required | map(attribute='parameter') }}"
"""

RETURN = r"""
steps:
  description: What was changed, in order; in check mode what would be.
  returned: success
  type: list
  elements: dict
  contains:
    component:
      description: The part of the collection that planned the step.
      type: str
      sample: settings
    subject:
      description: The path of the file; the role or database whose setting is taken away.
      type: str
      sample: /etc/postgresql/17/main/conf.d/zz_rampart.conf
    description:
      description: What is done.
      type: str
      sample: set log_statement; remove log_duration
    statement:
      description: What an operator would do for the same effect.
      type: str
    before:
      description: The file or the lines as they were, without values that may be secrets.
      type: str
    after:
      description: The file or the lines as they are now, without values that may be secrets.
      type: str
left_alone:
  description: Parameters of O(optional) that this server does not know.
  returned: success
  type: list
  elements: dict
  sample:
    - component: settings
      subject: scram_iterations
      reason: this server does not know the parameter
restart_required:
  description: Every parameter of the server that waits for a restart, also those that this module did not set.
  returned: success
  type: list
  elements: dict
  contains:
    parameter:
      description: Its name.
      type: str
    running:
      description: The value that the server runs with.
      type: str
    configured:
      description: The value after the restart.
      type: str
new_session_required:
  description: >-
    What this run changed and sessions that are open already do not take over, because the server decides it when a session
    begins. New sessions have it at once.
  returned: success
  type: list
  elements: dict
  contains:
    parameter:
      description: Its name.
      type: str
      sample: log_disconnections
    configured:
      description: The value of new sessions, or whose setting was taken away.
      type: str
      sample: "on"
missing_libraries:
  description: Libraries of O(preload) that have no file, be they in O(optional) or not.
  returned: success, and failure for that reason
  type: list
  elements: dict
  contains:
    library:
      description: Its name.
      type: str
      sample: pgaudit
    package:
      description: The package that brings it, where the server is one of Debian's packages and that is known; else empty.
      type: str
      sample: postgresql-17-pgaudit
overridden_by:
  description: Desired values that a stronger place defeats.
  returned: success, and failure for that reason
  type: list
  elements: dict
  contains:
    parameter:
      description: Its name.
      type: str
    desired:
      description: The value that was asked for.
      type: str
    value:
      description: The value in the stronger place.
      type: str
    source:
      description: The stronger place, as file and line, role and database, or command line.
      type: str
      sample: /var/lib/postgresql/17/main/postgresql.auto.conf:3
undone:
  description: What was taken back.
  returned: failure, after something was written
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
from ansible_collections.rampart.postgresql.plugins.module_utils._module import run
from ansible_collections.rampart.postgresql.plugins.module_utils._server.arguments import CONNECTION_ARGUMENTS
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.arguments import ARGUMENTS
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.arguments import component
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.arguments import secrets


def main() -> t.NoReturn:
    """Set the parameters and prove it."""
    module = AnsibleModule(
        argument_spec={**CONNECTION_ARGUMENTS, **ADMISSION_ARGUMENTS, **ARGUMENTS},
        required_one_of=[["parameters", "sections", "preload", "preload_absent", "reset"]],
        supports_check_mode=True,
    )
    module.no_log_values.update(secrets(module.params))
    run(module, lambda values: [component(values)], guards)


if __name__ == "__main__":
    main()
