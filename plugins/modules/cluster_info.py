#!/usr/bin/python
# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_info
short_description: Read-only facts about a PostgreSQL cluster
version_added: 0.1.0
description:
  - Gathers version, paths, recovery state, managers, settings, roles, memberships, hba rules, databases and extensions
    in one execution, with one session for the cluster and one for each database that allows connections.
  - On demand it looks at every certificate and revocation list of the server, and at the certificate that it really
    serves, see O(gather).
  - It only ever reads, in sessions that the server keeps from writing, and works on standbys. What the login may not read is null and named in RV(unreadable).
  - Secrets stay on the host; a password verifier is reduced to its kind.
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
  gather:
    description:
      - What is gathered besides version, paths, recovery state and managers.
      - V(catalogue) is settings, roles, memberships, hba rules, databases and extensions.
      - V(certificates) is every certificate and revocation list that the parameters of the server name. It reads these
        files with the rights of the owner of the cluster, and makes one TLS handshake with the server where it listens
        on TCP and has C(ssl) on.
      - V(hba) is what the rules of pg_hba.conf and the mappings of pg_ident.conf mean.
      - V(databases) is who may do what in every database that allows connections.
      - V(replication) is replication, archiving and the sessions that there are now.
      - V(host) is the files of the cluster, its unit, its account and its packages.
      - V(backups) is the jobs that make backups, and how they went.
      - V(all) is everything, which an assessment needs.
    type: list
    elements: str
    choices: [catalogue, certificates, hba, databases, replication, host, backups, all]
    default: [catalogue]
    version_added: 0.1.0
  expiring_within:
    description:
      - Days that are left of a certificate or a revocation list when it counts as expiring soon. From 0.
      - The default is 30, or a quarter of its lifetime where that is shorter. What this collection makes is renewed
        before, when a third of the lifetime is left.
    type: int
    version_added: 0.1.0
requirements:
  - psycopg 3, psycopg2 or C(psql)
  - cryptography 3.3 or newer to read certificates; without it they are listed as unknown
seealso:
  - plugin: rampart.postgresql.certificate_expiry
    plugin_type: filter
  - plugin: rampart.postgresql.certificate_metrics
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Look at the one running cluster
  rampart.postgresql.cluster_info:
  become: true
  register: facts

- name: Look at the certificates only, of one cluster of several
  rampart.postgresql.cluster_info:
    cluster: 17/main
    gather: [certificates]
    expiring_within: 45
  become: true
  register: facts
"""

RETURN = r"""
version:
  description: The number in C(server_version_num).
  returned: success
  type: int
  sample: 170011
major:
  description: Major version.
  returned: success
  type: int
  sample: 17
in_recovery:
  description: Whether this is a standby.
  returned: success
  type: bool
managed_by:
  description: What manages the cluster besides this collection, with the evidence.
  returned: success
  type: list
  elements: dict
  sample: [{"name": "repmgr", "evidence": "shared_preload_libraries names repmgr"}]
paths:
  description: Configuration file, data directory, hba and ident file as the server names them.
  returned: success
  type: dict
settings:
  description:
    - Every parameter by its name, with setting, unit, vartype, context, source, sourcefile, sourceline, pending_restart.
    - The values are those of the server. What C(ALTER ROLE), C(ALTER DATABASE) or the connection gave the session that looks is not
      among them, see RV(role_settings); C(setting) is V(null) where only that value can be seen, and RV(unreadable) then has
      C(settings of the session).
    - The values of commands and connection strings that may hold a secret are not shown, nor those of parameters of
      extensions that are named for one.
  returned: with catalogue in gather
  type: dict
configuration_findings:
  description:
    - Lines of the configuration files that are not in force, with C(code), C(name), C(file), C(line) and C(message). V(rejected) is
      one that the server refuses, V(not_loaded) one that it has not read since it was written, or that was taken out.
    - What waits for a restart is not among them; it is in RV(settings).
  returned: with catalogue in gather
  type: list
  elements: dict
roles:
  description:
    - Every role with its attributes and the kind of its password verifier (scram-sha-256, md5, none). C(iterations) is how
      many a SCRAM verifier takes.
    - C(valid_until_epoch) is C(valid_until) in seconds since 1970; V(null) for a password that never expires.
  returned: with catalogue in gather
  type: list
  elements: dict
