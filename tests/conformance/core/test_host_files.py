# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files of the host, where the owner of the cluster may not write: root makes them, and takes them back."""

from __future__ import annotations

import os
import typing as t

import pytest

from ansible_collections.rampart.postgresql.tests.conformance.components import FileComponent
from ansible_collections.rampart.postgresql.tests.conformance.components import NeverProven
from ansible_collections.rampart.postgresql.tests.conformance.components import run_components

if t.TYPE_CHECKING:
    import pathlib

    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server


@pytest.mark.in_turn
def test_root_writes_what_the_owner_may_not(server: Server, tmp_path: pathlib.Path) -> None:
    tmp_path.chmod(0o700)
    path = tmp_path / "rule.conf"

    def component(by_root: bool) -> FileComponent:
        return FileComponent(b"a rule", path=str(path), by_root=by_root)

    if os.geteuid() != 0:
        refused = run_components(server, lambda: [component(True)])
        assert refused.failed and "use become" in refused.message
        return
    for check in (True, False):
        refused = run_components(server, lambda: [component(False)], check=check)
        assert refused.failed and "permission denied" in refused.message
    predicted = run_components(server, lambda: [component(True)], check=True)
    assert predicted.changed and not path.exists(), predicted.output
    undone = run_components(server, lambda: [component(True), NeverProven()])
    assert undone.failed and "not in force" in undone.message and not path.exists(), undone.output
    assert run_components(server, lambda: [component(True)]).changed
    assert (path.read_bytes(), path.stat().st_uid) == (b"a rule", 0)
    assert not run_components(server, lambda: [component(True)]).changed
