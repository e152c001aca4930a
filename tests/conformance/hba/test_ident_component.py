"""Keeping pg_ident.conf of real servers: written, loaded, proved by logins, refused, put back."""

from __future__ import annotations

import typing as t

import psycopg

from ansible_collections.rampart.postgresql.plugins.module_utils._hba import arguments as hba
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.dialects import dialect_of
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.ident import arguments as ident
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.ident.matching import maps
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.ident.records import parse_text
from ansible_collections.rampart.postgresql.tests.conformance.components import run_components
from ansible_collections.rampart.postgresql.tests.conformance.modules import run_module

if t.TYPE_CHECKING:
    import pathlib

    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

Mapping = dict[str, t.Any]

LOGINS = ("app", "App", "all", "+staff", "ops", "p.q")


def converge(server: Server, *, check: bool = False, rehearse: bool = False, **values: t.Any) -> dict[str, t.Any]:
    result = run_components(server, lambda: [ident.component(values)], check=check, rehearse=rehearse)
    return dict(result.values)


def ident_file(server: Server) -> pathlib.Path:
    return server.data_directory / "pg_ident.conf"


def ask_for_map(server: Server, *, users: str = "all") -> None:
    """Everybody but the superuser over TCP must come through a map."""
    lines = (f"host all {server.superuser} 127.0.0.1/32 trust", f"local all {users} peer map=m", "local all all trust")
    server.hba_file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    server.reload()


def gets_in(server: Server, user: str) -> bool:
    try:
        server.connect(user=user).close()
    except psycopg.OperationalError as error:
        assert "eer authentication failed" in str(error), error
        return False
    return True


def test_check_mode_run_and_again(fresh_server: Server) -> None:
    account = fresh_server.owner.name
    for role in ("app", "other"):
        fresh_server.query(f"CREATE ROLE {role} LOGIN")
    ask_for_map(fresh_server, users="app,other")
    mappings = [{"map": "m", "system_user": account, "pg_user": "app", "comment": "the application"}]
    before = ident_file(fresh_server).read_bytes()
    assert not gets_in(fresh_server, "app")

    checked = converge(fresh_server, mappings=mappings, check=True, rehearse=True)
    assert checked["changed"] and ident_file(fresh_server).read_bytes() == before, checked
    done = converge(fresh_server, mappings=mappings)
    assert done["changed"] and done["steps"] == checked["steps"], done
    assert f"# the application\nm\t{account}\tapp\n".encode() in ident_file(fresh_server).read_bytes()
    assert gets_in(fresh_server, "app") and not gets_in(fresh_server, "other")
    again = converge(fresh_server, mappings=mappings, rehearse=True)
    assert not again["changed"] and not again.get("failed"), again
    assert converge(fresh_server, mappings=[{**mappings[0], "comment": "other"}])["changed"]
    assert converge(fresh_server, mappings=[])["changed"]
    assert not gets_in(fresh_server, "app")
    assert not converge(fresh_server)["changed"]


def test_block_leaves_every_other_byte(fresh_server: Server) -> None:
    others = b"# mine\r\nm\tu   p # keep\n\n  n u p"
    ident_file(fresh_server).write_bytes(others)
    fresh_server.reload()
    values: dict[str, t.Any] = {"manage": "block", "position": "last"}
    mappings = [{"map": "own", "system_user": "a b", "pg_user": "p"}]
    assert converge(fresh_server, mappings=mappings, **values)["changed"]
    assert ident_file(fresh_server).read_bytes().startswith(others)
    assert b'own\t"a b"\tp\r\n' in ident_file(fresh_server).read_bytes()  # as the first line ends
    assert not converge(fresh_server, mappings=mappings, **values)["changed"]
    assert converge(fresh_server, state="absent", **values)["changed"]
    assert ident_file(fresh_server).read_bytes() == others + b"\r\n"


def test_a_file_that_the_server_would_refuse(fresh_server: Server) -> None:
    ident_file(fresh_server).write_text("m u p\nm u\n", encoding="utf-8")
    values: dict[str, t.Any] = {"manage": "block", "mappings": [{"map": "m", "system_user": "u", "pg_user": "p"}]}
    refused = converge(fresh_server, **values)
    assert refused["failed"] and "pg_ident.conf:2: missing entry at end of line" in refused["msg"], refused
    assert ident_file(fresh_server).read_text(encoding="utf-8") == "m u p\nm u\n"
    assert converge(fresh_server, **{**values, "manage": "file"})["changed"]


def test_the_run_does_not_lock_itself_out(fresh_server: Server) -> None:
    account, superuser = fresh_server.owner.name, fresh_server.superuser
    own = {"map": "m", "system_user": account, "pg_user": superuser}
    assert converge(fresh_server, mappings=[own])["changed"]
    ask_for_map(fresh_server)
    before = ident_file(fresh_server).read_bytes()
    refused = converge(fresh_server, mappings=[{**own, "pg_user": "nobody"}])
    assert refused["failed"] and f"does not let account {account} in as {superuser} by map m" in refused["msg"], refused
    assert ident_file(fresh_server).read_bytes() == before
    # The positive control: another line keeps the way in open.
    pattern = {"map": "m", "system_user": f"/^({account})$", "pg_user": "\\1" if account == superuser else superuser}
    assert converge(fresh_server, mappings=[{**own, "pg_user": "nobody"}, pattern])["changed"]
    assert gets_in(fresh_server, superuser)


