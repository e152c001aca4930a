"""Keys that may fetch: what is written among the others, and what would be more than that."""

from __future__ import annotations

import json
import typing as t

import pytest
from rampart_backup.faults import DefinitionFault
from rampart_backup.places.offering import lines
from rampart_backup.places.offering import with_block

KEY: t.Final = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBkq+/x= rampart-pull"
OFFER: t.Final = {"path": "/var/backups/postgresql", "public_key": KEY}


def line(**changes: t.Any) -> str:
    """Of one offer."""
    (found,) = lines(json.dumps({"offers": [{**OFFER, **changes}]}), "/usr/local/bin/rampart-backup")
    return found


def test_a_key_may_run_one_command() -> None:
    command = 'command="/usr/local/bin/rampart-backup vault /var/backups/postgresql --may offer"'
    assert line() == f"restrict,{command} {KEY}"
    assert line(public_key=f"{KEY}\n") == line()
    assert line(**{"from": "10.0.0.0/8,*.example.com"}) == f'restrict,from="10.0.0.0/8,*.example.com",{command} {KEY}'


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"public_key": f"{KEY}\n{KEY}"}, "offers[0].public_key"),
        ({"public_key": f'command="/bin/sh" {KEY}'}, "offers[0].public_key"),
        ({"public_key": ""}, "offers[0].public_key"),
        ({"path": "var"}, "offers[0].path"),
        ({"path": '/var" ssh'}, "offers[0].path"),
        ({"path": "/var; sh"}, "offers[0].path"),
        ({"from": 'x" y'}, "offers[0].from"),
        ({"may": "read"}, "offers[0].may is not known"),
    ],
)
def test_what_would_be_more_is_refused(changes: dict[str, t.Any], said: str) -> None:
    with pytest.raises(DefinitionFault) as caught:
        line(**changes)
    assert said in str(caught.value)


@pytest.mark.parametrize("others", ["", "ssh-rsa AAAA somebody\n", "# no end of the line"])
def test_lines_of_others_stay(others: str) -> None:
    once = with_block(others, ["one"])
    assert once.startswith(others)
    assert once.splitlines()[-2] == "one"
    assert with_block(once, ["one"]) == once
    assert with_block(once + "later\n", ["two"]).splitlines()[-1] == "later"
    assert "one" not in with_block(once, ["two"])
    assert with_block(once, []).strip() == others.strip()
    assert with_block(others, []) == others
