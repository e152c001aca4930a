#!/usr/bin/python
# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: role_attributes
short_description: Limit what PostgreSQL roles may do to a whole cluster
version_added: 0.1.0
description:
  - Takes C(SUPERUSER), C(CREATEDB), C(CREATEROLE), C(REPLICATION) and C(BYPASSRLS) from every role that has them and is
    not in O(allow). It never gives one of these attributes to a role.
  - Ends memberships in the predefined roles of O(memberships), with which a role is as good as a superuser, and grants on
    the parameters of O(parameters), unless O(allow) has them. Each is taken away as its grantor gave it, what was
    granted on before that. RV(near_superusers) tells who is as good as a superuser.
  - Sets C(LOGIN), C(CONNECTION LIMIT) and C(VALID UNTIL) of the roles in O(roles). A client that would be refused
    therefore fails the run before anything is changed.
  - Without O(allow) and O(strip) nothing is changed; every role that has such an attribute is reported in RV(left_alone).
  - The bootstrap superuser (oid 10) and the login of the run are exempt. To ask for one of them to be stripped is an error.
    PostgreSQL's predefined roles keep their attributes and the memberships that PostgreSQL gave them (C(pg_monitor)).
  - The attribute that a role replicates with right now (a standby, a backup, an active slot), or that C(primary_conninfo)
    names, is never taken away. The run fails before anything is changed and names role and use; see O(in_use). The same
    goes for roles that O(allow) and O(strip) say nothing about and that a tool for backup, monitoring or high availability is
    connected with now, known by its C(application_name) (pgBackRest, Barman, WAL-G, pg_probackup, repmgr, Patroni,
    postgres_exporter, pgwatch, pgMonitor, check_postgres and Zabbix), or that its configuration on this host names. Read are the
    usual files of pgBackRest, Barman, repmgr, Patroni and postgres_exporter below C(/etc), and in the C(.pgpass) of the cluster's
    owner the entries for replication. Such roles keep their attributes, memberships and grants on parameters,
    and so do groups that they are members of.
    RV(roles_in_use) tells them all.
  - A configuration file that cannot be read or understood is a warning with its path and line. Each is read with the rights
    of the cluster's owner or of its own owner, and as root only where nobody else could have put it there.
  - The owner of a subscription keeps its C(SUPERUSER) and C(LOGIN), or replication would stop without an error. The run fails before
    anything is changed and names subscription and role. Event triggers, C(SECURITY DEFINER) functions and user
    mappings without a password of a role that loses C(SUPERUSER) are listed in a warning. Owners of databases are stripped like anyone else.
  - Where Patroni, repmgr or pg_auto_failover runs the cluster, the roles that it uses have to be in O(allow); otherwise
    the run fails before anything is changed and names them.
  - Sets the passwords in O(passwords), and tells in RV(password_state) of what kind the verifiers of all roles are. No
    verifier ever leaves the server.
  - Only what differs is sent, all in one transaction.
author:
  - rampart.postgresql contributors (@rampart-postgresql)
extends_documentation_fragment:
  - rampart.postgresql.admission
  - rampart.postgresql.attributes
  - rampart.postgresql.connection
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details: One entry for each role, with its attributes before and after.
  idempotent:
    support: full
  platform:
    platforms: posix
    support: full
    details: Linux only.
