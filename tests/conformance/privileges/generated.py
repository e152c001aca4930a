"""Generated clusters and desired states, and a judge of what becomes of them that asks the server, not the module."""

from __future__ import annotations

import dataclasses
import random
import re
import typing as t

import psycopg

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

__all__ = ["KINDS", "ROLES", "Database", "Expectation", "Key", "Kind", "desired_state", "expect", "make_roles"]

ROLES = ("alpha", "beta", "gamma", "delta", "Epsilon", "group one")
_SCHEMAS = ("one", "two")
Key = tuple[str, str, str]  # schema, object, column: what is not there is empty


@dataclasses.dataclass(frozen=True)
class Kind:
    """How the server is asked about objects of one kind."""

    objects: str  # schema, name, column, text for GRANT, oid, owner, acl
    privileges: tuple[str, ...]
    grant: str  # keyword
    has: str  # has_..._privilege(role oid, ..., privilege)
    letter: str
    options: tuple[str, ...] = ("schemas", "objects")
    since: int = 0


KINDS: dict[str, Kind] = {
    "schema": Kind(
        """SELECT '' AS s, nspname AS n, '' AS c, quote_ident(nspname) AS named, oid, 0 AS sub, nspowner AS owner, nspacl AS acl
        FROM pg_namespace WHERE nspname IN ('one', 'two')""",
        *(("USAGE", "CREATE"), "SCHEMA", "has_schema_privilege(r.oid, o.oid, p.p)", "n", ("schemas",)),
    ),
    "table": Kind(
        """SELECT nspname, relname, '', format('%I.%I', nspname, relname), c.oid, 0, relowner, relacl
        FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE relkind IN ('r', 'v') AND nspname IN ('one', 'two')""",
        ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"),
        *("TABLE", "has_table_privilege(r.oid, o.oid, p.p)", "r"),
    ),
    "column": Kind(
        """SELECT nspname, relname, attname, format('%I.%I', nspname, relname), c.oid, attnum, relowner, attacl
        FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace JOIN pg_attribute ON attrelid = c.oid AND attnum > 0
        WHERE relkind IN ('r', 'v') AND nspname IN ('one', 'two')""",
        ("SELECT", "INSERT", "UPDATE", "REFERENCES"),
        *("TABLE", "has_column_privilege(r.oid, o.oid, o.sub::int2, p.p)", "c", ("schemas", "objects", "columns")),
    ),
    "sequence": Kind(
        """SELECT nspname, relname, '', format('%I.%I', nspname, relname), c.oid, 0, relowner, relacl
        FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE relkind = 'S' AND nspname IN ('one', 'two')""",
        *(("USAGE", "SELECT", "UPDATE"), "SEQUENCE", "has_sequence_privilege(r.oid, o.oid, p.p)", "s"),
    ),
    "function": Kind(
        """SELECT nspname, format('%s(%s)', proname, oidvectortypes(proargtypes)), '', f.oid::regprocedure::text,
          f.oid, 0, proowner, proacl
        FROM pg_proc f JOIN pg_namespace n ON n.oid = pronamespace WHERE nspname IN ('one', 'two')""",
        *(("EXECUTE",), "ROUTINE", "has_function_privilege(r.oid, o.oid, p.p)", "f"),
    ),
    "type": Kind(
        """SELECT nspname, typname, '', format('%I.%I', nspname, typname), y.oid, 0, typowner, typacl
        FROM pg_type y JOIN pg_namespace n ON n.oid = typnamespace WHERE typtype = 'e' AND nspname IN ('one', 'two')""",
        *(("USAGE",), "TYPE", "has_type_privilege(r.oid, o.oid, p.p)", "T"),
    ),
    "foreign_server": Kind(
        "SELECT '', srvname, '', quote_ident(srvname), oid, 0, srvowner, srvacl FROM pg_foreign_server",
        *(("USAGE",), "FOREIGN SERVER", "has_server_privilege(r.oid, o.oid, p.p)", "S", ("objects",)),
    ),
    "database": Kind(
        """SELECT '', datname, '', quote_ident(datname), oid, 0, datdba, datacl FROM pg_database
        WHERE datname = current_database()""",
        *(("CONNECT", "TEMPORARY", "CREATE"), "DATABASE", "has_database_privilege(r.oid, o.oid, p.p)", "d", ()),
    ),
}
_HEAD = "WITH o (s, n, c, named, oid, sub, owner, acl) AS ({objects})"
_DIRECT = """SELECT s, n, c, coalesce(rolname, CASE grantee WHEN 0 THEN 'PUBLIC' END), privilege_type
FROM o, aclexplode(coalesce(acl, acldefault('{letter}', owner))) a LEFT JOIN pg_roles r ON r.oid = a.grantee
WHERE {grantee}"""
_EFFECTIVE = "SELECT s, n, c, rolname, p FROM o, pg_roles r, unnest(ARRAY[{privileges}]) AS p (p) WHERE rolname = ANY (ARRAY[{roles}]) AND {has}"


def quoted(name: str) -> str:
    return name if name == "PUBLIC" else '"' + name.replace('"', '""') + '"'


