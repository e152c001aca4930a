"""What a change of the rules means, and what is unwise in them, as the module says it about real servers."""

from __future__ import annotations

import typing as t

import psycopg
import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._hba.arguments import component
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.finding import CODES
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.arguments import component as settings
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.arguments import component as certificate
from ansible_collections.rampart.postgresql.tests.conformance.components import run_components
from ansible_collections.rampart.postgresql.tests.conformance.modules import run_module

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

Rule = dict[str, t.Any]


def own(server: Server) -> Rule:
    return {"type": "local", "databases": ["all"], "users": [server.superuser], "method": "peer"}


def remote(kind: str = "host", *, user: str = "app", method: str = "trust", address: str = "127.0.0.1/32") -> Rule:
    return {"type": kind, "databases": ["all"], "users": [user], "address": address, "method": method}


def hba(server: Server, *, check: bool = False, **values: t.Any) -> dict[str, t.Any]:
    result = run_components(server, lambda: [component(values)], check=check, rehearse=False)
    return dict(result.values)


def test_who_gains_and_who_loses(fresh_server: Server) -> None:
    """The same in check mode and in the run, and as clients find it."""
    fresh_server.query("CREATE ROLE staff; CREATE ROLE app LOGIN IN ROLE staff; CREATE ROLE other LOGIN")
    hba(fresh_server, rules=[own(fresh_server), remote(), remote(user="other", method="reject")])
    fresh_server.connect(host="127.0.0.1", user="app").close()
    rules = [own(fresh_server), remote(user="other"), remote(user="+staff", method="reject")]

    checked = hba(fresh_server, rules=rules, check=True)
    assert [(r["effect"], r["users"], r["addresses"], r["before"], r["after"]) for r in checked["access"]] == [
        ("loses", ["app"], ["127.0.0.1"], "trust", "reject"),
        ("gains", ["other"], ["127.0.0.1"], "reject", "trust"),
    ]
    meaning, text = checked["diff"]
    assert meaning["before_header"] == "who can connect (now)" and text["before_header"].startswith("/")
    assert meaning["before"].startswith("loses: ") and meaning["after"].startswith("gains: ")
    done = hba(fresh_server, rules=rules)
    assert done["changed"] and (done["access"], done["diff"][0]) == (checked["access"], meaning)

    fresh_server.connect(host="127.0.0.1", user="other").close()
    with pytest.raises(psycopg.OperationalError, match="pg_hba.conf rejects"):
        fresh_server.connect(host="127.0.0.1", user="app")
    again = hba(fresh_server, rules=rules)
    assert not again["changed"] and again["access"] == [] and again["access_left_out"] == 0


UNWISE = r"""local all all peer
nonsense
host all all all trust
host d1 all 10.0.0.0/8 trust
local d2 all trust
host d3 app 10/8 password
host ALL app 10.0.0.0/8 ident
# \
host d4 app 10.0.0.0/8 md5
hostssl d5 app 10.0.0.0/8 scram-sha-256
host d6 {superuser} 10.0.0.0/8 scram-sha-256
local all other peer
host replication app all md5
host replication app 10.0.0.0/8 reject
host d7 app 10.0.0.0/9 reject
host d7 app 10.0.0.0/8 md5
local all other peer
"""


def test_every_code_and_its_line(fresh_server: Server) -> None:
    """The file is only looked at. From 14 on the backslash swallows the line after it."""
    text = UNWISE.format(superuser=fresh_server.superuser)
    fresh_server.hba_file.write_text(text, encoding="utf-8")
    said = hba(fresh_server, catch_all=True)
    assert not said["changed"] and not said.get("failed"), said
    assert fresh_server.hba_file.read_text(encoding="utf-8") == text
    lines = {(item["code"], item["line"]) for item in said["lint"]}
    continued = fresh_server.major >= 14
    assert lines >= {
        *(("rejected", 2), ("trust-world", 3), ("trust-network", 4), ("trust-local", 5), ("unreachable", 5)),
        *(("cleartext-password", 6), ("short-address", 6), ("ident", 7), ("literal-keyword", 7), ("cannot-match", 10)),
        *(("superuser-remote", 3), ("superuser-remote", 11), ("unreachable", 11), ("open-world", 13)),
        *(("replication-world", 13), ("duplicate", 17), ("no-catch-all", 17)),
        ("continued-comment", 8) if continued else ("md5", 9),
    }
    assert not lines & ({("md5", 9)} if continued else {("continued-comment", 8)})
    assert {code for code, _line in lines} >= set(CODES) - {"plaintext", "contradicted"} - (
        set() if continued else {"continued-comment"}
    )
    assert all(item["path"] == str(fresh_server.hba_file) and item["reason"] for item in said["lint"])


def test_a_fatal_finding_leaves_everything_as_it_is(fresh_server: Server) -> None:
    rules = [own(fresh_server), remote(address="10.0.0.0/8")]
    before = fresh_server.hba_file.read_bytes()
    refused = run_module("hba", fresh_server, rules=rules, fail_on=["trust-network"])
    assert (
        refused.failed and "(trust-network, high)" in refused.message and f"{fresh_server.hba_file}:" in refused.message
    )
    assert [item["code"] for item in refused.values["lint"]] == ["trust-network"]
    assert fresh_server.hba_file.read_bytes() == before
    unknown = run_module("hba", fresh_server, rules=rules, fail_on=["trust"])
    assert unknown.failed and "fail_on" in unknown.message and "trust-network" in unknown.message

    assert hba(fresh_server, rules=rules, fail_on=["trust-world"], check=True)["changed"]
    assert hba(fresh_server, rules=rules, catch_all=True, fail_on=["no-catch-all"], check=True)["failed"]
    complete = [*rules, remote(user="all", method="reject", address="all")]
    assert hba(fresh_server, rules=complete, catch_all=True, fail_on=["no-catch-all"], check=True)["changed"]


def test_rules_are_judged_for_the_server_as_the_same_run_makes_it(fresh_server: Server) -> None:
    """TLS comes with the same run, so what needs it has an effect, and what goes without it is named."""
    rules = [own(fresh_server), remote("hostssl", method="md5"), remote(address="10.0.0.0/8", method="md5")]

    def run(*, check: bool) -> dict[str, t.Any]:
        result = run_components(
            fresh_server,
            lambda: [
                certificate({"names": ["localhost"], "configure": True}),
                settings({"sections": {"pg_tls": {"ssl": "on"}}}),
                component({"rules": rules}),
            ],
            check=check,
            rehearse=False,
        )
        return dict(result.values)

    without = hba(fresh_server, rules=rules, check=True)
    assert [item["code"] for item in without["lint"]] == ["md5", "cannot-match", "md5"]
    assert not any("hostssl" in region["types"] for region in without["access"])
    checked = run(check=True)
    assert [item["code"] for item in checked["lint"]] == ["md5", "md5", "plaintext"]
    assert any(region["types"] == ["hostssl"] for region in checked["access"])
    done = run(check=False)
    assert done["changed"] and (done["lint"], done["access"]) == (checked["lint"], checked["access"])
    assert not run(check=False)["changed"]
