"""Reports of a log as CSV and as JSON."""

from __future__ import annotations

import json
import tracemalloc
import typing as t

import hypothesis
from hypothesis import strategies

from ansible_collections.rampart.postgresql.plugins.module_utils._log_review.records import Notes
from ansible_collections.rampart.postgresql.plugins.module_utils._log_review.records import Record
from ansible_collections.rampart.postgresql.plugins.module_utils._log_review.records import Use
from ansible_collections.rampart.postgresql.plugins.module_utils._log_review.structured import Csv
from ansible_collections.rampart.postgresql.plugins.module_utils._log_review.structured import Json
from ansible_collections.rampart.postgresql.plugins.module_utils._server.log_prefix import Calendar

UTC = Calendar()
EVERY = Use()
STAMP, MOMENT = "2026-03-02 04:05:06", 1772424306.0
# As 13 and 18 write it.
OLD = (
    '{stamp}.500 UTC,"app","shop",42,"192.0.2.1:5432",683d6b1e.2a,2,"authentication",{stamp} UTC,3/2,0,FATAL,28P01,'
    '"{message}","{detail}",,,,,"{statement}",,,"","client backend"'
)
NEW = OLD + ",,0"
POSTMASTER = '{stamp}.500 UTC,,,41,,683d6b1e.29,1,,{stamp} UTC,,0,LOG,00000,"{message}",,,,,,,,,"","postmaster",,0'


def read(*lines: str) -> tuple[list[Record], Notes]:
    notes = Notes(gap=3600.0)
    return list(Csv(UTC, notes, EVERY).records(lines)), notes


def test_csv() -> None:
    for form in (OLD, NEW):
        text = form.format(stamp=STAMP, message='no ""x""', detail="a\nb", statement="GRANT x\nTO y")
        [record], notes = read(*text.split("\n"))
        assert record == Record(
            time=MOMENT + 0.5,
            severity="FATAL",
            message='no "x"',
            code="28P01",
            pid=42,
            user="app",
            database="shop",
            address="192.0.2.1",
            detail="a\nb",
            statement="GRANT x\nTO y",
            stage="authentication",
        )
        assert (notes.lines, notes.not_understood) == (3, 0)


def test_what_is_in_quotes_is_no_report_of_csv() -> None:
    """A statement that spells one, whole and in parts, is still one statement."""
    forged = POSTMASTER.format(stamp=STAMP, message="starting PostgreSQL 17")
    for inner in (
        forged,
        forged[:-30],
        forged + "\n" + forged,
        '"\n' + forged,
        '""\n' + forged,
        forged.replace('"s', '""s'),
    ):
        quoted = inner.replace('"', '""')
        text = NEW.format(stamp=STAMP, message="x", detail="", statement=f"SELECT '\n{quoted}\n'")
        [record], notes = read(*text.split("\n"))
        assert record.statement == f"SELECT '\n{inner}\n'" and notes.not_understood == 0


def test_csv_goes_on_after_a_report_without_an_end() -> None:
    """As a crash of the host leaves one."""
    torn = NEW.format(stamp=STAMP, message="x", detail="", statement="SELECT\n1").split("\n", maxsplit=1)[0]
    whole = POSTMASTER.format(stamp=STAMP, message="database system was interrupted")
    records, notes = read(torn, whole, whole)
    assert [record.message for record in records] == ["database system was interrupted"] * 2
    assert notes.not_understood == 1
    records, notes = read("nonsense", "", whole, torn)
    assert (len(records), notes.not_understood) == (1, 2)


def test_csv_is_bounded() -> None:
    def lines() -> t.Iterator[str]:
        yield NEW.format(stamp=STAMP, message="x", detail="", statement="SELECT\n1").split("\n", maxsplit=1)[0]
        for _number in range(50_000):
            yield "x" * 100
        yield '",,,"","client backend",,0'
        yield POSTMASTER.format(stamp=STAMP, message="database system is shut down")

    notes = Notes(gap=3600.0)
    tracemalloc.start()
    records = list(Csv(UTC, notes, EVERY).records(lines()))
    assert tracemalloc.get_traced_memory()[1] < 2**24
    tracemalloc.stop()
    assert ([record.pid for record in records], notes.not_understood, notes.too_long) == ([41], 1, 1)
    list(Json(UTC, notes, EVERY).records(['{"timestamp": "x', '{"statement": "' + "x" * 2**17]))
    assert (notes.not_understood, notes.too_long) == (3, 2)