def make_roles(server: Server) -> None:
    """Roles, some of which inherit from others."""
    with server.connect() as connection:
        for name in ROLES:
            connection.execute(f"CREATE ROLE {quoted(name)} LOGIN".encode())
        connection.execute('GRANT "group one" TO alpha, beta')
        connection.execute("GRANT gamma TO delta")


class Database:
    """One generated database."""

    def __init__(self, server: Server, name: str, draw: random.Random) -> None:
        self.name = name
        self._server = server
        self._draw = draw
        server.query(f'CREATE DATABASE "{name}" OWNER {quoted(draw.choice(ROLES))}')
        self._connection = server.connect(dbname=name)
        self._make()
        self._grant()

    def close(self) -> None:
        self._connection.close()

    def rows(self, query: str, *parameters: t.Any) -> list[tuple[t.Any, ...]]:
        return self._connection.execute(query.encode(), parameters or None).fetchall()

    def execute(self, statement: str) -> bool:
        """Whether the server took it."""
        try:
            self._connection.execute(statement.encode())
        except psycopg.Error:
            return False
        return True

    def direct(self, kind: str, *, of_owners: bool = False) -> set[tuple[Key, str, str]]:
        """Object, grantee and privilege of each item; those that are the owners' own, or the others."""
        known = KINDS[kind]
        grantee = "a.grantee = owner" if of_owners else "a.grantee <> owner"
        query = (_HEAD + _DIRECT).format(objects=known.objects, letter=known.letter, grantee=grantee)
        return {((s, n, c), role, privilege) for s, n, c, role, privilege in self.rows(query)}

    def grantable(self, kind: str) -> set[tuple[Key, str, str]]:
        """The same of those with grant option; the owner's, who always has it, are not among them."""
        known = KINDS[kind]
        query = (_HEAD + _DIRECT).format(
            objects=known.objects, letter=known.letter, grantee="a.grantee <> owner AND a.is_grantable"
        )
        return {((s, n, c), role, privilege) for s, n, c, role, privilege in self.rows(query)}

    def effective(self, kind: str) -> set[tuple[Key, str, str]]:
        """What roles can do, as has_..._privilege says."""
        known = KINDS[kind]
        privileges = ", ".join(f"'{privilege}'" for privilege in self.privileges(kind))
        query = (_HEAD + _EFFECTIVE).format(
            objects=known.objects, privileges=privileges, has=known.has, roles=", ".join(f"'{role}'" for role in ROLES)
        )
        return {((s, n, c), role, privilege) for s, n, c, role, privilege in self.rows(query)}

    def privileges(self, kind: str) -> tuple[str, ...]:
        """Those that this version has."""
        more = ("MAINTAIN",) if kind == "table" and self._server.major >= 17 else ()
        return (*KINDS[kind].privileges, *more)

    def keys(self, kind: str) -> list[Key]:
        return [tuple(row[:3]) for row in self.rows(f"{KINDS[kind].objects} ORDER BY 1, 2, 3")]

    def everything(self) -> list[t.Any]:
        """Every ACL with its grantors, to see whether anything has changed."""
        return [
            self.rows(
                f"SELECT s, n, c, owner, acl::text FROM ({kind.objects}) AS o (s, n, c, named, oid, sub, owner, acl) ORDER BY 1, 2, 3"
            )
            for kind in KINDS.values()
        ]

    def _make(self) -> None:
        draw = self._draw
        self.execute("CREATE FOREIGN DATA WRAPPER w")
        for number in range(2):
            self.execute(f"CREATE SERVER server{number} FOREIGN DATA WRAPPER w")
        for schema in _SCHEMAS:
            self.execute(f"CREATE SCHEMA {schema} AUTHORIZATION {quoted(draw.choice(ROLES))}")
            self.execute(f"GRANT ALL ON SCHEMA {schema} TO PUBLIC")
            for number in range(draw.randint(1, 3)):
                self.execute(f"SET ROLE {quoted(draw.choice(ROLES))}")
                self.execute(f"CREATE TABLE {schema}.t{number} (a int, b int)")
                self.execute(f"CREATE SEQUENCE {schema}.s{number}")
                self.execute(f"CREATE FUNCTION {schema}.f(int) RETURNS int LANGUAGE sql AS 'SELECT 1'")
                self.execute(f"CREATE FUNCTION {schema}.f{number}() RETURNS int LANGUAGE sql AS 'SELECT 1'")
                self.execute(f"CREATE TYPE {schema}.y{number} AS ENUM ('x')")
                self.execute("RESET ROLE")

    def _grant(self) -> None:
        """Grants, and grants by those who were granted; many are refused by the server, which does not matter."""
        draw, last = self._draw, ROLES[0]
        for _attempt in range(80):
            name = draw.choice(list(KINDS))
            kind = KINDS[name]
            rows = self.rows(f"{kind.objects} ORDER BY 1, 2, 3")
            named = rows[0] if draw.random() < 0.6 else draw.choice(rows)  # what is granted on needs the same object
            privileges = list(kind.privileges[: draw.randint(1, 3)])
            if named[2]:
                privileges = [f"{privilege} ({named[2]})" for privilege in privileges]
            what = f"{', '.join(privileges)} ON {kind.grant} {named[3]}"
            grantor = draw.choice((last, last, *ROLES))
            self.execute(f"SET ROLE {quoted(grantor)}" if draw.random() < 0.7 else "RESET ROLE")
            if draw.random() < 0.1:
                self.execute(f"REVOKE {what} FROM PUBLIC")
            else:
                whom = draw.choice((*ROLES, "PUBLIC"))
                option = " WITH GRANT OPTION" if draw.random() < 0.8 and whom != "PUBLIC" else ""
                if self.execute(f"GRANT {what} TO {quoted(whom)}{option}") and option:
                    last = whom
        self.execute("RESET ROLE")
        if draw.random() < 0.7:
            self.execute("REVOKE ALL ON SCHEMA one, two FROM PUBLIC")


