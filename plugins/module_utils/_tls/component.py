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
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import WriteFile
from ansible_collections.rampart.postgresql.plugins.module_utils._tls import pem
from ansible_collections.rampart.postgresql.plugins.module_utils._tls import state as _state
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.certificate import DEFAULT_KEY
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.certificate import Certificate
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.certificate import KeySpec
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.certificate import Request
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.certificate import moment
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.state import State

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server

__all__ = ["CertificateComponent", "Desired", "MakeCertificate"]

_DAY = 86400  # seconds
_BACKDATE = 3600  # seconds; clients whose clock is behind accept a new certificate at once
_MODE = 0o600  # the server refuses a key that others can read
_OTHERS = 0o077
_LIBRARY = "python3-cryptography"  # the name of the package on Debian and Red Hat's systems alike


@dataclasses.dataclass(frozen=True)
class Desired:
    """What the operator wants. Empty ``names``: those of the host. Times in days."""

    names: tuple[str, ...] = ()
    key: KeySpec = DEFAULT_KEY
    path: str | None = None
    validity: int = 365
    renew_before: int | None = None  # None: a third of the lifetime of the certificate
    replace_foreign: bool = False
    configure: bool = True


@dataclasses.dataclass(frozen=True)
class MakeCertificate(WriteFile):
    """A file whose content is made up in ``prepare``."""

    request: Request | None = None


class CertificateComponent:
    """``can_only_judge`` is check mode: without the cryptography library it reports instead of failing."""

    name = "certificate"
    order = 10

    def __init__(self, desired: Desired, *, can_only_judge: bool = False) -> None:
        self._desired = desired
        self._can_only_judge = can_only_judge

    def observe(self, server: Server) -> State:
        """Read everything that planning needs."""
        return _state.observe(server, path=self._desired.path, names_given=bool(self._desired.names))

    def offers(self, state: State) -> dict[str, dict[str, str]]:
        """Both parameters name the one file, once it is there or will be."""
        if not self._desired.configure or self._hands_off(state) or (self._blind(state) and state.own is None):
            return {}
        return {self.name: {"ssl_cert_file": state.path, "ssl_key_file": state.path}}

    def plan(self, state: State, offered: t.Any = None) -> Planned:
        """One step at most: a new file, or a reload of the one that is there."""
        reason = self._hands_off(state)
        if reason:
            return self._leave(state, reason)
        if not state.can_judge:
            return self._plan_without_library(state)
        why = self._reasons(state)
        if why:
            replaced = (CertificateReplaced(state.path),) if state.ssl and (state.named or state.in_use) else ()
            return Planned(steps=(self._make(state, why),), effects=replaced)
        stale = _not_served(state)
        return Planned(steps=(self._reload(state, stale),)) if stale else Planned()

    def prepare(self, planned: Planned, server: Server) -> Planned:
        """Make the key and the certificate, once: what is rehearsed is what will be written."""
        kept = not self._can_only_judge
        return dataclasses.replace(planned, steps=tuple(_filled(step, kept=kept) for step in planned.steps))

    def unproven(self, state: State) -> list[str]:
        """What the server serves, as a handshake shows it; SHOW gives the new value even when it was not loaded."""
        if not state.can_judge or self._hands_off(state):
            return []
        stale = _not_served(state)
        return [stale] if stale else []

    def _hands_off(self, state: State) -> str:
        """Why the present certificate is the operator's own; empty when it is ours or nobody's."""
        return "" if self._desired.replace_foreign else _foreign(state)

    def _blind(self, state: State) -> bool:
        """Whether nothing can be made here, not even for the rehearsal of check mode."""
        return not state.can_judge and not state.can_stand_in

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
        steps = (self._make(state, ["there is none"]),) if state.own is None and state.can_stand_in else ()
        return Planned(steps=steps, left_alone=(left,), warnings=(warning,))

    def _reasons(self, state: State) -> list[str]:
        """Why the file has to be made anew; empty when it is good."""
        if state.own is None:
            return ["there is none"]
        contents = state.own.contents
        if contents is None or contents.certificate is None or contents.problem:
            return [contents.problem if contents else "it cannot be judged"]
        certificate = contents.certificate
        reasons = [self._wrong_names(certificate, state), self._wrong_time(certificate, state)]
        if certificate.key != str(self._desired.key):
            reasons.append(f"its key is {certificate.key}, not {self._desired.key}")
        if not certificate.self_signed:
            reasons.append("its signature is not that of its own key")
        if state.own.mode & _OTHERS:
            reasons.append(f"others can read its key: mode {state.own.mode:04o}")
        return [reason for reason in reasons if reason]

    def _wrong_names(self, certificate: Certificate, state: State) -> str:
        """Names that were given are exact; of the host's own, which a resolver may know today and not tomorrow, none
        may be missing."""
        present, given = set(certificate.names), set(self._desired.names)
        missing = sorted((given or set(state.host_names)) - present)
        surplus = sorted(present - given) if given else []
        told = [f"it lacks {', '.join(missing)}"] if missing else []
        told += [f"it bears {', '.join(surplus)} too"] if surplus else []
        return " and ".join(told)

    def _wrong_time(self, certificate: Certificate, state: State) -> str:
        if certificate.not_before > state.now:
            return f"it is not valid before {moment(certificate.not_before)}"
        if certificate.not_after <= state.now:
            return f"it has expired on {moment(certificate.not_after)}"
        before = self._desired.renew_before
        margin = before * _DAY if before is not None else (certificate.not_after - certificate.not_before) // 3
        if certificate.not_after - state.now < margin:
            return f"it expires on {moment(certificate.not_after)}"
        if certificate.not_after - certificate.not_before > self._desired.validity * _DAY + _BACKDATE:
            return f"it is valid for more than {self._desired.validity} days"
        return ""

    def _make(self, state: State, why: list[str]) -> Step:
        if not state.writable:
            raise Unsupported(
                f"{state.path}: {state.owner}, the owner of the cluster, may not write in this directory;"
                " choose another one with path",
                path=state.path,
            )
        request = Request(
            names=self._desired.names or state.host_names,
            key=self._desired.key,
            not_before=state.now - _BACKDATE,
            not_after=state.now + self._desired.validity * _DAY,
        )
        own = state.own
        return Step(
            component=self.name,
            subject=state.path,
            description=f"make a private key and a self-signed certificate: {'; '.join(why)}",
            before=_summary(state),
            after=request.summary(),
            operation=MakeCertificate(
                path=state.path, before=own.content if own else None, after=b"", mode=_MODE, request=request
            ),
            reload=True,
        )

    def _reload(self, state: State, stale: str) -> Step:
        served = state.served.fingerprint if state.served else ""
        return Step(
            component=self.name,
            subject=state.path,
            description=f"reload: {stale}",
            before=f"SHA-256 fingerprint: {served}" if served else "not loaded",
            after=f"SHA-256 fingerprint: {_fingerprint(state)}",
            operation=Reload(),
            statement="SELECT pg_catalog.pg_reload_conf()",
            reload=True,
        )


