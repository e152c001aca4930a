"""What admission says of a client, compared with what becomes of a real login of it."""

from __future__ import annotations

import collections
import dataclasses
import itertools
import os
import random
import time
import typing as t

import psycopg
import pytest

from ansible_collections.rampart.postgresql.plugins.filter.admission import FilterModule
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.client import Client
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.verdict import verdict
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.world import Sessions
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.world import Side
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.dialects import dialect_of
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.matching import Attempt
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.records import parse_text
from ansible_collections.rampart.postgresql.plugins.plugin_utils._admission import databases_of
from ansible_collections.rampart.postgresql.plugins.plugin_utils._admission import roles_of
from ansible_collections.rampart.postgresql.tests.conformance.admission.logins import CERTIFICATES
from ansible_collections.rampart.postgresql.tests.conformance.admission.logins import DATABASES
from ansible_collections.rampart.postgresql.tests.conformance.admission.logins import SHOWN
from ansible_collections.rampart.postgresql.tests.conformance.admission.logins import USERS
from ansible_collections.rampart.postgresql.tests.conformance.admission.logins import Login
from ansible_collections.rampart.postgresql.tests.conformance.admission.logins import Party

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from ansible_collections.rampart.postgresql.tests.conformance.servers import Workshop

EXTENDED = os.environ.get("RAMPART_EXTENDED", "") not in ("", "0")
admission = FilterModule().filters()["admission"]
EVERYBODY = ("apart", "nobody", *USERS)
CERTIFIED = (
    "trust clientcert=verify-ca",
    "trust clientcert=verify-full",
    "scram-sha-256 clientcert=verify-full",
    "cert",
    "cert map=certs",
)
METHODS = ("trust", "trust", "scram-sha-256", "scram-sha-256", "md5", "password", "reject")
WAYS: tuple[t.Literal["socket", "plain", "tls"], ...] = ("socket", "plain", "tls")
BY_WHOLE_NAME = ("cert clientname=DN", "cert clientname=DN map=certs")  # not known to 13


@pytest.fixture(scope="module")
def party(workshop: Workshop, major: int) -> Iterator[Party]:
    """A server of the module's own; its rules change with every test."""
    server = workshop.server(major)
    yield Party(server)
    workshop.discard(server)


class Judge:
    """Compares and counts."""

    def __init__(self, party: Party) -> None:
        self.party = party
        self.facts = party.facts()
        self.counts: collections.Counter[str] = collections.Counter()
        self.wrong: list[str] = []

    def look(self, logins: t.Iterable[Login]) -> None:
        """Try every login and remember where admission says something else."""
        for login in logins:
            found = self.ask(login)
            refused = self.party.try_login(login)
            said = found["outcome"]
            self.counts[said] += 1
            right = said == ("refused" if refused else "admitted")
            if said == "unknown":
                right = "depends on the minor version" in found["reason"]
            if not right:
                self.wrong.append(
                    f"{login}: {found['outcome']}: {found['reason']} ({found['where']}); server: {refused}"
                )

    def ask(self, login: Login, **options: t.Any) -> dict[str, t.Any]:
        """What admission says."""
        server = self.party.server
        options = {"password": login.password == "right", **self.facts, **options}
        answer: dict[str, t.Any] = admission(
            self.party.rules,
            version=server.major,
            user=login.user,
            database=None if login.replication == "physical" else login.database,
            address=None if login.way == "socket" else "127.0.0.1",
            tls=login.way == "tls",
            replication=login.replication == "physical",
            logical=login.replication == "logical",
            account=server.owner.name,
            certificate=login.certificate if login.way == "tls" else None,
            ident=self.party.mappings,
            **options,
        )
        return answer

    def done(self, least: int) -> None:
        """No disagreement, and both outcomes often enough."""
        print(f"{dict(self.counts)}")
        assert not self.wrong, "\n".join(self.wrong)
        assert min(self.counts["admitted"], self.counts["refused"]) >= least, self.counts


def logins(**choices: t.Sequence[t.Any]) -> Iterator[Login]:
    for values in itertools.product(*choices.values()):
        yield Login(**dict(zip(choices, values)))


def mappings(party: Party) -> str:
    account = party.server.owner.name
    return f"""accounts {account} app
accounts /^{account[0]}(.*)$ copier
accounts {account} +grp
certs somebody app
certs app boss
certs "CN=app,O=Shop" old
"""


