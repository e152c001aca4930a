"""Certificates of a server made anew while clients are at work, as fast as a run can."""

from __future__ import annotations

import os
import pathlib
import tempfile
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._converge import Component
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Planned
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import WriteFile
from ansible_collections.rampart.postgresql.plugins.module_utils._settings import arguments as settings
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.arguments import component
from ansible_collections.rampart.postgresql.tests.conformance.components import run_components
from ansible_collections.rampart.postgresql.tests.conformance.modules import Result
from ansible_collections.rampart.postgresql.tests.conformance.servers import Server
from ansible_collections.rampart.postgresql.tests.conformance.tls.authorities import TestAuthority
from ansible_collections.rampart.postgresql.tests.conformance.tls.authorities import issue
from ansible_collections.rampart.postgresql.tests.conformance.tls.clients import trusted

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server as OpenedServer

__all__ = ["EXTENDED", "WAYS", "Issued", "Rotation", "SelfSigned"]

_ON = {"sections": {"pg_tls": {"ssl": "on"}}}
_NAMES = ["localhost", "db1.example.org"]


class SelfSigned:
    """Each rotation makes the other set of names. Clients trust the old certificate and the new one beforehand."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._directory = server.socket_directory  # where every account can read
        self._last = b""
        self.names, self.other_names = _NAMES, _NAMES[:1]
        self.root = self._directory / "root.crt"

    def rotate(self) -> None:
        """Make the certificate anew, in this process and without a rehearsal."""
        self.names, self.other_names = self.other_names, self.names
        result = self._run(self.names, self._announced)
        assert result.changed and not result.failed, result.output

    def converge(self, names: list[str]) -> Result:
        """A run that may find anything."""
        result = self._run(names)
        assert not result.failed, result.output
        return result

    def _run(self, names: list[str], announced: t.Callable[..., t.Any] | None = None) -> Result:
        def build() -> list[Component]:
            ours = component({"names": names})
            if announced:
                # the real one still runs; what is around it only tells when
                ours.prepare = announced(ours.prepare)  # type: ignore[method-assign]
            return [ours, settings.component(_ON)]

        return run_components(self._server, build, rehearse=False)

    def _announced(self, prepare: t.Callable[..., Planned]) -> t.Callable[..., Planned]:
        """Clients are told what is going to be served, which only a test can do."""

        def prepared(planned: Planned, server: OpenedServer) -> Planned:
            planned = prepare(planned, server)
            [content] = [step.operation.after for step in planned.steps if isinstance(step.operation, WriteFile)]
            assert isinstance(content, bytes)
            trusted(self._directory, self._last, content)
            self._last = content
            return planned

        return prepared


class Issued:
    """Each rotation has the other set of names issued by an authority, whose root is all that clients trust."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._places = tempfile.TemporaryDirectory(prefix="rampart-authority-")
        self.authority = TestAuthority(pathlib.Path(self._places.name) / "authority")
        self.root = trusted(server.socket_directory, self.authority.open().trust_pem.encode())
        self.names, self.other_names = _NAMES, _NAMES[:1]

    def rotate(self) -> None:
        """Have the certificate issued anew, without a rehearsal."""
        self.names, self.other_names = self.other_names, self.names
        assert self.converge(self.names).changed

    def converge(self, names: list[str]) -> Result:
        """A run that may find anything."""
        result = issue(self._server, self.authority, names=names)
        assert not result.failed, result.output
        return result


Rotation = SelfSigned | Issued
_EVERY: t.Final[dict[str, t.Callable[[Server], Rotation]]] = {"ca": Issued, "self_signed": SelfSigned}
EXTENDED: t.Final = os.environ.get("RAMPART_EXTENDED", "") not in ("", "0")
WAYS: t.Final = dict(list(_EVERY.items())[: len(_EVERY) if EXTENDED else 1])
