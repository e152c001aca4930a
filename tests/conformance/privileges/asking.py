"""How a server is asked about privileges, in words of the tests' own: nothing of what reads them in the module."""

from __future__ import annotations

import dataclasses
import typing as t

import psycopg

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

__all__ = ["FUTURE", "KINDS", "LIVING", "PARAMETERS", "ROLES", "SCHEMAS", "Item", "Key", "Kind", "Place", "quoted"]

ROLES = ("alpha", "beta", "gamma", "delta", "Epsilon", "group one", 'ze"ta')
SCHEMAS = ("one", 'T"wo')
PARAMETERS = ("log_min_messages", "deadlock_timeout", "work_mem", "my.own")
Key = tuple[str, str, str]  # schema, object, column: what is not there is empty


def quoted(name: str) -> str:
    return name if name == "PUBLIC" else '"' + name.replace('"', '""') + '"'


def constants(names: t.Iterable[str]) -> str:
    return ", ".join("'" + name.replace("'", "''") + "'" for name in names)


class Item(t.NamedTuple):
    """One privilege of an ACL."""

    key: Key
    grantor: str
    grantee: str
    privilege: str
    grantable: bool


@dataclasses.dataclass(frozen=True)
class Kind:
    """How the server is asked about objects of one kind."""

    objects: str  # schema, name, column, text for GRANT, oid, number of the column, owner, acl
    privileges: tuple[str, ...]
    grant: str  # keyword
    has: str  # has_..._privilege(role oid, ..., privilege)
    letter: str
    options: tuple[str, ...] = ("schemas", "objects")
    catalogue: str = ""  # of what can be a member of an extension
    alter: str = ""  # keyword, where tests change owners


_OURS = f"nspname IN ({constants(SCHEMAS)})"
_RELATION = "SELECT nspname, relname, '', format('%I.%I', nspname, relname), c.oid, 0, relowner, relacl"
_FROM = "FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace"

