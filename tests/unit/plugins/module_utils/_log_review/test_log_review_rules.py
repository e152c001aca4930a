"""What reports mean, what they add up to, and what cannot be known."""

from __future__ import annotations

import tracemalloc
import typing as t

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._log_review import meanings
from ansible_collections.rampart.postgresql.plugins.module_utils._log_review.judging import Seen
from ansible_collections.rampart.postgresql.plugins.module_utils._log_review.judging import Writing
from ansible_collections.rampart.postgresql.plugins.module_utils._log_review.judging import is_english
from ansible_collections.rampart.postgresql.plugins.module_utils._log_review.judging import unknown
from ansible_collections.rampart.postgresql.plugins.module_utils._log_review.period import Period
from ansible_collections.rampart.postgresql.plugins.module_utils._log_review.period import moment
from ansible_collections.rampart.postgresql.plugins.module_utils._log_review.period import span
from ansible_collections.rampart.postgresql.plugins.module_utils._log_review.period import text_of
from ansible_collections.rampart.postgresql.plugins.module_utils._log_review.records import Notes
from ansible_collections.rampart.postgresql.plugins.module_utils._log_review.records import Record
from ansible_collections.rampart.postgresql.plugins.module_utils._log_review.refusals import refusal
from ansible_collections.rampart.postgresql.plugins.module_utils._log_review.result import Known
from ansible_collections.rampart.postgresql.plugins.module_utils._log_review.result import result
from ansible_collections.rampart.postgresql.plugins.module_utils._log_review.result import silences
from ansible_collections.rampart.postgresql.plugins.module_utils._log_review.review import Review
from ansible_collections.rampart.postgresql.plugins.module_utils._log_review.rotation import missing_by_number
from ansible_collections.rampart.postgresql.plugins.module_utils._log_review.rotation import missing_by_time
from ansible_collections.rampart.postgresql.plugins.module_utils._log_review.statements import Change
from ansible_collections.rampart.postgresql.plugins.module_utils._log_review.tables import Table
from ansible_collections.rampart.postgresql.plugins.module_utils._server.log_prefix import Calendar

NOW = 1772424306.0  # 2026-03-02 04:05:06 UTC
LOGIN = "connection authorized: user=app database=shop application_name=x"


def fatal(message: str, **more: t.Any) -> Record:
    return Record(time=NOW, severity="FATAL", message=message, **more)


def log(message: str, **more: t.Any) -> Record:
    return Record(**{"time": NOW, "severity": "LOG", "message": message, **more})