def test_roles_and_databases(party: Party) -> None:
    party.use("local all,replication all trust\n")
    judge = Judge(party)
    judge.look(logins(user=EVERYBODY, database=["shop", "for_grp"], way=["socket"]))
    some = ("app", "owner", "boss", "member", "nobody")
    judge.look(logins(user=some, database=(*DATABASES, "missing"), way=["socket"]))
    judge.look(
        logins(
            user=("app", "copier", "boss", "dead_boss", "none_left", "nobody"),
            database=("shop", "den", "crowded", "closed"),
            way=["socket"],
            replication=["physical", "logical"],
        )
    )
    judge.done(25)


def test_passwords(party: Party) -> None:
    judge = Judge(party)
    for method in ("scram-sha-256", "md5", "password"):
        party.use(f"local all,replication all {method}\n")
        judge.look(logins(user=EVERYBODY, database=["shop"], way=["socket"]))
        judge.look(logins(user=["app", "old", "bare"], database=["shop"], way=["socket"], password=["none", "wrong"]))
        judge.look(logins(user=["copier", "app"], database=["shop"], way=["socket"], replication=["physical"]))
    judge.done(25)


def test_groups(party: Party) -> None:
    judge = Judge(party)
    for rule in ("local all +grp trust", "local all +outer_group trust", "local samerole all trust"):
        party.use(rule + "\n")
        judge.look(logins(user=(*EVERYBODY, "grp"), database=["shop", "grp"], way=["socket"]))
    judge.done(10)


def test_accounts(party: Party) -> None:
    judge = Judge(party)
    users = (*EVERYBODY, party.server.superuser)
    for rule in ("local all all peer", "local all all peer map=accounts", "local all all peer map=others"):
        party.use(rule + "\n", mappings=mappings(party))
        judge.look(logins(user=users, database=["shop"], way=["socket"]))
    judge.done(3)  # before 16 +grp is a name in a mapping


def test_certificates(party: Party) -> None:
    judge = Judge(party)
    options = CERTIFIED if party.server.major == 13 else (*CERTIFIED, *BY_WHOLE_NAME)
    for option in options:
        party.use(f"hostssl all all all {option}\n", mappings=mappings(party))
        judge.look(logins(user=["app", "old", "boss"], database=["shop"], way=["tls"], certificate=CERTIFICATES))
    party.use("hostssl shop all all trust\nhostnossl own all all trust\nhost lost all all trust\n")
    judge.look(logins(user=["boss"], database=["shop", "own", "lost"], way=["socket", "plain", "tls"]))
    judge.done(20)


def test_without_authorities(party: Party) -> None:
    for option in ("trust clientcert=verify-ca", "trust"):
        party.use(f"hostssl all all all {option}\n", authorities=False)
        judge = Judge(party)
        judge.look(logins(user=["app"], database=["shop"], way=["plain", "tls"], certificate=CERTIFICATES))
        # The words of the server differ, the outcome does not: without ssl_ca_file no certificate is asked for.
        assert judge.counts["admitted"] == (len(CERTIFICATES) if option == "trust" else 0)
        judge.done(0)


def test_subjects_are_shown_as_the_filter_takes_them(party: Party) -> None:
    party.use("hostssl all all all trust clientcert=verify-ca\n")
    for shown in SHOWN:
        with party.opened(Login("app", "shop", "tls", certificate=shown)) as connection:
            query = b"SELECT client_dn FROM pg_catalog.pg_stat_ssl WHERE pid = pg_catalog.pg_backend_pid()"
            assert connection.execute(query).fetchone() == (shown,)


def test_other_sessions_reach_a_limit(party: Party) -> None:
    party.use("local all all trust\n")
    facts = party.facts()
    side = Side(
        dialect=dialect_of(party.server.major),
        rules=tuple(parse_text(party.rules, dialect_of(party.server.major))),
        roles=roles_of(facts["roles"], facts["memberships"]),
        databases=databases_of(facts["databases"]),
    )

    def said(user: str, database: str, sessions: Sessions, *, connected: bool = False) -> bool:
        client = Client(Attempt(user, database), connected=connected)
        return verdict(dataclasses.replace(side, sessions=sessions), client).outcome == "admitted"

    first = Login("twice", "pair", "socket")
    with opened_soon(party, first):
        one = Sessions({"twice": 1}, {"pair": 1})
        assert said("twice", "pair", one)
        with opened_soon(party, first):
            two = Sessions({"twice": 2}, {"pair": 2})
            assert not said("twice", "pair", two) and not said("twice", "shop", two) and not said("app", "pair", two)
            assert said("boss", "pair", two) and said("app", "shop", two) and said("twice", "pair", two, connected=True)
            for user, database, is_in in (
                ("twice", "shop", 0),
                ("app", "pair", 0),
                ("boss", "pair", 1),
                ("app", "shop", 1),
            ):
                assert (party.try_login(Login(user, database, "socket")) is None) == is_in


