# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Passwords in files where none should be, told by line; pure; private to the collection."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._host.account.state import Finding

__all__ = ["environment_files", "in_configuration", "in_history", "in_password_file", "in_profile", "in_service_file"]

# Of shells, C shells and fish; of systemd, cron and PAM.
_PROFILE = re.compile(
    r"(^|[\s;&|(\"'=])PGPASSWORD(\s*=\s*(?!(\"\"|'')(\s|;|$))\S|\s+(DEFAULT|OVERRIDE)=\S)"
    r"|\bsetenv\s+PGPASSWORD\s+\S|\bset\s+-(?!e\b)\S+\s+PGPASSWORD\s+\S"
)
_ENVIRONMENT_FILE = re.compile(r"^\s*EnvironmentFile\s*=\s*-?(/\S+)", re.MULTILINE)
_SERVICE = re.compile(r"^\s*(ssl)?password\s*=\s*\S", re.IGNORECASE)
_IN_STRING = r"\bpassword\s*=\s*'*[^\s']|://[^\s/:@]+:[^\s/@]+@"  # a connection string, its own quotes doubled or not
# A verifier is none, and neither is what psql's \\password writes: nothing.
_HISTORY = re.compile(
    # psql keeps the end of a line as \x01.
    rf"\bPASSWORD[\s\x01]+((E|U&)?'(?!SCRAM-SHA-256\$)[^']|\$)|{_IN_STRING}",
    re.IGNORECASE,
)
_CONFIGURATION = re.compile(rf"^\s*primary_conninfo\b.*({_IN_STRING})|{_PROFILE.pattern}", re.IGNORECASE)


def in_profile(path: str, text: str) -> list[Finding]:
    """PGPASSWORD in what a shell, PAM, cron, systemd or Debian's pg_ctlcluster reads."""
    return _matching(path, text, _PROFILE, "sets PGPASSWORD, which every process of this account can read")


def environment_files(text: str) -> list[str]:
    """The files that a unit reads variables from, as far as their names need no unit to be known."""
    return _ENVIRONMENT_FILE.findall(text)


def in_service_file(path: str, text: str) -> list[Finding]:
    """A password in a connection service file."""
    return _matching(path, text, _SERVICE, "a password in a service file")


def in_history(path: str, text: str) -> list[Finding]:
    """A password in a statement or a connection string that psql keeps."""
    return _matching(path, text, _HISTORY, "a password in the history of psql", comments=False)


def in_configuration(path: str, text: str) -> list[Finding]:
    """A password of a standby, or one for a command, in a file that others can read."""
    return _matching(path, text, _CONFIGURATION, "a password in a file that others can read")


def in_password_file(path: str, text: str) -> list[Finding]:
    """How many passwords a password file holds, and whether one is sent to every server."""
    entries = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    found = [Finding(path, 0, f"holds {len(entries)} password(s) in clear")] if entries else []
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("*:"):
            found.append(Finding(path, number, "a password for whatever server is asked for"))
    return found


def _matching(path: str, text: str, pattern: t.Pattern[str], problem: str, *, comments: bool = True) -> list[Finding]:
    return [
        Finding(path, number, problem)
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line) and not (comments and line.lstrip().startswith("#"))
    ]
