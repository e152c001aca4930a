"""Passwords are set beside the extensions that look at them: pgAudit and credcheck of Debian's packages."""

from __future__ import annotations

import typing as t

import psycopg
import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._roles.passwords import verifiers
from ansible_collections.rampart.postgresql.tests.conformance.modules import Result
from ansible_collections.rampart.postgresql.tests.conformance.modules import run_module

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

SECRET = "correct Horse 9 battery"
PLANTED = "another Horse 8 battery"
EVERYTHING = {
    "log_statement": "all",
    "log_min_duration_statement": "0",
    "log_duration": "on",
    "log_min_error_statement": "debug5",
    "debug_print_parse": "on",
    "pgaudit.log": "all",
    "pgaudit.log_parameter": "on",
    "pgaudit.log_relation": "on",
    "pg_stat_statements.track": "all",
    "pg_stat_statements.track_utility": "on",
}
STORED = "SELECT rolpassword FROM pg_authid WHERE rolname = 'app'"


def load(server: Server, *libraries: str, **parameters: str) -> None:
    with server.owner.acting(), server.conf_file.open("a", encoding="utf-8") as stream:
        stream.write(f"shared_preload_libraries = '{', '.join(libraries)}'\n")
        for name, value in parameters.items():
            stream.write(f"{name} = '{value}'\n")
    server.restart()
    for library in libraries:
        server.query(f"CREATE EXTENSION {library}")
    server.query("CREATE ROLE app LOGIN; CREATE ROLE other LOGIN")


def give(server: Server, password: str = SECRET, *, check: bool = False) -> tuple[Result, str]:
    """Have the module set it; what it returned, and what the server wrote to its log meanwhile."""
    before = len(server.log_text())
    result = run_module("role_attributes", server, check=check, rehearse=False, passwords={"app": password})
    return result, server.log_text()[before:]


def stored(server: Server) -> str | None:
    ((verifier,),) = server.query(STORED)
    return None if verifier is None else str(verifier)


def gets_in(server: Server, password: str) -> bool:
    server.hba_file.write_text(
        f"local all {server.superuser} trust\nhost all all 127.0.0.1/32 scram-sha-256\n", encoding="utf-8"
    )
    server.reload()
    try:
        server.connect(user="app", host="127.0.0.1", password=password, sslmode="disable").close()
    except psycopg.OperationalError:
        return False
    return True


@pytest.mark.with_extensions("pgaudit")
def test_pgaudit_that_logs_everything_shows_nothing_of_it(extended_server: Server) -> None:
    server = extended_server
    load(server, "pgaudit", "pg_stat_statements", **EVERYTHING)
    foreseen, told = give(server, check=True)
    assert foreseen.changed and SECRET not in told and stored(server) is None
    result, told = give(server)
    assert result.changed and not result.failed, result.output
    verifier = stored(server)
    assert verifier is not None
    places = (
        told,
        str(server.query("SELECT query FROM pg_stat_statements")),
        result.output,
    )
    for place in places:
        assert SECRET not in place
        for part in verifier.partition("$")[2].replace(":", "$").split("$")[1:]:  # salt and keys
            assert part not in place
    assert "AUDIT: SESSION" in told  # of what the module reads
    assert "ALTER ROLE" not in told and "ALTER ROLE" not in places[1]
    again, told = give(server)
    assert not again.changed and SECRET not in told and stored(server) == verifier and gets_in(server, SECRET)

    # The positive control: the same by hand, with the password and with its verifier.
    before = len(server.log_text())
    planted = verifiers.scram_verifier(PLANTED, b"salt", 4096)
    for word in (PLANTED, planted):
        server.query(f"ALTER ROLE other PASSWORD '{word}'")
        told = server.log_text()[before:]
        assert f"statement: ALTER ROLE other PASSWORD '{word}'" in told
        assert "ROLE,ALTER ROLE,,," in told or "ROLE,ALTER ROLE,ROLE,other" in told, told
        assert word in str(server.query("SELECT query FROM pg_stat_statements"))


@pytest.mark.with_extensions("credcheck", "pgaudit")
def test_credcheck_that_refuses_verifiers_is_sent_none(extended_server: Server) -> None:
    server = extended_server
    load(server, "credcheck", "pgaudit", **EVERYTHING, **{"credcheck.password_min_length": "12"})
    planted = verifiers.scram_verifier(PLANTED, b"salt", 4096)
    with pytest.raises(psycopg.Error, match="password type is not a plain text"):
        server.query(f"ALTER ROLE other PASSWORD '{planted}'")
    for check in (True, False):
        result, told = give(server, check=check)
        assert result.failed and "credcheck refuses passwords that arrive hashed" in result.message, result.output
        assert "nothing was sent" in result.message and 'role "app"' in result.message
        assert "ALTER ROLE" not in told and SECRET not in told + result.output and stored(server) is None

    # One that is the right one already is nothing to send.
    server.query(f"ALTER ROLE app PASSWORD '{PLANTED}'")
    result, _told = give(server, PLANTED)
    assert not result.failed and not result.changed, result.output

    # With that one thing relaxed.
    server.query("ALTER SYSTEM SET credcheck.encrypted_password_allowed = on")
    server.reload()
    result, told = give(server)
    assert result.changed and not result.failed, result.output
    assert SECRET not in told and "ALTER ROLE" not in told and gets_in(server, SECRET)
    assert not give(server)[0].changed
