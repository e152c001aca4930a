# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every parameter of every major version in many spellings: our reading of a value is the server's own.

Each round writes one spelling for every parameter into a file that the server includes. pg_file_settings gives the
verdict on each line; after a reload pg_settings shows the value in base units. A parameter that needs a restart keeps
its value: there pg_settings tells whether the spelling means the running value (pending_restart).
"""

from __future__ import annotations

import dataclasses
import itertools
import random
import typing as t

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._settings import grammar
from ansible_collections.rampart.postgresql.plugins.module_utils._settings import units
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.names import NOT_IN_FILE
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.values import Parameter
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.values import Value
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.values import is_running
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.values import normalise

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

ROUNDS = 16
OWN_SESSION = ("statement_timeout", "lock_timeout", "idle_session_timeout", "transaction_timeout")

# The value is judged by pg_file_settings only: this test's own logins set, delay or hide it.
VERDICT_ONLY = frozenset(
    {
        *OWN_SESSION,
        "db_user_namespace",
        "idle_in_transaction_session_timeout",
        "log_executor_stats",  # these four exclude one another
        "log_parser_stats",
        "log_planner_stats",
        "log_statement_stats",
        "post_auth_delay",
        "pre_auth_delay",
        "tcp_keepalives_count",
        "tcp_keepalives_idle",
        "tcp_keepalives_interval",
        "tcp_user_timeout",
        "temp_file_limit",
    }
)

# The server refuses some values of these for reasons that are not in pg_settings: other parameters, limits of the host.
MORE_CONDITIONS = frozenset(
    {
        "autovacuum_max_workers",
        "autovacuum_worker_slots",
        "bonjour",
        "commit_timestamp_buffers",
        "huge_page_size",
        "io_max_concurrency",
        "log_executor_stats",
        "log_parser_stats",
        "log_planner_stats",
        "log_statement_stats",
        "max_connections",
        "max_stack_depth",
        "max_wal_senders",
        "max_worker_processes",
        "multixact_member_buffers",
        "multixact_offset_buffers",
        "notify_buffers",
        "serializable_buffers",
        "ssl",
        "subtransaction_buffers",
        "transaction_buffers",
        "vacuum_buffer_usage_limit",
    }
)

# The server raises small values without a word, so several of ours run as one.
RAISED = frozenset({"autovacuum_work_mem"})

# Spellings that we translate although this version refuses them, or refuse although it takes them.
OUR_OWN_WAY = {
    ("log_connections", ""),  # nothing of the list of PostgreSQL 18
    ("password_encryption", "on"),  # means md5 on 13 and nothing on 14
    ("password_encryption", "true"),
    ("password_encryption", "yes"),
    ("password_encryption", "1"),
}

_PARAMETERS = """
SELECT name, vartype, context, unit, min_val, max_val, enumvals, setting, source, sourcefile, pending_restart
FROM pg_catalog.pg_settings WHERE vartype <> 'string' ORDER BY name"""
_VERDICTS = """
SELECT name, error IS NULL FROM pg_catalog.pg_file_settings WHERE sourcefile LIKE '%/spellings.conf' ORDER BY seqno"""


@dataclasses.dataclass
class Tally:
    """What one major version was asked."""

    accepted: int = 0
    refused: int = 0
    unjudged: int = 0
    wrong: list[str] = dataclasses.field(default_factory=list)
    readings: dict[str, set[tuple[t.Hashable, str]]] = dataclasses.field(default_factory=dict)  # ours, the server's


def parameters(server: Server) -> dict[str, Parameter]:
    """What the server lists now."""
    found = {}
    with server.connect(options=" ".join(f"-c {name}=0" for name in own_session(server))) as connection:
        rows = connection.execute(_PARAMETERS).fetchall()
    for name, vartype, context, unit, minimum, maximum, labels, setting, source, file, pending in rows:
        if context != "internal" and name not in NOT_IN_FILE:
            found[name] = Parameter(
                name, vartype, context, unit, minimum, maximum, tuple(labels or ()), setting, source, file, pending
            )
    return found


def own_session(server: Server) -> tuple[str, ...]:
    missing = {"idle_session_timeout": 14, "transaction_timeout": 17}
    return tuple(name for name in OWN_SESSION if missing.get(name, 0) <= server.major)


def verdicts(server: Server) -> tuple[dict[str, bool], dict[str, Parameter]]:
    """What the server says of the file on disk, and what that session lists afterwards."""
    with server.connect(options=" ".join(f"-c {name}=0" for name in own_session(server))) as connection:
        lines = {name: bool(fine) for name, fine in connection.execute(_VERDICTS).fetchall()}
        pending = dict(connection.execute("SELECT name, pending_restart FROM pg_catalog.pg_settings").fetchall())
    found = {name: dataclasses.replace(p, pending_restart=pending[name]) for name, p in parameters(server).items()}
    return lines, found


def write(server: Server, spellings: dict[str, str]) -> None:
    text = "".join(f"{name} = {grammar.quote(value)}\n" for name, value in spellings.items())
    path = server.data_directory / "spellings.conf"
    path.write_text(text, encoding="utf-8")


def integer_spellings(parameter: Parameter, chance: random.Random) -> list[str]:
    low, high = int(parameter.minimum or 0), int(parameter.maximum or 0)
    low, high = max(low, -(10**6)), min(high, 10 ** chance.randint(1, 9))
    number = chance.randint(min(low, high), max(low, high))
    named = units.units_for(parameter.unit)
    unit = chance.choice(named) if named else ""
    return [
        f"{number}",
        f" {number} ",
        f"{number:#x}",
        f"0{number:o}" if number >= 0 else f"-0{-number:o}",
        f"{number}.0",
        f"{number + 0.4:.1f}",
        f"{number / 1000}e3",
        f"{number}.5",
        f"{chance.randint(0, 40)}{unit}",
        f"{chance.randint(0, 40)} {unit}",
        f"{chance.random() * 40:.3f}{unit}",
        f"0x1F {unit}",
        f"{chance.randint(0, 9)}e1{unit}",
        chance.choice(["-1", "0", "00", "+1", "1e1", "0x", "0x1.8", "010", "08", "010.5", ".5", "1e", "1e99", "1e400"]),
        chance.choice(
            ["", " ", "one", "1 one", "5 m", "5kb", "5KB", "5mins", "5 min s", "5S", "1..2", "nan", "inf", "1_0"]
        ),
        chance.choice(
            [str(int(parameter.maximum or 0) + 1), str(int(parameter.minimum or 0) - 1), "99999999999999999999"]
        ),
        str(parameter.maximum),
        str(parameter.minimum),
    ]


def real_spellings(parameter: Parameter, chance: random.Random) -> list[str]:
    high = min(float(parameter.maximum or 0), 10.0 ** chance.randint(0, 6))
    number = chance.random() * high
    named = units.units_for(parameter.unit)
    unit = chance.choice(named) if named else ""
    return [
        f"{number}",
        f"{number:.2f}",
        f"{number:e}",
        f" {number:.4f} ",
        f"{int(number)}",
        f"{chance.random() * 5:.3f}{unit}",
        f"{chance.randint(0, 9)} {unit}",
        chance.choice(
            ["0x1p3", "0x1.8", "0x10", ".5", "5.", "1e1", "010", "1e-400", "1e400", "0e999", "nan", "inf", "-inf"]
        ),
        chance.choice(["", "one", "1 one", "1..2", "--1", "1,5", "5 m", "5S", "infinity"]),
        chance.choice(["-2", "-1", "0", "-0.0", "1e300"]),
        str(parameter.maximum),
        str(parameter.minimum),
    ]


def bool_spellings(_parameter: Parameter, _chance: random.Random) -> list[str]:
    return ["on", "OFF", "tru", "F", "Yes", "no", "1", "0", "of", "o", "", "onn", " on", "2", "enabled", "01", "y", "N"]


def enum_spellings(parameter: Parameter, chance: random.Random) -> list[str]:
    labels = list(parameter.labels)
    some = [chance.choice(labels) for _attempt in range(6)]
    hidden = ["true", "YES", "1", "false", "no", "0", "on", "off", "t", "archive", "hot_standby", "debug", "info"]
    return [
        some[0],
        some[1].upper(),
        some[2].title(),
        f" {some[3]}",
        some[4][:-1],
        *chance.sample(hidden, 6),
        "nonsense",
        some[5],
    ]


SPELLINGS = {"bool": bool_spellings, "enum": enum_spellings, "integer": integer_spellings, "real": real_spellings}


@pytest.fixture
def prepared(fresh_server: Server) -> Server:
    with fresh_server.conf_file.open("a", encoding="utf-8") as stream:
        stream.write("include_if_exists 'spellings.conf'\n")
    fresh_server.reload()
    return fresh_server


def ours(parameter: Parameter, text: str) -> Value | None:
    try:
        return normalise(parameter, text)
    except ValueError:
        return None


def judge(tally: Tally, before: Parameter, now: Parameter, text: str, *, fine: bool) -> None:
    """Compare the server's verdict and value with ours."""
    if (now.name, text.lower()) in OUR_OWN_WAY:
        return
    value = ours(before, text)
    label = f"{now.name} ({now.vartype}, unit {now.unit}, from {now.minimum} to {now.maximum}) = {text!r}"
    at_start = now.context == "postmaster"
    accepted = fine or (at_start and now.pending_restart)
    if not accepted and value is not None and now.name in MORE_CONDITIONS:
        tally.unjudged += 1
    elif accepted != (value is not None):
        tally.wrong.append(f"{label}: the server {'accepts' if accepted else 'refuses'} it")
    elif value is None:
        tally.refused += 1
    elif now.name in VERDICT_ONLY:
        tally.unjudged += 1
    elif is_running(now, value) != (fine if at_start else True):
        tally.wrong.append(f"{label}: it means {value.key!r} to us; the server runs with {now.setting!r}, fine={fine}")
    else:
        tally.accepted += 1
        if not at_start:
            ours_shown = f"{value.key:g}" if isinstance(value.key, float) else value.key
            shown = "0" if now.setting == "-0" else now.setting
            tally.readings.setdefault(now.name, set()).add((ours_shown, shown))


