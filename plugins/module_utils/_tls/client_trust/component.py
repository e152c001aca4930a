# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whose client certificates a server believes, and which of them are revoked; private to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import Unsupported
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import ClientTrust
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import ClientTrustBecomes
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import LeftAlone
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Planned
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Reload
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Step
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import WriteFile
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.client_trust import state as _state
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.client_trust.state import State
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.client_trust.trust import Trust
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.client_trust.trust import findings
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.client_trust.trust import told

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server

__all__ = ["ClientTrustComponent", "Desired", "component"]

AUTHORITIES = "client_authorities"
LISTS = "client_revocation_lists"
_MODE = 0o600  # only the server reads it
_WRITABLE = 0o022
_LIBRARY = "python3-cryptography"  # the name of the package on Debian and Red Hat's systems alike
_FILE_OF_AUTHORITIES = "ssl_ca_file"
_FILE_OF_LISTS = "ssl_crl_file"
_DIRECTORY_OF_LISTS = "ssl_crl_dir"


@dataclasses.dataclass(frozen=True)
class Desired:
    """What the operator gives, PEM text. None: not given; ``option`` is the path of the options, with a final dot."""

    authorities: str | None = None
    lists: str | None = None  # empty: none are asked for
    issuers: str = ""  # what stands between the authorities and the server's own certificate
    path: str | None = None  # of the file with the certificate, which this one lies beside
    replace_foreign: bool = False
    configure: bool = True
    option: str = ""

    @property
    def given(self) -> bool:
        """Whether this is for us at all."""
        return self.authorities is not None

    @property
    def lists_wanted(self) -> bool:
        """Whether the server is to look for what is revoked."""
        return bool(self.lists and self.lists.strip())


def component(values: t.Mapping[str, t.Any], *, option: str = "", can_only_judge: bool = False) -> ClientTrustComponent:
    """The component of the options of a certificate; ``option`` is the name of the option that holds them."""
    prefix = f"{option}." if option else ""
    authorities, lists = values.get(AUTHORITIES), values.get(LISTS)
    if authorities is not None and not authorities.strip():
        raise InputError(
            option=f"{prefix}{AUTHORITIES}",
            value=authorities,
            expected="certificates of authorities as PEM text, or no value to leave alone whom the server trusts",
        )
    if lists is not None and authorities is None:
        raise InputError(
            option=f"{prefix}{LISTS}",
            value="(not shown)",
            expected=f"lists of the authorities in {prefix}{AUTHORITIES}, which is not given: both are installed together",
        )
    desired = Desired(
        authorities=authorities,
        lists=lists,
        issuers=values.get("issuers") or "",
        path=values.get("path"),
        replace_foreign=values.get("foreign") == "replace",
        configure=values.get("configure") is not False,
        option=prefix,
    )
    return ClientTrustComponent(desired, can_only_judge=can_only_judge)


