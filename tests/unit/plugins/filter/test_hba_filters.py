# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filters about pg_hba.conf, called as functions and from templates."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
import typing as t

import pytest

errors = pytest.importorskip("ansible.errors")

import ansible_collections  # noqa: E402

from ansible_collections.rampart.postgresql.plugins.filter.from_hba import FilterModule as FromHba  # noqa: E402
from ansible_collections.rampart.postgresql.plugins.filter.hba_lint import FilterModule as HbaLint  # noqa: E402
from ansible_collections.rampart.postgresql.plugins.filter.hba_match import FilterModule as HbaMatch  # noqa: E402
from ansible_collections.rampart.postgresql.plugins.filter.to_hba import FilterModule as ToHba  # noqa: E402

PLUGINS = (FromHba, HbaLint, HbaMatch, ToHba)
FILTERS = {name: function for plugin in PLUGINS for name, function in plugin().filters().items()}

FACTS: dict[str, t.Any] = {
    "roles": [{"name": "ann", "superuser": True, "oid": 10}, {"name": "dba", "superuser": False, "oid": 11}],
    "memberships": [{"role": "dba", "member": "ann", "grantor": "ann"}],
    "databases": [{"name": "app", "owner": "ann"}],
}

PLAYBOOK = """
- hosts: localhost
  gather_facts: false
  vars:
    network: 10.0.3
    application: app
    major: "17"
    rules:
      - {type: local, databases: [all], users: [postgres], method: peer}
      - type: hostssl
        databases: ["{{ application }}_db"]
        users: ["{{ application }}", +staff]
        address: "{{ network }}.0/24"
        method: scram-sha-256
        options: {clientcert: "verify-{{ 'ca' }}"}
      - {type: host, databases: [all], users: [all], address: all, method: trust}
    text: "{{ rules | rampart.postgresql.to_hba(version=major) }}"
    client: {user: "{{ application }}", database: app_db, address: "{{ network }}.7", member_of: ["{{ 'x' }}"]}
  tasks:
    - ansible.builtin.assert:
        that:
          - text.splitlines()[1].split() == wanted
          - text == rules | select | map('combine', {}) | rampart.postgresql.to_hba(version=17)
          - (text | rampart.postgresql.from_hba(version=17))[1].address == '10.0.3.0/24'
          - (text | rampart.postgresql.from_hba(version=17)) | rampart.postgresql.to_hba(version=17) == text
          - (rules | rampart.postgresql.hba_match(version=17, tls=true, **client)).rule == 2
          - (text | rampart.postgresql.hba_match(version=major | int, **client)).line == 3
          - (rules | rampart.postgresql.admission(version=17, tls=true, before=text, **client)).where is match('rules:2:')
          - rules | rampart.postgresql.hba_lint(version=17) | map(attribute='code') is contains('trust-world')
      vars:
        wanted: [hostssl, app_db, "app,+staff", 10.0.3.0/24, scram-sha-256, clientcert=verify-ca]
"""