@pytest.mark.parametrize(
    ("message", "detail", "expected"),
    [
        ('password authentication failed for user "a"b"', "", ("wrong_password", 'a"b', None, None)),
        ('password authentication failed for user "a"', 'Role "a" does not exist.', ("role_does_not_exist", "a", None, None)),
        ('password authentication failed for user "a"', 'User "a" has an expired password.', ("expired", "a", None, None)),
        ('password authentication failed for user "a"', 'User "a" has no password assigned.', ("no_password", "a", None, None)),
        ('no pg_hba.conf entry for host "192.0.2.1", user "a", database "d", SSL off', "", ("no_hba_entry", "a", "d", "192.0.2.1")),
        ('no pg_hba.conf entry for host "::1", user "a", database "d", no encryption', "", ("no_hba_entry", "a", "d", "::1")),
        ('no pg_hba.conf entry for replication connection from host "::1", user "a", SSL on', "", ("no_hba_entry", "a", None, "::1")),
        ('pg_hba.conf rejects connection for host "[local]", user "a", database "d", no encryption', "", ("reject_rule", "a", "d", "[local]")),
        ('pg_hba.conf rejects replication connection for host "::1", user "a", SSL encryption', "", ("reject_rule", "a", None, "::1")),
        ('role "a" does not exist', "", ("role_does_not_exist", "a", None, None)),
        ('role "a" is not permitted to log in', "", ("not_permitted_to_log_in", "a", None, None)),
        ('database "d" does not exist', "", ("database_does_not_exist", None, "d", None)),
        ('permission denied for database "d"', "User does not have CONNECT privilege.", ("no_privilege", None, "d", None)),
        ("must be superuser or replication role to start walsender", "", ("no_privilege", None, None, None)),
        ("permission denied to start WAL sender", "", ("no_privilege", None, None, None)),
        ('too many connections for role "a"', "", ("too_many_connections", "a", None, None)),
        ('too many connections for database "d"', "", ("too_many_connections", None, "d", None)),
        ("sorry, too many clients already", "", ("too_many_connections", None, None, None)),
        ("remaining connection slots are reserved for roles with the SUPERUSER attribute", "", ("too_many_connections", None, None, None)),
        ("canceling authentication due to timeout", "", ("timeout", None, None, None)),
        ('certificate authentication failed for user "a"', "", ("certificate", "a", None, None)),
        ("connection requires a valid client certificate", "", ("certificate", None, None, None)),
        ('Peer authentication failed for user "a"', "", ("authentication", "a", None, None)),
        ('OAuth bearer authentication failed for user "a"', "", ("authentication", "a", None, None)),
        ('cannot connect to invalid database "d"', "", ("database_closed", None, "d", None)),
        ("unsupported frontend protocol 1.0: server supports 3.0 to 3.0", "", ("protocol", None, None, None)),
        ("expected SASL response, got message type 81", "", ("protocol", None, None, None)),
        ('unrecognized configuration parameter "x"', "", ("options", None, None, None)),
        ('parameter "ssl" cannot be changed now', "", ("options", None, None, None)),
        ('invalid value for parameter "client_encoding": "x"', "", ("options", None, None, None)),
        ("the database system is starting up", "", ("not_ready", None, None, None)),
        ("terminating connection due to administrator command", "", None),
        ('could not open file "x"', "", None),
    ],
)  # fmt: skip
def test_refusals(message: str, detail: str, expected: tuple[t.Any, ...] | None) -> None:
    found = refusal(fatal(message, detail=detail), english=True)
    assert (None if found is None else tuple(found)) == expected
    assert refusal(fatal(message, detail=detail)._replace(severity="ERROR"), english=True) is None
    full = refusal(fatal(message, detail=detail, user="u", database="b", address="192.0.2.9"), english=True)
    assert full is None or full[1:] == ("u", "b", "192.0.2.9")


def test_refusals_that_are_only_logged() -> None:
    for message in ("could not accept SSL connection: unknown protocol", "invalid length of startup packet"):
        assert refusal(log(message), english=True)
    assert refusal(log("could not send data to client"), english=True) is None


@pytest.mark.parametrize(
    ("code", "stage", "expected"),
    [
        ("28P01", "", "wrong_password"),
        ("28000", "authentication", "not_authorized"),
        ("53300", "startup", "too_many_connections"),
        ("3D000", "startup", "database_does_not_exist"),
        ("57014", "authentication", "timeout"),
        ("57014", "SELECT", None),
        ("28P01", "DO", None),
        ("0A000", "startup", "protocol"),
        ("42501", "idle", None),
        ("57P01", "authentication", None),
        (None, "authentication", None),
    ],
)
def test_refusals_in_another_language(code: str | None, stage: str, expected: str | None) -> None:
    record = Record(NOW, "SCHWERWIEGEND", "Passwort-Authentifizierung fehlgeschlagen", code, stage=stage, user="a")
    found = refusal(record, english=False)
    assert (None if found is None else found.reason) == expected
    # So it is for a report in English whose words are of a version to come.
    found = refusal(fatal("something new", code=code, stage=stage), english=True)
    assert (None if found is None else found.reason) == expected


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("statement: GRANT a TO b", ("statement", [Change("GRANT", "a", "b")])),
        ("execute <unnamed>: GRANT a TO b", ("statement", [Change("GRANT", "a", "b")])),
        ("duration: 0.123 ms  statement: GRANT a TO b", ("statement", [Change("GRANT", "a", "b")])),
        ("duration: 0.123 ms  execute s1: GRANT a TO b", ("statement", [Change("GRANT", "a", "b")])),
        ("execute a:b: GRANT a TO b", ("statement", [Change("GRANT", "a", "b")])),
        ("duration: 0.123 ms  bind s1: GRANT a TO b", ("", [])),
        ("statement: SELECT 1", ("statement", [])),
        ('AUDIT: SESSION,1,1,ROLE,GRANT ROLE,,,"GRANT a, c TO b",<not logged>', ("audit", [Change("GRANT", "a, c", "b")])),
        ("AUDIT: SESSION,1,1,ROLE,CREATE ROLE,ROLE,x,<previously logged>,<previously logged>", ("audit", [Change("CREATE ROLE", "x")])),
        ("AUDIT: SESSION,1,1,READ,SELECT,TABLE,public.t,SELECT 1,<none>", ("audit", [])),
        ("AUDIT: nonsense", ("audit", [])),
        ("Role bob transitioning to Superuser Role postgres", ("set_user", [Change("SET_USER", "bob", "postgres")])),
        ("Superuser Role postgres transitioning to Role bob", ("set_user", [Change("SET_USER", "postgres", "bob")])),
        ("checkpoint starting: time", ("", [])),
    ],
)  # fmt: skip
def test_changes(message: str, expected: tuple[str, list[Change]]) -> None:
    assert meanings.asked_for(log(message)) == expected
    use = meanings.use(english=True, arrivals=False)
    assert not expected[1] or (message.startswith(use.starts) and use.is_worth(message))