options:
  allow:
    description:
      - The roles that may have attributes, and which. Every other role loses what it has of O(attributes).
      - Each entry names a role, or roles by a pattern or by what they are members of. A role may have what all entries
        together say that are about it.
      - An empty list allows nobody anything.
      - To name the bootstrap superuser or the login of the run without C(SUPERUSER), if they have it, is an error.
      - A name that the cluster does not have is a warning, so that one list can serve a fleet.
    type: list
    elements: dict
    suboptions:
      role:
        description: Name of the role exactly as C(pg_roles) has it. Capitals matter, no quotes are needed.
        type: str
      pattern:
        description:
          - A regular expression of Python that the whole name of a role has to fit.
          - Roles in O(strip) fit none.
        type: str
      member_of:
        description:
          - Name of a role of which those meant here are members, through other roles too. The role itself is not meant.
          - A membership that this run ends makes nobody a member.
          - Whoever may grant that role decides then who may have the attributes.
        type: str
      attributes:
        description: The attributes that it may have. It is not given those that it does not have.
        type: list
        elements: str
        choices: [SUPERUSER, CREATEDB, CREATEROLE, REPLICATION, BYPASSRLS]
        default: []
      memberships:
        description:
          - The roles of O(memberships) that it may be a member of. It is not made a member of one. Any other is an error.
        type: list
        elements: dict
        default: []
        suboptions:
          role:
            description: Name of the role of which it may be a member.
            type: str
            required: true
          admin:
            description: Whether it may have the C(ADMIN) option, with which it makes others members. It is not given it.
            type: bool
            default: false
          inherit:
            description:
              - The C(INHERIT) option that the membership is to have; left out, it stays as it is.
              - PostgreSQL 15 and older have no such option, which RV(left_alone) tells.
            type: bool
          set:
            description:
              - The C(SET) option that the membership is to have; left out, it stays as it is.
              - PostgreSQL 15 and older have no such option, which RV(left_alone) tells.
            type: bool
      parameters:
        description: The parameters of O(parameters) on which it may have been granted something. Any other is an error.
        type: list
        elements: str
        default: []
  strip:
    description:
      - Roles that may have none of O(attributes), O(memberships) and O(parameters), whatever the others have. For a
        cluster whose allow-list is not known yet.
      - To name the bootstrap superuser, the login of the run, a predefined role, or a role that O(allow) grants something
        is an error.
    type: list
    elements: str
  attributes:
    description: The attributes that are governed. Others are neither looked at nor changed.
    type: list
    elements: str
    choices: [SUPERUSER, CREATEDB, CREATEROLE, REPLICATION, BYPASSRLS]
    default: [SUPERUSER, CREATEDB, CREATEROLE, REPLICATION, BYPASSRLS]
  memberships:
    description:
      - Roles of which nobody may be a member unless O(allow) says so. Indirect membership goes with the direct one that
        it comes through. Members that stay superusers are left alone.
      - Memberships in C(pg_read_all_data), which PostgreSQL 14 and newer have, are ended only while a role that may log in
        has an md5 verifier, or a rule of pg_hba.conf has the method C(md5), because its members read verifiers.
      - A membership that a C(+role) in pg_hba.conf asks for is not ended when a client would be refused for it.
      - An empty list leaves all memberships alone. A name that the cluster does not have is a warning.
    type: list
    elements: str
    default: [pg_execute_server_program, pg_read_server_files, pg_write_server_files, pg_read_all_data]
  parameters:
    description:
      - Parameters on which nobody may have C(SET) or C(ALTER SYSTEM) unless O(allow) says so, PUBLIC included. PostgreSQL
        14 and older have no such grants.
      - The default has those with which a role runs programs or libraries in the server, changes catalogues, or lets
        itself in. With the name of the log it writes lines into any file of the server's account. An empty list leaves all
        such grants alone.
      - What M(rampart.postgresql.privileges) grants on one of them has to be in O(allow), or each of the two undoes what
        the other did.
    type: list
    elements: str
    default:
      - allow_system_table_mods
      - archive_cleanup_command
      - archive_command
      - archive_library
      - config_file
      - data_directory
      - dynamic_library_path
      - extension_control_path
      - external_pid_file
      - hba_file
      - ident_file
      - jit_provider
      - krb_server_keyfile
      - local_preload_libraries
      - log_directory
      - log_filename
      - oauth_validator_libraries
      - output_plugin_libraries
      - plperl.on_init
      - plperl.on_plperlu_init
      - primary_conninfo
      - recovery_end_command
      - restore_command
      - session_preload_libraries
      - shared_preload_libraries
      - ssl_ca_file
      - ssl_passphrase_command
      - unix_socket_directories
  cascade:
    description:
      - From PostgreSQL 16 on a membership hangs on the C(ADMIN) option of its grantor, and a grant on a parameter on its
        grantor's grant option. When something that nobody wants gone hangs on what is taken away, the run fails before
        anything is changed and lists it. V(true) takes it away too, each with a step of its own, and warns of it.
    type: bool
    default: false
  roles:
    description:
      - Roles with values of their own. What is left out stays as it is.
      - To name the bootstrap superuser, the login of the run or a predefined role is an error. A name that the cluster
        does not have is a warning.
    type: list
    elements: dict
    suboptions:
      role:
        description: Name of the role exactly as C(pg_roles) has it.
        type: str
        required: true
      login:
        description: Whether it may log in.
        type: bool
      connection_limit:
        description: How many sessions it may have at the same time, from 0 up; V(-1) is no limit.
        type: int
      valid_until:
        description:
          - Until when its password is valid, such as V(2030-01-31), V(2030-01-31 23:59:00+01:00), or V(infinity).
          - Without an offset the moment is in UTC, without a time it is the beginning of the day.
        type: str
  passwords:
    description:
      - The passwords that roles are to have, role to password.
      - A password is compared with the SCRAM verifier that the server has, by its salt and iterations, so that a second run
        changes nothing. It is prepared as PostgreSQL does (SASLprep). It is set anew when the verifier is of another
        kind, such as md5, or has fewer iterations than C(scram_iterations) (PostgreSQL 16 and newer; 4096 before).
      - What is sent is a new SCRAM-SHA-256 verifier, never the password, in a transaction with C(log_statement=none), no
        logging of durations or of statements that fail, C(track_activities=off), and where the server knows them
        C(pgaudit.log=none) and C(pg_stat_statements.track_utility=off). The password is in no argument of a process, log,
        diff or result.
      - Where C(credcheck) is loaded and refuses passwords that arrive hashed (C(credcheck.encrypted_password_allowed)), the run
        fails and nothing is sent.
      - A client that is connected with a password of today does not know another one, so the run fails before anything is
        changed unless C(accept_unproven) has it. The same password with another verifier stops nobody.
      - An undone run does not bring back the password of before, which nobody knows; it is reported in RV(undone).
      - Any role can be named, the bootstrap superuser and the login of the run too; predefined roles cannot. To give a login
        that itself shows a password another one is an error.
      - A name that the cluster does not have is a warning. An empty password, and a verifier in place of one, is an error.
    type: dict
  in_use:
    description:
      - What to do about a role that replication, backup, monitoring or high availability works with (RV(roles_in_use)), and
        that may not have the attribute, membership or grant on a parameter that it has.
      - V(fail) fails before anything is changed and names the role. V(keep) leaves it that and reports it in
        RV(left_alone).
    type: str
    choices: [fail, keep]
    default: fail
  require_other_superuser:
    description:
      - Fail, before anything is changed, when the last superuser beside the bootstrap superuser that can log in would lose
        C(SUPERUSER) or C(LOGIN). For sites that keep a second way in.
    type: bool
    default: false
  on_standby:
    description:
      - A standby takes no writes. V(skip) reports in RV(left_alone) what would have to change on the primary, V(fail) fails.
    type: str
    choices: [skip, fail]
    default: skip
