"""No secret of a server is in what cluster_info returns, and the search would find one."""

from __future__ import annotations

import json
import typing as t

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._server import drivers
from ansible_collections.rampart.postgresql.tests.conformance.facts.looking import facts
from ansible_collections.rampart.postgresql.tests.conformance.modules import run_module

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

MARK = "s3cr3t"  # which every secret begins with
SHOWN = f"{MARK}-shown"

STATEMENTS = (
    f"CREATE ROLE verified LOGIN PASSWORD '{MARK}-password'",
    "CREATE ROLE app LOGIN; CREATE ROLE other",
    f"ALTER ROLE app SET app.jwt_secret = '{MARK}-role'",
    f"ALTER ROLE app SET app.harmless_name = '{MARK}-placeholder'",
    f"ALTER DATABASE postgres SET pgrst.token = '{MARK}-database'",
    "CREATE FOREIGN DATA WRAPPER w",
    f"CREATE SERVER far FOREIGN DATA WRAPPER w OPTIONS (host 'h', token '{MARK}-server')",
    f"CREATE USER MAPPING FOR app SERVER far OPTIONS (\"user\" 'u', password '{MARK}-mapping', odd '{MARK}-odd')",
    f"CREATE SUBSCRIPTION one CONNECTION 'host=h user=u password={MARK}-subscription' PUBLICATION p"
    " WITH (connect = false, enabled = false, slot_name = NONE, create_slot = false)",
    f"CREATE SUBSCRIPTION two CONNECTION 'postgresql://u:{MARK}-uri@h/d?sslpassword={MARK}-key' PUBLICATION p"
    " WITH (connect = false, enabled = false, slot_name = NONE, create_slot = false)",
    f"ALTER SYSTEM SET primary_conninfo = 'user=repl password=''{MARK} with blanks'' sslmode=require'",
    f"ALTER SYSTEM SET ssl_passphrase_command = 'echo {MARK}-passphrase'",
    f"ALTER SYSTEM SET archive_command = 'push --key={MARK}-archive'",
    f"ALTER SYSTEM SET restore_command = 'pull --key={MARK}-restore'",
    f"ALTER SYSTEM SET archive_cleanup_command = 'clean --key={MARK}-cleanup'",
    f"ALTER SYSTEM SET recovery_end_command = 'end --key={MARK}-end'",
)
RULES = f"""\
local all all trust
hostssl all all 10.0.0.1/32 ldap ldapserver=l ldapbasedn="x" ldapbinddn=b ldapbindpasswd="{MARK} ldap"
host all all 10.0.0.2/32 radius radiusservers=127.0.0.1 radiussecrets={MARK}-radius
host all all 10.0.0.3/32 ldap ldapserver=l ldapbindpasswd= {MARK}-apart
host all all 10.0.0.4/32 radius radiusservers=127.0.0.1 radiussecrets="{MARK}-""broken"
"""


def planted(server: Server) -> str:
    """A server full of secrets, with every one in its place; returns the verifier of a password."""
    for statement in STATEMENTS:
        server.query(statement)
    with server.owner.acting(), server.conf_file.open("a", encoding="utf-8") as stream:
        stream.write(f"app.token = '{MARK}-placeholder'\narchive_mode = on\n")
    server.restart()
    server.hba_file.write_text(RULES, encoding="utf-8")
    found = server.query("SELECT setting FROM pg_settings WHERE name IN ('archive_command', 'primary_conninfo')")
    assert all(MARK in str(setting) for (setting,) in found), found
    [(verifier,)] = server.query("SELECT rolpassword FROM pg_authid WHERE rolname = 'verified'")
    assert str(verifier).startswith(("md5", "SCRAM-SHA-256$"))
    return str(verifier)


def test_no_secret_is_returned(fresh_server: Server) -> None:
    server = fresh_server
    verifier = planted(server)
    result = run_module("cluster_info", server, gather=["all"])
    assert not result.failed, result.message
    assert MARK not in result.output
    assert verifier not in result.output
    found = result.values
    assert found["settings"]["archive_command"]["setting"] == "(not shown)"
    assert found["replication"]["archiving"]["command_set"] is True
    assert found["replication"]["conninfo"] == {"role": "repl", "sslmode": "require", "password_in_clear": True}
    assert [row["password_in_conninfo"] for row in found["subscriptions"]] == [True, True]
    assert [row["password"] for row in found["user_mappings"]] == [True]
    assert {row["value"] for row in found["role_settings"]} == {"(not shown)"}
    assert len(found["hba"]["rules"]) == 5
    # The control: where a value is no secret by its place, it is told, and found.
    server.query(f"ALTER SYSTEM SET log_line_prefix = '{SHOWN}'")
    server.query(f'CREATE SCHEMA "{SHOWN}"')
    server.reload()
    again = facts(server, "catalogue", "hba", "databases", "replication")
    assert json.dumps(again).count(SHOWN) == json.dumps(again).count(MARK) > 0
    assert again["settings"]["log_line_prefix"]["setting"] == SHOWN
    assert SHOWN in {row["schema"] for row in again["schemas"]}


@pytest.mark.in_turn
@pytest.mark.parametrize("driver", ["psycopg2", "psql"])
def test_every_driver_reads_the_same_of_it(fresh_server: Server, driver: str, monkeypatch: pytest.MonkeyPatch) -> None:
    server = fresh_server
    planted(server)
    wanted = ("catalogue", "hba", "databases", "replication")
    expected = facts(server, *wanted)
    monkeypatch.setattr(drivers, "_PSYCOPG", None)
    monkeypatch.setattr(drivers, "_PSYCOPG2", drivers._import(driver) if driver == "psycopg2" else None)
    found = facts(server, *wanted)
    assert found["server"].pop("driver") == driver
    assert expected["server"].pop("driver") == "psycopg"
    assert abs(found.pop("gathered_epoch") - expected.pop("gathered_epoch")) < 60
    assert found == expected
