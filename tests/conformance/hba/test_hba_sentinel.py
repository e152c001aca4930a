"""Which pg_hba.conf a real server works with, as a login to a database that does not exist tells."""

from __future__ import annotations

import os
import re
import shutil
import time
import typing as t

import psycopg
import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._hba.arguments import component
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.ident.arguments import (
    component as ident_component,
)
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.proof import prove
from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server as OpenedServer
from ansible_collections.rampart.postgresql.plugins.module_utils._server.session import Options
from ansible_collections.rampart.postgresql.tests.conformance.components import NeverProven
from ansible_collections.rampart.postgresql.tests.conformance.components import run_components
from ansible_collections.rampart.postgresql.tests.conformance.modules import run_module

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

Rule = dict[str, t.Any]

WORLD: Rule = {"type": "host", "databases": ["all"], "users": ["all"], "address": "127.0.0.1/32", "method": "reject"}
NAME = re.compile(r'"(rampart:[0-9a-f]{32})"')
WAYS: list[dict[str, t.Any]] = [{}, {"manage": "block"}]


@pytest.fixture
def own(fresh_server: Server) -> Rule:
    """The rule that admits the run itself."""
    return {"type": "local", "databases": ["all"], "users": [fresh_server.superuser], "method": "peer"}


def hba(server: Server, *, check: bool = False, allow_lockout: bool = False, **values: t.Any) -> dict[str, t.Any]:
    done = run_components(server, lambda: [component(values)], check=check, rehearse=False, allow_lockout=allow_lockout)
    return dict(done.values)


def names(server: Server) -> list[str]:
    return NAME.findall(server.hba_file.read_text(encoding="utf-8"))


def verdict(server: Server, sentinel: str) -> bool | None:
    with OpenedServer.open(Options(cluster=str(server.data_directory))) as opened:
        return prove(opened, path=str(server.hba_file), sentinel=sentinel).in_force


def replace(server: Server, content: bytes, *, age: float = 0.0) -> None:
    """Put a file there that nobody loads, written as long ago as a clock may claim."""
    server.hba_file.write_bytes(content)
    moment = time.time() - age
    os.utime(server.hba_file, (moment, moment))


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_a_file_in_force_is_proven(fresh_server: Server, own: Rule, way: dict[str, t.Any]) -> None:
    assert hba(fresh_server, **way)["in_force"]["verdict"] == "assumed"
    done = hba(fresh_server, rules=[own, WORLD], **way)
    [name] = names(fresh_server)
    assert done["changed"] and done["in_force"]["verdict"] == "proven" and name in done["in_force"]["how"], done
    with pytest.raises(psycopg.OperationalError, match=f'pg_hba.conf rejects connection .*"{name}"'):
        fresh_server.connect(dbname=name)
    again = hba(fresh_server, rules=[own, WORLD], check=True, **way)
    assert not again["changed"] and again["in_force"] == done["in_force"], again


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_a_file_that_a_killed_run_left_is_loaded(fresh_server: Server, own: Rule, way: dict[str, t.Any]) -> None:
    """Its time tells nothing: by it, the server has read its files since."""
    hba(fresh_server, rules=[own, WORLD], **way)
    wanted = fresh_server.hba_file.read_bytes()
    hba(fresh_server, rules=[own, {**WORLD, "method": "trust"}], **way)
    replace(fresh_server, wanted, age=3600)
    fresh_server.connect(host="127.0.0.1").close()
    looked = hba(fresh_server, rules=[own, WORLD], check=True, **way)
    [step] = looked["steps"]
    assert "not in force" in step["description"] and looked["in_force"]["verdict"] == "no"
    fresh_server.connect(host="127.0.0.1").close()
    done = hba(fresh_server, rules=[own, WORLD], **way)
    assert done["changed"] and done["in_force"]["verdict"] == "proven", done
    with pytest.raises(psycopg.OperationalError, match="pg_hba.conf rejects connection"):
        fresh_server.connect(host="127.0.0.1")
    assert not hba(fresh_server, rules=[own, WORLD], **way)["changed"]


