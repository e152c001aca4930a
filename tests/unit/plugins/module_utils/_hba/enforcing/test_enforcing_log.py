"""What lines of a log say, however it is written, and what they add up to."""

from __future__ import annotations

import json
import typing as t

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._hba.enforcing import messages
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.enforcing.evidence import Client
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.enforcing.evidence import Sighting
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.enforcing.formats import Csv
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.enforcing.formats import Entry
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.enforcing.formats import Json
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.enforcing.formats import Text
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.enforcing.ledger import Ledger
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.enforcing.ledger import Own
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.enforcing.ledger import merged
from ansible_collections.rampart.postgresql.plugins.module_utils._server import log_messages
from ansible_collections.rampart.postgresql.plugins.module_utils._server.log_prefix import LOCAL
from ansible_collections.rampart.postgresql.plugins.module_utils._server.log_prefix import Calendar

PLAIN = "connection authorized: user=app database=shop"
TLS = " SSL enabled (protocol=TLSv1.3, cipher=TLS_AES_256_GCM_SHA384, bits=256)"
OLD_TLS = " SSL enabled (protocol=TLSv1.2, cipher=ECDHE-RSA-AES256-GCM-SHA384, bits=256, compression=off)"
GSS = " GSS (authenticated=yes, encrypted={}, delegated_credentials=no, principal=app@EXAMPLE.ORG)"
START = "starting PostgreSQL 17.5 on x86_64-pc-linux-gnu"
UTC = Calendar()


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (PLAIN, ("app", "shop", False, False, False)),
        (PLAIN + TLS, ("app", "shop", False, True, False)),
        (PLAIN + OLD_TLS, ("app", "shop", False, True, False)),
        (PLAIN + " application_name=psql" + TLS + GSS.format("no"), ("app", "shop", False, True, False)),
        (PLAIN + GSS.format("yes"), ("app", "shop", False, False, True)),
        (PLAIN + GSS.format("no"), ("app", "shop", False, False, False)),
        ("replication connection authorized: user=app", ("app", "", True, False, False)),
        ("replication connection authorized: user=app application_name=s1" + TLS, ("app", "", True, True, False)),
        # What a client may choose is no end of the message.
        (f"{PLAIN} application_name=x{TLS} y", ("app", "shop", False, False, False)),
        (f"{PLAIN}{TLS} application_name=x", ("app", "shop" + TLS, False, False, False)),
        ("connection received: host=192.0.2.1 port=5", None),
        ("statement: SELECT 'connection authorized: user=app database=shop'", None),
    ],
)
def test_authorized(message: str, expected: tuple[t.Any, ...] | None) -> None:
    found = log_messages.authorized(message)
    assert (None if found is None else tuple(found)) == expected


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ('parameter "log_connections" changed to "on"', True),
        ('parameter "log_connections" changed to "receipt, Authorization"', True),
        ('parameter "log_connections" changed to "all"', True),
        ('parameter "log_connections" changed to "receipt"', False),
        ('parameter "log_connections" changed to "off"', False),
        ('parameter "log_connections" changed to ""', False),
        ('parameter "log_connections" removed from configuration file, reset to default', False),
        ('parameter "log_disconnections" changed to "on"', None),
        ("statement: ALTER SYSTEM SET log_connections = off", None),
    ],
)
def test_changes_of_log_connections(message: str, expected: bool | None) -> None:
    assert messages.becomes(message) is expected


STAMP, MOMENT = "2026-03-02 04:05:06", 1772424306.0