def test_what_means_nothing_is_not_put_together() -> None:
    use = meanings.use(english=True, arrivals=False)
    for message in (
        "statement: SELECT 1",
        "duration: 1.0 ms  execute a: UPDATE users SET x = 1",
        "execute a: INSERT INTO role VALUES (1)",
    ):
        assert message.startswith(use.starts) and not use.is_worth(message)
    assert not "connection received: host=x".startswith(use.starts)
    assert "connection received: host=x".startswith(meanings.use(english=True, arrivals=True).starts)
    assert "Anweisung: x".startswith(meanings.use(english=False, arrivals=False).starts)


def review_of(
    *records: Record, english: bool = True, most: int = 100, superusers: t.Sequence[str] = ("postgres",)
) -> Review:
    period = Period("1 day", None, NOW + 60)
    review = Review(period=period, superusers=superusers, shown=["work_mem"], english=english, most=most)
    for record in records:
        review.take(record)
    review.ends()
    return review


def told(review: Review, known: Known | None = None, reasons: t.Sequence[str] = ()) -> dict[str, t.Any]:
    return result(review, known or Known([]), dict.fromkeys(reasons, ["why"]))


def test_logins() -> None:
    found = told(
        review_of(
            log("connection received: host=192.0.2.1 port=5", pid=1),
            log(LOGIN, pid=1),
            log("connection received: host=[local]", pid=2),
            log("connection authorized: user=postgres database=d", pid=2, time=NOW - 5),
            log("replication connection authorized: user=postgres application_name=s SSL enabled (x)", address="::1"),
            log(LOGIN, pid=1, time=NOW - 3 * 86400),  # before the period
        ),
        Known([{"role": "postgres", "address": "[local]"}, {"role": "old", "address": "192.0.2.0/24"}]),
    )
    assert [(row["role"], row["address"], row["count"]) for row in found["first_seen"]] == [
        ("app", "192.0.2.1", 1),
        ("postgres", "::1", 1),
    ]
    assert [(row["role"], row["database"], row["address"]) for row in found["superuser_logins"]] == [
        ("postgres", "(replication)", "::1"),
        ("postgres", "d", "[local]"),
    ]
    assert len(found["pairs"]) == 4 and {"role": "old", "address": "192.0.2.0/24"} in found["pairs"]
    assert told(review_of(log(LOGIN, pid=1)))["first_seen"][0]["address"] is None


def test_a_login_that_is_refused_after_all() -> None:
    """The server says that a login is authorized before it looks whether the role may log in."""
    early = log("connection authorized: user=postgres database=d", pid=1, address="::1")
    late = fatal('role "postgres" does not exist', pid=1, address="::1")
    assert told(review_of(early))["superuser_logins"] and not told(review_of(early, late))["superuser_logins"]
    assert told(review_of(early, late._replace(time=NOW + 30)))["superuser_logins"]
    assert told(review_of(early, late._replace(pid=2)))["superuser_logins"]
    assert told(review_of(early, early, late))["superuser_logins"][0]["count"] == 1