def desired_state(database: Database, draw: random.Random) -> list[dict[str, t.Any]]:
    """Some entries; now and then they contradict each other."""
    return [_entry(database, draw) for _number in range(draw.randint(1, 6))]


def _entry(database: Database, draw: random.Random) -> dict[str, t.Any]:
    name = draw.choice(list(KINDS))
    kind, privileges = KINDS[name], database.privileges(name)
    keys = database.keys(name)
    entry: dict[str, t.Any] = {"kind": name, "databases": [database.name]}
    schema, thing, column = draw.choice(keys)
    if "schemas" in kind.options:
        entry["schemas"] = draw.choice((["ALL"], [schema or thing], ["/(one|two)"]))
    if "objects" in kind.options:
        pattern = f"/{re.escape(thing[:1])}.*"
        entry["objects"] = draw.choice((["ALL"], [thing], [thing], [pattern]))
    if "columns" in kind.options:
        entry["columns"] = draw.choice((["ALL"], [column]))
    entry["state"] = draw.choice(("present", "present", "absent", "exact"))
    entry["roles"] = draw.sample((*ROLES, "PUBLIC"), draw.randint(1, 3))
    entry["privileges"] = draw.choice((["ALL"], draw.sample(privileges, draw.randint(1, min(2, len(privileges))))))
    entry["grant_option"] = "PUBLIC" not in entry["roles"] and draw.random() < 0.3
    if entry["state"] == "exact" and draw.random() < 0.3:
        entry.update(roles=[], privileges=[], grant_option=False)
    return entry


@dataclasses.dataclass
class Expectation:
    """What each object should come to; by the words of the documentation."""

    given: set[tuple[Key, str, str]] = dataclasses.field(default_factory=set)
    taken: set[tuple[Key, str, str]] = dataclasses.field(default_factory=set)
    closed: set[Key] = dataclasses.field(default_factory=set)
    given_options: set[tuple[Key, str, str]] = dataclasses.field(default_factory=set)
    taken_options: set[tuple[Key, str, str]] = dataclasses.field(default_factory=set)


def expect(database: Database, entries: t.Sequence[dict[str, t.Any]]) -> tuple[dict[str, Expectation], bool]:
    """For each kind; and whether entries contradict each other."""
    found = {kind: Expectation() for kind in KINDS}
    for entry in entries:
        for key in database.keys(entry["kind"]):
            if _chosen(entry, key):
                _add(found[entry["kind"]], entry, key, database)
    contradiction = any(each.given & each.taken or each.given_options & each.taken_options for each in found.values())
    _columns_of_tables(database, found)
    return found, contradiction


def _add(expectation: Expectation, entry: dict[str, t.Any], key: Key, database: Database) -> None:
    names = database.privileges(entry["kind"]) if entry["privileges"] == ["ALL"] else entry["privileges"]
    items = {(key, role, privilege) for role in entry["roles"] for privilege in names}
    if entry["state"] == "absent":
        (expectation.taken_options if entry["grant_option"] else expectation.taken).update(items)
    else:
        expectation.given |= items
        expectation.given_options |= items if entry["grant_option"] else set()
    if entry["state"] == "exact":
        expectation.closed.add(key)


def _columns_of_tables(database: Database, found: dict[str, Expectation]) -> None:
    table, column = found["table"], found["column"]
    for key in database.keys("column"):
        of = (key[0], key[1], "")
        if of in table.closed:
            column.closed.add(key)
        for role in (*ROLES, "PUBLIC"):
            for privilege in KINDS["column"].privileges:
                item = (key, role, privilege)
                if (of, role, privilege) in table.taken and item not in column.given:
                    column.taken.add(item)
                if (of, role, privilege) in table.taken_options and item not in column.given_options:
                    column.taken_options.add(item)


def _chosen(entry: dict[str, t.Any], key: Key) -> bool:
    schema, name, column = key
    if entry["kind"] == "schema":
        return _matches(entry["schemas"], name)
    return (
        ("schemas" not in entry or _matches(entry["schemas"], schema))
        and ("objects" not in entry or _matches(entry["objects"], name))
        and ("columns" not in entry or _matches(entry["columns"], column))
    )


def _matches(names: t.Sequence[str], name: str) -> bool:
    return any(each in ("ALL", name) or (each[0] == "/" and re.fullmatch(each[1:], name)) for each in names)
