#!/usr/bin/python
# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: hba
short_description: Keep the rules of pg_hba.conf
version_added: 0.1.0
description:
  - Writes the rules that decide who may connect to a PostgreSQL cluster, as a whole file or as one marked block of it.
  - Rules are read, judged and written with the grammar of the server's own major version, from 13 to 18. What that
    version would reject is refused before anything is touched, and so is what it would accept and silently never match,
    such as a regular expression before 16, the keyword V(ALL) in capitals, or a name of more than 63 bytes.
  - The order of the rules is kept as given; the first rule that matches a connection decides.
  - The candidate is started by the real server in a throw-away cluster, written by one rename, reloaded, and then
    looked up in C(pg_hba_file_rules). A file that the server refuses, or that does not come into force, is put back.
  - A file that the server has not loaded, as a run that was killed leaves it, is loaded, even when it is as desired.
    See O(sentinel) for how that is known.
  - Refuses rules that would not admit this run's own connection, a session or standby that is connected, or a client in
    O(must_admit).
  - A file that Patroni generates is refused. Lines tagged by pg_auto_failover are kept.
  - Says who gains and who loses by a change, over the server's roles and databases, before the textual diff and in
    RV(ignore:access).
  - Says what is unwise in the rules (RV(ignore:lint)), and refuses it where O(fail_on) asks for that.
  - Without O(rules) nothing is written, unless O(enforce_tls) asks for it; what is unwise in the present rules is reported in RV(ignore:left_alone).
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
    details: Values of C(ldapbindpasswd) and C(radiussecrets) are masked.
  idempotent:
    support: full
  platform:
    platforms: posix
    support: full
    details: Linux only.
