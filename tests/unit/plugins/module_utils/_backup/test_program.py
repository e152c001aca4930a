# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the module is given, and what lies where the program goes."""

from __future__ import annotations

import base64

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._backup.program import listing
from ansible_collections.rampart.postgresql.plugins.module_utils._backup.program import unpacked
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError


@pytest.mark.parametrize("program", ["", "x", base64.b64encode(b"no zlib").decode(), "é"])
def test_an_option_that_nobody_filled_in_is_refused(program: str) -> None:
    with pytest.raises(InputError, match="program: '…' cannot be used"):
        unpacked(program)


@pytest.mark.parametrize("content", [None, b"", b"#!/bin/sh\n"])
def test_what_is_no_such_program_has_no_files(content: bytes | None) -> None:
    assert listing(content) == {}
