"""Asks a real server what it makes of a pg_hba.conf."""

from __future__ import annotations

import datetime
import json
import os
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

if t.TYPE_CHECKING:
    import pathlib

    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

__all__ = ["COMPANIONS", "Judge", "Row", "our_rows"]

Row = dict[str, t.Any]

BUILD_LACKS = frozenset(("bsd", "gss", "ldap", "pam", "sspi"))

COMPANIONS = {
    "rules.inc": "# included\nlocal inc1 u trust\nlocal inc2 \\\n u reject\n",
    "broken.inc": "local inc1 u trust\nlocal inc2 u nomethod\n",
    "outer.inc": "local outer1 u trust\ninclude rules.inc\nlocal outer2 u trust\n",
    "loop.inc": "local loop u trust\ninclude loop.inc\n",
    "rules.d/b.conf": "local b u trust\n",
    "rules.d/a.conf": "local a u trust\n",
    "rules.d/Z.conf": "local z u trust\n",
    "rules.d/.hidden.conf": "local hidden u bad\n",
    "rules.d/other.txt": "local other u bad\n",
    "rules.d/.conf": "local dot u bad\n",
    "empty.d/none.txt": "",
    "names.lst": 'alice, +grp\nbob # comment\n"carol d"\n',
    "nested.lst": "a @names.lst\nb\n",
    "keywords.lst": "all",
    "empty.lst": "# nothing\n\n",
    "address.lst": "10.0.0.0/8\n",
    "method.lst": "trust",
    "options.lst": "map=m\n",
    "includes.lst": "x\ninclude names.lst\n",
    "broken.lst": "a @missing.lst\n",
    "d/unused": "",
}
"""Files that inputs refer to, beside pg_hba.conf."""


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
        self._session = server.connect()
        for name, text in COMPANIONS.items():
            self.put_beside(name, text)

    def close(self) -> None:
        self._session.close()

    def use_tls(self, wanted: bool) -> None:
        """Turn ssl on, with a certificate made for it, or off."""
        if wanted:
            self.put_beside("tls.pem", _certificate())
        with self.server.connect() as session:
            for name, value in (
                ("ssl_cert_file", "tls.pem"),
                ("ssl_key_file", "tls.pem"),
                ("ssl", "on" if wanted else "off"),
            ):
                session.execute(f"ALTER SYSTEM SET {name} = '{value}'")
        self.put("")
        self.loads()
        self.ssl = wanted
        assert self.server.query("SHOW ssl") == [("on" if wanted else "off",)]
        self._session.close()
        self._session = self.server.connect()

    def put(self, text: str) -> None:
        """Make this the server's file, after the line that keeps the server reachable."""
        self._write(self.server.hba_file, self.first + text)

    def put_beside(self, name: str, text: str) -> None:
        """Make a file that pg_hba.conf may refer to."""
        self._write(self.server.data_directory / name, text)

    def rows(self) -> list[Row]:
        """What the server's view says of the file, the first line left out."""
        found = self._session.execute(
            "SELECT coalesce(json_agg(r), '[]')::text FROM pg_catalog.pg_hba_file_rules r"
        ).fetchone()
        assert found is not None
        rows: list[Row] = json.loads(found[0])
        for row in rows:
            row["file_name"] = row.get("file_name", str(self.server.hba_file))
            row.pop("rule_number", None)
        assert rows[0]["line_number"] == 1 and rows[0]["auth_method"] == "trust", rows[0]
        return rows[1:]

    def loads(self) -> bool:
        """Whether a reload puts the file into force, as the server's log tells."""
        offset = self.server.log.stat().st_size
        self._session.execute("SELECT pg_catalog.pg_reload_conf()")
        for _attempt in range(1000):
            if "received SIGHUP" in self._log(offset):
                break
            time.sleep(0.002)
        self.server.connect().close()  # served only after the reload is done
        return "was not reloaded" not in self._log(offset)

    def circumstances(self) -> Circumstances:
        """What our verdict must know about this server."""
        return Circumstances(
            ssl=self.ssl,
            unsupported=BUILD_LACKS,
            oauth_validators=(),
            resolves=lambda name: not name.endswith(".invalid"),
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

    def _log(self, offset: int) -> str:
        with self.server.log.open("rb") as stream:
            stream.seek(offset)
            return stream.read().decode("utf-8", "replace")

    def _write(self, path: pathlib.Path, text: str) -> None:
        with self.server.owner.acting():
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(text.encode("utf-8", "surrogateescape"))
            path.chmod(0o600 if path.is_file() else 0o700)


def our_rows(records: list[Record]) -> list[Row]:
    """Our reading in the form of the server's view."""
    rows = []
    for record in records:
        row: Row = dict.fromkeys(("type", "database", "user_name", "address", "netmask", "auth_method", "options"))
        row.update(file_name=record.path, line_number=record.line, error=record.error)
        if record.accepted:
            address, netmask = record.address.shown() if record.address else (None, None)
            row.update(
                type=record.type,
                database=[token.text for token in record.databases],
                user_name=[token.text for token in record.users],
                address=address,
                netmask=netmask,
                auth_method=record.method,
                options=shown_options(record.method, record.options) or None,
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
