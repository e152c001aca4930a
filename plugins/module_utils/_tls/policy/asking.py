# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Asking the OpenSSL that a server works with; private to the collection."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import acting_as
from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import child_process_options
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.policy import library as _library
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.policy.judgement import Library
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.policy.words import Cipher

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server

__all__ = ["ask", "mapped"]

_PYTHONS = ("/usr/bin/python3", "/usr/libexec/platform-python")
_TIMEOUT = 20  # seconds; an answer takes less than a tenth of one
_LIBRARIES = ("libcrypto.so", "libssl.so")  # in the order in which one needs the other


def ask(server: Server, question: t.Mapping[str, t.Sequence[str]]) -> Library:
    """The answers of the library that the server has loaded; of this Python's where that one does not load here."""
    if not server.has_files or not question:
        return Library()
    own = _of_server(server.cluster.pid)
    answer = _answer(server, {**question, "libraries": own})
    if not answer:
        return Library()
    return Library(
        version=" ".join(answer["version"].split()[:2]),
        certain=bool(own) and answer["libraries"] == own,
        ciphers=_described(answer["ciphers"]),
        suites=_described(answer["suites"]),
        groups=answer["groups"],
        curves=answer["curves"],
    )


def mapped(maps: str) -> list[str]:
    """Paths of both libraries in the memory map of a process; empty when there are not both."""
    paths = [line.split(None, 5)[5].replace(" (deleted)", "") for line in maps.splitlines() if "/" in line]
    found = [path for name in _LIBRARIES for path in paths if os.path.basename(path).startswith(name)]
    unique = {os.path.basename(path).partition(".")[0]: path for path in reversed(found)}
    return [unique[name.partition(".")[0]] for name in _LIBRARIES] if len(unique) == len(_LIBRARIES) else []


def _of_server(pid: int) -> list[str]:
    try:
        with open(f"/proc/{pid}/maps", encoding="utf-8", errors="surrogateescape") as stream:
            return mapped(stream.read())
    except OSError:
        return []


def _answer(server: Server, question: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """By the server's account and with its variables: where its libraries are is as little root's affair as what they do."""
    # The loader knows it in the zip of a module too. Every loader of source has get_source; its type does not say so.
    source = _library.__loader__.get_source(_library.__name__)  # type: ignore[union-attr]
    try:
        done = subprocess.run(  # pylint: disable=ansible-bad-function # run_command needs a module object
            [_interpreter(server), "-I", "-S", "-c", source],
            input=json.dumps(question).encode(),
            capture_output=True,
            check=False,
            cwd="/",
            env=server.cluster.environment(server.owner),
            timeout=_TIMEOUT,
            **child_process_options(server.owner),
        )
        found: dict[str, t.Any] = json.loads(done.stdout)
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return {}
    return found


def _interpreter(server: Server) -> str:
    """This one, or the system's where the server's account may not run a Python of root's own."""
    with acting_as(server.owner):
        return next(
            (path for path in (sys.executable, *_PYTHONS) if os.access(path, os.X_OK, effective_ids=True)),
            sys.executable,
        )


def _described(answers: t.Mapping[str, t.Sequence[str]]) -> dict[str, tuple[Cipher, ...]]:
    return {text: tuple(Cipher.described(line) for line in lines) for text, lines in answers.items()}
