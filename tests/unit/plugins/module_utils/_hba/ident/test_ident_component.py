# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Planning pg_ident.conf: one written file, one reload, or nothing."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import ManagedElsewhere
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import ServerRefused
from ansible_collections.rampart.postgresql.plugins.module_utils._hba import state as hba
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.dialects import DIALECTS
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.ident.arguments import component
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.ident.mappings import Mapping
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.ident.mappings import check_mapping
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.ident.mappings import render_mappings
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.ident.records import parse_text
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.ident.state import State
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Planned
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Reload
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import WriteFile

OWN = {"map": "ops", "system_user": "postgres", "pg_user": "postgres"}
APP = {"map": "app", "system_user": "www", "pg_user": "app"}


def state(text: str | None, *, major: int = 17, rules: str = "local all all peer map=ops\n", **values: t.Any) -> State:
    content = None if text is None else text.encode("utf-8", "surrogateescape")
    about = hba.State(path="/pg_hba.conf", text=rules, major=major, loaded=10.0, now=20.0)
    return State(**{"path": "/pg_ident.conf", "text": text, "content": content, "rules": about, **values})


def plan(
    text: str | None, *, mappings: t.Any = (OWN,), about: dict[str, t.Any] | None = None, **values: t.Any
) -> Planned:
    return component({"mappings": list(mappings), **values}).plan(state(text, **(about or {})))


def written(planned: Planned) -> str:
    [step] = planned.steps
    assert isinstance(step.operation, WriteFile) and step.reload and step.operation.after is not None
    return step.operation.after.decode()


def test_a_plan_applied_leaves_nothing_to_do() -> None:
    text = written(plan("m u p\n"))
    assert text.endswith("# MAPNAME\tSYSTEM-USERNAME\tPG-USERNAME\nops\tpostgres\tpostgres\n")
    assert plan(text).steps == ()
    assert written(plan(None)) == text


def test_order_and_comment_are_changes() -> None:
    text = written(plan("", mappings=[OWN, APP]))
    assert plan(text, mappings=[OWN, APP]).steps == ()
    assert plan(text, mappings=[APP, OWN]).steps != ()
    assert plan(text, mappings=[OWN, {**APP, "comment": "one\ntwo"}]).steps != ()


def test_what_is_there_keeps_its_bytes() -> None:
    before = '# about\n\n# on call\nops   postgres  postgres # here\napp   "www"     old\ninclude_if_exists  more.conf\nx y z\n'
    more = {"include": "more.conf", "type": "include_if_exists", "map": None}
    text = written(plan(before, mappings=[OWN, APP, more]))
    assert text.endswith(before.replace("old", "app").replace("x y z\n", "")) and text.count("\n\n") == 2
    assert plan(text, mappings=[OWN, APP, more]).steps == ()
    assert (
        plan(
            before.replace("old", "app"), mappings=[OWN, APP, more, {"map": "x", "system_user": "y", "pg_user": "z"}]
        ).steps
        == ()
    )
    changed = written(plan(text, mappings=[{**OWN, "comment": "off\nhere"}, APP, more]))
    assert changed == text.replace("# on call", "# off")
    with pytest.raises(InputError, match=r"mappings\[0\]: .*included from 16 on"):
        plan("", mappings=[more], about={"major": 15})
    with pytest.raises(InputError, match=r"mappings\[0\].map: "):
        plan("", mappings=[{**more, "map": "m"}])


def test_a_block() -> None:
    before = "# mine\nops postgres postgres"
    text = written(plan(before, mappings=[APP], manage="block", position="last"))
    assert text == before + (
        "\n# BEGIN rampart.postgresql: mappings\napp\twww\tapp\n# END rampart.postgresql: mappings\n"
    )
    gone = component({"manage": "block", "state": "absent"})
    assert written(gone.plan(state(text))) == before + "\n"
    assert gone.plan(state(None)).steps == ()


def test_no_mappings_at_all_is_a_choice() -> None:
    rules = {"rules": "local all all peer\n"}
    assert "ops" not in written(plan("ops u p\n", mappings=[], about=rules))


def test_silence_means_hands_off() -> None:
    planned = component({}).plan(state("m /a p\n"))
    assert planned.steps == () and "not-anchored" in planned.left_alone[0].reason
    assert component({}).unproven(state("m\n")) == []


def test_a_file_that_is_not_loaded() -> None:
    text = written(plan(""))
    for about in ({"modified": 15.0}, {"complaints": (hba.Rejected("/pg_ident.conf", 9, "bad"),)}):
        [step] = plan(text, about=about).steps
        assert isinstance(step.operation, Reload)
    assert plan(text, about={"modified": 25.0}).steps == ()


def test_unproven_is_what_the_server_refuses() -> None:
    desired = component({"mappings": [OWN]})
    words = "the server refuses /pg_ident.conf:1: missing entry at end of line"
    assert desired.unproven(state("m u\n", complaints=None)) == [words]
    assert desired.unproven(state("m u\n", complaints=())) == []
    assert desired.unproven(state("m u p\n")) == []