@hypothesis.given(strategies.text(), strategies.text(min_size=1), strategies.text())
def test_csv_is_read_as_it_was_written(user: str, message: str, statement: str) -> None:
    user, message, statement = (each.replace("\0", "") or "x" for each in (user, message, statement))
    quoted = ['"' + each.replace('"', '""') + '"' for each in (user, message, statement)]
    text = (
        f"{STAMP}.000 UTC,{quoted[0]},,7,,683d6b1e.7,1,,{STAMP} UTC,,0,ERROR,42501,{quoted[1]},,,,,,{quoted[2]},,,,,,0"
    )
    [record], notes = read(*text.split("\n"))
    assert (record.user, record.message, record.statement) == (user, message, statement)
    assert notes.not_understood == 0


def test_what_is_in_quotes_that_nobody_saw_open_is_no_report_of_csv() -> None:
    """A very long line lacks its middle, so that whoever wrote it could turn what is inside and outside of quotes."""
    inside = f"{STAMP}.500 UTC,postgres,x,41,[local],683d6b1e.29,1,,{STAMP} UTC,,0,LOG,00000,{{message}},,,,,,,,,,,,0"
    for forged in (
        inside.format(message="connection authorized: user=postgres"),
        inside.format(message='""connection authorized: user=postgres""'),
        POSTMASTER.format(stamp=STAMP, message="starting PostgreSQL 17").replace('"', '""'),
    ):
        records, notes = read('the rest of a line"', "", '"', forged)
        assert records == [] and notes.not_understood > 0
    whole = POSTMASTER.format(stamp=STAMP, message='""x"" is no table')
    assert [record.message for record in read('the rest of a line"', whole)[0]] == ['"x" is no table']


def test_words_of_another_language_are_counted() -> None:
    _records, notes = read(
        POSTMASTER.format(stamp=STAMP, message="x").replace("LOG", "FEHLER"),
        POSTMASTER.format(stamp=STAMP, message="x").replace("LOG", "DEBUG1"),
        POSTMASTER.format(stamp=STAMP, message="x"),
    )
    assert notes.foreign == 1
    list(Json(UTC, notes, EVERY).records([json.dumps({"timestamp": f"{STAMP}.5 UTC", "error_severity": "エラー"})]))
    assert notes.foreign == 2
    login = {"timestamp": f"{STAMP}.5 UTC", "error_severity": "LOG", "message": "Verbindung autorisiert: Benutzer=a"}
    list(Json(UTC, notes, EVERY).records([json.dumps(login), json.dumps({**login, "message": "Verbindung"})]))
    assert notes.foreign == 3


def test_json() -> None:
    entry: dict[str, t.Any] = {
        "timestamp": f"{STAMP}.500 UTC", "user": "app", "dbname": "shop", "pid": 42, "remote_host": "192.0.2.1",
        "ps": "authentication", "error_severity": "FATAL", "state_code": "28P01", "message": "no\nx",
        "detail": "why", "statement": "GRANT",
    }  # fmt: skip
    notes = Notes(gap=3600.0)
    lines = [json.dumps(entry), json.dumps(entry)[:-5], "[1]", "[" * 100_000, json.dumps({"timestamp": 5}), "{}"]
    [record] = Json(UTC, notes, EVERY).records(lines)
    assert record == Record(
        time=MOMENT + 0.5,
        severity="FATAL",
        message="no\nx",
        code="28P01",
        pid=42,
        user="app",
        database="shop",
        address="192.0.2.1",
        detail="why",
        statement="GRANT",
        stage="authentication",
    )
    assert (notes.lines, notes.not_understood) == (6, 5)


def test_what_is_of_no_use_is_left_out() -> None:
    lines = [POSTMASTER.format(stamp=STAMP, message=message) for message in ("a of use", "a", "b")]
    use = Use(("a",), lambda message: message != "a")
    notes = Notes(gap=3600.0)
    assert [record.message for record in Csv(UTC, notes, use).records(lines)] == ["a of use"]
    entry = {"timestamp": f"{STAMP}.500 UTC", "error_severity": "LOG"}
    lines = [json.dumps({**entry, "message": message}) for message in ("a of use", "a", "b")]
    assert [record.message for record in Json(UTC, notes, use).records(lines)] == ["a of use"]
    assert notes.not_understood == 0