def test_words_that_become_special(fresh_server: Server) -> None:
    mappings = [{"map": "m", "system_user": "u", "pg_user": name} for name in ("all", "+staff")]
    done = converge(fresh_server, mappings=mappings)
    codes = "every-role" if fresh_server.major >= 16 else "becomes-special"
    assert done["changed"] and any(codes in warning for warning in done["warnings"]), done
    refused = converge(fresh_server, mappings=[{"map": "m", "system_user": "u", "pg_user": "/^a$"}])
    assert bool(refused.get("failed")) == (fresh_server.major < 16), refused
    quoted = converge(
        fresh_server, mappings=[{**mapping, "pg_user": f'"{mapping["pg_user"]}"'} for mapping in mappings]
    )
    assert quoted["changed"] and not any("pg_ident.conf" in warning for warning in quoted["warnings"]), quoted


def test_maps_and_rules_in_one_run(fresh_server: Server) -> None:
    account, superuser = fresh_server.owner.name, fresh_server.superuser
    rules = [{"type": "local", "databases": ["all"], "users": ["all"], "method": "peer", "options": {"map": "m"}}]
    mappings = [{"map": "m", "system_user": account, "pg_user": superuser}]
    values = {"rules": rules}

    def both() -> list[t.Any]:
        return [hba.component(values, option="hba"), ident.component({"mappings": mappings}, option="ident")]

    done = run_components(fresh_server, both, rehearse=True)
    assert done.changed and [step["component"] for step in done.values["steps"]] == ["ident", "hba"], done.output
    assert gets_in(fresh_server, superuser)
    assert not run_components(fresh_server, both).changed


def test_a_map_decides_as_we_say(fresh_server: Server) -> None:
    """Real logins through the socket against our own reading of who may be whom."""
    account = fresh_server.owner.name
    for role in LOGINS:
        fresh_server.query(f'CREATE ROLE "{role}" LOGIN')
    fresh_server.query("CREATE ROLE staff")
    fresh_server.query("GRANT staff TO app, ops")
    ask_for_map(fresh_server)
    texts = [
        *(
            f"m {account} {name}"
            for name in ("app", "all", '"all"', "+staff", '"+staff"', "ALL", "/^a", '"/p"', "+ops", "+")
        ),
        *(f"m /^(.{{2}}).*$ {name}" for name in ("\\1", "x\\1", "app", "all")),
        f"m /^({account[:3]}|x).*$ app",
        f"m /^{account[:4]} app",
        f"m {account}x app\nother {account} app\nm {account} ops",
        f"m /^{account}$ \\1\nm {account} app",  # nothing captured: the server gives up
        f'm "/^{account}$" app\nm {account} ops',
        f"m {account.upper()} app",
    ]
    counts = {True: 0, False: 0}
    wrong = []
    dialect = dialect_of(fresh_server.major)
    with fresh_server.connect(host="127.0.0.1") as control:
        for text in texts:
            ident_file(fresh_server).write_text(text + "\n", encoding="utf-8")
            control.execute("SELECT pg_catalog.pg_reload_conf()")
            control.execute("SELECT pg_catalog.pg_sleep(0.05)")
            for login in LOGINS:
                member_of = frozenset((login, *(("staff",) if login in ("app", "ops") else ())))
                ours = maps(
                    parse_text(text, dialect),
                    name="m",
                    system_user=account,
                    pg_user=login,
                    member_of=member_of,
                    dialect=dialect,
                )
                theirs = gets_in(fresh_server, login)
                counts[theirs] += 1
                if ours is not None and ours != theirs:
                    wrong.append((text, login, theirs))
    print(f"\nPostgreSQL {fresh_server.major}: let in {counts[True]}, refused {counts[False]}")
    assert not wrong
    assert min(counts.values()) >= 10


def test_the_modules(fresh_server: Server) -> None:
    mappings = [{"map": "m", "system_user": "a b", "pg_user": "app"}]
    done = run_module("ident", fresh_server, mappings=mappings)
    assert done.changed, done.output
    assert not run_module("cluster", fresh_server, ident={"mappings": mappings}).changed
    block = {"mappings": mappings, "manage": "block", "position": "last"}
    again = run_module("cluster", fresh_server, ident=block)
    assert again.changed and "# BEGIN rampart.postgresql: mappings\n" in ident_file(fresh_server).read_text("utf-8")
    for module, options in (
        ("ident", {"mappings": [{**mappings[0], "pg_user": "ALL"}]}),
        ("cluster", {"ident": {"mappings": [{**mappings[0], "pg_user": "ALL"}]}}),
    ):
        refused = run_module(module, fresh_server, **options)
        assert refused.failed and "mappings[0].pg_user: 'ALL' cannot be used" in refused.message, refused.output
