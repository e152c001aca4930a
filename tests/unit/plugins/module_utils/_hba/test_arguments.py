"""Options become typed rules at once; what cannot be used is named with what would be accepted."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.arguments import component
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.arguments import secrets
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.rules import Rule

RULE: dict[str, t.Any] = {"type": "host", "databases": ["db"], "users": ["u"], "address": "10.0.0.0/8", "method": "md5"}


def test_typed_at_once() -> None:
    given = {**RULE, "options": {"map": "m", "delegate_ident_mapping": True}, "databases": "db", "comment": ""}
    desired = component({"rules": [given], "manage": "block"}).desired
    assert desired.rules == (
        Rule(
            "host",
            ("db",),
            ("u",),
            "md5",
            "10.0.0.0/8",
            options=(("map", "m"), ("delegate_ident_mapping", "1")),
            comment="",
        ),
    )
    assert desired.manage == "block" and desired.position == "first" and desired.block_name == "rules"


def test_nothing_given_is_hands_off() -> None:
    assert component({}).desired.hands_off
    assert component({"rules": None}).desired.hands_off
    assert not component({"state": "absent", "manage": "block"}).desired.hands_off


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"rules": []},
            "hba.rules: [] cannot be used: give at least one rule: a file without rules locks everybody out",
        ),
        ({"rules": "x"}, "hba.rules: 'x' cannot be used: give a list of rules"),
        ({"rules": ["x"]}, "hba.rules[0]: 'x' cannot be used: give a dictionary with type, databases"),
        (
            {"rules": [RULE, {**RULE, "address": "10.0.0.0/99"}]},
            "hba.rules[1].address: '10.0.0.0/99' cannot be used: give",
        ),
        ({"rules": [{**RULE, "method": "magic"}]}, "hba.rules[0].method: 'magic' cannot be used: give one of trust,"),
        ({"rules": [{**RULE, "type": "tcp"}]}, "hba.rules[0].type: 'tcp' cannot be used: give one of local, host,"),
        ({"rules": [{**RULE, "user": "x"}]}, "hba.rules[0].user: 'user' cannot be used: known are type, databases"),
        ({"rules": [{"type": "local"}]}, "hba.rules[0].databases: None cannot be used: give a list of databases"),
        (
            {"rules": [{**RULE, "databases": []}]},
            "hba.rules[0].databases: [] cannot be used: give at least one database",
        ),
        ({"rules": [{**RULE, "users": [True]}]}, "hba.rules[0].users[0]: True cannot be used: give a string"),
        ({"rules": [{**RULE, "options": "map=m"}]}, "hba.rules[0].options: 'map=m' cannot be used: give a dictionary"),
        ({"state": "absent"}, "hba.state: 'absent' cannot be used: only a block"),
        ({"manage": "some"}, "hba.manage: 'some' cannot be used: give one of file, block"),
        ({"path": "pg_hba.conf"}, "hba.path: 'pg_hba.conf' cannot be used: give an absolute path"),
        ({"block_name": "a\nb"}, "hba.block_name: 'a\\nb' cannot be used: give up to 63"),
    ],
)
def test_bad_input(values: dict[str, t.Any], message: str) -> None:
    with pytest.raises(InputError) as refused:
        component(values, option="hba")
    assert str(refused.value).startswith(message)


def test_secrets_are_found_in_whatever_is_given() -> None:
    options = {"radiussecrets": "one", "ldapbindpasswd": "two", "map": "m"}
    assert secrets([{**RULE, "options": options}, {"options": "x"}, 3]) == {"one", "two"}
    assert secrets(None) == set()