requirements:
  - psycopg 3 or psycopg2; check mode works with C(psql) alone
"""

EXAMPLES = r"""
- name: Report which roles have powerful attributes
  rampart.postgresql.role_attributes:
  become: true
  register: roles

- name: Only these roles may have powerful attributes
  rampart.postgresql.role_attributes:
    allow:
      - {role: replicator, attributes: [REPLICATION]}
      - {role: dba, attributes: [SUPERUSER, CREATEDB, CREATEROLE]}
    require_other_superuser: true
  become: true

- name: Take them from one application, and from nobody else
  rampart.postgresql.role_attributes:
    strip: [app]
  become: true

- name: Service accounts may create databases, and a contractor may log in until the end of the year
  rampart.postgresql.role_attributes:
    allow:
      - {pattern: 'svc_[a-z]+', attributes: [CREATEDB]}
      - {member_of: dba, attributes: [CREATEDB, CREATEROLE]}
      - role: etl
        memberships:
          - {role: pg_read_server_files, inherit: false}
    roles:
      - {role: contractor, connection_limit: 2, valid_until: '2030-01-01'}
  become: true

- name: Applications have the passwords of the vault
  rampart.postgresql.role_attributes:
    passwords:
      shop: "{{ vault_shop_password }}"
  become: true
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
      sample: role_attributes
    subject:
      description: The role.
      type: str
      sample: role "app"
    description:
      description: What is done.
      type: str
      sample: take away SUPERUSER CREATEDB
    statement:
      description: The statement.
      type: str
      sample: ALTER ROLE "app" NOSUPERUSER NOCREATEDB
    before:
      description: The attributes that the role had.
      type: str
      sample: SUPERUSER CREATEDB LOGIN
    after:
      description: The attributes that it has now.
      type: str
      sample: LOGIN
