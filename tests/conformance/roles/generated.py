"""Generated roles, memberships, grants on parameters and lists of what is allowed, and what these should come to."""

from __future__ import annotations

import dataclasses
import random
import re
import typing as t

import psycopg

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

__all__ = [
    "COLUMNS",
    "NAMES",
    "POWERFUL",
    "Cluster",
    "Membership",
    "Setting",
    "Wanted",
    "clear",
    "populate",
    "quoted",
    "wanted",
]

NAMES = ('quo"te', "100%s", "naïve", "user", "it's", "dotted.name", "App", "svc_a", "svc_b", "plain", "group", "team")
POWERFUL = ("pg_execute_server_program", "pg_read_server_files", "pg_write_server_files", "pg_read_all_data")
PARAMETERS = ("archive_command", "session_preload_libraries", "log_duration")
COLUMNS = {
    "SUPERUSER": "rolsuper",
    "CREATEDB": "rolcreatedb",
    "CREATEROLE": "rolcreaterole",
    "REPLICATION": "rolreplication",
    "BYPASSRLS": "rolbypassrls",
}
_UNTIL = ("2031-05-06 07:08:09+00:00", "infinity")


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def some(draw: random.Random, choices: t.Sequence[str], share: float) -> list[str]:
    return [choice for choice in choices if draw.random() < share]


class Membership(t.NamedTuple):
    """One membership as one grantor gave it; options that a version does not have are None."""

    role: str
    member: str
    grantor: str
    admin: bool
    inherit: bool | None
    set: bool | None


class Setting(t.NamedTuple):
    """One privilege on one parameter."""

    parameter: str
    grantee: str
    grantor: str
    privilege: str
    grantable: bool


@dataclasses.dataclass
class Cluster:
    """What a server says about its roles."""

    held: dict[str, frozenset[str]]
    values: dict[str, tuple[bool, int, str]]
    memberships: set[Membership]
    settings: set[Setting]
    belongs: dict[str, set[str]]

    @classmethod
    def of(cls, server: Server) -> Cluster:
        columns = ", ".join(COLUMNS.values())
        rows = server.query(
            f"""SELECT rolname, rolcanlogin, rolconnlimit,
            coalesce(to_char(rolvaliduntil AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS+00:00'), 'infinity'), {columns}
            FROM pg_roles WHERE oid >= 16384"""
        )
        options = "inherit_option, set_option" if server.major >= 16 else "NULL::bool, NULL::bool"
        name = "pg_get_userbyid({})".format
        members = server.query(
            f"""SELECT {name("roleid")}, {name("member")}, {name("grantor")}, admin_option, {options}
            FROM pg_auth_members"""
        )
        settings = []
        if server.major >= 15:
            settings = server.query(
                f"""SELECT parname, coalesce({name("nullif(grantee, 0)")}, 'PUBLIC'), {name("grantor")}, privilege_type,
                is_grantable FROM pg_parameter_acl, aclexplode(paracl) WHERE grantee <> 10"""
            )
        belongs = server.query(
            f"""WITH RECURSIVE b (member, role) AS (SELECT member, roleid FROM pg_auth_members
              UNION SELECT b.member, m.roleid FROM b JOIN pg_auth_members m ON m.member = b.role)
            SELECT {name("member")}, {name("role")} FROM b"""
        )
        found: dict[str, set[str]] = {}
        for member, role in belongs:
            found.setdefault(member, set()).add(role)
        return cls(
            held={row[0]: frozenset(a for a, has in zip(COLUMNS, row[4:]) if has) for row in rows},
            values={row[0]: (row[1], row[2], row[3]) for row in rows},
            memberships={Membership(*row) for row in members},
            settings={Setting(*row) for row in settings},
            belongs=found,
        )

    def superusers(self) -> set[str]:
        return {name for name, attributes in self.held.items() if "SUPERUSER" in attributes}


