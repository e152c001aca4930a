#!/usr/bin/python
# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_job
short_description: Schedule backups of a PostgreSQL cluster
version_added: 0.1.0
description:
  - Writes, for each job, its definition (C(/etc/rampart-backup/NAME.json)) and the units of systemd that run it as the account
    of the cluster (C(rampart-backup-NAME.service), C(rampart-backup-NAME.timer)), and starts the timer. What runs is
    the program that M(rampart.postgresql.backup_program) installs.
  - Label, programs, socket and port of the cluster, and the superuser that its account logs in as, are taken from the live server.
  - Before anything is written the program is asked whether it can do each new job (C(rampart-backup check)), as the account of the
    cluster, in check mode too. A job that it refuses leaves everything as it was.
  - The service has a low priority for CPU and disk, may write in the places of its job and in its own state
    (C(/var/lib/rampart-backup/NAME)) and nowhere else, and gains no privileges.
  - Where systemd does not run the host, a file in C(/etc/cron.d) starts the program, without the sandbox.
author:
  - rampart.postgresql contributors (@rampart-postgresql)
extends_documentation_fragment:
  - rampart.postgresql.attributes
  - rampart.postgresql.connection
attributes:
  check_mode:
    support: full
    details: Jobs are not tried while the program is not installed, which is a warning, and so is a job that goes and that the server
      archives its WAL by.
  diff_mode:
    support: full
  idempotent:
    support: full
  platform:
    platforms: posix
    support: full
    details: Linux. Needs root.
