"""Authorities on the controller, and what they do for one server, without a play around: the code of the action plugin."""

from __future__ import annotations

import dataclasses
import pathlib
import time
import typing as t

from cryptography.hazmat.primitives import serialization

from ansible_collections.rampart.postgresql.plugins.module_utils._converge import Component
from ansible_collections.rampart.postgresql.plugins.module_utils._settings import arguments as settings
from ansible_collections.rampart.postgresql.plugins.module_utils._tls import keys
from ansible_collections.rampart.postgresql.plugins.module_utils._tls import pem
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.arguments import component
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.certificate import DEFAULT_KEY
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.client_trust import component as clients
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.waiting import make_pending
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.waiting import private_key
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.waiting import read_pending
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.authority import Authority
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.establishing import establish
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.generation import Recipe
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.layout import Policy
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.making import Subject
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.situation import Desired
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.situation import ToRevoke
from ansible_collections.rampart.postgresql.plugins.plugin_utils._signing import Signer
from ansible_collections.rampart.postgresql.tests.conformance.components import run_components
from ansible_collections.rampart.postgresql.tests.conformance.modules import Result

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

__all__ = ["DAY", "PASSPHRASE", "TestAuthority", "half", "expired", "issue", "put", "signer"]

DAY: t.Final = 86400  # seconds
PASSPHRASE: t.Final = "correct horse battery staple"
_ON = {"sections": {"pg_tls": {"ssl": "on"}}}


@dataclasses.dataclass
class TestAuthority:
    """An authority in a directory. ``now`` is the clock with which it is made."""

    __test__ = False

    path: pathlib.Path
    common_name: str = "Test"
    now: int = dataclasses.field(default_factory=lambda: int(time.time()))
    intermediate_validity: int = 1825
    generation: int = 1
    trusted: tuple[int, ...] = (1,)
    revoked: tuple[ToRevoke, ...] = ()

    def __post_init__(self) -> None:
        """Make it."""
        self.establish()

    def establish(self, **changes: t.Any) -> None:
        """Make it what it is to be now."""
        for name, value in changes.items():
            setattr(self, name, value)
        recipe = Recipe(Subject(self.common_name), DEFAULT_KEY, 3650, self.intermediate_validity)
        policy = Policy(self.generation, self.trusted, crl_validity=720, crl_interval=180)
        establish(Desired(str(self.path), recipe, policy, self.revoked), passphrase=PASSPHRASE, now=self.now)

    def open(self) -> Authority:
        """What it is now."""
        return Authority.open(str(self.path))

    def client(self, role: str, directory: pathlib.Path, *, now: int | None = None) -> dict[str, str]:
        """libpq's options for a new certificate of a role."""
        key = keys.new_key(DEFAULT_KEY)
        public = key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        issued = self.open().sign_client(
            public, passphrase=PASSPHRASE, role=role, key=DEFAULT_KEY, validity_days=30, now=now or self.now
        )
        certificate, private = directory / f"{issued.serial}.crt", directory / f"{issued.serial}.key"
        certificate.write_text(issued.chain_pem)
        private.touch(mode=0o600)
        private.write_bytes(keys.unprotected(key))
        return {"user": role, "sslcert": str(certificate), "sslkey": str(private)}


def signer(authority: TestAuthority, *, host: str = "db1", own: t.Any = None, **options: t.Any) -> Signer:
    """What the action plugin makes of a task for a host; ``own`` are options of the option ``authority``."""
    of_authority = {"path": str(authority.path), "passphrase": PASSPHRASE, **(own or {})}
    values = {"provider": "ca", **options, "authority": of_authority}
    return Signer.of(values, {"inventory_hostname": host}, option="")


def half(server: Server, values: dict[str, t.Any], *, rehearse: bool = False) -> Result:
    """One execution of the module, and ssl turned on."""

    def build() -> list[Component]:
        return [component(values), clients.component(values), settings.component(_ON)]

    return run_components(server, build, rehearse=rehearse)


def expired(authority: TestAuthority, names: tuple[str, ...]) -> bytes:
    """The content of a server's file, with a certificate of this authority that has expired.

    The authority must be of the past, and not have issued anything since.
    """
    waiting = make_pending(names, DEFAULT_KEY)
    pending = read_pending(waiting)
    assert pending is not None
    issued = authority.open().sign_server(
        pending.request,
        passphrase=PASSPHRASE,
        host="db1",
        granted=names,
        key=DEFAULT_KEY,
        validity_days=1,
        now=authority.now,
    )
    assert issued.not_after < time.time()
    return pem.assembled(private_key(waiting), issued.chain_pem.encode())


def put(server: Server, content: bytes) -> None:
    """Have the server serve this file, as if it always had."""
    path = server.data_directory / "rampart-server.pem"
    with server.owner.acting():
        path.write_bytes(content)
        path.chmod(0o600)
    server.reload()


def issue(
    server: Server, authority: TestAuthority, *, rehearse: bool = False, now: int | None = None, **options: t.Any
) -> Result:
    """The whole task: both executions where there is something to sign. ``now`` is the clock of the controller."""
    clock = int(time.time()) if now is None else now
    asked = signer(authority, **options)
    for name in ("host", "own"):
        options.pop(name, None)
    told = {"provider": "ca", **options, **asked.public(clock)}
    first = half(server, told, rehearse=rehearse)
    request = first.values.get("certificate_request")
    if first.failed or not request:
        return first
    return half(server, {**told, "chain": asked.sign(request, clock).chain_pem}, rehearse=rehearse)
