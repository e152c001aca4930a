# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What one OpenSSL makes of names, asked in a process of its own; private to the collection.

A server may work with another OpenSSL than this Python, and two of them do not go together in one process. So the text
of this file is given to an interpreter that reads a question from its input and writes the answer. Standard library only.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import sys
import typing as t

__all__ = ["answer", "main"]

_POINTER = ctypes.c_void_p
_SET_GROUPS_LIST = 92  # SSL_CTRL_SET_GROUPS_LIST; SSL_CTX_set1_groups_list is a macro
_DESCRIPTION_LENGTH = 256  # bytes; OpenSSL wants 128
_OF_TLS_1_3 = "TLSv1.3"


class _OpenSSL:
    """The functions that a server calls, with their types."""

    def __init__(self, paths: t.Sequence[str]) -> None:
        # What the last one needs is found among those that are loaded already, wherever they came from.
        self._library = [ctypes.CDLL(path) for path in paths][-1]
        self._method = self._function("TLS_server_method", _POINTER)
        self._new = self._function("SSL_CTX_new", _POINTER, _POINTER)
        self._free = self._function("SSL_CTX_free", None, _POINTER)
        self._set_ciphers = self._function("SSL_CTX_set_cipher_list", ctypes.c_int, _POINTER, ctypes.c_char_p)
        self._set_suites = self._function("SSL_CTX_set_ciphersuites", ctypes.c_int, _POINTER, ctypes.c_char_p)
        self._ciphers = self._function("SSL_CTX_get_ciphers", _POINTER, _POINTER)
        self._count = self._function("OPENSSL_sk_num", ctypes.c_int, _POINTER)
        self._item = self._function("OPENSSL_sk_value", _POINTER, _POINTER, ctypes.c_int)
        self._describe = self._function(
            "SSL_CIPHER_description", ctypes.c_char_p, _POINTER, ctypes.c_char_p, ctypes.c_int
        )
        self._control = self._function(
            "SSL_CTX_ctrl", ctypes.c_long, _POINTER, ctypes.c_int, ctypes.c_long, ctypes.c_char_p
        )
        self._number = self._function("OBJ_sn2nid", ctypes.c_int, ctypes.c_char_p)
        self._curve = self._function("EC_KEY_new_by_curve_name", _POINTER, ctypes.c_int)
        self._free_curve = self._function("EC_KEY_free", None, _POINTER)
        self.version = self._function("OpenSSL_version", ctypes.c_char_p, ctypes.c_int)(0).decode()

    def _function(self, name: str, result: t.Any, *arguments: t.Any) -> t.Any:
        function = getattr(self._library, name)
        function.restype, function.argtypes = result, arguments
        return function

    @contextlib.contextmanager
    def _context(self) -> t.Iterator[int]:
        context = self._new(self._method())
        if not context:
            raise OSError("SSL_CTX_new")
        try:
            yield context
        finally:
            self._free(context)

    def _offered(self, context: int) -> list[str]:
        """Descriptions of the ciphers that a server with this context takes."""
        found = self._ciphers(context)
        buffer = ctypes.create_string_buffer(_DESCRIPTION_LENGTH)
        return [
            " ".join(self._describe(self._item(found, index), buffer, _DESCRIPTION_LENGTH).decode().split())
            for index in range(self._count(found))
        ]

    def ciphers(self, words: str) -> list[str]:
        """What a list for TLS 1.2 and older selects; OpenSSL 1.1.1 says that it is content with nothing too."""
        with self._context() as context:
            self._set_ciphers(context, words.encode())
            return [each for each in self._offered(context) if _OF_TLS_1_3 not in each.split()]

    def suites(self, words: str) -> list[str]:
        """What a list for TLS 1.3 selects; OpenSSL 3 says that it is content with nothing too."""
        with self._context() as context:
            if self._set_suites(context, words.encode()) != 1:
                return []
            self._set_ciphers(context, b"ALL")  # makes the list anew
            return [each for each in self._offered(context) if _OF_TLS_1_3 in each.split()]

    def groups(self, words: str) -> bool:
        """Whether a list of groups is taken, as PostgreSQL 18 gives it."""
        with self._context() as context:
            return bool(self._control(context, _SET_GROUPS_LIST, 0, words.encode()) == 1)

    def curves(self, word: str) -> bool:
        """Whether a curve is known, as servers before PostgreSQL 18 look for it."""
        number = self._number(word.encode())
        curve = self._curve(number) if number else None
        if curve:
            self._free_curve(curve)
        return bool(curve)


def _own() -> list[str]:
    """What this interpreter would use: a module of its that needs the library."""
    try:
        import _ssl
    except ImportError:
        return []
    path = getattr(_ssl, "__file__", None)
    return [path] if path else []


def answer(question: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """For each kind of the question, what each of its texts means to a library, this interpreter's own if it does not load here.

    ``libraries`` holds paths of files in the order in which each is loaded, the one that is asked last.
    """
    for paths in (question["libraries"], _own()):
        try:
            library = _OpenSSL(paths)
        except (OSError, AttributeError, IndexError):
            continue
        found: dict[str, t.Any] = {"libraries": paths, "version": library.version}
        for kind in ("ciphers", "suites", "groups", "curves"):
            found[kind] = {text: getattr(library, kind)(text) for text in question.get(kind, ())}
        return found
    return {}


def main() -> None:
    """Answer one question."""
    json.dump(answer(json.load(sys.stdin)), sys.stdout)


if __name__ == "__main__":
    main()
