# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is told of what was seen, and how a search path is taken apart."""

from __future__ import annotations

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.definers import Definer
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.definers import Makers
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.definers import path_names
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.definers import traps
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.looking import Looked
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.looking import Policy
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.looking import Protected
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.secrets import Readable
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.telling import findings

MAKERS = Makers(
    schemas=frozenset({"app", "public", "owner"}),
    of_schema={"public": frozenset({"", "owner"}), "app": frozenset({"owner", "admin"}), None: frozenset({"dba"})},
    insiders={"owner": frozenset({"admin"})},
)


@pytest.mark.parametrize(
    ("setting", "names"),
    [
        ("", []),
        ('""', [""]),
        ("app, pg_temp", ["app", "pg_temp"]),
        ('"$user", public', ["$user", "public"]),
        ('"Odd ""name, 100%", App', ['Odd "name, 100%', "app"]),
        ('app,"b"', ["app", "b"]),
        ('app, "not closed', ["app"]),
    ],
)
def test_a_search_path_is_taken_apart_as_the_server_does(setting: str, names: list[str]) -> None:
    assert path_names(setting) == names


@pytest.mark.parametrize(
    ("path", "temporary", "told"),
    [
        ("app, pg_temp", ("",), []),
        ("app", (), []),
        ("app", ("",), [("pg_temp is not in", ("",))]),
        ("pg_temp, app", ("clerk",), [("pg_temp is not last in", ("clerk",))]),
        ("public, pg_temp", (), [("schema public, and they may make objects", ("",))]),
        ('"$user", app, pg_temp', (), []),
        ("gone, pg_temp", (), [("schema gone, and it is not there", ("dba",))]),
        ('""', (), []),
        ("public, public, pg_temp", (), [("schema public", ("",))]),
    ],
)
def test_a_path_is_a_trap_where_a_stranger_makes_objects_in_it(
    path: str, temporary: tuple[str, ...], told: list[tuple[str, tuple[str, ...]]]
) -> None:
    found = list(traps(Definer("f()", "owner", path, temporary), MAKERS))
    assert [trap.roles for trap in found] == [roles for _reason, roles in told]
    assert all(reason in trap.reason for (reason, _roles), trap in zip(told, found))


def test_a_secret_is_told_once_for_each_way_with_everybody_who_reads_it_somewhere() -> None:
    one = Readable("subscription_secret", "shop", 'subscription "s"', "postgres", "SELECT", ("b", "a"))
    looked = {
        "postgres": Looked(secrets=(one, one._replace(way="files", readers=("c",)))),
        "shop": Looked(secrets=(one._replace(readers=("d", "a")),)),
    }
    found = findings(looked, [])
    assert [(each["object"], each["database"], each["reason"], each["roles"]) for each in found] == [
        ('subscription "s"', "shop", "SELECT", ["a", "b", "d"]),
        ('subscription "s"', "shop", "files", ["c"]),
    ]


def test_every_finding_has_the_same_keys() -> None:
    looked = {
        "shop": Looked(
            untrusted_functions=(("f()", "o"),),
            languages=(("plx", "o"),),
            tables=(
                Protected("app", "t", "o", False, (Policy("p", True, (("g()", "w"),)),)),
                Protected("a", "u", "o", True),
            ),
            definers=(Definer("d()", "o", None), Definer("e()", "o", "app", ("",))),
            makers=MAKERS,
            secrets=(Readable("user_mapping_secret", "shop", "m", "o", "way", ("r",)),),
        )
    }
    found = findings(looked, ["seer"])
    assert {frozenset(each) for each in found} == {
        frozenset({"kind", "database", "object", "owner", "reason", "roles"})
    }
    assert len({each["kind"] for each in found}) == len(found) - 1 == 10
