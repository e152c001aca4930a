# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the packages of this host come from; private to the collection."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._host.programs import output_of

__all__ = ["packages_of", "parse_dpkg", "parse_policies", "parse_rpm"]

_POLICY_NAME = re.compile(r"^(?P<name>\S+):$")
_POLICY_VERSION = re.compile(r"^(?P<mark> {5}| \*\*\* )\S+(?: [0-9-]+)?$")
_POLICY_SOURCE = re.compile(r"^ {8,}-?[0-9]+ (?P<source>\S+(?: \S+)*)$")
_RPM = re.compile(r"^(?P<name>[^|]+)\|(?P<version>[^|]+)\|(?P<vendor>[^|]*)$")
_ASKED = "%{NAME}|%{VERSION}-%{RELEASE}|%{VENDOR}\n"

Packages = list[dict[str, t.Any]]


def packages_of(program: str, libraries: t.Sequence[str]) -> tuple[Packages, list[str]]:
    """Name, version, candidate and sources of the packages of a program and of libraries, that of the program first.

    And the libraries that no package has; none where the program is of none, as nothing can be told then.
    """
    owners = parse_dpkg(output_of("dpkg-query", "--search", "--", program, *libraries))
    if program in owners:
        names = dict.fromkeys(name for path in (program, *libraries) for name in owners.get(path, ()))
        found = {each["name"]: each for each in parse_policies(output_of("apt-cache", "policy", "--", *names))}
        return [found.get(name, {"name": name}) for name in names], [path for path in libraries if path not in owners]
    asked = ["rpm", "--query", "--queryformat", _ASKED, "--file", "--"]
    if not parse_rpm(output_of(*asked, program)):
        return [], []
    text = output_of(*asked, program, *libraries)
    return parse_rpm(text), [path for path in libraries if f"file {path} is not owned by any package" in text]


def parse_dpkg(text: str) -> dict[str, tuple[str, ...]]:
    """The packages of each file, as ``dpkg-query --search`` tells them."""
    found = {}
    for line in text.splitlines():
        names, colon, path = line.partition(": ")
        if colon and not names.startswith("diversion by "):
            found[path] = tuple(name.partition(":")[0] for name in names.split(", "))
    return found


def parse_rpm(text: str) -> Packages:
    """The packages of files, each once, as ``rpm`` tells them; the vendor is the source."""
    found: dict[str, dict[str, t.Any]] = {}
    for line in text.splitlines():
        package = _RPM.match(line)
        if package:
            vendor = package["vendor"]
            sources = () if vendor in ("", "(none)") else (vendor,)
            found[package["name"]] = {"name": package["name"], "version": package["version"], "sources": sources}
    return list(found.values())


def parse_policies(text: str) -> Packages:
    """What ``apt-cache policy`` says: the sources are those of the version that is installed.

    A package that somebody built under a version that a source has too is an entry of its own.
    """
    found: Packages = []
    installed = False
    for line in text.splitlines():
        name, heading, source = _POLICY_NAME.match(line), _POLICY_VERSION.match(line), _POLICY_SOURCE.match(line)
        if name:
            found.append({"name": name["name"], "version": "", "candidate": "", "sources": ()})
            installed = False
        if name or not found:
            continue
        word, _colon, value = line.strip().partition(": ")
        if word in ("Installed", "Candidate"):
            found[-1]["version" if word == "Installed" else "candidate"] = value
        elif heading:
            installed = heading["mark"] == " *** "
        elif source and installed and not source["source"].startswith("/var/lib/dpkg/"):
            found[-1]["sources"] += (source["source"],)
    return found