def confused(tally: Tally) -> tuple[int, list[str]]:
    """How many pairs of values of a parameter were compared, and those that are one to us and two to the server, or back."""
    pairs, wrong = 0, []
    for name, readings in tally.readings.items():
        for left, right in itertools.combinations(sorted(readings, key=str), 2):
            pairs += 1
            if name not in RAISED and (left[0] == right[0]) != (left[1] == right[1]):
                wrong.append(f"{name}: {left} and {right}")
    return pairs, wrong


def test_every_spelling_means_to_us_what_it_means_to_the_server(prepared: Server) -> None:
    chance = random.Random(20260701)
    tally = Tally()
    for number in range(ROUNDS):
        before = parameters(prepared)
        spelt = {}
        for name, parameter in before.items():
            choices = SPELLINGS[parameter.vartype](parameter, chance)
            spelt[name] = choices[(number + len(name)) % len(choices)]
        at_start = {name: text for name, text in spelt.items() if before[name].context == "postmaster"}
        judge_round(tally, prepared, before, at_start, reload=False)
        judge_round(tally, prepared, before, {n: s for n, s in spelt.items() if n not in at_start}, reload=True)
        # Back to the defaults, so that one round's values do not decide about the next one's.
        write(prepared, {})
        prepared.reload()
    print(
        f"PostgreSQL {prepared.major}: {tally.accepted} values equal, {tally.refused} refused, {tally.unjudged} unjudged"
    )
    pairs, wrong = confused(tally)
    print(f"{pairs} pairs of values")
    assert not tally.wrong + wrong, "\n".join(tally.wrong + wrong)
    assert pairs > 3000
    assert tally.accepted > 2000
    assert tally.refused > 300
    assert tally.unjudged < 300


