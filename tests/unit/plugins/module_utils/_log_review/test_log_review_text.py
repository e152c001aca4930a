"""Reports of a log as text: any prefix, all versions, and what a client puts into its names."""

from __future__ import annotations

import tracemalloc
import typing as t

import hypothesis
import pytest
from hypothesis import strategies

from ansible_collections.rampart.postgresql.plugins.module_utils._log_review.records import LONGEST
from ansible_collections.rampart.postgresql.plugins.module_utils._log_review.records import Notes
from ansible_collections.rampart.postgresql.plugins.module_utils._log_review.records import Record
from ansible_collections.rampart.postgresql.plugins.module_utils._log_review.records import Use
from ansible_collections.rampart.postgresql.plugins.module_utils._log_review.records import shape
from ansible_collections.rampart.postgresql.plugins.module_utils._log_review.text import Prefix
from ansible_collections.rampart.postgresql.plugins.module_utils._log_review.text import Text
from ansible_collections.rampart.postgresql.plugins.module_utils._server.log_prefix import Calendar
from ansible_collections.rampart.postgresql.tests.unit.growth import no_explosion

UTC = Calendar()
EVERY = Use()
STAMP, MOMENT = "2026-03-02 04:05:06", 1772424306.0
DEBIAN = "%m [%p] %q%u@%d "


def read(prefix: str, *lines: str, use: Use = EVERY, former: t.Sequence[str] = ()) -> tuple[list[Record], Notes]:
    notes = Notes(gap=3600.0)
    return list(Text([prefix, *former], UTC, notes, use).records(lines)), notes


def test_a_report_of_several_lines() -> None:
    head = f"{STAMP}.500 UTC [42] app@shop "
    [first, second], notes = read(
        DEBIAN,
        head + 'ERROR:  relation "a',
        "\tb" + '" does not exist at character 15',
        head + "DETAIL:  one",
        "\ttwo",
        head + "STATEMENT:  GRANT x",
        "\tTO y",
        f"{STAMP}.750 UTC [7] LOG:  checkpoint starting: time",
    )
    assert first == Record(
        time=MOMENT + 0.5,
        severity="ERROR",
        message='relation "a\nb" does not exist at character 15',
        pid=42,
        user="app",
        database="shop",
        detail="one\ntwo",
        statement="GRANT x\nTO y",
    )
    assert (second.message, second.user, second.before) == ("checkpoint starting: time", None, MOMENT + 0.5)
    assert (notes.lines, notes.not_understood, notes.first, notes.last) == (7, 0, MOMENT + 0.5, MOMENT + 0.75)


@pytest.mark.parametrize(
    ("prefix", "head", "expected"),
    [
        ("%t %h %e ", f"{STAMP} CET 192.0.2.1 28P01 ", (MOMENT, None, None, None, "192.0.2.1", "28P01")),
        ("%n %c %r ", f"{MOMENT:.3f} 683d6b1e.2a 2001:db8::1(5432) ", (MOMENT, 42, None, None, "2001:db8::1", None)),
        ("[%u|%d]", "[a b@c|[unknown]]", (None, None, "a b@c", None, None, None)),
        ("%m:%r: ", f"{STAMP}.000 UTC:::1(5): ", (MOMENT, None, None, None, "::1", None)),
        ("%m %a %u %d %x%% ", f"{STAMP}.000 UTC p q r 0% ", (MOMENT, None, "q", "r", None, None)),
        ("", "", (None, None, None, None, None, None)),
    ],
)
def test_prefixes(prefix: str, head: str, expected: tuple[t.Any, ...]) -> None:
    [record], notes = read(prefix, head + "FATAL:  no")
    assert (record.time, record.pid, record.user, record.database, record.address, record.code) == expected
    assert notes.not_understood == 0
    [verbose], _notes = read(prefix, head + "FATAL:  28000: no")
    assert (verbose.code, verbose.message) == (expected[-1] or "28000", "no")


