"""Who can do what, by memberships of all sorts, and how few rows that takes."""

from __future__ import annotations

import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._access_review.access import review
from ansible_collections.rampart.postgresql.plugins.module_utils._access_review.graph import Graph
from ansible_collections.rampart.postgresql.plugins.module_utils._access_review.graph import Membership
from ansible_collections.rampart.postgresql.plugins.module_utils._access_review.graph import Role
from ansible_collections.rampart.postgresql.plugins.module_utils._access_review.objects import Group
from ansible_collections.rampart.postgresql.plugins.module_utils._access_review.objects import Item
from ansible_collections.rampart.postgresql.plugins.module_utils._access_review.objects import Place
from ansible_collections.rampart.postgresql.plugins.module_utils._access_review.objects import Thing
from ansible_collections.rampart.postgresql.plugins.module_utils._access_review.objects import groups

BOSS, OWNER, READERS, ANNA, PAUL, READ_ALL, DATABASE_OWNER = 10, 11, 12, 13, 14, 15, 16
ROLES: t.Final = (
    Role(BOSS, "boss", ("SUPERUSER", "LOGIN")),
    Role(OWNER, "owner"),
    Role(READERS, 'read"ers', ("CREATEDB", "BYPASSRLS")),
    Role(ANNA, "anna", ("LOGIN",)),
    Role(PAUL, "paul", ("LOGIN", "CREATEDB")),
    Role(READ_ALL, "pg_read_all_data"),
    Role(DATABASE_OWNER, "pg_database_owner"),
)
NAMES: t.Final = {role.name: role.oid for role in ROLES}
ACLS: t.Final[dict[str, tuple[Item, ...]]] = {
    "none": (),
    "connect": (Item(0, "CONNECT"),),
    "open": (Item(0, "USAGE"),),
    "anna": (Item(ANNA, "USAGE"),),
    "owners": (Item(DATABASE_OWNER, "USAGE"),),
    "readers": (Item(OWNER, "SELECT"), Item(OWNER, "INSERT"), Item(READERS, "SELECT", True)),
    "both": (Item(READERS, "SELECT"), Item(READERS, "DELETE"), Item(ANNA, "SELECT")),
    "readers connect": (Item(READERS, "CONNECT"),),
    "everybody": (Item(0, "SELECT"),),
    "column": (Item(READERS, "UPDATE"), Item(READERS, "SELECT")),
}


def place(*found: Group, schema: str = "open", database: str = "connect") -> Place:
    """A database that owner has, with the schema s."""
    (itself,) = groups("database", [Thing("", "shop", OWNER, database)], ACLS, NAMES)
    (of_schema,) = groups("schema", [Thing("", "s", BOSS, schema)], ACLS, NAMES)
    return Place("shop", found, itself, {"s": of_schema})


def tables(*named: tuple[str, str], kind: str = "table", columns: tuple[tuple[str, str], ...] = ()) -> list[Group]:
    """Tables of owner in the schema s, by their names with their ACLs."""
    return groups(kind, [Thing("s", name, OWNER, acl, columns) for name, acl in named], ACLS, NAMES)


def rows(where: Place, role: int, *memberships: Membership, kind: str | None = "table") -> list[tuple[t.Any, ...]]:
    """What a role has beyond everybody, as privileges, SET ROLE, ways, and what is missing."""
    graph = Graph(ROLES, memberships)
    found = review(graph, [graph.roles[role]], [where])
    return [
        (row["privileges"], row["set_role"], row["ways"], row["missing"])
        for row in found
        if row["kind"] == kind and row["role"] == graph.roles[role].name
    ]


def test_a_grant_an_owner_and_a_member_are_told_apart() -> None:
    here = place(*tables(("t", "readers")))
    assert rows(here, READERS) == [(["SELECT"], "", ["direct"], [])]
    assert rows(here, OWNER) == [(["INSERT", "OWNER", "SELECT"], "", ["owner"], [])]
    assert rows(here, ANNA, Membership(READERS, ANNA)) == [(["SELECT"], "", ['member of "read""ers"'], [])]
    through = (Membership(READERS, PAUL), Membership(PAUL, ANNA))
    assert rows(here, ANNA, *through) == [(["SELECT"], "", ['member of "read""ers" through "paul"'], [])]
    assert rows(here, ANNA, Membership(OWNER, ANNA)) == [
        (["INSERT", "OWNER", "SELECT"], "", ['owner: member of "owner"'], [])
    ]
    assert rows(here, ANNA) == []


def test_what_has_to_be_become_first() -> None:
    here = place(*tables(("t", "readers")))
    assert rows(here, ANNA, Membership(READERS, ANNA, inherits=False)) == [(["SELECT"], 'read"ers', ["direct"], [])]
    assert rows(here, ANNA, Membership(READERS, ANNA, inherits=False, sets=False, administers=True)) == []
    chain = (Membership(READERS, PAUL), Membership(PAUL, ANNA, inherits=False))
    assert rows(here, ANNA, *chain) == [(["SELECT"], "paul", ['member of "read""ers"'], [])]
    twice = (Membership(READERS, ANNA, inherits=False), Membership(READERS, ANNA, sets=False))
    assert rows(here, ANNA, *twice) == [(["SELECT"], "", ['member of "read""ers"'], [])]


def test_what_somebody_has_at_once_is_not_told_again() -> None:
    here = place(*tables(("t", "both")))
    assert rows(here, ANNA, Membership(READERS, ANNA, inherits=False)) == [
        (["SELECT"], "", ["direct"], []),
        (["DELETE"], 'read"ers', ["direct"], []),
    ]


