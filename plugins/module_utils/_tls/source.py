# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Key and certificate that something else renews, an ACME client for example; private to the collection."""

from __future__ import annotations

import dataclasses
import os
import stat
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import Unsupported
from ansible_collections.rampart.postgresql.plugins.module_utils._tls import pem
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.certificate import Contents
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.desired import Desired
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.places import way_to
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.waiting import judged_chain
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.waiting import private_key

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server

__all__ = ["Source", "read_source"]

_GROUP_OR_OTHERS_WRITE = 0o022


@dataclasses.dataclass(frozen=True)
class Source:
    """Key and certificate that something else renews, as one file of ours would hold them."""

    content: bytes = dataclasses.field(repr=False)
    contents: Contents


def read_source(server: Server, desired: Desired) -> Source:
    """Read both with the rights that they may be read with, and put them together."""
    certificate, key = (
        _given_file(server, path, desired.named(option))
        for option, path in (
            ("source_certificate", desired.source_certificate),
            ("source_key", desired.source_key or desired.source_certificate),
        )
    )
    judged_chain(certificate, option=desired.named("source_certificate"))
    key_path = desired.source_key or desired.source_certificate
    if _open_to_all(key_path):
        raise InputError(
            option=desired.named("source_key"),
            value=key_path,
            expected="a private key that not every account of this host can read; take that right away, and have a new"
            " one made if somebody may have seen it",
        )
    try:
        content = pem.assembled(private_key(key), certificate)
    except ValueError as error:
        raise InputError(
            option=desired.named("source_key"),
            value=desired.source_key,
            expected=f"a file with a private key (PEM), but {error}",
        ) from None
    return Source(content=content, contents=pem.read(content))


def _given_file(server: Server, path: str, option: str) -> bytes:
    """A file that the operator named; with root's rights where only root may read it, and only root could put it there."""
    try:
        found = server.read(path)
    except Unsupported:
        if not _is_roots(path):
            raise
        found = server.read(path, by_root=True)
    if found is None:
        raise InputError(option=option, value=path, expected="a file that exists")
    return found.content


def _open_to_all(path: str) -> bool:
    """Whether the file can be read by everybody, and every directory on the way lets them pass."""
    try:
        *directories, file = [found for _place, found in way_to(os.path.realpath(path))]
    except OSError:
        return False
    return bool(file.st_mode & stat.S_IROTH) and all(found.st_mode & stat.S_IXOTH for found in directories)


def _is_roots(path: str) -> bool:
    """Whether nobody but root can change what a path leads to, each link on the way included."""
    if os.geteuid() != 0:
        return False
    try:
        return all(
            found.st_uid == 0 and (stat.S_ISLNK(found.st_mode) or not found.st_mode & _GROUP_OR_OTHERS_WRITE)
            for _place, found in way_to(path)
        )
    except FileNotFoundError:  # then there is nothing to read either
        return True
    except OSError:
        return False
