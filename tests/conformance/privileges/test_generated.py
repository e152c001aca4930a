"""Whatever there is and whatever is wanted: the server itself agrees afterwards, and a second run changes nothing."""

from __future__ import annotations

import collections
import os
import random
import re
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.arguments import component
from ansible_collections.rampart.postgresql.tests.conformance import counts
from ansible_collections.rampart.postgresql.tests.conformance.components import run_components
from ansible_collections.rampart.postgresql.tests.conformance.modules import Result
from ansible_collections.rampart.postgresql.tests.conformance.privileges.asking import KINDS
from ansible_collections.rampart.postgresql.tests.conformance.privileges.asking import ROLES
from ansible_collections.rampart.postgresql.tests.conformance.privileges.asking import Item
from ansible_collections.rampart.postgresql.tests.conformance.privileges.asking import Place
from ansible_collections.rampart.postgresql.tests.conformance.privileges.making import make_cluster
from ansible_collections.rampart.postgresql.tests.conformance.privileges.making import make_database
from ansible_collections.rampart.postgresql.tests.conformance.privileges.making import make_grants
from ansible_collections.rampart.postgresql.tests.conformance.privileges.making import make_memberships
from ansible_collections.rampart.postgresql.tests.conformance.privileges.trying import check_future
from ansible_collections.rampart.postgresql.tests.conformance.privileges.trying import log_in_and_try
from ansible_collections.rampart.postgresql.tests.conformance.privileges.wanting import Deck
from ansible_collections.rampart.postgresql.tests.conformance.privileges.wanting import Held
from ansible_collections.rampart.postgresql.tests.conformance.privileges.wanting import Seen
from ansible_collections.rampart.postgresql.tests.conformance.privileges.wanting import Wanted
from ansible_collections.rampart.postgresql.tests.conformance.privileges.wanting import after
from ansible_collections.rampart.postgresql.tests.conformance.privileges.wanting import desired_grant
from ansible_collections.rampart.postgresql.tests.conformance.privileges.wanting import desired_owner
from ansible_collections.rampart.postgresql.tests.conformance.privileges.wanting import see
from ansible_collections.rampart.postgresql.tests.conformance.privileges.wanting import want

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

