# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a package of this host comes from; private to the collection."""

from __future__ import annotations

import re
import shutil
import subprocess
import typing as t

__all__ = ["package_of_program", "parse_policy"]

_POLICY_VERSION = re.compile(r"^(?: {5}| \*\*\* )(?P<version>\S+)(?: [0-9-]+)?$")
_POLICY_SOURCE = re.compile(r"^ {8,}-?[0-9]+ (?P<source>\S+(?: \S+)*)$")
_TIMEOUT = 60  # seconds


def package_of_program(program: str) -> dict[str, t.Any]:
    """Name, version and candidate of the package that a program is of, and its sources; empty where none is known."""
    owner = _output(["dpkg-query", "--search", "--", program]).partition(":")[0].strip()
    if owner:
        return {"name": owner, **parse_policy(_output(["apt-cache", "policy", "--", owner]))}
    asked = "%{NAME}|%{VERSION}-%{RELEASE}|%{VENDOR}\n"
    name, _bar, rest = _output(["rpm", "--query", "--file", "--queryformat", asked, "--", program]).partition("|")
    version, _bar, vendor = rest.strip().partition("|")
    return {"name": name, "version": version, "sources": (vendor,)} if rest else {}


def parse_policy(text: str) -> dict[str, t.Any]:
    """What ``apt-cache policy`` says of one package: the sources are those of the version that is installed."""
    found = {"version": "", "candidate": ""}
    sources: list[str] = []
    version = ""
    for line in text.splitlines():
        name, _colon, value = line.strip().partition(": ")
        if name in ("Installed", "Candidate"):
            found["version" if name == "Installed" else "candidate"] = value
        heading, source = _POLICY_VERSION.match(line), _POLICY_SOURCE.match(line)
        if heading:
            version = heading["version"]
        elif source and version == found["version"] and not source["source"].startswith("/var/lib/dpkg/"):
            sources.append(source["source"])
    return {**found, "sources": tuple(sources)}


def _output(command: list[str]) -> str:
    if shutil.which(command[0]) is None:
        return ""
    done = subprocess.run(  # pylint: disable=ansible-bad-function # run_command needs a module object
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        cwd="/",
        timeout=_TIMEOUT,
        env={"LC_ALL": "C", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
    )
    return done.stdout if done.returncode == 0 else ""