options:
  jobs:
    description: The jobs. Others that are there are left alone.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description:
          - Part of the names of files, units and directories. Up to 64 letters, digits and C(_ . -), a letter or a digit first,
            and not C(vault), C(drills) or one that begins with C(pull-), which are names of the vault, of drills and of pulls.
          - A name that a job of another running cluster of this host has is an error.
        type: str
        required: true
      state:
        description:
          - V(absent) removes definition, units and metrics. Backups, and the status of the last run, stay.
          - A job that the server archives its WAL by is an error; M(rampart.postgresql.wal_archiving) ends that.
          - It takes no server, no account and no program of PostgreSQL's, so that jobs of a cluster that is stopped or gone can be removed. Whether
            that archives its WAL by a job of kind V(wal) nobody can ask then, which is a warning.
        type: str
        choices: [present, absent]
        default: present
      kind:
        description:
          - V(logical) dumps each database with C(pg_dump), and roles and tablespaces with C(pg_dumpall).
          - V(physical) makes a base backup of the whole cluster with C(pg_basebackup), of which each file is compared with the manifest.
            It takes a rule for C(replication) in C(pg_hba.conf), and O(jobs[].staging) where the cluster has tablespaces.
          - V(logs) keeps the files of C(log_directory) that the server has closed, each once; a run that finds no new ones is good and makes no
            backup. It takes C(logging_collector = on). Symbolic links are not followed, and are told as what was left out.
          - V(pgbackrest) has pgBackRest make, encrypt and expire the backups of a stanza that is there, and judges what becomes of
            it. O(jobs[].compression), O(jobs[].retention) and the recipients are in pgBackRest's own files, which the role
            C(pg_backup) writes, so they say nothing here.
          - V(wal) is what M(rampart.postgresql.wal_archiving) has the server hand its WAL to. What is scheduled looks after that, and fails when
            the archive falls behind; every five minutes (V(*:0/5)) is a good time. It removes what no base backup needs any more.
        type: str
        choices: [logical, physical, logs, pgbackrest, wal]
        default: logical
      schedule:
        description: When it runs. Required where O(jobs[].state=present).
        type: dict
        suboptions:
          calendar:
            description:
              - A calendar expression of systemd (C(man systemd.time)), such as V(daily) or V(Mon..Fri *-*-* 02:30:00). One that
                C(systemd-analyze calendar) does not take, or that never comes, is an error.
              - Without systemd what cron can do, which is V(hourly), V(daily), V(weekly), V(monthly), and C(HH:MM:00) after
                an optional list or range of weekdays (C(Sun), C(Mon,Thu), C(Mon..Fri)) or after C(*-*-*) or C(*-*-DD). An hour may be
                C(*), and minutes may be a step, as in C(*:0/5).
            type: str
            required: true
          random_delay:
            description: Seconds within which the start is put off by chance, so that a fleet does not start at once.
            type: int
            default: 0
          persistent:
            description: Whether a run that was missed, as the host was down, is made when it is up. Cron makes none.
            type: bool
            default: true
      user:
        description:
          - Of V(logical) and V(physical) jobs, the role that they log in as, where it is not the superuser of the account. The account of the cluster has to
            get in as this role without a password, by a line of C(pg_ident.conf) for example.
          - The dump of a role that is no superuser leaves things out and says nothing. A job whose role cannot dump all that it has to is refused, with
            what that is - subscriptions, options of user mappings, rows under row security, what it has no C(SELECT) on. Passwords of roles
            are not in its backups.
          - A V(physical) job takes a role with C(REPLICATION), and writes no marker unless it is a superuser.
        type: str
      databases:
        description: Names of databases, or patterns as of a shell (C(*), C(?), C([])). Jobs that choose none are an error.
        type: list
        elements: str
        default: ["*"]
      exclude_databases:
        description: The same, of databases that are left out.
        type: list
        elements: str
        default: []
      schemas:
        description: Patterns of schemas. Without any, everything in a database is dumped.
        type: list
        elements: str
        default: []
      exclude_schemas:
        description: Patterns of schemas that are left out.
        type: list
        elements: str
        default: []
      row_counts:
        description: Whether the rows of all tables are counted in the dump's own snapshot, for the drill to compare.
        type: bool
        default: true
      parallel:
        description:
          - How many connections of C(pg_dump) dump one database at a time. The drill restores it with as many.
          - More than one takes O(jobs[].staging), as they write a directory (C(pg_dump -Fd)).
        type: int
        default: 1
      checkpoint:
        description: Of V(physical) and V(pgbackrest) jobs, whether the checkpoint at their beginning is made at once (V(fast)) or without haste (V(spread)).
        type: str
        choices: [fast, spread]
        default: spread
      restore_point:
        description:
          - Of V(physical) and V(pgbackrest) jobs, whether a name is written into the WAL at their end, to which the archive can be replayed.
            Of V(pgbackrest) from its version 2.41 on, whose repositories can tell of it, as of O(jobs[].marker).
        type: bool
        default: true
      marker:
        description:
          - Of V(physical) and V(pgbackrest) jobs, whether a row is written before and after, in the table C(rampart_backup.marker) of the database
            C(postgres), by which a drill knows that it restored this moment. It takes a superuser, and is left out on a standby.
        type: bool
        default: true
      pgbackrest:
        description: What jobs of kind V(pgbackrest) do.
        type: dict
        suboptions:
          stanza:
            description: The stanza. Required for them.
            type: str
            default: ''
          type:
            description:
              - The type of each backup. V(check) makes none, and looks whether a segment of WAL that is switched arrives in every
                repository.
            type: str
            choices: [full, diff, incr, check]
            default: full
          full_every:
            description: Every so many backups of a repository are full ones whatever the type says. V(0) for none.
            type: int
            default: 0
          repositories:
            description: How many repositories the stanza has. Each one gets a backup.
            type: int
            default: 1
      wal:
        description: Of V(wal) jobs, from when on the archive has fallen behind.
        type: dict
        suboptions:
          behind_seconds:
            description: The oldest file that waits does so for more seconds than these.
            type: int
            default: 900
          behind_files:
            description: More files than these wait.
            type: int
            default: 64
      incremental:
        description:
          - Of V(physical) jobs, from PostgreSQL 17 on, that most backups hold only what changed since the one before. The server needs
            C(summarize_wal = on); where it is off, or the version older, the job is refused.
          - The drill and a restore put a chain together with C(pg_combinebackup), which takes room for all of it. Retention keeps chains whole.
          - A full backup is made as well where a place lost one of the chain, the timeline changed, or the server lacks summaries. The
            status says why (C(full_because)).
          - The manifest of the last backup, which has the names of files and their checksums, stays in the state of the job.
        type: dict
        suboptions:
          full_every:
            description: One of so many backups is a full one, V(2) at least.
            type: int
            required: true
      compression:
        description: How backups are compressed.
        type: dict
        suboptions:
          method:
            description: Of V(logical) jobs, V(zstd) and V(lz4) came with PostgreSQL 16 and are an error before it. Others run the
              programs of these names.
            type: str
            choices: [gzip, zstd, lz4, none]
            default: gzip
          level:
            description: From 0 to 9 (gzip), 22 (zstd), 12 (lz4); V(-1) is the default of the method.
            type: int
            default: -1
      encryption:
        description: To whom backups are encrypted. Required where O(jobs[].state=present).
        type: dict
        suboptions:
          method:
            description: V(none) keeps backups in clear. Jobs of kind V(pgbackrest) do not look at it.
            type: str
            choices: [age, gpg, none]
            default: age
          recipients:
            description:
              - Public keys of age (C(age1...), C(ssh-ed25519 ...)), or full paths of files with a public key of gpg each.
              - The private keys belong on another host.
            type: list
            elements: str
            default: []
      places:
        description:
          - Where each backup is put, all places at once. Required where O(jobs[].state=present).
          - Of V(pgbackrest) jobs the directories that pgBackRest writes in, for the sandbox.
        type: list
        elements: dict
        suboptions:
          kind:
            description:
              - A directory of this host, an account of another one where this host may only add, or what rclone reaches, such as
                a bucket of S3. rclone has to be installed for the latter.
            type: str
            choices: [directory, vault, rclone]
            default: directory
          path:
            description:
              - Full path of the directory; the job makes one of its own name in it. It is made, mode 0700, for the
                account of the cluster where it is missing and every directory above it is root's.
              - Directories of the system, and those in the data directory, are an error.
            type: str
          host:
            description: The host of the vault.
            type: str
          account:
            description: The account there.
            type: str
          key:
            description: Full path of the private key of ssh, which the account of the cluster can read.
            type: str
          known_hosts:
            description: Full path of a file with the public keys of the vault's host.
            type: str
          port:
            description: Port of ssh.
            type: int
            default: 22
          remote:
            description:
              - The name of a remote in O(jobs[].places[].config), a colon, and a path there that no other host has, such as V(store:bucket/db1).
              - A remote that is described on the spot (V(:s3,...:)) is an error, as it may hold a key.
            type: str
          config:
            description:
              - Full path of rclone's configuration, a file of the account of the cluster that nobody else can read (mode 0600), as it
                holds keys. Another mode is an error.
            type: str
          retain:
            description:
              - Of V(rclone), whether this host removes there what no rule of O(jobs[].retention) keeps. Without it the key needs no right to
                delete, and what is old has to be let go by a rule of the bucket.
            type: bool
            default: false
          timeout:
            description:
              - Seconds without an answer after which the place is given up; 60 of a vault and 300 of rclone where it is left out.
            type: int
      retention:
        description:
          - Which backups are kept in directories of this host, and where rclone reaches with O(jobs[].places[].retain). All zero, nothing is
            ever removed.
          - A vault has its own.
        type: dict
        suboptions:
          last:
            description: The newest so many.
            type: int
            default: 0
          days:
            description: The newest of each of the last so many days that have one.
            type: int
            default: 0
          weeks:
            description: The same, of weeks.
            type: int
            default: 0
          months:
            description: The same, of months.
            type: int
            default: 0
          years:
            description: The same, of years.
            type: int
            default: 0
          at_least:
            description: So many good ones stay whatever the rules say.
            type: int
            default: 1
      notify:
        description: A program that is told of a run. It reads the status as JSON, within the sandbox of the job.
        type: dict
        suboptions:
          command:
            description: The program and its arguments. Others can read them, so no passwords.
            type: list
            elements: str
            default: []
          when:
            description: After which runs.
            type: str
            choices: [failure, always]
            default: failure
      metrics_directory:
        description:
          - The directory that the textfile collector of Prometheus' node exporter reads. The account of the cluster must be able to
            write there; one that is missing is made for it, mode 0755, below directories of root's.
        type: str
      staging:
        description:
          - Full path of a directory of this host in which a backup may lie in clear, mode 0700, while the run lasts. Whatever ends the
            run it is removed, or at the next run if this one is killed. The entry of the backup says so (C(staging)).
          - It needs room for the whole backup, not compressed where the job is V(physical). It is made as directories of O(jobs[].places) are.
          - Used by V(physical) jobs of clusters with tablespaces, and by V(logical) jobs with O(jobs[].parallel); others need none.
        type: str
      timeout:
        description: Seconds after which a run is ended, V(0) for none.
        type: int
        default: 86400
