# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Controls of the platform: packages, files, the account and the unit of the server; private to the collection."""

from __future__ import annotations

import functools
import typing as t

from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.benchmarks import cis
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.benchmarks import edition
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.catalogue.shared import not_trusted
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.model import Applies
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.model import Control
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.model import Fix

__all__ = ["PLATFORM"]

_RESTART: t.Final = Fix("pg_harden", "pg_harden_allow_restart", "true")
_ACCOUNT: t.Final = Fix("pg_os", "pg_os_account", "postgres")
_WITH_UNIT: t.Final = Applies(condition="host.unit", reason="No unit of systemd runs this server.")
_PROTECTED: t.Final = '`["full", "strict"]`'

_platform = functools.partial(Control, area="platform")


def _is(name: str, wrong: str) -> str:
    return f"[settings.{name}][?setting == '{wrong}'].{{name: '{name}', setting: setting}}"


PLATFORM: tuple[Control, ...] = (
    _platform(
        id="RPG-PLT-001",
        title="PostgreSQL comes from sources that the site trusts",
        severity="high",
        rationale="Whoever makes the packages is root on the host.",
        expression="host.packages[?trusted == `false`].{name: name, version: version, origin: origin}",
        fix=Fix("pg_os", "pg_os_authorised_sources", "[SOURCE]"),
        references=cis("1.1"),
    ),
    _platform(
        id="RPG-PLT-002",
        title="Only packages that are needed are installed",
        severity="low",
        rationale="What is not there has no holes.",
        expression="host.packages[].{name: name, version: version}",
        manual="Look which of these packages, clients, contrib modules and other servers on the host are needed.",
        references=cis("1.2"),
    ),
    _platform(
        id="RPG-PLT-003",
        title="The server starts with the host",
        severity="medium",
        rationale="After a crash in the night somebody starts it by hand, otherwise than the unit does.",
        expression="(host.unit.enabled == `false` && [host.unit.name]) || `[]`",
        evidence="host.unit.{unit: name, enabled: enabled, active: active}",
        applies=_WITH_UNIT,
        references=cis("1.3"),
    ),
    _platform(
        id="RPG-PLT-004",
        title="The data directory is its owner's alone, and so are WAL and tablespaces elsewhere",
        severity="critical",
        rationale="Whoever reads it reads every table, and the verifiers.",
        expression=(
            "files[?exists && ((what == 'data_directory' && readable_by_others) || ((what == 'data_directory' || what == 'tablespace'"
            " || what == 'wal_directory') && (writable_by_others || writable_by_group || of_another)))]"
            ".{path: path, owner: owner, group: group, mode: mode}"
        ),
        fix=_ACCOUNT,
        references=cis("1.4"),
    ),
    _platform(
        id="RPG-PLT-005",
        title="Pages have checksums",
        severity="medium",
        rationale="Without them a page that the disk has changed is served, and backed up, as if it were good.",
        expression=_is("data_checksums", "off"),
        evidence="settings.data_checksums.setting",
        references=cis("1.4"),
    ),
    _platform(
        id="RPG-PLT-006",
        title="The newest minor release runs",
        severity="high",
        rationale="Minor releases are corrections, of holes that are public from that day on.",
        expression="[support][?behind].{release: release, newest: newest_minor}",
        evidence="support.{release: release, newest: newest_minor}",
        applies=Applies(
            condition="support.newest_minor",
            reason="newest_minors does not say which release of this version is the newest.",
        ),
        references=(*cis("1.5"), *edition("17 v1.0.0", "1.5")),
    ),
    _platform(
        id="RPG-PLT-007",
        title="The major version is still corrected",
        severity="critical",
        rationale="After its end of life a version gets no corrections, and holes of newer ones tell of its own.",
        expression="[support][?ended].{release: release, end_of_life: end_of_life}",
        evidence="support.{release: release, end_of_life: end_of_life}",
        references=(*cis("1.5"), *edition("17 v1.0.0", "1.5")),
    ),
    _platform(
        id="RPG-PLT-008",
        title="The major version is corrected for another half year",
        severity="medium",
        rationale="An upgrade to another major version has to be tried with every application.",
        expression="[support][?ends_soon].{release: release, end_of_life: end_of_life}",
        evidence="support.{release: release, end_of_life: end_of_life}",
    ),
    _platform(
        id="RPG-PLT-009",
        title="Files that the owner makes are its own",
        severity="medium",
        rationale="Dumps and scripts are made with the umask of the login shell; others read what it leaves open.",
        expression="(!ends_with(host.account.umask, '77') && [host.account.umask]) || `[]`",
        evidence="host.account.umask",
        fix=Fix("pg_os", "pg_os_umask", '"0077"'),
        references=cis("2.1"),
    ),
    _platform(
        id="RPG-PLT-010",
        title="Programs, libraries and extensions are root's",
        severity="critical",
        rationale="Whoever writes there decides what the server runs.",
        expression=(
            "files[?(what == 'extension_directory' || what == 'library_directory' || what == 'program_directory') && exists &&"
            " (owner != 'root' || writable_by_others || writable_by_group)].{path: path, owner: owner, group: group, mode: mode}"
        ),
        references=cis("2.2"),
    ),
    _platform(
        id="RPG-PLT-011",
        title="psql keeps no history of the owner",
        severity="low",
        rationale="Statements with passwords stay in the file, and whoever reads it has them.",
        expression="host.account.history[]",
        fix=Fix("pg_os", "pg_os_psql_history", "discard"),
        references=cis("2.3"),
    ),
    _platform(
        id="RPG-PLT-012",
        title="pg_hba.conf, pg_ident.conf, what they include, and postgresql.auto.conf are not for others",
        severity="medium",
        rationale="They say whom to attack, and from where; who writes them lets himself in.",
        expression=(
            "files[?(what == 'hba_file' || what == 'ident_file' || what == 'auto_conf') && exists && (readable_by_others ||"
            " writable_by_others || writable_by_group || of_another)].{path: path, owner: owner, group: group, mode: mode}"
        ),
        fix=Fix("pg_os", "pg_os_authentication_mode", '"0640"'),
    ),
    _platform(
        id="RPG-PLT-013",
        title="Nobody else writes postgresql.conf and what it includes",
        severity="critical",
        rationale="Parameters in them run programs.",
        expression=(
            "files[?contains(['config_file', 'included_directory', 'included_file'], what) && exists && (writable_by_others || writable_by_group ||"
            " of_another)].{path: path, owner: owner, group: group, mode: mode}"
        ),
        fix=Fix("pg_os", "pg_os_configuration_mode", '"0644"'),
    ),
    _platform(
        id="RPG-PLT-014",
        title="Nobody logs in as the owner by a password",
        severity="medium",
        rationale="The account is for the server; people become it by sudo, under their own names.",
        expression="(host.account.locked == `false` && [host.account.name]) || `[]`",
        evidence="host.account.{locked: locked, shell: shell}",
        fix=Fix("pg_os", "pg_os_lock_password", "true"),
        references=cis("4.1"),
    ),
    _platform(
        id="RPG-PLT-015",
        title="Becoming the owner takes a password",
        severity="medium",
        rationale="Without one, whoever has an open terminal of an administrator has the server.",
        expression="host.sudo[?nopasswd].{who: who, as: as, commands: commands, file: file, line: line}",
        fix=Fix("pg_os", "pg_os_sudo", "true"),
        references=cis("4.2"),
    ),
    _platform(
        id="RPG-PLT-016",
        title="Parameters that need a restart are as they should be",
        severity="low",
        rationale="They say what the server is: its memory, its libraries, where it listens.",
        expression="changed_settings[?context == 'postmaster'].{name: name, setting: setting, source: source}",
        manual="Look whether these values are wanted.",
        references=cis("6.3", "8.3"),
    ),
    _platform(
        id="RPG-PLT-017",
        title="Parameters of the configuration files are as they should be",
        severity="low",
        rationale="They can be changed with a reload, by whoever writes these files or may ALTER SYSTEM.",
        expression="changed_settings[?context == 'sighup'].{name: name, setting: setting, source: source}",
        manual="Look whether these values are wanted; those that profiles set have controls of their own.",
        references=cis("6.4", "8.3"),
    ),
    _platform(
        id="RPG-PLT-018",
        title="No parameter waits for a restart",
        severity="medium",
        rationale="What stands in the files is not in force, and will be at a time that nobody chose.",
        expression="pending_restarts",
        fix=_RESTART,
    ),
    _platform(
        id="RPG-PLT-019",
        title="Nothing overrides what the profile sets",
        severity="medium",
        rationale="ALTER ROLE, ALTER DATABASE and the command line win over the files: there the hardening does not hold.",
        expression="overrides",
        fix=Fix("pg_harden", "pg_harden_overrides", "remove"),
    ),
    _platform(
        id="RPG-PLT-020",
        title="What is committed is on disk",
        severity="high",
        rationale="With fsync off a crash leaves a cluster that cannot be used.",
        expression=_is("fsync", "off"),
        evidence="settings.fsync.setting",
        fix=Fix("pg_network", "pg_network_parameters", '{fsync: "on"}'),
    ),
    _platform(
        id="RPG-PLT-021",
        title="Pages that were written halfway can be repaired",
        severity="high",
        rationale="With full_page_writes off a crash in the middle of a page leaves it broken.",
        expression=_is("full_page_writes", "off"),
        evidence="settings.full_page_writes.setting",
        fix=Fix("pg_network", "pg_network_parameters", '{full_page_writes: "on"}'),
    ),
    _platform(
        id="RPG-PLT-022",
        title="Damage is not papered over",
        severity="high",
        rationale="zero_damaged_pages and ignore_checksum_failure turn damage into missing or wrong rows without an error.",
        expression=f"[{_is('zero_damaged_pages', 'on')}, {_is('ignore_checksum_failure', 'on')}][]",
        evidence="{zero_damaged_pages: settings.zero_damaged_pages.setting, ignore: settings.ignore_checksum_failure.setting}",
        fix=Fix("pg_network", "pg_network_parameters", '{zero_damaged_pages: "off", ignore_checksum_failure: "off"}'),
    ),
    _platform(
        id="RPG-PLT-023",
        title="The server runs in a sandbox",
        severity="low",
        rationale="Whoever takes the server over can then write only where it has to, and gains no rights by programs of the host.",
        expression=(
            f"[host.unit.properties][?!contains({_PROTECTED}, not_null(ProtectSystem, 'no')) || NoNewPrivileges != 'yes']"
            ".{ProtectSystem: ProtectSystem, NoNewPrivileges: NoNewPrivileges}"
        ),
        applies=_WITH_UNIT,
        fix=Fix("pg_os", "pg_os_sandbox", "true"),
    ),
    _platform(
        id="RPG-PLT-024",
        title="The server loads libraries from its own directory",
        severity="medium",
        rationale="A directory before it, or instead of it, decides what LOAD, preloads and extensions bring into the server.",
        expression=(
            "[[settings.dynamic_library_path][?setting != '$libdir'].{name: 'dynamic_library_path', setting: setting},"
            " [settings.extension_control_path][?setting != '$system'].{name: 'extension_control_path', setting: setting},"
            " foreign_libraries][]"
        ),
        evidence="settings.dynamic_library_path.setting",
    ),
    _platform(
        id="RPG-PLT-026",
        title="Nobody else can put other files in the place of the server's",
        severity="high",
        rationale="Who writes in a directory on the way to a file exchanges it, whatever the mode of the file is.",
        expression="files[?exposed].{path: path, exposed: exposed}",
    ),
    _platform(
        id="RPG-PLT-027",
        title="Configurations of tools are not for others",
        severity="high",
        rationale="Those of pgBackRest, Barman, repmgr and Patroni hold passwords and keys of their repositories.",
        expression=not_trusted("tool_configuration", "readable_by_others || writable_by_others"),
    ),
    _platform(
        id="RPG-PLT-028",
        title="No update of PostgreSQL's packages waits",
        severity="medium",
        rationale="The distribution has corrections that are not installed.",
        expression="host.packages[?candidate && candidate != version].{name: name, version: version, candidate: candidate}",
        references=(*cis("1.5"), *edition("17 v1.0.0", "1.5")),
    ),
    _platform(
        id="RPG-PLT-029",
        title="The program of the server is of a package",
        severity="medium",
        rationale="Nobody corrects, and nobody can verify, what somebody has built or copied here.",
        expression="(host.server_package == '' && ['the program of the server is of no package']) || `[]`",
        evidence="host.server_package",
        references=cis("1.1"),
    ),
    _platform(
        id="RPG-PLT-030",
        title="The configuration files are in force as they stand",
        severity="high",
        rationale=(
            "A line that the server refuses keeps it from reading the others, and from starting; what was changed and not loaded will"
            " be in force at a time that nobody chose."
        ),
        expression="configuration_findings[].{code: code, name: name, file: file, line: line, message: message}",
    ),
    _platform(
        id="RPG-PLT-025",
        title="The home of the owner is not for others",
        severity="low",
        rationale="Password files, histories and scripts lie there.",
        expression="(!ends_with(host.account.home_mode, '0') && [host.account.{home: home, mode: home_mode}]) || `[]`",
        evidence="host.account.home_mode",
    ),
)
