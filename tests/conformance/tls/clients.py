"""Clients that verify a server's certificate: libpq, Python's own TLS, openssl; and crowds of them."""

from __future__ import annotations

import contextlib
import os
import pathlib
import socket
import ssl
import struct
import subprocess
import threading
import typing as t

import psycopg

from ansible_collections.rampart.postgresql.tests.conformance.servers import BUILD

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

__all__ = ["Crowd", "libpq", "openssl", "pgbench", "python_tls", "refusal", "served", "trusted"]

_SSL_REQUEST = struct.pack("!II", 8, 80877103)
_CERTIFICATE = b"-----BEGIN CERTIFICATE-----"


@contextlib.contextmanager
def libpq(server: Server, root: pathlib.Path | str, **options: t.Any) -> t.Iterator[psycopg.Connection[t.Any]]:
    """A session over TCP that verifies the server's chain and name; ``options`` are libpq's."""
    values = {
        "host": "localhost",
        "hostaddr": "127.0.0.1",
        "user": server.superuser,
        "dbname": "postgres",
        "sslmode": "verify-full",
        "sslrootcert": str(root),
        "sslcert": "none",
        "connect_timeout": 20,
        "autocommit": True,
        **options,
    }
    with contextlib.closing(psycopg.connect(port=server.port, **values)) as connection:
        row = connection.execute("SELECT ssl FROM pg_catalog.pg_stat_ssl WHERE pid = pg_backend_pid()").fetchone()
        assert row == (values["sslmode"] != "disable",), row
        yield connection


def refusal(server: Server, root: pathlib.Path | str, **options: t.Any) -> str:
    """Why libpq does not get in; empty when it does."""
    try:
        with libpq(server, root, **options):
            return ""
    except psycopg.OperationalError as error:
        return str(error)


def python_tls(
    server: Server, root: pathlib.Path | str, *, host: str = "localhost", identity: tuple[str, str] | None = None
) -> bytes:
    """The certificate of the server in DER, verified by Python after PostgreSQL's SSLRequest; raises ssl.SSLError.

    ``identity`` are the files of a client certificate and its key.
    """
    context = ssl.create_default_context(cafile=str(root))
    if identity:
        context.load_cert_chain(*identity)
    return _handshake(server, context, host)


def served(server: Server) -> bytes:
    """The certificate that the server serves, in DER, whatever it is worth."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return _handshake(server, context, None)


def _handshake(server: Server, context: ssl.SSLContext, host: str | None) -> bytes:
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        connection.sendall(_SSL_REQUEST)
        answer = connection.recv(1)
        if answer != b"S":
            raise ssl.SSLError(f"the server answered {answer!r} to the request for TLS")
        with context.wrap_socket(connection, server_hostname=host) as wrapped:
            found = wrapped.getpeercert(binary_form=True) or b""
            with contextlib.suppress(OSError):
                wrapped.unwrap()
            return found


def trusted(directory: pathlib.Path, *contents: bytes, name: str = "root.crt") -> pathlib.Path:
    """A bundle of the certificates in these files, where every account can read it; keys are left out."""
    blocks = [block for content in contents for block in content.split(_CERTIFICATE)[1:]]
    assert blocks, "there is no certificate"
    end = b"-----END CERTIFICATE-----"
    text = b"".join(_CERTIFICATE + block.partition(end)[0] + end + b"\n" for block in blocks)
    # In one rename: clients read it at any time.
    path, new = directory / name, directory / f"{name}.new"
    new.write_bytes(text)
    new.chmod(0o644)
    directory.chmod(0o755)
    new.rename(path)
    return path


def openssl(*arguments: str | os.PathLike[str], content: bytes = b"") -> str:
    """What openssl printed; it must be content."""
    done = subprocess.run(["openssl", *arguments], input=content, capture_output=True, check=False)
    assert done.returncode == 0, (arguments, done.stdout, done.stderr)
    return done.stdout.decode()


class Crowd:
    """Threads that connect, ask something and leave, again and again, for the time of a block."""

    def __init__(self, server: Server, root: pathlib.Path | str, *, size: int = 2, **options: t.Any) -> None:
        self._server, self._root, self._options = server, root, options
        self._size = size
        self._leave = threading.Event()
        self._threads: list[threading.Thread] = []
        self.connections = 0
        self.lost: list[str] = []

    def __enter__(self) -> t.Self:
        self._threads = [threading.Thread(target=self._connect_often, daemon=True) for _ in range(self._size)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._leave.set()
        for thread in self._threads:
            thread.join()

    def _connect_often(self) -> None:
        while not self._leave.is_set():
            try:
                with libpq(self._server, self._root, **self._options) as connection:
                    connection.execute("SELECT 1")
                self.connections += 1
                self._leave.wait(0.01)  # or the runs get no processor
            except Exception as error:
                self.lost.append(str(error))
                self._leave.wait(0.05)


def pgbench(server: Server, root: pathlib.Path, script: pathlib.Path, *, seconds: int) -> subprocess.Popen[str]:
    """Debian's pgbench with its own libpq, which makes a connection for each transaction."""
    release = BUILD / "postgres-debian" / str(server.major)
    libraries = release / "libraries"
    [loader] = libraries.glob("ld-linux*")
    script.write_text("SELECT 1;\n", encoding="utf-8")
    return subprocess.Popen(
        [
            *(str(loader), "--library-path", str(libraries), str(release / "bin" / "pgbench")),
            *("--no-vacuum", "--connect", "--rate=60", "--client=3", "--jobs=3"),
            *(f"--time={seconds}", f"--file={script}"),
            *("--host=localhost", f"--port={server.port}", f"--username={server.superuser}", "postgres"),
        ],
        env={"PATH": "/usr/bin:/bin", "PGSSLMODE": "verify-full", "PGSSLROOTCERT": str(root), "HOME": "/nonexistent"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
