# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An audit of a fleet: each host's facts are assessed by themselves and kept in files, and the reports read those.

    cluster_info on a host ──▶ facts/HOST.json ──▶ assess ──▶ assessments/HOST.json ─┐
    the same of another host ─────────────────────────────────▶ ... ────────────────┴▶ report.html, report.json, ...

So the memory of ansible-playbook does not grow with the facts of the fleet, and reports can be made again without a host. What
assesses is `_controls`, what writes formats is `_report`; here are the `directory` of an audit and what becomes of it. Private to
the collection.
"""

from __future__ import annotations
