# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files of a host that give variables to programs, and those of an account; private to the collection."""

from __future__ import annotations

import contextlib
import os
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import acting_as

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import Account

__all__ = ["of_the_host", "of_the_account"]

_OF_THE_HOST = (
    "/etc/anacrontab",
    "/etc/bash.bashrc",
    "/etc/bashrc",
    "/etc/crontab",
    "/etc/csh.cshrc",
    "/etc/csh.login",
    "/etc/environment",
    "/etc/profile",
    "/etc/security/pam_env.conf",
    "/etc/zprofile",
    "/etc/zshenv",
    "/etc/zsh/zprofile",
    "/etc/zsh/zshenv",
)
# All files in them, at any depth.
_BELOW = (
    "/etc/cron.d",
    "/etc/environment.d",
    "/etc/profile.d",
    "/etc/systemd",
    "/run/systemd/system",
    "/run/systemd/transient",
    "/usr/local/lib/systemd",
    "/var/spool/at",
    "/var/spool/cron",  # Debian's crontabs and jobs of at among them
)
_OF_A_HOME = (
    ".bash_aliases",
    ".bash_login",
    ".bash_profile",
    ".bashrc",
    ".config/fish/config.fish",
    ".cshrc",
    ".kshrc",
    ".login",
    ".pam_environment",
    ".profile",
    ".ssh/environment",
    ".tcshrc",
    ".xprofile",
    ".zlogin",
    ".zprofile",
    ".zshenv",
    ".zshrc",
)
_BELOW_A_HOME = (".config/environment.d", ".config/systemd/user")
_MOST = 2000  # files below one directory: whoever makes more of them does not get them all read


def of_the_host() -> list[str]:
    """What shells, PAM, cron and systemd read for everybody, each file once; where we may look."""
    return [*_OF_THE_HOST, *(path for directory in _BELOW for path in _files_below(directory))]


def of_the_account(account: Account) -> list[str]:
    """What they read for one account."""
    found = [os.path.join(account.home, name) for name in _OF_A_HOME]
    with acting_as(account):
        for name in _BELOW_A_HOME:
            found += _files_below(os.path.join(account.home, name))
    return found


def _files_below(directory: str) -> list[str]:
    """Without links to other files below it, as those of units that are enabled are."""
    found: list[str] = []
    for path, directories, names in os.walk(directory):
        directories.sort()
        for name in sorted(names):
            file = os.path.join(path, name)
            real = ""
            with contextlib.suppress(OSError):
                real = os.path.realpath(file)
            if real == file or not real.startswith(directory + os.sep):
                found.append(file)
        if len(found) >= _MOST:
            break
    return found[:_MOST]
