# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Child processes whose every exit status is looked at, and that never outlive what needs them."""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
import typing as t

from ..faults import Fault

__all__ = ["Child", "environment"]

_SHOWN = 2000  # characters of what a program said, in a message
_READ = 2**20  # bytes of it that are looked at, the last ones
_PATIENCE = 10  # seconds from SIGTERM to SIGKILL


def environment(**variables: str) -> dict[str, str]:
    """The environment of every child: nothing of ours but these, and messages in English."""
    kept = {name: os.environ[name] for name in ("HOME", "PATH", "TMPDIR") if name in os.environ}
    return {**kept, "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", **variables}


class Child:
    """One program. ``what`` names it in messages, ``fault`` is raised when it fails."""

    def __init__(
        self,
        words: t.Sequence[str],
        *,
        what: str,
        fault: type[Fault],
        reads: bool = False,
        writes: bool = False,
        variables: t.Mapping[str, str] | None = None,
    ) -> None:
        self.what = what
        self._fault = fault
        self._errors = _unnamed_file()
        self._stopped = False
        try:
            self._process = subprocess.Popen(
                list(words),
                stdin=subprocess.PIPE if reads else subprocess.DEVNULL,
                stdout=subprocess.PIPE if writes else subprocess.DEVNULL,
                stderr=self._errors,
                env=environment(**(variables or {})),
                cwd="/",
                bufsize=0,
            )
        except OSError as error:
            os.close(self._errors)
            raise fault(f"{what} cannot be started: {error}") from None

    @property
    def stdin(self) -> t.IO[bytes]:
        """Its standard input, if it reads."""
        if self._process.stdin is None:
            raise ValueError(f"{self.what} reads nothing")
        return self._process.stdin

    @property
    def stdout(self) -> t.IO[bytes]:
        """Its standard output, if it writes."""
        if self._process.stdout is None:
            raise ValueError(f"{self.what} writes nothing")
        return self._process.stdout

    def end_input(self) -> None:
        """Tell it that there is no more."""
        with contextlib.suppress(BrokenPipeError):
            self.stdin.close()

    def wait(self) -> int:
        """Wait for its end; its exit status, which whoever asks for it judges."""
        return self._process.wait()

    def finish(self) -> str:
        """Wait for its end and return what it said; raises when it failed. One that we stopped is not judged."""
        status = self.wait()
        said = self.said()
        if status != 0 and not self._stopped:
            raise self._fault(f"{self.what} {_ended(status)}: {said[-_SHOWN:].strip() or 'it said nothing'}")
        return said

    def has_ended(self) -> bool:
        """Whether it has."""
        return self._process.poll() is not None

    def said(self) -> str:
        """What it wrote to standard error so far."""
        size = os.fstat(self._errors).st_size
        return os.pread(self._errors, _READ, max(0, size - _READ)).decode("utf-8", "replace")

    def stop(self) -> None:
        """End it, if it has not ended; its exit status says nothing then."""
        if self._process.poll() is None:
            self._stopped = True
            self._process.terminate()
            try:
                self._process.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def close(self) -> None:
        """End it and give back what it held; a second time does nothing."""
        if self._errors < 0:
            return
        self.stop()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        os.close(self._errors)
        self._errors = -1


def _unnamed_file() -> int:
    descriptor, path = tempfile.mkstemp(prefix="rampart-backup-")
    os.unlink(path)
    return descriptor


def _ended(status: int) -> str:
    return f"was killed by signal {-status}" if status < 0 else f"ended with {status}"
