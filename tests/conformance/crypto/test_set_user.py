"""Superusers come in by name: the extension set_user of Debian's packages, as the role pg_crypto sets it up."""

from __future__ import annotations

import json
import os
import pathlib
import re
import subprocess
import sys
import typing as t

import psycopg
import pytest
import yaml

from ansible_collections.rampart.postgresql.tests.conformance.modules import Result
from ansible_collections.rampart.postgresql.tests.conformance.modules import run_module
from ansible_collections.rampart.postgresql.tests.role_variables import rendered

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

pytestmark = pytest.mark.with_extensions("set-user")

TASKS = pathlib.Path(__file__).resolve().parents[3] / "roles" / "pg_crypto" / "tasks" / "set_user.yml"
ODD = 'Zoë, "the 2nd"'
VARIABLES = {
    "pg_crypto_set_user": True,
    "pg_crypto_set_user_superusers": ["alice", "+The dbas", "eve", ODD],  # dave is one of the dbas
    "pg_crypto_set_user_targets": ["app"],
}
ALLOWED = ("alice", "dave", ODD)
NOT_IN_THE_LIST = "mallory"  # who may execute the functions
WITHOUT_EXECUTE = "eve"  # who is in the list
# What a superuser of that kind is kept from, and the words of it.
BLOCKED = {
    "set_user.block_alter_system": ("ALTER SYSTEM SET work_mem = '5MB'", "ALTER SYSTEM blocked"),
    "set_user.block_copy_program": ("COPY (SELECT 1) TO PROGRAM 'cat >/dev/null'", "COPY PROGRAM blocked"),
    "set_user.block_log_statement": ("SET log_statement = 'none'", '"SET log_statement" blocked'),
}
STATE = """
SELECT current_setting('shared_preload_libraries'), (SELECT count(*) FROM pg_extension WHERE extname = 'set_user'),
       current_setting('set_user.superuser_allowlist', true)"""
UNTOUCHED = ("", 0, None)
SET_UP = ("set_user", 1, '"+The dbas", "alice", "eve", "Zoë, ""the 2nd"""')


def set_up(server: Server, *, restart: bool = True, **options: t.Any) -> dict[str, Result]:
    """What the role does, without its half minute of Ansible."""
    done = {}
    for task in yaml.safe_load(TASKS.read_text(encoding="utf-8")):
        for name in (key.rpartition(".")[2] for key in task if key.startswith("rampart.postgresql.")):
            if name == "server_restart" and not restart:
                continue
            arguments = rendered(
                "pg_crypto",
                task[f"rampart.postgresql.{name}"],
                **{**VARIABLES, **options},
                __pg_crypto_cluster=str(server.data_directory),
            )
            arguments.update({} if name == "server_restart" else {"rehearse": False})
            done[name] = run_module(name, **arguments)
            assert not done[name].failed, done[name].output
    return done