def test_a_line_of_others_that_is_refused() -> None:
    with pytest.raises(ServerRefused, match="/pg_ident.conf:2: missing entry at end of line"):
        plan("m u p\nm u\n", manage="block")


def test_patroni() -> None:
    with pytest.raises(ManagedElsewhere, match="postgresql.pg_ident of patroni.yml"):
        plan("# Do not edit this file manually!\n# It will be overwritten by Patroni!\n")


@pytest.mark.parametrize(
    ("change", "where", "words"),
    [
        ({"map": ""}, "x.mappings[0].map", "give a name"),
        ({"map": 'a"b'}, "x.mappings[0].map", "balanced"),
        ({"system_user": '""'}, "x.mappings[0].system_user", "give a name"),
        ({"system_user": "/("}, "x.mappings[0].system_user", "parentheses () not balanced"),
        ({"pg_user": "p\nq"}, "x.mappings[0].pg_user", "ONE name"),
        ({"pg_user": "ALL"}, "x.mappings[0].pg_user", "in lower case"),
        ({"pg_user": "n" * 64}, "x.mappings[0].pg_user", "63 bytes"),
        ({"pg_user": "+"}, "x.mappings[0].pg_user", "no group has an empty name"),
        ({"pg_user": "\\1"}, "x.mappings[0].pg_user", "plain name"),
        ({"pg_user": "\\1", "system_user": "/^(?:a)$"}, "x.mappings[0].pg_user", "in parentheses"),
        ({"pg_user": None}, "x.mappings[0].pg_user", "give a name"),
        ({"pg_user": True}, "x.mappings[0].pg_user", "give a string"),
        ({"comment": "a\\"}, "x.mappings[0].comment", "swallow"),
        ({"colour": "red"}, "x.mappings[0].colour", "known are"),
    ],
)
def test_bad_mappings(change: dict[str, t.Any], where: str, words: str) -> None:
    with pytest.raises(InputError) as caught:
        component({"mappings": [{**OWN, **change}]}, option="x")
    assert caught.value.option == where and words in str(caught.value)


@pytest.mark.parametrize("name", ['"+"', "+g", "@" + "l" * 99, '"@"'])
def test_unusual_names(name: str) -> None:
    assert component({"mappings": [{**OWN, "pg_user": name}]}).desired.mappings is not None


@pytest.mark.parametrize(
    ("values", "where"),
    [
        ({"mappings": "m u p"}, "mappings"),
        ({"mappings": ["m u p"]}, "mappings[0]"),
        ({"manage": "line"}, "manage"),
        ({"state": "absent"}, "state"),
        ({"path": "pg_ident.conf"}, "path"),
        ({"block_name": "a\nb"}, "block_name"),
    ],
)
def test_bad_options(values: dict[str, t.Any], where: str) -> None:
    with pytest.raises(InputError) as caught:
        component(values)
    assert caught.value.option == where


def test_a_pattern_for_users_needs_16() -> None:
    mapping = {**OWN, "pg_user": "/^(post)gres$"}
    with pytest.raises(InputError, match="PostgreSQL 15 would take this as a name and never match"):
        plan("", mappings=[OWN, mapping], about={"major": 15})
    assert written(plan("", mappings=[mapping], about={"major": 16})).endswith("\t/^(post)gres$\n")
    with pytest.raises(InputError, match="parentheses"):
        plan("", mappings=[{**OWN, "pg_user": "/("}], about={"major": 16})


def test_long_lines_of_13() -> None:
    mapping = {**OWN, "system_user": "u" * 21000}
    with pytest.raises(InputError, match="holds less than 20479 bytes"):
        plan("", mappings=[mapping], about={"major": 13})
    assert written(plan("", mappings=[OWN, mapping], about={"major": 16}))


_NAME = st.one_of(
    st.text(st.sampled_from('ab ,#"/+@\\é\t()'), min_size=1, max_size=6),
    st.sampled_from(["all", '"all"', "+g", '"+g"', "/^(a)$", "\\1", "include"]),
)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.builds(Mapping, _NAME, _NAME, _NAME, st.sampled_from([None, "why", "a\nb"])), max_size=3),
    st.sampled_from(sorted(DIALECTS)),
)
def test_what_is_written_is_read_back(mappings: list[Mapping], major: int) -> None:
    kept = []
    text = ""
    for mapping in mappings:
        if any(name[0] == "@" and len(name) > 1 for name in (mapping.map, mapping.system_user, mapping.pg_user)):
            continue  # a file of names
        try:
            check_mapping(mapping, option="mapping")
            text += render_mappings([mapping], DIALECTS[major])[0].text
        except InputError:
            continue
        kept.append(mapping)
    records = parse_text(text, DIALECTS[major])
    assert all(record.accepted for record in records) and len(records) == len(kept)
    for record, mapping in zip(records, kept):
        for token, given_name in ((record.system_user, mapping.system_user), (record.pg_user, mapping.pg_user)):
            if '"' not in given_name:
                assert token.text == given_name
                if given_name == "all" or given_name[0] == "+":
                    assert not token.quoted
