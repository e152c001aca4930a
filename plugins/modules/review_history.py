#!/usr/bin/python
# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: review_history
short_description: Keep the result of a run in a history on the controller
version_added: 0.1.0
description:
  - Adds a file to a directory on the controller, called by the time in UTC, such as C(20260301T101500Z.json), and removes the oldest ones.
    The playbooks C(access_review) and C(log_review) use it, and M(rampart.postgresql.audit_report) has the same in its option
    O(rampart.postgresql.audit_report#module:history).
  - An entry is there whole or not at all, also when the run is killed, and readable by nobody but its owner. Two runs in the same second get two
    entries, the second one the name of the next second that is free.
  - The newest entry is never removed, and neither is the newest of those that are the same as O(signed), byte by byte. Files with other names are left alone.
  - It runs on the controller only, whatever host the task is for.
author:
  - rampart.postgresql contributors (@rampart-postgresql)
extends_documentation_fragment:
  - rampart.postgresql.attributes
attributes:
  action:
    description: Has an action plugin of the same name, which does all of the work.
    support: full
  check_mode:
    support: full
  diff_mode:
    support: N/A
    details: An entry is new each time.
  idempotent:
    support: none
    details: Each run adds an entry.
  platform:
    platforms: posix
    support: full
options:
  directory:
    description: The directory of the history, an absolute path on the controller. It is made where it is missing, with the mode 0700.
    type: path
    required: true
  source:
    description: A file on the controller of which a copy is kept. Either this or O(content).
    type: path
  content:
    description: A value that is kept as JSON.
    type: raw
  signed:
    description: A file on the controller that somebody has signed off; it need not be there.
    type: path
  runs:
    description:
      - How many entries are kept, the new one among them, from 1 up.
      - Where neither this nor O(days) is given it is 52, those of a year with one run each week.
    type: int
  days:
    description: After how many days an entry is removed, from 1 up. With O(runs) an entry is removed as soon as one of the two says so.
    type: int
  now:
    description: The present time in seconds since 1970. The default is the clock of the controller.
    type: int
seealso:
  - module: rampart.postgresql.audit_report
"""

EXAMPLES = r"""
- name: Keep a review for two years
  rampart.postgresql.review_history:
    directory: /srv/reviews/history
    source: /srv/reviews/review.json
    signed: /srv/reviews/signed.json
    days: 730
  delegate_to: localhost
  run_once: true
"""

RETURN = r"""
path:
  description: The new entry; V(null) in check mode, which writes none.
  returned: success
  type: str
  sample: /srv/reviews/history/20260301T101500Z.json
"""