_EXTENDED = os.environ.get("RAMPART_EXTENDED", "") not in ("", "0")
ROUNDS = int(os.environ.get("RAMPART_ROUNDS", "40" if _EXTENDED else "3"))
ENTRIES = 10
OF_EACH = max(2, ROUNDS // 2)  # entries of each kind that at least come to be in force
SEED = int(os.environ.get("RAMPART_SEED", "21" if _EXTENDED else "20"))
_SENT = re.compile(
    r"^rampart\.postgresql\|LOG:  (?:statement|execute \S+): (?:GRANT|REVOKE|ALTER|DO|SET LOCAL)", re.MULTILINE
)
_PRIVILEGES = re.compile(r"\b(?:GRANT|REVOKE)(?: GRANT OPTION FOR)? ([^;]+?) ON [A-Z]")
# Meets what initdb and an extension made.
_NOBODY = {
    "kind": "language",
    "objects": ["ALL"],
    "roles": [],
    "privileges": [],
    "grant_option": False,
    "state": "exact",
}
Values = dict[str, list[dict[str, t.Any]]]


def run(server: Server, values: Values, *, cascade: bool, check: bool = False) -> Result:
    return run_components(server, lambda: [component({**values, "cascade": cascade})], check=check, allow_lockout=True)


def test_the_server_agrees(fresh_server: Server) -> None:
    server = fresh_server
    make_cluster(server)
    cluster = Place(server)
    covered: collections.Counter[str] = collections.Counter()
    kinds = [kind for kind in KINDS if kind != "parameter" or server.major >= 15]
    deck = Deck(kinds, random.Random(SEED))
    number = 0
    while number < ROUNDS or any(covered[kind] < OF_EACH for kind in kinds):
        seed = f"{SEED} {server.major} {number}"
        draw = random.Random(seed)
        try:
            _Round(server, cluster, number, draw, deck, covered).run()
        except AssertionError as error:
            raise AssertionError(f"with seed {seed!r}: {error}") from None
        number += 1
        assert number < 3 * ROUNDS, covered
    cluster.close()
    assert covered["runs that changed something"] >= ROUNDS // 2, covered
    for what in (
        "owners changed",
        "spared for an extension",
        "future objects",
        "attempts refused",
        "attempts that succeed",
    ):
        assert covered[what], (what, covered)
    counts.tell("privileges", f"generated clusters, PostgreSQL {server.major}, seed {SEED}", covered)


class _Round:
    def __init__(
        self,
        server: Server,
        cluster: Place,
        number: int,
        draw: random.Random,
        deck: Deck,
        covered: collections.Counter[str],
    ) -> None:
        self._server = server
        self._draw = draw
        self._covered = covered
        self._cluster = cluster
        make_memberships(cluster, draw)
        self._databases = [make_database(server, f"generated {number}{letter}", draw) for letter in ("a", 'B"')]
        make_grants(cluster, self._databases, draw)
        self._places = (cluster, *self._databases)
        self._roles = [
            name for (name,) in cluster.rows("SELECT rolname FROM pg_roles WHERE rolname !~ '^pg_' ORDER BY 1")
        ]
        grants = [desired_grant(deck.deal(), cluster, self._databases, self._roles, draw) for _number in range(ENTRIES)]
        owners = [desired_owner(cluster, self._databases, draw) for _number in range(draw.choice((1, 1, 2)))]
        if not number:
            grants.append({**_NOBODY, "databases": [place.name for place in self._databases]})
        self._values: Values = {"grants": grants, "ownership": owners}
        self._seen = {place.name: see(place) for place in self._places}

    def run(self) -> None:
        try:
            wanted = self._until_it_makes_sense()
            self._run(wanted)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self._values}") from None
        finally:
            for place in self._databases:
                place.close()
                self._server.query(f'DROP DATABASE "{place.name.replace(chr(34), chr(34) * 2)}"')

    def _until_it_makes_sense(self) -> dict[str, dict[str, Wanted]]:
        """Entries go until nothing contradicts any more; before, each of these states is refused."""
        while True:
            found = {p.name: want(p, self._seen[p.name], self._values, self._roles) for p in self._places}
            refusals = set().union(*(words for _wanted, words in found.values()))
            if not refusals:
                return {name: wanted for name, (wanted, _words) in found.items()}
            result = run(self._server, self._values, cascade=True)
            assert result.failed and any(words in result.message for words in refusals), (refusals, result.output)
            self._nothing_changed()
            self._covered["refusals of contradictions"] += 1
            self._values["ownership" if "gives the same" in refusals else "grants"].pop()

    def _nothing_changed(self) -> None:
        for place in self._places:
            for kind, seen in self._seen[place.name].items():
                assert place.items(kind) == seen.items, kind
                assert place.owners(kind) == seen.owners, kind

    def _run(self, wanted: dict[str, dict[str, Wanted]]) -> None:
        planned = run(self._server, self._values, cascade=False, check=True)
        self._nothing_changed()
        cascade = planned.failed and "others would lose" in planned.message
        if planned.failed:
            assert "grant option" in planned.message, planned.output
            result = run(self._server, self._values, cascade=False)
            assert result.failed and result.message == planned.message
            self._nothing_changed()
            if not cascade:
                self._covered["grantors without grant option"] += 1
                return
            self._covered["refusals without cascade"] += 1
            planned = run(self._server, self._values, cascade=True, check=True)
            self._nothing_changed()
        offset = len(self._server.log_text())
        result = run(self._server, self._values, cascade=cascade)
        sent = len(_SENT.findall(self._server.log_text()[offset:]))
        assert not result.failed, result.output
        assert result.values["steps"] == planned.values["steps"]
        assert result.values["warnings"] == planned.values["warnings"]
        fallen = sum("falls" in text for text in result.values["warnings"])
        self._count(result, fallen)
        assert sent == len(result.values["steps"])
        self._judge(wanted, may_fall=fallen, named=sum(map(_named, result.values["steps"])))
        for check in (True, False):
            again = run(self._server, self._values, cascade=False, check=check)
            assert not again.failed, again.output
            assert not again.changed, again.values["steps"]

    def _count(self, result: Result, fallen: int) -> None:
        self._covered.update(entry["kind"] for entry in self._values["grants"])
        self._covered.update(entry["state"] for entry in self._values["grants"])
        self._covered.update(f"owner of {entry['kind']}" for entry in self._values["ownership"])
        self._covered["runs that changed something"] += result.changed
        self._covered["statements"] += len(result.values["steps"])
        self._covered["fallen"] += fallen

    def _judge(self, wanted: dict[str, dict[str, Wanted]], *, may_fall: int, named: int) -> None:
        lost = differences = 0
        effective: dict[str, dict[str, set[Held]]] = {}
        for place in self._places:
            seen = self._seen[place.name]
            known = {kind: _Kind(place, kind, seen[kind], wanted[place.name][kind]) for kind in place.kinds}
            direct = {}
            for kind, judged in known.items():
                judged.judge()
                lost += judged.lost
                differences += judged.differences
                direct[kind] = judged.now
                self._covered["owners changed"] += judged.owners_changed
                self._covered["spared for an extension"] += judged.spared
            effective[place.name] = _effective(place, direct)
            differences += _given_again(known["table"], known["column"]) if "table" in known else 0
        assert lost <= may_fall, (lost, may_fall)
        assert differences == named, (differences, named)
        for place in self._databases:
            everything = {**effective[""], **effective[place.name]}
            log_in_and_try(self._cluster, place, everything, self._draw, self._covered)
            check_future(place, place.items("default"), self._draw, self._covered)


