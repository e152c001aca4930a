#!/usr/bin/env python
# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write docs/docsite/rst/controls.rst from the controls: ``scripts/in-venv scripts/controls.py``."""

from __future__ import annotations

import pathlib

from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.table import page

if __name__ == "__main__":
    target = pathlib.Path(__file__).resolve().parent.parent / "docs" / "docsite" / "rst" / "controls.rst"
    target.write_text(page(), encoding="utf-8")