def test_what_is_doubted_counts_nowhere_else() -> None:
    doubt = "torn"
    found = told(
        review_of(
            log("connection authorized: user=postgres database=d", pid=1, doubt=doubt),
            fatal('role "x" does not exist', doubt=doubt),
            log("statement: GRANT a TO b", user="u", doubt=doubt),
            log("starting PostgreSQL 17.5", doubt=doubt),
            log("connection received: host=192.0.2.66 port=5", pid=7, doubt=doubt),
            log(LOGIN, pid=7),
        )
    )
    rows = sorted((row["table"], row["what"]) for row in found.pop("doubtful"))
    assert rows == [
        ("changes", "GRANT"),
        ("failed_logins", "role_does_not_exist"),
        ("pairs", "postgres"),
        ("runs", "start"),
        ("superuser_logins", "postgres"),
    ]
    assert [row["address"] for row in found.pop("first_seen")] == [None]
    assert not any(found.values())


def test_who_gave_a_statement_is_known_by_the_process() -> None:
    """As with the prefix that PostgreSQL comes with."""
    received = "connection received: host=192.0.2.1 port=5"
    found = told(
        review_of(
            log(received, pid=1),
            log("connection authorized: user=app database=shop", pid=1),
            log("statement: GRANT a TO b", pid=1),
            log("statement: GRANT c TO d", pid=2),
            log("connection received: host=192.0.2.1 port=5", pid=1),
            log("statement: GRANT e TO f", pid=1),
            log("connection authorized: user=app database=shop", pid=3),
            log("starting PostgreSQL 17.5", pid=9),
            log("statement: GRANT g TO h", pid=3),
        )
    )
    assert {(row["object"], row["role"], row["database"]) for row in found["changes"]} == {
        ("a", "app", "shop"),
        ("c", None, None),
        ("e", None, None),
        ("g", None, None),
    }


def test_superusers_of_then() -> None:
    def login(role: str) -> Record:
        return log(f"connection authorized: user={role} database=d", user=role, address="::1")

    review = review_of(
        log("statement: CREATE ROLE short SUPERUSER LOGIN", user="postgres"),
        log("statement: ALTER ROLE mallory SUPERUSER", user="mallory"),
        Record(NOW, "ERROR", "permission denied", user="mallory", statement="ALTER ROLE mallory SUPERUSER"),
        log("statement: ALTER ROLE former NOSUPERUSER", user="postgres"),
        *(login(role) for role in ("short", "mallory", "former", "renamed", "app", "postgres")),
    )
    assert {row["role"] for row in told(review)["superuser_logins"]} == {"short", "postgres"}
    assert review.gone(["postgres", "mallory", "former", "app"]) == ["former", "renamed"]


@pytest.mark.parametrize(
    ("message", "is_doubted"),
    [
        ("connection authorized: user=postgres database=d", True),
        ("AUDIT: SESSION,1,1,ROLE,GRANT,,,GRANT a TO b,<none>", True),
        ("Role a transitioning to Superuser Role b", False),
    ],
)
def test_what_a_session_had_the_server_say(message: str, is_doubted: bool) -> None:
    said = log(message, statement="DO $$BEGIN RAISE LOG '...'; END$$")
    assert bool(told(review_of(said))["doubtful"]) is is_doubted
    assert told(review_of(log(message, context="PL/pgSQL function f() line 1 at RAISE")))["doubtful"]
    assert not told(review_of(log(message)))["doubtful"]


def test_statements_that_fail() -> None:
    found = told(
        review_of(
            log("statement: GRANT a TO b", user="u"),
            Record(NOW, "ERROR", "no", user="u", statement="GRANT a TO b"),
            Record(NOW, "ERROR", "no", user="u", statement="GRANT c TO b"),
            Record(NOW, "ERROR", "no", user="u", statement="SELECT 1"),
        )
    )
    assert sorted((row["object"], row["count"], row["failed"]) for row in found["changes"]) == [
        ("a", 1, 1),
        ("c", 0, 1),
    ]


