# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The certificate of a cluster: made, renewed, and otherwise left alone; private to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import Unsupported
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import CertificateReplaced
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import LeftAlone
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Planned
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Reload
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Step
from ansible_collections.rampart.postgresql.plugins.module_utils._tls import judging
from ansible_collections.rampart.postgresql.plugins.module_utils._tls import standing
from ansible_collections.rampart.postgresql.plugins.module_utils._tls import state as _state
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.desired import CA
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.desired import COMPONENT
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.desired import EXISTING
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.desired import INSTALL
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.desired import REQUEST
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.desired import SELF_SIGNED
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.desired import Desired
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.state import State

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server

__all__ = ["CertificateComponent"]

_LIBRARY = "python3-cryptography"  # the name of the package on Debian and Red Hat's systems alike


class CertificateComponent:
    """``can_only_judge`` is check mode: without the cryptography library it reports instead of failing."""

    name = COMPONENT
    order = 10

    def __init__(self, desired: Desired, *, can_only_judge: bool = False) -> None:
        self._desired = desired
        self._can_only_judge = can_only_judge

    def observe(self, server: Server) -> State:
        """Read everything that planning needs."""
        return _state.observe(server, self._desired)

    def offers(self, state: State) -> dict[str, dict[str, str]]:
        """Both parameters name the one file, once it is there or will be."""
        coming = self._desired.provider != REQUEST and (state.can_judge or state.can_stand_in)
        if not self._desired.configure or self._hands_off(state) or not (state.own or coming):
            return {}
        return {self.name: {"ssl_cert_file": state.path, "ssl_key_file": state.path}}

    def plan(self, state: State, offered: t.Any = None) -> Planned:
        """A new file, a key that waits for its certificate, or a reload of what is there."""
        reason = self._hands_off(state)
        if reason:
            return self._leave(state, reason)
        if not state.can_judge:
            return self._plan_without_library(state)
        why = self._reasons(state)
        if why:
            return self._plan_new(state, why)
        stale = judging.not_served(state)
        steps = (*self._tidying(state), *((self._reload(state, stale),) if stale else ()))
        found = standing.findings(self._desired, state)
        return Planned(steps=steps, findings=found, facts=standing.facts(self._desired))

    def prepare(self, planned: Planned, server: Server) -> Planned:
        """Make the key, once: what is rehearsed is what will be written."""
        from ansible_collections.rampart.postgresql.plugins.module_utils._tls import making

        return making.filled(planned, kept=not self._can_only_judge)

    def unproven(self, state: State) -> list[str]:
        """What the server serves, as a handshake shows it; SHOW gives the new value even when it was not loaded."""
        if not state.can_judge or self._hands_off(state):
            return []
        stale = judging.not_served(state)
        return [stale] if stale else []

    def _hands_off(self, state: State) -> str:
        """Why the present certificate is the operator's own; empty when it is ours or nobody's, or when the operator
        brings one along."""
        makes_one = self._desired.provider in (SELF_SIGNED, CA) and not self._desired.replace_foreign
        return judging.foreign(state, self._desired.provider) if makes_one else ""

    def _reasons(self, state: State) -> list[str]:
        """Why something has to be done; empty when the file is good."""
        standing.check_moment(self._desired, state)
        if self._desired.provider not in (INSTALL, EXISTING):
            return judging.reasons(self._desired, state)
        from ansible_collections.rampart.postgresql.plugins.module_utils._tls import outside

        outside.check(self._desired, state)
        return outside.reasons(self._desired, state)

    def _tidying(self, state: State) -> tuple[Step, ...]:
        if state.waiting.content is None and state.requested.content is None:
            return ()
        from ansible_collections.rampart.postgresql.plugins.module_utils._tls import making

        return making.tidying(state)

    def _plan_new(self, state: State, why: list[str]) -> Planned:
        if not state.writable:
            raise Unsupported(
                f"{state.path}: {state.owner}, the owner of the cluster, may not write in this directory;"
                " choose another one with path",
                path=state.path,
            )
        if state.exposed:
            raise Unsupported(
                f"{standing.exposure(state)}, so none was made; only root and {state.owner}, the owner of the cluster, may"
                " write in the directories on the way, or choose another one with path",
                path=state.path,
            )
        from ansible_collections.rampart.postgresql.plugins.module_utils._tls import making

        planned = making.plan(self._desired, state, why)
        serves = state.ssl and (state.named or state.in_use) and self._desired.provider != REQUEST
        return dataclasses.replace(
            planned,
            effects=(CertificateReplaced(state.path),) if serves else (),
            warnings=making.warnings(self._desired, state),
        )

    def _leave(self, state: State, reason: str) -> Planned:
        subject = state.in_use.path if state.in_use else state.path
        return Planned(left_alone=(LeftAlone(component=self.name, subject=subject, reason=reason),))

    def _plan_without_library(self, state: State) -> Planned:
        missing = f"cannot be judged: {_LIBRARY} is missing"
        if not self._can_only_judge:
            raise Unsupported(
                f"the certificate {state.path} {missing}; install it, for example with ansible.builtin.package",
                missing_packages=[_LIBRARY],
            )
        left = LeftAlone(component=self.name, subject=state.path, reason=missing)
        warning = f"the certificate {state.path} {missing}; a run that may change something installs or asks for it"
        stands_in = state.own is None and state.can_stand_in and self._desired.provider != REQUEST
        desired = dataclasses.replace(self._desired, provider=SELF_SIGNED)
        facts = standing.facts(self._desired)
        if not stands_in:
            return Planned(left_alone=(left,), warnings=(warning,), facts=facts)
        from ansible_collections.rampart.postgresql.plugins.module_utils._tls import making

        steps = making.plan(desired, state, ["there is none"]).steps
        return Planned(steps=steps, left_alone=(left,), warnings=(warning,), facts=facts)

    def _reload(self, state: State, stale: str) -> Step:
        served = state.served.fingerprint if state.served else ""
        return Step(
            component=self.name,
            subject=state.path,
            description=f"reload: {stale}",
            before=f"SHA-256 fingerprint: {served}" if served else "not loaded",
            after=f"SHA-256 fingerprint: {judging.own_fingerprint(state)}",
            operation=Reload(),
            statement="SELECT pg_catalog.pg_reload_conf()",
            reload=True,
        )
