# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A self-signed certificate that is as it should be: what the module takes to see that, the handshake included."""

from __future__ import annotations

import statistics
import typing as t

from ansible_collections.rampart.postgresql.tests.bench.hosts import BenchmarkError
from ansible_collections.rampart.postgresql.tests.bench.hosts import Host
from ansible_collections.rampart.postgresql.tests.bench.single import module_time

__all__ = ["MODULE", "measure"]

MODULE: t.Final = "ansible_collections.rampart.postgresql.plugins.modules.certificate"


def measure(host: Host, *, runs: int) -> float:
    """Seconds from the first line of main() to exit_json on a host that is hardened already; the median."""
    if host.query("SHOW ssl").strip() != "on":
        raise BenchmarkError(f"{host.name}: ssl is off, so there would be no handshake to measure")
    return statistics.median(module_time(host, MODULE, {}) for _run in range(runs))
