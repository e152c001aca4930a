"""Whether something grows much faster than what it is given: a guard, which no slow machine trips over."""

from __future__ import annotations

import contextlib
import time
import typing as t

__all__ = ["no_explosion"]

_MOST = 60.0  # seconds of processor time; what is linear takes one, what grows with the square takes minutes


@contextlib.contextmanager
def no_explosion() -> t.Iterator[None]:
    """Fail when the block takes a time that only growth explains."""
    started = time.process_time()
    yield
    assert time.process_time() - started < _MOST
