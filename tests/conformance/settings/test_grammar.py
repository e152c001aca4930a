# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lines of configuration files: we read and write them as every major version does."""

from __future__ import annotations

import random
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._settings import grammar

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

LINES = 1000
PIECES = (
    *("log_line_prefix", "LOG_Line_Prefix", "a.b", "_x", "é", "x.y.z", "9x", "include_dirs"),
    *("=", "==", " ", "  ", "\t", "\r", "\f", "#", "# note", "'", "''", "\\", "\\'", "\\n", "\\101", "\\8", '"', ","),
    *("'a b'", "'it''s'", "'it\\'s'", "'tab\\tend'", "'\\b\\f\\r'", "'#'", "'é'", "''''", "'a' 'b'"),
    *(
        "on",
        "a-b",
        "a:b/c.d",
        "1",
        "-1",
        "+1",
        "0x1F",
        "10MB",
        "1.5",
        ".5",
        "1.",
        "1e5",
        "1.5e-3",
        "-.5E+3",
        "0x",
        "%m",
        "/x",
    ),
)
TEXTS = (
    "",
    " ",
    "it's",
    "back\\slash",
    "\\'",
    "new\nline",
    "a\rb",
    "tab\t",
    "#",
    '"q"',
    "é%m [%p]: ",
    "'",
    "''",
    "\\n",
    "x=1",
)
_ROWS = """
SELECT sourceline, name, setting, error FROM pg_catalog.pg_file_settings
WHERE sourcefile LIKE '%/lines.conf' ORDER BY seqno"""


def prepare(server: Server) -> None:
    with server.conf_file.open("a", encoding="utf-8") as stream:
        stream.write("include_if_exists 'lines.conf'\n")


def write(server: Server, lines: list[str]) -> None:
    text = "\n".join(lines) + "\n"
    (server.data_directory / "lines.conf").write_bytes(text.encode())


def random_line(chance: random.Random) -> str:
    if chance.random() < 0.5:
        separator = chance.choice([" = ", "=", " ", "\t=", " == ", ""])
        return (
            f"{chance.choice(PIECES[:8])}{separator}{chance.choice(PIECES)}{chance.choice(['', '', ' # x', 'x', ' 2'])}"
        )
    return "".join(chance.choice(PIECES) for _attempt in range(chance.randint(1, 5)))


def test_lines_are_read_as_the_server_reads_them(fresh_server: Server) -> None:
    """Lines that we understand go into one file; each that we do not gets one, as the view stops at the first fault."""
    prepare(fresh_server)
    chance = random.Random(13)
    lines = list(dict.fromkeys(random_line(chance) for _attempt in range(LINES)))
    faulty = grammar.parse("\n".join(lines))[1]
    good = [line for number, line in enumerate(lines, start=1) if number not in faulty]
    entries = grammar.parse("\n".join(good))[0]
    write(fresh_server, good)
    with fresh_server.connect() as connection:
        rows = connection.execute(_ROWS).fetchall()
        assert [row[:3] for row in rows] == [(entry.line, entry.name, entry.value) for entry in entries]
        for number in faulty:
            write(fresh_server, [lines[number - 1]])
            [row] = connection.execute(_ROWS).fetchall()
            assert row == (1, None, None, "syntax error"), lines[number - 1]
    print(f"PostgreSQL {fresh_server.major}: {len(entries)} entries, {len(faulty)} syntax errors")
    assert len(entries) > 100
    assert len(faulty) > 300


def test_any_text_survives_being_written(fresh_server: Server) -> None:
    prepare(fresh_server)
    chance = random.Random(15)
    texts = [*TEXTS, *("".join(chance.choice(TEXTS) for _attempt in range(4)) for _attempt in range(60))]
    write(fresh_server, [grammar.render(f"test.p{number}", text) for number, text in enumerate(texts)])
    assert [row[2] for row in fresh_server.query(_ROWS)] == texts
