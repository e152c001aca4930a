# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Controls of the network: where the server listens, and which rules of pg_hba.conf let somebody in; private to the collection."""

from __future__ import annotations

import functools
import typing as t

from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.benchmarks import cis
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.catalogue.shared import RULES
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.catalogue.shared import parameter
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.model import Control
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.model import Fix

__all__ = ["NETWORK"]

_RULE: t.Final = "{line: line, file: file, rule: text}"
_FINDING: t.Final = "{code: code, line: line, file: file, message: message}"

_network = functools.partial(Control, area="network")

NETWORK: tuple[Control, ...] = (
    _network(
        id="RPG-NET-001",
        title="The server listens on chosen addresses only",
        severity="medium",
        rationale="An address that nobody needs is one more way in, and addresses are added to hosts later.",
        expression="open_addresses",
        evidence="settings.listen_addresses.setting",
        fix=Fix("pg_network", "pg_network_listen_addresses", "[localhost]"),
        references=cis("5.2"),
    ),
    _network(
        id="RPG-NET-002",
        title="No rule is open to every address",
        severity="high",
        rationale="Whoever reaches the port may try; a rule belongs to the networks of its clients.",
        expression=f"remote_rules[?everywhere].{_RULE}",
        fix=RULES,
        references=cis("5.4"),
    ),
    _network(
        id="RPG-NET-003",
        title="No rule is for a network wider than a site",
        severity="medium",
        rationale="A network wider than /16, or /48 of IPv6, holds more than the clients that are meant.",
        expression=f"remote_rules[?wide].{_RULE}",
        fix=RULES,
    ),
    _network(
        id="RPG-NET-004",
        title="Superusers come from the host itself only",
        severity="high",
        rationale="A superuser's password that works from elsewhere opens the whole server to whoever learns it.",
        expression=f"hba.findings[?code == 'superuser-remote'].{_FINDING}",
        fix=RULES,
    ),
    _network(
        id="RPG-NET-005",
        title="Rules name their databases and users",
        severity="low",
        rationale="A rule for all users of all databases also lets in those that are made later.",
        expression=f"remote_rules[?any_database && any_user].{_RULE}",
        fix=RULES,
    ),
    _network(
        id="RPG-NET-006",
        title="Every rule can be reached",
        severity="medium",
        rationale="A rule behind one that already decides does nothing: an allow that is missed, or a reject that never rejects.",
        expression=f"hba.findings[?code == 'unreachable' || code == 'contradicted' || code == 'cannot-match'].{_FINDING}",
        fix=RULES,
    ),
    _network(
        id="RPG-NET-007",
        title="The server accepts every line of pg_hba.conf",
        severity="high",
        rationale="One line that it refuses keeps the whole file from being loaded, and the server from starting.",
        expression=f"hba.findings[?code == 'rejected'].{_FINDING}",
        fix=RULES,
    ),
    _network(
        id="RPG-NET-008",
        title="Rules mean what they seem to mean",
        severity="medium",
        rationale="A keyword in capitals is a plain name, 10/8 is not 10.0.0.0/8, and a comment may swallow the next rule.",
        expression=(
            "hba.findings[?contains(['continued-comment', 'duplicate', 'literal-keyword', 'short-address'], code)]"
            f".{_FINDING}"
        ),
        fix=RULES,
    ),
    _network(
        id="RPG-NET-009",
        title="Copies of the cluster cannot be asked for from everywhere",
        severity="high",
        rationale="A role for replication takes the whole cluster with it, verifiers included.",
        expression=f"remote_rules[?everywhere && contains(databases, 'replication')].{_RULE}",
        fix=RULES,
        references=cis("7.1"),
    ),
    _network(
        id="RPG-NET-010",
        title="Mappings of pg_ident.conf are sound",
        severity="medium",
        rationale="A mapping that is refused or never used lets people in as somebody else than was meant, or not at all.",
        expression=f"ident.findings[].{_FINDING}",
    ),
    _network(
        id="RPG-NET-011",
        title="No account of a system is mapped to every role, and not every account to one",
        severity="high",
        rationale="Such a line lets an account in as a superuser, too. From PostgreSQL 16 on all means every role; before, it did nothing.",
        expression=(
            "ident.mappings[?every_role || every_account].{map: map, system_user: system_user, role: role, file: file, line: line}"
        ),
    ),
    _network(
        id="RPG-NET-012",
        title="The Unix socket is closed to strangers of the host",
        severity="low",
        rationale="The default lets every account of the host try to log in.",
        expression="[settings.unix_socket_permissions][?!ends_with(setting, '0')].{name: 'unix_socket_permissions', setting: setting}",
        evidence="settings.unix_socket_permissions.setting",
        fix=Fix("pg_network", "pg_network_unix_socket_permissions", '"0770"'),
    ),
    _network(
        id="RPG-NET-013",
        title="Nobody else can put a socket where clients look for the server's",
        severity="medium",
        rationale="In a directory that all may write, another account listens while the server is down, and is given passwords.",
        expression=(
            "files[?what == 'socket_directory' && exists && writable_by_others]"
            ".{path: path, owner: owner, group: group, mode: mode}"
        ),
        fix=Fix("pg_network", "pg_network_unix_socket_directories", "[/var/run/postgresql]"),
    ),
    _network(
        id="RPG-NET-014",
        title="Connections are kept for administrators",
        severity="low",
        rationale="When applications have used up all connections, nobody gets in to end them.",
        expression="[settings.superuser_reserved_connections][?setting == '0'].{name: 'superuser_reserved_connections', setting: setting}",
        evidence="settings.superuser_reserved_connections.setting",
        fix=Fix("pg_network", "pg_network_superuser_reserved_connections", "3"),
    ),
    _network(
        id="RPG-NET-015",
        title="Sessions that idle in a transaction are ended",
        severity="low",
        rationale="Such a session holds its locks and keeps the vacuum from its work for as long as it likes.",
        expression=(
            "[settings.idle_in_transaction_session_timeout][?setting == '0']"
            ".{name: 'idle_in_transaction_session_timeout', setting: setting}"
        ),
        evidence="settings.idle_in_transaction_session_timeout.setting",
        fix=Fix("pg_network", "pg_network_idle_in_transaction_session_timeout", "10min"),
    ),
    _network(
        id="RPG-NET-017",
        title="pg_hba.conf is in force as it stands",
        severity="high",
        rationale="A file that was changed and not loaded shows rules that nobody is judged by.",
        expression=f"hba.findings[?code == 'stale'].{_FINDING}",
    ),
    parameter(
        "RPG-NET-016",
        "client_connection_check_interval",
        "low",
        "Queries of clients that have gone are ended",
        area="network",
    ),
)