def test_a_file_that_replaced_a_faulty_one_is_loaded(fresh_server: Server, own: Rule) -> None:
    """The server was told to reload a file that it refused: its load time is later than the file, its rules are not."""
    hba(fresh_server, rules=[own, {**WORLD, "method": "trust"}])
    [old] = names(fresh_server)
    hba(fresh_server, rules=[own, WORLD], check=True)
    hba(fresh_server, rules=[own, WORLD])
    [new] = names(fresh_server)
    wanted = fresh_server.hba_file.read_bytes()
    hba(fresh_server, rules=[own, {**WORLD, "method": "trust"}])
    replace(fresh_server, b"nonsense\n")
    fresh_server.reload()
    replace(fresh_server, wanted, age=60)
    assert (verdict(fresh_server, old), verdict(fresh_server, new)) == (True, False)
    assert hba(fresh_server, rules=[own, WORLD])["changed"]
    assert (verdict(fresh_server, old), verdict(fresh_server, new)) == (False, True)


def test_what_was_put_back_is_in_force(fresh_server: Server, own: Rule) -> None:
    hba(fresh_server, rules=[own, WORLD])
    before = fresh_server.hba_file.read_bytes()
    [name] = names(fresh_server)
    built: list[t.Any] = [component({"rules": [own, {**WORLD, "method": "trust"}]}), NeverProven()]
    refused = run_components(fresh_server, lambda: built, rehearse=False).values
    assert refused["failed"] and refused["undone"][-1] == "the server has loaded what it had before", refused
    assert fresh_server.hba_file.read_bytes() == before and verdict(fresh_server, name) is True
    with pytest.raises(psycopg.OperationalError, match="pg_hba.conf rejects connection"):
        fresh_server.connect(host="127.0.0.1")


def test_a_rule_that_rejects_everything_is_not_taken_for_it(fresh_server: Server, own: Rule) -> None:
    """With the run's own way in closed, the answers to both logins are the same: nothing is claimed."""
    closed = {**own, "users": ["all"], "method": "reject"}
    done = hba(fresh_server, rules=[closed], allow_lockout=True)
    assert done["changed"] and done["in_force"]["verdict"] == "assumed", done


def test_a_run_that_locks_itself_out_can_tell_still(fresh_server: Server, own: Rule) -> None:
    done = hba(fresh_server, rules=[{**own, "users": ["somebody_else"]}], allow_lockout=True)
    assert done["changed"] and done["in_force"]["verdict"] == "proven", done


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_without_it(fresh_server: Server, own: Rule, way: dict[str, t.Any]) -> None:
    hba(fresh_server, rules=[own], **way)
    assert names(fresh_server)
    done = hba(fresh_server, rules=[own], sentinel=False, **way)
    assert done["changed"] and not names(fresh_server) and done["in_force"]["verdict"] == "assumed", done
    assert not hba(fresh_server, rules=[own], sentinel=False, **way)["changed"]
    assert hba(fresh_server, rules=[own], **way)["changed"] and names(fresh_server)


def test_a_file_that_the_server_does_not_read(fresh_server: Server, own: Rule) -> None:
    path = fresh_server.data_directory / "other.conf"
    with fresh_server.owner.acting():
        path.write_text("local all all peer\n", encoding="utf-8")
    done = hba(fresh_server, rules=[own], path=str(path))
    assert done["changed"] and "rampart:" not in path.read_text(encoding="utf-8"), done
    assert not hba(fresh_server, rules=[own], path=str(path))["changed"]


