"""Entries that meet in one call: default privileges for all schemas and of one, tables and columns of an extension."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.arguments import component
from ansible_collections.rampart.postgresql.tests.conformance.components import run_components
from ansible_collections.rampart.postgresql.tests.conformance.modules import Result

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

_READER: dict[str, t.Any] = {
    "kind": "default",
    "databases": ["postgres"],
    "for_roles": ["maker"],
    "future": ["table"],
    "roles": ["reader"],
    "privileges": ["SELECT"],
}
_OF_PUBLIC = {**_READER, "schemas": ["public"]}
_DEFAULTS = "SELECT defaclnamespace::regnamespace::text, defaclacl::text FROM pg_default_acl ORDER BY 1, 2"


def run(server: Server, *grants: dict[str, t.Any]) -> Result:
    return run_components(server, lambda: [component({"grants": grants})])


@pytest.mark.in_turn
@pytest.mark.parametrize(
    ("granted", "general", "special", "is_refused"),
    [
        ("GRANT SELECT", {"state": "absent"}, {"state": "absent"}, False),
        ("GRANT SELECT", {"state": "exact", "roles": [], "privileges": []}, {"state": "absent"}, False),
        ("REVOKE SELECT", {"state": "present"}, {"state": "absent"}, True),
        (
            "GRANT SELECT",
            {"state": "present", "grant_option": True},
            {"state": "absent", "grant_option": True},
            True,
        ),
        ("GRANT SELECT", {"state": "present"}, {"state": "absent", "grant_option": True}, False),
    ],
    ids=["both gone", "nothing for anybody", "given for all", "option given for all", "no option given"],
)
def test_defaults_of_a_schema_are_seen_beside_those_that_the_run_leaves_for_all(
    fresh_server: Server, granted: str, general: dict[str, t.Any], special: dict[str, t.Any], is_refused: bool
) -> None:
    server = fresh_server
    server.query("CREATE ROLE maker; CREATE ROLE reader")
    whom = "TO reader" if granted.startswith("GRANT") else "FROM reader"
    server.query(f"ALTER DEFAULT PRIVILEGES FOR ROLE maker {granted} ON TABLES {whom}")
    server.query("ALTER DEFAULT PRIVILEGES FOR ROLE maker IN SCHEMA public GRANT SELECT ON TABLES TO reader")
    before = server.query(_DEFAULTS)
    result = run(server, {**_READER, **general}, {**_OF_PUBLIC, **special})
    if is_refused:
        assert result.failed and "can only add to them" in result.message, result.output
        assert server.query(_DEFAULTS) == before
        return
    assert not result.failed, result.output
    if special["state"] == general["state"]:
        assert not server.query(_DEFAULTS)
    assert not run(server, {**_READER, **general}, {**_OF_PUBLIC, **special}).changed


@pytest.mark.in_turn
@pytest.mark.parametrize("by_name", [True, False], ids=["by name", "by pattern"])
def test_what_an_extension_granted_on_columns_goes_where_the_table_is_named(
    fresh_server: Server, by_name: bool
) -> None:
    server = fresh_server
    server.query("CREATE ROLE reader; CREATE TABLE made (a int, b int); GRANT SELECT (a), UPDATE (b) ON made TO reader")
    server.query("GRANT INSERT ON made TO reader; ALTER EXTENSION plpgsql ADD TABLE made")
    server.query("GRANT SELECT (a) ON made TO reader WITH GRANT OPTION; GRANT INSERT ON made TO PUBLIC")
    entry = {
        "kind": "table",
        "databases": ["postgres"],
        "schemas": ["public"],
        "objects": ["made" if by_name else "/m.*"],
        "roles": [],
        "state": "exact",
    }
    result = run(server, entry)
    assert not result.failed and result.changed, result.output
    held = server.query(
        """SELECT attname, privilege_type, is_grantable FROM pg_attribute, aclexplode(attacl)
        WHERE attrelid = 'made'::regclass UNION ALL
        SELECT relname, privilege_type, is_grantable FROM pg_class, aclexplode(relacl)
        WHERE oid = 'made'::regclass AND grantee <> relowner ORDER BY 1, 2"""
    )
    assert held == ([] if by_name else [("a", "SELECT", False), ("b", "UPDATE", False), ("made", "INSERT", False)])
    assert not run(server, entry).changed
