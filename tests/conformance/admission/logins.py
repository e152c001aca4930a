"""A server with roles, databases and certificates of every kind, and real logins on it."""

from __future__ import annotations

import dataclasses
import datetime
import ipaddress
import os
import typing as t

import psycopg
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ansible_collections.rampart.postgresql.plugins.module_utils._facts.collect import collect
from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server as OpenedServer
from ansible_collections.rampart.postgresql.plugins.module_utils._server.session import Options

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

__all__ = ["CERTIFICATES", "DATABASES", "SHOWN", "USERS", "Login", "Party"]

PASSWORD = "correct horse"
SHOWN = ("/CN=app", "/O=Shop/CN=app", "/CN=somebody", "/O=Shop")
CERTIFICATES = (None, *SHOWN)
USERS = {
    "app": "LOGIN PASSWORD '{scram}'",
    "old": "LOGIN PASSWORD '{md5}'",
    "bare": "LOGIN",
    "late": "LOGIN PASSWORD '{scram}' VALID UNTIL '2020-01-01'",
    "soon": "LOGIN PASSWORD '{scram}' VALID UNTIL '2100-01-01'",
    "ever": "LOGIN PASSWORD '{scram}' VALID UNTIL 'infinity'",
    "never": "LOGIN PASSWORD '{scram}' VALID UNTIL '-infinity'",
    "idle": "NOLOGIN PASSWORD '{scram}'",
    "none_left": "LOGIN PASSWORD '{scram}' CONNECTION LIMIT 0",
    "boss": "LOGIN SUPERUSER PASSWORD '{scram}' CONNECTION LIMIT 0",
    "dead_boss": "NOLOGIN SUPERUSER PASSWORD '{scram}'",
    "copier": "LOGIN REPLICATION PASSWORD '{scram}'",
    "member": "LOGIN PASSWORD '{scram}' IN ROLE outer_group",
    "loner": "LOGIN NOINHERIT PASSWORD '{scram}' IN ROLE grp",
    "twice": "LOGIN PASSWORD '{scram}' CONNECTION LIMIT 2",
    "owner": "LOGIN PASSWORD '{scram}'",
}
"""What CREATE ROLE is told; the account of the servers has no role of its own here but the bootstrap superuser."""

DATABASES = {
    "shop": (),
    "den": ("ALTER DATABASE den OWNER TO owner", "REVOKE CONNECT ON DATABASE den FROM PUBLIC, owner"),
    "for_grp": ("REVOKE CONNECT ON DATABASE for_grp FROM PUBLIC", "GRANT CONNECT ON DATABASE for_grp TO grp"),
    "own": ("ALTER DATABASE own OWNER TO owner", "REVOKE CONNECT ON DATABASE own FROM PUBLIC"),
    "lost": (
        "ALTER DATABASE lost OWNER TO owner",
        "REVOKE CONNECT ON DATABASE lost FROM PUBLIC, owner",
        "GRANT CONNECT ON DATABASE lost TO grp",
    ),
    "closed": ("ALTER DATABASE closed ALLOW_CONNECTIONS false",),
    "grp": (),
    "pair": ("ALTER DATABASE pair CONNECTION LIMIT 2",),
    "crowded": ("ALTER DATABASE crowded CONNECTION LIMIT 0",),
}


@dataclasses.dataclass(frozen=True)
class Login:
    """One attempt. ``password``: none, the right one, or a wrong one."""

    user: str
    database: str
    way: t.Literal["socket", "plain", "tls"]
    password: t.Literal["none", "right", "wrong"] = "right"
    replication: t.Literal["", "physical", "logical"] = ""
    certificate: str | None = None