KINDS: dict[str, Kind] = {
    "tablespace": Kind(
        "SELECT '', spcname, '', quote_ident(spcname), oid, 0, spcowner, spcacl FROM pg_tablespace",
        *(("CREATE",), "TABLESPACE", "has_tablespace_privilege(r.oid, o.oid, p.p)", "t", ("objects",)),
        alter="TABLESPACE",
    ),
    "parameter": Kind(
        f"""SELECT '', n, '', n, 0::oid, 0, 10::oid, (SELECT paracl FROM pg_parameter_acl WHERE parname = n)
        FROM (SELECT lower(name) FROM pg_settings UNION SELECT parname FROM pg_parameter_acl
          UNION SELECT unnest(ARRAY[{constants(PARAMETERS)}])) AS x (n)""",
        *(("SET", "ALTER SYSTEM"), "PARAMETER", "has_parameter_privilege(r.oid, o.n, p.p)", "p", ("objects",)),
    ),
    "database": Kind(
        """SELECT '', datname, '', quote_ident(datname), oid, 0, datdba, datacl FROM pg_database
        WHERE datname LIKE 'generated %'""",
        *(("CONNECT", "TEMPORARY", "CREATE"), "DATABASE", "has_database_privilege(r.oid, o.oid, p.p)", "d"),
        options=("databases",),
        alter="DATABASE",
    ),
    "language": Kind(
        """SELECT '', lanname, '', quote_ident(lanname), oid, 0, lanowner, lanacl FROM pg_language
        WHERE lanpltrusted""",
        *(("USAGE",), "LANGUAGE", "has_language_privilege(r.oid, o.oid, p.p)", "l", ("objects",), "pg_language"),
        alter="LANGUAGE",
    ),
    "foreign_data_wrapper": Kind(
        "SELECT '', fdwname, '', quote_ident(fdwname), oid, 0, fdwowner, fdwacl FROM pg_foreign_data_wrapper",
        *(("USAGE",), "FOREIGN DATA WRAPPER", "has_foreign_data_wrapper_privilege(r.oid, o.oid, p.p)", "F"),
        *(("objects",), "pg_foreign_data_wrapper"),
    ),
    "foreign_server": Kind(
        "SELECT '', srvname, '', quote_ident(srvname), oid, 0, srvowner, srvacl FROM pg_foreign_server",
        *(("USAGE",), "FOREIGN SERVER", "has_server_privilege(r.oid, o.oid, p.p)", "S", ("objects",)),
        *("pg_foreign_server", "SERVER"),
    ),
    "schema": Kind(
        f"""SELECT '', nspname, '', quote_ident(nspname), oid, 0, nspowner, nspacl FROM pg_namespace
        WHERE {_OURS} OR nspname = 'public'""",
        *(("USAGE", "CREATE"), "SCHEMA", "has_schema_privilege(r.oid, o.oid, p.p)", "n", ("schemas",)),
        alter="SCHEMA",
    ),
    "type": Kind(
        f"""SELECT nspname, typname, '', format('%I.%I', nspname, typname), y.oid, 0, typowner, typacl
        FROM pg_type y JOIN pg_namespace n ON n.oid = typnamespace LEFT JOIN pg_class c ON c.oid = typrelid
        WHERE (typtype IN ('d', 'e', 'r') OR relkind = 'c') AND {_OURS}""",
        *(("USAGE",), "TYPE", "has_type_privilege(r.oid, o.oid, p.p)", "T"),
        *(("schemas", "objects"), "pg_type", "TYPE"),
    ),
    "table": Kind(
        f"{_RELATION} {_FROM} WHERE relkind IN ('r', 'v', 'p', 'm') AND {_OURS}",
        ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"),
        *("TABLE", "has_table_privilege(r.oid, o.oid, p.p)", "r", ("schemas", "objects"), "pg_class", "TABLE"),
    ),
    "column": Kind(
        f"""SELECT nspname, relname, attname, format('%I.%I', nspname, relname), c.oid, attnum, relowner, attacl
        {_FROM} JOIN pg_attribute ON attrelid = c.oid AND attnum > 0
        WHERE relkind IN ('r', 'v', 'p', 'm') AND {_OURS}""",
        ("SELECT", "INSERT", "UPDATE", "REFERENCES"),
        *("TABLE", "has_column_privilege(r.oid, o.oid, o.sub::int2, p.p)", "c", ("schemas", "objects", "columns")),
        "pg_class",
    ),
    "sequence": Kind(
        f"{_RELATION} {_FROM} WHERE relkind = 'S' AND {_OURS}",
        *(("USAGE", "SELECT", "UPDATE"), "SEQUENCE", "has_sequence_privilege(r.oid, o.oid, p.p)", "s"),
        *(("schemas", "objects"), "pg_class", "SEQUENCE"),
    ),
    "function": Kind(
        f"""SELECT nspname, format('%s(%s)', proname, oidvectortypes(proargtypes)), '', f.oid::regprocedure::text,
          f.oid, 0, proowner, proacl
        FROM pg_proc f JOIN pg_namespace n ON n.oid = pronamespace WHERE {_OURS}""",
        *(("EXECUTE",), "ROUTINE", "has_function_privilege(r.oid, o.oid, p.p)", "f"),
        *(("schemas", "objects"), "pg_proc", "ROUTINE"),
    ),
    "large_object": Kind(
        "SELECT '', oid::text, '', oid::text, oid, 0, lomowner, lomacl FROM pg_largeobject_metadata",
        *(("SELECT", "UPDATE"), "LARGE OBJECT", "has_largeobject_privilege(r.oid, o.oid, p.p)", "L", ("objects",)),
        alter="LARGE OBJECT",
    ),
    "default": Kind(
        f"""SELECT coalesce(nspname, ''), rolname, f, '', 0::oid, 0, r.oid, CASE WHEN n.oid IS NULL
          THEN coalesce(defaclacl, acldefault(CASE k WHEN 'S' THEN 's' ELSE k END::"char", r.oid)) ELSE coalesce(defaclacl, acldefault('c', r.oid)) END
        FROM pg_roles r
        CROSS JOIN (VALUES ('table', 'r'), ('sequence', 'S'), ('function', 'f'), ('type', 'T'), ('schema', 'n'),
          ('large_object', 'L')) AS f (f, k)
        CROSS JOIN (SELECT oid, nspname FROM pg_namespace WHERE {_OURS} OR nspname = 'public'
          UNION ALL SELECT NULL, NULL) AS n
        LEFT JOIN pg_default_acl d
          ON defaclrole = r.oid AND defaclobjtype = k::"char" AND defaclnamespace = coalesce(n.oid, 0)
        WHERE rolname !~ '^pg_' AND (n.oid IS NULL OR f NOT IN ('schema', 'large_object'))""",
        *((), "", "", "r", ("schemas", "for_roles", "future")),
    ),
}
FUTURE = {"table": "TABLES", "sequence": "SEQUENCES", "function": "FUNCTIONS", "type": "TYPES", "schema": "SCHEMAS"}
LIVING = ("tablespace", "parameter", "database")
"""Kinds that belong to the cluster."""