def play(server: Server, directory: pathlib.Path, *, check: bool = False, **options: t.Any) -> tuple[int, str]:
    """Run the role; how many of its tasks changed something, and what was written where one failed."""
    variables = {
        **VARIABLES,
        **options,
        "ansible_python_interpreter": sys.executable,
        "pg_crypto_clusters": [str(server.data_directory)],
        "pg_crypto_allow_restart": True,
    }
    role = {
        "hosts": "localhost",
        "connection": "local",
        "gather_facts": False,
        "roles": ["rampart.postgresql.pg_crypto"],
        "post_tasks": [
            {
                "ansible.builtin.assert": {
                    "that": [
                        "told.missing_libraries == []",
                        "told.waiting_extensions | map(attribute='library') == (['set_user'] if ansible_check_mode else [])",
                    ]
                },
                "vars": {"told": "{{ pg_crypto_result.set_user[pg_crypto_clusters[0]] }}"},
            }
        ],
    }
    path = directory / "play.yml"
    path.write_text(json.dumps([{**role, "vars": variables}]), encoding="utf-8")
    done = subprocess.run(
        ["ansible-playbook", str(path), *(["--check"] if check else [])],
        env={**os.environ, "ANSIBLE_HOME": str(directory / "home"), "ANSIBLE_NOCOLOR": "true"},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    found = re.search(r"changed=(\d+)", done.stdout.rpartition("PLAY RECAP")[2])
    assert found, done.stdout + done.stderr
    return int(found.group(1)), done.stdout + done.stderr if done.returncode else ""


def prepare(server: Server) -> None:
    for name in (*ALLOWED, NOT_IN_THE_LIST, WITHOUT_EXECUTE):
        server.query("CREATE ROLE {} LOGIN".format('"{}"'.format(name.replace('"', '""'))))
    server.query('CREATE ROLE "The dbas" ROLE dave; CREATE ROLE app; CREATE ROLE other')


def become(server: Server, user: str, target: str, *, how: str = "set_user") -> psycopg.Connection[t.Any]:
    """A session of ``user`` that has become ``target``."""
    connection = server.connect(user=user)
    try:
        connection.execute(f"SELECT public.{how}(%s)".encode(), [target])
        assert connection.execute("SELECT current_user::text").fetchone() == (target,)
    except BaseException:
        connection.close()
        raise
    return connection


def refused(server: Server, user: str, target: str, *, how: str = "set_user") -> str:
    with pytest.raises(psycopg.Error) as found:
        become(server, user, target, how=how)
    return str(found.value)


def relax(server: Server, parameter: str, value: str | None) -> None:
    """Set a parameter otherwise than the role, or take that back."""
    server.query(f"ALTER SYSTEM SET {parameter} = '{value}'" if value else f"ALTER SYSTEM RESET {parameter}")
    server.reload()


def test_only_those_named_become_superuser_and_the_log_says_so(extended_server: Server) -> None:
    server = extended_server
    prepare(server)
    waiting = set_up(server, restart=False)
    assert waiting["settings"].changed and server.query(STATE) == [UNTOUCHED]
    assert waiting["extensions"].values["waiting_extensions"] == [{"extension": "set_user", "library": "set_user"}]
    assert [done.changed for done in set_up(server).values()] == [False, True, True]
    assert server.query(STATE) == [SET_UP]
    assert not any(done.changed for done in set_up(server).values())

    assert "permission denied" in refused(server, "alice", server.superuser, how="set_user_u")
    grant = {"kind": "function", "databases": ["postgres"], "schemas": ["public"], "privileges": ["EXECUTE"]}
    grant.update(objects=["set_user", "set_user_u"], roles=[*ALLOWED, NOT_IN_THE_LIST])
    assert run_module("privileges", server, rehearse=False, grants=[grant]).changed

    for user in ALLOWED:
        before = len(server.log_text())
        with become(server, user, server.superuser, how="set_user_u") as session:
            session.execute("CREATE ROLE made; DROP ROLE made")
            session.execute("SELECT public.reset_user()")
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                session.execute("CREATE ROLE made")
        told = server.log_text()[before:]
        assert f"Role {user} transitioning to Superuser Role {server.superuser}" in told, told
        assert re.search("AUDIT: LOG:  statement: CREATE ROLE made; DROP ROLE made", told), told
        assert f"Superuser Role {server.superuser} transitioning to Role {user}" in told, told

    assert "superuser not allowed" in refused(server, NOT_IN_THE_LIST, server.superuser, how="set_user_u")
    assert "permission denied" in refused(server, WITHOUT_EXECUTE, server.superuser, how="set_user_u")
    assert "superuser" in refused(server, "alice", server.superuser)  # by the function for others
    become(server, "alice", "app").close()
    assert "role is not allowed" in refused(server, "alice", "other")

    # The same with that one thing relaxed.
    relax(server, "set_user.superuser_allowlist", "*")
    become(server, NOT_IN_THE_LIST, server.superuser, how="set_user_u").close()
    relax(server, "set_user.superuser_allowlist", None)
    assert "superuser not allowed" in refused(server, NOT_IN_THE_LIST, server.superuser, how="set_user_u")
    server.query("GRANT EXECUTE ON FUNCTION set_user_u(text) TO eve")
    become(server, WITHOUT_EXECUTE, server.superuser, how="set_user_u").close()
    relax(server, "set_user.nosuperuser_target_allowlist", "*")
    become(server, "alice", "other").close()


def test_what_a_superuser_of_that_kind_may_not(extended_server: Server) -> None:
    server = extended_server
    prepare(server)
    set_up(server)
    server.query("GRANT EXECUTE ON FUNCTION set_user_u(text) TO alice")
    for parameter, (statement, words) in BLOCKED.items():
        with (
            become(server, "alice", server.superuser, how="set_user_u") as session,
            pytest.raises(psycopg.Error, match=words),
        ):
            session.execute(statement.encode())
        relax(server, parameter, "off")
        with become(server, "alice", server.superuser, how="set_user_u") as session:
            session.execute(statement.encode())
        relax(server, parameter, None)
    for statement, _words in BLOCKED.values():
        server.query(statement)  # a superuser who logs in is not meant


def test_empty_lists_are_nobody(extended_server: Server) -> None:
    """Where the extension was there before, with its own lists, which admit everybody."""
    server = extended_server
    prepare(server)
    server.query("ALTER SYSTEM SET shared_preload_libraries = 'set_user'")
    server.restart()
    server.query("CREATE EXTENSION set_user; GRANT EXECUTE ON FUNCTION set_user_u(text), set_user(text) TO mallory")
    become(server, NOT_IN_THE_LIST, server.superuser, how="set_user_u").close()
    become(server, NOT_IN_THE_LIST, "app").close()
    set_up(server, pg_crypto_set_user_superusers=[], pg_crypto_set_user_targets=[])
    assert "superuser not allowed" in refused(server, NOT_IN_THE_LIST, server.superuser, how="set_user_u")
    assert "role is not allowed" in refused(server, NOT_IN_THE_LIST, "app")


@pytest.mark.in_turn
def test_the_role_as_a_play_uses_it(extended_server: Server, tmp_path: pathlib.Path) -> None:
    server = extended_server
    prepare(server)
    bad: dict[str, t.Any] = {
        "pg_crypto_set_user_superusers": ["alice", "*"],
        "pg_crypto_set_user_targets": ["+a", "app", "+b"],
    }
    changed, failure = play(server, tmp_path, **bad)
    for names in bad.values():
        reason = "take names of roles, never *, and one group at the most, because set_user looks at the last one only"
        assert not changed and re.search(f"{re.escape(reason)}.*: {re.escape(', '.join(names))}", failure), failure
    assert play(server, tmp_path, check=True) == (1, "")
    assert server.query(STATE) == [UNTOUCHED]
    assert play(server, tmp_path) == (3, "")
    assert server.query(STATE) == [SET_UP]
    assert not any(done.changed for done in set_up(server).values())
