"""Statements that plant what is wrong in databases, and what is as it should be."""

from __future__ import annotations

import typing as t

__all__ = ["bad_in_app", "bad_in_cluster", "good_in_app", "good_in_cluster", "good_in_every_database", "plain"]

VERIFIER: t.Final = "md5" + "0" * 32

QUICK: t.Final = f"SCRAM-SHA-256$1:{'A' * 22}==${'A' * 43}=:{'A' * 43}="  # by one iteration

_POLICIES: t.Final = """
CREATE TABLE open_table (a int); CREATE POLICY p ON open_table USING (true);
CREATE TABLE owned_table (a int); CREATE POLICY p ON owned_table USING (true);
ALTER TABLE owned_table ENABLE ROW LEVEL SECURITY;
"""
_DEFINER: t.Final = "CREATE FUNCTION {name}() RETURNS int LANGUAGE sql SECURITY DEFINER {path} AS 'SELECT 1';"
_SAFE: t.Final = "SET search_path = pg_catalog, pg_temp"


def bad_in_cluster(major: int) -> str:
    """Roles, and what is granted to them."""
    statements = f"""
CREATE ROLE app LOGIN;
CREATE ROLE careless LOGIN PASSWORD '{VERIFIER}';
CREATE ROLE quick PASSWORD '{QUICK}';
CREATE ROLE dba SUPERUSER LOGIN CREATEDB PASSWORD 'Correct-horse-1';
CREATE ROLE hirer CREATEROLE; CREATE ROLE builder CREATEDB; CREATE ROLE passer BYPASSRLS;
CREATE ROLE copier REPLICATION;
GRANT pg_execute_server_program TO app; GRANT pg_write_server_files TO app; GRANT pg_read_server_files TO app;
GRANT dba TO hirer;
CREATE DATABASE app;
ALTER DATABASE app SET search_path = public, evil;
ALTER DATABASE app SET default_transaction_read_only = off;
ALTER ROLE app SET log_statement = 'none';
"""
    if major >= 14:
        statements += "GRANT pg_read_all_data TO app;"
    if major >= 15:
        statements += (
            "GRANT SET ON PARAMETER session_preload_libraries TO app; GRANT SET ON PARAMETER log_statement TO app;"
        )
    return statements


def bad_in_app(_major: int) -> str:
    """Objects of one database."""
    subscription = "host=127.0.0.1 port=1 user=u password=secret"
    return f"""
{_POLICIES}
GRANT CREATE ON SCHEMA public TO PUBLIC;
CREATE SCHEMA shared; GRANT CREATE ON SCHEMA shared TO PUBLIC;
GRANT SELECT ON open_table TO PUBLIC;
GRANT EXECUTE ON FUNCTION pg_catalog.pg_read_file(text) TO PUBLIC;
GRANT EXECUTE ON FUNCTION pg_catalog.pg_read_file(text, bigint, bigint) TO app; GRANT SELECT ON pg_authid TO app;
ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC;
CREATE LANGUAGE crude HANDLER plpgsql_call_handler;
{_DEFINER.format(name="of_superuser", path="")}
{_DEFINER.format(name="of_app", path="")}
ALTER FUNCTION of_app() OWNER TO app;
CREATE FUNCTION watch() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE ROLE former SUPERUSER;
CREATE EVENT TRIGGER inherited ON sql_drop EXECUTE FUNCTION watch();
ALTER EVENT TRIGGER inherited OWNER TO former; ALTER ROLE former NOSUPERUSER;
CREATE FOREIGN DATA WRAPPER w; CREATE SERVER far FOREIGN DATA WRAPPER w;
CREATE USER MAPPING FOR app SERVER far OPTIONS ("user" 'u', password 'secret');
CREATE SUBSCRIPTION feed CONNECTION '{subscription}' PUBLICATION p WITH (connect = false, slot_name = 'feed');
ALTER SUBSCRIPTION feed ENABLE;
"""


def good_in_cluster(_major: int) -> str:
    """As far as there has to be something for a control to look at."""
    return """
CREATE ROLE owner_of_app;
CREATE ROLE app LOGIN CONNECTION LIMIT 20 PASSWORD 'Correct-horse-1';
CREATE ROLE standby LOGIN REPLICATION CONNECTION LIMIT 5 PASSWORD 'Correct-horse-2';
CREATE ROLE readers; GRANT pg_monitor TO readers; GRANT readers TO app;
CREATE DATABASE app OWNER owner_of_app;
REVOKE ALL ON DATABASE app, postgres, template1 FROM PUBLIC; GRANT CONNECT ON DATABASE app TO app;
ALTER DATABASE app SET work_mem = '5MB';
"""


def good_in_every_database(_major: int) -> str:
    """What PUBLIC had in schema public, where it had."""
    return "REVOKE CREATE ON SCHEMA public FROM PUBLIC;"


def good_in_app(major: int) -> str:
    """Objects of the same kinds as the bad ones."""
    subscription = "host=127.0.0.1 port=1 user=u sslmode=verify-full"
    statements = f"""
CREATE TABLE owned_table (a int); CREATE POLICY p ON owned_table USING (true);
ALTER TABLE owned_table ENABLE ROW LEVEL SECURITY; ALTER TABLE owned_table FORCE ROW LEVEL SECURITY;
GRANT SELECT ON owned_table TO app;
ALTER DEFAULT PRIVILEGES GRANT EXECUTE ON FUNCTIONS TO app;
GRANT SELECT (rolname) ON pg_authid TO app; GRANT EXECUTE ON FUNCTION pg_catalog.pg_hba_file_rules() TO app;
ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO app;
{_DEFINER.format(name="of_superuser", path=_SAFE)}
{_DEFINER.format(name="of_owner", path=_SAFE)}
REVOKE ALL ON FUNCTION of_superuser() FROM PUBLIC; ALTER FUNCTION of_owner() OWNER TO owner_of_app;
CREATE FUNCTION watch() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE EVENT TRIGGER kept ON sql_drop EXECUTE FUNCTION watch();
CREATE FOREIGN DATA WRAPPER w; CREATE SERVER far FOREIGN DATA WRAPPER w;
CREATE USER MAPPING FOR app SERVER far OPTIONS ("user" 'u');
CREATE SUBSCRIPTION feed CONNECTION '{subscription}' PUBLICATION p WITH (connect = false, slot_name = 'feed');
"""
    if major >= 16:
        statements += (
            "ALTER SUBSCRIPTION feed SET (password_required = false); GRANT CREATE ON DATABASE app TO owner_of_app;"
        )
        statements += "ALTER SUBSCRIPTION feed OWNER TO owner_of_app;"
    return statements + "ALTER SUBSCRIPTION feed ENABLE;"


def plain(_major: int) -> str:
    """A verifier that nobody reads, and no database but one to wait for."""
    return f"CREATE ROLE careless LOGIN PASSWORD '{VERIFIER}'; ALTER DATABASE template1 ALLOW_CONNECTIONS false;"
