# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller's half of the module of the same name."""

from __future__ import annotations

from ansible_collections.rampart.postgresql.plugins.plugin_utils._certificate_action import CertificateAction


class ActionModule(CertificateAction):
    """Signs with the authority of the controller."""
