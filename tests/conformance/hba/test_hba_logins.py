"""Whom our matching lets in against whom real servers let in: the method that is asked for, and the line that decides."""

from __future__ import annotations

import itertools
import os
import random
import socket
import typing as t

import pytest

from ansible_collections.rampart.postgresql.tests.conformance.counts import tell
from ansible_collections.rampart.postgresql.tests.conformance.hba import logins
from ansible_collections.rampart.postgresql.tests.conformance.hba.client import Answer
from ansible_collections.rampart.postgresql.tests.conformance.hba.client import Client
from ansible_collections.rampart.postgresql.tests.conformance.hba.client import Login
from ansible_collections.rampart.postgresql.tests.conformance.hba.comparison import MUST_DECIDE
from ansible_collections.rampart.postgresql.tests.conformance.hba.comparison import Comparison
from ansible_collections.rampart.postgresql.tests.conformance.hba.judge import Judge

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Workshop

_EXTENDED = os.environ.get("RAMPART_EXTENDED", "") not in ("", "0")
_LOGINS = int(os.environ.get("RAMPART_LOGINS", "6000" if _EXTENDED else "600"))
_SEED = os.environ.get("RAMPART_SEED", "2" if _EXTENDED else "3")
_PER_FILE = 20
_MOST_UNKNOWN = 0.25

_MEMBERS = """
    WITH RECURSIVE held(member, role) AS (
        SELECT member, roleid FROM pg_catalog.pg_auth_members
        UNION SELECT held.member, m.roleid FROM held JOIN pg_catalog.pg_auth_members m ON m.member = held.role
    ) SELECT m.rolname, r.rolname FROM held
      JOIN pg_catalog.pg_roles m ON m.oid = held.member JOIN pg_catalog.pg_roles r ON r.oid = held.role ORDER BY 1, 2
"""


class Door:
    """A server whose logins are tried, and what is known about its roles."""

    def __init__(self, server: Server) -> None:
        self.server = server
        with server.owner.acting(), server.conf_file.open("a", encoding="utf-8") as stream:
            stream.write("listen_addresses = '127.0.0.1, ::1'\npassword_encryption = md5\n")
        server.restart()
        self.judge = Judge(server)
        self.judge.use_tls(True)
        self.client = Client(server)
        with server.connect() as session:
            for role in logins.ROLES:
                kind = "SUPERUSER" if role == "boss" else "NOSUPERUSER"
                session.execute(f"CREATE ROLE \"{role}\" LOGIN {kind} PASSWORD 'right'")
            for role, member in logins.MEMBERSHIPS:
                session.execute(f'GRANT "{role}" TO "{member}"')
        self.roles: dict[str, list[str]] = {}
        for member, role in server.query(_MEMBERS):
            self.roles.setdefault(member, []).append(role)
        for name, text in logins.FILES.items():
            self.judge.put_beside(name, text)

    def serve(self, rules: list[logins.Draft], *, only_passwords: bool) -> str:
        """Put rules into force; the text of the file."""
        for rule in rules:
            if rule.included:
                self.judge.put_beside(logins.INCLUDED, logins.text_of(rule.included, only_passwords=only_passwords))
        text = logins.text_of(rules, only_passwords=only_passwords)
        self.judge.put(text)
        assert self.judge.loads(), text
        return text

    def answers(self, rules: list[logins.Draft], tried: list[Login]) -> tuple[str, list[Answer]]:
        """The text of the rules, and of each login the method and the line that decides."""
        self.serve(rules, only_passwords=True)
        lines = [self.client.deciding_rule(login) for login in tried]
        text = self.serve(rules, only_passwords=False)
        found = []
        for login, line in zip(tried, lines):
            outcome = self.client.answer(login).outcome
            assert (outcome == "implicit reject") == (line.line is None), (text, login, outcome, line)
            found.append(Answer(outcome, line.path, line.line))
        return text, found


@pytest.fixture(scope="module")
def door(workshop: Workshop, major: int) -> Iterator[Door]:
    server = workshop.server(major)
    door = Door(server)
    yield door
    door.judge.close()
    workshop.discard(server)


def _reachable() -> set[str]:
    """The addresses that a client on this machine can come from: ::1 is not there everywhere."""
    found = set()
    for address in logins.ADDRESSES:
        with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as connection:
            try:
                connection.bind((address, 0))
            except OSError:
                continue
            found.add(address)
    return found


def test_logins(door: Door) -> None:
    chance = random.Random(f"{_SEED}-{door.server.major}")
    addresses = _reachable()
    comparison = Comparison(door.judge, door.roles)
    wrong = []
    for number in range(_LOGINS // _PER_FILE):
        rules = logins.drafts(chance, number, includes=door.judge.dialect.includes)
        tried = list(itertools.islice(logins.logins(chance, rules, addresses), _PER_FILE))
        text, answers = door.answers(rules, tried)
        for login, answer in zip(tried, answers):
            problem = comparison.problem(login, text, answer)
            if problem is not None:
                wrong.append(f"{text}{login}\n  server: {answer}\n  {problem}")
    counts = comparison.counts
    words = f"PostgreSQL {door.judge.version}, seed {_SEED}: {_LOGINS} logins, {len(wrong)} disagreements"
    tell("logins", words, counts)
    assert not wrong, "\n".join(wrong[:20])
    assert counts["unknown to the matching"] <= _MOST_UNKNOWN * _LOGINS
    rare = {name: counts[name] for name in MUST_DECIDE if counts[name] < (20 if _EXTENDED else 1)}
    assert not {name for name in rare if "regular" not in name or door.judge.dialect.regular_expressions}
