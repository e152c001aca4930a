"""What files and programs of a host say of it."""

from __future__ import annotations

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._facts.account import default_umask
from ansible_collections.rampart.postgresql.plugins.module_utils._facts.account import is_for
from ansible_collections.rampart.postgresql.plugins.module_utils._facts.account import is_locked
from ansible_collections.rampart.postgresql.plugins.module_utils._facts.account import last_umask
from ansible_collections.rampart.postgresql.plugins.module_utils._facts.account import turns_history_off
from ansible_collections.rampart.postgresql.plugins.module_utils._facts.backup_tools import repository_options
from ansible_collections.rampart.postgresql.plugins.module_utils._facts.backups import calendar_of
from ansible_collections.rampart.postgresql.plugins.module_utils._facts.system import parse_release
from ansible_collections.rampart.postgresql.plugins.module_utils._facts.texts import readable
from ansible_collections.rampart.postgresql.plugins.module_utils._facts.unit import parse_properties
from ansible_collections.rampart.postgresql.plugins.module_utils._facts.unit import starts_with_host


def test_os_release_is_in_the_words_of_a_shell() -> None:
    found = parse_release('# x\nID=debian\nVERSION_ID="12"\nNAME=\'Debian GNU/Linux\'\nBAD="\n')
    assert found == {"ID": "debian", "VERSION_ID": "12", "NAME": "Debian GNU/Linux"}


def test_properties_may_hold_equals_signs() -> None:
    assert parse_properties("A=b=c\nEmpty=\nnothing\n") == {"A": "b=c", "Empty": ""}


@pytest.mark.parametrize(
    ("state", "wanted_by", "expected"),
    [
        ("enabled", ["multi-user.target"], True),
        ("enabled-runtime", ["postgresql.service"], True),
        ("enabled-runtime", ["other.service"], False),
        ("enabled-runtime", ["other.service", "postgresql.service"], True),
        ("enabled", [], True),
        ("disabled", ["postgresql.service"], False),
        ("static", [], False),
        ("", [], None),
    ],
)
def test_a_unit_starts_with_the_host_by_what_wants_it(state: str, wanted_by: list[str], expected: bool | None) -> None:
    states = {"postgresql.service": "enabled", "other.service": "disabled"}
    assert starts_with_host(state, wanted_by, states.__getitem__) is expected


def test_bytes_that_are_no_text_are_shown() -> None:
    name = b"log\xff-\xc3\xa4".decode("utf-8", "surrogateescape")
    assert readable({"path": [name, 1, None]}) == {"path": ["log\\xff-\u00e4", 1, None]}


@pytest.mark.parametrize(
    ("entry", "locked"),
    [("!", True), ("*", True), ("!$6$x", True), ("", False), ("$6$x", False)],
)
def test_an_account_is_locked_when_no_password_fits(entry: str, locked: bool) -> None:
    lines = [f"postgres:{entry}:1::::::\n", "other:x:1::::::\n"]
    assert is_locked("postgres", lines) is locked
    assert is_locked("nobody", lines) is None


def test_the_last_umask_counts() -> None:
    assert last_umask(["umask 022\n", "if true; then\n  umask 077 # ours\nfi\n", "# umask 000\n"]) == "0077"
    assert last_umask(["umaskx 022\n", ""]) is None


@pytest.mark.parametrize(
    ("login", "asked", "expected"),
    [
        ("UMASK 077\n", True, "0077"),
        ("UMASK\t\t027\nUSERGROUPS_ENAB yes\n", True, "0007"),
        ("UMASK 077\nUSERGROUPS_ENAB no\n", True, "0077"),
        ("UMASK 077\n", False, "0022"),
        ("# UMASK 077\n", True, "0022"),
        ("", True, "0022"),
    ],
)
def test_logins_have_a_umask_of_their_own(login: str, asked: bool, expected: str) -> None:
    assert default_umask(login, asked) == expected


def test_a_profile_may_be_for_another_account() -> None:
    text = 'if [ "$(id -un 2>/dev/null)" = "postgres" ]; then\n  umask 077\nfi\n'
    assert is_for("postgres", text)
    assert not is_for("other", text)
    assert is_for("other", "umask 077\n")


@pytest.mark.parametrize(
    ("text", "off"),
    [
        ("PSQL_HISTORY=/dev/null\n", True),
        ("  export PSQL_HISTORY='/dev/null' # none\n", True),
        ("# PSQL_HISTORY=/dev/null\n", False),
        ("PSQL_HISTORY=/dev/null.txt\n", False),
        ("PSQL_HISTORY=~/history\n", False),
    ],
)
def test_a_profile_turns_the_history_off(text: str, off: bool) -> None:
    assert turns_history_off(text) is off


def test_when_a_job_is_started() -> None:
    cron = "SHELL=/bin/sh\n30 2 * * * postgres nice -n 10 /usr/local/bin/rampart-backup run x; exec y\n"
    assert calendar_of("[Timer]\nOnCalendar=*-*-* 02:30:00\n", "") == "*-*-* 02:30:00"
    assert calendar_of("", cron) == "30 2 * * *"
    assert calendar_of("", "") is None


def test_repositories_without_their_secrets() -> None:
    texts = [
        "[global]\nrepo1-path=/srv/a\nrepo1-cipher-type=aes-256-cbc\nrepo1-cipher-pass=secret\nrepo2-type = s3\n",
        "[main]\nrepo2-s3-bucket=b\nrepo1-path=/srv/main\n[other]\nrepo3-path=/srv/other\n[global:backup]\nrepo1-path=/x\n",
    ]
    assert repository_options(texts, "main") == {
        1: {"type": "posix", "cipher-type": "aes-256-cbc", "path": "/srv/main"},
        2: {"type": "s3", "cipher-type": "none", "s3-bucket": "b"},
    }
    assert repository_options(texts, "new")[1]["path"] == "/srv/a"
    assert repository_options([], "main") == {}
