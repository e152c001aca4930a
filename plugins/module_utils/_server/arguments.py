# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The connection options of every module; documented in the fragment ``connection``; private to the collection."""

from __future__ import annotations

import typing as t

__all__ = ["CONNECTION_ARGUMENTS"]

CONNECTION_ARGUMENTS: dict[str, dict[str, t.Any]] = {
    "cluster": {"type": "str"},
    "port": {"type": "int", "aliases": ["login_port"]},
    "socket_directory": {"type": "path", "aliases": ["login_unix_socket", "unix_socket"]},
    "host": {"type": "str", "aliases": ["login_host"]},
    "user": {"type": "str", "aliases": ["login_user"]},
    "password": {"type": "str", "no_log": True, "aliases": ["login_password"]},
    "dbname": {"type": "str", "default": "postgres", "aliases": ["login_db"]},
    "sslmode": {
        "type": "str",
        "choices": ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"],
        "aliases": ["ssl_mode"],
    },
    "sslrootcert": {"type": "path", "aliases": ["ca_cert"]},
    "sslcert": {"type": "path", "aliases": ["ssl_cert"]},
    "sslkey": {"type": "path", "no_log": False, "aliases": ["ssl_key"]},
    "connect_timeout": {"type": "int", "default": 10},
    "timeout": {"type": "int", "default": 60},
    "lock_wait": {"type": "int", "default": 60},
    "history_directory": {"type": "path"},
    "history_keep": {"type": "int", "default": 5},
    "rehearse": {"type": "bool", "default": True},
}
