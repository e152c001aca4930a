"""Planning: one written file, one reload, or nothing."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import ManagedElsewhere
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import ServerRefused
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.access import LISTED
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.access import SHOWN
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.access import WORDS
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.world import World
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.arguments import component
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.state import Rejected
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.state import State
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Plan
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Planned
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Reload
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import WriteFile

OWN = {"type": "local", "databases": ["all"], "users": ["postgres"], "method": "peer"}
WORLD = {"type": "host", "databases": ["all"], "users": ["all"], "address": "all", "method": "trust"}


def state(text: str | None, **values: t.Any) -> State:
    content = None if text is None else text.encode("utf-8", "surrogateescape")
    return State(**{"path": "/pg_hba.conf", "text": text, "content": content, "major": 17, **values})


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
    planned = plan("", rules=[OWN, WORLD])
    warning, plaintext = Plan((planned,)).findings()
    assert "trust-world" in warning and "/pg_hba.conf line 5" in warning and "(plaintext, medium)" in plaintext
    lint = Plan((planned,)).standing()["lint"]
    assert [(item["code"], item["line"]) for item in lint] == [("trust-world", 5), ("plaintext", 5)]
    assert {*lint[0]} == {"code", "severity", "path", "line", "reason"}


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


def test_a_file_as_desired_with_a_line_at_fault_is_refused_like_any_other() -> None:
    text = written(plan("local all all peer\n", manage="block")) + "nonsense\n"
    rejected = (Rejected("/pg_hba.conf", 8, "invalid connection type"),)
    with pytest.raises(ServerRefused, match=r"invalid connection type \"nonsense\""):
        plan(text, manage="block", about={"rejected": rejected})


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_file_that_is_written_ends_its_last_line(newline: str) -> None:
    text = newline.join(["# c", "local all postgres peer"])
    assert plan(text, sentinel=False).steps == ()
    marked = written(plan(text))
    assert marked.endswith(text + newline) and plan(marked).steps == ()
    assert written(plan(marked[: -len(newline)])) == marked
    assert written(plan(marked[: -len(newline)], sentinel=False)) == text + newline


def test_hands_off_looks_and_proposes() -> None:
    planned = component({}).plan(state("local all all trust\nhost all all all md5\n"))
    assert planned.steps == () and planned.warnings == planned.findings == ()
    reasons = [entry.reason for entry in planned.left_alone]
    assert len(reasons) == 4 and all(reason.startswith("no rules were given; ") for reason in reasons)
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


def test_who_gains_and_who_loses() -> None:
    world = World(roles={"postgres": (), "ann": ()}, databases=frozenset(("app",)))
    rules = [OWN, {**WORLD, "type": "hostssl", "users": ["ann"], "address": "10.0.3.0/24", "method": "scram-sha-256"}]
    text = "local all all peer\nhost app all 192.0.2.0/24 md5\n"
    planned = plan(text, rules=rules, about={"population": world})
    [meant] = planned.consequences
    assert meant.subject == "who can connect"
    assert meant.before.splitlines() == [
        "loses: local; database all; user all except postgres: peer -> no match",
        "loses: host; database app; user all from 192.0.2.0/24: md5 -> no match",
    ]
    assert meant.after == "gains: hostssl; database all; user ann from 10.0.3.0/24: no match -> scram-sha-256"
    assert planned.facts["access_left_out"] == 0
    assert planned.facts["access"][2] == {
        "effect": "gains",
        "types": ["hostssl"],
        "databases": ["all"],
        "users": ["ann"],
        "addresses": ["10.0.3.0/24"],
        "before": "no match",
        "after": "scram-sha-256",
    }
    [diff, _file] = Plan((planned,)).diff()
    assert diff["before_header"].startswith("who can connect") and diff["before"] == meant.before + "\n"

    again = plan(written(planned), rules=rules)
    assert again.facts == {"access": [], "access_left_out": 0} and again.consequences == ()


def test_a_change_that_is_none_for_clients() -> None:
    text = written(plan(""))
    [meant] = plan(text, rules=[{**OWN, "comment": "us"}]).consequences
    assert (meant.before, meant.after) == ("", "nobody gains or loses")
    [meant] = plan(
        text, rules=[{**OWN, "comment": "us"}], about={"loaded": 1.0, "modified": 2.0, "now": 3.0}
    ).consequences
    assert "not what the server works with" in meant.after


def test_many_differences_are_cut_and_counted() -> None:
    def rules(third: int) -> list[dict[str, t.Any]]:
        many = [{**WORLD, "users": [f"u{n}"], "address": f"10.{third}.{n // 250}.{n % 250}/32"} for n in range(700)]
        return [OWN, *many, {**WORLD, "users": ["ann"], "address": f"192.0.2.{third}/32"}]

    planned = plan(written(plan("", rules=rules(1)))[:], rules=[OWN, {**WORLD, "address": "192.0.2.7/32"}])
    [meant] = planned.consequences
    assert len(meant.before.splitlines()) == SHOWN - 1
    assert meant.after.splitlines() == [
        "gains: host; database all; user all from 192.0.2.7: no match -> trust",
        f"loses: {701 - SHOWN + 1} more such groups of connections",
    ]
    assert len(planned.facts["access"]) == LISTED and planned.facts["access_left_out"] == 702 - LISTED

    planned = plan(
        written(plan("", rules=[OWN])), rules=rules(1)[:1] + [{**rules(1)[-1], "users": [f"u{n}" for n in range(150)]}]
    )
    [region] = planned.facts["access"]
    assert (
        len(region["users"]) == WORDS and region["users_left_out"] == 150 - WORDS and "addresses_left_out" not in region
    )


def test_findings_that_are_fatal() -> None:
    rules = [OWN, WORLD]
    with pytest.raises(RampartError) as refused:
        plan("", rules=rules, fail_on=["md5", "trust-world"])
    assert "fail_on" in str(refused.value) and "/pg_hba.conf:5: anybody from anywhere" in str(refused.value)
    assert [item["code"] for item in refused.value.details["lint"]] == ["trust-world"]
    assert plan("", rules=rules, fail_on=["md5"]).steps
    text = written(plan("", rules=rules))
    with pytest.raises(RampartError, match="fail_on"):
        plan(text, rules=rules, fail_on=["trust-world"])
    with pytest.raises(RampartError, match="fail_on"):
        component({"fail_on": ["trust-local"]}).plan(state("local all all trust\n"))
    with pytest.raises(InputError, match=r"hba.fail_on\[0\]: 'trust' cannot be used: known are cannot-match, "):
        component({"fail_on": ["trust"]}, option="hba")
    with pytest.raises(InputError, match="give a list of codes"):
        component({"fail_on": "md5"})


def test_a_catch_all_only_where_it_is_asked_for() -> None:
    rules = [OWN, {**WORLD, "method": "reject"}]
    assert plan("", rules=rules, catch_all=True, fail_on=["no-catch-all"]).steps
    assert plan("", rules=rules[:1], fail_on=["no-catch-all"]).steps
    with pytest.raises(RampartError, match="no-catch-all"):
        plan("", rules=rules[:1], catch_all=True, fail_on=["no-catch-all"])


def test_rules_are_judged_for_the_server_that_they_will_be_on() -> None:
    rules = [OWN, {**WORLD, "type": "hostssl", "users": ["ann"], "address": "10.0.0.0/8", "method": "scram-sha-256"}]
    hba = component({"rules": rules})
    off = state("local all all peer\n", ssl=False)

    def told(planned: Planned) -> tuple[list[str], bool]:
        return [item["code"] for item in Plan((planned,)).standing()["lint"]], "hostssl" in str(planned.facts["access"])

    assert told(hba.plan(off, {})) == (["cannot-match"], False)
    assert told(hba.plan(off, {"settings": {"ssl": "on"}})) == ([], True)
    on = state("local all all peer\n")
    assert told(hba.plan(on, {"settings": {"ssl": "off"}})) == (["cannot-match"], False)
    assert told(hba.plan(on, {"settings": {"port": "5432"}})) == ([], True)
