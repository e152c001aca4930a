"""Authorities to test with, and openssl, which judges what they make."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import typing as t

from ansible.parsing.vault import VaultLib
from ansible.parsing.vault import VaultSecret
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import NameOID

from ansible_collections.rampart.postgresql.plugins.module_utils._tls import keys
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.certificate import KeySpec
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.authority import Authority
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.authority import Issued
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.establishing import establish
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.generation import Recipe
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.layout import Policy
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.making import Subject
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.planning import Plan
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.situation import Desired
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.situation import ToRevoke

if t.TYPE_CHECKING:
    import types

__all__ = ["DAY", "P256", "PASSPHRASE", "Home", "Played", "Verdict", "killed_before", "openssl", "play", "request"]

DAY = 86400
PASSPHRASE = "correct horse battery staple"
P256 = KeySpec("ecdsa_p256")
_CHANGES = frozenset(
    ("chmod", "fchmod", "mkdir", "rename", "rmdir", "unlink", "write")
)  # fchmod: a file is there, empty


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What openssl says about a certificate."""

    accepted: bool
    output: str


def openssl(*arguments: str, content: str = "") -> str:
    done = subprocess.run(["openssl", *arguments], input=content, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def request(*names: str, key: KeySpec = P256) -> bytes:
    """A request as a host makes it."""
    private = keys.new_key(key)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, keys.common_name(names))])
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    builder = builder.add_extension(x509.SubjectAlternativeName([keys.general_name(name) for name in names]), False)
    return builder.sign(private, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


@dataclasses.dataclass(frozen=True)
class Home:
    """Where an authority of a test lies."""

    path: pathlib.Path

    def desired(
        self,
        *revoked: ToRevoke,
        generation: int = 1,
        trusted: tuple[int, ...] = (1,),
        key: KeySpec = P256,
        validity: tuple[int, int] = (3650, 1825),
        lists: tuple[int, int] = (180, 45),
    ) -> Desired:
        recipe = Recipe(Subject("PostgreSQL", "Example"), key, *validity)
        return Desired(str(self.path), recipe, Policy(generation, trusted, *lists), revoked)

    def make(
        self,
        *revoked: ToRevoke,
        passphrase: str = PASSPHRASE,
        now: int | None = None,
        check: bool = False,
        **options: t.Any,
    ) -> Plan:
        moment = int(time.time()) if now is None else now
        return establish(self.desired(*revoked, **options), passphrase=passphrase, now=moment, check=check)

    def opened(self) -> Authority:
        return Authority.open(str(self.path))

    def server(
        self, *names: str, host: str = "db1", passphrase: str = PASSPHRASE, now: int | None = None, days: int = 90
    ) -> Issued:
        return self.opened().sign_server(
            request(*names),
            passphrase=passphrase,
            host=host,
            granted=names,
            key=P256,
            validity_days=days,
            now=int(time.time()) if now is None else now,
        )

    def client(self, role: str, *, now: int | None = None, **options: t.Any) -> Issued:
        public = keys.new_key(P256).public_key()
        pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        moment = int(time.time()) if now is None else now
        return self.opened().sign_client(
            pem, passphrase=PASSPHRASE, role=role, key=P256, validity_days=90, now=moment, **options
        )

    def verdict(self, chain: str, purpose: str, *options: str, lists: str | None = None) -> Verdict:
        """Whether openssl accepts a chain for ``sslserver`` or ``sslclient``, strictly, with all lists."""
        authority = self.opened()
        leaf, end, rest = chain.partition("-----END CERTIFICATE-----\n")
        files = {
            "leaf": leaf + end,
            "rest": rest,
            "trust": authority.trust_pem,
            "lists": authority.revocation_lists_pem if lists is None else lists,
        }
        paths = {name: self.path.parent / f"judged-{name}.pem" for name in files}
        for name, content in files.items():
            paths[name].write_text(content, encoding="ascii")
        command = ["openssl", "verify", "-x509_strict", "-crl_check_all", "-purpose", purpose, *options]
        for option, name in (("CAfile", "trust"), ("CRLfile", "lists"), ("untrusted", "rest")):
            command += [f"-{option}", str(paths[name])]
        done = subprocess.run([*command, str(paths["leaf"])], capture_output=True, text=True, check=False)
        return Verdict(accepted=done.returncode == 0, output=done.stdout + done.stderr)

    def tree(self) -> dict[str, tuple[int, bytes]]:
        """Every file with mode and content."""
        paths = sorted(path for path in self.path.rglob("*") if path.is_file())
        return {str(path.relative_to(self.path)): (path.stat().st_mode & 0o7777, path.read_bytes()) for path in paths}

    def leftovers(self) -> list[pathlib.Path]:
        return list(self.path.rglob("*.rampart-*"))


@dataclasses.dataclass(frozen=True)
class Played:
    """A run of ansible-playbook; ``seen`` is its output, what it left in temporary files, and all command lines."""

    good: bool
    output: str
    seen: str


def play(directory: pathlib.Path, tasks: t.Sequence[dict[str, t.Any]], *options: str, **variables: str) -> Played:
    """Run tasks on localhost, with variables from a vault."""
    directory.mkdir(parents=True, exist_ok=True)
    vault = VaultLib([("default", VaultSecret(b"vault"))])
    lines = []
    for name, value in variables.items():
        lines += [f"{name}: !vault |", *(f"  {line}" for line in vault.encrypt(value.encode()).decode().splitlines())]
    (directory / "vars.yml").write_text("\n".join(lines) + "\n")
    (directory / "vault").write_text("vault")
    (directory / "inventory").write_text(
        f"localhost ansible_connection=local ansible_python_interpreter={sys.executable}\n"
    )
    book = {"hosts": "localhost", "gather_facts": False, "vars_files": ["vars.yml"], "tasks": list(tasks)}
    (directory / "play.yml").write_text(json.dumps([book]))
    command = ["ansible-playbook", "-i", "inventory", "--vault-password-file", "vault", *options, "play.yml"]
    with tempfile.TemporaryDirectory() as temporary, _Watched() as watched:  # a short path: sockets lie there
        environment = {
            **os.environ,
            "ANSIBLE_HOME": str(directory / "home"),
            "ANSIBLE_LOCAL_TEMP": f"{temporary}/controller",
            "ANSIBLE_REMOTE_TMP": f"{temporary}/host",
            "ANSIBLE_KEEP_REMOTE_FILES": "true",
            "ANSIBLE_LOG_PATH": str(directory / "log"),
            "TMPDIR": temporary,
        }
        done = subprocess.run(
            command, cwd=directory, env=environment, capture_output=True, text=True, timeout=120, check=False
        )
        left = [path.read_text("utf-8", "replace") for path in pathlib.Path(temporary).rglob("*") if path.is_file()]
    output = done.stdout + done.stderr
    log = (directory / "log").read_text("utf-8")
    return Played(good=done.returncode == 0, output=output, seen="\n".join([output, log, *left, *watched.lines]))


class _Watched:
    """Command lines of all processes while something runs."""

    def __init__(self) -> None:
        self.lines: set[str] = set()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> _Watched:
        self._thread.start()
        return self

    def __exit__(self, *_ignored: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(0.05):
            for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
                with contextlib.suppress(OSError):
                    self.lines.add(path.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace"))


def killed_before(step: int, action: t.Callable[[], object]) -> bool:
    """Do something in a child process that sends itself SIGKILL right before its n-th change of a file; whether it
    came to that."""
    child = os.fork()
    if not child:
        count = 0

        def counted(frame: types.FrameType, event: str, function: t.Any) -> None:
            nonlocal count
            if event == "c_call" and function.__module__ == "posix" and function.__name__ in _CHANGES:
                count += 1
                if count == step:
                    os.kill(os.getpid(), signal.SIGKILL)

        try:
            sys.setprofile(counted)
            action()
            sys.setprofile(None)
            os._exit(0)
        except BaseException:
            sys.setprofile(None)
            traceback.print_exc()
            os._exit(1)
    _pid, status = os.waitpid(child, 0)
    killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    assert killed or os.WEXITSTATUS(status) == 0
    return killed