class ClientTrustComponent:
    """``can_only_judge`` is check mode: without the cryptography library it reports instead of failing."""

    name = "client_trust"
    order = 11  # after the certificate, before the settings that name both

    def __init__(self, desired: Desired, *, can_only_judge: bool = False) -> None:
        self._desired = desired
        self._can_only_judge = can_only_judge

    def observe(self, server: Server) -> State:
        """Read everything that planning needs."""
        return _state.observe(server, path=self._desired.path, given=self._desired.given)

    def offers(self, state: State) -> dict[str, dict[str, str]]:
        """Both parameters name the one file, once it is there or will be."""
        desired = self._desired
        if not (desired.given and desired.configure) or self._hands_off(state):
            return {}
        if not state.can_judge and state.own is None:
            return {}
        values = {_FILE_OF_AUTHORITIES: state.path, _FILE_OF_LISTS: state.path if desired.lists_wanted else ""}
        if desired.replace_foreign and _DIRECTORY_OF_LISTS in state.settings:
            values[_DIRECTORY_OF_LISTS] = ""
        return {self.name: values}

    def plan(self, state: State, offered: t.Any = None) -> Planned:
        """One step at most: a new file, or a reload of the one that is there."""
        if not self._desired.given:
            return self._watched(state, state.in_force)
        if not state.can_judge:
            return self._plan_without_library(state)
        wanted = self._wanted(state)
        left = tuple(LeftAlone(self.name, subject, reason) for subject, reason in self._left_alone(state))
        if self._hands_off(state):
            return dataclasses.replace(self._watched(state, state.in_force), left_alone=left)
        why = self._reasons(state, wanted)
        stale = "" if why else _not_loaded(state)
        steps = (self._write(state, wanted, why),) if why else (self._reload(state, stale),) if stale else ()
        watched = self._watched(state, wanted, as_written=True)
        return dataclasses.replace(watched, steps=steps, left_alone=left, effects=self._effects(state, wanted))

    def prepare(self, planned: Planned, server: Server) -> Planned:
        """Nothing to make up."""
        return planned

    def unproven(self, state: State) -> list[str]:
        """What the server's log and a handshake say; SHOW gives the new values even when they were not loaded."""
        if not self._desired.given or not state.can_judge or self._hands_off(state):
            return []
        stale = _not_loaded(state)
        return [stale] if stale else []

    def _foreign(self, state: State) -> dict[str, str]:
        """Parameters that name what is not ours, and what they name."""
        return {} if self._desired.replace_foreign else dict(state.foreign)

    def _hands_off(self, state: State) -> bool:
        """Whether somebody else's trust is in force. A directory of lists beside our own only adds to them."""
        beside = {_DIRECTORY_OF_LISTS} if self._desired.lists_wanted else set()
        return bool(self._foreign(state).keys() - beside)

    def _left_alone(self, state: State) -> t.Iterator[tuple[str, str]]:
        hands_off = self._hands_off(state)
        for parameter, path in self._foreign(state).items():
            if hands_off:
                yield path, f"{parameter} names it, and it is not ours: see the option foreign"
            else:
                yield path, f"{parameter} names it, and it is not ours; the lists in it count beside ours"

    def _plan_without_library(self, state: State) -> Planned:
        missing = f"cannot be judged: {_LIBRARY} is missing"
        if not self._can_only_judge:
            raise Unsupported(
                f"whom the server trusts to issue client certificates {missing}; install it, for example with"
                " ansible.builtin.package",
                missing_packages=[_LIBRARY],
            )
        left = LeftAlone(component=self.name, subject=state.path, reason=missing)
        warning = f"{state.path} {missing}; a run that may change something installs or asks for it"
        return Planned(left_alone=(left,), warnings=(warning,))

    def _wanted(self, state: State) -> Trust:
        from ansible_collections.rampart.postgresql.plugins.module_utils._tls.client_trust import checking

        desired = self._desired
        wanted = checking.given(
            authorities=desired.authorities or "",
            lists=desired.lists or "",
            issuers=desired.issuers,
            now=state.now,
            option=desired.option,
        )
        if desired.lists is None and state.lists_are_ours and not self._hands_off(state):
            raise InputError(
                option=f"{desired.option}{LISTS}",
                value=None,
                expected="the server looks into revocation lists of ours: give lists, or an empty text to do without",
            )
        return wanted

    def _reasons(self, state: State, wanted: Trust) -> list[str]:
        """Why the file has to be written; empty when it is good."""
        own = state.own
        if own is None:
            return ["there is none"]
        if own.trust is None or own.problem:
            return [own.problem or "it cannot be judged"]
        reasons = list(_differences("authority", own.trust.authorities, wanted.authorities))
        if self._desired.lists_wanted:
            reasons += _differences("list", own.trust.lists, wanted.lists)
        if own.mode & _WRITABLE:
            reasons.append(f"others can write to it: mode {own.mode:04o}")
        return reasons

    def _write(self, state: State, wanted: Trust, why: list[str]) -> Step:
        if not state.writable:
            raise Unsupported(
                f"{state.path}: {state.owner}, the owner of the cluster, may not write in this directory;"
                " choose another one with path",
                path=state.path,
            )
        own = state.own
        if not self._desired.lists_wanted and state.lists_are_ours and own and own.trust:
            # Until the server is told that it needs no lists it refuses every certificate without them.
            wanted = dataclasses.replace(wanted, lists=own.trust.lists)
        return Step(
            component=self.name,
            subject=state.path,
            description=f"write the authorities of client certificates: {'; '.join(why)}",
            before=_summary(state),
            after=wanted.summary(),
            operation=WriteFile(
                path=state.path, before=own.content if own else None, after=wanted.content(), mode=_MODE
            ),
            reload=True,
        )

    def _reload(self, state: State, stale: str) -> Step:
        return Step(
            component=self.name,
            subject=state.path,
            description=f"reload: {stale}",
            before="not loaded",
            after=_summary(state),
            operation=Reload(),
            statement="SELECT pg_catalog.pg_reload_conf()",
            reload=True,
        )

    def _effects(self, state: State, wanted: Trust) -> tuple[ClientTrustBecomes, ...]:
        """What it means for clients, where that is another thing than today."""
        if not self._desired.configure and not state.named:
            return ()
        before = None
        if state.in_force is not None and state.certain:
            before = _meaning(state.in_force, lists=state.lists_in_force, more=state.directory_of_lists)
        beside = state.directory_of_lists and not self._desired.replace_foreign
        after = _meaning(wanted, lists=self._desired.lists_wanted, more=beside)
        return () if before == after else (ClientTrustBecomes(path=state.path, before=before, after=after),)

    def _watched(self, state: State, trust: Trust | None, *, as_written: bool = False) -> Planned:
        """What is to be said about what is in force, each run."""
        if trust is None:
            return Planned()
        lists = self._desired.lists_wanted if as_written else state.lists_in_force
        shown = trust if lists else dataclasses.replace(trust, lists=())
        return Planned(
            findings=tuple(findings(shown, now=state.now)),
            standing={self.name: {"path": state.path if as_written else state.in_force_path, **told(shown)}},
        )


