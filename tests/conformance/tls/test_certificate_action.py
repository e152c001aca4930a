# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller's half of a certificate, by real plays: what check mode says is what the run does."""

from __future__ import annotations

import base64
import json
import typing as t

import pytest

from ansible_collections.rampart.postgresql.tests.conformance.tls.authorities import TestAuthority
from ansible_collections.rampart.postgresql.tests.conformance.tls.authorities import issue
from ansible_collections.rampart.postgresql.tests.conformance.tls.authority_homes import PASSPHRASE
from ansible_collections.rampart.postgresql.tests.conformance.tls.authority_homes import Home
from ansible_collections.rampart.postgresql.tests.conformance.tls.authority_homes import Played
from ansible_collections.rampart.postgresql.tests.conformance.tls.authority_homes import play

if t.TYPE_CHECKING:
    import pathlib

    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

pytestmark = pytest.mark.in_turn
MODULE = "rampart.postgresql.certificate"


class Tasks:
    """Tasks with one server and one authority, and what became of them."""

    def __init__(self, server: Server, directory: pathlib.Path) -> None:
        self.home = Home(directory / "authority")
        self.home.make()
        self._directory = directory
        self._common = {"cluster": str(server.data_directory), "rehearse": False}
        self._tasks: list[dict[str, t.Any]] = []

    def options(self, *, passphrase: str = "{{ passphrase }}", **authority: t.Any) -> dict[str, t.Any]:
        """Of a certificate that the authority issues."""
        own = {"path": str(self.home.path), "passphrase": passphrase, **authority}
        return {"provider": "ca", "names": ["localhost"], "authority": own}

    def certificate(self, name: str, options: dict[str, t.Any], **keywords: t.Any) -> None:
        """The module certificate."""
        self.add(name, MODULE, {**self._common, **options}, **keywords)

    def cluster(self, name: str, options: t.Any, **keywords: t.Any) -> None:
        """The module cluster."""
        self.add(name, "rampart.postgresql.cluster", {**self._common, "certificate": options}, **keywords)

    def add(self, name: str, module: str, options: dict[str, t.Any], **keywords: t.Any) -> None:
        self._tasks.append({module: options, "register": name, "ignore_errors": True, **keywords})

    def played(self) -> tuple[Played, dict[str, t.Any]]:
        """The run, and the result of each task by its name."""
        names = [task["register"] for task in self._tasks]
        results = self._directory / "results.json"
        chosen = "{{ {" + ", ".join(f"'{name}': {name}" for name in names) + "} | to_json }}"
        keep = {"ansible.builtin.copy": {"content": chosen, "dest": str(results), "mode": "0600"}}
        done = play(self._directory / "play", [*self._tasks, keep], passphrase=PASSPHRASE)
        assert done.good, done.output
        return done, json.loads(results.read_text())


def test_the_authority_is_asked_in_check_mode_and_told_to_nobody(fresh_server: Server, tmp_path: pathlib.Path) -> None:
    tasks = Tasks(fresh_server, tmp_path)
    asked = tasks.options()
    wrong = tasks.options(passphrase="not the passphrase at all")
    tasks.certificate("early", tasks.options(path=str(tmp_path / "to_be_made"), trust_clients=True), check_mode=True)
    tasks.certificate("wrong", wrong, check_mode=True)
    tasks.certificate("check", asked, check_mode=True)
    own = {name: value for name, value in asked.items() if name != "names"}
    tasks.certificate("address", own, check_mode=True, vars={"ansible_host": "{{ network }}.17", "network": "192.0.2"})
    tasks.add("seen", "ansible.builtin.slurp", {"src": str(tasks.home.path / "issued.jsonl")})
    # a dictionary that is given as a text
    tasks.cluster("run", "{{ " + json.dumps(asked).replace('"{{ passphrase }}"', "passphrase") + " | to_json }}")
    tasks.certificate("again", {**wrong, "authority": "{{ " + f"{{'path': '{tasks.home.path}'}}" + " | to_json }}"})
    tasks.certificate("other", {**asked, "provider": "self_signed"})
    tasks.certificate("twice", {**tasks.options(trust_clients=True), "client_authorities": "mine"})
    tasks.certificate("misspelt", tasks.options(pasphrase="none"))
    tasks.certificate("relative", tasks.options(path="authority"))
    record = tasks.home.tree()["issued.jsonl"][1]
    done, results = tasks.played()

    assert results["early"]["changed"] and results["early"]["steps"], results["early"]
    assert any(
        "to_be_made is still to be made by certificate_authority" in text for text in results["early"]["warnings"]
    )
    assert "cannot be opened with this passphrase" in results["wrong"]["msg"]
    assert results["check"]["changed"] and "certificate_request" not in results["check"]
    assert base64.b64decode(results["seen"]["content"]) == record != tasks.home.tree()["issued.jsonl"][1]
    told = {
        name: [(step["subject"], step["description"]) for step in results[name]["steps"]] for name in ("check", "run")
    }
    assert told["run"] and told["check"] == told["run"]
    assert "192.0.2.17" in results["address"]["steps"][0]["after"]
    assert not results["again"]["changed"] and not results["again"]["failed"], results["again"]
    assert results["other"]["msg"].startswith("provider: 'self_signed' cannot be used")
    assert results["twice"]["msg"].startswith("client_authorities: 'mine...' cannot be used")
    assert results["misspelt"]["msg"].startswith("there is no option authority.pasphrase")
    assert results["relative"]["msg"].startswith("'authority' is not the absolute path")
    assert PASSPHRASE not in done.seen  # nor in the files that were sent to the host


def test_an_authority_that_ends_soon_signs_once(fresh_server: Server, tmp_path: pathlib.Path) -> None:
    authority = TestAuthority(tmp_path / "authority", intermediate_validity=20)
    options: dict[str, t.Any] = {"names": ["localhost"], "renew_before": 30}
    assert issue(fresh_server, authority, **options).changed
    again = issue(fresh_server, authority, **options)
    assert not again.failed and not again.changed, again.output
    assert "sign with another generation" in again.output
    authority.establish(generation=2, trusted=(1, 2), intermediate_validity=1825)
    assert issue(fresh_server, authority, **options).changed


def test_a_certificate_that_was_revoked_is_replaced_once(fresh_server: Server, tmp_path: pathlib.Path) -> None:
    tasks = Tasks(fresh_server, tmp_path)
    asked = tasks.options()
    tasks.certificate("first", asked)
    tasks.certificate("good", asked)
    tasks.add("pause", "ansible.builtin.pause", {"seconds": 2})
    revoked = {
        "host": "{{ inventory_hostname }}",
        "issued_before": "{{ now(utc=true).strftime('%Y-%m-%dT%H:%M:%SZ') }}",
    }
    authority = {"path": str(tasks.home.path), "passphrase": "{{ passphrase }}", "organization": "Example"}
    tasks.add("revoked", "rampart.postgresql.certificate_authority", {**authority, "revoked": [revoked]})
    tasks.certificate("second", asked)
    tasks.certificate("again", asked)
    _done, results = tasks.played()

    changed = {name: results[name]["changed"] for name in ("first", "good", "revoked", "second", "again")}
    assert changed == {"first": True, "good": False, "revoked": True, "second": True, "again": False}, results
    assert "it was made before" in results["second"]["steps"][0]["description"]