def test_only_who_logs_in_needs_connect() -> None:
    here = place(*tables(("t", "readers")), database="readers connect")
    assert rows(here, ANNA, Membership(READERS, ANNA, inherits=False)) == [
        (["SELECT"], 'read"ers', ["direct"], ["CONNECT"])
    ]
    assert rows(here, ANNA, Membership(READERS, ANNA)) == [(["SELECT"], "", ['member of "read""ers"'], [])]


def test_what_is_held_and_cannot_be_used() -> None:
    here = place(*tables(("t", "readers")), schema="none")
    assert rows(here, READERS) == [(["SELECT"], "", ["direct"], ["USAGE"])]
    here = place(*tables(("t", "readers")), schema="none", database="none")
    assert rows(here, READERS) == [(["SELECT"], "", ["direct"], ["CONNECT", "USAGE"])]
    here = place(*tables(("t", "readers")), schema="anna")
    both = (Membership(READERS, PAUL), Membership(ANNA, PAUL, inherits=False))
    assert rows(here, PAUL, *both) == [(["SELECT"], "", ['member of "read""ers"'], ["USAGE"])]


def test_what_everybody_has_is_told_where_only_somebody_reaches_it() -> None:
    assert rows(place(*tables(("t", "everybody"))), ANNA) == []
    closed = place(*tables(("t", "everybody")), schema="anna")
    assert rows(closed, ANNA) == [(["SELECT"], "", ["public"], [])]
    assert rows(closed, PAUL) == []
    assert [row["missing"] for row in review(Graph(ROLES, ()), [], [closed])] == [["USAGE"]]


def test_roles_of_the_server_that_no_acl_names() -> None:
    here = place(*tables(("t", "none")), schema="none")
    assert rows(here, ANNA, Membership(READ_ALL, ANNA)) == [(["SELECT"], "", ['member of "pg_read_all_data"'], [])]
    here = place(*tables(("t", "readers")), schema="owners")
    assert rows(here, OWNER)[0][3] == []
    assert rows(here, READERS)[0][3] == ["USAGE"]


def test_attributes_nobody_inherits() -> None:
    here = place()
    assert rows(here, PAUL, Membership(READERS, PAUL), kind="cluster") == [
        (["LOGIN", "CREATEDB"], "", ["direct"], []),
        (["BYPASSRLS"], 'read"ers', ["direct"], []),
    ]
    assert rows(here, PAUL, Membership(BOSS, PAUL), kind="cluster")[1][:2] == (["SUPERUSER"], "boss")
    assert rows(here, PAUL, Membership(BOSS, PAUL, sets=False), kind="cluster")[1:] == []
    found = review(Graph(ROLES, ()), [ROLES[0]], [place(*tables(("t", "readers")))])
    assert [row["kind"] for row in found if row["role"] == "boss"] == ["cluster"]


def test_memberships_with_their_ways() -> None:
    chain = (Membership(READERS, PAUL, administers=True), Membership(PAUL, ANNA, inherits=False))
    assert rows(place(), ANNA, *chain, kind="role") == [
        (["SET"], "", ["direct"], []),
        (["SET", "ADMIN"], "", ['through "paul"'], []),
    ]


def test_columns_beyond_what_the_whole_table_gives() -> None:
    of_table = (("t", "readers"), ("u", "none"))
    here = place(*tables(*of_table, kind="column", columns=(("a", "column"), ("b", "column"), ("c", "none"))))
    found = [row for row in review(Graph(ROLES, ()), [ROLES[2]], [here]) if row["kind"] == "column"]
    assert sorted((row["objects"], row["columns"], row["privileges"]) for row in found) == [
        (["t"], ["a", "b"], ["UPDATE"]),
        (["u"], ["a", "b"], ["SELECT", "UPDATE"]),
    ]


def test_many_tables_stay_few_rows() -> None:
    def found(*named: tuple[str, str]) -> list[dict[str, t.Any]]:
        where = place(*tables(*named))
        return [row for row in review(Graph(ROLES, ()), [ROLES[2]], [where]) if row["kind"] == "table"]

    many = [(f"t{number}", "readers") for number in range(20_000)]
    (row,) = found(*many)
    assert (row["objects"], row["count"], row["total"], row["digest"]) == ([], 20_000, 20_000, "")
    assert row["grantable"]
    (row,) = found(*many, ("other", "none"))
    (another,) = found(*many[1:], ("t20000", "readers"), ("other", "none"))
    assert (row["objects"], row["count"], row["total"]) == ([], 20_000, 20_001)
    assert row["digest"] != another["digest"]
    (row,) = [
        row
        for row in review(Graph(ROLES, ()), [ROLES[2]], [place(*tables(*many[:60], ("other", "none")))], listed=60)
        if row["kind"] == "table"
    ]
    assert (len(row["objects"]), row["digest"]) == (60, "")
    (row,) = found(*many[:3])
    assert row["objects"] == ["t0", "t1", "t2"]


def test_an_owner_that_does_not_inherit_is_no_owner_of_the_database_until_15() -> None:
    here = place(*tables(("t", "readers")), schema="owners")
    proud = Role(OWNER, "owner", inherits=False)
    found = review(Graph([proud if role.oid == OWNER else role for role in ROLES], ()), [proud], [here])
    assert [(row["set_role"], row["missing"]) for row in found if row["kind"] == "table"] == [("", ["USAGE"])]
