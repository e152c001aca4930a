#!/usr/bin/python
# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: log_review
short_description: What a server's log tells about logins and changes
version_added: 0.1.0
description:
  - Reads the log of a server for a period and returns failed and rejected logins, logins of superusers, pairs of role and address
    that were not there before, changes of roles, privileges and configuration, restarts, and gaps in the log.
  - It reads text (C(stderr)) through C(log_line_prefix), C(csvlog) and C(jsonlog), with the files that were rotated and those
    compressed by C(gzip), C(bzip2), C(xz), and C(zstd) where the Python of the host is 3.14 or newer. Where the server writes
    several, the one is read that reaches back far enough, JSON and CSV before text.
  - It only ever reads, with the rights of the owner of the cluster. Files of any size are read as a stream; memory is bounded by O(rows).
  - What cannot be known is V(null), with its reasons in RV(unknown), and not an empty list. Lines that are not understood are counted.
    A file that cannot be read to its end, reports in another language and O(limit) make every part unknown.
  - A password in a statement stays on the host, as statements are reduced to the command and to what they name. A password that
    somebody typed as the name of a role cannot be told from one.
  - Who is logged in can have the server say anything, as with C(RAISE LOG). Such a report has a statement or a context, which those of the
    server do not have, and is in RV(doubtful); only a superuser can turn both off.
  - In text the names of role and database, which a client may choose freely before it has logged in, can look like a report of the
    server where C(log_line_prefix) has C(%u) or C(%d). What may be forged is in RV(doubtful) and counts nowhere else, but where
    little stands before the names not every forgery with a line break can be told; so RV(log.forgeable) is V(true). CSV and
    JSON have no such weakness. Nothing can be told of what the owner of the cluster, or a superuser through programs that the
    server runs, writes into the log themselves.
author:
  - rampart.postgresql contributors (@rampart-postgresql)
extends_documentation_fragment:
  - rampart.postgresql.attributes
  - rampart.postgresql.connection
attributes:
  check_mode:
    support: full
  diff_mode:
    support: N/A
    details: It never changes anything.
  idempotent:
    support: full
  platform:
    platforms: posix
    support: full
    details: Linux only.
options:
  since:
    description:
      - Begin of the period, as a time of ISO 8601, in UTC unless it says otherwise, or as a length of time before now such as
        V(36 hours) or V(7 days), to the second.
    type: str
    default: 7 days
  until:
    description:
      - End of the period, in the same way. Without it, now. What happened at this very moment is not in the period, so that the
        next one can begin there. Where it is to do so, end it some seconds ago, as a line may be on its way into the log.
    type: str
  gap:
    description:
      - How long the log may be without a line before that is in RV(gaps).
    type: str
    default: 1 day
  known:
    description:
      - Pairs of role and address that are known; what else logged in is in RV(first_seen). Give RV(pairs) of an earlier review
        that you agreed to.
    type: list
    elements: dict
    default: []
    suboptions:
      role:
        description:
          - Name of the role.
        type: str
        required: true
      address:
        description:
          - An address, a network, a host name as the log has it, or V([local]) for the socket. A name, which the log has where
            C(log_hostname) is on, is what whoever owns the address says in the DNS, and so nothing to rely on.
        type: str
        required: true
  former_prefixes:
    description:
      - Values that C(log_line_prefix) had earlier in the period. Lines with another prefix are not understood.
    type: list
    elements: str
    default: []
  rows:
    description:
      - How many rows of each table are kept apart. What does not fit is counted in rows whose C(others) is V(true).
    type: int
    default: 1000
  limit:
    description:
      - How many MiB of the log are read at most, the newest ones; unpacked size for compressed files.
    type: int
    default: 65536
requirements:
  - psycopg 3, psycopg2 or C(psql)
seealso:
  - module: rampart.postgresql.cluster_info
"""

EXAMPLES = r"""
- name: Review the log of the last week
  rampart.postgresql.log_review:
  become: true
  register: review

- name: Review yesterday against the pairs that were agreed to
  rampart.postgresql.log_review:
    since: "2026-03-01T00:00:00+01:00"
    until: "2026-03-02T00:00:00+01:00"
    gap: 2 hours
    known: "{{ lookup('ansible.builtin.file', 'known_pairs.json') | from_json }}"
  become: true
  register: review
