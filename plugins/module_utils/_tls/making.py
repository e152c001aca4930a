# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How each provider comes to a certificate, as steps; private to the collection.

Pure but for ``filled``, which makes keys.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Planned
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Question
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Step
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import WriteFile
from ansible_collections.rampart.postgresql.plugins.module_utils._tls import judging
from ansible_collections.rampart.postgresql.plugins.module_utils._tls import outside
from ansible_collections.rampart.postgresql.plugins.module_utils._tls import pem
from ansible_collections.rampart.postgresql.plugins.module_utils._tls import waiting
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.certificate import BACKDATE
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.certificate import DAY
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.certificate import Certificate
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.certificate import Contents
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.certificate import Pending
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.certificate import Request
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.certificate import moment
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.desired import CA
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.desired import COMPONENT
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.desired import EXISTING
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.desired import INSTALL
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.desired import QUESTION
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.desired import REQUEST
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.desired import SELF_SIGNED
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.desired import Desired
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.names import unmatched
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.state import State
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.state import Waiting

__all__ = [
    "MakeCertificate",
    "MakeKey",
    "filled",
    "names",
    "plan",
    "tidying",
    "warnings",
]

_ISSUED = "make a private key, and have its certificate issued by the authority"
_MODE = 0o600  # the server refuses a key that others can read


@dataclasses.dataclass(frozen=True)
class MakeCertificate(WriteFile):
    """A file whose content is made up in ``filled``: key and self-signed certificate."""

    request: Request | None = None


@dataclasses.dataclass(frozen=True)
class MakeKey(WriteFile):
    """A file whose content is made up in ``filled``: a key and the request for its certificate."""

    request: Request | None = None


def plan(desired: Desired, state: State, why: t.Sequence[str]) -> Planned:
    """What makes the file good."""
    _check_clock(desired, state)
    if desired.provider == REQUEST:
        return _ask_operator(desired, state, why)
    if desired.provider == CA and not desired.chain:
        return _ask_authority(desired, state, why)
    if desired.provider == CA:
        return _install(desired, state, why, key=state.waiting)
    if desired.provider == INSTALL:
        return _install(desired, state, why, key=state.requested)
    if desired.provider == EXISTING and state.source is not None:
        made = _written(state, why, "adopt the private key and the certificate that something else renews")
        return Planned(steps=(_with(made, state.source.content, state.source.contents),))
    return Planned(steps=(_self_signed(desired, state, why),))


def names(desired: Desired, state: State) -> tuple[str, ...]:
    """The names of the certificate that is to come."""
    brought = outside.given(desired, state) if desired.provider in (INSTALL, EXISTING) else None
    return brought.certificate.names if brought and brought.certificate else judging.names_wanted(desired, state)


def warnings(desired: Desired, state: State) -> tuple[str, ...]:
    """What is to know about the certificate that is to come."""
    found = [unmatched(names(desired, state))]
    if desired.provider in (SELF_SIGNED, CA) and state.own and state.own.contents and state.own.contents.protected:
        found.append(f"{state.path}: the private key has a passphrase, and the new one has none; its mode protects it")
    return tuple(filter(None, found))


def tidying(state: State) -> tuple[Step, ...]:
    """Keys that waited for a certificate which is there, or which nobody needs any more."""
    if state.waiting.content is not None:
        return (_drop(state.waiting),)
    pending = state.requested.pending
    installed = state.own.contents.certificate if state.own and state.own.contents else None
    if pending and installed and pending.public_key == installed.public_key:
        return (_drop(state.requested),)
    return ()


def filled(planned: Planned, *, kept: bool) -> Planned:
    """With keys; one that is not kept has no fingerprint to show, as the next look makes another."""
    question = planned.question
    if question is not None:
        made = tuple(_filled(step, kept=kept) for step in question.steps)
        question = Question(steps=made, facts={**question.facts, **_requests(made)})
    # In check mode nobody waits for an answer, but the authority may say that it would give none.
    asked = question.facts if question is not None and not kept else {}
    steps = tuple(_filled(step, kept=kept) for step in planned.steps)
    return dataclasses.replace(
        planned,
        steps=steps,
        facts={**planned.facts, **asked, **(_requests(steps) if kept else {})},
        question=question,
    )


def _filled(step: Step, *, kept: bool) -> Step:
    operation = step.operation
    if isinstance(operation, MakeKey) and operation.request is not None:
        content = waiting.make_pending(operation.request.names, operation.request.key)
        return dataclasses.replace(step, operation=dataclasses.replace(operation, after=content, request=None))
    if not isinstance(operation, MakeCertificate) or operation.request is None:
        return step
    content = pem.make(operation.request) if pem.AVAILABLE else pem.make_stand_in()
    made = pem.read(content).certificate if pem.AVAILABLE and kept else None
    write = WriteFile(path=operation.path, before=operation.before, after=content, mode=operation.mode)
    return dataclasses.replace(step, operation=write, after=made.summary() if made else step.after)


def _requests(steps: t.Sequence[Step]) -> dict[str, t.Any]:
    for step in steps:
        operation = step.operation
        made = waiting.read_pending(operation.after) if isinstance(operation, MakeKey) and operation.after else None
        if made is not None:
            return {QUESTION: made.request}
    return {}


