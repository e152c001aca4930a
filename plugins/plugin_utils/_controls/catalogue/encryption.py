# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Controls of encryption: of connections, of replication, and of secrets at rest; private to the collection."""

from __future__ import annotations

import dataclasses
import functools
import json
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._tls.expiry.reading import NO_FAULTS
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.benchmarks import cis
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.benchmarks import edition
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.catalogue.shared import LOOSE_PROFILE
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.catalogue.shared import ONLY_STRICTER
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.catalogue.shared import not_trusted
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.catalogue.shared import parameter
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.model import Applies
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.model import Control
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.model import Fix

__all__ = ["ENCRYPTION"]

_RULE: t.Final = "{line: line, file: file, rule: text}"
_UNREAD: t.Final = "certificates[?state == 'unknown'].join(': ', [not_null(path, role), not_null(reason, 'unknown')])"
_NOT_OURS: t.Final = f"!contains(`{json.dumps(NO_FAULTS)}`, message)"
_CERTIFICATE: t.Final = "{role: role, path: path, subject: subject, not_after: not_after, state: state}"
_UNCHECKED: t.Final = '`["disable", "allow", "prefer"]`'  # what libpq does without TLS, or falls back from it
_RENEWED: t.Final = Fix("pg_tls", "pg_tls_manage_certificate", "true")

_encryption = functools.partial(Control, area="encryption")
_parameter = functools.partial(parameter, area="encryption")

_SSL: t.Final = _parameter("RPG-ENC-017", "ssl", "critical", "The server speaks TLS", cis("6.8"))
# With a certificate or a key that it cannot use the server goes on as before a reload, and shows ssl as on.
_SPOKEN: t.Final = dataclasses.replace(
    _SSL,
    expression=(
        f"[{_SSL.expression}, certificates[?role == 'server' && served == `null`][].problems[?code == 'not_served'][]"
        ".{name: 'ssl', problem: message}][]"
    ),
)