"""

RETURN = r"""
period:
  description:
    - What was looked at, in UTC (C(since), C(until)) and in seconds since 1970 (C(since_epoch), C(until_epoch)).
    - C(next) is where the next review has to begin to miss nothing. It is C(until), and C(since) where reading this period again may tell more,
      as a file of the log could not be read to its end, there is no log, or nothing in it that is understood is older than the end of the period.
      What the server is not set up to log, another language and O(limit) are no such reasons, as nothing would be gained.
  returned: success
  type: dict
  sample:
    since: "2026-03-01T00:00:00Z"
    until: "2026-03-08T00:00:00Z"
    next: "2026-03-08T00:00:00Z"
    since_epoch: 1772323200
    until_epoch: 1772928000
unknown:
  description:
    - Why a part of the result may lack something, as lists of reasons by the name of that part. V(period) is there when the log
      has no times, V(log) when there is no log.
    - A part that is empty and named here is V(null).
  returned: success
  type: dict
  sample: {"superuser_logins": ["log_connections is off"], "first_seen": ["log_connections is off"]}
log:
  description: What was read.
  returned: success
  type: dict
  contains:
    destination:
      description: V(stderr), V(csvlog) or V(jsonlog); V(null) without a log.
      type: str
    files:
      description: The files, the oldest first, with C(path), C(bytes), C(lines), C(modified) and C(error).
      type: list
      elements: dict
    lines:
      description: How many lines were read, also those before the period.
      type: int
    first:
      description: Time of the first line.
      type: str
    last:
      description: Time of the last line.
      type: str
    not_understood:
      description: How many lines or reports are not what the server is set up to write.
      type: int
    torn:
      description: How many lines end, or begin, where a name in the prefix stands, as a name with a line break makes them.
      type: int
    samples:
      description:
        - Some of these, with C(file), C(line), C(why) (V(not_understood) or V(torn)), C(length), and C(shape), which has an V(a)
          for each letter and a V(0) for each digit, as what it says may be a password.
      type: list
      elements: dict
    limited:
      description: Whether there was more than O(limit).
      type: bool
    forgeable:
      description: Whether a client can make the log lie, as described above.
      type: bool
failed_logins:
  description:
    - Logins that failed or were rejected, by C(reason), C(role), C(database) and C(address), with C(count), C(first) and C(last).
      V(null) stands for what the log does not say.
    - C(reason) is V(wrong_password), V(no_password), V(expired), V(no_hba_entry), V(reject_rule), V(role_does_not_exist),
      V(not_permitted_to_log_in), V(database_does_not_exist), V(database_closed), V(no_privilege), V(too_many_connections),
      V(certificate), V(tls), V(timeout), V(protocol), V(options) for parameters that the server did not take,
      V(not_ready), V(authentication) for other methods, or V(not_authorized) where the log is not in English.
    - C(others) is V(true) for a row that counts all for which the table had no room.
  returned: success
  type: list
  elements: dict
  sample:
    - reason: wrong_password
      role: app
      database: shop
      address: 192.0.2.7
      others: false
      count: 12
      first: "2026-03-02T04:05:06Z"
      last: "2026-03-02T04:06:11Z"
superuser_logins:
  description:
    - Logins of roles that are superusers now, or of which RV(changes) say that they were made so before, by C(role), C(database)
      and C(address), with the same counts. Roles that are gone, renamed or no superusers any more are named in RV(unknown) when
      they logged in. The run of this module is one of them when it logs in as one. The database is V((replication\)) for a connection that replicates.
  returned: success
  type: list
  elements: dict
first_seen:
  description: Pairs of C(role) and C(address) that logged in and are not in O(known), with the same counts.
  returned: success
  type: list
  elements: dict
pairs:
  description: O(known) and RV(first_seen) together, as the option O(known) of a later review takes them.
  returned: success
  type: list
  elements: dict
  sample: [{"role": "app", "address": "192.0.2.7"}]
