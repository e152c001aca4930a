"""Where every automated control is proved; the controls of parameters are proved by their names."""

from __future__ import annotations

import typing as t

from ansible_collections.rampart.postgresql.tests.conformance.assessment.parameters import SINCE
from ansible_collections.rampart.postgresql.tests.conformance.assessment.parameters import WORSE_IN_PLAIN
from ansible_collections.rampart.postgresql.tests.conformance.assessment.proof import BAD_STANDBY
from ansible_collections.rampart.postgresql.tests.conformance.assessment.proof import ENDING
from ansible_collections.rampart.postgresql.tests.conformance.assessment.proof import GOOD_STANDBY
from ansible_collections.rampart.postgresql.tests.conformance.assessment.proof import PACKAGES
from ansible_collections.rampart.postgresql.tests.conformance.assessment.proof import PLAIN
from ansible_collections.rampart.postgresql.tests.conformance.assessment.proof import SUPPORTED
from ansible_collections.rampart.postgresql.tests.conformance.assessment.proof import Proof

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.model import Control

__all__ = ["PROOFS", "is_about", "proof_of"]

PROOFS: t.Final[t.Mapping[str, Proof]] = {
    "RPG-NET-001": Proof('"*"'),
    "RPG-NET-002": Proof("host all all 0.0.0.0/0"),
    "RPG-NET-003": Proof("10.0.0.0/8"),
    "RPG-NET-004": Proof("superuser dba"),
    "RPG-NET-005": Proof("host all all 0.0.0.0/0"),
    "RPG-NET-006": Proof('"line": 13'),
    "RPG-NET-007": Proof('"line": 14'),
    "RPG-NET-008": Proof("duplicate"),
    "RPG-NET-009": Proof("host replication copier all"),
    "RPG-NET-010": Proof("rejected"),
    "RPG-NET-011": Proof("/^.*$"),
    "RPG-NET-012": Proof('"0777"'),
    "RPG-NET-013": Proof('"mode": "1777"'),
    "RPG-NET-014": Proof('"0"'),
    "RPG-NET-015": Proof('"0"'),
    "RPG-NET-017": Proof("stale"),
    "RPG-ACC-001": Proof('"database": "app"'),
    "RPG-ACC-002": Proof("shared"),
    "RPG-ACC-003": Proof('"database": "app"'),
    "RPG-ACC-004": Proof("open_table"),
    "RPG-ACC-005": Proof("pg_read_file(text)"),
    "RPG-ACC-006": Proof('"SELECT"'),
    "RPG-ACC-008": Proof("open_table"),
    "RPG-ACC-009": Proof("owned_table"),
    "RPG-ACC-011": Proof('"app"'),
    "RPG-ACC-013": Proof("set_user", passes=PACKAGES),
    "RPG-ACC-101": Proof('"dba"'),
    "RPG-ACC-102": Proof("hirer"),
    "RPG-ACC-103": Proof("hirer"),
    "RPG-ACC-104": Proof("passer"),
    "RPG-ACC-105": Proof("builder"),
    "RPG-ACC-106": Proof('"dba"'),
    "RPG-ACC-107": Proof("copier", passes=PLAIN),
    "RPG-ACC-108": Proof("app > pg_execute_server_program"),
    "RPG-ACC-109": Proof("app > pg_write_server_files"),
    "RPG-ACC-110": Proof("app > pg_read_server_files"),
    "RPG-ACC-111": Proof("hirer > dba"),
    "RPG-ACC-112": Proof("app > pg_read_all_data", passes=PLAIN),
    "RPG-ACC-113": Proof("session_preload_libraries"),
    "RPG-ACC-114": Proof("log_statement"),
    "RPG-ACC-115": Proof("crude"),
    "RPG-ACC-116": Proof("of_superuser()"),
    "RPG-ACC-117": Proof("of_app()"),
    "RPG-ACC-118": Proof("of_superuser()"),
    "RPG-ACC-119": Proof("inherited"),
    "RPG-ACC-120": Proof("default_transaction_read_only"),
    "RPG-ACC-122": Proof("search_path"),
    "RPG-ACC-121": Proof("feed"),
    "RPG-ACC-123": Proof("pg_read_file(text,bigint,bigint)"),
    "RPG-AUT-001": Proof("198.51.100.1/32 trust"),
    "RPG-AUT-002": Proof("local all all trust"),
    "RPG-AUT-003": Proof("198.51.100.2/32 password"),
    "RPG-AUT-004": Proof("radius asks for the password"),
    "RPG-AUT-005": Proof("198.51.100.4/32 md5"),
    "RPG-AUT-006": Proof("198.51.100.5/32 ident"),
    "RPG-AUT-007": Proof("careless"),
    "RPG-AUT-008": Proof('"app"'),
    "RPG-AUT-009": Proof("no library"),
    "RPG-AUT-010": Proof('"1000"'),
    "RPG-AUT-011": Proof("198.51.100.3/32 radius"),
    "RPG-AUT-012": Proof("/etc/profile.d/careless.sh"),
    "RPG-AUT-013": Proof("PGPASSWORD", fails=PLAIN),
    "RPG-AUT-014": Proof("/etc/pg_service.conf"),
    "RPG-AUT-015": Proof("/.pgpass"),
    "RPG-AUT-026": Proof("quick"),
    "RPG-ENC-001": Proof("10.0.0.0/8"),
    "RPG-ENC-002": Proof('"app"'),
    "RPG-ENC-003": Proof("server.pem"),
    "RPG-ENC-004": Proof("crl.pem"),
    "RPG-ENC-005": Proof("key_exposed"),
    "RPG-ENC-006": Proof("chain_broken"),
    "RPG-ENC-007": Proof("server.pem"),
    "RPG-ENC-008": Proof("server.pem"),
    "RPG-ENC-009": Proof('"dba"'),
    "RPG-ENC-010": Proof("disable", fails=BAD_STANDBY, passes=GOOD_STANDBY),
    "RPG-ENC-011": Proof("password in primary_conninfo", fails=BAD_STANDBY, passes=GOOD_STANDBY),
    "RPG-ENC-012": Proof("feed"),
    "RPG-ENC-013": Proof("feed"),
    "RPG-ENC-014": Proof('"far"'),
    "RPG-ENC-015": Proof("not in FIPS mode", passes=PLAIN),
    "RPG-LOG-001": Proof("log_destination", fails=PLAIN),
    "RPG-LOG-004": Proof('"mode": "0644"'),
    "RPG-LOG-005": Proof("pgaudit", passes=PACKAGES),
    "RPG-BAK-001": Proof("neither", fails=PLAIN),
    "RPG-BAK-002": Proof("careless"),
    "RPG-BAK-003": Proof("careless"),
    "RPG-BAK-004": Proof("careless"),
    "RPG-BAK-005": Proof("careless"),
    "RPG-BAK-006": Proof("careless"),
    "RPG-BAK-007": Proof('"off"', fails=PLAIN),
    "RPG-BAK-008": Proof("failed_count"),
    "RPG-BAK-009": Proof("abandoned"),
    "RPG-BAK-010": Proof("max_slot_wal_keep_size"),
    "RPG-BAK-011": Proof("abandoned"),
    "RPG-BAK-012": Proof("wal_directory"),
    "RPG-BAK-013": Proof("careless"),
    "RPG-BAK-014": Proof("careless"),
    "RPG-PLT-001": Proof("postgresql-rampart"),
    "RPG-PLT-003": Proof("postgresql@test.service"),
    "RPG-PLT-004": Proof('"mode": "0777"'),
    "RPG-PLT-005": Proof("data_checksums"),
    "RPG-PLT-006": Proof(".99"),
    "RPG-PLT-007": Proof("end_of_life", passes=SUPPORTED),
    "RPG-PLT-008": Proof("end_of_life", fails=ENDING, passes=SUPPORTED),
    "RPG-PLT-009": Proof("0022"),
    "RPG-PLT-010": Proof('"mode": "0777"'),
    "RPG-PLT-011": Proof(".psql_history"),
    "RPG-PLT-012": Proof("pg_hba.conf"),
    "RPG-PLT-013": Proof("postgresql.conf"),
    "RPG-PLT-014": Proof('"{owner}"'),
    "RPG-PLT-015": Proof("/etc/sudoers"),
    "RPG-PLT-018": Proof("max_connections"),
    "RPG-PLT-019": Proof("role app"),
    "RPG-PLT-020": Proof("fsync"),
    "RPG-PLT-021": Proof("full_page_writes"),
    "RPG-PLT-022": Proof("zero_damaged_pages"),
    "RPG-PLT-023": Proof('"ProtectSystem": "no"'),
    "RPG-PLT-024": Proof("/tmp"),
    "RPG-PLT-025": Proof('"0755"'),
    "RPG-PLT-026": Proof("/data/pg_hba.conf"),
    "RPG-PLT-027": Proof("/etc/pgbackrest.conf"),
    "RPG-PLT-028": Proof("15.20-1"),
    "RPG-PLT-029": Proof("of no package"),
    "RPG-PLT-030": Proof("not_loaded"),
    "RPG-AUD-001": Proof("2020-01-01"),
    "RPG-AUD-002": Proof("nobody offends"),
}
_OLDER_NAMES: t.Final = {"ssl_groups": "ssl_"}


def proof_of(control: Control) -> Proof:
    """The row of this control."""
    if not control.parameter:
        return PROOFS[control.id]
    names = _OLDER_NAMES.get(control.parameter, control.parameter)
    if control.parameter == "pgaudit.log":
        return Proof(names, passes=PACKAGES)
    return Proof(names, fails=PLAIN) if control.parameter in WORSE_IN_PLAIN else Proof(names)


def is_about(control: Control, major: int) -> bool:
    """Whether this version has what the control is about."""
    return control.applies.first <= major <= control.applies.last and SINCE.get(control.parameter, 0) <= major
