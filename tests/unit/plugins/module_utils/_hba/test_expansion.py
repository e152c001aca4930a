"""Files that files name."""

from __future__ import annotations

from ansible_collections.rampart.postgresql.plugins.module_utils._hba.dialects import DIALECTS
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.recorder import Snapshot
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.records import Record
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.records import parse_text

FILES = Snapshot(
    texts={
        "/etc/pg/names": 'a, +b\n"c d" # e\n',
        "/etc/pg/empty": "# nothing\n",
        "/etc/pg/more.conf": "local more u trust\n",
        "/etc/pg/self.conf": "local self u trust\ninclude self.conf\n",
        "/etc/pg/d/b.conf": "local b u trust\n",
        "/etc/pg/d/B.conf": "local B u trust\n",
        "/etc/pg/dir": IsADirectoryError(21, "Is a directory"),
    },
    directories={"/etc/pg/d": ("b.conf", "B.conf", ".c.conf", "d.txt")},
)


def parse(text: str, major: int = 17) -> list[Record]:
    return parse_text(text, DIALECTS[major], path="/etc/pg/pg_hba.conf", sources=FILES)


def test_names_from_a_file_keep_their_quotes_but_not_the_at_sign() -> None:
    [record] = parse("local db x,@names trust")
    assert [(token.text, token.quoted) for token in record.users] == [
        ("x", False),
        ("a", False),
        ("+b", False),
        ("c d", True),
    ]
    assert [token.raw for token in record.spelled[2]] == ["x", "@names"]


def test_an_empty_file_lets_fields_shift() -> None:
    [record] = parse("local db @empty u trust")
    assert record.accepted and [token.text for token in record.users] == ["u"]


def test_includes_stand_in_place_and_in_order() -> None:
    records = parse("local a u trust\ninclude more.conf\ninclude_dir d\nlocal z u trust")
    assert [record.databases[0].text for record in records] == ["a", "more", "B", "b", "z"]
    assert [record.path for record in records][1] == "/etc/pg/more.conf"


def test_a_file_that_includes_itself_ends() -> None:
    records = parse("include self.conf")
    assert [record.accepted for record in records] == [True] * 10 + [False]
    assert records[-1].error == 'could not open file "/etc/pg/self.conf": maximum nesting depth exceeded'


def test_a_directory_is_an_empty_file_but_in_13() -> None:
    assert parse("include dir") == []
    assert parse("local @dir u trust", 13)[0].error == 'could not read file "/etc/pg/dir": Is a directory'


def test_errors_name_the_file_as_each_version_does() -> None:
    assert parse("local @no u trust", 15)[0].error == (
        'could not open secondary authentication file "@no" as "/etc/pg/no": No such file or directory'
    )
    assert parse("local @no u trust", 16)[0].error == 'could not open file "/etc/pg/no": No such file or directory'
    assert parse("include_dir no")[0].error == 'could not open directory "/etc/pg/no"'
