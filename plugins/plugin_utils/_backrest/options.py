# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options of pgBackRest that the operator gives as they are, and which of them are secrets; pure; private to the collection."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError

__all__ = ["Given", "checked_passphrase", "given"]

Lines = list[tuple[str, str]]
"""Name and value of each line: an option that takes a list has one for each of its items."""

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_SECRET = re.compile(
    r"repo[0-9]+-(cipher-pass|s3-.*key|s3-key-secret|s3-token|azure-key|gcs-key|sftp-private-key-passphrase|storage-upload-.*token)"
    r"|.*(pass|passphrase|secret|token|password)"
)
_REFUSED = {
    r"pg[0-9]*-(?!user$|database$).*": "the role takes it from the cluster",
    r"stanza|config.*|exec-id|lock-path|log-path|spool-path": "the role sets it itself",
    r"repo[0-9]*-host.*": "backups would have to be started on that host: give pgBackRest a repository of its own kind"
    " (repo1-type s3, azure, gcs or sftp), or a directory that is mounted",
    r"repo-.*": "the number is missing (repo1-...)",
}
_LEAST_PASSPHRASE = 20  # characters


class Given(t.NamedTuple):
    """What everybody may read, and what not."""

    plain: Lines
    secret: Lines
    repositories: frozenset[int]  # that they speak of

    def value(self, name: str) -> str | None:
        """The value of one option, None where it is not among them."""
        return dict(self.plain + self.secret).get(name)


def given(values: object, option: str) -> Given:
    """Options of pgBackRest as the operator gives them; raises for those that are the role's."""
    if not isinstance(values, t.Mapping):
        raise InputError(option=option, value="...", expected="a dictionary of options of pgBackRest")
    plain: Lines = []
    secret: Lines = []
    for name in sorted(values, key=str):
        _refuse(name, option)
        lines = [(name, _text(each, f"{option}.{name}")) for each in _items(values[name])]
        (secret if _SECRET.fullmatch(name) else plain).extend(lines)
    found = [re.match(r"repo([0-9]+)-", name) for name, _value in plain + secret]
    return Given(plain, secret, frozenset(int(each.group(1)) for each in found if each))


def _refuse(name: object, option: str) -> None:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise InputError(option=option, value=name, expected="the name of an option of pgBackRest, such as process-max")
    for pattern, why in _REFUSED.items():
        if re.fullmatch(pattern, name):
            raise InputError(option=option, value=name, expected=why)


def _items(value: object) -> t.Sequence[object]:
    return value if isinstance(value, (list, tuple)) else [value]


def _text(value: object, option: str) -> str:
    """As a file of pgBackRest has it. The value is not shown, as it may be a secret."""
    if isinstance(value, bool):
        return "y" if value else "n"
    text = str(value) if isinstance(value, (str, int, float)) else ""
    if not text or text != text.strip() or not text.isprintable():
        raise InputError(option=option, value="...", expected="text of one line without space at its ends, or a number")
    return text


def checked_passphrase(value: object, option: str) -> str:
    """The passphrase that encrypts repositories. It is never shown."""
    if not isinstance(value, str) or len(value) < _LEAST_PASSPHRASE:
        raise InputError(
            option=option,
            value="...",
            expected=f"at least {_LEAST_PASSPHRASE} characters, as `openssl rand -base64 48` makes them; a repository is"
            " encrypted unless pg_backup_backrest_cipher is none",
        )
    return _text(value, option)
