# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Controls of what the site has accepted; private to the collection. They are judged last."""

from __future__ import annotations

from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.model import Control

__all__ = ["WAIVERS"]

WAIVERS: tuple[Control, ...] = (
    Control(
        id="RPG-AUD-001",
        title="No waiver has expired",
        area="platform",
        severity="medium",
        rationale="What was accepted for a time is not accepted any more: decide anew, or put it right.",
        expression="waivers.expired",
    ),
    Control(
        id="RPG-AUD-002",
        title="Every waiver is of use",
        area="platform",
        severity="low",
        rationale="One that covers nothing will cover what nobody has accepted yet. Those for several hosts are judged over the fleet.",
        expression="waivers.unused",
    ),
)