class Party:
    """A server with those who come to it."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._folder = server.data_directory.parent
        self._facts: dict[bool, dict[str, t.Any]] = {}
        self._make_certificates()
        self._make_roles()
        self.use("", authorities=True)

    def use(self, rules: str, *, mappings: str = "", authorities: bool = True) -> None:
        """These rules and mappings, behind one that lets ourselves in; with or without ``ssl_ca_file``."""
        own = f"local postgres {self.server.superuser} trust\n"
        ca = self._folder / "ca.crt" if authorities else ""
        conf = self.server.data_directory / "postgresql.auto.conf"
        with self.server.owner.acting():
            self.server.hba_file.write_text(own + rules, encoding="utf-8")
            (self.server.data_directory / "pg_ident.conf").write_text(mappings, encoding="utf-8")
            conf.write_text(
                f"ssl = on\nssl_cert_file = '{self._folder}/server.crt'\nssl_key_file = '{self._folder}/server.key'\n"
                f"ssl_ca_file = '{ca}'\n",
                encoding="utf-8",
            )
        self.server.reload()
        self.rules = own + rules
        self._authorities = authorities
        self.mappings = mappings

    def facts(self) -> dict[str, t.Any]:
        """What cluster_info tells of what admission depends on; the rules apart nothing changes but ssl_ca_file."""
        if self._authorities not in self._facts:
            with OpenedServer.open(Options(cluster=str(self.server.data_directory))) as opened:
                facts = collect(opened, ("catalogue",))
            names = ("roles", "memberships", "databases", "settings")
            self._facts[self._authorities] = {name: facts[name] for name in names}
        return self._facts[self._authorities]

    def try_login(self, login: Login) -> str | None:
        """The server's words when it refuses; None when the client is in."""
        try:
            self.opened(login).close()
        except psycopg.OperationalError as error:
            return str(error).strip().splitlines()[-1]
        return None

    def opened(self, login: Login) -> psycopg.Connection[tuple[t.Any, ...]]:
        """The session of a client that the server lets in."""
        options: dict[str, t.Any] = {
            "user": login.user,
            "dbname": login.database,
            "sslmode": "disable",
            "sslcert": "none",
        }
        if login.way != "socket":
            options["host"] = "127.0.0.1"
        if login.way == "tls":
            options["sslmode"] = "require"
            if login.certificate is not None:
                path = self._folder / f"client{SHOWN.index(login.certificate)}"
                options.update(sslcert=f"{path}.crt", sslkey=f"{path}.key")
        if login.password != "none":
            options["password"] = PASSWORD if login.password == "right" else "wrong"
        if login.replication:
            options["replication"] = "true" if login.replication == "physical" else "database"
        return self.server.connect(passfile="/nowhere", **options)

    def _make_roles(self) -> None:
        verifiers = {}
        with self.server.connect() as connection:
            for kind, encryption in (("scram", "scram-sha-256"), ("md5", "md5")):
                connection.execute(f"SET password_encryption = '{encryption}'".encode())
                connection.execute(f"CREATE ROLE {'old' if kind == 'md5' else 'app'} PASSWORD '{PASSWORD}'".encode())
            rows = connection.execute("SELECT rolname, rolpassword FROM pg_catalog.pg_authid").fetchall()
            stored = dict(rows)
            verifiers = {"scram": stored["app"], "md5": stored["old"]}
            connection.execute("DROP ROLE app")
            connection.execute("DROP ROLE old")
            connection.execute("CREATE ROLE grp")
            connection.execute("CREATE ROLE outer_group IN ROLE grp")
            for name, words in USERS.items():
                # The same verifier for all: a SCRAM one does not depend on the role's name, and md5 is old's only.
                connection.execute(f"CREATE ROLE {name} {words.format(**verifiers)}".encode())
            if self.server.major >= 16:
                connection.execute("CREATE ROLE apart LOGIN")
                connection.execute("GRANT grp TO apart WITH INHERIT FALSE")
            else:
                connection.execute("CREATE ROLE apart LOGIN NOINHERIT IN ROLE grp")
            for name, statements in DATABASES.items():
                connection.execute(f"CREATE DATABASE {name}".encode())
                for statement in statements:
                    connection.execute(statement.encode())
            if self.server.major >= 14:
                connection.execute("GRANT CONNECT ON DATABASE den TO pg_database_owner")

    def _make_certificates(self) -> None:
        authority = ec.generate_private_key(ec.SECP256R1())
        issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority")])
        self._write("ca", _certificate(issuer, issuer, authority, authority, is_authority=True), authority)
        key = ec.generate_private_key(ec.SECP256R1())
        server = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
        self._write("server", _certificate(server, issuer, key, authority), key)
        for index, shown in enumerate(SHOWN):
            key = ec.generate_private_key(ec.SECP256R1())
            self._write(f"client{index}", _certificate(_name(shown), issuer, key, authority), key)

    def _write(self, name: str, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
        contents = {
            "crt": certificate.public_bytes(serialization.Encoding.PEM),
            "key": key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            ),
        }
        with self.server.owner.acting():
            for suffix, content in contents.items():
                path = self._folder / f"{name}.{suffix}"
                with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as stream:
                    stream.write(content)


def _name(shown: str) -> x509.Name:
    kinds = {"CN": NameOID.COMMON_NAME, "O": NameOID.ORGANIZATION_NAME}
    pairs = (part.split("=") for part in shown.split("/")[1:])
    return x509.Name([x509.NameAttribute(kinds[kind], value) for kind, value in pairs])


def _certificate(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    signer: ec.EllipticCurvePrivateKey,
    *,
    is_authority: bool = False,
) -> x509.Certificate:
    now = datetime.datetime.now(datetime.timezone.utc)
    names: list[x509.GeneralName] = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(signer, hashes.SHA256())
    )
