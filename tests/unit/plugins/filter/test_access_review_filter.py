"""Reviews of a fleet as tables and rows, and what changed since one was signed off."""

from __future__ import annotations

import csv
import io
import typing as t

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.rampart.postgresql.plugins.filter.access_review import access_review

ROW: t.Final = {
    "role": "anna",
    "set_role": "",
    "kind": "table",
    "database": "shop",
    "schema": "sales",
    "objects": ["orders"],
    "columns": [],
    "count": 1,
    "total": 3,
    "digest": "",
    "privileges": ["SELECT"],
    "grantable": False,
    "ways": ["direct"],
    "missing": [],
}


def told(*rows: dict[str, t.Any], unreadable: dict[str, str] | None = None) -> dict[str, t.Any]:
    """What the module returns."""
    return {"rows": list(rows), "unreadable": unreadable or {}, "server": {"cluster": "17/main"}, "changed": False}


def row(**changes: t.Any) -> dict[str, t.Any]:
    """One of them, about something else."""
    return {**ROW, **changes}


def signed(*rows: dict[str, t.Any], host: str = "db1") -> t.Any:
    """The rows of an earlier review of one host."""
    return access_review(told(*rows), form="rows", host=host)


def difference(now: t.Any, then: t.Any) -> dict[str, list[tuple[t.Any, ...]]]:
    """What changed, as roles, objects, columns and privileges."""
    found = access_review(now, form="rows", signed=then)
    return {
        word: [(each["role"], each["objects"], each["columns"], each["privileges"]) for each in rows]
        for word, rows in found.items()
        if rows
    }


def test_rows_have_their_host_and_cluster() -> None:
    (found,) = access_review({"db1": told(row())}, form="rows")
    assert found == {**ROW, "host": "db1", "cluster": "17/main", "reason": ""}
    loop = {"results": [told(row()), told(row(role="paul"))]}
    assert [each["role"] for each in access_review({"db1": loop, "db2": {"skipped": True}}, form="rows")] == [
        "anna",
        "paul",
    ]


def test_what_cannot_be_looked_at_is_unknown() -> None:
    now = {"db1": told(row(), unreadable={"database archive": "no\nlogin"}), "db2": {"failed": True, "msg": "down"}}
    found = access_review(now, form="rows")
    assert [(each["host"], each["kind"], each["database"], each["reason"]) for each in found] == [
        ("db1", "table", "shop", ""),
        ("db1", "unknown", "archive", "no\nlogin"),
        ("db2", "unknown", "", "down"),
    ]
    assert "no\\nlogin" in access_review(now)
    assert "| db2 |  |  | down |" in access_review(now, form="markdown")


def test_what_changed_is_told_to_the_privilege() -> None:
    then = signed(row(objects=["a", "b"], privileges=["SELECT", "UPDATE"]), row(role="gone"))
    now = {"db1": told(row(objects=["a", "b", "c"], privileges=["INSERT", "SELECT"]))}
    assert difference(now, then) == {
        "added": [("anna", ["a", "b"], [], ["INSERT"]), ("anna", ["c"], [], ["INSERT", "SELECT"])],
        "removed": [("anna", ["a", "b"], [], ["UPDATE"]), ("gone", ["orders"], [], ["SELECT"])],
        "same": [("anna", ["a", "b"], [], ["SELECT"])],
    }


def test_another_way_or_a_grant_option_is_a_change() -> None:
    now = {"db1": told(row())}
    assert difference(now, signed(row())) == {"same": [("anna", ["orders"], [], ["SELECT"])]}
    for changes in ({"ways": ["owner"]}, {"grantable": True}, {"missing": ["USAGE"]}, {"set_role": "boss"}):
        assert set(difference(now, signed(row(**changes)))) == {"added", "removed"}, changes


def test_columns_are_compared_one_by_one() -> None:
    now = {"db1": told(row(kind="column", columns=["a", "b"], privileges=["SELECT", "UPDATE"]))}
    then = signed(row(kind="column", columns=["a"], privileges=["SELECT"]))
    assert difference(now, then)["added"] == [
        ("anna", ["orders"], ["a", "b"], ["UPDATE"]),
        ("anna", ["orders"], ["b"], ["SELECT"]),
    ]


def test_all_of_many_is_the_same_when_there_are_more() -> None:
    many = {"objects": [], "count": 900, "total": 900}
    then = signed(row(**many))
    assert set(difference({"db1": told(row(objects=[], count=901, total=901))}, then)) == {"same"}
    assert set(difference({"db1": told(row(objects=[], count=900, total=901, digest="ab"))}, then)) == {
        "added",
        "removed",
    }