memberships:
  description: Who is a member of what, granted by whom, with the options that this version knows.
  returned: with catalogue in gather
  type: list
  elements: dict
hba_rules:
  description: The rows of C(pg_hba_file_rules), which shows the file on disk; null when the login may not read them.
  returned: with catalogue in gather
  type: list
  elements: dict
databases:
  description:
    - Every database with owner, connection limit, access privileges and who was granted CONNECT (C(connect)).
    - V(public), which no role can be called, stands for everybody.
  returned: with catalogue in gather
  type: list
  elements: dict
extensions:
  description: The extensions of each database that allows connections, by the database's name.
  returned: with catalogue in gather
  type: dict
certificates:
  description:
    - Every certificate and every revocation list that C(ssl_cert_file), C(ssl_ca_file), C(ssl_crl_file) and
      C(ssl_crl_dir) lead to, in the order of the files. All entries have all keys.
    - What cannot be read is an entry too, with C(state) V(unknown) and the C(reason). Nothing of a private key is in it.
  returned: with certificates in gather
  type: list
  elements: dict
  contains:
    role:
      description:
        - V(server) for the server's own certificate, V(intermediate) for what follows it in its file,
          V(client_authority) for one that client certificates are judged by, or V(revocation_list).
      type: str
    path:
      description: The file. V(null) for a certificate that the server serves while its file holds another one.
      type: str
    number:
      description: Which one of its file it is; the first one is 1.
      type: int
    subject:
      description: The subject, as RFC 4514 writes it. V(null) for a list.
      type: str
      sample: CN=db1.example.org
    issuer:
      description: The authority.
      type: str
    names:
      description: DNS names and IP addresses that it bears.
      type: list
      elements: str
    serial:
      description: Serial number of a certificate, or number of a list, in hexadecimal.
      type: str
    not_before:
      description: When it begins to be valid, in UTC. For a list, when it was issued.
      type: str
      sample: "2027-01-31T12:00:00Z"
    not_after:
      description: Until when it is valid, in UTC. For a list, its next update; V(null) where it names none.
      type: str
      sample: "2028-01-31T12:00:00Z"
    not_before_epoch:
      description: The same in seconds since 1970.
      type: int
    not_after_epoch:
      description: The same in seconds since 1970.
      type: int
    days_left:
      description: Whole days that are left by the clock of the host, negative when it has expired.
      type: int
    state:
      description:
        - V(ok), V(soon), V(expired), V(not_yet_valid) or V(unknown).
        - V(superseded) for a list that is not valid while another one of the same authority is.
      type: str
    fingerprint:
      description: SHA-256 of it, in hexadecimal.
      type: str
    key:
      description: Kind of the key, such as V(ECDSA P-256) or V(RSA 3072).
      type: str
    signature:
      description: The hash of the signature; V(null) where its algorithm names none, as that of Ed25519.
      type: str
    self_signed:
      description: Whether it was issued by its own subject.
      type: bool
    revoked:
      description: How many certificates a list revokes.
      type: int
    served:
      description:
        - For the server's own certificate, whether clients are shown it, as a handshake tells. V(null) where none is
          possible.
      type: bool
    key_path:
      description: For the server's own certificate, the file with the private key.
      type: str
    key_matches:
      description: Whether this key belongs to the certificate; V(null) where that cannot be told, see RV(certificates[].key_reason).
      type: bool
    key_reason:
      description: Why that cannot be told, such as a passphrase. Empty otherwise.
      type: str
    reason:
      description: Why nothing is known. Empty otherwise.
      type: str
    problems:
      description:
        - What is wrong. Each has C(code), C(severity) and C(message).
        - V(critical) are C(expired), C(not_yet_valid), C(unreadable), C(key_unusable), C(key_mismatch), C(key_exposed),
          C(list_missing) for an authority without a revocation list while lists are checked, and C(wrong_signature) for
          a list that its authority did not sign.
        - V(warning) are C(expires_soon), C(not_served), C(not_loaded), C(not_looked_for), C(chain_broken), C(weak_key),
          C(weak_signature) and C(no_channel_binding).
        - V(notice) is C(self_signed).
      type: list
      elements: dict
      sample:
        - code: expires_soon
          severity: warning
          message: it expires 2027-01-31T12:00:00Z, in 12 days
