"""What tests have counted, told at the end of a run: a test that passes shows nothing of what it prints."""

from __future__ import annotations

import typing as t

__all__ = ["lines", "tell"]

_LINES: list[str] = []


def tell(subject: str, words: str, counts: t.Mapping[str, int]) -> None:
    """Keep one line of words, which the summary of `make test` repeats, and under it the counts."""
    _LINES.append(f"conformance-{subject}: {words}")
    _LINES.append("  " + ", ".join(f"{name} {count}" for name, count in sorted(counts.items())))


def lines() -> list[str]:
    """All that was told."""
    return _LINES
