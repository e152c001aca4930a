# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Asks sudo what the accounts of this host may do with it; needs root; private to the collection."""

from __future__ import annotations

import contextlib
import grp
import pwd
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._host.account.sudoers import Person
from ansible_collections.rampart.postgresql.plugins.module_utils._host.account.sudoers import passwordless
from ansible_collections.rampart.postgresql.plugins.module_utils._host.programs import output_of
from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import account_of

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._host.account.state import Finding
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import Account

__all__ = ["of_sudo", "with_shell"]

_NO_SHELL = ("/nologin", "/false", "/sync")


def with_shell() -> list[pwd.struct_passwd]:
    """The accounts that somebody can log in to."""
    return [entry for entry in pwd.getpwall() if not entry.pw_shell.endswith(_NO_SHELL)]


def of_sudo(owner: Account) -> list[Finding]:
    """What is to be told of everybody who has a shell or is in somebody else's group, but for root."""
    names = {entry.pw_name for entry in with_shell()}
    names.update(name for group in grp.getgrall() for name in group.gr_mem)
    himself = _person(owner)
    people = {himself}
    for name in names:
        with contextlib.suppress(KeyError):  # a member that has no account
            people.add(_person(account_of(pwd.getpwnam(name).pw_uid)))
    found = []
    for person in sorted(people, key=lambda each: each.uid):
        if person.uid != 0:
            found += passwordless(output_of("sudo", "-n", "-ll", "-U", person.name), person, himself)
    return found


def _person(account: Account) -> Person:
    names = set()
    for number in account.groups:
        with contextlib.suppress(KeyError):
            names.add(grp.getgrgid(number).gr_name)
    return Person(account.name, account.uid, frozenset(names))
