"""Generated clusters: roles with memberships of all sorts, and databases where many have granted much to many."""

from __future__ import annotations

import random
import typing as t

from ansible_collections.rampart.postgresql.tests.conformance.privileges.asking import FUTURE
from ansible_collections.rampart.postgresql.tests.conformance.privileges.asking import KINDS
from ansible_collections.rampart.postgresql.tests.conformance.privileges.asking import PARAMETERS
from ansible_collections.rampart.postgresql.tests.conformance.privileges.asking import ROLES
from ansible_collections.rampart.postgresql.tests.conformance.privileges.asking import SCHEMAS
from ansible_collections.rampart.postgresql.tests.conformance.privileges.asking import Place
from ansible_collections.rampart.postgresql.tests.conformance.privileges.asking import quoted

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

__all__ = ["BOSS", "make_cluster", "make_database", "make_grants", "make_memberships"]

BOSS = "boss"  # a superuser: owns, and is granted to
_EXTENSION = {"table": "TABLE", "function": "ROUTINE", "type": "TYPE", "sequence": "SEQUENCE"}
_EXTENSION |= {"foreign_server": "SERVER", "foreign_data_wrapper": "FOREIGN DATA WRAPPER"}
_GRANTS = 100


def make_cluster(server: Server) -> None:
    """What is not of one database; statements go to the log, with the program that they come from."""
    directory = server.data_directory.parent / "space"
    with server.owner.acting():
        directory.mkdir()
    server.query(f"CREATE ROLE {BOSS} SUPERUSER")
    for name in ROLES:
        server.query(f"CREATE ROLE {quoted(name)} LOGIN")
    server.query(f"CREATE TABLESPACE \"space one\" OWNER alpha LOCATION '{directory}'")
    server.query("ALTER SYSTEM SET log_statement = 'all'")
    server.query("ALTER SYSTEM SET log_line_prefix = '%a|'")
    server.reload()


def make_memberships(cluster: Place, draw: random.Random) -> None:
    """Whoever is member of whom, with options where the version has them; what the server refuses does not matter."""
    for role in ROLES:
        for member in ROLES:
            if role != member:
                cluster.execute(f"REVOKE {quoted(role)} FROM {quoted(member)} CASCADE")
    for role in ROLES:
        cluster.execute(f"ALTER ROLE {quoted(role)} {draw.choice(('INHERIT', 'INHERIT', 'NOINHERIT'))}")
    for _number in range(draw.randint(2, 8)):
        role, member = draw.sample(ROLES, 2)
        if cluster.server.major >= 16:
            words = ", ".join(
                f"{name} {draw.choice(('TRUE', 'TRUE', 'FALSE'))}" for name in ("INHERIT", "SET", "ADMIN")
            )
            cluster.execute(f"GRANT {quoted(role)} TO {quoted(member)} WITH {words}")
        else:
            admin = draw.choice(("", " WITH ADMIN OPTION"))
            cluster.execute(f"GRANT {quoted(role)} TO {quoted(member)}{admin}")


def make_database(server: Server, name: str, draw: random.Random) -> Place:
    """A database with objects of every kind, some of which belong to an extension."""
    server.query(f"CREATE DATABASE {quoted(name)} OWNER {quoted(draw.choice(ROLES))}")
    place = Place(server, name)
    for number in range(2):
        place.execute(f"CREATE FOREIGN DATA WRAPPER w{number}")
        place.execute(f'CREATE SERVER "server {number}" FOREIGN DATA WRAPPER w0')
        place.execute(f'ALTER SERVER "server {number}" OWNER TO {quoted(draw.choice(ROLES))}')
        place.execute("SELECT lo_create(0)")
    for _key, named in place.named("large_object"):
        place.execute(f"ALTER LARGE OBJECT {named} OWNER TO {quoted(draw.choice(ROLES))}")
    place.execute(
        'CREATE TRUSTED LANGUAGE "lang one" HANDLER plpgsql_call_handler INLINE plpgsql_inline_handler'
        " VALIDATOR plpgsql_validator"
    )
    place.execute(f'ALTER LANGUAGE "lang one" OWNER TO {quoted(draw.choice(ROLES))}')
    for schema in SCHEMAS:
        _fill(place, schema, draw)
    return place


