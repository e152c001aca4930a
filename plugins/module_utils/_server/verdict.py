# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the log of a throw-away cluster says about the configuration that it was started with; private to the collection."""

from __future__ import annotations

import re
import typing as t

__all__ = ["READY", "reasons", "with_names"]

READY = "database system is ready to accept connections"
_MESSAGE = re.compile(r"(?P<level>PANIC|FATAL|ERROR|WARNING|LOG|CONTEXT|DETAIL|HINT): +(?P<text>.*)")
_ROUTINE = re.compile(
    r"starting PostgreSQL|listening on|database system (is|was) shut ?down|configuration file \S+ contains errors"
    r"|received immediate shutdown request"
)
_LINE_OF_FILE = re.compile(r'line \d+ of configuration file "(?P<path>[^"]+)"')
_UNOPENED = "could not open"
_UNUSABLE = (_UNOPENED, "invalid regular expression", "missing entry in file")  # what the server starts without
_SKIPPED = "skipping missing"
_UNMATCHED = re.compile("cannot match because")
_PARAMETER = 'parameter "'  # a message that names one itself
# What OpenSSL complains about, where the server does not say which parameter holds it.
_SUBJECTS = (
    ("cipher list", "ssl_ciphers"),
    ("cipher suites", "ssl_tls13_ciphers"),
    ("SSL protocol version", "ssl_min_protocol_version"),
    ("DH parameters", "ssl_dh_params_file"),
)


def reasons(log: str, files: t.Mapping[str, bytes | None]) -> list[str]:
    """Why the server ended; of one that came up, what it complains about that stands in these files."""
    return _complaints(log, files) if READY in log else _why_it_ended(log)


def with_names(texts: t.Sequence[str], values: t.Mapping[str, str]) -> list[str]:
    """The reasons with the parameters that they are about, where these become ``values``."""
    if not texts or not values or any(name in text for name in (*values, _PARAMETER) for text in texts):
        return list(texts)
    named = [_named(text, values) for text in texts]
    if named == list(texts):
        named.append(f"what changes: {', '.join(sorted(values))}")
    return named


def _named(text: str, values: t.Mapping[str, str]) -> str:
    names = [name for words, name in _SUBJECTS if words in text and name in values]
    quoted = re.findall(r'"([^"]+)"', text)
    names += [
        name for name, value in values.items() if value and any(item in (value, value.strip('"')) for item in quoted)
    ]
    if not names:
        names = [name for name, value in values.items() if any(len(item) > 1 and item in value for item in quoted)]
    return f"{', '.join(dict.fromkeys(names))}: {text}" if names else text


def _why_it_ended(log: str) -> list[str]:
    """Without what it says at every start and end."""
    lines = [line for line in log.splitlines() if line.strip()]
    found = [match.group("text") for match in map(_MESSAGE.search, lines) if match]
    texts = list(dict.fromkeys(text for text in found if not _ROUTINE.search(text)))
    # What is wrong with the number of connections is told before there is a log: without a level.
    return texts or lines[-1:] or ["it ended without saying why"]


def _complaints(log: str, files: t.Mapping[str, bytes | None]) -> list[str]:
    """What quotes something of the files, and lines of them that the server does without."""
    found: list[str] = []
    before = ""
    for match in filter(None, map(_MESSAGE.search, log.splitlines())):
        level, text = match.group("level"), match.group("text")
        line = _LINE_OF_FILE.search(text)
        if before.startswith(_SKIPPED):
            # The line before said that the file cannot be opened, and where it is named.
            found = [each for each in found if not each.startswith(_UNOPENED)]
        elif level == "CONTEXT" and line and line.group("path") in files and not _UNMATCHED.search(before):
            found.append(f"{before} ({text})")
        elif level == "WARNING" or text.startswith(_UNUSABLE):
            found += _located(text, files)
        if level not in ("DETAIL", "HINT"):
            before = text
    return list(dict.fromkeys(each for each in found if not any(each in other for other in found if other != each)))


def _located(text: str, files: t.Mapping[str, bytes | None]) -> list[str]:
    """A message with the first line of the files that holds what it quotes; nothing when it is not about them."""
    if any(path in text for path in files):
        return [text]
    words = [word.encode() for word in re.findall(r'"([^"]+)"', text)]
    return [
        f"{text} (line {number} of {path})"
        for path, content in files.items()
        for number, line in enumerate((content or b"").splitlines(), start=1)
        if not line.lstrip().startswith(b"#") and any(word in line for word in words)
    ][:1]