def _named(step: dict[str, t.Any]) -> int:
    """How many privileges a statement names, or 1 for an owner."""
    found = _PRIVILEGES.search(step["statement"])
    return found[1].count(", ") + 1 if found else 1


class _Kind:
    """Objects of one kind in one place, before and after a run."""

    def __init__(self, place: Place, kind: str, seen: Seen, wanted: Wanted) -> None:
        self._kind = kind
        self._wanted = wanted
        self._owners = {key: next(iter(wanted.owners.get(key, ())), owner) for key, owner in seen.owners.items()}
        self._seen = Seen(frozenset(_handed_over(seen, self._owners)), self._owners, seen.initial, seen.written)
        self._owners_before = seen.owners
        self._owners_now = place.owners(kind)
        self.now = place.items(kind)
        self.lost = 0
        self.spared = 0

    def judge(self) -> None:
        """Each has what it should, and nobody has anything else."""
        assert self._owners_now == self._owners, self._kind
        now, expected = self._others(self.now), self._others(after(self._seen, self._wanted))
        before = self._others(self._seen.items)
        assert set(now) <= set(expected), (self._kind, set(now) - set(expected))
        missing = set(expected) - set(now)
        assert not missing & self._wanted.given, (self._kind, missing)
        self.lost = len(missing)
        too_many = {held for held, option in now.items() if option and not expected[held]}
        assert not too_many, (self._kind, too_many)
        options = {held for held in now if expected[held] and not now[held]}
        assert not options & self._wanted.given_options, (self._kind, options)
        self.lost += len(options)
        everybody = {(item.key, item.grantee, item.privilege) for item in self.now}
        assert self._wanted.given <= everybody, (self._kind, self._wanted.given - everybody)
        self.spared = sum(
            held[0] in self._wanted.closed and held not in self._wanted.given for held in set(now) & set(before)
        )

    @property
    def owners_changed(self) -> int:
        """How many objects have another owner."""
        return sum(self._owners_before[key] != owner for key, owner in self._owners.items())

    @property
    def differences(self) -> int:
        """How many privileges, grantor by grantor, are not as they were, and how many owners it takes a statement for."""
        before, now = self.before_and_now()
        changed = sum(before.get(item) != now.get(item) for item in before.keys() | now.keys())
        follow = self._kind == "column"
        return changed + sum(
            self._owners_before[key] != owner
            for key, owner in self._owners.items()
            if not follow and not key[1].endswith("_seq")
        )

    def before_and_now(self) -> tuple[dict[tuple[t.Any, ...], bool], dict[tuple[t.Any, ...], bool]]:
        """Object, grantor, grantee and privilege to whether it may be granted on; before as new owners have it."""
        return {item[:4]: item.grantable for item in self._seen.items}, {item[:4]: item.grantable for item in self.now}

    def _others(self, items: t.Iterable[Item]) -> dict[Held, bool]:
        """Without what owners have of their own: held to whether it may be granted on."""
        found: dict[Held, bool] = {}
        for item in items:
            owner = item.key[1] if self._kind == "default" else self._owners[item.key]
            if item.grantee != owner:
                held = (item.key, item.grantee, item.privilege)
                found[held] = found.get(held, False) or item.grantable
        return found