requirements:
  - psycopg 3 or psycopg2, or C(psql)
  - C(age) or C(gpg), and PostgreSQL's clients of the version of the cluster
seealso:
  - module: rampart.postgresql.backup_program
  - module: rampart.postgresql.wal_archiving
"""

EXAMPLES = r"""
- name: Dump everything each night, and keep a month of it
  rampart.postgresql.backup_job:
    cluster: 17/main
    jobs:
      - name: nightly
        schedule:
          calendar: "*-*-* 02:30:00"
          random_delay: 1800
        encryption:
          recipients: [age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p]
        places:
          - path: /var/backups/postgresql
        retention:
          days: 7
          weeks: 5
          at_least: 3
  become: true

- name: Make no backups of that name any more, and keep those that there are
  rampart.postgresql.backup_job:
    cluster: 17/main
    jobs:
      - name: nightly
        state: absent
  become: true
"""

RETURN = r"""
jobs:
  description: What belongs to each job.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Its name.
      type: str
    state:
      description: V(present) or V(absent).
      type: str
    definition:
      description: The file that it is defined in.
      type: str
      sample: /etc/rampart-backup/nightly.json
    status:
      description: The file that says what became of its last run.
      type: str
      sample: /var/lib/rampart-backup/nightly/status/nightly.json
    unit:
      description: The unit that runs it; empty where systemd does not run the host.
      type: str
      sample: rampart-backup-nightly.service