def _filled(step: Step, *, kept: bool) -> Step:
    """With a key; one that is not kept has no fingerprint to show, as the next look makes another."""
    operation = step.operation
    if not isinstance(operation, MakeCertificate) or operation.request is None:
        return step
    content = pem.make(operation.request) if pem.AVAILABLE else pem.make_stand_in()
    made = pem.read(content).certificate if pem.AVAILABLE and kept else None
    write = WriteFile(path=operation.path, before=operation.before, after=content, mode=operation.mode)
    return dataclasses.replace(step, operation=write, after=made.summary() if made else step.after)


def _foreign(state: State) -> str:
    """Ours is what lies at our path or bears our mark; the distribution's self-made one is nobody's."""
    own = state.own.contents if state.own else None
    if own and own.certificate and not own.marked and not own.certificate.self_issued:
        return f"it was issued by somebody else{_expiry(own.certificate, state.now)}"
    used = state.in_use
    if used is None:
        return ""
    if used.unreadable:
        return f"it is neither ours nor the distribution's: {used.unreadable}"
    certificate = used.contents.certificate if used.contents else None
    distribution = {used.path, used.real_path} & set(_state.DISTRIBUTION_CERTIFICATES)
    if (used.contents and used.contents.marked) or (distribution and (not certificate or certificate.self_issued)):
        return ""
    return f"it is neither ours nor the distribution's{_expiry(certificate, state.now)}"


def _expiry(certificate: Certificate | None, now: int) -> str:
    """The server itself loads an expired certificate without a word."""
    if certificate is None:
        return ""
    verb = "it has expired on" if certificate.not_after <= now else "it is valid until"
    return f"; {verb} {moment(certificate.not_after)}"


def _not_served(state: State) -> str:
    """Why the file at our path is not what the server works with, as far as that can be known."""
    if not (state.named and state.ssl and state.own):
        return ""
    if state.served is None:  # nothing listens on TCP: the times are all there is
        newer = state.own.modified > state.loaded
        return "the file is newer than the configuration that the server has loaded" if newer else ""
    if state.served.refusal:
        return f"ssl is on, but {state.served.refusal}"
    if state.served.fingerprint != _fingerprint(state):
        return "the server still serves another certificate"
    return ""


def _fingerprint(state: State) -> str:
    contents = state.own.contents if state.own else None
    return contents.certificate.fingerprint if contents and contents.certificate else ""


def _summary(state: State) -> str:
    contents = state.own.contents if state.own else None
    if state.own is None or contents is None:
        return ""
    lines = [contents.certificate.summary()] if contents.certificate else []
    lines += [contents.problem] if contents.problem else []
    return "\n".join([*lines, f"mode: {state.own.mode:04o}"])