def _differences(kind: str, present: t.Iterable[t.Any], wanted: t.Iterable[t.Any]) -> t.Iterator[str]:
    """By what they are, not by how they are written or in which order."""
    here = {each.fingerprint: each for each in present}
    there = {each.fingerprint: each for each in wanted}
    for fingerprint in sorted(there.keys() - here.keys(), key=lambda key: str(there[key].title)):
        yield f"it lacks the {kind} {there[fingerprint].title}"
    for fingerprint in sorted(here.keys() - there.keys(), key=lambda key: str(here[key].title)):
        yield f"it holds the {kind} {here[fingerprint].title}"


def _meaning(trust: Trust, *, lists: bool, more: bool) -> ClientTrust:
    """As admission understands it."""
    from ansible_collections.rampart.postgresql.plugins.module_utils._tls.client_trust import reading

    return ClientTrust(
        roots=frozenset((each.name, each.key) for each in trust.authorities if each.self_issued),
        intermediates=frozenset((each.name, each.key) for each in trust.authorities if not each.self_issued),
        listed=frozenset(each.name for each in trust.lists) if lists else None,
        more_lists=more,
        revoked=frozenset((each.name, serial) for each in trust.lists for serial in reading.revoked(each))
        if lists
        else frozenset(),
    )


def _not_loaded(state: State) -> str:
    """Why the file at our path is not what the server works with, as far as that can be known."""
    own = state.own
    if not (state.named and state.ssl and own and own.trust):
        return ""
    if state.refused:
        return "the server's log says that it did not load its TLS configuration"
    if own.modified > state.loaded:
        return "the file is newer than the configuration that the server has loaded"
    if state.announced is not None and state.announced != {each.announced for each in own.trust.authorities}:
        return "the server does not ask its clients for certificates of exactly these authorities"
    return ""


def _summary(state: State) -> str:
    own = state.own
    if own is None:
        return ""
    lines = [own.trust.summary()] if own.trust else []
    lines += [own.problem] if own.problem else []
    return "\n".join([*lines, f"mode: {own.mode:04o}"])
