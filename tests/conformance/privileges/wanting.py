"""Generated desired states, and what they should come to by the words of the documentation."""

from __future__ import annotations

import collections
import dataclasses
import random
import re
import typing as t

from ansible_collections.rampart.postgresql.tests.conformance.privileges.asking import FUTURE
from ansible_collections.rampart.postgresql.tests.conformance.privileges.asking import KINDS
from ansible_collections.rampart.postgresql.tests.conformance.privileges.asking import LIVING
from ansible_collections.rampart.postgresql.tests.conformance.privileges.asking import PARAMETERS
from ansible_collections.rampart.postgresql.tests.conformance.privileges.asking import ROLES
from ansible_collections.rampart.postgresql.tests.conformance.privileges.asking import Item
from ansible_collections.rampart.postgresql.tests.conformance.privileges.asking import Key
from ansible_collections.rampart.postgresql.tests.conformance.privileges.asking import Place
from ansible_collections.rampart.postgresql.tests.conformance.privileges.making import BOSS

__all__ = ["Deck", "Held", "Seen", "Wanted", "desired_grant", "desired_owner", "see", "want"]

Held = tuple[Key, str, str]  # object, grantee, privilege
_MEMBERS = ("alpha", "beta", "/[a-d].*", "group one", "Epsilon", 'ze"ta', "PUBLIC", "PUBLIC", "gamma", BOSS)
_PARAMETERS = "SELECT lower(name) FROM pg_settings UNION SELECT parname FROM pg_parameter_acl"
_STATES = ("present", "present", "absent", "exact")


@dataclasses.dataclass(frozen=True)
class Seen:
    """What there was of one kind in one place before a run."""

    items: frozenset[Item]
    owners: t.Mapping[Key, str]
    initial: frozenset[Item]
    written: frozenset[Key]  # objects that a pattern meets


def see(place: Place) -> dict[str, Seen]:
    """Ask for all of it."""
    found = {}
    for kind in place.kinds:
        owners = place.owners(kind)
        written = frozenset(owners)
        if kind == "parameter":
            written = frozenset(("", name, "") for (name,) in place.rows(_PARAMETERS))
        found[kind] = Seen(frozenset(place.items(kind)), owners, frozenset(place.initial(kind)), written)
    return found


class Deck:
    """Deals kinds so that each comes as often as the others."""

    def __init__(self, kinds: t.Iterable[str], draw: random.Random) -> None:
        self._kinds = list(kinds)
        self._draw = draw
        self._waiting: list[str] = []

    def deal(self) -> str:
        if not self._waiting:
            self._waiting = self._draw.sample(self._kinds, len(self._kinds))
        return self._waiting.pop()


def desired_grant(
    kind: str, cluster: Place, places: t.Sequence[Place], roles: t.Sequence[str], draw: random.Random
) -> dict[str, t.Any]:
    """An entry of ``grants``; it may contradict others."""
    entry: dict[str, t.Any] = {"kind": kind, **_selection(kind, cluster, places, draw)}
    privileges: tuple[str, ...] = ()
    if kind == "default":
        entry["for_roles"] = draw.choice((["ALL"], ["/[ab].*"], [draw.choice(roles)], draw.sample(ROLES, 2)))
        futures = [each for each in FUTURE if "schemas" not in entry or each != "schema"]
        entry["future"] = draw.sample(futures, draw.choice((1, 1, 2)))
        for future in entry["future"]:
            known = places[0].privileges(future)
            privileges = tuple(p for p in privileges or known if p in known)
            if not privileges:
                break
    else:
        privileges = cluster.privileges(kind)
    entry["state"] = draw.choice(_STATES)
    entry["roles"] = list(dict.fromkeys(draw.sample(_MEMBERS, draw.randint(1, 3))))
    few = draw.sample(privileges, draw.randint(1, min(2, len(privileges)))) if privileges else ["ALL"]
    entry["privileges"] = draw.choice((["ALL"], few))
    entry["grant_option"] = "PUBLIC" not in entry["roles"] and draw.random() < 0.3
    if entry["state"] == "exact" and draw.random() < 0.3:
        entry.update(roles=[], privileges=[], grant_option=False)
    return entry


def desired_owner(cluster: Place, places: t.Sequence[Place], draw: random.Random) -> dict[str, t.Any]:
    """An entry of ``ownership``."""
    kind = draw.choice([kind for kind, known in KINDS.items() if known.alter])
    entry = {"kind": kind, **_selection(kind, cluster, places, draw), "owner": draw.choice((*ROLES, BOSS))}
    if kind == "sequence" and any(name.endswith("_seq") for name in entry["objects"]):
        entry["objects"] = ["ALL"]  # one that belongs to a column goes with its table
    return entry