def populate(server: Server, draw: random.Random) -> None:
    """Whatever the server lets be granted, by whom it lets."""
    with server.connect() as session:

        def attempt(statement: str) -> bool:
            try:
                session.execute(statement.encode())
            except psycopg.Error:  # in a circle, or by somebody who may not
                return False
            return True

        for name in NAMES:
            login = draw.choice(("LOGIN", "LOGIN", "NOLOGIN"))
            session.execute(f"CREATE ROLE {quoted(name)} {login}".encode())
        attempt(f"SET password_encryption = {draw.choice(('md5', chr(39) + 'scram-sha-256' + chr(39)))}")
        attempt("ALTER ROLE plain LOGIN PASSWORD 'x'")
        groups = (*POWERFUL, *POWERFUL, *NAMES)
        passing_on = {group: [server.superuser] for group in groups}
        for _number in range(80):
            member, group = draw.choice((*NAMES, "pg_monitor")), draw.choice(groups)
            options = _options(server, draw)
            grantor = draw.choice((passing_on[group][-1], *passing_on[group]))
            statement = f"GRANT {quoted(group)} TO {quoted(member)} {options} GRANTED BY {quoted(grantor)}"
            if attempt(statement) and ("ADMIN TRUE" in options or "ADMIN OPTION" in options):
                passing_on[group].append(member)
        for _number in range(40 if server.major >= 15 else 0):
            grantee = quoted(draw.choice(NAMES)) if draw.random() < 0.9 else "PUBLIC"
            option = " WITH GRANT OPTION" if draw.random() < 0.7 and grantee != "PUBLIC" else ""
            if draw.random() < 0.6:
                attempt(f"SET ROLE {quoted(draw.choice(NAMES))}")
            what = f"{draw.choice(('SET', 'ALTER SYSTEM'))} ON PARAMETER {draw.choice(PARAMETERS)}"
            attempt(f"GRANT {what} TO {grantee}{option}" if draw.random() < 0.9 else f"REVOKE {what} FROM {grantee}")
            session.execute(b"RESET ROLE")
        for name in NAMES:  # only now, as whatever a superuser grants counts as the owner's
            attributes = [each for each in some(draw, list(COLUMNS), 0.3) if each != "SUPERUSER" or draw.random() < 0.3]
            attempt(f"ALTER ROLE {quoted(name)} {' '.join(attributes)}")


def clear(server: Server) -> None:
    """Without these roles again."""
    names = ", ".join(map(quoted, NAMES))
    with server.connect() as session:
        for name in NAMES:  # grants that run in circles only their grantors can revoke, who must not be superusers
            session.execute(f"ALTER ROLE {quoted(name)} NOSUPERUSER".encode())
        while settings := Cluster.of(server).settings:
            each = min(settings)
            what = f"{each.privilege} ON PARAMETER {each.parameter}"
            whom, grantor = ("PUBLIC" if name == "PUBLIC" else quoted(name) for name in (each.grantee, each.grantor))
            for statement in (
                # Who inherits a grant option from another role may have lost its own, and without it cannot revoke.
                *([] if each.grantor == server.superuser else [f"GRANT {what} TO {grantor} WITH GRANT OPTION"]),
                f"SET ROLE {grantor}",
                f"REVOKE {what} FROM {whom} CASCADE",
                "RESET ROLE",
                *([] if each.grantor == server.superuser else [f"REVOKE {what} FROM {grantor} CASCADE"]),
            ):
                session.execute(statement.encode())
        session.execute(f"DROP OWNED BY {names}; DROP ROLE {names}".encode())


def _options(server: Server, draw: random.Random) -> str:
    if server.major < 16:
        return draw.choice(("", "WITH ADMIN OPTION"))
    return "WITH " + ", ".join(f"{name} {draw.choice(('TRUE', 'FALSE'))}" for name in ("ADMIN", "INHERIT", "SET"))


