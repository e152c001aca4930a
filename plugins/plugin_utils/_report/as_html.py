# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report for browsers: one file that asks for nothing from elsewhere; private to the collection."""

from __future__ import annotations

import base64
import hashlib
import pathlib
import typing as t

import jinja2
import markupsafe

from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.gathering import Report
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.html.backups import backup_timeline
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.html.certificates import certificate_timeline
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.html.compact import details
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.html.compact import embedded
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.html.compact import overview
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.html.figures import figures
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.html.scores import scores
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.text import moment
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.text import one_line

__all__ = ["render"]

_FILES = pathlib.Path(__file__).with_name("html")
_SCRIPTS = (
    "dom",
    "data",
    "filters",
    "hosts",
    "host",
    "access",
    "timelines",
    "controls",
    "matrix",
    "lists",
    "drift",
    "main",
)
"""In the order that they need each other."""


def render(report: Report) -> str:
    """The document. Nothing in it may run or be loaded but the one script and the one style, by their hashes."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FILES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(moment=moment, line=one_line, thousands="{:,}".format)
    style = _read("style.css")
    script = "".join(['"use strict";\n(() => {\n', *(_read(f"{name}.js") for name in _SCRIPTS), "})();\n"])
    text = environment.get_template("page.html.j2").render(
        report=report,
        figures=figures(report),
        scores=scores(report),
        certificates=certificate_timeline(report),
        backups=backup_timeline(report),
        style=markupsafe.Markup(style),  # the collection's own, as is the script
        script=markupsafe.Markup(script),
        policy=_policy(style=style, script=script),
        overview=_data(overview(report)),
        details=_data(details(report)),
    )
    return f"{text.rstrip()}\n"


def _read(name: str) -> str:
    return (_FILES / name).read_text(encoding="utf-8")


def _data(value: t.Any) -> markupsafe.Markup:
    return markupsafe.Markup(embedded(value))


def _policy(*, style: str, script: str) -> str:
    """What a browser may do with the file. Only text gets into the page from its data, never markup."""
    return "; ".join(
        [
            "default-src 'none'",
            f"style-src '{_hash(style)}'",
            f"script-src '{_hash(script)}'",
            "base-uri 'none'",
            "form-action 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        ]
    )


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