def _selection(kind: str, cluster: Place, places: t.Sequence[Place], draw: random.Random) -> dict[str, t.Any]:
    options, found = KINDS[kind].options, {}
    place = cluster if kind in LIVING else draw.choice(places)
    schema, thing, column = draw.choice(_worth_choosing(kind, place))
    if kind not in LIVING or kind == "database":
        names = [each.name for each in places]
        found["databases"] = draw.choice(([place.name or thing], [place.name or thing], names, [f"/{names[0][:-1]}."]))
        if len(found["databases"]) > 1 or found["databases"][0].startswith("/"):
            everywhere = [set(each.owners(kind)) for each in places if kind != "database"]
            common = sorted(set.intersection(*everywhere)) if everywhere else []
            schema, thing, column = draw.choice(common) if common else (schema, thing, column)
            found["databases"] = found["databases"] if common or kind == "database" else [place.name]
    if "schemas" in options and (kind != "default" or schema):
        found["schemas"] = draw.choice((["ALL"], [schema or thing], [f"/({re.escape(schema or thing)}|two)"]))
    if "objects" in options:
        patterns = [] if kind == "large_object" else [f"/{re.escape(thing[:1])}.*"]
        found["objects"] = draw.choice((["ALL"], [thing], [thing], patterns or ["ALL"]))
    if "columns" in options:
        found["columns"] = draw.choice((["ALL"], [column]))
    return found


def _worth_choosing(kind: str, place: Place) -> list[Key]:
    return [("", name, "") for name in PARAMETERS] if kind == "parameter" else list(place.owners(kind))


@dataclasses.dataclass
class Wanted:
    """What should become of the objects of one kind in one place."""

    given: set[Held] = dataclasses.field(default_factory=set)
    taken: set[Held] = dataclasses.field(default_factory=set)
    given_options: set[Held] = dataclasses.field(default_factory=set)
    taken_options: set[Held] = dataclasses.field(default_factory=set)
    closed: set[Key] = dataclasses.field(default_factory=set)
    closed_by_name: set[Key] = dataclasses.field(default_factory=set)
    owners: dict[Key, set[str]] = dataclasses.field(default_factory=lambda: collections.defaultdict(set))

    def contradicts_itself(self) -> bool:
        return bool(self.given & self.taken or self.given_options & self.taken_options)


def want(
    place: Place, seen: t.Mapping[str, Seen], values: t.Mapping[str, t.Any], roles: t.Sequence[str]
) -> tuple[dict[str, Wanted], set[str]]:
    """For each kind; and by which words the run has to refuse it, if any."""
    found = {kind: Wanted() for kind in place.kinds}
    for entry in values["grants"]:
        for key in _chosen(entry, place, seen, values):
            _add(found[entry["kind"]], entry, key, place, roles)
    for entry in values["ownership"]:
        for key in _chosen(entry, place, seen, values):
            is_member = key in {item.key for item in seen[entry["kind"]].initial}
            if (not is_member or _names_it(entry, key)) and not key[1].endswith("_seq"):
                found[entry["kind"]].owners[key].add(entry["owner"])
    refusals = {"gives what this takes" for wanted in found.values() if wanted.contradicts_itself()}
    refusals |= {"gives the same" for wanted in found.values() for owners in wanted.owners.values() if len(owners) > 1}
    if "column" in found:
        _followers(place, found)
        refusals |= {"can only add to them" for _each in _taken_from_all_schemas(seen, found["default"])}
    return found, refusals


def _add(wanted: Wanted, entry: dict[str, t.Any], key: Key, place: Place, roles: t.Sequence[str]) -> None:
    kind = key[2] if entry["kind"] == "default" else entry["kind"]
    names = place.privileges(kind) if entry["privileges"] == ["ALL"] else entry["privileges"]
    meant = [role for role in (*roles, "PUBLIC") if _matches(entry["roles"], role)]
    items = {(key, role, privilege) for role in meant for privilege in names}
    if entry["state"] == "absent":
        (wanted.taken_options if entry["grant_option"] else wanted.taken).update(items)
    else:
        wanted.given |= items
        wanted.given_options |= items if entry["grant_option"] else set()
    if entry["state"] == "exact":
        wanted.closed.add(key)
        if _names_it(entry, key) or entry["kind"] == "default":
            wanted.closed_by_name.add(key)


