# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of the module `backup_job`; private to the collection."""

from __future__ import annotations

import typing as t

__all__ = ["ARGUMENTS"]

_TEXTS: dict[str, t.Any] = {"type": "list", "elements": "str"}
_COUNT: dict[str, t.Any] = {"type": "int", "default": 0}

_PLACE: dict[str, t.Any] = {
    "type": "list",
    "elements": "dict",
    "options": {
        "kind": {"type": "str", "choices": ["directory", "vault", "rclone"], "default": "directory"},
        "path": {"type": "str"},
        "host": {"type": "str"},
        "account": {"type": "str"},
        "key": {"type": "str", "no_log": False},
        "known_hosts": {"type": "str"},
        "port": {"type": "int", "default": 22},
        "remote": {"type": "str"},
        "config": {"type": "str"},
        "retain": {"type": "bool", "default": False},
        "timeout": {"type": "int"},
    },
    "required_if": [
        ("kind", "directory", ["path"]),
        ("kind", "vault", ["host", "account", "key", "known_hosts"]),
        ("kind", "rclone", ["remote", "config"]),
    ],
}

ARGUMENTS: dict[str, dict[str, t.Any]] = {
    "jobs": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "name": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "kind": {
                "type": "str",
                "choices": ["logical", "physical", "logs", "pgbackrest", "wal"],
                "default": "logical",
            },
            "schedule": {
                "type": "dict",
                "options": {
                    "calendar": {"type": "str", "required": True},
                    "random_delay": {"type": "int", "default": 0},
                    "persistent": {"type": "bool", "default": True},
                },
            },
            "user": {"type": "str"},
            "databases": {**_TEXTS, "default": ["*"]},
            "exclude_databases": {**_TEXTS, "default": []},
            "schemas": {**_TEXTS, "default": []},
            "exclude_schemas": {**_TEXTS, "default": []},
            "row_counts": {"type": "bool", "default": True},
            "parallel": {"type": "int", "default": 1},
            "checkpoint": {"type": "str", "choices": ["fast", "spread"], "default": "spread"},
            "restore_point": {"type": "bool", "default": True},
            "incremental": {"type": "dict", "options": {"full_every": {"type": "int", "required": True}}},
            "marker": {"type": "bool", "default": True},
            "pgbackrest": {
                "type": "dict",
                "apply_defaults": True,
                "options": {
                    "stanza": {"type": "str", "default": ""},
                    "type": {"type": "str", "choices": ["full", "diff", "incr", "check"], "default": "full"},
                    "full_every": _COUNT,
                    "repositories": {"type": "int", "default": 1},
                },
            },
            "wal": {
                "type": "dict",
                "apply_defaults": True,
                "options": {
                    "behind_seconds": {"type": "int", "default": 900},
                    "behind_files": {"type": "int", "default": 64},
                },
            },
            "compression": {
                "type": "dict",
                "apply_defaults": True,
                "options": {
                    "method": {"type": "str", "choices": ["gzip", "zstd", "lz4", "none"], "default": "gzip"},
                    "level": {"type": "int", "default": -1},
                },
            },
            "encryption": {
                "type": "dict",
                "options": {
                    "method": {"type": "str", "choices": ["age", "gpg", "none"], "default": "age"},
                    "recipients": {**_TEXTS, "default": []},
                },
            },
            "places": _PLACE,
            "retention": {
                "type": "dict",
                "apply_defaults": True,
                "options": {
                    "last": _COUNT,
                    "days": _COUNT,
                    "weeks": _COUNT,
                    "months": _COUNT,
                    "years": _COUNT,
                    "at_least": {"type": "int", "default": 1},
                },
            },
            "notify": {
                "type": "dict",
                "apply_defaults": True,
                "options": {
                    "command": {**_TEXTS, "default": []},
                    "when": {"type": "str", "choices": ["failure", "always"], "default": "failure"},
                },
            },
            "metrics_directory": {"type": "str"},
            "staging": {"type": "str"},
            "timeout": {"type": "int", "default": 86400},
        },
        "required_if": [("state", "present", ["schedule", "encryption", "places"])],
    }
}
