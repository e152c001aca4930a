"""Planning: one written file, one reload, or nothing."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import ManagedElsewhere
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import ServerRefused
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.arguments import component
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.guard import Connection
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.matching import Attempt
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.state import Rejected
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.state import State
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Planned
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Reload
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import WriteFile

OWN = {"type": "local", "databases": ["all"], "users": ["postgres"], "method": "peer"}
WORLD = {"type": "host", "databases": ["all"], "users": ["all"], "address": "all", "method": "trust"}


def state(text: str | None, **values: t.Any) -> State:
    connection = Connection(Attempt("postgres", "postgres"), account="postgres")
    content = None if text is None else text.encode("utf-8", "surrogateescape")
    return State(
        **{"path": "/pg_hba.conf", "text": text, "content": content, "major": 17, "connection": connection, **values}
    )


def plan(text: str | None, *, rules: t.Any = (OWN,), about: dict[str, t.Any] | None = None, **values: t.Any) -> Planned:
    return component({"rules": list(rules), **values}).plan(state(text, **(about or {})))


def written(planned: Planned) -> str:
    [step] = planned.steps
    assert isinstance(step.operation, WriteFile) and step.reload and step.operation.after is not None
    return step.operation.after.decode()


def test_a_plan_applied_leaves_nothing_to_do() -> None:
    text = written(plan("local all all trust\n"))
    assert text.endswith("local\tall\tpostgres\tpeer\n")
    assert plan(text).steps == ()
    assert written(plan(None)) == text


def test_the_order_of_rules_is_a_change() -> None:
    text = written(plan("", rules=[OWN, WORLD]))
    assert plan(text, rules=[OWN, WORLD]).steps == ()
    assert plan(text, rules=[WORLD, OWN]).steps != ()


def test_findings() -> None:
    [warning] = plan("", rules=[OWN, WORLD]).findings
    assert "trust-world" in warning and "/pg_hba.conf line 5" in warning


def test_a_file_that_was_not_loaded_is() -> None:
    text = written(plan(""))
    about = {"loaded": 10.0, "modified": 11.0, "now": 12.0}
    [step] = plan(text, about=about).steps
    assert isinstance(step.operation, Reload) and step.reload
    assert plan(text, about={**about, "modified": 9.0}).steps == ()
    assert plan(text, about={**about, "modified": 99.0}).steps == ()


def test_a_file_that_the_server_refuses_is_not_in_force() -> None:
    text = written(plan(""))
    rejected = (Rejected("/names.conf", 3, "invalid connection type"),)
    [step] = plan(text, about={"rejected": rejected}).steps
    assert "the server refuses it" in step.description
    found = state(text, rejected=rejected)
    assert component({"rules": [OWN]}).unproven(found) == ["the server refuses /names.conf:3: invalid connection type"]
    assert component({}).unproven(found) == []


def test_lockout() -> None:
    with pytest.raises(InputError) as refused:
        plan("local all all peer\n", rules=[{**OWN, "method": "reject"}])
    said = str(refused.value)
    assert said.startswith(
        "rules: 'local\\tall\\tpostgres\\treject' cannot be used: this run's own connection (user postgres"
    )
    assert "line 4 of the new /pg_hba.conf" in said and "allow_lockout" in said
    with pytest.raises(InputError, match="no rule of the file matches"):
        plan("local all all peer\n", rules=[WORLD])
    allowed = plan("local all all peer\n", rules=[{**OWN, "method": "reject"}], allow_lockout=True)
    assert allowed.steps and any("would be refused" in warning for warning in allowed.warnings)


def test_hands_off_looks_and_proposes() -> None:
    planned = component({}).plan(state("local all all trust\nhost all all all md5\n"))
    assert planned.steps == () and planned.warnings == planned.findings == ()
    reasons = [entry.reason for entry in planned.left_alone]
    assert len(reasons) == 3 and all(reason.startswith("no rules were given; ") for reason in reasons)
    assert [entry.reason for entry in component({}).plan(state("local all all peer\n")).left_alone] == [
        "no rules were given"
    ]


def test_patroni_keeps_its_file() -> None:
    with pytest.raises(ManagedElsewhere, match="patroni.yml"):
        plan("# Do not edit this file manually!\n# It will be overwritten by Patroni!\nlocal all all trust\n")


def test_lines_of_others_that_are_at_fault_are_named() -> None:
    with pytest.raises(ServerRefused, match=r"/pg_hba.conf:1: invalid connection type \"nonsense\""):
        plan("nonsense\n", manage="block", position="last")


def test_a_file_without_rules_is_refused() -> None:
    text = written(plan("", manage="block"))
    with pytest.raises(RampartError, match="no rule at all"):
        component({"manage": "block", "state": "absent"}).plan(state(text))


def test_block_is_removed() -> None:
    text = written(plan("local all all peer\n", manage="block"))
    assert text.endswith("local all all peer\n")
    absent = component({"manage": "block", "state": "absent"})
    assert written(absent.plan(state(text))) == "local all all peer\n"
    assert absent.plan(state("local all all peer\n")).steps == ()


def test_regular_expressions_name_the_option_where_they_stand() -> None:
    rules = [OWN, {**OWN, "users": ["/^a"]}]
    with pytest.raises(InputError, match=r"^hba.rules\[1\].users\[0\]: '/\^a' cannot be used"):
        component({"rules": rules}, option="hba").plan(state("", major=15))


def test_no_secret_in_a_step() -> None:
    radius = {**WORLD, "method": "radius", "options": {"radiusservers": "127.0.0.1", "radiussecrets": "planted"}}
    before = "local all all peer\nhost a b all ldap ldapserver=l ldapprefix=p ldapbindpasswd=planted\n"
    [step] = plan(
        "local all all peer\nhost a b all radius radiusservers=127.0.0.1 radiussecrets=planted\n", rules=[OWN, radius]
    ).steps
    assert "planted" not in str(step.result())
    assert isinstance(step.operation, WriteFile) and b"planted" in (step.operation.after or b"")
    with pytest.raises(ServerRefused) as refused:
        plan(before, rules=[OWN], manage="block")
    assert "planted" not in str(refused.value)


def test_undecodable_bytes_survive() -> None:
    before = "# caf\udce9\nlocal all all peer\n"
    [step] = plan(before, manage="block").steps
    assert isinstance(step.operation, WriteFile) and b"# caf\xe9\n" in (step.operation.after or b"")


def test_planning_is_pure() -> None:
    hba = component({"rules": [OWN, WORLD]})
    found = state("local all all peer\n")
    assert hba.plan(found) == hba.plan(dataclasses.replace(found))


def test_what_was_not_asked_is_said() -> None:
    [warning] = plan("", about={"judged": False}).findings
    assert "no superuser" in warning
