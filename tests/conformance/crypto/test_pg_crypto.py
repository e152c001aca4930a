"""What pgcrypto does for those who need it and for nobody else, and whether volumes are encrypted."""

from __future__ import annotations

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import typing as t

import psycopg
import pytest
import yaml

from ansible_collections.rampart.postgresql.tests.conformance.modules import run_module

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

HERE = pathlib.Path(__file__).resolve().parent
PAGE = HERE.parents[2] / "docs" / "docsite" / "rst" / "encryption.rst"
VALUES = {
    "name": "alice",
    "password": "correct horse",
    "text": "naïve ' text",
    "key": "the key of the tests",
    "passphrase": "of the tests",
}
PAIR = """Key-Type: RSA
Key-Length: 2048
Subkey-Type: RSA
Subkey-Length: 2048
Subkey-Usage: encrypt
Name-Real: Tests
Expire-Date: 0
%commit
"""  # pgcrypto encrypts with a subkey, and knows no curves
FOR_ALL = {"gen_random_uuid", "fips_mode"}
EXECUTABLE = """
SELECT p.proname, pg_catalog.has_function_privilege('stranger', p.oid, 'EXECUTE'),
       pg_catalog.has_function_privilege('app', p.oid, 'EXECUTE')
FROM pg_proc p JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND e.extname = 'pgcrypto'"""


@pytest.fixture(scope="module")
def values() -> Iterator[dict[str, str]]:
    """What the examples of the documentation are tried with, a pair of keys that gpg makes among them."""
    with tempfile.TemporaryDirectory(prefix="gpg-", dir="/tmp") as home:  # sockets need a short path
        recipe = pathlib.Path(home) / "recipe"
        phrase = ["--pinentry-mode", "loopback", "--passphrase", VALUES["passphrase"]]

        def gpg(*arguments: str) -> str:
            command = ["gpg", "--homedir", home, "--batch", "--quiet", *arguments]
            return subprocess.run(command, capture_output=True, text=True, check=True).stdout

        try:
            recipe.write_text(PAIR, encoding="ascii")
            gpg(*phrase, "--generate-key", str(recipe))
            yield {
                **VALUES,
                "public": gpg("--armor", "--export"),
                "secret": gpg(*phrase, "--armor", "--export-secret-keys"),
            }
        finally:
            subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], capture_output=True, check=False)


