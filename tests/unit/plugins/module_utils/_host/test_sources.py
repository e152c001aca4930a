"""What dpkg, rpm and apt-cache say of packages."""

from __future__ import annotations

from ansible_collections.rampart.postgresql.plugins.module_utils._host.sources import parse_dpkg
from ansible_collections.rampart.postgresql.plugins.module_utils._host.sources import parse_policies
from ansible_collections.rampart.postgresql.plugins.module_utils._host.sources import parse_rpm

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
postgresql-17-pgaudit:
  Installed: 17.1-1
  Candidate: 17.1-1
  Version table:
 *** 17.1-1 -1
         -1 http://apt.example.org/pub trixie-pgdg/main amd64 Packages
        500 http://deb.example.org/debian trixie/main amd64 Packages
        100 /var/lib/dpkg/status
"""
FROM_DEBIAN = "        500 http://deb.example.org/debian trixie/main amd64 Packages\n"
# A package of one's own with the version of the distribution's, as apt-cache shows it.
REBUILT = """\
postgresql-17:
  Installed: 17.12-0+deb13u1
  Candidate: 17.12-0+deb13u1
  Version table:
     17.12-0+deb13u1 500
        500 http://deb.example.org/debian trixie/main amd64 Packages
 *** 17.12-0+deb13u1 100
        100 /var/lib/dpkg/status
"""


def test_the_source_is_that_of_the_installed_version() -> None:
    server, audit = parse_policies(POLICY)
    assert server == {
        "name": "postgresql-17",
        "version": "17.11-0+deb13u1",
        "candidate": "17.12-0+deb13u1",
        "sources": ("http://deb.example.org/debian trixie/main amd64 Packages",),
    }
    assert audit["sources"] == (
        "http://apt.example.org/pub trixie-pgdg/main amd64 Packages",
        "http://deb.example.org/debian trixie/main amd64 Packages",
    )
    assert parse_policies(POLICY.replace(FROM_DEBIAN, "", 1))[0]["sources"] == ()
    assert parse_policies("") == []


def test_a_package_of_the_same_version_is_another_one() -> None:
    assert parse_policies(REBUILT)[0]["sources"] == ()
    assert parse_policies(REBUILT.replace(" *** ", "     "))[0]["sources"] == ()


def test_whose_files_these_are() -> None:
    text = """\
diversion by postgresql-common from: /usr/bin/postgres
postgresql-17: /usr/lib/postgresql/17/bin/postgres
postgresql-17, postgresql-client-17: /usr/lib/postgresql/17/lib
libpq5:amd64: /usr/lib/x86_64-linux-gnu/libpq.so.5
"""
    assert parse_dpkg(text) == {
        "/usr/lib/postgresql/17/bin/postgres": ("postgresql-17",),
        "/usr/lib/postgresql/17/lib": ("postgresql-17", "postgresql-client-17"),
        "/usr/lib/x86_64-linux-gnu/libpq.so.5": ("libpq5",),
    }


def test_packages_of_rpm() -> None:
    text = "postgresql17-server|17.11-1PGDG|PostgreSQL Global Development Group\n"
    text += text + "file /usr/pgsql-17/lib/own.so is not owned by any package\npgaudit_17|17.1-1|(none)\n"
    assert parse_rpm(text) == [
        {
            "name": "postgresql17-server",
            "version": "17.11-1PGDG",
            "sources": ("PostgreSQL Global Development Group",),
        },
        {"name": "pgaudit_17", "version": "17.1-1", "sources": ()},
    ]
