"""What apt-cache says of a package."""

from __future__ import annotations

from ansible_collections.rampart.postgresql.plugins.module_utils._host.sources import parse_policy

POLICY = """\
postgresql-17:
  Installed: 17.11-0+deb13u1
  Candidate: 17.12-0+deb13u1
  Version table:
     17.12-0+deb13u1 500
        500 http://security.example.org/debian trixie-security/main amd64 Packages
 *** 17.11-0+deb13u1 500
        500 http://deb.example.org/debian trixie/main amd64 Packages
        100 /var/lib/dpkg/status
"""


def test_the_source_is_that_of_the_installed_version() -> None:
    assert parse_policy(POLICY) == {
        "version": "17.11-0+deb13u1",
        "candidate": "17.12-0+deb13u1",
        "sources": ("http://deb.example.org/debian trixie/main amd64 Packages",),
    }
    local = POLICY.replace("        500 http://deb.example.org/debian trixie/main amd64 Packages\n", "")
    assert parse_policy(local)["sources"] == ()
    assert parse_policy("")["version"] == ""
