"""The rule that tells which file is loaded: where it stands, what it vouches for, what answers mean."""

from __future__ import annotations

import dataclasses
import itertools
import re

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.difference import difference
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.arguments import component
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.dialects import DIALECTS
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.document import Management
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.lint import Context
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.lint import lint
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.meaning import RuleReading
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.records import parse_text
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.rules import Written
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.sentinel import judge
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.sentinel import sentinel_in
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.sentinel import with_sentinel
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.sentinel import without_sentinel
from ansible_collections.rampart.postgresql.plugins.module_utils._server.probe import Answer

FILE = Management()
BLOCK = Management(manage="block")
LAST = Management(manage="block", position="last")
RULES = "local\tall\tpostgres\tpeer\nhost\tall\tall\tall\treject\n"
SENTINEL = re.compile(r'local\t"(rampart:[0-9a-f]{32})"\tall\treject\t# .*\n')
LATEST = DIALECTS[18]

OURS, OTHERS = "rampart:" + "0" * 32, "rampart:" + "1" * 32


def text_of(management: Management, before: str = "", rules: str = RULES) -> str:
    return with_sentinel(applied(management, before, rules), management, LATEST)


def applied(management: Management, before: str, rules: str = RULES) -> str:
    return management.applied(before, [Written(line) for line in rules.splitlines()], RuleReading(LATEST))


@pytest.mark.parametrize("management", [FILE, BLOCK])
@pytest.mark.parametrize("before", ["", "# mine \\\n\nlocal all all trust", "local all all peer # x\r\n"])
def test_it_is_the_first_rule(management: Management, before: str) -> None:
    text = text_of(management, before)
    [found] = SENTINEL.finditer(text)
    assert sentinel_in(text, management, LATEST) == found.group(1)
    for dialect in DIALECTS.values():
        first = parse_text(text, dialect)[0]
        assert (first.databases[0].text, first.method, first.accepted) == (found.group(1), "reject", True)
    assert without_sentinel(text, management, LATEST) == applied(management, before)


def test_it_vouches_for_what_it_was_made_for() -> None:
    text = text_of(FILE)
    for changed in (text + "\n", text.replace("peer", "trust"), text.replace("# This", "# this")):
        assert sentinel_in(changed, FILE, LATEST) is None
    block = text_of(BLOCK, "local all all trust\n")
    assert sentinel_in(block.replace("all trust", "all peer"), BLOCK, LATEST) == sentinel_in(block, BLOCK, LATEST)
    assert sentinel_in(block.replace("postgres\tpeer", "postgres\ttrust"), BLOCK, LATEST) is None
    assert sentinel_in("local all all trust\n" + block, BLOCK, LATEST) is None
    assert sentinel_in(block, dataclasses.replace(BLOCK, block_name="other"), LATEST) is None


@pytest.mark.parametrize("management", [FILE, BLOCK])
@pytest.mark.parametrize("planted", ["host all all 0.0.0.0/0 trust\n", "# mine\nlocal all all trust # for a moment\n"])
def test_what_is_planted_before_it_goes_and_everything_else_is_as_it_was(management: Management, planted: str) -> None:
    text = text_of(management)
    begin = 0 if management is FILE else text.index("local")
    tampered = text[:begin] + planted + text[begin:]
    assert sentinel_in(tampered, management, LATEST) is None
    assert text_of(management, without_sentinel(tampered, management, LATEST)) == text


def test_other_rules_have_another_one() -> None:
    names = [
        sentinel_in(text_of(FILE, rules=rules), FILE, LATEST)
        for rules in (RULES, RULES + "local\ta\tb\ttrust\n", RULES)
    ]
    assert names[0] == names[2] != names[1] and None not in names


def test_only_the_first_of_several_blocks_has_one() -> None:
    second = Management(manage="block", block_name="second")
    text = text_of(BLOCK, applied(second, "local all all trust\n"))
    assert len(SENTINEL.findall(text)) == 1 and sentinel_in(text, BLOCK, LATEST) is not None
    assert text_of(second, text) == text and sentinel_in(text, second, LATEST) is None


