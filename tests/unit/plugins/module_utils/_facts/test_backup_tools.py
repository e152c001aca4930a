"""Configurations of pgBackRest: which clusters they are about."""

from __future__ import annotations

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._facts.backup_tools import stanzas

PACKAGED = """\
[global]
repo1-path=/var/lib/pgbackrest

#[main]
#pg1-path=/var/lib/postgresql/17/main
"""


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", []),
        (PACKAGED, []),
        (PACKAGED.replace("#", ""), ["main"]),
        ("[other]\npg1-path = /var/lib/postgresql/16/main\n", []),
        ("[a]\npg2-path=/var/lib/postgresql/17/main/\n[b]\npg-path=/var/lib/postgresql/17/main\n", ["a", "b"]),
    ],
)
def test_a_stanza_is_about_the_cluster_that_it_names(text: str, found: list[str]) -> None:
    assert stanzas(text, "/var/lib/postgresql/17/main") == found
