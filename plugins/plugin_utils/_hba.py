# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the filters about pg_hba.conf have in common; private to the collection."""

from __future__ import annotations

import contextlib
import re
import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.dialects import Dialect
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.dialects import dialect_of
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.interchange import Entry
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.interchange import entries_of_rules
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.interchange import entries_of_text
from ansible_collections.rampart.postgresql.plugins.plugin_utils._plain import plain

__all__ = ["dialect_for", "entries_of", "filter_errors"]


@contextlib.contextmanager
def filter_errors(name: str) -> t.Iterator[None]:
    """Errors of ours as those of a filter."""
    try:
        yield
    except RampartError as error:
        raise AnsibleFilterError(f"{name}: {error}") from error


def dialect_for(version: t.Any) -> Dialect:
    """The grammar of a major version, given as a number or as text."""
    given = plain(version)
    if isinstance(given, str) and re.fullmatch("[0-9]{1,2}", given):
        given = int(given)
    if isinstance(given, bool) or not isinstance(given, int) or not 0 <= given < 100:
        raise InputError(
            option="version", value=_shown(given), expected="give the major version of the server, such as 17"
        )
    return dialect_of(given)


def _shown(value: t.Any) -> t.Any:
    """A value for a message; Python refuses to write numbers of thousands of digits."""
    return "a number" if isinstance(value, int) and value.bit_length() > 64 else value


def entries_of(given: t.Any, dialect: Dialect) -> list[Entry]:
    """The records of a text or of a list of rules."""
    rules = plain(given)
    return entries_of_text(rules, dialect) if isinstance(rules, str) else entries_of_rules(rules, dialect)
