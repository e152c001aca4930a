"""Every reason for which a client that has to get in would not, with a real login to prove it, and its positive control."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._hba.arguments import component
from ansible_collections.rampart.postgresql.tests.conformance.admission.logins import Login
from ansible_collections.rampart.postgresql.tests.conformance.admission.logins import Party
from ansible_collections.rampart.postgresql.tests.conformance.components import run_components

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from ansible_collections.rampart.postgresql.tests.conformance.servers import Workshop

Rule = dict[str, t.Any]
APP = Login("app", "shop", "plain")
ENCRYPTED = Login("app", "shop", "tls")
CERTIFIED = Login("app", "shop", "tls", certificate="/CN=app")
STANDBY = Login("copier", "", "plain", replication="physical")


def host(method: str = "scram-sha-256", kind: str = "host", **values: t.Any) -> Rule:
    address = {"address": "127.0.0.1/32", "method": method}
    return {"type": kind, "databases": ["all"], "users": ["all"], **address, **values}


WITH_CERTIFICATE = host("trust", "hostssl", options={"clientcert": "verify-full"})
GROUP = host(users=["+grp"])


@dataclasses.dataclass(frozen=True)
class Case:
    """A client that does not get in by a rule, one that does (or the rule by which it does), and the words for why."""

    words: str
    client: Login = APP
    rule: Rule = dataclasses.field(default_factory=host)
    control: Login | None = None
    other_rule: Rule | None = None


CASES = [
    Case("no rule matches it", rule=host(users=["boss"]), other_rule=host()),
    Case("the rule rejects it", rule=host("reject"), other_rule=host()),
    Case("no rule matches it", rule=host(kind="hostssl"), control=ENCRYPTED),
    Case("no rule matches it", client=ENCRYPTED, rule=host(kind="hostnossl"), control=APP),
    Case("no rule matches it", client=STANDBY, other_rule=host(databases=["replication"])),
    Case("no rule matches it", rule=GROUP, control=dataclasses.replace(APP, user="member")),
    Case("and it has none", client=ENCRYPTED, rule=WITH_CERTIFICATE, control=CERTIFIED),
    Case("CN of its certificate, app,", dataclasses.replace(CERTIFIED, user="boss"), WITH_CERTIFICATE, CERTIFIED),
    Case("NOLOGIN", dataclasses.replace(APP, user="idle"), control=APP),
    Case("there is no role nobody", dataclasses.replace(APP, user="nobody"), control=APP),
    Case("verifier is md5", dataclasses.replace(APP, user="old"), other_rule=host("md5")),
    Case("no password", dataclasses.replace(APP, user="bare"), other_rule=host("trust")),
    Case("VALID UNTIL 2020-01-01", dataclasses.replace(APP, user="late"), other_rule=host("trust")),
    Case("CONNECTION LIMIT 0", dataclasses.replace(APP, user="none_left"), control=APP),
    Case("database crowded: CONNECTION LIMIT 0", dataclasses.replace(APP, database="crowded"), control=APP),
    Case("CONNECT not granted", dataclasses.replace(APP, database="den"), control=APP),
    Case("ALLOW_CONNECTIONS false", dataclasses.replace(APP, database="closed"), control=APP),
    Case("there is no database missing", dataclasses.replace(APP, database="missing"), control=APP),
    Case("NOREPLICATION", dataclasses.replace(APP, replication="logical"), control=APP),
]


@pytest.fixture(scope="module")
def party(workshop: Workshop, major: int) -> Iterator[Party]:
    server = workshop.server(major)
    yield Party(server)
    workshop.discard(server)


def hba(party: Party, rule: Rule, client: Login, **demands: t.Any) -> dict[str, t.Any]:
    own = {"type": "local", "databases": ["all"], "users": [party.server.superuser], "method": "peer"}
    must = {
        "user": client.user,
        "address": "127.0.0.1",
        "tls": client.way == "tls",
        "replication": bool(client.replication),
        **({"database": client.database} if client.database else {}),
        **({"certificate": client.certificate.partition("CN=")[2]} if client.certificate else {}),
    }
    wanted = component({"rules": [own, rule]})
    return dict(run_components(party.server, lambda: [wanted], rehearse=False, must_admit=[must], **demands).values)


@pytest.mark.in_turn
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.client.user}-{case.words}")
def test_it_fails_before_anything_is_written(party: Party, case: Case) -> None:
    party.use("")
    before = party.server.hba_file.read_bytes()
    refused = hba(party, case.rule, case.client)
    assert refused["failed"] and "must_admit[0]" in refused["msg"] and case.words in refused["msg"], refused
    assert party.server.hba_file.read_bytes() == before
    assert not hba(party, case.rule, case.client, allow_lockout=True).get("failed")
    assert party.try_login(case.client) is not None
    client, rule = case.control or case.client, case.other_rule or case.rule
    assert not hba(party, rule, client).get("failed")
    assert party.try_login(client) is None
