# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options that every module with a connection has; the argument spec is in module_utils/_server/arguments.py."""

from __future__ import annotations


class ModuleDocFragment:
    """How to reach a cluster."""

    DOCUMENTATION = r"""
options:
  cluster:
    description:
      - The cluster to work on when several run on the host, as Debian names it (V(17/main)) or as its data directory.
      - Not together with O(port), O(socket_directory) or O(host).
      - Without any of them the one running cluster is meant; it is an error when there are several, and the message
        lists them.
    type: str
  port:
    description:
      - The TCP port of the server, which is part of its socket's name too. From 1 to 65535.
      - Locally it chooses among the running clusters; with O(host) libpq's default of 5432 holds.
    type: int
    aliases: [login_port]
  socket_directory:
    description: The directory of the server's Unix socket. It chooses among the running clusters.
    type: path
    aliases: [login_unix_socket, unix_socket]
  host:
    description:
      - Connect to this host over TCP. The default is the Unix socket.
      - Modules that need the files of the cluster refuse it, they run on the database host.
    type: str
    aliases: [login_host]
  user:
    description:
      - The role to log in as.
      - Through the socket the default is the name of the operating system account that owns the cluster; a module
        that runs as root acts as that account while it connects.
    type: str
    aliases: [login_user]
  password:
    description: The password of O(user). It is never on a command line, in a diff, in a log or in a return value.
    type: str
    aliases: [login_password]
  dbname:
    description: The database to log in to.
    type: str
    default: postgres
    aliases: [login_db]
  sslmode:
    description: How much libpq insists on TLS; see PostgreSQL's documentation of V(sslmode). libpq's default is V(prefer).
    type: str
    choices: [disable, allow, prefer, require, verify-ca, verify-full]
    aliases: [ssl_mode]
  sslrootcert:
    description: File with the certificates of the authorities that libpq trusts.
    type: path
    aliases: [ca_cert]
  sslcert:
    description: File with the client certificate.
    type: path
    aliases: [ssl_cert]
  sslkey:
    description: File with the key of the client certificate.
    type: path
    aliases: [ssl_key]
  connect_timeout:
    description: Seconds to wait for a connection.
    type: int
    default: 10
  timeout:
    description: Seconds that one statement, one wait for a lock in the server, one reload, one stop or one start may take.
    type: int
    default: 60
  lock_wait:
    description: Seconds to wait for another run that holds the same cluster.
    type: int
    default: 60
  history_directory:
    description:
      - Where the previous versions of changed files are kept, as the owner of the cluster.
      - The default is C(.local/state/rampart-postgresql) in that account's home, or C(.rampart-postgresql) beside the
        data directory when the home is inside the data directory or the account cannot write there.
    type: path
  history_keep:
    description: How many previous versions of each file are kept. At least 1.
    type: int
    default: 5
  rehearse:
    description:
      - Start changed configuration in a throw-away cluster before a live file is touched, in check mode too.
      - It costs about a second, only in runs that change a file.
      - See R(the guide on rehearsals,ansible_collections.rampart.postgresql.docsite.rehearsal) for what it proves.
    type: bool
    default: true
"""
