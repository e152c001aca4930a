# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The profiles as a page of the documentation; private to the collection."""

from __future__ import annotations

from ansible_collections.rampart.postgresql.plugins.plugin_utils._profiles.catalogue import CATALOGUE
from ansible_collections.rampart.postgresql.plugins.plugin_utils._profiles.model import PROFILES
from ansible_collections.rampart.postgresql.plugins.plugin_utils._profiles.model import ProfileParameter
from ansible_collections.rampart.postgresql.plugins.plugin_utils._profiles.model import ProfileValue

__all__ = ["page"]

_HEAD = """\
..
  Copyright (c) 2026, the rampart.postgresql contributors
  GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
  SPDX-License-Identifier: GPL-3.0-or-later
  Written by scripts/profiles.py from plugins/plugin_utils/_profiles. Do not edit by hand.

.. _ansible_collections.rampart.postgresql.docsite.profiles:

Profiles
========

``pg_harden_profile`` chooses what the roles set. ``baseline`` is safe without thinking: nothing needs a restart except
the libraries that are preloaded and, where the log goes nowhere, the logging collector. ``cis`` takes what the CIS
benchmark names for the server's major version; the log moves into a directory of the cluster's own, which needs a restart
where the collector is off, and pgAudit is set up where its package can be had. ``strict`` goes further and may refuse
older clients.

A dash means that the profile leaves the parameter alone. Where editions of the benchmark differ, a value holds from the
major version that stands with it; a version whose edition was not seen has the value of the nearest older one.
*Unmapped* means that no benchmark recommendation for it was seen, not that there is none. Numbers move between editions
of the benchmark, so each is given with the source that it was read in. A parameter that a server does not have is not
written there. ``{cluster}`` stands for the name of the cluster, ``17-main``.

What profiles take from everybody
---------------------------------

Every profile takes ``CREATE`` on the schema ``public`` from ``PUBLIC``, in each database that takes connections. PostgreSQL 13
and 14 give it to everybody, and a cluster that was upgraded from them still has it. Roles that own something there get
it for themselves first. A role that has made nothing there yet, and means to, needs a grant; ``pg_access_public_schema: keep``
leaves everything as it is.

``cis`` and ``strict`` also take ``CONNECT`` and ``TEMPORARY`` on databases from ``PUBLIC`` (``pg_access_public_database``), so name
in ``pg_access_database_roles`` who gets in. A client that is connected, or is in ``pg_harden_must_admit``, and would not
get in any more makes the run fail before anything is changed. Nobody can know of a client that is not there at the time.

Look at check mode with ``--diff`` first: each of these is one statement there.

What strict asks of clients
---------------------------

- Their TLS library has to speak TLS 1.3: OpenSSL 1.1.1 or newer, Java 11 or newer (or 8u261). ``pg_stat_ssl`` and the log
  entry ``connection authorized`` show what they use now. What is refused fails in the handshake, before any rule of
  ``pg_hba.conf`` is read, so no check of admission foresees it.
- Encryption without a look at the certificate keeps readers out, not somebody in the middle. Only the client can look:
  it connects with ``sslmode=verify-full`` and has the certificate that signed the server's (``sslrootcert``, with a
  self-signed certificate that one itself), and the certificate bears the name that it connects to
  (``pg_tls_names``). No parameter of the server enforces it. Rules of type ``hostssl`` see to it that nobody connects
  without TLS, and the method ``cert``, or the option ``clientcert=verify-full`` of another one, asks for a certificate
  of the client as well; both are rules of the site (``pg_network_hba_rules``). ``pg_tls_enforce`` reports who has no TLS yet,
  and turns rules into ``hostssl`` once everybody has; it is off in every profile, as that is for the site to decide.
- Every statement is in the log, with the data in it: the log is as secret as the tables, and as large as the work done.
"""


def page() -> str:
    """The whole file, as it must stand in docs/docsite/rst/profiles.rst."""
    return _HEAD + "".join(_section(role, entries) for role, entries in CATALOGUE.items())


def _section(role: str, entries: tuple[ProfileParameter, ...]) -> str:
    lines = ["", role, "-" * len(role), ""]
    for entry in entries:
        lines += _entry(entry)
    return "\n".join(lines)


def _entry(entry: ProfileParameter) -> list[str]:
    lines = [f"``{entry.name}``", f"  {entry.reason}", ""]
    lines += [f"  :{profile}: {_value(entry.value(profile))}" for profile in PROFILES]
    lines.append(f"  :benchmark: {entry.reference or '*unmapped*'}")
    lines.append(f"  :cost: {entry.cost}")
    if entry.library:
        lines.append(f"  :needs: the library ``{entry.library}`` in shared_preload_libraries (a restart)")
    if entry.extension:
        lines.append(f"  :set: once the extension ``{entry.extension}`` is there")
    if entry.optional:
        lines.append("  :servers: not written where the server does not have it")
    return [*lines, ""]


def _value(value: ProfileValue) -> str:
    if value is None:
        return "–"
    if isinstance(value, str):
        return f"``{value.strip()}``"
    return ", ".join(f"``{each}`` from PostgreSQL {first} on" for first, each in value.items())
