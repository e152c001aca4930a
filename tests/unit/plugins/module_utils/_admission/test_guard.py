"""What the guard makes of verdicts: refused, told, ended."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._admission.arguments import guards
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.client import Client
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.observe import OWN
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.observe import Session
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.observe import Slot
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.observe import State
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.observe import with_connect
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.observe import without_attributes
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.world import Database
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.world import Membership
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.world import Role
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.world import Sessions
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import CertificateReplaced
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import ConnectBecomes
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import MembershipBecomes
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import ParameterBecomes
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Plan
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Planned
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Reload
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import RoleBecomes
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import RoleLoses
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import RunSql
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Step
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import WriteFile
from ansible_collections.rampart.postgresql.tests.unit.plugins.module_utils._admission.sides import client
from ansible_collections.rampart.postgresql.tests.unit.plugins.module_utils._admission.sides import side

PATH = "pg_hba.conf"
OPEN = "local all all peer\nhost all,replication all all scram-sha-256\n"
TRUSTING = "local all all peer\nhost all,replication all all trust\n"
CLOSED = "local all all peer\n"
WRITE = Step("hba", PATH, "write the rules", "", "", WriteFile(PATH, b"", b""), reload=True)
CHANGE = Plan((Planned(steps=(WRITE,)),))
NOTHING = Plan((Planned(),))
MONITOR = {"name": "monitoring", "user": "app", "database": "shop", "address": "10.0.0.9"}


def state(before: str, after: str, *clients: Client, **values: t.Any) -> State:
    """A world that changes, and sessions of these clients; their processes are 1, 2, 3."""
    own = client("boss", "shop", account="boss", connected=True, label=OWN)
    sessions = tuple(
        Session(number, "2026-01-01 00:00:00+00", who, "psql", who.is_walsender)
        for number, who in enumerate(clients, start=1)
    )
    return State(**{"before": side(before), "after": side(after), "own": own, "sessions": sessions, **values})


def session(user: str = "app", **values: t.Any) -> Client:
    return client(user, values.pop("database", "shop"), "10.0.0.1", connected=True, **values)


def judged(state: State, plan: Plan = CHANGE, **values: t.Any) -> Planned:
    guard = guards(values)[-1]
    return guard.judge(state, plan)


def refused(state: State, plan: Plan = CHANGE, **values: t.Any) -> RampartError:
    with pytest.raises(RampartError) as caught:
        judged(state, plan, **values)
    return caught.value


def test_who_has_to_be_asked() -> None:
    [_tls, guard] = guards({})
    assert guard.concerned(CHANGE) and not guard.concerned(NOTHING)
    other = dataclasses.replace(WRITE, component="settings")
    assert not guard.concerned(Plan((Planned(steps=(other,), effects=(ParameterBecomes("work_mem", "1"),)),)))
    assert guard.concerned(Plan((Planned(steps=(other,), effects=(ParameterBecomes("ssl", "off"),)),)))
    assert guard.concerned(Plan((Planned(effects=(RoleLoses("app", "LOGIN"),)),)))
    assert not guard.concerned(Plan((Planned(effects=(RoleLoses("app", "CREATEDB"),)),)))
    assert guards({"must_admit": [MONITOR]})[-1].concerned(NOTHING)
    assert guards({"sessions": "terminate"})[-1].concerned(NOTHING)


def test_everybody_gets_in() -> None:
    planned = judged(state(OPEN, OPEN, session()))
    assert planned == Planned(facts={"sessions": []})


def test_a_session_is_refused_by_name() -> None:
    error = refused(state(OPEN, CLOSED, session(), session(), session("soon")))
    said = str(error)
    assert "2 sessions 1, 2 (psql): user app, database shop, from 10.0.0.1 would be refused: no rule matches it" in said
    assert "session 3 (psql): user soon" in said and "or set allow_lockout to true" in said
    assert [client["pids"] for client in error.details["refused"]] == [[1, 2], [3]]


def test_the_line_of_the_new_file_is_named() -> None:
    said = str(refused(state(OPEN, "local all all peer\n\nhost all app all reject\n", session())))
    assert "line 3 of the new pg_hba.conf (host all app all reject): the rule rejects it" in said


def test_own_connection() -> None:
    error = refused(state(OPEN, "local all all reject\n"))
    assert f"{OWN} (user boss, database shop, through the socket) would be refused: line 1 of the new" in str(error)
    assert not isinstance(error, InputError)
    planned = judged(state(OPEN, "local all all reject\n"), allow_lockout=True)
    assert len(planned.warnings) == 1 and not planned.steps
    # With nothing to write there is nothing to refuse.
    assert judged(state(CLOSED, "local all boss reject\n"), NOTHING).warnings


def test_refused_already() -> None:
    planned = judged(state(CLOSED, CLOSED, session()))
    assert len(planned.warnings) == 1 and planned.facts["sessions"][0]["action"] == "none"
    # Nobody knows what is in force: then nothing excuses.
    refused(state(CLOSED, CLOSED, session(), certain=False))


def test_unproven() -> None:
    found = state(TRUSTING, OPEN, session())
    assert [client["user"] for client in refused(found).details["unproven"]] == ["app"]
    for accepted in (
        {"user": "app"},
        {"database": "shop"},
        {"address": "10.0.0.0/24"},
        {"user": "app", "address": "10.0.0.1"},
    ):
        planned = judged(found, accept_unproven=[accepted], sessions="terminate")
        assert not planned.steps and not planned.warnings
    for other in ({"user": "old"}, {"address": "local"}, {"address": "10.0.1.0/24"}, {"address": "::/0"}):
        refused(found, accept_unproven=[other])
    # It answers for nobody who is certainly refused, nor for this run.
    refused(state(OPEN, CLOSED, session()), accept_unproven=[{"user": "app"}])
    refused(state(OPEN, "local all all scram-sha-256\n"), accept_unproven=[{"user": "boss"}])


def test_who_must_get_in() -> None:
    error = refused(state(OPEN, CLOSED), must_admit=[MONITOR])
    assert isinstance(error, InputError) and error.option == "must_admit[0]"
    assert "must_admit[0] (monitoring): user app, database shop, from 10.0.0.9 would be refused" in str(error)
    # Also when that is so already, and also when only something else is written.
    refused(state(CLOSED, CLOSED), must_admit=[MONITOR])
    assert judged(state(CLOSED, CLOSED), NOTHING, must_admit=[MONITOR]).warnings
    assert not judged(state(OPEN, OPEN), NOTHING, must_admit=[MONITOR]).warnings


def test_sessions_are_ended() -> None:
    found = state(OPEN, CLOSED, session(), session("old"))
    planned = judged(found, sessions="terminate")
    assert [step.subject for step in planned.steps] == ["session 1", "session 2"] and all(s.late for s in planned.steps)
    assert {each["action"] for each in planned.facts["sessions"]} == {"terminate"}
    [operation, _other] = [step.operation for step in planned.steps]
    assert isinstance(operation, RunSql) and not operation.undo
    assert "'1'::int" in operation.statement and "'2026-01-01 00:00:00+00'" in operation.statement
    assert judged(state(CLOSED, CLOSED, session()), NOTHING, sessions="terminate").steps
    # It is no excuse for others.
    refused(found, sessions="terminate", must_admit=[MONITOR])
    refused(state(TRUSTING, OPEN, session()), sessions="terminate")


def test_a_file_that_is_not_in_force_ends_nothing() -> None:
    found = state(CLOSED, CLOSED, session(), certain=False)
    assert not judged(found, NOTHING, sessions="terminate").steps
    loads = Plan((Planned(steps=(dataclasses.replace(WRITE, operation=Reload()),)),))
    assert judged(found, loads, sessions="terminate").steps


def test_replication_is_ended_only_where_its_clients_are_given_up() -> None:
    found = state(OPEN, CLOSED, session("copier", database="", replication=True))
    assert "replication client 1 (psql)" in str(refused(found, sessions="terminate"))
    assert not judged(found, allow_lockout=True).steps
    assert judged(found, allow_lockout=True, sessions="terminate").steps


def test_whom_nobody_could_ask() -> None:
    found = state(OPEN, OPEN, slots=(Slot("node2", None),), hidden=3)
    slot, hidden = judged(found).warnings
    assert "slot node2 is inactive" in slot and "3 sessions" in hidden
    assert not judged(found, NOTHING, must_admit=[MONITOR]).warnings


def test_a_long_list_is_cut_in_the_message_only() -> None:
    many = [client("app", "shop", f"10.0.1.{number}", connected=True) for number in range(30)]
    error = refused(state(OPEN, CLOSED, *many))
    assert "; and 10 more" in str(error) and len(error.details["refused"]) == 30


def test_roles_lose_attributes() -> None:
    roles = side(OPEN).roles or {}
    effects: list[t.Any] = [
        RoleLoses("app", "LOGIN"),
        RoleLoses("boss", "SUPERUSER"),
        RoleLoses("app", "CREATEDB"),
        RoleLoses("x", "LOGIN"),
    ]
    changed = without_attributes(roles, effects)
    assert (changed["app"].login, changed["boss"].superuser) == (False, False)
    assert {name for name in roles if changed[name] != roles[name]} == {"app", "boss"} and set(changed) == set(roles)


MD5 = "local all all peer\nhost all old 10.0.0.0/8 md5\nhost all app,boss all md5\n"
STRICT = MD5.replace(" md5", " scram-sha-256")


def test_nobody_with_an_md5_verifier_is_left_behind() -> None:
    error = refused(state(MD5, STRICT))
    assert "old (the first by" in str(error) and "verifiers are of kind md5" in str(error)
    assert [item["client"] for item in error.details["refused"]] == ["role old"]
    assert not judged(state(MD5, STRICT), allow_lockout=True).steps
    above = STRICT.splitlines()[1] + "\n" + MD5  # the rule with md5 stands yet, and is never reached
    assert "never pass that" in str(refused(state(MD5, above)))
    assert not judged(state(MD5, MD5.replace("boss all md5", "boss all scram-sha-256"))).steps  # its own rule stays
    changed = without_attributes(side(MD5).roles or {}, [RoleBecomes("old", "verifier", "scram-sha-256")])
    assert not judged(dataclasses.replace(state(MD5, STRICT), after=side(STRICT, roles=changed))).steps
    sleeping = {**(side(MD5).roles or {}), "old": Role("old", login=False, verifier="md5")}
    then = dataclasses.replace(state(MD5, STRICT), before=side(MD5, roles=sleeping), after=side(STRICT, roles=sleeping))
    assert not judged(then).steps
    assert not judged(state(MD5, STRICT.replace("10.0.0.0/8 scram-sha-256", "10.0.0.0/8 reject"))).steps  # meant so


def test_roles_become_others() -> None:
    roles = {"app": Role("app", member_of=(Membership("readers"), Membership("writers"))), "boss": Role("boss")}
    effects: list[t.Any] = [
        RoleBecomes("app", "connection_limit", 0),
        RoleBecomes("ghost", "connection_limit", 0),
        MembershipBecomes("app", "readers", None),
        MembershipBecomes("app", "writers", False),
        MembershipBecomes("ghost", "readers", None),
    ]
    changed = without_attributes(roles, effects)
    assert changed == {
        "app": Role("app", connection_limit=0, member_of=(Membership("writers", False),)),
        "boss": roles["boss"],
    }


def test_what_only_a_restart_keeps_out_is_not_ended() -> None:
    then, parameters = state(OPEN, CLOSED, session()), Plan((Planned(effects=(ParameterBecomes("hba_file", "x"),)),))
    plan = Plan((*CHANGE.parts, *parameters.parts))
    assert judged(then, plan, sessions="terminate").steps
    then = dataclasses.replace(then, reloaded=side(OPEN))
    assert "would be refused" in str(refused(then, plan, sessions="terminate"))
    assert not judged(then, plan, sessions="terminate", allow_lockout=True).steps


def test_who_shares_a_limit_that_is_reached_is_not_ended() -> None:
    roles = {"app": Role("app", connection_limit=1, verifier="scram-sha-256"), "boss": Role("boss", superuser=True)}
    full = side(OPEN, roles=roles, sessions=Sessions({"app": 3}))
    sharing = dataclasses.replace(state(OPEN, OPEN, session(), session(), session()), before=full, after=full)
    planned = judged(sharing, sessions="terminate")
    assert not planned.steps and not planned.warnings
    must = {"user": "app", "database": "shop", "address": "10.0.0.9"}
    assert "3 other sessions reach the limit" in str(refused(sharing, must_admit=[must]))
    assert not judged(sharing, must_admit=[{**must, "address": "10.0.0.1"}]).warnings  # it is one of them


def test_another_certificate_is_told_to_whom_it_may_concern() -> None:
    """Who verifies it only the clients know."""
    step = dataclasses.replace(WRITE, component="certificate")
    plan = Plan((Planned(steps=(step,), effects=(CertificateReplaced("tls.pem"),)),))
    [_tls, guard] = guards({})
    assert guard.concerned(plan)
    clients = [session(tls=True), session(tls=True), session("soon")]
    [warning] = judged(state(OPEN, OPEN, *clients, slots=(Slot("node", None),)), plan).warnings
    assert warning.startswith("tls.pem becomes another certificate") and warning.count("with TLS: user app") == 1
    assert "soon" not in warning
    assert not judged(state(OPEN, OPEN, session()), plan).warnings
    many = [session(database=f"d{number}", tls=True) for number in range(7)]
    assert "; and 2 more" in str(judged(state(OPEN, OPEN, *many), plan).warnings)
    must = {**MONITOR, "tls": True}
    assert "from 10.0.0.9 with TLS" in str(judged(state(OPEN, OPEN), plan, must_admit=[must]).warnings)


def test_who_has_connect_afterwards() -> None:
    databases = {"shop": Database("shop", owner="a"), "other": Database("other", owner="a")}
    effects = [ConnectBecomes("shop", "b", frozenset({"app"})), ConnectBecomes("gone", "b", frozenset())]
    changed = with_connect(databases, effects)
    assert changed == {**databases, "shop": Database("shop", owner="b", connect=frozenset({"app"}))}
