"""The files as they will be: what a plan writes covers what is on disk."""

from __future__ import annotations

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._admission.texts import Texts
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.dialects import DIALECTS
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.recorder import Snapshot
from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Paths

DISK = Snapshot(
    texts={
        "/none/hba.conf": "include_dir d\nlocal all all peer\n",
        "/none/ident.conf": "m u p\n",
        "/none/d/a.conf": "local a all trust\n",
        "/none/d/b.conf": "local b all trust\n",
    },
    directories={"/none/d": ("a.conf", "b.conf")},
)


def coming(planned: dict[str, bytes | None]) -> Texts:
    paths = Paths("/none/postgresql.conf", "/none", "/none/hba.conf", "/none/ident.conf")
    texts = Texts(paths=paths, dialect=DIALECTS[17], sources=DISK, planned=planned, interfaces=()).loaded(ssl=True)
    assert [record.databases[0].text for record in texts.rules] == ["a", "b", "all"] and len(texts.mappings) == 1
    return texts.coming({"ssl": "on"})


@pytest.mark.parametrize(
    ("planned", "databases", "maps"),
    [
        ({}, ["a", "b", "all"], ["m"]),
        ({"/none/hba.conf": b"local x all peer\ninclude d/b.conf\n"}, ["x", "b"], ["m"]),
        ({"/none/d/a.conf": None}, ["b", "all"], ["m"]),
        ({"/none/d/c.conf": b"local c all trust\n"}, ["a", "b", "c", "all"], ["m"]),
        ({"/none/../none/d/b.conf": b"local z all trust\n"}, ["a", "z", "all"], ["m"]),
        ({"/none/ident.conf": b"n u p\no u p\n"}, ["a", "b", "all"], ["n", "o"]),
        ({"/none/hba.conf": None}, [], ["m"]),
        ({"/none/postgresql.conf": b""}, ["a", "b", "all"], ["m"]),
    ],
)
def test_what_a_plan_writes(planned: dict[str, bytes | None], databases: list[str], maps: list[str]) -> None:
    texts = coming(planned)
    assert [record.databases[0].text for record in texts.rules] == databases
    assert [record.map for record in texts.mappings] == maps


def test_an_authority_is_its_name_and_what_is_in_it() -> None:
    before = coming({})
    one = before.told("d/a.conf")
    assert before.told("") is None and one is not None and one.startswith("/none/d/a.conf ")
    assert len({one, before.told("d/b.conf"), coming({"/none/d/a.conf": b"x"}).told("d/a.conf")}) == 3


def test_a_parameter_may_name_another_file() -> None:
    paths = Paths("/none/postgresql.conf", "/none", "/none/hba.conf", "/none/ident.conf")
    texts = Texts(paths=paths, dialect=DIALECTS[17], sources=DISK, planned={}, interfaces=()).loaded(ssl=True)
    then = texts.coming({"ssl": "on", "hba_file": "d/a.conf", "ident_file": ""})
    assert [record.databases[0].text for record in then.rules] == ["a"] and len(then.mappings) == 1
