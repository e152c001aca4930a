# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which file makes which format; private to the collection."""

from __future__ import annotations

import importlib
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.gathering import Report

__all__ = ["FORMATS", "pieces", "rendered"]

FORMATS = ("json", "sarif", "junit", "markdown", "csv", "prometheus", "html")


def rendered(report: Report, name: t.Any) -> str:
    """The report in a format; only what that one needs is loaded."""
    return "".join(pieces(report, name))


def pieces(report: Report, name: t.Any) -> t.Iterator[str]:
    """The same in pieces, for formats that grow with the fleet."""
    if not isinstance(name, str) or name not in FORMATS:
        raise InputError(option="format", value=name, expected=f"one of {', '.join(FORMATS)}")
    module = importlib.import_module(f"{__package__}.as_{name}")
    yield from module.pieces(report) if hasattr(module, "pieces") else (module.render(report),)