steps:
  description: What was changed; in check mode what would be.
  returned: success
  type: list
  elements: dict
undone:
  description: What was taken back.
  returned: failure, after something was changed
  type: list
  elements: str
server:
  description: The cluster that this was about.
  returned: success, while it runs
  type: dict
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.rampart.postgresql.plugins.module_utils._backup.arguments import ARGUMENTS
from ansible_collections.rampart.postgresql.plugins.module_utils._backup.component import bring
from ansible_collections.rampart.postgresql.plugins.module_utils._backup.desired import from_task
from ansible_collections.rampart.postgresql.plugins.module_utils._backup.remains import opened
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._server.arguments import CONNECTION_ARGUMENTS
from ansible_collections.rampart.postgresql.plugins.module_utils._server.session import Options


def main() -> t.NoReturn:
    """Make the jobs as they are wanted."""
    module = AnsibleModule(argument_spec={**CONNECTION_ARGUMENTS, **ARGUMENTS}, supports_check_mode=True)
    try:
        jobs = from_task(module.params)
        with opened(Options.from_task(module.params), jobs) as server:
            outcome = bring(server, jobs, check_mode=module.check_mode)
            facts = server.facts()
    except RampartError as error:
        module.fail_json(msg=str(error), **error.details)
    result = outcome.result()
    for warning in result.pop("warnings"):
        module.warn(warning)
    module.exit_json(**{**facts, **result})


if __name__ == "__main__":
    main()