changes:
  description:
    - Statements that change roles, privileges, extensions or configuration, and COPY with a program, by who gave them
      (C(role), C(database), C(address)), C(source), C(command), C(object), C(to) and C(clauses), with C(count), C(first), C(last),
      and C(failed), how often the server refused it.
    - C(source) is V(statement) for what C(log_statement) or a duration logged, V(audit) for what pgAudit did, V(set_user) for
      what that extension did. A change can be in several.
    - A statement is logged before it is run, and C(count) includes those that failed. One that was not logged but refused has
      the C(count) 0. What a function or a DO block runs is only known from pgAudit.
  returned: success
  type: list
  elements: dict
  sample:
    - source: statement
      role: alice
      database: shop
      address: 192.0.2.9
      command: GRANT
      object: TABLE orders
      to: app
      clauses: SELECT, UPDATE
      others: false
      count: 1
      first: "2026-03-02T04:05:06Z"
      last: "2026-03-02T04:05:06Z"
      failed: 0
configuration:
  description:
    - Reloads and what they changed, by C(kind) (V(reload), V(reload_refused), V(changed), V(removed), V(pending_restart)), C(parameter)
      and C(value), with the same counts. The value of a parameter that holds any text is V(null), as it may be a secret.
  returned: success
  type: list
  elements: dict
restarts:
  description:
    - When the server started or lost processes, with C(kind), C(from) and C(to).
    - C(kind) is V(restart) after an orderly stop, V(crash) where the server says that it was not stopped, V(start_without_stop)
      where the log has no stop and the server does not say it, V(start) at the begin of the log, V(reinitialised) when one process
      took all others with it, V(process_crash), and V(stop_requested).
  returned: success
  type: list
  elements: dict
gaps:
  description:
    - Where the log has nothing to tell, with C(kind), C(from), C(to), C(path) and C(reason).
    - C(kind) is V(silence), V(begins_late) when the log begins after O(since), V(time_goes_back) by more than two hours,
      V(missing_file) of a rotation, or V(unreadable_file).
  returned: success
  type: list
  elements: dict
doubtful:
  description:
    - What may be forged, or may be another report than it seems, and so is in no other table, by C(why), C(table) where it
      would be, C(what), C(role), C(database) and C(address), with the same counts.
  returned: success
  type: list
  elements: dict
server:
  description: The cluster that this is about.
  returned: success
  type: dict
"""

import dataclasses
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._log_review.gathering import Wish
from ansible_collections.rampart.postgresql.plugins.module_utils._log_review.gathering import gather
from ansible_collections.rampart.postgresql.plugins.module_utils._log_review.period import span
from ansible_collections.rampart.postgresql.plugins.module_utils._log_review.result import Known
from ansible_collections.rampart.postgresql.plugins.module_utils._server.arguments import CONNECTION_ARGUMENTS
from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server
from ansible_collections.rampart.postgresql.plugins.module_utils._server.session import Options

ARGUMENTS: dict[str, dict[str, t.Any]] = {
    "since": {"type": "str", "default": "7 days"},
    "until": {"type": "str"},
    "gap": {"type": "str", "default": "1 day"},
    "known": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {"role": {"type": "str", "required": True}, "address": {"type": "str", "required": True}},
    },
    "former_prefixes": {"type": "list", "elements": "str", "default": []},
    "rows": {"type": "int", "default": 1000},
    "limit": {"type": "int", "default": 65536},
}


def wish_of(params: t.Mapping[str, t.Any]) -> Wish:
    """The options as values."""
    for name in ("rows", "limit"):
        if params[name] < 1:
            raise InputError(option=name, value=params[name], expected="a number from 1 up")
    return Wish(
        since=params["since"],
        until=params["until"],
        gap=span("gap", params["gap"]),
        known=Known(params["known"]),
        prefixes=tuple(params["former_prefixes"]),
        rows=params["rows"],
        limit=params["limit"],
    )


def main() -> t.NoReturn:
    """Read and tell."""
    module = AnsibleModule(argument_spec={**CONNECTION_ARGUMENTS, **ARGUMENTS}, supports_check_mode=True)
    try:
        wish = wish_of(module.params)
        options = dataclasses.replace(Options.from_task(module.params), read_only=True)
        with Server.open(options) as server:
            result = {**gather(server, wish), **server.facts()}
    except RampartError as error:
        module.fail_json(msg=str(error), **error.details)
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