def test_what_was_not_looked_at_is_not_removed() -> None:
    then = [*signed(row()), *signed(row(), host="db2"), *signed(row(), host="db3"), *signed(row(database="archive"))]
    now = {"db1": told(unreadable={"database archive": "no login"}), "db2": {"unreachable": True, "msg": "away"}}
    found = access_review(now, form="rows", signed=then)
    assert [each["database"] for each in found["removed"]] == ["shop"]
    assert sorted((each["host"], each["database"]) for each in found["unknown"]) == [
        ("db1", "archive"),
        ("db2", "shop"),
        ("db3", "shop"),
    ]
    text = access_review(now, signed=then)
    assert "- removed  db1" in text
    assert text.endswith("0 added, 1 removed, 0 same, 3 unknown\n")


@pytest.mark.parametrize(
    ("scope", "gone"),
    [
        ({}, {"anna", "paul", "public"}),
        ({"roles": None, "databases": None, "kinds": ["table"]}, {"anna", "paul", "public"}),
        ({"roles": ["paul"]}, {"paul", "public"}),
        ({"roles": ["/a.*"]}, {"anna", "public"}),
        ({"databases": ["/sh.p", "archive"]}, {"anna", "paul", "public"}),
        ({"databases": ["archive"]}, set()),
        ({"kinds": ["column"]}, set()),
    ],
)
def test_what_was_not_asked_about_is_not_removed(scope: dict[str, t.Any], gone: set[str]) -> None:
    then = signed(row(), row(role="paul"), row(role="public"), row(role="paul", kind="cluster", database="", schema=""))
    found = access_review({"db1": {**told(), "scope": scope}}, form="rows", signed=then)
    assert {each["role"] for each in found["removed"] if each["kind"] == "table"} == gone
    assert {each["role"] for each in found["unknown"] if each["kind"] == "table"} == {"anna", "paul", "public"} - gone
    [attribute] = [each for word in ("removed", "unknown") for each in found[word] if each["kind"] == "cluster"]
    assert (attribute in found["removed"]) is (scope.get("roles") in (None, ["paul"]))


def test_tables_count_what_is_too_much() -> None:
    names = [f"t{number}" for number in range(12)]
    text = access_review({"db1": told(row(objects=names, count=12, total=12), row(objects=[], count=99, total=200))})
    assert "all 12: t0, t1, t2, t3, t4, t5, t6, t7 and 4 more" in text
    assert "99 of 200" in text


def test_names_are_data_everywhere() -> None:
    name = "<script>|`*\n\x1b[2J\u202e"
    now = {"db1": told(row(role=name, objects=["=1+1"], ways=["@x"]))}
    markdown = access_review(now, form="markdown")
    assert "### &lt;script&gt;\\|\\`\\*\\\\n\\\\u\\{1b\\}\\[2J\\\\u\\{202e\\}\n" in markdown
    text = access_review(now)
    assert all(line.isprintable() for line in text.splitlines())
    assert len(text.splitlines()) == 2
    head, cells = csv.reader(io.StringIO(access_review(now, form="csv")))
    found = dict(zip(head, cells, strict=True))
    assert (found["role"], found["objects"], found["ways"]) == (
        "<script>|`*\\n\\u{1b}[2J\\u{202e}",
        "'=1+1",
        "'@x",
    )
    for formula in ("=x", "+x", "-x", "@x", " =x"):
        table = access_review({"db1": told(row(role=formula))}, form="csv")
        assert f"'{formula}" in table


def test_a_table_for_spreadsheets_says_what_changed() -> None:
    lines = list(
        csv.DictReader(io.StringIO(access_review({"db1": told(row())}, form="csv", signed=signed(row(role="x")))))
    )
    assert [(line["change"], line["role"]) for line in lines] == [("added", "anna"), ("removed", "x")]


@pytest.mark.parametrize(
    ("given", "options", "message"),
    [
        ("text", {}, "give what rampart.postgresql.access_review returned"),
        ({"db1": told({**ROW, "objects": [1]})}, {}, "a row as the filter access_review returns it"),
        ({"db1": told({**ROW, "kind": ""})}, {}, "a row as the filter access_review returns it"),
        ({"db1": told()}, {"signed": {}}, "signed: .* the rows of a review"),
        ({"db1": told()}, {"form": "html"}, "form: 'html'"),
        ({"db1": told()}, {"host": 1}, "host: 1"),
    ],
)
def test_what_is_refused(given: object, options: dict[str, t.Any], message: str) -> None:
    with pytest.raises(AnsibleFilterError, match=message):
        access_review(given, **options)