def opened_soon(party: Party, login: Login) -> psycopg.Connection[tuple[t.Any, ...]]:
    """A session that those which are about to end must not keep out."""
    for _attempt in range(200):
        try:
            return party.opened(login)
        except psycopg.OperationalError:
            time.sleep(0.01)
    return party.opened(login)


def test_generated_rules(party: Party) -> None:
    judge = Judge(party)
    chance = random.Random(party.server.major)
    for _round in range(200 if EXTENDED else 8):
        party.use(rules(chance), mappings=mappings(party))
        judge.look(login(chance) for _attempt in range(12))
    judge.done(5)


def test_before_and_after(party: Party) -> None:
    """Who is said to get in gets in with what it had to show before; who is said not to does not with everything."""
    chance = random.Random(party.server.major)
    counts: collections.Counter[str] = collections.Counter()
    wrong = []
    known = [(everybody("trust"), everybody("scram-sha-256")), (everybody("md5"), everybody("reject"))]
    made = [(rules(chance, METHODS[:3]), rules(chance)) for _round in range(100 if EXTENDED else 4)]
    for before, after in (*known, *made):
        party.use(before, mappings=mappings(party))
        clients = [client for client in (poorest(party, login(chance)) for _client in range(16)) if client is not None]
        today = party.rules
        party.use(after, mappings=mappings(party))
        judge = Judge(party)
        for client in clients:
            found = judge.ask(client, before=today, password=None)
            counts[found["outcome"]] += 1
            rich = dataclasses.replace(client, password="right")
            in_as_before, in_with_all = party.try_login(client) is None, party.try_login(rich) is None
            expected = {"admitted": (True, True), "refused": (False, False), "unproven": (False, True)}
            if expected[found["outcome"]] != (in_as_before, in_with_all):
                wrong.append(f"{today}\n{after}\n{client}: {found}: {in_as_before}, {in_with_all}")
    print(dict(counts))
    assert not wrong, "\n".join(wrong)
    assert min(counts[outcome] for outcome in ("admitted", "refused", "unproven")) >= 2, counts


def poorest(party: Party, client: Login) -> Login | None:
    """The client with no more than it needs, or None where it does not get in at all."""
    for password in ("none", "right"):
        client = dataclasses.replace(client, password=password)
        if party.try_login(client) is None:
            return client
    return None


def rules(chance: random.Random, methods: t.Sequence[str] = METHODS) -> str:
    """A few rules that not everybody matches, and one for every way that almost everybody does."""
    found = [rule(chance) for _rule in range(chance.randint(1, 3))]
    return "".join(f"{line}\n" for line in found) + everybody(*chance.choices(methods, k=2))


def everybody(local: str, remote: str | None = None) -> str:
    """Rules that everybody matches."""
    return f"local all,replication all {local}\nhost all,replication all all {remote or local}\n"


def rule(chance: random.Random) -> str:
    kind = chance.choice(["local", "host", "hostssl", "hostnossl"])
    database = chance.choice(["all", "shop", "shop,own", "sameuser", "replication", '"all"'])
    user = chance.choice(["all", "app", "old", "+grp", "boss,copier", "soon,ever,member"])
    methods = list(METHODS)
    if kind == "hostssl":
        methods += ["cert", "cert map=certs", "trust clientcert=verify-full"]
    if kind == "local":
        return f"local {database} {user} {chance.choice([*methods, 'peer', 'peer map=accounts'])}"
    return f"{kind} {database} {user} {chance.choice(['all', '127.0.0.0/8', '::1/128'])} {chance.choice(methods)}"


def login(chance: random.Random) -> Login:
    """An attempt, most often to a database that lets people in."""
    way: t.Literal["socket", "plain", "tls"] = chance.choice(WAYS)
    return Login(
        user=chance.choice([*EVERYBODY, "app", "old", "boss", "copier", "member"]),
        database=chance.choice(["shop", "shop", "shop", "own", "for_grp"]),
        way=way,
        password=chance.choice(["none", "right", "right"]),
        replication=chance.choice(["", "", "", "", "physical", "logical"]),
        certificate=chance.choice(CERTIFICATES) if way == "tls" else None,
    )
