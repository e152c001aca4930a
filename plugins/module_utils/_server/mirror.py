# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Configuration as it would be, laid out beside the live one for a rehearsal; private to the collection.

Directories are mirrored: what would change is a file with its candidate content, everything else a link to the live
file. Configuration text that names a mirrored directory is copied with the mirror's name in its place.
"""

from __future__ import annotations

import contextlib
import os
import re
import typing as t

__all__ = ["Mirror"]


class Mirror:
    """Mirrors of whole directories below ``directory``. Make it and use it as the owner of the cluster."""

    def __init__(self, *, directory: str, live: t.Iterable[str], candidates: t.Mapping[str, bytes | None]) -> None:
        self._candidates = candidates
        wanted = {os.path.dirname(path) for path in (*live, *candidates)}
        roots = sorted(path for path in wanted if not any(_inside(path, other) for other in wanted))
        self._roots = {root: os.path.join(directory, f"mirror-{number}") for number, root in enumerate(roots)}
        for root, mirrored in self._roots.items():
            self._fill(root, mirrored)

    def path(self, live: str) -> str:
        """Where the twin of a live path is; the path itself when it is not mirrored."""
        for root, mirrored in self._roots.items():
            if live == root or _inside(live, root):
                return mirrored + live[len(root) :]
        return live

    def live_text(self, text: str) -> str:
        """Text of the rehearsal with the operator's own paths."""
        for root, mirrored in self._roots.items():
            text = text.replace(mirrored, root)
        return text

    def _fill(self, live: str, mirrored: str) -> None:
        os.mkdir(mirrored, 0o700)
        inside = [path for path in self._candidates if _inside(path, live)]
        with_candidates = {os.path.relpath(path, live).split(os.sep, maxsplit=1)[0] for path in inside}
        present: set[str] = set()
        with contextlib.suppress(OSError):  # a directory that may be passed but not listed, or is not there yet
            present = set(os.listdir(live))
        for name in sorted(present | with_candidates):
            self._entry(os.path.join(live, name), os.path.join(mirrored, name), name in with_candidates)

    def _entry(self, live: str, mirrored: str, candidate: bool) -> None:
        if live in self._candidates:
            content = self._candidates[live]
            if content is not None:
                _create(mirrored, self._translated(content) if live.endswith(".conf") else content)
        elif candidate or (live.endswith(".d") and os.path.isdir(live)):
            self._fill(live, mirrored)
        elif not self._copied(live, mirrored):
            os.symlink(live, mirrored)

    def _copied(self, live: str, mirrored: str) -> bool:
        """Copy configuration text that names a mirrored directory; say whether that was needed."""
        if not live.endswith(".conf") or not os.path.isfile(live):
            return False
        with open(live, "rb") as stream:
            content = stream.read()
        translated = self._translated(content)
        if translated != content:
            _create(mirrored, translated)
        return translated != content

    def _translated(self, content: bytes) -> bytes:
        for root, mirrored in self._roots.items():
            pattern = re.escape(os.fsencode(root)) + rb"(?=[/'])"
            content = re.sub(pattern, os.fsencode(mirrored).replace(b"\\", b"\\\\"), content)
        return content


def _inside(path: str, directory: str) -> bool:
    return path.startswith(directory.rstrip(os.sep) + os.sep)


def _create(path: str, content: bytes) -> None:
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