def _given_again(table: _Kind, column: _Kind) -> int:
    """How many privileges on columns statements name beyond the differences: REVOKE on a table takes them too."""
    (tables_before, tables_now), (before, now) = table.before_and_now(), column.before_and_now()
    found = 0
    for held, grantable in before.items():
        (schema, name, _column), *who = held
        of = ((schema, name, ""), *who)
        taken = of in tables_before and of not in tables_now
        option_taken = grantable and tables_before.get(of, False) and not tables_now.get(of)
        if held in now and (taken or (option_taken and now[held])):
            found += 2 - (now[held] != grantable)
    return found


def _handed_over(seen: Seen, owners: t.Mapping[t.Any, str]) -> t.Iterator[Item]:
    """What ALTER ... OWNER TO makes of it."""
    merged: dict[tuple[t.Any, ...], bool] = {}
    for item in seen.items:
        old, new = seen.owners[item.key], owners[item.key]
        grantor, grantee = (new if name == old else name for name in (item.grantor, item.grantee))
        handed = (item.key, grantor, grantee, item.privilege)
        merged[handed] = merged.get(handed, False) or item.grantable
    for handed, grantable in merged.items():
        yield Item(*handed, grantable)


def _closure(place: Place) -> dict[str, list[str]]:
    """Grantee to all roles that have its privileges, as the server says."""
    found: dict[str, list[str]] = {"PUBLIC": list(ROLES)}
    for holder, role in place.rows(
        """SELECT h.rolname, r.rolname FROM pg_roles h, pg_roles r
        WHERE r.rolname = ANY (%s) AND pg_has_role(r.oid, h.oid, 'USAGE')""",
        list(ROLES),
    ):
        found.setdefault(holder, []).append(role)
    return found


def _effective(place: Place, direct: t.Mapping[str, set[Item]]) -> dict[str, set[Held]]:
    """What the server says that roles can do, which is what their own and others' privileges come to."""
    found, closure = {}, _closure(place)
    for kind, items in direct.items():
        if kind == "default":
            continue
        held = {(item.key, item.grantee, item.privilege) for item in items}
        if kind == "column":
            tables = {(item.key[:2], item.grantee, item.privilege) for item in direct["table"]}
            names = KINDS[kind].privileges
            held |= {(k, g, p) for k in place.owners(kind) for of, g, p in tables if of == k[:2] and p in names}
        can = {(key, role, privilege) for key, grantee, privilege in held for role in closure.get(grantee, ())}
        if kind == "large_object" and place.server.major < 18:  # there writing is reading too
            can = {each for each in can if each[2] == "SELECT" or (*each[:2], "SELECT") in can}
        found[kind] = place.effective(kind)
        assert found[kind] == can, (kind, found[kind] ^ can)
    return found
