"""Looks at a server again and again, in this process."""

from __future__ import annotations

import functools
import time
import typing as t

from ansible_collections.rampart.postgresql.plugins.filter.assess import assess
from ansible_collections.rampart.postgresql.plugins.module_utils._facts.collect import CHOICES
from ansible_collections.rampart.postgresql.plugins.module_utils._facts.files import files_of
from ansible_collections.rampart.postgresql.plugins.module_utils._facts.host import host_facts
from ansible_collections.rampart.postgresql.plugins.module_utils._facts.packages import Packages
from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server as OpenedServer
from ansible_collections.rampart.postgresql.plugins.module_utils._server.session import Options
from ansible_collections.rampart.postgresql.plugins.modules.cluster_info import gather

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

__all__ = ["Findings", "Look", "worse"]

Findings = t.Mapping[str, t.Mapping[str, t.Any]]
"""By the ids of their controls."""


class _Packages(Packages):
    """They are asked for once."""

    _kept: tuple[dict[str, t.Any], dict[str, str]] | None = None

    def told(self, unreadable: dict[str, str]) -> dict[str, t.Any]:
        if self._kept is None:
            problems: dict[str, str] = {}
            self._kept = (super().told(problems), problems)
        unreadable.update(self._kept[1])
        return self._kept[0]


_packages = functools.cache(_Packages)
_OF_THE_HOST: t.Final = ("history", "home", "passfile", "service_file", "tool_configuration")


class Look:
    """What cluster_info returns of a server, and what a profile's controls find in it.

    The host is looked at once: asking APT takes longest, and other tests may put their files where everybody's are.
    """

    def __init__(self, server: Server, profile: str) -> None:
        self._options = Options(cluster=str(server.data_directory), read_only=True)
        self._profile = profile
        self._host: dict[str, t.Any] = {}
        self._unreadable: dict[str, str] = {}

    def facts(self) -> dict[str, t.Any]:
        """All of them."""
        with OpenedServer.open(self._options) as opened:
            if not self._host:
                self._host = host_facts(opened, _packages(opened.cluster.program), self._unreadable)
            found = gather(opened, [choice for choice in CHOICES if choice not in ("all", "host")], None)
            found["unreadable"].update(self._unreadable)
            files = [file for file in files_of(opened, found["unreadable"]) if file["what"] not in _OF_THE_HOST]
        return {**found, "host": self._host["host"], "files": files}

    def findings(self) -> Findings:
        """Those of the controls that do not leave it to a person."""
        [found] = assess(self.facts(), profile=self._profile, now=int(time.time()))
        return {each["control"]: each for each in found["findings"] if each["status"] != "manual"}


def worse(now: Findings, before: Findings) -> set[str]:
    """The controls that do not pass any more, or find more than they did."""
    return {
        control
        for control, finding in now.items()
        if (before[control]["status"] == "pass" and finding["status"] != "pass")
        or finding["item_count"] > before[control]["item_count"]
    }
