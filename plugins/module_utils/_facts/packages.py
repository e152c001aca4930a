# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The packages of PostgreSQL and its tools on a host, and where they come from; private to the collection."""

from __future__ import annotations

import os
import re
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._facts.repositories import Repositories
from ansible_collections.rampart.postgresql.plugins.module_utils._host.programs import Question
from ansible_collections.rampart.postgresql.plugins.module_utils._host.programs import answer_of
from ansible_collections.rampart.postgresql.plugins.module_utils._host.sources import parse_dpkg
from ansible_collections.rampart.postgresql.plugins.module_utils._host.sources import parse_policies

__all__ = ["Packages", "parse_installed", "parse_signed"]

_WANTED = (
    *("barman*", "libpq5", "patroni*", "pgaudit*", "pgbackrest*", "pgbouncer*", "pgpool*", "postgresql*", "repmgr*"),
    *("timescaledb*", "wal-g*"),
)
_STATUS = "/var/lib/dpkg/status"
_DPKG = "${db:Status-Abbrev}|${Package}|${Version}\n"
_RPM = "%{NAME}|%{VERSION}-%{RELEASE}|%{VENDOR}|%{RSAHEADER:pgpsig}|%{SIGPGP:pgpsig}\n"
_KEYS = "%{VERSION}\n"
_KEY = re.compile(r"Key ID (?P<key>[0-9a-f]+)")
_FINGERPRINT = re.compile(r"^[0-9a-f]{8,}$", re.MULTILINE)
_VENDORS = (
    *(
        "AlmaLinux",
        "Amazon",
        "CentOS",
        "Fedora Project",
        "openSUSE",
        "Oracle America",
        "PostgreSQL Global Development Group",
    ),
    *("Red Hat", "Rocky", "SUSE"),
)
_NONE = "rampart-none"  # as a question without a name is about every package
_MOST = 500  # packages

Package = dict[str, t.Any]


class Packages:
    """Asks as soon as it is made, as APT may take a second where the host keeps none of its cache."""

    def __init__(self, program: str) -> None:
        """Of the host of a server with this program; empty where that is not known."""
        # An empty status is that of a host with rpm.
        self._asked: _OfDpkg | _OfRpm = _OfDpkg(program) if _has_dpkg() else _OfRpm(program)

    def told(self, unreadable: dict[str, str]) -> dict[str, t.Any]:
        """All of them, and the one that the program is of: empty where it is of none, None where nobody knows."""
        packages = self._asked.packages(unreadable)
        if packages is None:
            unreadable["host.packages"] = "neither dpkg-query nor rpm tells what is installed"
            return {"packages": None, "server_package": None}
        unknown = [each["name"] for each in packages if each["trusted"] is None]
        if unknown:
            reason = f"nothing on this host tells where {len(unknown)} packages come from, {unknown[0]} among them"
            unreadable.setdefault("host.packages", reason)
        return {"packages": packages[:_MOST], "server_package": self._asked.owner()}


def _has_dpkg() -> bool:
    return os.path.exists(_STATUS) and os.path.getsize(_STATUS) > 0


class _OfDpkg:
    def __init__(self, program: str) -> None:
        self._program = program
        text = answer_of("dpkg-query", "--show", f"--showformat={_DPKG}", *_WANTED)
        self._installed = None if text is None else parse_installed(text)
        self._policy = Question("apt-cache", "policy", "--", *(self._installed or (_NONE,)), as_nobody=True)
        self._owner = Question("dpkg-query", "--search", "--", program) if program else None

    def packages(self, unreadable: dict[str, str]) -> list[Package] | None:
        if self._installed is None:
            return None
        policy = self._policy.answer()
        if policy is None:
            unreadable["host.packages"] = "apt-cache does not tell where packages come from"
        known = {each["name"]: each for each in parse_policies(policy or "")}
        repositories = Repositories()
        return [_package(name, version, known.get(name, {}), repositories) for name, version in self._installed.items()]

    def owner(self) -> str | None:
        text = self._owner.answer() if self._owner else None
        return None if text is None else next(iter(parse_dpkg(text).get(self._program, ())), "")


class _OfRpm:
    def __init__(self, program: str) -> None:
        self._packages = Question("rpm", "--query", "--all", "--queryformat", _RPM, *_WANTED, as_nobody=True)
        self._keys = Question("rpm", "--query", "--queryformat", _KEYS, "gpg-pubkey", as_nobody=True)
        asked = ("rpm", "--query", "--queryformat", "%{NAME}\n", "--file", "--", program)
        self._owner = Question(*asked, as_nobody=True) if program else None

    def packages(self, unreadable: dict[str, str]) -> list[Package] | None:
        text, keys = self._packages.answer(), self._keys.answer()
        if text is None:
            return None
        if keys is None:
            unreadable["host.packages"] = "rpm does not tell which keys it trusts"
        return parse_signed(text, None if keys is None else _FINGERPRINT.findall(keys))

    def owner(self) -> str | None:
        text = self._owner.answer() if self._owner else None
        return None if text is None else next((line for line in text.split("\n") if line and " " not in line), "")


def _package(name: str, version: str, policy: t.Mapping[str, t.Any], repositories: Repositories) -> Package:
    """Of several sources of the same package a trusted one counts: by its checksum it is the same."""
    sources = policy.get("sources", ())
    found = [(source, repositories.of(source)) for source in sources]
    best = next((each for each in found if each[1].trusted), found[0] if found else None)
    candidate = policy.get("candidate")
    return {
        "name": name,
        "version": version,
        "candidate": None if candidate in ("", "(none)") else candidate,
        "origin": best[1].origin if best else None,
        "repository": best[0] if best else None,
        "trusted": best[1].trusted if best else None,
    }


def parse_installed(text: str) -> dict[str, str]:
    """Version by name of what dpkg has installed; pure."""
    found = {}
    for line in text.splitlines():
        status, _bar, rest = line.partition("|")
        name, _bar, version = rest.partition("|")
        if status[1:2] == "i":
            found[name] = version
    return dict(sorted(found.items()))


def parse_signed(text: str, keys: t.Sequence[str] | None) -> list[Package]:
    """What rpm has installed; trusted is what a vendor that is known signed with a key that this host has; pure."""
    found = []
    for line in sorted(text.splitlines()):
        name, version, vendor, *signatures = (*line.split("|"), "", "")[:5]
        key = _KEY.search(" ".join(signatures))
        trusted = None
        if keys is not None:
            trusted = bool(key and any(_same(key["key"], each) for each in keys)) and vendor.startswith(_VENDORS)
        unnamed = vendor in ("", "(none)")
        values = {"candidate": None, "origin": None if unnamed else vendor, "repository": None, "trusted": trusted}
        found.append({"name": name, "version": version, **values})
    return found


def _same(key: str, other: str) -> bool:
    """Whether two names of a key end alike: older versions of rpm keep eight digits of it, newer ones all."""
    return key.endswith(other) or other.endswith(key)
