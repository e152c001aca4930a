"""Our reading of pg_ident.conf against that of real servers: verdict, fields, words, line numbers."""

from __future__ import annotations

import collections
import os
import random
import re
import typing as t

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.ident.mappings import Mapping
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.ident.mappings import check_mapping
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.ident.mappings import render_mappings
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.ident.records import MapRecord
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.ident.records import parse_text
from ansible_collections.rampart.postgresql.tests.conformance.counts import tell
from ansible_collections.rampart.postgresql.tests.conformance.hba.generator import generate
from ansible_collections.rampart.postgresql.tests.conformance.hba.ident_generator import COMPANIONS
from ansible_collections.rampart.postgresql.tests.conformance.hba.ident_generator import MAPPED
from ansible_collections.rampart.postgresql.tests.conformance.hba.ident_generator import MappingAuthor
from ansible_collections.rampart.postgresql.tests.conformance.hba.judge import Files
from ansible_collections.rampart.postgresql.tests.conformance.hba.judge import Judge
from ansible_collections.rampart.postgresql.tests.conformance.hba.judge import Row

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from ansible_collections.rampart.postgresql.tests.conformance.servers import Workshop

_EXTENDED = os.environ.get("RAMPART_EXTENDED", "") not in ("", "0")
_GENERATED = int(os.environ.get("RAMPART_GENERATED", "20000" if _EXTENDED else "500"))
_SEED = os.environ.get("RAMPART_SEED", "2" if _EXTENDED else "1")
_LEAST = 20  # of each construct
_TOGETHER = 20  # texts in one file
_ALONE = {"NUL byte", "line around 20480 bytes"}  # what a line added would change
_COMPLAINTS = re.compile(
    r'CONTEXT:  line ([0-9]+) of configuration file "[^"\n]*pg_ident\.conf"'
    r'|LOG:  missing entry in file "[^"\n]*pg_ident\.conf" at end of line ([0-9]+)'
    r"|LOG:  (invalid regular expression .*)|LOG:  (could not open secondary authentication file .*)"
    r"|LOG:  (authentication file token too long)"
)
_WORDS = ("m", "map", "u", "p q", "all", "ALL", "+grp", "/^a$", "/(a)", "/(", "/[a", "/a{1", "\\1", "é", "x,y", "#")

CORPUS = [
    *("", "# nothing\n", "m u p", "m u p\n", "m\tu\tp # why", "m u p#c", ",m u p", "m u p,", "m u p extra fields", "\n\nm u p"),
    *("m", "m u", '""', '"" "" ""', 'm "u v" p', '"m n" u p', "m u,v p", "m u p,q", "m,n u p", "m , u p", "m u , p", "m u, p"),
    *("m /^a$ p", "m /(.*)@x \\1", "m /( p", "m /a{2 p", "m /[ p", "m /*x p", "m / p", 'm "/(" p', 'm "/^a b$" p', "m /a|b p"),
    *("m u all", 'm u "all"', "m u ALL", "m u +grp", 'm u "+grp"', "m u /^x$", "m u /(", 'm u "/("', "m u /*", "m u /a{2", "m u +"),
    *("m u \\1", "m /^a$ \\1", "m /(a) x\\1y\\1", "m /(a) +\\1", "m /(a) /\\1", "m /(?:a) \\1", "m /(a)|(b) \\2", "m u @", "m @ u"),
    *("m u p \\\n", "m u \\\np", "m \\\nu \\\np\nn v q", "# c \\\nm u p", "m u p # c \\\nn v q", 'm u "p', 'm "u p\n', "m u p \\"),
    *("m u p\r\nn v q\r\n", "\x0bm u p", "\ufeffm u p", "é ü ñ", "m u p\0x\nn v q", "m @names.lst p", "m u @missing.lst", "m u @empty.lst"),
    *("@keywords.lst u p", "m u @keywords.lst", "@empty.lst m u p", "m u @broken.lst", 'm u "@missing.lst"', "m @address.lst @method.lst"),
    *("include maps.inc", "include missing.inc", "include_if_exists missing.inc", "include_dir maps.d", "include_dir missing.d"),
    *("include", "include a b", 'include "maps.inc"', "include_dir empty.d", "m u p\ninclude maps.inc\nn v q", "include loop.inc"),
    *("m " + "u" * 64 + " p", "m u " + "p" * 64, "m " + "u" * 10240 + " p", "m u " + "p" * 10239, "#" + "c" * 30000, "m u p" + " " * 20480),
    *("all all all", "ALL all +all", "map /^(.*)@example\\.com$ \\1", "m /^\\w+$ p", "m /\\Aa p", "m /a\\ p", "m /[[:alpha:]]+ p"),
]  # fmt: skip


