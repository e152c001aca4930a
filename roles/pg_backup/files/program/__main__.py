# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Python runs when it is given this directory, or the file that is made of it."""

from __future__ import annotations

import sys

from rampart_backup.commands import main

sys.exit(main(sys.argv[1:]))
