# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Passwords: verifiers as the standards have them, what is sent, and that no text shows a secret."""

from __future__ import annotations

import base64
import dataclasses
import typing as t

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import Unsupported
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Planned
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import RoleBecomes
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import RunSql
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.arguments import component
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.passwords import verifiers
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.passwords.state import QUIET
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.passwords.state import Passwords
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.passwords.state import Stored
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.state import Role
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.state import State

SECRET = "s3cret-of-app"
SALT = base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")
ROLES = (Role(oid=10, name="postgres", attributes=("SUPERUSER",)), Role(oid=16384, name='a"pp', attributes=()))


def passwords(stored: Stored | None = None, **changes: t.Any) -> Passwords:
    found = {} if stored is None else {stored.name: stored}
    return Passwords(stored=found, salts={'a"pp': SALT}, settings=tuple(sorted(QUIET)[:3]), **changes)


def scram(secret: str = SECRET, iterations: int = 4096) -> Stored:
    salt = b"another salt"
    verifier = verifiers.scram_verifier(secret, salt, iterations)
    digest = verifiers.digest(verifier)
    return Stored('a"pp', "scram-sha-256", iterations, base64.b64encode(salt).decode(), digest)


def md5(secret: str = SECRET) -> Stored:
    return Stored('a"pp', "md5", digest=verifiers.digest(verifiers.md5_verifier(secret, 'a"pp')))


def plan(found: Passwords | None, offered: t.Any = None, **values: t.Any) -> Planned:
    state = State(roles=ROLES, login="postgres", superuser=True, passwords=found)
    return component({"passwords": {'a"pp': SECRET}, **values}).plan(state, offered)


def told(planned: Planned) -> list[str]:
    return [step.description for step in planned.steps if step.told]


def test_a_verifier_is_the_one_of_the_standard() -> None:
    """The example of RFC 7677: both keys follow from the proof and the signature there."""
    found = verifiers.scram_verifier("pencil", SALT, 4096)
    assert found == (
        "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY="
        ":wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
    )


@pytest.mark.parametrize(
    ("password", "prepared"),
    [
        ("plain", "plain"),
        ("I\u00adX", "IX"),
        ("\u2168", "IX"),
        ("\u00aa", "a"),
        ("a\u00a0b", "a b"),
        ("\u0627\u0031", "\u0627\u0031"),  # prohibited, so taken as it is
        ("a\u0007\u00e9", "a\u0007\u00e9"),
        ("tab\t", "tab\t"),
        ("\u00ad", "\u00ad"),
        ("\u0221", "\u0221"),  # unassigned in the Unicode of the standard
    ],
)
def test_passwords_are_prepared_as_the_server_does(password: str, prepared: str) -> None:
    assert verifiers.prepared(password) == prepared.encode()


def test_the_right_password_is_left_alone() -> None:
    assert not plan(passwords(scram())).steps
    assert not plan(passwords(scram(iterations=9000), iterations=9000)).steps
    assert not plan(passwords(scram(iterations=9000))).steps
    assert not plan(passwords(scram(iterations=4096), iterations=9000), {"x": {"scram_iterations": "4096"}}).steps


@pytest.mark.parametrize(
    ("stored", "iterations", "becomes"),
    [
        (scram("other"), None, "renewed"),
        (scram(), 5000, "kept"),
        (md5(), None, "kept"),
        (md5("other"), None, "renewed"),
        (Stored('a"pp', "none"), None, "renewed"),
        (Stored('a"pp', "unknown"), None, "renewed"),
    ],
)
def test_another_one_is_set_and_nothing_shows_it(stored: Stored, iterations: int | None, becomes: str) -> None:
    planned = plan(passwords(stored, iterations=iterations))
    assert told(planned) == ["set the password"] and len(planned.steps) == 4
    last = planned.steps[-1].operation
    assert isinstance(last, RunSql)
    count = iterations or 4096
    verifier = verifiers.scram_verifier(SECRET, SALT, count)
    assert str(last.statement) == f'ALTER ROLE "a""pp" PASSWORD \'{verifier}\''
    assert planned.effects == (
        RoleBecomes('a"pp', "verifier", "scram-sha-256"),
        RoleBecomes('a"pp', "password", becomes),
    )
    shown = f"{planned!r} {[step.result() for step in planned.steps]}"
    assert SECRET not in shown and verifier not in shown and verifier.rsplit("$", maxsplit=1)[-1] not in shown
    assert SECRET in f"{SECRET!r}"  # the search finds what is there


def test_iterations_that_this_run_sets_count() -> None:
    planned = plan(passwords(scram()), {"settings": {"scram_iterations": "9000"}})
    assert planned.steps[-1].after == "verifier: scram-sha-256, 9000 iterations"


def test_credcheck_wants_to_see_passwords() -> None:
    assert not plan(passwords(scram(), refuses_verifiers=True)).steps
    with pytest.raises(Unsupported, match="credcheck refuses passwords that arrive hashed"):
        plan(passwords(md5(), refuses_verifiers=True))
    assert plan(passwords(md5(), refuses_verifiers=False)).steps


def test_the_login_of_the_run_does_not_lock_itself_out() -> None:
    with pytest.raises(InputError, match="passwords: 'a\"pp' cannot be used: a role other than the login"):
        plan(passwords(md5("other"), own='a"pp'))
    assert told(plan(passwords(md5(), own='a"pp')))  # it shows the same password to the new verifier
    assert told(plan(passwords(md5("other"), own="postgres")))


def test_who_may_not_look_is_told() -> None:
    with pytest.raises(Unsupported, match="only a superuser"):
        plan(None)
    assert plan(passwords()).warnings == ()


def test_a_role_that_is_not_there_is_a_warning() -> None:
    planned = plan(passwords(), passwords={"ghost": SECRET})
    assert planned.warnings == ("passwords: this cluster has no role 'ghost'",) and not planned.steps


@pytest.mark.parametrize(
    "given",
    [
        {"app": ""},
        {"app": "nul\0secret"},
        {"app": "half \ud800secret"},
        {"app": 12345678},
        {"app": "md5" + "0" * 32},
        {"app": "SCRAM-SHA-256$secret"},
        {"pg_monitor": "secret"},
        {"": "secret"},
    ],
)
def test_bad_passwords_are_refused_without_being_shown(given: dict[str, t.Any]) -> None:
    with pytest.raises(InputError) as caught:
        component({"passwords": given}, option="roles")
    assert caught.value.option == "roles.passwords"
    assert "secret" not in str(caught.value) and "1234" not in str(caught.value)


def test_the_stages_from_md5_to_scram() -> None:
    def state(kinds: tuple[tuple[str, str], ...], rules: bool) -> dict[str, t.Any]:
        found = State(roles=ROLES, login="postgres", superuser=True, passwords=Passwords(kinds=kinds), md5_rules=rules)
        reported: dict[str, t.Any] = component({}).plan(found).standing["password_state"]
        return reported

    both = (("a", "md5"), ("b", "scram-sha-256"), ("c", "none"))
    assert state(both, True) == {
        "scram": 1,
        "md5": ["a"],
        "none": ["c"],
        "unknown": [],
        "expired": [],
        "md5_rules": True,
        "next": "change passwords",
    }
    assert state(both[1:], True)["next"] == "tighten rules"
    assert state(both[1:], False)["next"] == "done"
    assert "password_state" not in component({}).plan(dataclasses.replace(State(ROLES, "postgres", True))).standing
