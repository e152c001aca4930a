# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All controls; private to the collection."""

from __future__ import annotations

import typing as t

from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.catalogue.access import ACCESS
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.catalogue.authentication import (
    AUTHENTICATION,
)
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.catalogue.backup import BACKUP
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.catalogue.encryption import ENCRYPTION
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.catalogue.escalation import ESCALATION
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.catalogue.logging import LOGGING
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.catalogue.network import NETWORK
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.catalogue.platform import PLATFORM
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.catalogue.waivers import WAIVERS
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.model import Control

__all__ = ["CONTROLS"]

CONTROLS: t.Final[tuple[Control, ...]] = (
    *NETWORK,
    *ACCESS,
    *ESCALATION,
    *AUTHENTICATION,
    *ENCRYPTION,
    *LOGGING,
    *BACKUP,
    *PLATFORM,
    *WAIVERS,
)
"""In the order of the areas."""