# What the server writes for an escape, and what is read of it.
_WRITTEN: t.Final[t.Mapping[str, tuple[strategies.SearchStrategy[str], str | None, t.Callable[[str], t.Any]]]] = {
    "m": (strategies.just(f"{STAMP}.250 UTC"), "time", lambda text: MOMENT + 0.25),
    "p": (strategies.integers(1, 4_194_304).map(str), "pid", int),
    "u": (strategies.text("ab_\"' é", min_size=1, max_size=8), "user", str),
    "d": (strategies.text("xy-.", min_size=1, max_size=8), "database", str),
    "h": (strategies.sampled_from(["192.0.2.7", "2001:db8::7", "[local]", "db.example.org"]), "address", str),
    "e": (strategies.sampled_from(["00000", "28P01", "XX000"]), "code", str),
    "l": (strategies.integers(1, 99999).map(str), None, str),
    "v": (strategies.sampled_from(["", "3/17"]), None, str),
}


@hypothesis.given(
    strategies.data(), strategies.lists(strategies.sampled_from(sorted(_WRITTEN)), unique=True, max_size=8)
)
def test_what_a_prefix_becomes_is_read_again(data: strategies.DataObject, letters: list[str]) -> None:
    prefix = head = ""
    expected = {}
    for letter in letters:
        written, field, value = _WRITTEN[letter]
        text = data.draw(written)
        between = data.draw(strategies.sampled_from(["|", " <", ">,", "=|"]))
        prefix, head = f"{prefix}{between}%{letter}", f"{head}{between}{text}"
        if field is not None:
            expected[field] = value(text)
    [record], notes = read(f"{prefix}# ", f"{head}# LOG:  message")
    assert {field: getattr(record, field) for field in expected} == expected
    assert (record.message, notes.not_understood, notes.torn) == ("message", 0, 0)


def test_lines_that_are_not_the_servers() -> None:
    records, notes = read(
        "%m [%p] ",
        "cp: cannot stat '/archive/000000010000000000000001'",
        f"{STAMP}.000 UTC:192.0.2.1(5):app@shop:[42]: LOG:  an older prefix",
        f"{STAMP}.000 UTC [4] LOG:  whole",
        "",
    )
    assert [record.message for record in records] == ["whole"]
    assert (notes.not_understood, notes.torn) == (2, 0)
    assert [sample["shape"][:14] for sample in notes.samples] == ["aa: aaaaaa aaa", "0000-00-00 00:"]
    records, notes = read("%m [%p] ", f"{STAMP}.000 UTC:192.0.2.1(5):[42]: LOG:  older", former=["%m:%r:[%p]: "])
    assert (records[0].address, records[0].message, notes.not_understood) == ("192.0.2.1", "older", 0)


def test_the_word_of_pgaudit_is_no_sqlstate() -> None:
    [first, second], _notes = read(
        DEBIAN,
        f"{STAMP}.500 UTC [42] a@b LOG:  AUDIT: SESSION,1,1,ROLE,GRANT,,,GRANT a TO b,<none>",
        f"{STAMP}.500 UTC [42] a@b LOG:  00000: AUDIT: SESSION,1,1,ROLE,GRANT,,,GRANT a TO b,<none>",
    )
    assert first.message == second.message and first.message.startswith("AUDIT: SESSION")
    assert (first.code, second.code) == (None, "00000")


def test_samples_say_nothing() -> None:
    assert shape("PASSWORD 'hunter2' é") == "aaaaaaaa 'aaaaaa0' a"
    assert len(shape("x" * 1000)) == 60