ENCRYPTION: tuple[Control, ...] = (
    _encryption(
        id="RPG-ENC-001",
        title="Rules for other hosts ask for TLS",
        severity="high",
        rationale="A client that may do without TLS does so when it cannot have it, or when somebody in the middle sees to it.",
        expression=f"remote_rules[?type == 'host' || type == 'hostnossl' || type == 'hostnogssenc'].{_RULE}",
        fix=Fix("pg_tls", "pg_tls_enforce", '"on"'),
        references=cis("6.8"),
    ),
    _encryption(
        id="RPG-ENC-002",
        title="Clients that are connected use TLS, or GSSAPI encryption",
        severity="medium",
        rationale="What they send and get is readable on the way.",
        expression="connections[?!tls && !gss && address && address != '127.0.0.1' && address != '::1'].{role: role, database: database, address: address}",
        fix=Fix("pg_tls", "pg_tls_enforce", "report"),
    ),
    _encryption(
        id="RPG-ENC-003",
        title="No certificate or revocation list has expired",
        severity="critical",
        rationale="Clients that look refuse an expired certificate; an expired list makes the server refuse every certificate.",
        expression=f"certificates[?state == 'expired' || state == 'not_yet_valid'].{_CERTIFICATE}",
        unclear=_UNREAD,
        fix=_RENEWED,
        references=cis("6.8"),
    ),
    _encryption(
        id="RPG-ENC-004",
        title="No certificate or revocation list expires soon",
        severity="high",
        rationale="The day on which it expires is an outage that everybody could see coming.",
        expression=f"certificates[?state == 'soon'].{_CERTIFICATE}",
        unclear=_UNREAD,
        fix=_RENEWED,
    ),
    _encryption(
        id="RPG-ENC-005",
        title="Certificates, keys and lists are sound",
        severity="high",
        rationale="A key that others read, that belongs to another certificate, or a chain that ends nowhere undoes TLS.",
        expression=(
            f"certificates[?problems[?severity == 'critical' && code != 'expired' && code != 'not_yet_valid' && {_NOT_OURS}]]"
            ".{role: role, path: path, problems: problems[].code}"
        ),
        unclear=_UNREAD,
        fix=_RENEWED,
    ),
    _encryption(
        id="RPG-ENC-006",
        title="Certificates, keys and lists are good ones",
        severity="medium",
        rationale="Weak keys and signatures, and a certificate that is not the one served, will be trouble later.",
        expression=(
            "certificates[?problems[?severity == 'warning' && code != 'expires_soon']]"
            ".{role: role, path: path, problems: problems[].code}"
        ),
        unclear=_UNREAD,
        fix=_RENEWED,
    ),
    _encryption(
        id="RPG-ENC-007",
        title="The server's certificate is signed by an authority",
        severity="low",
        rationale="One that is signed by its own key has to be known to every client; few then look at it.",
        expression=f"certificates[?role == 'server' && self_signed].{_CERTIFICATE}",
        unclear=_UNREAD,
        fix=Fix("pg_tls", "pg_tls_provider", "ca"),
    ),
    _encryption(
        id="RPG-ENC-008",
        title="Private keys are for the owner of the server only",
        severity="critical",
        rationale="Whoever has the key is the server.",
        expression=not_trusted("key", "readable_by_others || writable_by_others || writable_by_group"),
        fix=_RENEWED,
    ),
    _encryption(
        id="RPG-ENC-009",
        title="Standbys that are connected use TLS, or GSSAPI encryption",
        severity="high",
        rationale="The stream is a copy of everything that is written.",
        expression=(
            "replication.senders[?!tls && !gss && address && address != '127.0.0.1' && address != '::1']"
            ".{role: role, application: application, address: address}"
        ),
        fix=Fix("pg_tls", "pg_tls_enforce", '"on"'),
        references=cis("7.5"),
    ),
    _encryption(
        id="RPG-ENC-010",
        title="This standby does not do without TLS",
        severity="high",
        rationale="With sslmode prefer, the default, it takes the stream unencrypted when TLS fails.",
        expression=(
            f"[replication.receiver || replication.conninfo][?!sslmode || contains({_UNCHECKED}, sslmode)]"
            ".{role: role, sslmode: sslmode}"
        ),
        applies=Applies(
            condition="replication.receiver || (in_recovery && replication.conninfo)", reason="It receives no stream."
        ),
        references=cis("7.5"),
    ),
    _encryption(
        id="RPG-ENC-011",
        title="No password stands in primary_conninfo",
        severity="medium",
        rationale="pg_basebackup writes it there in clear, where superusers and members of pg_read_all_settings see it.",
        expression="[replication.conninfo][?password_in_clear].{role: role, problem: 'password in primary_conninfo'}",
        references=cis("7.5"),
    ),
    _encryption(
        id="RPG-ENC-012",
        title="Subscriptions hold no passwords",
        severity="medium",
        rationale="The connection string is kept in clear in the catalogue.",
        expression="subscriptions[?password_in_conninfo].{database: database, name: name, owner: owner}",
    ),
    _encryption(
        id="RPG-ENC-013",
        title="Subscriptions do not do without TLS",
        severity="medium",
        rationale="Rows of the publisher cross the network readable.",
        expression=(
            f"subscriptions[?enabled && password_in_conninfo != `null` && (!sslmode || contains({_UNCHECKED}, sslmode))]"
            ".{database: database, name: name, sslmode: sslmode}"
        ),
    ),
    _encryption(
        id="RPG-ENC-014",
        title="User mappings hold no passwords",
        severity="medium",
        rationale="They are kept in clear in the catalogue, and owners of the foreign server see them.",
        expression="user_mappings[?password].{database: database, server: server, role: role}",
    ),
    _encryption(
        id="RPG-ENC-015",
        title="Cryptography is of a validated module",
        severity="low",
        rationale="Where FIPS 140 is the law, the host has to be in that mode; elsewhere waive it.",
        expression="(!(host.system.fips) && ['the host is not in FIPS mode']) || `[]`",
        applies=Applies(condition=ONLY_STRICTER, reason=LOOSE_PROFILE),
        references=cis("6.7"),
    ),
    _encryption(
        id="RPG-ENC-016",
        title="Data that has to be encrypted at rest is",
        severity="medium",
        rationale="Disks are sold and copies of them lost; columns that administrators must not read need more than that.",
        expression="values(extensions)[] | [?name == 'pgcrypto'].{extension: name, version: version, schema: schema}",
        manual="Look whether the volumes are encrypted, and whether columns that need it use pgcrypto or the application's own.",
        fix=Fix("pg_crypto", "pg_crypto_databases", "[DATABASE]"),
        references=(
            *cis("6.9"),
            *edition("13 v1.1.0", "6.9"),
            *edition("14 v1.0.0", "6.9"),
            *edition("14 v1.2.0", "6.11"),
        ),
    ),
    _encryption(
        id="RPG-ENC-023",
        title="Copies for tests and analyses hold no data of people",
        severity="low",
        rationale="Such copies have weaker rules, more readers and no owner; what nobody needs in them cannot be lost from them.",
        expression="values(extensions)[] | [?name == 'anon'].{extension: name, version: version, schema: schema}",
        manual=(
            "Look where dumps and clones of the databases go, and whether they are masked on the way, by the extension anon"
            " (PostgreSQL Anonymizer) or by another tool."
        ),
    ),
    _SPOKEN,
    _parameter(
        "RPG-ENC-018",
        "ssl_min_protocol_version",
        "high",
        "Old versions of TLS are off",
        edition("13 v1.2.0", "6.9"),
        edition("14 v1.2.0", "6.9"),
        edition("17 v1.0.0", "6.9"),
    ),
    _parameter("RPG-ENC-019", "ssl_ciphers", "medium", "Ciphers of TLS 1.2 are strong ones", cis("6.10")),
    _parameter("RPG-ENC-020", "ssl_prefer_server_ciphers", "low", "The server chooses the cipher"),
    _parameter("RPG-ENC-021", "ssl_groups", "medium", "Key exchange is strong"),
    _parameter("RPG-ENC-022", "ssl_tls13_ciphers", "low", "Ciphers of TLS 1.3 have 256 bits"),
)
