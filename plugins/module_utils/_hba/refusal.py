# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the reading of a record ends early; private to the collection."""

from __future__ import annotations

__all__ = ["Refusal"]


class Refusal(Exception):
    """The server would refuse the record, in these words. It never leaves the package.

    ``in_view`` is false for what only the server's log says: pg_hba_file_rules then has a row without an error.
    """

    def __init__(self, words: str, *, in_view: bool = True) -> None:
        super().__init__(words)
        self.words = words
        self.in_view = in_view