def test_configuration() -> None:
    found = told(
        review_of(
            log("received SIGHUP, reloading configuration files"),
            log('parameter "work_mem" changed to "4MB"'),
            log('parameter "primary_conninfo" changed to "password=hunter2"'),
            log('parameter "work_mem" removed from configuration file, reset to default'),
            log('parameter "port" cannot be changed without restarting the server'),
            log('configuration file "x" contains errors; unaffected changes were applied'),
            log("pg_hba.conf was not reloaded"),
            log("received SIGHUP, reloading configuration files", user="app"),  # no process of a client says so
        )
    )
    assert sorted(
        (row["kind"], row["parameter"] or "", row["value"] or "", row["count"]) for row in found["configuration"]
    ) == [
        ("changed", "primary_conninfo", "", 1),
        ("changed", "work_mem", "4MB", 1),
        ("pending_restart", "port", "", 1),
        ("reload", "", "", 1),
        ("reload_refused", "", "", 2),
        ("removed", "work_mem", "", 1),
    ]


def test_restarts() -> None:
    start, stop = log("starting PostgreSQL 18.0 on x"), log("database system is shut down")
    interrupted = log("database system was interrupted; last known up at x")

    def kinds(*records: Record) -> list[str]:
        return [row["kind"] for row in told(review_of(*records))["restarts"]]

    assert kinds(start) == ["start"]
    assert kinds(stop, start) == ["restart"]
    assert kinds(start._replace(before=NOW - 9)) == ["start_without_stop"]
    assert kinds(log("received immediate shutdown request"), start._replace(before=NOW), interrupted) == ["crash"]
    assert kinds(
        log("server process (PID 5) was terminated by signal 9: Killed"),
        log("all server processes terminated; reinitializing"),
        interrupted,
    ) == ["process_crash", "reinitialised"]
    [row] = told(review_of(stop._replace(time=NOW - 60), start))["restarts"]
    assert (row["from"], row["to"]) == ("2026-03-02T04:04:06Z", "2026-03-02T04:05:06Z")
    many = told(review_of(*[start] * 1500))["restarts"]
    assert (len(many), many[-1]["kind"]) == (1001, "500 more")


def test_tables_are_bounded() -> None:
    table = Table(("reason", "role"), 10, ("reason",))
    for number in range(1000):
        table.add((f"reason {number % 15}", f"role {number}"), NOW + number)
    rows = [(values, others, count.count) for values, others, count in table.rows()]
    assert sum(count for _values, _others, count in rows) == 1000
    assert len(rows) == 21 and [others for _values, others, _count in rows] == [False] * 10 + [True] * 11
    assert ({"reason": None, "role": None}, True) in [(values, others) for values, others, _count in rows]
    table = Table(("role",), 10)
    table.add(("x" * 10_000,), None)
    [(values, _others, count)] = table.rows()
    assert (len(values["role"] or ""), count.first) == (255, None)


def test_memory_of_a_review() -> None:
    """More names and processes than are kept, and none of them comes back."""
    review = review_of(most=100)
    tracemalloc.start()
    for number in range(12_000):
        review.take(fatal(f'role "{number}" does not exist', address=f"10.0.{number % 250}.{number % 249}"))
        review.take(log(f"connection received: host=10.1.1.{number % 250} port=1", pid=number))
        review.take(log(f"connection authorized: user=u{number} database=d", pid=number))
        review.take(log(f"statement: GRANT a{number} TO b"))
    review.ends()
    assert tracemalloc.get_traced_memory()[1] < 2**25
    tracemalloc.stop()
    found = told(review)
    assert sum(row["count"] for row in found["failed_logins"]) == 12_000
    assert sum(row["count"] for row in found["first_seen"]) == 12_000
    assert len(found["changes"]) < 250


PARAMETERS = {"lc_messages": "C", "log_min_messages": "warning", "log_connections": "on", "log_statement": "ddl"}