def play(server: Server, directory: pathlib.Path, *, check: bool = False) -> dict[str, t.Any]:
    """Run the role; the recap."""
    book = {
        "hosts": "localhost",
        "connection": "local",
        "gather_facts": False,
        "check_mode": check,
        "vars": {
            "ansible_python_interpreter": sys.executable,
            "pg_crypto_clusters": [str(server.data_directory)],
            "pg_crypto_databases": ["shop"],
            "pg_crypto_roles": ["app"],
            "pg_crypto_paths": ["/proc"],
            "pg_crypto_set_user": True,  # whose library no server here has, so nothing is done about it
            "pg_crypto_set_user_superusers": ["app"],
            "pg_crypto_allow_restart": True,
        },
        "tasks": [
            {"ansible.builtin.include_role": {"name": "rampart.postgresql.pg_crypto"}},
            {
                "ansible.builtin.assert": {
                    "that": [
                        "pg_crypto_result.volumes | map(attribute='purpose') == ['data', 'wal', 'other']",
                        "pg_crypto_result.volumes[2].encrypted is none",
                        "(pg_crypto_result.set_user.values() | first).missing_libraries[0].library == 'set_user'",
                        "(pg_crypto_result.set_user.values() | first).waiting_extensions[0].extension == 'set_user'",
                    ]
                }
            },
        ],
    }
    path = directory / "play.yml"
    path.write_text(json.dumps([book]), encoding="utf-8")
    done = subprocess.run(
        ["ansible-playbook", str(path)],
        env={
            **os.environ,
            "ANSIBLE_HOME": str(directory / "home"),
            "ANSIBLE_NOCOLOR": "true",
            "ANSIBLE_PIPELINING": "true",
        },
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = re.search(r"changed=(\d+)", done.stdout.rpartition("PLAY RECAP")[2])
    assert found
    return {"changed": int(found.group(1))}


def exact(database: str, schema: str = "public") -> dict[str, t.Any]:
    """The entry of privileges that the role makes."""
    variables = HERE.parents[2] / "roles" / "pg_crypto" / "vars" / "main.yml"
    functions = yaml.safe_load(variables.read_text(encoding="utf-8"))["__pg_crypto_functions"]
    entry = {"kind": "function", "databases": [database], "schemas": [schema], "objects": functions, "state": "exact"}
    return {"grants": [{**entry, "roles": ["app"], "privileges": ["EXECUTE"]}]}


def prepare(server: Server) -> None:
    for statement in ("CREATE ROLE app LOGIN", "CREATE ROLE stranger LOGIN", "CREATE DATABASE shop OWNER app"):
        server.query(statement)


def govern(server: Server) -> None:
    """What the role does, without its minute of Ansible."""
    prepare(server)
    with server.connect(dbname="shop") as connection:
        connection.execute("CREATE EXTENSION pgcrypto")
    options = exact("shop")
    with server.connect(dbname="shop", user="stranger") as connection:
        connection.execute("SELECT public.gen_salt('bf')")  # the positive control
    done = run_module("privileges", server, rehearse=False, **options)
    assert done.changed and not done.failed, done.output
    assert not run_module("privileges", server, rehearse=False, **options).changed


def test_examples_work_for_those_who_need_them_and_for_nobody_else(
    fresh_server: Server, values: dict[str, str]
) -> None:
    server = fresh_server
    govern(server)
    blocks = re.findall(r"\.\. code-block:: sql\n\n((?:   .*\n)+)", PAGE.read_text(encoding="utf-8"))
    assert len(blocks) == 3
    for block in blocks:
        create, insert, select = (statement for statement in block.split(";\n") if statement.strip())
        with server.connect(dbname="shop", user="app") as connection:
            connection.execute(create.encode())
            connection.execute(insert.encode(), values)
            assert connection.execute(select.encode(), values).fetchone() == (True,)
            table = re.findall(r"CREATE TABLE (\w+)", create)[0]
            rows = str(connection.execute(f"TABLE {table}".encode()).fetchall())
            assert values["text"] not in rows and values["password"] not in rows
            connection.execute(f"GRANT ALL ON {table} TO stranger".encode())
        with (
            server.connect(dbname="shop", user="stranger") as connection,
            pytest.raises(psycopg.errors.InsufficientPrivilege, match="for function"),
        ):
            connection.execute(select.encode(), values)
    with server.connect(dbname="shop") as connection:
        found = connection.execute(EXECUTABLE.encode()).fetchall()
        assert len(found) > 30
        assert all(may == (name in FOR_ALL) and app for name, may, app in found), found


@pytest.mark.in_turn
def test_functions_of_the_same_name_are_left_alone(fresh_server: Server) -> None:
    """Names of databases and schemas may be any, and an application may have a function that is called like one."""
    server, database, schema = fresh_server, 'Shop "one" 100%', "we're crypto"
    server.query("CREATE ROLE app LOGIN; CREATE ROLE stranger LOGIN")
    server.query('CREATE DATABASE "Shop ""one"" 100%"')
    with server.connect(dbname=database) as connection:
        connection.execute("""CREATE SCHEMA "we're crypto" """)
        connection.execute("""GRANT USAGE ON SCHEMA "we're crypto" TO PUBLIC""")
        connection.execute("""CREATE FUNCTION "we're crypto".digest(int) RETURNS int LANGUAGE sql AS 'SELECT 1'""")
    wish = {"name": "pgcrypto", "databases": [database], "schema": schema}
    assert run_module("extensions", server, present=[wish], rehearse=False).changed
    assert run_module("privileges", server, rehearse=False, **exact(database, schema)).changed
    with server.connect(dbname=database, user="stranger") as connection:
        connection.execute("""SELECT "we're crypto".digest(1)""")
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="for function digest"):
            connection.execute("""SELECT "we're crypto".digest('x', 'sha256')""")
    with server.connect(dbname=database) as connection:
        found = connection.execute(EXECUTABLE.encode()).fetchall()
    assert found and all(may == (name in FOR_ALL) and app for name, may, app in found)
    elsewhere = run_module("privileges", server, rehearse=False, **exact(database))
    assert elsewhere.failed and "armor" in elsewhere.output


@pytest.mark.in_turn
def test_the_role_as_a_play_uses_it(fresh_server: Server, tmp_path: pathlib.Path) -> None:
    server = fresh_server
    prepare(server)
    assert play(server, tmp_path, check=True)["changed"] == 1
    assert not server.query("SELECT FROM pg_extension WHERE extname = 'pgcrypto'")
    assert play(server, tmp_path)["changed"] == 2
    with server.connect(dbname="shop") as connection:
        found = connection.execute(EXECUTABLE.encode()).fetchall()
    assert server.query("SHOW shared_preload_libraries") == [("",)]
    assert found and all(may == (name in FOR_ALL) and app for name, may, app in found)
    assert play(server, tmp_path)["changed"] == 0


@pytest.mark.since(18)
def test_limits_outlast_an_update_of_the_extension(fresh_server: Server) -> None:
    prepare(fresh_server)
    with fresh_server.connect(dbname="shop") as connection:
        connection.execute("CREATE EXTENSION pgcrypto VERSION '1.3'")
        assert run_module("privileges", fresh_server, rehearse=False, **exact("shop")).changed
        connection.execute("ALTER EXTENSION pgcrypto UPDATE TO '1.4'")
        found = connection.execute(EXECUTABLE.encode()).fetchall()
    assert "fips_mode" in {name for name, _may, _app in found}
    assert all(may == (name in FOR_ALL) and app for name, may, app in found)
    assert not run_module("privileges", fresh_server, rehearse=False, **exact("shop")).changed


@pytest.mark.since(18)
def test_built_in_ciphers_can_be_ended(fresh_server: Server) -> None:
    """What the page says about FIPS."""
    with fresh_server.connect() as connection:
        connection.execute("CREATE EXTENSION pgcrypto")
        connection.execute("SELECT crypt('secret', gen_salt('bf')), fips_mode()")  # the positive control
        connection.execute("SET pgcrypto.builtin_crypto_enabled = off")
        with pytest.raises(psycopg.errors.InternalError_, match="built-in crypto functions is disabled"):
            connection.execute("SELECT crypt('secret', gen_salt('bf'))")
        connection.execute("SELECT digest('text', 'sha256')")