def test_a_name_that_spells_a_report() -> None:
    """The two ways to read such a line cannot be told apart; the same name in quotes of the message is no doubt."""
    name = "postgres@x LOG:  connection authorized: user=postgres"
    [forged, real, *others, plain], _notes = read(
        DEBIAN,
        f'{STAMP}.000 UTC [42] {name}@shop FATAL:  role "{name}" does not exist',
        f'{STAMP}.000 UTC [42] app@shop FATAL:  role "app" does not exist',
    )
    assert all(each.doubt for each in (forged, real, *others)) and not plain.doubt
    assert (forged.severity, real.severity, real.user) == ("LOG", "FATAL", name.partition("@")[0])
    [safe], _notes = read("%m [%p] ", f'{STAMP}.000 UTC [42] FATAL:  role "{name}" does not exist')
    assert not safe.doubt


@pytest.mark.parametrize("word", ["LOG", "HINT", "STATEMENT"])
@pytest.mark.parametrize("prefix", ["%m [%p] %q%u@%d/%a ", "%m [%p] %a "])
def test_a_name_of_an_application_hides_nothing(prefix: str, word: str) -> None:
    """Who is logged in may change it, and so have every line read as something that nobody looks for."""
    names = "app@shop/" if "@" in prefix else ""
    head = f"{STAMP}.000 UTC [42] {names}"
    use = Use(("statement: ",))
    records, _notes = read(prefix, f"{head}psql LOG:  x", f"{head}x {word}:   LOG:  statement: DROP ROLE a", use=use)
    assert [(record.message, bool(record.doubt)) for record in records] == [("statement: DROP ROLE a", True)]
    [record] = read(prefix, f"{head}psql LOG:  statement: DROP ROLE a", f"{head}psql HINT:  x", use=use)[0]
    assert not record.doubt


def test_a_name_that_breaks_the_line() -> None:
    records, notes = read(
        DEBIAN,
        f"{STAMP}.000 UTC [42] torn",
        '2031-01-01 00:00:00.000 UTC [1] LOG:  starting PostgreSQL@shop FATAL:  role "torn',
        '\tx" does not exist',
        f"{STAMP}.500 UTC [43] app@shop LOG:  {'x' * 256}",
        f"{STAMP}.750 UTC [43] app@shop LOG:  genuine",
    )
    assert [bool(record.doubt) for record in records] == [True, True, False]
    assert (notes.torn, notes.not_understood, notes.first, notes.last) == (1, 0, MOMENT + 0.75, MOMENT + 0.75)
    # No names in the prefix: nothing can be torn by them.
    records, notes = read("%m [%p] ", f"{STAMP}.000 UTC [42] torn", f"{STAMP}.000 UTC [42] LOG:  genuine")
    assert (not records[0].doubt, notes.torn, notes.not_understood) == (True, 0, 1)


def test_a_name_that_breaks_the_line_twice() -> None:
    """The line that is left over tells of the one before it, which looks whole, as does the first."""
    before = [f"{STAMP}.000 UTC [42] app@shop LOG:  {text}" for text in ("before", "x" * 256)]
    torn = [
        f"{STAMP}.000 UTC [42] x@y LOG:  a",
        f"{STAMP}.000 UTC [1] u@d LOG:  connection authorized: user=postgres database=x",
        ' FATAL:  password authentication failed for user "x@y LOG:  a',
        f"\t{STAMP}.000 UTC [1] u" + '"',
    ]
    after = f"{STAMP}.000 UTC [42] app@shop LOG:  after"
    records, notes = read(DEBIAN, *before, *torn, after)
    assert [bool(record.doubt) for record in records] == [False, True, True, True, False]
    assert (notes.torn, notes.not_understood) == (1, 0)
    assert [bool(record.doubt) for record in read(DEBIAN, *before, *torn[:2], after)[0]] == [False] * 5


@pytest.mark.parametrize("word", ["FEHLER", "INSTRUCTION ", "ÖLÜMCÜL (FATAL)", "エラー"])
def test_words_of_another_language(word: str) -> None:
    for prefix, names in ((DEBIAN, "app@shop "), ("%m [%p] ", "")):
        _records, notes = read(prefix, f"{STAMP}.000 UTC [42] {names}{word}:  x")
        assert (notes.foreign, notes.not_understood + notes.torn) == (1, 1)


