# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The account that runs a cluster, and passwords that lie about on its host; private to the collection.

Passwords are told by the files that they are in. What an account may have put somewhere is read with its own rights.
"""

from __future__ import annotations

import grp
import os
import pwd
import re
import stat
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._facts.files import SERVICE_FILES
from ansible_collections.rampart.postgresql.plugins.module_utils._facts.unit import variables_of
from ansible_collections.rampart.postgresql.plugins.module_utils._host.account import secrets
from ansible_collections.rampart.postgresql.plugins.module_utils._host.account.places import of_the_account
from ansible_collections.rampart.postgresql.plugins.module_utils._host.account.places import of_the_host
from ansible_collections.rampart.postgresql.plugins.module_utils._host.account.sudo import with_shell
from ansible_collections.rampart.postgresql.plugins.module_utils._server.files import read_file
from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import account_of
from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import acting_as

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import Account
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server

__all__ = ["account_facts", "default_umask", "is_for", "is_locked", "last_umask", "turns_history_off"]

_SHADOW = "/etc/shadow"
_PROFILES = ("/etc/profile", "/etc/bash.bashrc", "/etc/bashrc")  # what begins a login; /etc/profile.d is added
_UMASK = re.compile(r"^\s*umask\s+(?:-S\s+)?(?P<mask>[0-7]{1,4})\b", re.MULTILINE)
_NO_HISTORY = re.compile(r"^\s*(?:export\s+)?PSQL_HISTORY=[\"']?/dev/null[\"']?\s*(?:;|#|$)", re.MULTILINE)
_LOGIN = "/etc/login.defs"
_LOGIN_DEFINITION = re.compile(r"^(?P<name>UMASK|USERGROUPS_ENAB)\s+(?P<value>[0-7]{1,4}|yes|no)\b", re.MULTILINE)
_PAM = "/etc/pam.d"
_PAM_UMASK = re.compile(r"^\s*-?session\s.*\bpam_umask\.so\b", re.MULTILINE)
_USUAL = "022"  # of systemd and of login
_MOST = 1000  # accounts
_ASKS = re.compile(r"\bid -un\b[^=\n]*=\s*[\"']?(?P<name>[^\"'\s\]]+)")
_VARIABLE = re.compile(r"(^|[\s\"'])PGPASSWORD=")


class _Texts:
    """Reads files, each once, and counts those that it may not."""

    def __init__(self) -> None:
        self.refused: list[str] = []
        self._found: dict[tuple[str, int], str] = {}

    def of(self, path: str, account: Account) -> str:
        """The text; empty where there is none, of what is no file, and where it may not be read."""
        if (path, account.uid) not in self._found:
            self._found[path, account.uid] = self._read(path, account)
        return self._found[path, account.uid]

    def _read(self, path: str, account: Account) -> str:
        try:
            with acting_as(account):
                if not stat.S_ISREG(os.stat(path).st_mode):
                    return ""
            found = read_file(path, account)
        except FileNotFoundError:
            return ""
        except (OSError, RampartError):
            self.refused.append(path)
            return ""
        return found.text if found else ""


def account_facts(server: Server, unreadable: dict[str, str]) -> dict[str, t.Any]:
    """What is known of it. A list that had to stay incomplete is null while nothing is in it."""
    owner, texts = server.owner, _Texts()
    entry = pwd.getpwuid(owner.uid)
    host = account_of(0) if os.geteuid() == 0 else owner
    people = _people(owner)
    profiles = [texts.of(path, host) for path in (*_PROFILES, *_profile_parts())]
    profiles += [texts.of(path, owner) for path in of_the_account(owner)]
    profiles = [text for text in profiles if is_for(owner.name, text)]
    passwords = [*_of_the_host(texts, host), *_of_the_cluster(server, texts)]
    passwords += [path for each in people for path in of_the_account(each) if _password_in(path, texts.of(path, each))]
    services = [(path, host) for path in SERVICE_FILES]
    services += [(os.path.join(each.home, ".pg_service.conf"), each) for each in people]
    in_services = [path for path, reader in services if secrets.in_service_file(path, texts.of(path, reader))]
    problems = []
    if os.geteuid() != 0:
        problems.append("only root may look into the files of every account")
    elif len(people) >= _MOST:
        problems.append(f"of all accounts only {_MOST} were looked at")
    if texts.refused:
        problems.append(f"{texts.refused[0]} and {len(texts.refused) - 1} other files could not be read")
    found = {
        "name": owner.name,
        "shell": entry.pw_shell,
        "locked": _locked(owner, problems),
        "groups": sorted(_groups(owner)),
        "home": owner.home,
        "home_mode": _mode(owner, problems),
        "umask": last_umask(profiles) or default_umask(texts.of(_LOGIN, host), _asks_login(texts, host)),
        "history": _history(owner, profiles),
        "pgpassword_in": _whole(passwords, problems),
        "password_in_service_file": _whole(in_services, problems),
        "pgpassword_in_environment": _in_environment(server, problems),
    }
    if problems:
        unreadable["host.account"] = "; ".join(problems)
    return found


def _whole(found: t.Sequence[str], problems: t.Sequence[str]) -> list[str] | None:
    return sorted(set(found)) or (None if problems else [])


def _people(owner: Account) -> list[Account]:
    """Whoever has a shell; without root only the owner."""
    uids = {entry.pw_uid for entry in with_shell()} if os.geteuid() == 0 else set()
    return [account_of(uid) for uid in [owner.uid, *sorted(uids - {owner.uid})][:_MOST]]


def _profile_parts() -> list[str]:
    directory = "/etc/profile.d"
    try:
        return [os.path.join(directory, name) for name in sorted(os.listdir(directory)) if name.endswith(".sh")]
    except OSError:
        return []


def _of_the_host(texts: _Texts, reader: Account) -> list[str]:
    """Files that set PGPASSWORD for shells, PAM, cron and units, and those that units read variables from."""
    paths = of_the_host()
    named = [path for each in paths for path in secrets.environment_files(texts.of(each, reader))]
    return [path for path in (*paths, *named) if _password_in(path, texts.of(path, reader))]


def _of_the_cluster(server: Server, texts: _Texts) -> list[str]:
    """Debian's file with variables, which is in a directory of the owner's."""
    path = os.path.join(os.path.dirname(server.paths.config_file), "environment")
    return [path] if _password_in(path, texts.of(path, server.owner)) else []


def _password_in(path: str, text: str) -> bool:
    return bool(secrets.in_profile(path, text))


def _groups(owner: Account) -> t.Iterator[str]:
    for gid in owner.groups:
        try:
            yield grp.getgrgid(gid).gr_name
        except KeyError:
            yield f"gid {gid}"


def _locked(owner: Account, problems: list[str]) -> bool | None:
    try:
        with open(_SHADOW, encoding="utf-8", errors="replace") as stream:
            locked = is_locked(owner.name, stream)
    except OSError as error:
        problems.append(f"{_SHADOW}: {error.strerror}")
        return None
    if locked is None:
        problems.append(f"{owner.name} is not in {_SHADOW}")
    return locked


def is_locked(name: str, lines: t.Iterable[str]) -> bool | None:
    """Whether no password opens an account, by the lines of the file of shadow passwords; None where it is in none; pure."""
    for line in lines:
        account, _colon, rest = line.partition(":")
        if account == name:
            return rest.startswith(("!", "*"))
    return None


def _mode(owner: Account, problems: list[str]) -> str | None:
    try:
        with acting_as(owner):
            return f"{stat.S_IMODE(os.stat(owner.home).st_mode):04o}"
    except OSError as error:
        problems.append(f"{owner.home}: {error.strerror}")
        return None


def is_for(name: str, profile: str) -> bool:
    """Whether a profile that asks for an account, as that of this collection does, asks for this one; pure."""
    return all(match["name"] == name for match in _ASKS.finditer(profile))


def last_umask(profiles: t.Iterable[str]) -> str | None:
    """What shells set last, by their text: conditions around it are not understood; None where nothing is set; pure."""
    found = [match["mask"] for text in profiles for match in _UMASK.finditer(text)]
    return found[-1].rjust(4, "0") if found else None


def _asks_login(texts: _Texts, reader: Account) -> bool:
    """Whether PAM takes the umask of its own configuration."""
    try:
        names = sorted(os.listdir(_PAM))
    except OSError:
        return False
    return any(_PAM_UMASK.search(texts.of(os.path.join(_PAM, name), reader)) for name in names)


def default_umask(login: str, asked: bool) -> str:
    """What a login has where no profile sets it: that of ``/etc/login.defs`` where PAM is ``asked``, else the kernel's; pure."""
    found = {match["name"]: match["value"] for match in _LOGIN_DEFINITION.finditer(login)}
    mask = int(found.get("UMASK", _USUAL), 8) if asked else int(_USUAL, 8)
    if asked and found.get("USERGROUPS_ENAB") == "yes":
        mask = mask & ~0o070 | (mask & 0o700) >> 3  # a group of one's own may what oneself may
    return f"{mask:04o}"


def _history(owner: Account, profiles: t.Iterable[str]) -> list[str]:
    """The files in which psql keeps what the account types, there yet or not."""
    path = os.path.join(owner.home, ".psql_history")
    with acting_as(owner):
        off = os.path.realpath(path) == os.devnull
    return [] if off or any(turns_history_off(text) for text in profiles) else [path]


def turns_history_off(text: str) -> bool:
    """Whether a profile has psql write its history to nowhere; pure."""
    return bool(_NO_HISTORY.search(text))


def _in_environment(server: Server, problems: list[str]) -> bool | None:
    """Whether the running server has PGPASSWORD, or its unit sets it."""
    try:
        if "PGPASSWORD" in server.cluster.environment(server.owner):
            return True
    except OSError as error:
        problems.append(f"/proc/{server.cluster.pid}/environ: {error.strerror}")
        return None
    variables = variables_of(server.cluster.unit) if server.cluster.unit else ""
    if variables is None:
        problems.append(f"systemctl does not tell what {server.cluster.unit} sets")
        return None
    return bool(_VARIABLE.search(variables))
