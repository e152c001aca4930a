# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A first rule that tells which version of pg_hba.conf the server has loaded; private to the collection.

    local "rampart:<hash of the other lines>" all reject

There is no such database. Once the rule is loaded, a login to it is rejected by the file; before, it is answered like
one to any other database that does not exist.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import re
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.document import Management
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.document import block_names
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.document import own_part
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.lexer import Token
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.lexer import read_lines
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.masking import without_secrets
from ansible_collections.rampart.postgresql.plugins.module_utils._server.probe import Answer

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._hba.dialects import Dialect
    from ansible_collections.rampart.postgresql.plugins.module_utils._hba.records import Record

__all__ = [
    "PREFIX",
    "Proof",
    "is_sentinel",
    "is_sentinel_rule",
    "judge",
    "managing",
    "sentinel_in",
    "with_sentinel",
    "without_sentinel",
    "without_sentinels",
]

PREFIX = "rampart:"
_NAME = re.compile(r"rampart:[0-9a-f]{32}")
_LINE = re.compile(r'^local\t"(rampart:[0-9a-f]{32})"\tall\treject(?:\t#[^\n]*)?\n', re.MULTILINE)
_COMMENT = "# tells which version of this file the server has loaded"

_REJECTED = "28000"  # invalid_authorization_specification: by a rule, or for want of one
_NO_SUCH_DATABASE = "3D000"  # so a rule let the login come that far


@dataclasses.dataclass(frozen=True)
class Proof:
    """Whether the file on disk is what the server works with."""

    in_force: bool | None = None  # None: nothing tells
    how: str = ""


def with_sentinel(text: str, management: Management, dialect: Dialect) -> str:
    """The text, in which there is none yet, with the rule before all others; as it is where ours are not the first."""
    part = own_part(text, management, dialect)
    if part is None or not _comes_first(management) or not _is_first(text[: part[0]], dialect):
        return text
    begin, end = part
    line = f'local\t"{_name(text[begin:end])}"\tall\treject\t{_COMMENT}\n'
    return text[:begin] + line + text[begin:]


def without_sentinel(text: str, management: Management, dialect: Dialect) -> str:
    """The text without the rule that an earlier run wrote, wherever it stands by now among our lines."""
    part = own_part(text, management, dialect) if PREFIX in text else None
    if part is None:
        return text
    begin, end = part
    return text[:begin] + _LINE.sub("", text[begin:end]) + text[end:]


def sentinel_in(text: str, management: Management, dialect: Dialect) -> str | None:
    """The database that tells whether our lines, as they stand in the text, are loaded; None when none can."""
    part = own_part(text, management, dialect) if PREFIX in text else None
    found = None if part is None else _LINE.match(text, part[0])
    if part is None or found is None or found.group(1) != _name(text[found.end() : part[1]]):
        return None
    return found.group(1) if _is_first(text[: found.start()], dialect) else None


def managing(text: str, dialect: Dialect) -> Management | None:
    """The part of a file, all of it or a block, for which such a rule is there and tells."""
    if PREFIX not in text:
        return None
    for management in (Management(), *(Management(manage="block", block_name=name) for name in block_names(text))):
        with contextlib.suppress(RampartError):  # marks that form no pair
            if sentinel_in(text, management, dialect) is not None:
                return management
    return None


def is_sentinel(record: Record) -> bool:
    """Whether a record is such a rule: it concerns nobody."""
    return (
        record.accepted
        and (record.type, record.method) == ("local", "reject")
        and record.users == (_ALL,)
        and len(record.databases) == 1
        and record.databases[0].quoted
        and _NAME.fullmatch(record.databases[0].text) is not None
    )


def without_sentinels(records: t.Iterable[Record]) -> list[Record]:
    """The records that concern somebody."""
    return [record for record in records if not is_sentinel(record)]


def is_sentinel_rule(entry: t.Any) -> bool:
    """Whether a rule as an operator gives it is one that was read from a file of ours."""
    if not isinstance(entry, dict) or (entry.get("type"), entry.get("method")) != ("local", "reject"):
        return False
    databases = entry.get("databases")
    database = databases[0] if isinstance(databases, list) and len(databases) == 1 else databases
    return isinstance(database, str) and _NAME.fullmatch(database.strip('"')) is not None


def judge(database: str, answer: Answer, control: str, controlled: Answer) -> bool | None:
    """Whether the rule is loaded, from the answers to logins to its database and to one that no file names."""
    if answer.asks or answer.admitted or answer.code == _NO_SUCH_DATABASE:
        return False
    if answer.code != _REJECTED or not controlled.told:
        return None
    if _anonymous(answer, database) != _anonymous(controlled, control):
        return True
    return None  # another rule may reject both alike


def _anonymous(answer: Answer, database: str) -> Answer:
    return dataclasses.replace(answer, message=answer.message.replace(database, ""))


_ALL = Token("all", False, "all")


def _comes_first(management: Management) -> bool:
    return management.manage == "file" or management.position == "first"


def _is_first(before: str, dialect: Dialect) -> bool:
    """Whether no rule comes before, such as those of another block."""
    return not any(line.fields or line.error for line in read_lines(before, dialect))


def _name(covered: str) -> str:
    """Secrets do not go into what everybody sees who reads the server's log."""
    return PREFIX + hashlib.sha256(without_secrets(covered).encode("utf-8", "surrogateescape")).hexdigest()[:32]
