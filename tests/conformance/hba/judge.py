"""Asks a real server what it makes of a pg_hba.conf."""

from __future__ import annotations

import datetime
import functools
import json
import os
import re
import socket
import time
import typing as t

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from ansible_collections.rampart.postgresql.plugins.module_utils._hba.circumstances import Circumstances
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.dialects import dialect_of
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.methods import shown_options
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.records import Record
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.records import parse_text
from ansible_collections.rampart.postgresql.tests.conformance.hba.vocabulary import COMPANIONS

if t.TYPE_CHECKING:
    import pathlib

    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

__all__ = ["Judge", "Row", "our_rows"]

Row = dict[str, t.Any]

_OPTIONAL_METHODS = ("bsd", "gss", "ldap", "pam", "sspi")  # that a build may lack
_LACKS = "not supported by this build"


class Files:
    """The files of a server's data directory."""

    def read(self, path: str) -> str:
        with open(path, "rb") as stream:
            return stream.read().decode("utf-8", "surrogateescape")

    def names(self, path: str) -> list[str]:
        return [entry.name for entry in os.scandir(path) if not entry.is_dir()]


class Judge:
    """One server, kept reachable by a first line that every candidate file gets."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.dialect = dialect_of(server.major)
        self.first = f'local all "{server.superuser}" trust\n'
        self.ssl = False
        self.validators: tuple[str, ...] = ()
        self._session = server.connect()
        self.version = str(server.query("SHOW server_version")[0][0]).split(" (", maxsplit=1)[0]
        for name, text in COMPANIONS.items():
            self.put_beside(name, text)
        self.put("".join(f"host all all all {method}\n" for method in _OPTIONAL_METHODS))
        errors = [str(row["error"]) for row in self.rows()]
        self.lacks = frozenset(name for name, error in zip(_OPTIONAL_METHODS, errors) if error.endswith(_LACKS))
        self.put("host all all all ldap ldapserver=l ldapbasedn=b ldapscheme=ldap")
        shown = self.rows()[0]["options"] or ["ldapscheme=ldap"]
        # Early minor versions of 13 show every option of this method but one.
        self.hidden = "" if "ldapscheme=ldap" in shown else "ldapscheme="
        self.put("")

    def close(self) -> None:
        self._session.close()

    def use_tls(self, wanted: bool) -> None:
        """Turn ssl on, with a certificate made for it, or off."""
        if wanted:
            self.put_beside("tls.pem", _certificate())
        self._set(ssl_cert_file="'tls.pem'", ssl_key_file="'tls.pem'", ssl="on" if wanted else "off")
        self.ssl = wanted
        assert self.server.query("SHOW ssl") == [("on" if wanted else "off",)]

    def use_validators(self, *names: str) -> None:
        """Permit OAuth validators, which nobody loads before a client comes."""
        if "oauth" in self.dialect.methods:
            self._set(oauth_validator_libraries=", ".join(names) or "DEFAULT")
            self.validators = names

    def _set(self, **parameters: str) -> None:
        with self.server.connect() as session:
            for name, value in parameters.items():
                session.execute(f"ALTER SYSTEM SET {name} = {value}")
        self.put("")
        self.loads()
        self._session.close()
        self._session = self.server.connect()

    def put(self, text: str) -> None:
        """Make this the server's file, after the line that keeps the server reachable."""
        self._write(self.server.hba_file, self.first + text)

    def put_beside(self, name: str, text: str) -> None:
        """Make a file that pg_hba.conf may refer to."""
        self._write(self.server.data_directory / name, text)

    def view(self, name: str) -> list[Row]:
        """The rows of a view on what is on disk; it may hold what is not UTF-8."""
        found = self._session.execute(
            f"SELECT pg_catalog.textsend(coalesce(json_agg(v), '[]')::text) FROM pg_catalog.{name} v"
        ).fetchone()
        assert found is not None
        rows: list[Row] = json.loads(bytes(found[0]).decode("utf-8", "surrogateescape"))
        return rows

    def rows(self) -> list[Row]:
        """What the server's view says of the file, the first line left out."""
        rows = self.view("pg_hba_file_rules")
        for row in rows:
            row["file_name"] = row.get("file_name", str(self.server.hba_file))
            row.pop("rule_number", None)
        assert rows[0]["line_number"] == 1 and rows[0]["auth_method"] == "trust", rows[0]
        return rows[1:]

    def loads(self, *, what: str = "pg_hba.conf") -> bool:
        """Whether a reload puts a file into force, as the server's log tells."""
        offset = self.log_size()
        self._session.execute("SELECT pg_catalog.pg_reload_conf()")
        for _attempt in range(1000):
            if "received SIGHUP" in self.log_since(offset):
                break
            time.sleep(0.002)
        self.server.connect().close()  # served only after the reload is done
        return re.search(rf"{re.escape(what)}\"? was not reloaded", self.log_since(offset)) is None

    def circumstances(self) -> Circumstances:
        """What our verdict must know about this server."""
        return Circumstances(
            ssl=self.ssl,
            unsupported=self.lacks,
            oauth_validators=self.validators,
            resolves=_resolves,
        )

    def ours(self, text: str) -> list[Record]:
        """Our own reading of the same file, the first line left out."""
        return parse_text(
            self.first + text,
            self.dialect,
            path=str(self.server.hba_file),
            sources=Files(),
            circumstances=self.circumstances(),
        )[1:]

    def log_size(self) -> int:
        """How much the server has written."""
        return self.server.log.stat().st_size

    def log_since(self, offset: int) -> str:
        """What the server wrote since its log had this size."""
        with self.server.log.open("rb") as stream:
            stream.seek(offset)
            return stream.read().decode("utf-8", "surrogateescape")

    def _write(self, path: pathlib.Path, text: str) -> None:
        with self.server.owner.acting():
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(text.encode("utf-8", "surrogateescape"))
            path.chmod(0o600 if path.is_file() else 0o700)


@functools.cache
def _resolves(name: str) -> bool:
    """As it does for the server, which runs on the same machine."""
    try:
        return bool(socket.getaddrinfo(name.encode("utf-8", "surrogateescape") or None, "1812", type=socket.SOCK_DGRAM))
    except OSError:
        return False


def our_rows(records: list[Record], hidden: str = "") -> list[Row]:
    """Our reading in the form of the server's view, which may hide an option."""
    rows = []
    for record in records:
        row: Row = dict.fromkeys(("type", "database", "user_name", "address", "netmask", "auth_method", "options"))
        row.update(file_name=record.path, line_number=record.line, error=record.error)
        if record.accepted:
            shown = [
                each
                for each in shown_options(record.method, record.options)
                if not (hidden and each.startswith(hidden))
            ]
            address, netmask = record.address.shown() if record.address else (None, None)
            row.update(
                type=record.type,
                database=[token.text for token in record.databases],
                user_name=[token.text for token in record.users],
                address=address,
                netmask=netmask,
                auth_method=record.method,
                options=shown or None,
            )
        rows.append(row)
    return rows


def _certificate() -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    return (
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode()
        + certificate.public_bytes(serialization.Encoding.PEM).decode()
    )
