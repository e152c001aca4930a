"""Where packages come from, by what dpkg, rpm, APT and its lists say."""

from __future__ import annotations

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._facts.packages import parse_installed
from ansible_collections.rampart.postgresql.plugins.module_utils._facts.packages import parse_signed
from ansible_collections.rampart.postgresql.plugins.module_utils._facts.repositories import forced_places
from ansible_collections.rampart.postgresql.plugins.module_utils._facts.repositories import parse_head
from ansible_collections.rampart.postgresql.plugins.module_utils._facts.repositories import parse_source
from ansible_collections.rampart.postgresql.plugins.module_utils._facts.repositories import stored_name

RELEASE = """\
-----BEGIN PGP SIGNED MESSAGE-----
Hash: SHA256

Origin: apt.postgresql.org
Label: PostgreSQL for Debian/Ubuntu repository
"""
SIGNED = "RSA/SHA256, Tue 01 Oct 2024, Key ID 1f16d2e1442df0f8"


def test_only_what_is_installed_counts() -> None:
    assert parse_installed("ii |b|2\nun |c|\nrc |d|1\nhi |a|1:3-4\n") == {"a": "1:3-4", "b": "2"}


@pytest.mark.parametrize(
    ("line", "origin", "trusted"),
    [
        (
            f"postgresql17|17.2-1|PostgreSQL Global Development Group|{SIGNED}|(none)",
            "PostgreSQL Global Development Group",
            True,
        ),
        (f"postgresql17|17.2-1|Red Hat, Inc.|(none)|{SIGNED}", "Red Hat, Inc.", True),
        (f"postgresql17|17.2-1|Somebody|{SIGNED}|(none)", "Somebody", False),
        ("postgresql17|17.2-1|Red Hat, Inc.|(none)|(none)", "Red Hat, Inc.", False),
        (f"postgresql17|17.2-1|Red Hat, Inc.|{SIGNED[:-1]}9|(none)", "Red Hat, Inc.", False),
        ("postgresql17|17.2-1|(none)|(none)|(none)", None, False),
    ],
)
def test_rpm_takes_a_vendor_and_a_key_that_are_known(line: str, origin: str | None, trusted: bool) -> None:
    [found] = parse_signed(line, ["442df0f8"])
    assert (found["name"], found["version"], found["origin"]) == ("postgresql17", "17.2-1", origin)
    assert found["trusted"] is trusted
    assert parse_signed(line, None)[0]["trusted"] is None
    assert parse_signed(line, ["fd431d51"])[0]["trusted"] is False
    assert parse_signed(line, ["68c9b2111f16d2e1442df0f8"])[0]["trusted"] is trusted


def test_lists_are_found_by_their_sources() -> None:
    source = "http://deb.debian.org/debian-security bookworm-security/main amd64 Packages"
    assert parse_source(source) == ("http://deb.debian.org/debian-security", "bookworm-security")
    assert parse_source("http://x.example/debian/ bookworm/updates/main amd64 Packages") == (
        "http://x.example/debian",
        "bookworm/updates",
    )
    assert parse_source("file:/srv") is None
    assert stored_name("http://apt.postgresql.org/pub/repos/apt/dists/a~b_c") == (
        "apt.postgresql.org_pub_repos_apt_dists_a%7eb%5fc"
    )
    assert stored_name("file:/srv/apt") == "_srv_apt"
    assert parse_head(RELEASE) == "apt.postgresql.org"
    assert parse_head("Label: Origin: Debian\n") is None


def test_sources_that_are_trusted_without_a_signature() -> None:
    one_line = (
        "deb [arch=amd64 trusted=yes] http://a.example/apt/ x main\n# deb [trusted=yes] http://b.example x main\n"
    )
    assert forced_places([one_line, "deb http://c.example x main\ndeb [trusted=no] http://d.example x main\n"]) == {
        "http://a.example/apt"
    }
    stanzas = (
        "Types: deb\nURIs: http://e.example/apt\n http://f.example\nTrusted: yes\n\nURIs: http://g.example\nSuites: x\n"
    )
    assert forced_places([stanzas]) == {"http://e.example/apt", "http://f.example"}
    assert not forced_places([stanzas.replace("Trusted: yes", "Trusted: no")])