@pytest.mark.parametrize(
    ("prefix", "head", "expected"),
    [
        ("%m [%p] ", f"{STAMP}.500 UTC [42] ", (MOMENT + 0.5, 42, None, None, None)),
        ("%m [%p] %q%u@%d ", f"{STAMP}.500 UTC [42] app@shop ", (MOMENT + 0.5, 42, None, "app", "shop")),
        ("%m [%p] %q%u@%d ", f"{STAMP}.500 UTC [42] ", (MOMENT + 0.5, 42, None, None, None)),
        (
            "%m [%p]: db=%d,user=%u,app=%a,client=%h ",
            f"{STAMP}.500 UTC [42]: db=shop,user=app,app=a b,client=192.0.2.1 ",
            (MOMENT + 0.5, 42, "192.0.2.1", "app", "shop"),
        ),
        (
            "%m [%p]: db=%d,user=%u,app=%a,client=%h ",
            f"{STAMP}.500 UTC [42]: db=[unknown],user=[unknown],app=[unknown],client=[local] ",
            (MOMENT + 0.5, 42, LOCAL, None, None),
        ),
        ("<%t|%-6p> %r%%: ", f"<{STAMP} CET|42    > 2001:db8::1(5432)%: ", (MOMENT, 42, "2001:db8::1", None, None)),
        ("<%t|%6p> %r: ", f"<{STAMP} CET|    42> [local]: ", (MOMENT, 42, LOCAL, None, None)),
        ("%n %c ", f"{MOMENT:.0f}.250 683d6b1e.2a ", (MOMENT + 0.25, 42, None, None, None)),
        ("%t %m %s %p.%l %v %x %e %i %b %Q", f"{STAMP} UTC {STAMP}.1 UTC {STAMP} UTC 42.7 3/0 0 00000 x client backend -7",
         (MOMENT, 42, None, None, None)),
        ("[%h] ", "[db1.example.org] ", (None, None, "db1.example.org", None, None)),
        ("%m [%p] ", f"{STAMP}.500 UTC:192.0.2.1(5):app@shop:[42]:", (MOMENT + 0.5, None, None, None, None)),  # an older prefix
    ],
)  # fmt: skip
def test_any_prefix(prefix: str, head: str, expected: tuple[t.Any, ...]) -> None:
    for severity in ("LOG:  ", "LOG:  00000: "):
        assert Text(prefix, UTC).entry(head + severity + PLAIN) == Entry(PLAIN, *expected)
    for other in ("ERROR:  ", "STATEMENT:  ", "ERROR:  no LOG:  "):
        assert Text(prefix, UTC).entry(head + other + PLAIN) is None
    assert Text(prefix, UTC).entry("\t" + head + "LOG:  " + PLAIN) is None  # a statement goes on


def test_what_a_prefix_tells() -> None:
    told = {
        prefix: (Text(prefix, UTC).has_times, Text(prefix, UTC).has_places) for prefix in ("%m ", "[%p]", "%n %h", "")
    }
    assert told == {"%m ": (True, False), "[%p]": (False, True), "%n %h": (True, True), "": (False, False)}


CSV = (
    '{stamp}.500 UTC,"a""pp","shop",42,"{place}",683d6b1e.2a,2,"authentication",{stamp} UTC,3/2,0,{severity},00000,'
    '"{message}",,,,,,,,,"psql","client backend",,0'
)


def test_csv() -> None:
    log = Csv(UTC)
    for place, address in (("192.0.2.1:5432", "192.0.2.1"), ("2001:db8::1:5", "2001:db8::1"), (LOCAL, LOCAL)):
        line = CSV.format(stamp=STAMP, place=place, severity="LOG", message=PLAIN + ' application_name=""x')
        assert log.entry(line) == Entry(PLAIN + ' application_name="x', MOMENT + 0.5, 42, address, 'a"pp', "shop")
    postmaster = f'{STAMP}.500 UTC,,,41,,683d6b1e.29,1,,{STAMP} UTC,,0,LOG,00000,"{START}",,,,,,,,,"","postmaster",,0'
    assert log.entry(postmaster) == Entry(START, MOMENT + 0.5, 41)
    assert log.entry(CSV.format(stamp=STAMP, place=LOCAL, severity="ERROR", message=PLAIN)) is None
    # A statement that spells an entry has its quotes doubled.
    forged = CSV.format(stamp=STAMP, place=LOCAL, severity="LOG", message=PLAIN).replace('"', '""')
    assert log.entry(forged) is None and log.time(postmaster) == MOMENT + 0.5


def test_json() -> None:
    log = Json(UTC)
    entry: dict[str, t.Any] = {"timestamp": f"{STAMP}.500 UTC", "user": "app", "dbname": "shop", "pid": 42,
                               "remote_host": "192.0.2.1", "error_severity": "LOG", "message": PLAIN}  # fmt: skip
    assert log.entry(json.dumps(entry)) == Entry(PLAIN, MOMENT + 0.5, 42, "192.0.2.1", "app", "shop")
    assert log.entry(json.dumps({**entry, "error_severity": "ERROR"})) is None
    assert log.entry(json.dumps(entry)[:-5]) is None and log.entry("[1]") is None


def test_calendar() -> None:
    calendar = Calendar({"2026-03-02": 19800}, otherwise=3600)
    assert calendar.seconds(STAMP) == MOMENT - 19800
    assert calendar.seconds("2026-03-03 04:05:06") == MOMENT + 86400 - 3600
    assert calendar.seconds("2026-99-99 04:05:06") is None and calendar.seconds("") is None


OWN = Own("postgres", 7, 1000.0)
ME = Entry("connection authorized: user=postgres database=postgres", 1000.0, 7, LOCAL)


def ledger(*entries: Entry, start: float = 100.0, receipts_prove: bool = True) -> Ledger:
    made = Ledger(start=start, own=OWN, receipts_prove=receipts_prove)
    made.begins(1.0)
    for entry in entries:
        made.take(entry)
    made.ends()
    return made


