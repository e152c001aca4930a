# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who becomes the owner of a cluster by sudo, as its files say; needs root; private to the collection."""

from __future__ import annotations

import grp
import os
import re
import stat
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._facts import sudoers
from ansible_collections.rampart.postgresql.plugins.module_utils._host.account.sudoers import DOORS
from ansible_collections.rampart.postgresql.plugins.module_utils._server.files import read_file
from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import account_of

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import Account

__all__ = ["judge", "sudo_of"]

_SUDOERS = "etc/sudoers"
_SWITCH = "etc/nsswitch.conf"
_ELSEWHERE = re.compile(r"^sudoers:.*\b(ldap|sss)\b", re.MULTILINE)
_MOST = 500  # files, and entries
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
_ROOT: t.Final = frozenset({"root", "#0"})

Files = list[tuple[str, sudoers.Sudoers]]
Row = dict[str, t.Any]


def sudo_of(owner: Account, unreadable: dict[str, str], *, root: str = "/") -> list[Row] | None:
    """The rules by which somebody becomes the owner or everybody, and the lines that are not understood."""
    if os.geteuid() != 0:
        unreadable["host.sudo"] = "only root may read the files of sudo"
        return None
    if not os.path.lexists(os.path.join(root, _SUDOERS)):
        return []
    problems: list[str] = []
    files = _read(root, problems)
    switch = read_file(os.path.join(root, _SWITCH), account_of(0))
    if switch and _ELSEWHERE.search(switch.text):
        problems.append(f"/{_SWITCH}: sudo has rules of a directory service, too, which are not asked for")
    problems += [f"{path}, line {line} is not understood" for path, parsed in files for line in parsed.strange]
    if problems:
        unreadable["host.sudo"] = "; ".join(problems[:5])
    groups = [entry.gr_name for entry in grp.getgrall() if entry.gr_gid in owner.groups]
    return judge(files, {owner.name, f"#{owner.uid}", *(f"%{name}" for name in groups)})[:_MOST]


def _read(root: str, problems: list[str]) -> Files:
    """The files in the order in which sudo reads them, the included ones after the one that includes them."""
    found: Files = []
    waiting = [os.path.join(root, _SUDOERS)]
    seen: set[str] = set()
    while waiting and len(seen) < _MOST:
        path = waiting.pop(0)
        if path in seen:
            continue
        seen.add(path)
        text = _text(path, problems)
        if text is not None:
            parsed = sudoers.parse(text)
            found.append((path if root == "/" else path[len(root.rstrip("/")) :], parsed))
            waiting = [each for one in parsed.includes for each in _included(one, path, root, problems)] + waiting
    return found


def _included(include: sudoers.Include, path: str, root: str, problems: list[str]) -> list[str]:
    named = include.path.replace("%h", os.uname().nodename.partition(".")[0])
    inner = (
        os.path.join(root, named.lstrip("/")) if named.startswith("/") else os.path.join(os.path.dirname(path), named)
    )
    if not include.directory:
        return [inner]
    try:
        names = sorted(os.listdir(inner))
    except FileNotFoundError:
        return []
    except OSError as error:
        problems.append(f"{inner}: {error.strerror}")
        return []
    return [os.path.join(inner, name) for name in names if "." not in name and not name.endswith("~")]


def _text(path: str, problems: list[str]) -> str | None:
    """None for what is not there, and for what sudo refuses: a file that others than root can write."""
    try:
        known = os.stat(path)
        if known.st_uid != 0 or known.st_mode & _OTHERS_WRITE or not stat.S_ISREG(known.st_mode):
            problems.append(f"{path} is no file that only root can write")
            return None
        found = read_file(path, account_of(0))
    except FileNotFoundError:
        return None
    except (OSError, RampartError) as error:
        problems.append(f"{path}: {error}")
        return None
    return found.text if found else None


def judge(files: Files, owner: t.AbstractSet[str]) -> list[Row]:
    """The rows; ``owner`` has every word that stands for the owner. Pure.

    One of a rule by which nobody but root becomes somebody is left out.
    """
    aliases: dict[str, dict[str, sudoers.Members]] = {}
    for _path, parsed in files:
        for kind, named in parsed.aliases.items():
            aliases.setdefault(kind, {}).update(named)
    defaults = [default for _path, parsed in files for default in parsed.defaults]
    rows: list[Row] = []
    for path, parsed in files:
        for rule in parsed.rules:
            row = _row(path, rule, aliases, defaults)
            if _matters(row, owner):
                rows.append(row)
        rows += [_not_understood(path, line) for line in parsed.strange]
    return rows


def _row(
    path: str,
    rule: sudoers.Rule,
    aliases: t.Mapping[str, t.Mapping[str, sudoers.Members]],
    defaults: t.Sequence[sudoers.Default],
) -> Row:
    who = sudoers.expand(rule.who, aliases.get("User", {}))
    runas = (_default_target(defaults),) if rule.runas is None else rule.runas
    targets = sudoers.expand(runas, aliases.get("Runas", {}))
    commands = sudoers.expand(rule.commands, aliases.get("Cmnd", {}))
    passwordless = rule.passwordless
    if passwordless is None:
        scopes = {":": who, ">": targets, "!": commands, "@": (), "": ()}
        passwordless = any(_asks_nobody(default, scopes[default.kind], aliases) for default in defaults)
    return {
        "file": path,
        "line": rule.line,
        "who": list(who),
        "hosts": list(sudoers.expand(rule.hosts, aliases.get("Host", {}))),
        "as": list(targets),
        "commands": list(commands),
        "nopasswd": passwordless,
        "raw_understood": True,
    }


def _not_understood(path: str, line: int) -> Row:
    values: Row = {"who": [], "hosts": [], "as": [], "commands": [], "nopasswd": None, "raw_understood": False}
    return {"file": path, "line": line, **values}


def _asks_nobody(
    default: sudoers.Default, members: sudoers.Members, aliases: t.Mapping[str, t.Mapping[str, sudoers.Members]]
) -> bool:
    """Whether no password is asked for by default: of hosts all count, as this one may be any of them."""
    said = [option for option in default.options if option.lstrip("! ") == "authenticate"]
    if not said or not said[-1].startswith("!"):
        return False
    kind = {":": "User", ">": "Runas", "!": "Cmnd"}.get(default.kind)
    if kind is None:
        return True
    scope = set(sudoers.expand(default.scope, aliases.get(kind, {})))
    return "ALL" in scope or not scope.isdisjoint(members)


def _default_target(defaults: t.Iterable[sudoers.Default]) -> str:
    found = "root"
    for default in defaults:
        for option in default.options:
            name, _equals, value = option.partition("=")
            if name.strip() == "runas_default" and not default.kind:
                found = value.strip()
    return found


def _matters(row: Row, owner: t.AbstractSet[str]) -> bool:
    if all(member in _ROOT or member.startswith("!") for member in row["who"]):
        return False
    if _covers(row["as"], owner):
        return True
    return _covers(row["as"], _ROOT) and any(map(_is_door, row["commands"]))


def _covers(targets: t.Iterable[str], names: t.AbstractSet[str]) -> bool:
    """Whether somebody is among them: the last word counts."""
    covered = False
    for target in targets:
        if target.lstrip("!") in names or target.lstrip("!") == "ALL":
            covered = not target.startswith("!")
    return covered


def _is_door(command: str) -> bool:
    """Whether it becomes anybody: every command, or one that runs any other."""
    words = command.split()
    return bool(words) and not command.startswith("!") and os.path.basename(words[0]) in DOORS