def _fill(place: Place, schema: str, draw: random.Random) -> None:
    here = quoted(schema)
    place.execute(f"CREATE SCHEMA {here} AUTHORIZATION {quoted(draw.choice(ROLES))}")
    place.execute(f"GRANT ALL ON SCHEMA {here} TO PUBLIC")
    for number in range(draw.randint(1, 3)):
        place.execute(f"SET ROLE {quoted(draw.choice(ROLES))}")
        for statement in (
            f"CREATE TABLE {here}.t{number} (a int, b int)",
            f"CREATE SEQUENCE {here}.s{number}",
            f"CREATE FUNCTION {here}.f(int) RETURNS int LANGUAGE sql AS 'SELECT 1'",
            f"CREATE FUNCTION {here}.f{number}() RETURNS int LANGUAGE sql AS 'SELECT 1'",
            f"CREATE TYPE {here}.y{number} AS ENUM ('x')",
        ):
            place.execute(statement)
        place.execute("RESET ROLE")
    place.execute(f"SET ROLE {quoted(draw.choice(ROLES))}")
    for statement in (
        f'CREATE TABLE {here}."Counted" (id serial, a int)',
        f"CREATE VIEW {here}.v AS SELECT 1 AS a, 2 AS b",
        f"CREATE TABLE {here}.parted (a int) PARTITION BY LIST (a)",
        f"CREATE PROCEDURE {here}.p(int) LANGUAGE sql AS 'SELECT 1'",
        f"CREATE AGGREGATE {here}.g(int) (SFUNC = int4pl, STYPE = int)",
        f'CREATE DOMAIN {here}."domain d" AS int',
        f"CREATE TYPE {here}.both AS (a int, b int)",
        f"CREATE TYPE {here}.span AS RANGE (SUBTYPE = int)",
    ):
        place.execute(statement)
    place.execute("RESET ROLE")


def make_grants(cluster: Place, places: t.Sequence[Place], draw: random.Random) -> None:
    """Grants, and grants by those who were granted; many are refused by the server, which does not matter."""
    for place in (cluster, *places):
        _Granting(place, draw).grant(_GRANTS if place.name else _GRANTS // 4)
    for place in places:
        _future(place, draw)
        _extend(place, draw)
        _Granting(place, draw).grant(_GRANTS // 4)
        if draw.random() < 0.7:
            place.execute(f"REVOKE ALL ON SCHEMA {', '.join(map(quoted, SCHEMAS))} FROM PUBLIC")


class _Granting:
    def __init__(self, place: Place, draw: random.Random) -> None:
        self._place = place
        self._draw = draw
        self._last = ROLES[0]
        self._kinds = [kind for kind in place.kinds if kind != "default"]
        self._objects = {kind: place.named(kind) for kind in self._kinds}
        if "parameter" in self._objects:
            self._objects["parameter"] = [(("", name, ""), name) for name in PARAMETERS]

    def grant(self, number: int) -> None:
        for _attempt in range(number):
            self._one()
        self._place.execute("RESET ROLE")

    def _one(self) -> None:
        draw, place = self._draw, self._place
        name = draw.choice(self._kinds)
        objects = self._objects[name]
        key, named = objects[0] if draw.random() < 0.6 else draw.choice(objects)  # what is granted on needs the same
        privileges = list(place.privileges(name)[: draw.randint(1, 3)])
        if key[2]:
            privileges = [f"{privilege} ({quoted(key[2])})" for privilege in privileges]
        what = f"{', '.join(privileges)} ON {KINDS[name].grant} {named}"
        grantor = draw.choice((self._last, self._last, *ROLES))
        place.execute(f"SET ROLE {quoted(grantor)}" if draw.random() < 0.7 else "RESET ROLE")
        if draw.random() < 0.1:
            place.execute(f"REVOKE {what} FROM PUBLIC")
            return
        whom = draw.choice((*ROLES, "PUBLIC", *([BOSS] if draw.random() < 0.2 else [])))
        option = " WITH GRANT OPTION" if draw.random() < 0.8 and whom != "PUBLIC" else ""
        if place.execute(f"GRANT {what} TO {quoted(whom)}{option}") and option and whom != BOSS:
            self._last = whom


def _future(place: Place, draw: random.Random) -> None:
    """Default privileges, global and of schemas."""
    for _number in range(12):
        kind = draw.choice(list(FUTURE))
        where = f" IN SCHEMA {quoted(draw.choice(SCHEMAS))}" if draw.random() < 0.5 and kind != "schema" else ""
        whom = quoted(draw.choice((*ROLES, "PUBLIC")))
        privilege = draw.choice((*place.privileges(kind), "ALL"))
        head = f"ALTER DEFAULT PRIVILEGES FOR ROLE {quoted(draw.choice(ROLES[:4]))}{where}"
        if draw.random() < 0.7:
            option = " WITH GRANT OPTION" if whom != "PUBLIC" and draw.random() < 0.4 else ""
            place.execute(f"{head} GRANT {privilege} ON {FUTURE[kind]} TO {whom}{option}")
        else:
            place.execute(f"{head} REVOKE {privilege} ON {FUTURE[kind]} FROM {whom}")


def _extend(place: Place, draw: random.Random) -> None:
    """Some objects become members of an extension, which records what is granted on them as its own."""
    for kind, keyword in _EXTENSION.items():
        if draw.random() < 0.6:
            _key, named = draw.choice(place.named(kind))
            place.execute(f"ALTER EXTENSION plpgsql ADD {keyword} {named}")
