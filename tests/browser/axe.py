# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What axe-core finds on a page: what keeps people out."""

from __future__ import annotations

import os
import pathlib
import typing as t

from ansible_collections.rampart.postgresql.tests.browser.browsers import Browser

__all__ = ["findings"]

_AXE = pathlib.Path(os.environ["AXE_CORE"])


def findings(browser: Browser, *, rules: t.Sequence[str] = ()) -> list[str]:
    """What axe-core finds serious or worse, by all of its rules or by some, with the elements that it is about."""
    browser.script(_AXE.read_text(encoding="utf-8"))
    found = browser.script_async(
        "const done = arguments[arguments.length - 1];"
        "const options = {resultTypes: ['violations'], ...(arguments[0].length ? {runOnly: arguments[0]} : {})};"
        "axe.run(document, options).then((result) => done(result.violations), (error) => done(String(error)));",
        list(rules),
    )
    assert isinstance(found, list), found
    return [
        f"{one['id']}: {[node['html'][:200] for node in one['nodes'][:3]]}"
        for one in found
        if one["impact"] in ("serious", "critical")
    ]