session:
  description:
    - Who looked, as C(role), C(superuser), C(monitor) for a member of C(pg_monitor), and C(local) for a connection
      through the socket.
  returned: success
  type: dict
  sample: {"role": "postgres", "superuser": true, "monitor": true, "local": true}
gathered_epoch:
  description: When this was gathered, by the clock of the host, in seconds since 1970.
  returned: success
  type: int
hba:
  description:
    - What the file of the rules, with the files that it includes, means on this server. It is read from disk, as no view
      of the server tells quoted words from keywords; V(null) where it cannot be read.
    - Passwords in options are not shown. Of a line that the server refuses nothing is shown if it may hold one.
  returned: with hba in gather
  type: dict
  contains:
    files:
      description: The file, and those that it includes or names.
      type: list
      elements: str
    rules:
      description:
        - Every rule in its order with C(number), C(file), C(line), C(type), C(databases), C(users), C(address), C(method),
          C(options) and C(text). Names are spelled as in the file, so what is in double quotes is no keyword.
        - C(any_database) and C(any_user) say whether it is for all of them, by the keyword or by a regular expression.
        - V(reachable) is false for a rule that no connection comes to, and C(shadowed_by) then has the numbers of the rules
          that take all of them; it is empty for one that matches nobody, or that the server refuses.
      type: list
      elements: dict
    findings:
      description:
        - What is unwise, with C(code), C(severity), C(message), C(file) and C(line). The codes are those of
          P(rampart.postgresql.hba_lint#filter), and V(stale) for a file that was written after the server last read it.
      type: list
      elements: dict
    who:
      description:
        - Who can connect from where, which is every rule that is reached and does not reject, with C(from), C(type),
          C(databases), C(users), C(method) and its C(number). V(socket) in C(from) is the host itself.
      type: list
      elements: dict
ident:
  description:
    - The same of pg_ident.conf, with C(files), C(findings) and C(mappings) of C(map), C(system_user), C(role), C(file),
      C(line), C(every_role), which is whether it lets the account be any role, and C(every_account), whether any account is
      let in as the same one.
  returned: with hba in gather
  type: dict
role_settings:
  description:
    - What C(ALTER ROLE ... SET) and C(ALTER DATABASE ... SET) have set, with C(role), C(database), C(name) and C(value);
      V(null) for any role or any database.
    - The value is not shown of a parameter that may hold a secret, which one is that the server does not know.
  returned: with databases in gather
  type: list
  elements: dict
parameter_privileges:
  description: Grants on parameters, with C(parameter), C(grantee), C(privilege) and C(grantable). Empty before PostgreSQL 15.
  returned: with databases in gather
  type: list
  elements: dict
subscriptions:
  description:
    - Every subscription with C(database), C(name), C(owner), C(owner_superuser), C(enabled), C(password_in_conninfo) and
      C(sslmode); that is V(null) where the connection string names none.
    - V(null) in the last two where RV(unreadable) has C(subscriptions).
  returned: with databases in gather
  type: list
  elements: dict
public_privileges:
  description:
    - What everybody may do, with C(database), C(kind), C(object), C(owner), C(privileges), C(builtin) and C(objects).
    - On what belongs to the system or to an extension only what was granted beyond what they came with. C(builtin) says
      of anything else whether PostgreSQL gives it by itself, as it does with C(EXECUTE) on functions.
    - Kinds are V(database), V(tablespace), V(parameter), V(schema), V(table), V(column), V(sequence), V(function), V(type),
      V(language), V(foreign_data_wrapper), V(foreign_server) and V(large_object).
    - Where a database has more than 1000 of these, C(object) is V(null), and C(objects) says how many objects are alike in
      everything else.
  returned: with databases in gather
  type: list
  elements: dict
schemas:
  description: The schemas that are not the system's, with C(database), C(schema), C(owner), C(public_create) and C(public_usage).
  returned: with databases in gather
  type: list
  elements: dict
table_privileges:
  description:
    - Grants on tables and views that are not the system's, to roles that are neither the owner nor superusers, with
      C(database), C(schema), C(table), C(column), C(owner), C(grantee), C(privileges), C(grantable) and C(tables).
    - Where a database has more than 1000 of these, C(table), C(column) and C(owner) are V(null), and C(tables) says how
      many grants are alike in everything else.
  returned: with databases in gather
  type: list
  elements: dict
catalogue_privileges:
  description:
    - Grants to roles that are no superusers on what is in the schema pg_catalog, beyond what came with PostgreSQL and
      extensions, with C(database), C(kind) (V(table), V(column) or V(function)), C(object), C(grantee) and C(privileges).
  returned: with databases in gather
  type: list
  elements: dict
default_privileges:
  description:
    - What C(ALTER DEFAULT PRIVILEGES) has stored, with C(database), C(role), C(schema), C(kind), C(grantee) and
      C(privileges); V(null) for every schema, and V(public) for everybody.
    - For every schema that is all that objects will have, so what the role itself has is among it.
  returned: with databases in gather
  type: list
  elements: dict
definer_functions:
  description:
    - Functions with C(SECURITY DEFINER) that are not the system's, with C(database), C(schema), C(function), C(owner),
      C(owner_superuser), C(search_path), C(search_path_safe), C(public_execute), C(extension) and C(language).
    - C(search_path_safe) is whether nobody but superusers and its owner can put an object where the function finds it; for
      a function of an extension, whether it has a search_path of its own.
  returned: with databases in gather
  type: list
  elements: dict
row_security:
  description:
    - Tables with row-level security or policies, with C(database), C(schema), C(table), C(owner), C(enabled), C(forced),
      C(policies), which is their number, and C(tables). More than 1000 are told as with RV(table_privileges).
  returned: with databases in gather
  type: list
  elements: dict
languages:
  description:
    - The languages with C(database), C(language), C(trusted), C(owner) and C(public_usage), which is whether everybody can
      make functions in it.
  returned: with databases in gather
  type: list
  elements: dict
event_triggers:
  description: Event triggers with C(database), C(name), C(event), C(owner), C(owner_superuser) and C(enabled).
  returned: with databases in gather
  type: list
  elements: dict
user_mappings:
  description:
    - User mappings with C(database), C(server), C(role), C(password), which is whether there is one, and C(connects_to).
    - C(password) is V(null) where RV(unreadable) has C(user_mappings in DATABASE).
  returned: with databases in gather
  type: list
  elements: dict
replication:
  description:
    - Physical and logical replication, and the archiving of WAL. What is V(null) is not there, or not readable if
      RV(unreadable) names it, as in C(replication.receiver).
  returned: with replication in gather
  type: dict
  contains:
    slots:
      description: Slots with C(name), C(kind), C(plugin), C(active), C(wal_status) and C(invalidation_reason).
      type: list
      elements: dict
    senders:
      description:
        - Who receives WAL now, with C(role), C(application), C(address), C(state), C(sync_state), C(tls) and C(gss), which is
          whether GSSAPI encrypts it.
      type: list
      elements: dict
    receiver:
      description: How a standby is connected now, with C(role), C(sslmode), C(password), C(channel_binding) and C(slot).
      type: dict
    conninfo:
      description: What C(primary_conninfo) says, with C(role), C(sslmode) and C(password_in_clear).
      type: dict
    archiving:
      description:
        - C(mode), C(library), C(last_archived_epoch), C(last_failed_epoch), C(failed_count), C(archived_count), and
          C(command_set), which is whether C(archive_command) is anything that archives; V(true) or V(:) does not.
      type: dict
connections:
  description:
    - The sessions of clients that there are now, with C(role), C(database), C(address), C(tls), C(gss), C(version), C(cipher)
      and the C(count) of those that are alike. This module's own is not among them.
  returned: with replication in gather
  type: list
  elements: dict
files:
  description:
    - The files and directories of the cluster, of its account and of its programs, those that are not there included.
    - They are looked at with the rights of the owner of the cluster, and none but postgresql.conf is opened. All entries have
      all keys.
  returned: with host in gather
  type: list
  elements: dict
  contains:
    what:
      description:
        - V(data_directory), V(wal_directory), V(tablespace), V(config_file), V(included_file), V(included_directory), V(auto_conf), V(hba_file),
          V(ident_file) (with V(hba) in O(gather) those that
          they include or name, too), V(key), V(certificate), V(certificate_authority), V(revocation_list), V(socket_directory),
          V(socket), V(log_directory), V(log_file) for the newest ones, V(program_directory), V(program),
          V(library_directory), V(extension_directory), V(home), V(passfile), V(history), V(service_file), or
          V(tool_configuration) for the files of pgBackRest, Barman, repmgr and Patroni, which may hold secrets. The
          password files of other accounts are told where there are some.
      type: str
    path:
      description: Where it is, as the server or a convention names it.
      type: str
    exists:
      description: Whether it is there; V(null) where nobody could look.
      type: bool
    link:
      description: For a symbolic link, where it leads to, which the other values are about. V(null) otherwise.
      type: str
    kind:
      description: V(file), V(directory), V(link) for one that leads nowhere, V(socket), V(pipe) or V(device).
      type: str
    owner:
      description: Name of the account that owns it.
      type: str
    group:
      description: Name of its group.
      type: str
    mode:
      description: Its mode.
      type: str
      sample: "0700"
    writable_by_group:
      description: Whether its group may write.
      type: bool
    writable_by_others:
      description: Whether everybody may write.
      type: bool
    readable_by_others:
      description: Whether everybody may read.
      type: bool
    of_another:
      description: Whether it belongs to somebody else than root and the account that it is for.
      type: bool
    exposed:
      description:
        - Why somebody else than root and the owner of the cluster could put another one in its place, by the directories
          that lead to it. Empty when nobody could.
      type: str
      sample: everybody can write in /srv/data (mode 0777)
host:
  description:
    - What the host tells about the system, the account of the cluster and its packages. Who may not reach the files of
      the cluster learns C(system), C(packages) and C(checksums) only.
  returned: with host in gather
  type: dict
  contains:
    system:
      description: C(distribution), its C(version), the C(kernel), and whether that is in FIPS mode (C(fips)).
      type: dict
      sample: {"distribution": "debian", "version": "13", "kernel": "6.12.48-amd64", "fips": false}
    unit:
      description:
        - The systemd unit that the server runs in. C(main) says whether the server is its main process, C(enabled) whether
          it starts with the host, C(active) whether it is active, and C(properties) are those that confine it, as
          C(systemctl show) writes them. V(null) without one.
      type: dict
    account:
      description:
        - The account of the cluster with its C(shell), C(groups), C(home) and C(home_mode). C(locked) says whether no
          password opens it.
        - C(umask) is what profiles set last, by their text, else what logins have on this host.
        - C(history) are the files in which psql keeps what the account types, there yet or not; none where it is a link to
          F(/dev/null), or a profile sets E(PSQL_HISTORY) to that.
        - C(pgpassword_in) are the files of this host and of its accounts that set E(PGPASSWORD), C(password_in_service_file)
          the connection service files with a password. Both are V(null) where nothing was found and some files could not
          be read.
        - C(pgpassword_in_environment) says whether the running server, or its unit, has E(PGPASSWORD).
      type: dict
    sudo:
      description:
        - The rules of sudoers by which others than root become the owner of the cluster, or by a command that runs any
          other become root. Aliases are replaced by what they stand for; C(!) before a member excepts it.
        - Each has C(file), C(line), C(who), C(hosts), C(as), C(commands) and C(nopasswd).
        - A line that is not understood is an entry too, with C(raw_understood) V(false), and named in RV(unreadable).
      type: list
      elements: dict
    packages:
      description:
        - The installed packages of PostgreSQL, its extensions and its tools, with C(version), the C(candidate) that would be
          installed now, the C(origin) that its repository names, and the C(repository).
        - C(trusted) says whether it comes from a signed repository of the distribution or of the PostgreSQL project, and
          V(null) where no list of this host has this version.
      type: list
      elements: dict
      sample:
        - name: postgresql-17
          version: 17.11-0+deb13u1
          candidate: 17.11-0+deb13u1
          origin: Debian
          repository: http://deb.debian.org/debian trixie/main amd64 Packages
          trusted: true
    server_package:
      description: The package that the program of the server is of; empty where it is of none, V(null) where nobody knows.
      type: str
    checksums:
      description: Whether the pages of the cluster have checksums.
      type: bool
backups:
  description: Backups of this cluster, as far as this host knows of them; nothing is asked over the network.
  returned: with backups in gather
  type: dict
  contains:
    jobs:
      description:
        - The jobs of the role P(rampart.postgresql.pg_backup#role), each with C(name), C(kind), whether its backups are
          C(encrypted), its C(places), and whether one of these is on another host, or offered to a vault (C(off_host)).
        - C(outcome) is V(ok) or V(failed), of the last run; V(null) before the first one.
        - C(last_success_epoch), C(verified_epoch) and C(restored_epoch) are seconds since 1970, when a run went well, when
          the newest good backup was read back, and when one was restored for practice. What a vault or a drill on another
          host found is known where the job writes metrics; V(null) where nothing tells.
        - C(schedule) is the calendar of its timer, C(scheduled) whether that is active.
      type: list
      elements: dict
    tools:
      description: What else makes backups of the cluster, with the evidence.
      type: list
      elements: dict
      sample: [{"name": "pgbackrest", "evidence": "archive_command names pgbackrest"}]
unreadable:
  description:
    - What could not be read, by the name of the return value, with the reason. What it names is V(null), or lacks what the
      reason says.
    - Of what every database has a part of, C(schemas in DATABASE) is the part that is missing.
    - C(verifiers) are the kinds of passwords in RV(roles).
    - Parts of RV(host) and RV(replication) are named by themselves, such as C(host.sudo).
  returned: success
  type: dict
server:
  description: The cluster that this is about.
  returned: success
  type: dict
"""

import dataclasses
import functools
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._facts.collect import CHOICES
from ansible_collections.rampart.postgresql.plugins.module_utils._facts.collect import collect
from ansible_collections.rampart.postgresql.plugins.module_utils._facts.gathering import Unreadable
from ansible_collections.rampart.postgresql.plugins.module_utils._server.arguments import CONNECTION_ARGUMENTS
from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server
from ansible_collections.rampart.postgresql.plugins.module_utils._server.session import Options

ARGUMENTS: dict[str, dict[str, t.Any]] = {
    "gather": {"type": "list", "elements": "str", "choices": list(CHOICES), "default": ["catalogue"]},
    "expiring_within": {"type": "int"},
}


def gather(server: Server, wanted: t.Sequence[str], within: int | None) -> dict[str, t.Any]:
    """The facts that are wanted."""
    wanted = CHOICES if "all" in wanted else wanted
    # Here and not above: who does not ask need not load it.
    packages = None
    if "host" in wanted and not server.options.is_remote:
        from ansible_collections.rampart.postgresql.plugins.module_utils._facts.packages import Packages

        # APT works at it while the server is asked.
        packages = Packages(server.cluster.program if server.has_files else "")
    facts = collect(server, wanted)
    unreadable = Unreadable(facts["unreadable"])
    if "host" in wanted:
        from ansible_collections.rampart.postgresql.plugins.module_utils._facts.host import host_facts

        doors = [
            (f"{name}_file", path) for name in ("hba", "ident") for path in (facts.get(name) or {}).get("files", ())
        ]
        read_host = functools.partial(host_facts, server, packages, unreadable.reasons, more=doors)
        facts.update(unreadable.sections(("files", "host"), read_host))
    if "backups" in wanted:
        from ansible_collections.rampart.postgresql.plugins.module_utils._facts.backups import backup_facts

        facts.update(unreadable.sections(("backups",), lambda: backup_facts(server, unreadable.reasons)))
    if "certificates" in wanted:
        from ansible_collections.rampart.postgresql.plugins.module_utils._tls.expiry.survey import survey

        # Who asks for nothing else is told by a failure.
        alone = set(wanted) == {"certificates"}
        facts["certificates"] = (
            survey(server, within=within)
            if alone
            else unreadable.attempt("certificates", lambda: survey(server, within=within))
        )
    return facts


def main() -> t.NoReturn:
    """Gather and tell."""
    module = AnsibleModule(argument_spec={**CONNECTION_ARGUMENTS, **ARGUMENTS}, supports_check_mode=True)
    within = module.params["expiring_within"]
    try:
        if within is not None and within < 0:
            raise InputError(option="expiring_within", value=within, expected="a number of days from 0 up")
        options = dataclasses.replace(Options.from_task(module.params), read_only=True)
        with Server.open(options) as server:
            facts = gather(server, module.params["gather"], within)
    except RampartError as error:
        module.fail_json(msg=str(error), **error.details)
    module.exit_json(changed=False, **facts)


if __name__ == "__main__":
    main()