@pytest.mark.parametrize("log", ["", "stderr", "csvlog"])
def test_the_log_tells_where_there_is_no_sentinel(fresh_server: Server, own: Rule, log: str) -> None:
    """A fault that the views do not show to this run, because its own lines are right: the log names it."""
    path = fresh_server.data_directory / "rules.conf"
    shutil.copy(fresh_server.hba_file, path)
    os.chown(path, fresh_server.owner.uid, fresh_server.owner.gid)
    with fresh_server.conf_file.open("a", encoding="utf-8") as stream:
        stream.write(f"hba_file = '{path}'\n")
        stream.write(f"logging_collector = on\nlog_destination = {log}\n" if log else "")
    fresh_server.restart()
    options = Options(cluster=str(fresh_server.data_directory))
    with OpenedServer.open(options) as opened:
        opened.reload()
        assert not opened.refused_at_reload(str(path))
        path.write_bytes(b"nonsense\n")
        opened.reload()
        assert opened.refused_at_reload(str(path))
        assert not opened.refused_at_reload(str(fresh_server.data_directory / "pg_ident.conf"))
    path.write_bytes(f"local all {fresh_server.superuser} peer\n".encode())
    with OpenedServer.open(options) as opened:  # by another run, before it has made a reload of its own
        assert prove(opened, path=str(path), sentinel=None).in_force is False
        opened.reload()
    with OpenedServer.open(options) as opened:
        assert prove(opened, path=str(path), sentinel=None).in_force is None


@pytest.mark.in_turn
@pytest.mark.parametrize("way", [{"sentinel": False}, {"manage": "block", "position": "last"}], ids=str)
def test_an_older_file_that_nobody_loaded_is_noticed(fresh_server: Server, own: Rule, way: dict[str, t.Any]) -> None:
    """By the time at which it came to its place, which nobody can set back."""
    fresh_server.hba_file.write_text("", encoding="utf-8")
    hba(fresh_server, rules=[own, WORLD], **way)
    wanted = fresh_server.hba_file.read_bytes()
    hba(fresh_server, rules=[own, {**WORLD, "method": "trust"}], **way)
    replace(fresh_server, wanted, age=3600)
    fresh_server.connect(host="127.0.0.1").close()
    looked = hba(fresh_server, rules=[own, WORLD], check=True, **way)
    assert [step["description"].partition(":")[0] for step in looked["steps"]] == ["reload"], looked
    assert looked["in_force"]["verdict"] == "no" and hba(fresh_server, rules=[own, WORLD], **way)["changed"]
    with pytest.raises(psycopg.OperationalError, match="pg_hba.conf rejects connection"):
        fresh_server.connect(host="127.0.0.1")
    assert not hba(fresh_server, rules=[own, WORLD], **way)["changed"]


def test_what_a_login_needs_to_get_in_hides_nothing(fresh_server: Server, own: Rule) -> None:
    """A password too: the run does without, as it keeps the session that it has."""
    hba(fresh_server, rules=[own, WORLD])
    [name] = names(fresh_server)
    for method in ("trust", "scram-sha-256", "password"):
        replace(fresh_server, f'local all all {method}\nlocal "{name}" all reject\n'.encode())
        options = Options(cluster=str(fresh_server.data_directory), allow_lockout=True)
        with OpenedServer.open(options) as opened:
            opened.reload()
            opened.settled = 0.0  # this no is final
            assert prove(opened, path="", sentinel=name).in_force is False
            replace(fresh_server, f'local "{name}" all reject\nlocal all all {method}\n'.encode())
            opened.reload()
            assert prove(opened, path="", sentinel=name).in_force is True
            replace(fresh_server, f"local all {fresh_server.superuser} trust\n".encode())
            opened.reload()


def test_module(fresh_server: Server, own: Rule) -> None:
    done = run_module("hba", fresh_server, rules=[own])
    assert done.values["in_force"]["verdict"] == "proven", done
    assert not run_module("hba", fresh_server, rules=[own]).changed


def test_mappings_that_the_log_says_were_not_reloaded(fresh_server: Server) -> None:
    """Before 15 no view tells; here the fault comes from a file that nobody but the server has read."""
    mappings = fresh_server.data_directory / "pg_ident.conf"
    with OpenedServer.open(Options(cluster=str(fresh_server.data_directory))) as opened:
        built = ident_component({"mappings": [{"map": "m", "system_user": "root", "pg_user": "postgres"}]})
        mappings.write_bytes(b"m /( postgres\n")
        opened.reload()
        assert any("was not reloaded" in words for words in built.unproven(built.observe(opened)))
        mappings.write_bytes(b"m root postgres\n")
        opened.reload()
        assert not built.unproven(built.observe(opened))