class IdentJudge(Judge):
    """The same judge, asked about pg_ident.conf."""

    def __init__(self, server: t.Any) -> None:
        super().__init__(server)
        self.path = server.data_directory / "pg_ident.conf"
        for name, text in (
            *COMPANIONS.items(),
            ("maps.inc", "# included\nmi ui pi\n"),
            ("maps.d/b.conf", "mb ub pb\n"),
            ("maps.d/a.conf", "ma ua pa\nma ua\n"),
        ):
            self.put_beside(name, text)

    def put_mappings(self, text: str) -> None:
        """Make this the server's file."""
        self._write(self.path, text)

    def mappings(self) -> list[Row]:
        """What the server's view says of the file."""
        rows = self.view("pg_ident_file_mappings")
        for row in rows:
            row["file_name"] = row.get("file_name", str(self.path))
            row.pop("map_number", None)
        return rows

    def complaints(self) -> collections.Counter[str]:
        """What the log of a reload says: of a malformed regular expression the words, else the line."""
        offset = self.server.log.stat().st_size
        taken = self.loads(what="pg_ident.conf")
        found = [next(filter(None, match.groups())) for match in _COMPLAINTS.finditer(self.log_since(offset))]
        assert taken == (not found), self.log_since(offset)
        return collections.Counter(found)

    def log_since(self, offset: int) -> str:
        """In the form of our own words, which keep every byte."""
        with self.server.log.open("rb") as stream:
            stream.seek(offset)
            return stream.read().decode("utf-8", "surrogateescape")

    def our_records(self, text: str) -> list[MapRecord]:
        """Our own reading of the same file."""
        return parse_text(text, self.dialect, path=str(self.path), sources=Files())

    def disagreement(self, text: str, *, reload: bool) -> str | None:
        """What the server says and we do not; nothing when both agree."""
        self.put_mappings(text)
        records = self.our_records(text)
        if self.dialect.mappings_view:
            theirs, ours = self.mappings(), [_row(record) for record in records]
            if theirs != ours:
                return f"{text[:200]!r}\n  server: {theirs}\n  ours:   {ours}"
        accepted = all(record.accepted for record in records)
        if reload and self.loads(what="pg_ident.conf") != accepted:
            return f"{text[:200]!r}: we say {'accepted' if accepted else 'rejected'}, the server does not"
        return None


def _row(record: MapRecord) -> Row:
    return {
        "file_name": record.path,
        "line_number": record.line,
        "map_name": record.map if record.accepted else None,
        "sys_name": record.system_user.text if record.accepted else None,
        "pg_username": record.pg_user.text if record.accepted else None,
        "error": record.error,
    }


@pytest.fixture(scope="module")
def judge(workshop: Workshop, major: int) -> Iterator[IdentJudge]:
    server = workshop.server(major)
    judge = IdentJudge(server)
    yield judge
    judge.close()
    workshop.discard(server)


def test_corpus(judge: IdentJudge) -> None:
    wrong = [problem for text in CORPUS if (problem := judge.disagreement(text, reload=True)) is not None]
    assert not wrong, "\n".join(wrong)


def _refused_lines(judge: IdentJudge, texts: list[str]) -> list[str]:
    """Where only the log tells, many texts are asked about at once: which of their lines it names."""
    judge.put_mappings("\n\n".join(texts))
    refused = [record for record in judge.our_records("\n\n".join(texts)) if not record.accepted]
    ours = collections.Counter(
        str(record.error) if _COMPLAINTS.match(f"LOG:  {record.error}") else str(record.line) for record in refused
    )
    theirs = judge.complaints()
    if ours == theirs:
        return []
    if len(texts) > 1:
        return [problem for text in texts for problem in _refused_lines(judge, [text])]
    return [f"{texts[0][:200]!r}: we refuse {ours}, the server {theirs}"]


def test_generated(judge: IdentJudge) -> None:
    counts: collections.Counter[str] = collections.Counter()
    wrong = []
    waiting: list[str] = []
    wanted = dict.fromkeys(MAPPED, _LEAST)
    seed = f"{_SEED}-{judge.server.major}"
    for text, held in generate(seed, _GENERATED, judge.dialect, wanted=wanted, author=MappingAuthor):
        accepted = all(record.accepted for record in judge.our_records(text))
        counts["accepted" if accepted else "rejected"] += 1
        counts.update(held)
        waiting.append(text)
        if judge.dialect.mappings_view:
            problem = judge.disagreement(text, reload=len(waiting) == _TOGETHER)
            wrong += [] if problem is None else [problem]
        elif len(waiting) == _TOGETHER or not _ALONE.isdisjoint(held):
            wrong += _refused_lines(judge, waiting)
        waiting = [] if len(waiting) == _TOGETHER or not _ALONE.isdisjoint(held) else waiting
    total = counts["accepted"] + counts["rejected"]
    rarest = min(MAPPED, key=lambda name: counts[name])
    words = (
        f"PostgreSQL {judge.version}, seed {_SEED}: {total} generated inputs, {len(wrong)} disagreements,"
        f" {100 * counts['accepted'] // total} % accepted, {100 * counts['rejected'] // total} % rejected,"
        f" {len(MAPPED)} constructs {counts[rarest]} times and more"
    )
    tell("ident", words, counts)
    assert not wrong, "\n".join(wrong[:50])
    assert min(counts["accepted"], counts["rejected"]) >= 0.3 * total
    assert counts[rarest] >= _LEAST, rarest


def test_mappings_are_read_back(judge: IdentJudge) -> None:
    chance = random.Random(f"{_SEED}-{judge.server.major}")
    words = (*_WORDS, '"all"', 'a"b"', "back\\", '""\\')
    written: list[Mapping] = []
    text = ""
    for _number in range(_GENERATED):
        name, system_user, pg_user = chance.choices(words, k=3)
        mapping = Mapping(name, system_user, pg_user, chance.choice((None, "why")))
        try:
            check_mapping(mapping, option="mapping")
            text += render_mappings([mapping], judge.dialect)[0].text
            written.append(mapping)
        except InputError:
            continue
    assert len(written) > _GENERATED // 10
    judge.put_mappings(text)
    records = judge.our_records(text)
    assert all(record.accepted for record in records)
    assert [record.map for record in records] == [mapping.map.replace('"', "") for mapping in written]
    if judge.dialect.mappings_view:
        assert judge.mappings() == [_row(record) for record in records]
    assert judge.loads(what="pg_ident.conf")
