"""What could be seen while something ran: command lines, environments, and files that no directory has."""

from __future__ import annotations

import contextlib
import os
import pathlib
import threading
import typing as t

if t.TYPE_CHECKING:
    import types
    from collections.abc import Iterator

__all__ = ["Watching", "holding"]

_PROC = pathlib.Path("/proc")


class Watching:
    """A context. ``seen`` tells where words were: of every process of an account, again and again."""

    def __init__(self, account: int, *words: str) -> None:
        self._account = account
        self._words = [word.encode() for word in words]
        self.seen: set[str] = set()
        self.lines: set[str] = set()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Watching:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: types.TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(0.005):
            for process in _PROC.iterdir():
                with contextlib.suppress(OSError):
                    if process.name.isdigit() and process.stat().st_uid == self._account:
                        self._look(process)

    def _look(self, process: pathlib.Path) -> None:
        line = (process / "cmdline").read_bytes()
        self.lines.add(line.replace(b"\0", b" ").decode(errors="replace"))
        self._compare(f"command line: {line[:300]!r}", line)
        with contextlib.suppress(OSError):
            self._compare(f"environment of {line[:100]!r}", (process / "environ").read_bytes())
        for link in (process / "fd").iterdir():
            with contextlib.suppress(OSError):
                target = os.readlink(link)
                if target.startswith("/") and "rampart-backup" in target and target.endswith(" (deleted)"):
                    self._compare(target, link.read_bytes())

    def _compare(self, where: str, data: bytes) -> None:
        self.seen.update(where for word in self._words if word in data)


def holding(word: str, *directories: pathlib.Path, since: float = 0) -> list[pathlib.Path]:
    """The files below, changed since then, that hold a word. The clusters among them are left out."""
    return [each for directory in directories for each in _files(directory, since) if word.encode() in _bytes(each)]


def _files(directory: pathlib.Path, since: float) -> Iterator[pathlib.Path]:
    for root, names, files in os.walk(directory):
        if "PG_VERSION" in files:
            names.clear()
            continue
        for name in files:
            path = pathlib.Path(root, name)
            with contextlib.suppress(OSError):
                if path.lstat().st_ctime >= since and path.is_file() and not path.is_symlink():
                    yield path


def _bytes(path: pathlib.Path) -> bytes:
    with contextlib.suppress(OSError):
        return path.read_bytes()
    return b""