def test_from_templates(tmp_path: pathlib.Path) -> None:
    """Values come lazily, as templates, with tags: only a real run of Ansible shows what a filter makes of them."""
    playbook = tmp_path / "play.yml"
    playbook.write_text(PLAYBOOK, encoding="utf-8")
    collections = os.pathsep.join(str(pathlib.Path(path).parent) for path in ansible_collections.__path__)
    done = subprocess.run(
        [sys.executable, "-m", "ansible", "playbook", "-i", "localhost,", "-c", "local", str(playbook)],
        env={**os.environ, "ANSIBLE_COLLECTIONS_PATH": collections, "ANSIBLE_HOME": str(tmp_path), "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_there_and_back() -> None:
    text = "# why\nhost\tall\t+grp\tsamenet\tldap\tldapserver=x\tldapprefix=cn=\n"
    assert FILTERS["to_hba"](FILTERS["from_hba"](text, version=13), version=13) == text


@pytest.mark.parametrize(
    ("name", "given", "options", "words"),
    [
        ("from_hba", 3, {"version": 17}, "from_hba: input: 3 cannot be used"),
        ("from_hba", "", {}, "from_hba: version: None cannot be used"),
        ("from_hba", "", {"version": "17.2"}, "version: '17.2' cannot be used"),
        ("from_hba", "", {"version": True}, "version: True cannot be used"),
        ("from_hba", "", {"version": 170004}, "version: 170004 cannot be used"),
        ("from_hba", "", {"version": 10**5000}, "version: 'a number' cannot be used"),
        ("from_hba", "local \ud800 all trust", {"version": 13}, "it is half a character"),
        ("from_hba", "", {"version": 12}, "PostgreSQL 12 is not understood"),
        ("to_hba", "text", {"version": 17}, "to_hba: rules: 'text' cannot be used"),
        ("hba_match", 3, {"version": 17, "user": "a", "database": "b"}, "hba_match: rules: 3 cannot be used"),
        ("hba_match", "", {"version": 17, "user": "a"}, "hba_match: database: None cannot be used"),
        ("hba_lint", None, {"version": 17}, "hba_lint: rules: None cannot be used"),
        ("hba_lint", "", {"version": 17, "roles": "a"}, "hba_lint: roles: 'a' cannot be used"),
        (
            "hba_lint",
            "",
            {"version": 17, "memberships": [{"role": "a"}]},
            r"hba_lint: memberships\[0\]: .* with role and member",
        ),
        ("hba_lint", "", {"version": 17, "tls": "no"}, "hba_lint: tls: 'no' cannot be used"),
        ("hba_lint", "", {"version": 17, "catch_all": 1}, "hba_lint: catch_all: 1 cannot be used"),
    ],
)
def test_errors_name_the_filter(name: str, given: t.Any, options: dict[str, t.Any], words: str) -> None:
    with pytest.raises(errors.AnsibleFilterError, match=words):
        FILTERS[name](given, **options)


@pytest.mark.parametrize(
    ("text", "about", "codes"),
    [
        ("host all postgres 10.0.0.0/8 scram-sha-256", {}, ["plaintext", "superuser-remote"]),
        ("host all postgres 10.0.0.0/8 scram-sha-256", {"tls": False}, ["superuser-remote"]),
        ("host all postgres 10.0.0.0/8 scram-sha-256", {"tls": False, "superusers": ["root"]}, []),
        ("hostssl all +dba 10.0.0.0/8 scram-sha-256", FACTS, ["superuser-remote"]),
        ("hostssl all +dba 10.0.0.0/8 scram-sha-256", {"roles": ["ann", "dba"], "databases": ["app"]}, []),
        ("hostssl all ann 10.0.0.0/8 scram-sha-256", {**FACTS, "superusers": []}, []),
        ("local all all peer", {"catch_all": True}, ["no-catch-all"]),
        ("local all all peer\nlocal app ann reject", {}, ["unreachable"]),
        (
            "local all all peer # \\\nhost all all all reject",
            {"catch_all": True},
            ["no-catch-all", "continued-comment"],
        ),
        ("local all all peer # \\\nhost all all all reject", {"catch_all": True, "version": 13}, []),
    ],
)
def test_lint_in_the_light_of_a_server(text: str, about: dict[str, t.Any], codes: list[str]) -> None:
    found = FILTERS["hba_lint"](text, **{"version": 17, **about})
    assert sorted(item["code"] for item in found) == sorted(codes)
    if "continued-comment" not in codes:
        listed = FILTERS["hba_lint"](FILTERS["from_hba"](text, version=17), **{"version": 17, **about})
        assert [(item["code"], item["rule"], item["line"]) for item in listed] == [
            (item["code"], item["rule"], item["line"]) for item in found
        ] or about.get("version") == 13


def test_lint_takes_the_newest_version_where_none_is_given() -> None:
    text = "host all all all oauth issuer=https://i scope=s\n"
    assert "rejected" not in [item["code"] for item in FILTERS["hba_lint"](text)]
    assert "rejected" in [item["code"] for item in FILTERS["hba_lint"](text, version=17)]