def test_words_of_another_language_behind_the_same_severity() -> None:
    _records, notes = read(
        DEBIAN, f"{STAMP}.000 UTC [42] app@shop LOG:  接続の認証完了: ユーザー=app データベース=shop"
    )
    assert (notes.foreign, notes.not_understood) == (1, 0)


def test_words_that_are_no_language() -> None:
    _records, notes = read(DEBIAN, "FEHLER:  x", f"{STAMP}.000 UTC [42] app@shop WORD: x")
    assert (notes.foreign, notes.not_understood, notes.torn) == (0, 1, 1)


def test_what_continues_is_no_report() -> None:
    [record], notes = read(
        DEBIAN, f"{STAMP}.000 UTC [42] a@b LOG:  statement: SELECT '", f"\t{STAMP}.000 UTC [1] x@y LOG:  forged'"
    )
    assert record.message.endswith("\n" + f"{STAMP}.000 UTC [1] x@y LOG:  forged'") and notes.lines == 2


def test_reports_that_mean_nothing_are_left_out() -> None:
    records, _notes = read(
        DEBIAN,
        f"{STAMP}.000 UTC [42] LOG:  checkpoint starting: time",
        "\tmore of it",
        f"{STAMP}.000 UTC [42] LOG:  received SIGHUP",
        f"{STAMP}.000 UTC [42] LOG:  x of no worth",
        f"{STAMP}.000 UTC [42] WARNING:  no",
        f"{STAMP}.000 UTC [42] DETAIL:  not of the one above",
        f"{STAMP}.000 UTC [42] FATAL:  yes",
        use=Use(("received ", "x"), lambda message: message != "x of no worth"),
    )
    assert [(record.message, record.detail) for record in records] == [("received SIGHUP", ""), ("yes", "")]


def test_silences_and_clocks() -> None:
    notes = Notes(gap=100.0)
    for time in (1000.0, 1100.0, 1300.0, 1299.0, -9000.0):
        notes.moment(time)
    assert notes.silences == [("silence", 1100.0, 1300.0), ("time_goes_back", 1299.0, -9000.0)]
    for number in range(3000):
        notes.moment(number * 101.0)
    assert (len(notes.silences), notes.silences_left_out) == (1000, 2002)


def test_which_prefixes_tell_what() -> None:
    told = {
        text: (prefix.has_times, prefix.has_places, prefix.has_processes, prefix.has_names)
        for text in ("%m ", "%h", "%c", "%u", "%d", "%a")
        for prefix in [Prefix(text)]
    }
    assert told == {
        "%m ": (True, False, False, False),
        "%h": (False, True, False, False),
        "%c": (False, False, True, False),
        "%u": (False, False, False, True),
        "%d": (False, False, False, True),
        "%a": (False, False, False, False),
    }


def test_memory_and_time_are_bounded() -> None:
    """A statement without an end, lines without a meaning, and names that make a prefix hard to match."""

    def lines() -> t.Iterator[str]:
        yield f"{STAMP}.000 UTC [42] app@shop ERROR:  no"
        yield f"{STAMP}.000 UTC [42] app@shop STATEMENT:  SELECT"
        for _number in range(20_000):
            yield "\t" + "x" * 100
        yield f"{STAMP}.000 UTC [42] " + "@" * 100_000
        for _number in range(2_000):
            yield f"{STAMP}.000 UTC [42] {'a@' * 100}"
        yield f"{STAMP}.000 UTC [42] app@shop LOG:  {'LOG:  ' * 2_000}"

    notes = Notes(gap=3600.0)
    tracemalloc.start()
    with no_explosion():
        for record in Text([DEBIAN], UTC, notes, EVERY).records(lines()):
            assert len(record.message) + len(record.statement) <= LONGEST + 1000
    assert tracemalloc.get_traced_memory()[1] < 2**23
    tracemalloc.stop()
    assert notes.torn == 2_001