def _check_clock(desired: Desired, state: State) -> None:
    """A certificate is made with this host's idea of the time, and judged by everybody else's."""
    if desired.clock is not None and abs(desired.clock - state.now) > BACKDATE:
        raise RampartError(
            f"the clock of this host says {moment(state.now)}, that of the controller {moment(desired.clock)}: set the"
            " one that is wrong; no certificate is made meanwhile, and the present one is left as it is"
        )


def _request(desired: Desired, state: State) -> Request:
    return Request(
        names=judging.names_wanted(desired, state),
        key=desired.key,
        # whoever set made_since may have had a clock that is ahead of this one
        not_before=max(state.now, desired.made_since or 0) - BACKDATE,
        not_after=state.now + desired.validity * DAY,
    )


def _self_signed(desired: Desired, state: State, why: t.Sequence[str]) -> Step:
    request = _request(desired, state)
    made = _written(state, why, "make a private key and a self-signed certificate")
    operation = MakeCertificate(path=state.path, before=_before(state), after=b"", mode=_MODE, request=request)
    return dataclasses.replace(made, after=request.summary(), operation=operation)


def _ask_operator(desired: Desired, state: State, why: t.Sequence[str]) -> Planned:
    request = _request(desired, state)
    pending = state.requested.pending
    if pending and _suits(pending, request):
        return Planned(facts={QUESTION: pending.request})
    # in check mode it stays at that, so that what comes after in a play may ask
    return Planned(steps=(_make_key(state.requested, request, why),), facts={QUESTION: None})


def _ask_authority(desired: Desired, state: State, why: t.Sequence[str]) -> Planned:
    """In check mode a self-signed certificate stands in for what the authority would issue."""
    request = _request(desired, state)
    shown = dataclasses.replace(
        _self_signed(desired, state, why),
        description=f"{_ISSUED}: {'; '.join(why)}",
    )
    pending = state.waiting.pending
    if pending and _suits(pending, request):
        question = Question(steps=(), facts={QUESTION: pending.request})
    else:
        question = Question(steps=(_make_key(state.waiting, request, why),), facts={})
    return Planned(steps=(shown,), question=question)


def _suits(pending: Pending, request: Request) -> bool:
    return set(pending.names) == set(request.names) and pending.key == str(request.key)


def _make_key(place: Waiting, request: Request, why: t.Sequence[str]) -> Step:
    return Step(
        component=COMPONENT,
        subject=place.path,
        description=f"make a private key and a request for its certificate: {'; '.join(why)}",
        before="" if place.content is None else "a private key that does not suit any more",
        after=f"names: {', '.join(request.names)}\nkey: {request.key}",
        operation=MakeKey(
            path=place.path, before=place.content, after=b"", mode=_MODE, remembered=False, request=request
        ),
    )


def _install(desired: Desired, state: State, why: t.Sequence[str], *, key: Waiting) -> Planned:
    option = desired.named("chain")
    given = waiting.judged_chain(desired.chain, option=option)
    certificate = given.certificate
    held = _key_for(certificate, state, key)
    if certificate is None or held is None:
        raise InputError(
            option=option,
            value=certificate.subject if certificate else "",
            expected=f"the certificate of a private key of this host; the one in {key.path} "
            + ("waits for another certificate" if key.pending else f"is not there: {_ask_again(desired)}"),
        )
    made = _written(state, why, _ISSUED if desired.provider == CA else "install the certificate that was issued")
    steps = [_with(made, pem.assembled(waiting.private_key(held), desired.chain), given)]
    if key.content is not None:
        steps.append(dataclasses.replace(_drop(key), told=False))
    return Planned(steps=tuple(steps))


def _ask_again(desired: Desired) -> str:
    return "run the task again" if desired.provider == CA else "ask with provider=request first"


def _key_for(certificate: Certificate | None, state: State, key: Waiting) -> bytes | None:
    """The file with the private key of a certificate: the one that waits, or ours where the key stays the same."""
    if certificate is None:
        return None
    if key.pending and key.content and key.pending.public_key == certificate.public_key:
        return key.content
    own = state.own.contents if state.own else None
    same = own and own.certificate and not own.problem and own.certificate.public_key == certificate.public_key
    return state.own.content if same and state.own else None


def _written(state: State, why: t.Sequence[str], what: str) -> Step:
    return Step(
        component=COMPONENT,
        subject=state.path,
        description=f"{what}: {'; '.join(why)}",
        before=_summary(state),
        after="",
        operation=WriteFile(path=state.path, before=_before(state), after=b"", mode=_MODE),
        reload=True,
    )


def _with(step: Step, content: bytes, contents: Contents) -> Step:
    operation = t.cast(WriteFile, step.operation)
    after = contents.certificate.summary() if contents.certificate else ""
    return dataclasses.replace(step, after=after, operation=dataclasses.replace(operation, after=content))


def _drop(place: Waiting) -> Step:
    return Step(
        component=COMPONENT,
        subject=place.path,
        description="remove a private key that waits for no certificate any more",
        before="a private key",
        after="",
        operation=WriteFile(path=place.path, before=place.content, after=None, remembered=False),
    )


def _before(state: State) -> bytes | None:
    return state.own.content if state.own else None


def _summary(state: State) -> str:
    contents = state.own.contents if state.own else None
    if state.own is None or contents is None:
        return ""
    lines = [contents.certificate.summary()] if contents.certificate else []
    lines += [contents.problem] if contents.problem else []
    return "\n".join([*lines, f"mode: {state.own.mode:04o}"])