_HEAD = "WITH o (s, n, c, named, oid, sub, owner, acl) AS ({objects})"
_NAMED = "coalesce(pg_get_userbyid(nullif({column}, 0)), 'PUBLIC')"
_ITEMS = f"""{_HEAD} SELECT s, n, c, pg_get_userbyid(a.grantor), {_NAMED.format(column="a.grantee")}, a.privilege_type,
  a.is_grantable FROM o, aclexplode(coalesce(acl, acldefault('{{letter}}', owner))) a"""
_INITIAL = f"""{_HEAD} SELECT s, n, c, pg_get_userbyid(a.grantor), {_NAMED.format(column="a.grantee")}, a.privilege_type,
  a.is_grantable
FROM o LEFT JOIN pg_init_privs i ON classoid = '{{catalogue}}'::regclass AND objoid = o.oid AND objsubid = o.sub,
  aclexplode(coalesce(initprivs, acldefault('{{letter}}', owner))) a
WHERE o.oid < 16384 OR EXISTS (SELECT FROM pg_depend d
  WHERE d.classid = '{{catalogue}}'::regclass AND d.objid = o.oid AND d.objsubid = 0 AND d.deptype = 'e')"""
_EFFECTIVE = f"""{_HEAD} SELECT s, n, c, rolname, p FROM o, pg_roles r, unnest(ARRAY[{{privileges}}]) AS p (p)
WHERE rolname IN ({constants(ROLES)}) AND {{has}}"""
_MODES = {"SELECT": 0x40000, "UPDATE": 0x20000}  # of lo_open()


class Place:
    """A database, or what belongs to the cluster, where the name is empty; as the server sees it."""

    def __init__(self, server: Server, name: str = "") -> None:
        self.name = name
        self.server = server
        self._connection = server.connect(dbname=name or "postgres")
        known = [kind for kind in KINDS if (kind in LIVING) == (not name)]
        self.kinds = tuple(kind for kind in known if kind != "parameter" or server.major >= 15)

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

    def items(self, kind: str) -> set[Item]:
        """Every privilege of every object."""
        known = KINDS[kind]
        return _items(self.rows(_ITEMS.format(objects=known.objects, letter=known.letter)))

    def initial(self, kind: str) -> set[Item]:
        """What an extension or initdb granted on objects that it made."""
        known = KINDS[kind]
        if not known.catalogue:
            return set()
        query = _INITIAL.format(objects=known.objects, letter=known.letter, catalogue=known.catalogue)
        return _items(self.rows(query))

    def owners(self, kind: str) -> dict[Key, str]:
        """Who owns what."""
        query = f"{_HEAD} SELECT s, n, c, pg_get_userbyid(owner) FROM o ORDER BY 1, 2, 3"
        return {(s, n, c): owner for s, n, c, owner in self.rows(query.format(objects=KINDS[kind].objects))}

    def named(self, kind: str) -> list[tuple[Key, str]]:
        """The objects, and how GRANT names them."""
        query = f"{_HEAD} SELECT s, n, c, named FROM o ORDER BY 1, 2, 3"
        return [((s, n, c), named) for s, n, c, named in self.rows(query.format(objects=KINDS[kind].objects))]

    def privileges(self, kind: str) -> tuple[str, ...]:
        """Those that this version has."""
        more = ("MAINTAIN",) if kind == "table" and self.server.major >= 17 else ()
        return (*KINDS[kind].privileges, *more)

    def effective(self, kind: str) -> set[tuple[Key, str, str]]:
        """What roles can do, as has_..._privilege says."""
        known = KINDS[kind]
        if kind == "large_object" and self.server.major < 18:
            return self._opened()
        privileges = constants(self.privileges(kind))
        rows = self.rows(_EFFECTIVE.format(objects=known.objects, privileges=privileges, has=known.has))
        return {((s, n, c), role, privilege) for s, n, c, role, privilege in rows}

    def _opened(self) -> set[tuple[Key, str, str]]:
        """What roles can do with large objects, as they try: only 18 knows a function for it, and writing is reading too."""
        found = set()
        for role in ROLES:
            self.execute(f"SET ROLE {quoted(role)}")
            for key, named in self.named("large_object"):
                done = {name for name, mode in _MODES.items() if self.execute(f"SELECT lo_open({named}, {mode})")}
                found |= {(key, role, privilege) for privilege in done}
            self.execute("RESET ROLE")
        return found


def _items(rows: t.Iterable[tuple[t.Any, ...]]) -> set[Item]:
    return {Item((row[0], row[1], row[2]), *row[3:]) for row in rows}