@dataclasses.dataclass
class Wanted:
    """Options of the module, and what they should come to."""

    options: dict[str, t.Any]
    major: int

    def allowed(self, name: str, belongs: t.Container[str]) -> list[dict[str, t.Any]]:
        """The entries that are about a role."""
        entries = self.options.get("allow") or ()
        named = [entry for entry in entries if entry.get("role") == name]
        if name in (self.options.get("strip") or ()):
            return named
        return named + [
            entry
            for entry in entries
            if ("pattern" in entry and re.fullmatch(entry["pattern"], name))
            or (entry.get("member_of", name) != name and entry["member_of"] in belongs)
        ]

    def is_governed(self, name: str) -> bool:
        return "allow" in self.options or name in self.options["strip"]

    def attributes(self, name: str, held: frozenset[str], belongs: t.Container[str]) -> frozenset[str]:
        """What a role has afterwards."""
        if not self.is_governed(name):
            return held
        allowed = {a for entry in self.allowed(name, belongs) for a in entry.get("attributes", ())}
        return frozenset(a for a in held if a in allowed or a not in self.options["attributes"])

    def membership(self, found: Membership, belongs: t.Container[str], *, md5: bool) -> Membership | None:
        """What becomes of it where the member is no superuser."""
        governed = found.role in self.options["memberships"] and (found.role != "pg_read_all_data" or md5)
        if not governed or not self.is_governed(found.member):
            return found
        for entry in self.allowed(found.member, belongs):
            for each in entry.get("memberships", ()):
                if each["role"] == found.role:
                    inherit, may_set = (each.get(name) for name in ("inherit", "set"))
                    old = self.major < 16
                    return found._replace(
                        admin=found.admin and each["admin"],
                        inherit=found.inherit if inherit is None or old else inherit,
                        set=found.set if may_set is None or old else may_set,
                    )
        return None

    def keeps(self, found: Setting, belongs: t.Container[str]) -> bool:
        """Whether a grant on a parameter stays where the grantee is no superuser."""
        if found.parameter not in self.options["parameters"]:
            return True
        if found.grantee == "PUBLIC":
            return "allow" not in self.options
        allowed = {p for entry in self.allowed(found.grantee, belongs) for p in entry.get("parameters", ())}
        return not self.is_governed(found.grantee) or found.parameter in allowed


def wanted(server: Server, draw: random.Random) -> Wanted:
    """Lists of all sorts."""
    governed = [*some(draw, POWERFUL, 0.8), *some(draw, ["team"], 0.3)]
    parameters = some(draw, PARAMETERS, 0.7)
    options: dict[str, t.Any] = {
        "attributes": draw.choice((list(COLUMNS), some(draw, list(COLUMNS), 0.7))),
        "memberships": governed,
        "parameters": parameters,
        "roles": [_values(name, draw) for name in some(draw, NAMES[:8], 0.3)],
    }
    listed = some(draw, NAMES, 0.4)
    if draw.random() < 0.3:
        options["strip"] = some(draw, [name for name in NAMES if name not in listed], 0.5) or ["App"]
    if "strip" not in options or draw.random() < 0.5:
        options["allow"] = [{"role": name, **_allowance(governed, parameters, draw)} for name in listed]
        for choice in ({"pattern": "svc_."}, {"pattern": ".*a.*"}, {"member_of": "group"}, {"member_of": "team"}):
            if draw.random() < 0.5:
                options["allow"].append({**choice, **_allowance(governed, parameters, draw)})
    return Wanted(options, server.major)


def _allowance(governed: t.Sequence[str], parameters: t.Sequence[str], draw: random.Random) -> dict[str, t.Any]:
    memberships = []
    for role in some(draw, governed, 0.5):
        entry: dict[str, t.Any] = {"role": role, "admin": draw.random() < 0.5}
        entry.update({name: draw.random() < 0.5 for name in some(draw, ("inherit", "set"), 0.4)})
        memberships.append(entry)
    return {
        "attributes": some(draw, list(COLUMNS), 0.3),
        "memberships": memberships,
        "parameters": some(draw, parameters, 0.4),
    }


def _values(name: str, draw: random.Random) -> dict[str, t.Any]:
    found: dict[str, t.Any] = {"role": name}
    if draw.random() < 0.5:
        found["login"] = draw.random() < 0.5
    if draw.random() < 0.5:
        found["connection_limit"] = draw.choice((-1, 0, 3))
    if draw.random() < 0.5:
        found["valid_until"] = draw.choice(_UNTIL)
    return found