def judge_round(
    tally: Tally, server: Server, before: dict[str, Parameter], spelt: dict[str, str], *, reload: bool
) -> None:
    write(server, spelt)
    lines, now = verdicts(server)
    assert len(lines) == len(spelt)
    if reload:
        write(server, {name: text for name, text in spelt.items() if name not in VERDICT_ONLY})
        server.reload()
        now = parameters(server)
    for name, text in spelt.items():
        judge(tally, before[name], now[name], text, fine=lines[name])


def test_a_wrong_reading_is_noticed(prepared: Server) -> None:
    """The comparison above can fail: the same value in another unit, an accepted word that is refused."""
    before = parameters(prepared)
    write(prepared, {"work_mem": "8MB"})
    prepared.reload()
    lines, now = verdicts(prepared)
    tally = Tally()
    judge(tally, before["work_mem"], now["work_mem"], "8MB", fine=lines["work_mem"])
    assert (tally.accepted, tally.wrong) == (1, [])
    judge(tally, before["work_mem"], now["work_mem"], "9MB", fine=lines["work_mem"])
    judge(tally, before["work_mem"], now["work_mem"], "8 megabytes", fine=lines["work_mem"])
    assert len(tally.wrong) == 2
    tally.readings["work_mem"] |= {(8192, "4096"), (4096, "8192")}
    assert len(confused(tally)[1]) == 2