def changed(time: float, value: str) -> Entry:
    return Entry(f'parameter "log_connections" changed to "{value}"', time)


def login(time: float, *, message: str = PLAIN, address: str | None = "192.0.2.1", pid: int = 8) -> Entry:
    return Entry(message, time, pid, address)


def test_who_counts() -> None:
    made = ledger(
        login(50.0, address="192.0.2.9"),  # before the window
        login(200.0),
        login(400.0),
        login(300.0, message=PLAIN + TLS),
        login(300.0, address=LOCAL),
        login(300.0, address="127.0.0.1", message=PLAIN + GSS.format("yes")),
        login(350.0, address="::1", message="replication connection authorized: user=app"),
        ME,
    )
    assert made.own_seen and made.unplaced == 0
    assert made.sightings() == [
        Sighting(Client("app", "shop", "192.0.2.1"), 2, 400.0),
        Sighting(Client("app", "shop", "127.0.0.1", "gss"), 1, 300.0),
        Sighting(Client("app", "", "::1", replication=True), 1, 350.0),
    ]


def test_where_a_client_comes_from() -> None:
    arrivals = [
        Entry(f"connection received: host={host}", 200.0, pid) for host, pid in ((LOCAL, 8), ("192.0.2.1 port=5", 9))
    ]
    logins = [login(201.0, address=None, pid=pid) for pid in (8, 9, 10)]
    made = ledger(*arrivals, *logins, ME)
    assert [str(each.client) for each in made.sightings()] == ["app to shop from 192.0.2.1"]
    assert made.unplaced == 1  # nobody knows of the third
    # A process that is gone says nothing of the next one with its number.
    assert ledger(*arrivals, Entry(START, 202.0), *logins, ME).unplaced == 3


@pytest.mark.parametrize(
    ("entries", "since"),
    [
        ([ME], 1.0),
        ([], None),
        ([changed(500.0, "on"), ME], 500.0),
        ([login(50.0), changed(500.0, "on"), ME], 1.0),  # from on to all, say
        ([login(50.0), changed(500.0, "off"), ME], 1000.0),
        ([login(50.0), changed(500.0, "off"), changed(600.0, "on"), ME], 600.0),
        ([changed(500.0, "off")], None),
        ([login(50.0), Entry(START, 500.0), ME], 1.0),
        ([Entry(START, 500.0), ME], 500.0),  # before, nobody came, or nobody wrote it down
        ([login(50.0), Entry(START, 500.0), Entry(START, 600.0), ME], 600.0),
        ([login(50.0), Entry('parameter "lc_messages" changed to "C"', 500.0), ME], 500.0),
        ([login(50.0), Entry("Parameter »lc_messages« auf »C« gesetzt", 500.0), ME], 500.0),
        ([login(50.0), Entry('parameter "log_destination" changed to "stderr"', 500.0), ME], 500.0),
        ([login(50.0), Entry("statement: SHOW lc_messages", 500.0), ME], 1.0),
    ],
)
def test_since_when_the_log_has_every_login(entries: list[Entry], since: float | None) -> None:
    assert ledger(*entries).since == since


def test_receipts_prove_nothing_from_18_on() -> None:
    received = Entry("connection received: host=[local]", 50.0, 8)
    entries = (received, Entry(START, 500.0), ME)
    assert ledger(*entries).since == 1.0
    assert ledger(*entries, receipts_prove=False).since == 500.0


def test_a_run_that_wrote_elsewhere() -> None:
    for ended, since in ((60.0, 1.0), (900000.0, 900001.0)):
        made = Ledger(start=0.0, own=OWN, receipts_prove=True)
        made.begins(1.0)
        for entry in (login(50.0), Entry("database system is shut down", 60.0), Entry(START, 900001.0)):
            made.take(entry)
        made.stopped(ended)
        made.take(login(900002.0))
        made.ends()
        assert made.since == since


def test_the_login_of_the_run_itself() -> None:
    assert not ledger(login(2000.0)).own_seen
    assert not ledger(ME._replace(time=1000.0 - 86400)).own_seen  # another process with the same number
    assert ledger(ME._replace(pid=None)).own_seen and not ledger(login(2000.0)._replace(pid=None)).own_seen


def test_log_and_sessions() -> None:
    one, other = Client("a", "b", "192.0.2.1"), Client("a", "b", "192.0.2.2")
    seen = merged([Sighting(one, 3, 5.0), Sighting(other, 1, 9.0)], [Sighting(one, 1, 10.0, connected=True)])
    assert seen == (Sighting(one, 3, 10.0, connected=True), Sighting(other, 1, 9.0))