def test_none_where_ours_are_not_the_first() -> None:
    assert text_of(LAST, "local all all trust\n") == applied(LAST, "local all all trust\n")


def test_what_pg_auto_failover_wrote_stays() -> None:
    kept = "host replication all 127.0.0.1/32 trust # Auto-generated by pg_auto_failover\n"
    text = text_of(FILE, kept)
    assert kept in text and parse_text(text, LATEST)[0].method == "reject"


def test_no_secret_is_in_the_hash() -> None:
    names = {
        sentinel_in(
            text_of(FILE, rules=f"host a b all ldap ldapserver=s ldapprefix=p ldapbindpasswd={word}\n"), FILE, LATEST
        )
        for word in ("one", "two")
    }
    assert len(names) == 1 and None not in names


def test_rules_that_were_read_from_a_file_of_ours() -> None:
    entry = {"type": "local", "databases": [f'"{OURS}"'], "users": ["all"], "method": "reject"}
    own = {"type": "local", "databases": ["all"], "users": ["all"], "method": "peer"}
    assert component({"rules": [entry, own]}).desired.rules == component({"rules": [own]}).desired.rules
    like_it = {**entry, "method": "trust"}
    assert len(component({"rules": [like_it, own]}).desired.rules or ()) == 2


def test_it_concerns_nobody() -> None:
    plain, text = parse_text(RULES, LATEST), text_of(FILE)
    with_it = parse_text(text, LATEST)
    assert len(with_it) == len(plain) + 1
    context = Context(LATEST, text=text, catch_all=True)
    assert [found.code for found in lint(with_it, context)] == [found.code for found in lint(plain, context)]
    assert not difference(plain, with_it, dialect=LATEST) and not difference(with_it, plain, dialect=LATEST)
    twice = parse_text(f'local "{OURS}" all reject\n' * 2 + RULES, LATEST)
    control = parse_text(f'local "x{OURS}" all reject\n' * 2 + RULES, LATEST)
    assert len(lint(twice, context)) == len(lint(plain, context)) < len(lint(control, context))
    assert difference(plain, control, dialect=LATEST)


def refused(code: str, message: str = 'database "{}" does not exist', name: str = OURS) -> Answer:
    return Answer(code=code, message=message.format(name))


def rejected(name: str) -> Answer:
    return refused("28000", 'pg_hba.conf rechaza la conexión: base de datos "{}"', name)


@pytest.mark.parametrize(
    ("answer", "controlled", "verdict"),
    [
        (rejected(OURS), refused("3D000", name=OTHERS), True),
        (rejected(OURS), refused("28000", 'no entry for "{}"', OTHERS), True),
        (rejected(OURS), Answer(asks=True), True),
        (rejected(OURS), rejected(OTHERS), None),
        (rejected(OURS), Answer(), None),
        (refused("3D000"), refused("3D000", name=OTHERS), False),
        (Answer(asks=True), Answer(asks=True), False),
        (Answer(admitted=True), refused("3D000", name=OTHERS), False),
        (refused("53300", "too many clients"), refused("53300", "too many clients"), None),
        (refused("57P03", "starting up"), refused("3D000", name=OTHERS), None),
        (Answer(), Answer(), None),
    ],
)
def test_what_answers_mean(answer: Answer, controlled: Answer, verdict: bool | None) -> None:
    assert judge(OURS, answer, OTHERS, controlled) is verdict


def test_no_answer_alone_proves_that_it_is_loaded() -> None:
    answers = [rejected(OURS), refused("3D000"), refused("53300"), Answer(), Answer(asks=True), Answer(admitted=True)]
    assert {judge(OURS, answer, OTHERS, Answer()) for answer in answers} <= {False, None}
    assert {judge(OURS, one, OURS, other) for one, other in itertools.product(answers, answers) if one == other} <= {
        False,
        None,
    }