def unknown_with(
    destination: str = "csvlog", records: t.Sequence[Record] = (), audited: str = "", **parameters: str
) -> set[str]:
    return set(unknown(Writing({**PARAMETERS, "pgaudit.log": audited, **parameters}, destination), review_of(*records)))


def test_unknown() -> None:
    assert unknown_with() == set()
    logins = {"superuser_logins", "first_seen"}
    every = {*logins, "failed_logins", "changes", "configuration", "restarts"}
    assert unknown_with(log_connections="off") == unknown_with(log_connections="receipt") == logins
    assert unknown_with(log_connections="receipt,authorization") == set()
    assert unknown_with(log_statement="none") == {"changes"}
    assert unknown_with(log_statement="none", audited="role, ddl") == set()
    assert unknown_with(log_statement="none", audited="all") == set()
    assert unknown_with(log_statement="none", audited="all, -role") == {"changes"}
    assert unknown_with(log_min_messages="fatal") == every - {"failed_logins"}
    assert unknown_with(log_min_messages="panic") == every
    assert unknown_with("stderr", lc_messages="de_DE.UTF-8") == every
    assert unknown_with(records=[log('parameter "log_connections" changed to "on"')]) == logins
    assert unknown_with(records=[log('parameter "log_statement" changed to "ddl"')]) == {"changes"}
    assert unknown_with(records=[log(LOGIN)]) == {"first_seen"}
    assert unknown_with(records=[log("statement: " + "x", is_cut=True)]) == {"changes"}
    assert unknown_with(records=[log('parameter "lc_messages" changed to "C"')]) == every
    assert unknown_with(records=[log("statement: GRANT a TO b", doubt="torn")]) == {"changes"}
    assert unknown_with(records=[log("statement: GRANT a TO b", statement="DO")]) == set()
    assert not Writing({**PARAMETERS, "lc_messages": "C.UTF-8"}, "csvlog", speaks_english=False).english
    for seen, parts in (
        (Seen(unread=1), every),
        (Seen(is_limited=True), every),
        (Seen(is_later=True), every),
        (Seen(foreign=1), every),
        (Seen(too_long=1), {"changes"}),
        (Seen(gone=["old"]), {"superuser_logins"}),
    ):
        assert set(unknown(Writing(PARAMETERS, "csvlog"), review_of(), seen)) == parts, seen
    bare = Writing(PARAMETERS, "stderr", has_times=False, has_places=False, elsewhere=("log_statement of role a",))
    assert set(unknown(bare, review_of())) == {"period", "failed_logins", "changes", *logins}
    assert [is_english(each) for each in ("", "C", "C.UTF-8", "en_GB.UTF-8", "de_DE", "Cx")] == [True] * 4 + [False] * 2


def test_what_is_unknown_is_not_empty() -> None:
    empty = told(review_of(), reasons=["changes", "first_seen"])
    assert (empty["changes"], empty["first_seen"], empty["failed_logins"]) == (None, None, [])
    some = told(review_of(log("statement: GRANT a TO b")), reasons=["changes"])
    assert len(some["changes"]) == 1


def test_another_language() -> None:
    found = told(
        review_of(
            Record(NOW, "FATAL", "Rolle »x« existiert nicht", "28000", user="x", stage="startup"),
            log("Verbindung autorisiert: Benutzer=postgres"),
            log("AUDIT: SESSION,1,1,ROLE,GRANT ROLE,,,GRANT a TO b,<none>"),
            english=False,
        )
    )
    assert [row["reason"] for row in found["failed_logins"]] == ["not_authorized"]
    assert len(found["changes"]) == 1 and found["first_seen"] == []


def test_moments() -> None:
    assert moment("since", "7 days", NOW) == NOW - 7 * 86400
    assert moment("since", "2026-03-02T04:05:06Z", NOW) == NOW
    assert moment("since", "2026-03-02 05:05:06+01:00", NOW) == NOW
    assert moment("since", "2026-03-02", NOW) == NOW - 4 * 3600 - 5 * 60 - 6
    assert (span("gap", "90 Minutes"), span("gap", "1week")) == (5400, 604800)
    assert text_of(NOW + 0.9) == "2026-03-02T04:05:06Z"
    for wrong in ("", "0 days", "yesterday", "-1 days", "7 parsecs"):
        with pytest.raises(InputError):
            moment("since", wrong, NOW)
    with pytest.raises(InputError):
        Period("2026-03-03", None, NOW)
    assert Period("1 day", "2099-01-01", NOW).until == NOW
    hour = Period("1 hour", None, NOW)
    assert all(hour.holds(time) for time in (None, NOW - 3600, NOW - 1))
    assert not any(hour.holds(time) for time in (NOW - 7200, NOW, NOW + 1))