def _followers(place: Place, found: dict[str, Wanted]) -> None:
    """What becomes of columns, and of sequences that belong to one, by what becomes of the table."""
    table, column = found["table"], found["column"]
    of_table: dict[Key, list[Key]] = collections.defaultdict(list)
    for key in place.owners("column"):
        of_table[key[0], key[1], ""].append(key)
    for of, keys in of_table.items():
        column.closed |= set(keys) if of in table.closed else set()
        column.closed_by_name |= set(keys) if of in table.closed_by_name else set()
        for key in keys if of in table.owners else ():
            column.owners[key] = table.owners[of]
        if of in table.owners and of[1] == "Counted":
            found["sequence"].owners[of[0], "Counted_id_seq", ""] = table.owners[of]
    names = KINDS["column"].privileges
    for (of, role, privilege), given, taken in (
        *((item, column.given, column.taken) for item in table.taken),
        *((item, column.given_options, column.taken_options) for item in table.taken_options),
    ):
        if privilege in names:
            taken |= {(key, role, privilege) for key in of_table[of]} - given


def _taken_from_all_schemas(seen: t.Mapping[str, Seen], wanted: Wanted) -> t.Iterator[Held]:
    """What entries take from the default privileges of a schema while those for all schemas give it after the run."""
    for item in after(seen["default"], wanted):
        (_schema, owner, kind), grantee = item.key, item.grantee
        for key in {key for key, _role, _privilege in wanted.taken | wanted.taken_options}:
            if key[0] and not item.key[0] and key[1:] == (owner, kind) and grantee != owner:
                held = (key, grantee, item.privilege)
                if held in wanted.taken or (held in wanted.taken_options and item.grantable):
                    yield held


def after(seen: Seen, wanted: Wanted) -> set[Item]:
    """What is there afterwards where nothing falls, owners' own aside; who granted what is given is not said."""
    initial = {(item.key, item.grantee, item.privilege): item.grantable for item in seen.initial}
    found = set()
    for item in seen.items:
        held = (item.key, item.grantee, item.privilege)
        spared = held in initial and item.key not in wanted.closed_by_name
        stays = held not in wanted.taken and (item.key not in wanted.closed or held in wanted.given or spared)
        if stays:
            option = item.grantable and held not in wanted.taken_options
            if item.key in wanted.closed and held not in wanted.given_options:
                option = option and item.key not in wanted.closed_by_name and initial.get(held, False)
            found.add(item._replace(grantable=option))
    return found | {Item(*held[:1], "", *held[1:], held in wanted.given_options) for held in wanted.given}


def _chosen(
    entry: dict[str, t.Any], place: Place, seen: t.Mapping[str, Seen], values: t.Mapping[str, t.Any]
) -> t.Iterator[Key]:
    kind = entry["kind"]
    if kind not in seen or (kind not in LIVING and not _matches(entry["databases"], place.name)):
        return
    keys: t.Iterable[Key] = seen[kind].owners
    if kind == "parameter":
        named = {name for each in values["grants"] if each["kind"] == kind for name in each["objects"]}
        keys = {key for key in keys if key in seen[kind].written or key[1] in named}
    for key in keys:
        if _is_about(entry, key):
            yield key


def _is_about(entry: dict[str, t.Any], key: Key) -> bool:
    schema, name, column = key
    kind = entry["kind"]
    if kind == "default":
        everywhere = "schemas" not in entry
        return (
            column in entry["future"]
            and _matches(entry["for_roles"], name)
            and (not schema if everywhere else bool(schema) and _matches(entry["schemas"], schema))
        )
    if kind in ("schema", "database"):
        return _matches(entry["schemas" if kind == "schema" else "databases"], name)
    return (
        ("schemas" not in entry or _matches(entry["schemas"], schema))
        and ("objects" not in entry or any(_matches(entry["objects"], each) for each in _called(kind, name)))
        and ("columns" not in entry or _matches(entry["columns"], column))
    )


def _names_it(entry: dict[str, t.Any], key: Key) -> bool:
    option = "schemas" if entry["kind"] == "schema" else "databases" if entry["kind"] == "database" else "objects"
    return any(name in entry.get(option, ()) for name in _called(entry["kind"], key[1]))


def _called(kind: str, name: str) -> tuple[str, ...]:
    return (name, name.partition("(")[0]) if kind == "function" else (name,)


def _matches(names: t.Sequence[str], name: str) -> bool:
    return any(each in ("ALL", name) or (each[0] == "/" and re.fullmatch(each[1:], name)) for each in names)
