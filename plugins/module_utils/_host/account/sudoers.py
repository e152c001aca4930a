# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who becomes the owner of a cluster, or root, without a password, by what ``sudo -ll -U`` says; pure; private.

sudo itself has joined all files, aliases, groups and directories by then.
"""

from __future__ import annotations

import dataclasses
import os
import re
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._host.account.state import Finding

__all__ = ["DOORS", "Person", "passwordless"]

_SOURCE = re.compile(r"^(?:Sudoers entry|LDAP Role):(?: (?P<name>.+))?$")
_FIELD = re.compile(r"^    (?P<name>RunAsUsers|Options|Commands):(?: (?P<value>.*))?$")
_COMMAND = re.compile(r"^\t(?P<command>.+)$")
_DEFAULTS = re.compile(r"^Matching Defaults entries for .*?:\n(?P<options>(?:[ \t]+.*\n)*)", re.MULTILINE)
DOORS = ("ALL", "bash", "dash", "env", "fish", "ksh", "runuser", "setpriv", "sh", "su", "sudo", "zsh")
"""What makes somebody else of whoever runs it as root."""
_ANYWHERE = "sudo"  # older versions do not say where a rule stands


@dataclasses.dataclass(frozen=True)
class Person:
    """An account, as far as rules name it."""

    name: str
    uid: int
    groups: frozenset[str]


@dataclasses.dataclass
class _Entry:
    source: str
    runas: tuple[str, ...] = ("root",)
    options: tuple[str, ...] = ()
    commands: list[str] = dataclasses.field(default_factory=list)


def passwordless(text: str, person: Person, owner: Person) -> list[Finding]:
    """What is to be told of one account; of the owner itself only how it becomes root."""
    found = _DEFAULTS.search(text)
    defaults = _split(found["options"]) if found else ()
    exempt = _last(defaults, "exempt_group") in person.groups
    entries = [entry for entry in _entries(text) if exempt or _asks_nobody(defaults, entry)]
    findings = []
    for entry in entries:
        for target in _targets(entry, person, owner):
            problem = f"{person.name} becomes {target} through sudo without a password"
            findings.append(Finding(entry.source, 0, problem))
    if _is_silent(defaults) and any(_covers(entry.runas, owner) for entry in _entries(text)):
        findings.append(Finding(_ANYWHERE, 0, f"what {person.name} does with sudo is not logged"))
    return list(dict.fromkeys(findings))


def _targets(entry: _Entry, person: Person, owner: Person) -> list[str]:
    targets = []
    if person.uid != owner.uid and _covers(entry.runas, owner):
        targets.append(owner.name)
    if _covers(entry.runas, Person("root", 0, frozenset({"root"}))) and any(map(_is_door, entry.commands)):
        targets.append("root")
    return targets


def _covers(runas: t.Iterable[str], person: Person) -> bool:
    """Whether rules of these accounts concern somebody: the last word counts."""
    covered = False
    for word in runas:
        name = word.lstrip("!")
        if name in ("ALL", person.name, f"#{person.uid}") or (name[:1] == "%" and name[1:] in person.groups):
            covered = not word.startswith("!")
    return covered


def _is_door(command: str) -> bool:
    return not command.startswith("!") and os.path.basename(command.split()[0]) in DOORS


def _asks_nobody(defaults: t.Iterable[str], entry: _Entry) -> bool:
    said = [option for option in (*defaults, *entry.options) if option.lstrip("!") == "authenticate"]
    return bool(said) and said[-1] == "!authenticate"


def _is_silent(defaults: t.Sequence[str]) -> bool:
    nowhere = _last(defaults, "syslog") == "!syslog" and _last(defaults, "logfile") in ("", "!logfile")
    return nowhere or _last(defaults, "log_allowed") == "!log_allowed"


def _last(options: t.Iterable[str], name: str) -> str:
    """The value of an option, or its negation; empty when nothing is said."""
    found = ""
    for option in options:
        key, _equals, value = option.partition("=")
        if key.lstrip("!") == name:
            found = value or key
    return found


def _entries(text: str) -> list[_Entry]:
    found: list[_Entry] = []
    for line in text.splitlines():
        source, field, command = _SOURCE.match(line), _FIELD.match(line), _COMMAND.match(line)
        if source:
            found.append(_Entry(source["name"] or _ANYWHERE))
        elif found and field and field["name"] == "RunAsUsers":
            found[-1].runas = _split(field["value"] or "")
        elif found and field and field["name"] == "Options":
            found[-1].options = _split(field["value"] or "")
        elif found and command:
            found[-1].commands.append(command["command"])
    return found


def _split(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.replace("\n", " ").split(",") if word.strip())
