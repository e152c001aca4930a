# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options of modules that can lock clients out; the argument spec is in module_utils/_admission/arguments.py."""

from __future__ import annotations


class ModuleDocFragment:
    """Who has to get in after a change."""

    DOCUMENTATION = r"""
options:
  must_admit:
    description:
      - Clients that have to get in after this run, such as monitoring, backup, a connection pooler. They need not be
        connected now.
      - Each is asked whether the rules of pg_hba.conf, the mappings of pg_ident.conf, the attributes, password and
        connection limit of its role, the privilege CONNECT, TLS and its certificate let it in, and whether the server
        has a place left for it. One that would not get in, or of which that cannot be said, fails the module before
        anything is written. When nothing has to be written it is a warning.
      - A change of parameters is asked too whether the server can still be reached, at once or after a restart, by
        C(listen_addresses), C(port), the directories, permissions and group of its socket, C(max_connections) with
        what is reserved of them, C(max_wal_senders), the versions and ciphers of TLS, and the files of rules and
        authorities.
      - A client is taken to know the password of its role.
      - Rules of pg_hba.conf that ask for C(scram-sha-256) fail the module too while a role has an md5 verifier that another rule
        lets in today, whether it is connected or not.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: How messages call the client.
        type: str
      user:
        description: The role that it logs in as.
        type: str
        required: true
      database:
        description: The database that it asks for. Only physical replication (O(must_admit[].replication)) asks for none.
        type: str
      address:
        description: Its IP address. Without one, or with V(local), it comes through the server's Unix socket.
        type: str
      tls:
        description: Whether it comes over TLS.
        type: bool
        default: false
      gss:
        description: Whether its connection is encrypted by GSSAPI.
        type: bool
        default: false
      replication:
        description:
          - Whether it replicates. Without O(must_admit[].database) that is physical replication, as standbys,
            C(pg_basebackup) and C(pg_receivewal) do it; with one it is logical replication.
        type: bool
        default: false
      certificate:
        description: The common name in its client certificate; needs O(must_admit[].tls).
        type: str
      system_user:
        description: Its account in the operating system, for C(peer); only through the socket.
        type: str
  accept_unproven:
    description:
      - Clients that you know to have what the new rules ask for, although they never had to show it.
      - A session that got in by C(trust), C(peer) or C(ident) and will be asked for a password or a certificate is
        unproven and fails the module, and so does one of which only the server can tell whether it gets in. An entry
        lets those pass that have everything that it gives; it does nothing for clients that are certainly refused, for
        this run's own connection and for O(must_admit).
    type: list
    elements: dict
    default: []
    suboptions:
      user:
        description: The role that they are logged in as. The default is any.
        type: str
      database:
        description: Their database, V(replication) for physical replication. The default is any.
        type: str
      address:
        description: Their IP address, a network such as V(10.0.3.0/24), or V(local) for the socket. The default is any.
        type: str
  allow_lockout:
    description:
      - Do it although clients would be refused, be it this run's own connection, sessions, standbys or clients in
        O(must_admit). Each is a warning then.
    type: bool
    default: false
  sessions:
    description:
      - What to do with sessions that would not be admitted any more. They go on after a reload, which never ends one.
      - With V(report) a session that this change would refuse fails the module, and one that is refused already is a
        warning and is returned in RV(ignore:sessions).
      - With V(terminate) such sessions are ended after the reload and do not fail the module. It is done whenever there
        are some, also when nothing else has to be changed. Never ended are unproven sessions, those that only a restart
        keeps out, those of this run, and those of replication unless O(allow_lockout) is true.
    type: str
    choices: [report, terminate]
    default: report
"""
