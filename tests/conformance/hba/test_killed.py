"""A run that is killed at any of its steps, and a server that is killed with it: the next run finishes the job."""

from __future__ import annotations

import collections
import os
import typing as t

import psycopg
import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._hba.arguments import component
from ansible_collections.rampart.postgresql.tests.conformance.components import run_components
from ansible_collections.rampart.postgresql.tests.conformance.killed import MOST_STEPS
from ansible_collections.rampart.postgresql.tests.conformance.killed import killed_at
from ansible_collections.rampart.postgresql.tests.conformance.killed import leftovers
from ansible_collections.rampart.postgresql.tests.conformance.servers import MAJORS

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Workshop

_EXTENDED = os.environ.get("RAMPART_EXTENDED", "") not in ("", "0")

WAYS: list[dict[str, t.Any]] = [
    {"manage": "file"},
    {"manage": "block"},
    {"manage": "file", "sentinel": False},
    {"manage": "block", "position": "last"},
]
OTHERS = "# kept by somebody else\nhost\tall\tall\t127.0.0.2/32\treject\n"


def hba(
    server: Server, rules: list[dict[str, t.Any]], way: dict[str, t.Any], *, check: bool = False
) -> dict[str, t.Any]:
    values = {"rules": rules, **way}
    return dict(run_components(server, lambda: [component(values)], check=check, rehearse=False).values)


@pytest.mark.parametrize("way", WAYS if _EXTENDED else WAYS[:2], ids=str)
@pytest.mark.parametrize("major", MAJORS if _EXTENDED else (MAJORS[0], MAJORS[-1]), ids=lambda major: f"pg{major}")
@pytest.mark.parametrize("restart", [True, False] if _EXTENDED else [True], ids=["restart", "reload"][: 1 + _EXTENDED])
def test_killed_at_every_step(workshop: Workshop, major: int, way: dict[str, t.Any], restart: bool) -> None:
    server = workshop.server(major)
    try:
        _killed_at_every_step(server, way, restart=restart)
    finally:
        workshop.discard(server)


def gets_in(server: Server) -> bool:
    try:
        server.connect(host="127.0.0.1").close()
    except psycopg.OperationalError:
        return False
    return True


def _killed_at_every_step(server: Server, way: dict[str, t.Any], *, restart: bool) -> None:
    own = {"type": "local", "databases": ["all"], "users": [server.superuser], "method": "peer"}
    world = {"type": "host", "databases": ["all"], "users": ["all"], "address": "127.0.0.1/32"}
    old, new = ([own, {**world, "method": method}] for method in ("reject", "trust"))
    server.hba_file.write_text(f"local all {server.superuser} trust\n{OTHERS}", encoding="utf-8")
    server.reload()
    # The rule that tells what is loaded is the first of a file, or there is none.
    verdict = "assumed" if way.keys() & {"sentinel", "position"} else "proven"
    texts = []
    for rules in (old, new):
        assert hba(server, rules, way)["changed"]
        texts.append(server.hba_file.read_bytes())
    hba(server, old, way)
    seen: collections.Counter[str] = collections.Counter()
    for step in range(1, MOST_STEPS):
        killed = killed_at(step, "hba", server, rules=new, **way)
        if not killed.by_signal:
            break
        seen[f"{killed.steps[-1]}, {'new' if server.hba_file.read_bytes() == texts[1] else 'old'} file"] += 1
        assert server.hba_file.read_bytes() in texts, killed
        if restart:
            server.stop(mode="immediate")
            server.start()
        done = hba(server, new, way)
        assert not done.get("failed") and done["in_force"]["verdict"] == verdict, (killed, done)
        assert server.hba_file.read_bytes() == texts[1] and not leftovers(server), (killed, leftovers(server))
        again = hba(server, new, way, check=True)
        assert not again["changed"] and again["in_force"]["verdict"] == verdict, (killed, again)
        assert gets_in(server) == (new[1]["method"] == "trust"), killed
        old, new, texts = new, old, texts[::-1]
    print(f"PostgreSQL {server.major}, {way}: killed before " + "; ".join(f"{n} x {what}" for what, n in seen.items()))
    assert step < MOST_STEPS - 1 and killed.steps, "the run was never completed"
    for what in ("rename, old file", "fsync, old file", "fsync, new file", "login execute, new file"):
        assert seen[what], (what, seen)