options:
  rules:
    description:
      - The rules in the order in which the server shall try them. Each is a dictionary.
      - C(type) (required) is one of V(local), V(host), V(hostssl), V(hostnossl), V(hostgssenc), V(hostnogssenc).
      - C(databases) and C(users) (required) are lists. Each element is ONE token as PostgreSQL spells it, such as V(all),
        V(replication), V(+group) or V(/regex); a name that would be taken as special is written with double quotes
        inside, like V("all"). Quotes that only characters like blanks need are added.
      - C(address) is required except for V(local). V(all), V(samehost), V(samenet), an address in full with its prefix
        length such as V(10.0.0.0/8), an address together with C(netmask), a host name, or a domain such as
        V(.example.com).
      - C(method) (required) is a method that this server knows for this type of connection.
      - C(options) is a dictionary of the method's options, such as C(map) or C(clientcert).
      - C(comment) is one line or several. A rule of the file has as its comment the lines of comment right before it and
        then the one on its own line. Where that is not C(comment), it is changed. Without C(comment), a comment that is
        there stays; an empty string asks for none. A new comment is written before the rule.
      - From PostgreSQL 16 on an element may have C(include), a file or directory whose rules are tried in this place, and
        C(type), which is V(include), V(include_if_exists) or V(include_dir).
      - What P(rampart.postgresql.from_hba#filter) returns can be given here; C(line) is ignored.
      - An empty list is an error, as it would lock everybody out.
    type: list
    elements: dict
  manage:
    description:
      - With V(file) the file has these rules and no others, except for lines that pg_auto_failover wrote. A rule that is
        there already keeps its bytes, its comments and the blank lines around it, however it is spelled; only what
        differs is changed. Comments that a blank line parts from the next rule stay. Rules that are not among O(rules)
        go with the comments that belong to them, and so do lines that the server refuses.
      - With V(block) the rules are a marked block of the file, and every other byte stays as it is. In the block what is
        there already stays too, as with V(file). Marks that do not form one pair, or that stand inside another block, are
        an error.
    type: str
    choices: [file, block]
    default: file
  block_name:
    description: Tells several blocks in one file apart.
    type: str
    default: rules
  position:
    description:
      - Whether the rules of the block are tried before or after the rest of the file.
      - Blocks of other names that want the same place stay where they are; among them the last one made is outermost.
    type: str
    choices: [first, last]
    default: first
  path:
    description: The absolute path of the file. The default is what the server says in C(hba_file).
    type: path
  state:
    description: With V(absent), which needs O(manage=block), the block is removed.
    type: str
    choices: [present, absent]
    default: present
  sentinel:
    description:
      - Begin the rules with one that concerns nobody, C(local "rampart:HASH" all reject), where C(HASH) is a checksum of
        the other lines without their secrets. There is no such database, so a login to it tells whether the server has
        loaded this version of the file, which neither C(pg_hba_file_rules) nor C(pg_conf_load_time) can.
      - Every run makes two such logins, which the server refuses and logs.
      - Only where the rules are the first of the file, so not with O(position=last).
      - Without the rule the server's log tells whether the last reload left the file out, as far as the log is a file and
        in English, and the times of the file tell whether it came to its place after that. Both are looked at at the start
        of every run, and the log after a reload too.
    type: bool
    default: true
  fail_on:
    description:
      - Codes of findings (see RV(ignore:lint)) that no file may have. When the file as it will be, lines of others
        included, has one of them, the module fails before anything is written and names the lines.
      - The page "Rules of pg_hba.conf" of the documentation says what each code means and what to do about it.
      - The default is none, because what a site can do without is its own decision; findings are warnings then.
    type: list
    elements: str
    choices:
      - cannot-match
      - cleartext-password
      - continued-comment
      - contradicted
      - duplicate
      - ident
      - literal-keyword
      - md5
      - no-catch-all
      - open-world
      - plaintext
      - rejected
      - replication-world
      - short-address
      - superuser-remote
      - trust-local
      - trust-network
      - trust-world
      - unreachable
    default: []
  catch_all:
    description:
      - Whether the policy asks for rules at the end that reject over the network all that is left, such as
        C(host all all all reject). A file without them gets the finding V(no-catch-all).
      - The default is false, because the server rejects what no rule matches anyway.
    type: bool
    default: false
  enforce_tls:
    description:
      - Makes C(hostssl) of C(host) in the rules once every client uses TLS, and says until then who does not.
      - A client has no TLS when the server's log of O(enforce_tls.window) says so in a line C(connection authorized), or
        a session that is connected. Only clients over TCP count, those on the same host by a loopback address
        included. Sessions that GSSAPI encrypts have no TLS either, because C(hostssl) refuses them.
      - The log has to reach back that far, with C(log_connections) on. Files are read where C(stderr), C(csvlog) or
        C(jsonlog) leads to some, with those that were rotated, also when C(gzip) packed them. From a log that goes to
        syslog or a service manager only, is in another language than English, does not say where a connection comes
        from (C(log_line_prefix) needs C(%h) or C(%p)) or when (C(%m), C(%t) or C(%n)), nothing can be concluded.
      - What is found stands in RV(tls_enforcement).
      - The page "Certificates for a fleet" of the documentation tells more.
    type: dict
    suboptions:
      mode:
        description:
          - V(off) does nothing and reads nothing.
          - V(report) warns of clients without TLS and changes nothing for it.
          - V(on) does the same until there are none, and in the run that finds none makes C(hostssl) of C(host) in every
            rule of the file that admits, in place. This concerns O(rules) and what stands outside of them in
            the file too, and needs no O(rules). Rules with C(reject) stay C(host), lines of pg_auto_failover
            stay as they are. C(hostnossl) and C(hostnogssenc), and all rules of included files, stay and are
            listed in RV(left_alone).
          - Once no such rule is left in the file, V(on) asks for no evidence any more, and rules that come anew are
            C(hostssl) too. With V(off) or V(report), O(rules) mean what they say again.
          - With V(on) it is an error when C(ssl) is off after this run.
          - A client that a C(hostnossl), C(hostgssenc) or C(hostnogssenc) rule goes on to admit does not keep the
            others from being turned.
        type: str
        choices: ["off", report, "on"]
        default: "off"
      window:
        description: How many days without such a client are asked for, from 1 to 365.
        type: int
        default: 7
      log_limit:
        description:
          - How much of the log is read at most, in MiB, the newest part. When the window has more, nothing is turned and the
            reason says so.
        type: int
        default: 1024
requirements:
  - psycopg 3 or psycopg2; check mode works with C(psql) alone
"""

EXAMPLES = r"""
- name: The whole file
  rampart.postgresql.hba:
    rules:
      - {type: local, databases: [all], users: [postgres], method: peer, comment: local administration}
      - {type: hostssl, databases: [shop], users: [shop, +reporting], address: 10.20.0.0/16, method: scram-sha-256}
      - {type: hostssl, databases: [replication], users: [replicator], address: 10.20.0.5/32, method: scram-sha-256}
      - {type: host, databases: [all], users: [all], address: all, method: reject}
  become: true

- name: A block before everything else in the file, which others keep
  rampart.postgresql.hba:
    cluster: 17/main
    manage: block
    block_name: monitoring
    rules:
      - type: hostssl
        databases: [postgres]
        users: [monitor]
        address: monitor.example.com
        method: cert
        options: {map: monitoring}
  become: true

- name: Rules under which monitoring and backup get in, whoever else does
  rampart.postgresql.hba:
    rules: "{{ rules }}"
    must_admit:
      - {name: monitoring, user: monitor, database: postgres, address: 192.0.2.7, tls: true}
      - {name: backup, user: backup, replication: true, address: 192.0.2.9, tls: true}
    accept_unproven:
      - {user: shop, address: 10.20.0.0/16}  # got in by trust so far, and has its password
    sessions: terminate
  become: true

- name: Rules for TLS, once nobody has come without it for two weeks
  rampart.postgresql.hba:
    rules: "{{ rules }}"
    enforce_tls:
      mode: "on"
      window: 14
  become: true

- name: Report what is unwise in the present rules
  rampart.postgresql.hba:
  become: true
"""

RETURN = r"""
steps:
  description: What was changed, or would be in check mode.
  returned: success
  type: list
  elements: dict
  contains:
    component: {description: Always V(hba)., type: str}
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
access:
  description:
    - Who gains and who loses, in groups of connections that fare alike. Empty when the text does not change.
    - At most 500; those who lose come first.
  returned: success
  type: list
  elements: dict
  contains:
    effect:
      description:
        - V(loses), V(gains), or V(changes) when the way to get in is another one.
        - V(unknown) for connections that were not compared, because too much differs.
      type: str
    types: {description: Types of connections in the words of the file., type: list, elements: str}
    databases:
      description: Names. V(all), with C(databases_except) where some are not meant. V(replication) is physical replication.
      type: list
      elements: str
    users: {description: "The same, with C(users_except).", type: list, elements: str}
    addresses: {description: "Networks, addresses and ranges; V(all); none for the socket.", type: list, elements: str}
    before: {description: "The method that decided before with its options, or V(no match).", type: str}
    after: {description: The same for the new rules., type: str}
  sample:
    - effect: loses
      types: [hostssl]
      databases: [shop]
      users: [app]
      addresses: [10.0.3.0/24]
      before: scram-sha-256
      after: no match
access_left_out:
  description:
    - How many more such groups there are.
    - A list of more than 100 names or addresses in RV(access) is cut too; C(users_left_out) and the like say by how many.
  returned: success
  type: int
lint:
  description: What is unwise in the file as it is at the end of the run, or would be.
  returned: success; on failure because of O(fail_on), what was not allowed
  type: list
  elements: dict
  contains:
    code: {description: Which kind of finding this is; see O(fail_on)., type: str}
    severity: {description: "One of V(high), V(medium), V(low).", type: str}
    path: {description: The file., type: str}
    line: {description: The first line of the rule., type: int}
    reason: {description: What is unwise about it., type: str}
in_force:
  description: Whether the file, as it is at the end of the run, is what the server works with.
  returned: success
  type: dict
  contains:
    verdict:
      description:
        - V(proven) by the rule of O(sentinel). V(no) when it is known not to be in force.
        - V(assumed) when nothing says otherwise.
      type: str
    how: {description: What the verdict rests on., type: str}
tls_enforcement:
  description: What is known about clients without TLS, and what follows; see O(enforce_tls).
  returned: success, when O(enforce_tls.mode) is V(report) or V(on)
  type: dict
  contains:
    mode: {description: As given., type: str}
    verdict:
      description:
        - V(enforced) when no rule that could be turned is left. V(ready) when nothing stands in the way, in check mode and
          with V(report). V(not yet) otherwise.
      type: str
    reasons: {description: Why not yet., type: list, elements: str}
    window: {description: As given., type: int}
    since:
      description: From when on the log has every connection. Null when that is not known or was not asked for.
      type: str
      sample: "2026-03-02T04:05:06Z"
    clients:
      description: Who connected without TLS, those that are connected and the latest first; at most 500.
      type: list
      elements: dict
      contains:
        user: {description: The role., type: str}
        database: {description: The database; null with physical replication., type: str}
        replication: {description: Whether it was a replication connection., type: bool}
        address: {description: "The IP address; with C(log_hostname) a name.", type: str}
        encryption: {description: "V(none), or V(gss) with encryption by GSSAPI.", type: str}
        times: {description: How often., type: int}
        last_seen: {description: When it last logged in or that it is here now; null when the log does not say., type: str}
        connected: {description: Whether it is here now., type: bool}
        refused: {description: Whether it might be refused once the rules are turned., type: bool}
    clients_left_out: {description: How many clients more there are., type: int}
    unnamed: {description: Connections of clients beyond the 10000 that are told apart., type: int}
    log_files: {description: How many files of the log were read., type: int}
    log_bytes: {description: How many bytes., type: int}
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
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.arguments import ARGUMENTS
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.arguments import component
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.arguments import secrets
from ansible_collections.rampart.postgresql.plugins.module_utils._module import run
from ansible_collections.rampart.postgresql.plugins.module_utils._server.arguments import CONNECTION_ARGUMENTS


def main() -> t.NoReturn:
    """Converge pg_hba.conf."""
    module = AnsibleModule(
        argument_spec={**CONNECTION_ARGUMENTS, **ADMISSION_ARGUMENTS, **ARGUMENTS}, supports_check_mode=True
    )
    module.no_log_values.update(secrets(module.params["rules"]))
    run(module, lambda values: [component(values)], guards)


if __name__ == "__main__":
    main()
