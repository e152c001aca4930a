"""Which libraries a server has loaded."""

from __future__ import annotations

from ansible_collections.rampart.postgresql.plugins.module_utils._tls.policy.asking import mapped

_LINE = "7f43{number}0000-7f43{number}9000 r-xp 00001000 fe:00 {number}                    {path}\n"


def _maps(*paths: str) -> str:
    return "".join(_LINE.format(number=number, path=path) for number, path in enumerate(paths, 10))


def test_both_libraries_in_the_order_in_which_one_needs_the_other() -> None:
    ssl, crypto = "/opt/a b/lib/libssl.so.1.1", "/opt/a b/lib/libcrypto.so.1.1"
    assert mapped(_maps("/usr/bin/postgres", ssl, ssl, crypto)) == [crypto, ssl]
    assert mapped(_maps(f"{ssl} (deleted)", crypto)) == [crypto, ssl]
    assert mapped(_maps(ssl, crypto, "/usr/lib/libssl.so.3")) == [crypto, ssl]  # the first is the server's
    assert mapped(_maps(ssl, "[heap]")) == []
    assert mapped("7f43-7f44 r-xp 0 0:0 0 \n") == []
