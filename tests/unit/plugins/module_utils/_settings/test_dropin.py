# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The text of our file."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.rampart.postgresql.plugins.module_utils._settings.dropin import masked
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.dropin import parse
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.dropin import render

NAMES = st.sampled_from(["ssl", "work_mem", "auth_delay.milliseconds", "log_line_prefix", "search_path"])
TEXT = st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]))
SECTIONS = st.dictionaries(
    st.from_regex(r"[A-Za-z_][A-Za-z0-9_.-]*", fullmatch=True), st.dictionaries(NAMES, TEXT, min_size=1), max_size=4
)


def test_sections_are_marked_and_sorted() -> None:
    text = render({"tls": {"ssl": "on", "DateStyle": "ISO"}, "log": {"log_statement": "ddl"}, "empty": {}})
    assert text.startswith("# This file belongs to the Ansible collection rampart.postgresql.\n")
    assert text.endswith(
        "\n# BEGIN log\nlog_statement = ddl\n# END log\n\n# BEGIN tls\nDateStyle = ISO\nssl = on\n# END tls\n"
    )
    assert "empty" not in text


def test_what_stands_outside_of_sections_is_not_ours() -> None:
    text = render({"tls": {"ssl": "on"}}) + "work_mem = 4MB\n"
    assert parse(text) == {"tls": {"ssl": "on"}}
    assert render(parse(text)) != text


def test_the_last_of_two_lines_counts() -> None:
    assert parse("# BEGIN a\nssl = off\nnonsense\nSSL = on\n# END a\n") == {"a": {"SSL": "on"}}


@given(SECTIONS)
def test_sections_survive(sections: dict[str, dict[str, str]]) -> None:
    text = render(sections)
    assert parse(text) == sections
    assert render(parse(text)) == text


def test_secrets_are_hidden() -> None:
    text = (
        "primary_conninfo = 'password=geheim'\nSSL_Passphrase_Command='echo geheim'\nx.password geheim\nx.token='geheim"
    )
    shown = masked(text)
    assert "geheim" not in shown
    assert shown.count("********") == 4
    harmless = "password_encryption = 'scram-sha-256'\nssl = on\npasswordcheck.min_password_length = 12\n"
    assert masked(harmless) == harmless
