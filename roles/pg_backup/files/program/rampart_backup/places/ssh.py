# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Commands of a vault, or of a host that offers backups, by ssh: each is one connection, and none is waited for for ever."""

from __future__ import annotations

import contextlib
import io
import os
import threading
import typing as t

from ..faults import PlaceFault
from ..streams.patient import Patient
from ..streams.process import Child
from ..streams.pump import Carried
from . import wire

if t.TYPE_CHECKING:
    from ..definition import Vault

__all__ = ["Conversation", "asked", "listed", "understood"]

_ANSWER: t.Final = 10  # times the timeout of a vault
_TURNS: t.Final = 4  # signs of life in the time for which a vault waits


def _words(place: Vault, *words: str) -> list[str]:
    """ssh as it has to be for a program: no questions, no configuration of others, no host that is not known."""
    options = {
        "BatchMode": "yes",
        "ConnectTimeout": str(place.timeout),
        "ServerAliveInterval": str(max(1, place.timeout // 3)),
        "ServerAliveCountMax": "3",
        "StrictHostKeyChecking": "yes",
        "UserKnownHostsFile": place.known_hosts,
        "GlobalKnownHostsFile": "/dev/null",
        "IdentitiesOnly": "yes",
        "IdentityFile": place.key,
        "PasswordAuthentication": "no",
        "ControlPath": "none",
    }
    given = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
    return ["ssh", "-F", "none", "-T", *given, "-p", str(place.port), "-l", place.account, "--", place.host, *words]


def _child(place: Vault, words: t.Sequence[str], *, reads: bool) -> Child:
    return Child(_words(place, *words), what=f"ssh to {place.name}", fault=PlaceFault, reads=reads, writes=True)


@contextlib.contextmanager
def asked(place: Vault, *words: str) -> t.Iterator[t.IO[bytes]]:
    """What the other side says to a command. Leaving the context without an error raises what it failed with."""
    child = _child(place, words, reads=False)
    try:
        yield t.cast("t.IO[bytes]", Patient(child.stdout.fileno(), place.timeout))
        child.finish()
    except TimeoutError as error:
        raise PlaceFault(f"{child.what}: {error}") from None
    finally:
        child.close()


def listed(place: Vault, *words: str) -> list[dict[str, t.Any]]:
    """Answers until the one that says that there are no more."""
    with asked(place, *words) as stream:
        answers = [wire.read_answer(line) for line in io.BufferedReader(t.cast("io.RawIOBase", stream))]
    if not answers or "end" not in answers.pop():
        raise PlaceFault(f"the list of {place.name} was cut off")
    return answers


@contextlib.contextmanager
def understood(who: str) -> t.Iterator[None]:
    """Answers that lack something, or have something else for it, are the other side's fault."""
    try:
        yield
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise PlaceFault(f"{who} gave an answer that is none: {error!r}") from None


class Conversation:
    """One command with frames there and answers back. ``close`` it, whatever became of it.

    A vault that says for how long it waits is told all the time that this host is still there: what a host has to say may
    take it hours.
    """

    def __init__(self, place: Vault, *words: str) -> None:
        self._child = _child(place, words, reads=True)
        self._patience = place.timeout
        # What the vault answers may wait for a disk to have all of it.
        self._answers = io.BufferedReader(Patient(self._child.stdout.fileno(), _ANSWER * place.timeout))
        self._ended = threading.Event()
        self._sending = threading.Lock()
        self._signs: threading.Thread | None = None
        os.set_blocking(self._child.stdin.fileno(), False)

    def begin(self) -> dict[str, t.Any]:
        """What the vault says to the command."""
        values = self.answer()
        patience = values.get("patience")
        if isinstance(patience, (int, float)):
            self._signs = threading.Thread(target=self._show_life, args=(patience / _TURNS,), daemon=True)
            self._signs.start()
        return values

    def _show_life(self, every: float) -> None:
        while not self._ended.wait(every):
            if self._sending.acquire(blocking=False):  # else something is under way
                try:
                    wire.write_frame(self._child.stdin.fileno(), wire.STILL, patience=0)
                except TimeoutError:  # the other side has enough to read
                    continue
                except OSError:  # whoever sends next tells why
                    return
                finally:
                    self._sending.release()

    def send(self, kind: bytes, data: memoryview | bytes = b"") -> None:
        """Say something; raises why it was refused, if that was said."""
        try:
            with self._sending:
                wire.write_frame(self._child.stdin.fileno(), kind, data, patience=self._patience)
        except BrokenPipeError:
            self.answer()
            raise PlaceFault(f"{self._child.what} was cut off") from None
        except TimeoutError as error:
            raise PlaceFault(f"{self._child.what} stalls: {error}") from None

    def answer(self) -> dict[str, t.Any]:
        """What the vault says next; raises when that is a refusal or nothing."""
        try:
            line = self._answers.readline()
        except TimeoutError as error:
            raise PlaceFault(f"{self._child.what} stalls: {error}") from None
        if not line:
            self._quiet()
            self._child.end_input()
            self._child.finish()
            raise PlaceFault(f"{self._child.what} ended without an answer")
        return wire.read_answer(line)

    def accept(self) -> Carried:
        """What was sent is whole; returns what the vault has of it."""
        self.send(wire.ACCEPT)
        values = self.answer()
        with understood(self._child.what):
            return Carried(int(values["size"]), str(values["sha256"]))

    def commit(self, data: bytes = b"") -> None:
        """It gets its name; nothing can be said afterwards."""
        self.send(wire.COMMIT, data)
        self.answer()
        self.end()

    def end(self) -> None:
        """All was said; raises when the other side failed all the same."""
        self._quiet()
        self._child.end_input()
        self._child.finish()
        self._child.close()

    def _quiet(self) -> None:
        self._ended.set()
        if self._signs is not None:
            self._signs.join()

    def close(self) -> None:
        """End it; a second time does nothing."""
        self._quiet()
        self._child.close()