left_alone:
  description: What was seen and deliberately not changed, with the reason.
  returned: success
  type: list
  elements: dict
  sample:
    - component: role_attributes
      subject: role "replicator"
      reason: "REPLICATION is in use for replication now: it sends WAL to walreceiver"
password_state:
  description:
    - What the verifiers of roles that may log in are, after this run; in check mode, before. PostgreSQL keeps no record of
      logins, so which roles never logged in is not known.
  returned: success, when the login is a superuser
  type: dict
  contains:
    scram:
      description: How many roles have a SCRAM-SHA-256 verifier.
      type: int
    md5:
      description: Roles with an md5 verifier, which must change their password before rules can ask for C(scram-sha-256).
      type: list
      elements: str
    none:
      description: Roles without a password.
      type: list
      elements: str
    unknown:
      description: Roles with a verifier of another kind.
      type: list
      elements: str
    expired:
      description: Roles whose password is not valid any more.
      type: list
      elements: str
    md5_rules:
      description: Whether pg_hba.conf has rules of the method C(md5).
      type: bool
    next:
      description: >-
        The next stage on the way to SCRAM: V(change passwords) while a role has an md5 verifier, then V(tighten rules) while
        pg_hba.conf has the method C(md5), then V(done).
      type: str
roles_in_use:
  description:
    - Roles that replication, backup, monitoring or high availability works with, as far as it shows. A list to begin O(allow) with.
    - An inactive slot, such as one of C(pg_receivewal) that is not running, names no role.
  returned: success
  type: list
  elements: dict
  contains:
    role:
      description: The role.
      type: str
    uses:
      description: How that is known, in words.
      type: list
      elements: str
      sample: [/etc/pgbackrest/pgbackrest.conf names it for pgBackRest]
near_superusers:
  description:
    - Roles that are no superusers and as good as one, by membership in a superuser or in a predefined role of that power,
      by a grant on a parameter that runs programs or libraries, or until PostgreSQL 15 by C(CREATEROLE), with which a role
      grants itself every role that is no superuser.
    - Where C(wal_level) is V(logical), also by C(REPLICATION), with which a role loads any library of the server as an output
      plugin on minor releases that do not have C(output_plugin_libraries), the fix for CVE-2026-6471.
    - After this run; in check mode, before.
  returned: success
  type: list
  elements: dict
  contains:
    role:
      description: The role.
      type: str
    reasons:
      description: Why, in words.
      type: list
      elements: str
dependents:
  description: What hangs on something that is to be taken away; see O(cascade).
  returned: failure, when there is any
  type: list
  elements: str
roles:
  description: The roles that are in use with what they may not have.
  returned: failure, when there are any
  type: list
  elements: str
subscriptions:
  description: The subscriptions that stand in the way.
  returned: failure, when there are any
  type: list
  elements: dict
undone:
  description: What was taken back.
  returned: failure, after something was changed
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
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.arguments import ARGUMENTS
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.arguments import component
from ansible_collections.rampart.postgresql.plugins.module_utils._server.arguments import CONNECTION_ARGUMENTS


def main() -> t.NoReturn:
    """Take away what no allow-list grants."""
    module = AnsibleModule(
        argument_spec={**CONNECTION_ARGUMENTS, **ADMISSION_ARGUMENTS, **ARGUMENTS}, supports_check_mode=True
    )
    run(module, lambda values: [component(values)], guards)


if __name__ == "__main__":
    main()
