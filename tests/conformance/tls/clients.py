"""Clients that verify a server's certificate: libpq, Python's own TLS, openssl; and crowds of them."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import types
import typing as t

import psycopg

from ansible_collections.rampart.postgresql.tests.conformance.servers import BUILD

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

__all__ = ["Crowd", "libpq", "openssl", "pgbench", "python_tls", "refusal", "served", "trusted"]

_CROWD = 2  # threads
_LEAVE = threading.Event()
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
        context.maximum_version = ssl.TLSVersion.TLSv1_2  # later ones tell a client after the handshake
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
    """A process whose threads connect, ask something and leave, again and again, for the time of a block."""

    def __init__(self, server: Server, root: pathlib.Path | str, **options: t.Any) -> None:
        self._request = json.dumps({"server": {"port": server.port, "superuser": server.superuser}, "root": str(root)})
        self._options = json.dumps(options)
        self._notes = tempfile.TemporaryDirectory(prefix="rampart-crowd-")
        self._process: subprocess.Popen[str] | None = None

    @property
    def connections(self) -> int:
        """How many have been made so far."""
        path = pathlib.Path(self._notes.name, "made")
        return path.stat().st_size if path.exists() else 0

    @property
    def lost(self) -> list[str]:
        """Why connections could not be made or were lost."""
        path = pathlib.Path(self._notes.name, "lost")
        return path.read_text(encoding="utf-8").splitlines() if path.exists() else []

    def __enter__(self) -> t.Self:
        command = [sys.executable, "-m", __name__, self._request, self._options, self._notes.name]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, text=True)
        return self

    def __exit__(self, *exception: object) -> None:
        assert self._process is not None
        self._process.communicate()  # it leaves when its standard input ends
        assert self._process.returncode == 0


def _connect_often(server: Server, root: str, options: dict[str, t.Any], notes: pathlib.Path) -> None:
    while not _LEAVE.wait(0.03):
        try:
            with libpq(server, root, **options) as connection:
                connection.execute("SELECT 1")
            with (notes / "made").open("a") as stream:
                stream.write(".")
        except Exception as error:
            with (notes / "lost").open("a", encoding="utf-8") as stream:
                stream.write(" ".join(str(error).split()) + "\n")


def _crowd(request: str, options: str, notes: str) -> None:
    asked = json.loads(request)
    server = t.cast("Server", types.SimpleNamespace(**asked["server"]))
    work = (server, asked["root"], json.loads(options), pathlib.Path(notes))
    threads = [threading.Thread(target=_connect_often, args=work) for _thread in range(_CROWD)]
    for thread in threads:
        thread.start()
    sys.stdin.read()
    _LEAVE.set()
    for thread in threads:
        thread.join()


def pgbench(server: Server, root: pathlib.Path, script: pathlib.Path, *, seconds: int) -> subprocess.Popen[str]:
    """Debian's pgbench with its own libpq, which makes a connection for each transaction."""
    release = BUILD / "postgres-debian" / str(server.major)
    libraries = release / "libraries"
    [loader] = libraries.glob("ld-linux*")
    script.write_text("SELECT 1;\n", encoding="utf-8")
    return subprocess.Popen(
        [
            *(str(loader), "--library-path", str(libraries), str(release / "bin" / "pgbench")),
            *("--no-vacuum", "--connect", "--rate=30", "--client=3", "--jobs=3"),
            *(f"--time={seconds}", f"--file={script}"),
            *("--host=localhost", f"--port={server.port}", f"--username={server.superuser}", "postgres"),
        ],
        env={"PATH": "/usr/bin:/bin", "PGSSLMODE": "verify-full", "PGSSLROOTCERT": str(root), "HOME": "/nonexistent"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


if __name__ == "__main__":
    _crowd(*sys.argv[1:])