def test_one_period_begins_where_another_ended() -> None:
    """Each moment is in one of them, and what is told of an end is where it is."""
    first = Period("1 hour", "10 seconds", NOW + 0.9)
    told = text_of(first.until)
    assert told is not None
    second = Period(told, None, NOW + 60)
    for time in (NOW - 11, NOW - 10.001, NOW - 10, NOW - 9.999, NOW):
        assert first.holds(time) is not second.holds(time)
    assert Period("1 hour", "2099-01-01", NOW + 0.9).until == NOW
    assert Period("1 hour", "2026-03-02T04:05:05.7Z", NOW + 60).until == NOW - 1


def test_known_pairs() -> None:
    known = Known([{"role": "a", "address": "192.0.2.0/24"}, {"role": "a", "address": "db.example.org"}])
    inside = [("a", "192.0.2.9"), ("a", "192.0.2.0/24"), ("a", "db.example.org")]
    outside = [("b", "192.0.2.9"), ("a", "192.0.3.1"), ("a", "::1"), ("a", "[local]"), ("a", None), (None, "192.0.2.9")]
    assert all(pair in known for pair in inside) and not any(pair in known for pair in outside)
    with pytest.raises(InputError):
        Known([{"role": "a", "address": "192.0.2.0/240"}])


def test_gaps() -> None:
    def gaps(*times: float, gap: float = 100.0) -> list[tuple[str, float]]:
        notes = Notes(gap)
        for time in times:
            notes.moment(time)
        found = silences(notes, since=1000.0, until=2000.0, gap=gap)
        return [
            (row["kind"], 0 if row["to"] is None else int(row["to"][14:16]) * 60 + int(row["to"][17:19]))
            for row in found
        ]

    assert gaps(*range(900, 2100, 90)) == []
    assert gaps(*range(1050, 2100, 90)) == [("begins_late", 1050)]
    assert gaps(*range(900, 1400, 90)) == [("silence", 2000)]
    assert gaps(*range(900, 1400, 90), 1999) == [("silence", 1999)]
    assert gaps() == [("silence", 2000)]
    assert gaps(10.0, 500.0, *range(600, 2100, 90)) == []


def test_rotation() -> None:
    day = 86400
    utc = Calendar()
    names = [f"/log/server-2026-03-0{number}.log" for number in (1, 2, 4)]

    def missing(pattern: str, names: t.Collection[str], age: int = day, calendar: Calendar = utc) -> list[str]:
        begin = 1772323200.0 + 3600  # 2026-03-01 01:00 UTC
        return [
            name
            for name, _time in missing_by_time(
                names, pattern, age=age, begin=begin, end=begin + 4 * day, calendar=calendar
            )
        ]

    assert missing("server-%Y-%m-%d.log", names) == ["server-2026-03-03.log", "server-2026-03-05.log"]
    assert missing("server-%Y-%m-%d.log", [f"{name}.gz" for name in names]) == [
        "server-2026-03-03.log",
        "server-2026-03-05.log",
    ]
    assert missing("server-%Y-%m-%d_%H%M%S.log", [], calendar=Calendar({}, 19800))[0] == "server-2026-03-02_000000.log"
    assert missing("server.log", []) == missing("server-%d.log", [], age=0) == missing("server-%Q.log", []) == []
    assert missing_by_number("/log/x.log", ["/log/x.log", "/log/x.log.1", "/log/x.log.4.gz"]) == [
        "/log/x.log.2",
        "/log/x.log.3",
    ]
    assert missing_by_number("/log/x.log", ["/log/x.log", "/log/x.log.1", "/log/x.log-20260301"]) == []
