#!/usr/bin/python
# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: certificate
short_description: Give a PostgreSQL server a private key and a self-signed certificate, and renew it in time
version_added: 0.1.0
description:
  - Makes a private key and a self-signed certificate on the database host and keeps both in ONE file of mode 0600 that
    belongs to the owner of the cluster. The key never leaves the host.
  - Both C(ssl_cert_file) and C(ssl_key_file) name that file, and one rename replaces it. No two renames are safe against
    a kill between them.
  - The certificate is made anew when less than a third of its lifetime is left (or O(renew_before)), when names, type or
    size of the key differ from what is wanted, when the key does not belong to the certificate, when the file cannot be
    read as such or was tampered with, and when others can read it. Otherwise it is not touched.
  - The throw-away server of the rehearsal loads the new file first. After the reload a TLS handshake with the live
    server, where it listens on TCP, proves that the new certificate is served; otherwise the old file is put back.
  - A certificate that is neither ours nor the distribution's self-made one is left alone and reported, see O(foreign).
  - C(ssl) itself is not turned on here, that is a matter of the module M(rampart.postgresql.settings).
  - A client that verifies a self-signed certificate has to be given every new one. Use O(names) that clients connect to.
    Who is connected with TLS while one takes the place of another is named in a warning.
author:
  - rampart.postgresql contributors (@rampart-postgresql)
extends_documentation_fragment:
  - rampart.postgresql.attributes
  - rampart.postgresql.connection
  - rampart.postgresql.admission
attributes:
  check_mode:
    support: full
    details:
      - A key is made in check mode too, for the rehearsal, and thrown away.
      - Where the cryptography library is missing check mode reports what it cannot judge.
  diff_mode:
    support: full
    details: The diff tells names, type of the key, validity and fingerprint, never the key.
  idempotent:
    support: full
    details: Until the certificate is due for renewal.
  platform:
    platforms: posix
    support: full
    details: Linux only.
options:
  names:
    description:
      - DNS names and IP addresses that the certificate bears, as clients spell them in C(host). The first one becomes the
        subject. Exactly these; another set makes a new certificate.
      - The default is the name of the host, short and full as far as the host or its resolver knows it, and V(localhost).
        The certificate is made anew when it lacks one of them, and not because a resolver does not know one any more.
      - A wildcard is possible as the first label (V(*.example.org)). An internationalised name is written as its A-labels.
      - libpq before PostgreSQL 15 does not match IP addresses.
    type: list
    elements: str
  key_type:
    description:
      - Type of the private key, V(ecdsa_p256), V(ecdsa_p384) or V(rsa).
      - V(ed25519) is refused, because SCRAM authentication over TLS fails with such a key on PostgreSQL 13 to 18.
        The signature names no hash function that channel binding could use.
    type: str
    default: ecdsa_p256
  key_size:
    description: Bits of an RSA key, 3072 to 8192. Other types ignore it.
    type: int
    default: 3072
  path:
    description:
      - Absolute path of the file. The owner of the cluster must be allowed to write in its directory.
      - The default is C(rampart-server.pem) in the directory of the main configuration file if the owner of the cluster
        can write there, otherwise in the data directory.
    type: path
  validity:
    description:
      - Lifetime in days, at most 825, because Apple's systems refuse server certificates with a longer one, those of a
        private authority included. A certificate begins one hour before it is made, for clients whose clock is behind.
      - A present certificate with a longer lifetime is made anew.
    type: int
    default: 365
  renew_before:
    description:
      - Make a new certificate when fewer than this many days are left.
      - The default is a third of the lifetime, so that a run every few months is enough.
    type: int
  foreign:
    description:
      - What to do when C(ssl_cert_file) names a certificate that is neither ours nor the distribution's self-made one
        (on Debian that of the package C(ssl-cert), on Red Hat's systems C(localhost.crt)).
      - V(keep) changes nothing and reports it in RV(left_alone). V(replace) makes one of ours and names that; the old
        file stays where it is.
    type: str
    choices: [keep, replace]
    default: keep
  configure:
    description: Set C(ssl_cert_file) and C(ssl_key_file) too, in our section V(certificate) of the server's parameters.
    type: bool
    default: true
requirements:
  - psycopg 3 or psycopg2; check mode works with C(psql) alone
  - cryptography 3.3 or newer; check mode works without it
seealso:
  - module: rampart.postgresql.settings
"""

EXAMPLES = r"""
- name: Give the server a certificate for the names of its host
  rampart.postgresql.certificate:
  become: true

- name: Give the server a certificate for the names that clients use
  rampart.postgresql.certificate:
    cluster: 17/main
    names: [db.example.org, db1.example.org, 192.0.2.10]
    validity: 90
  become: true

- name: Knowingly replace the certificate that somebody installed
  rampart.postgresql.certificate:
    key_type: rsa
    key_size: 4096
    foreign: replace
  become: true
"""

RETURN = r"""
steps:
  description: What was changed, in order; in check mode what would be.
  returned: success
  type: list
  elements: dict
  contains:
    component:
      description: The part of the collection that planned the step.
      type: str
      sample: certificate
    subject:
      description: The path of the file.
      type: str
      sample: /etc/postgresql/17/main/rampart-server.pem
    description:
      description: What is done and why.
      type: str
    statement:
      description: What an operator would type for the same effect, when there is such a thing.
      type: str
    before:
      description: What was there, in words. Never a key.
      type: str
    after:
      description: What is there now, in words. Never a key.
      type: str
left_alone:
  description: What was seen and deliberately not changed, with the reason.
  returned: success
  type: list
  elements: dict
  sample:
    - component: certificate
      subject: /etc/postgresql/17/main/company.pem
      reason: it is neither ours nor the distribution's; it is valid until 2027-01-31 12:00:00Z
restart_required:
  description: Parameters that wait for a restart.
  returned: success
  type: list
  elements: dict
overridden_by:
  description: Parameters that something stronger sets.
  returned: success
  type: list
  elements: dict
missing_packages:
  description: What has to be installed before a certificate can be made.
  returned: failure, when a library is missing
  type: list
  elements: str
  sample: [python3-cryptography]
undone:
  description: What was taken back.
  returned: failure, after something was written
  type: list
  elements: str
sessions:
  description:
    - Sessions that are not admitted any more; see O(sessions).
    - Each has C(pid), C(user), C(database), C(address), C(application_name), C(reason), C(where), C(action).
  returned: when this run had to ask who would still get in
  type: list
  elements: dict
refused:
  description: Clients that would be refused. Each has C(client), C(pids), C(user), C(database), C(address), C(reason), C(where).
  returned: failure because somebody would be locked out
  type: list
  elements: dict
unproven:
  description: Clients of which it is not certain that they get in, in the same form; see O(accept_unproven).
  returned: failure because somebody would be locked out
  type: list
  elements: dict
server:
  description: The cluster that this was about.
  returned: success
  type: dict
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.rampart.postgresql.plugins.module_utils._admission.arguments import ADMISSION_ARGUMENTS
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.arguments import guards
from ansible_collections.rampart.postgresql.plugins.module_utils._converge import Component
from ansible_collections.rampart.postgresql.plugins.module_utils._module import run
from ansible_collections.rampart.postgresql.plugins.module_utils._server.arguments import CONNECTION_ARGUMENTS
from ansible_collections.rampart.postgresql.plugins.module_utils._settings import arguments as settings
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.arguments import ARGUMENTS
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.arguments import component


def main() -> t.NoReturn:
    """Make or renew the certificate, and name it in the server's configuration."""
    arguments = {**CONNECTION_ARGUMENTS, **ADMISSION_ARGUMENTS, **ARGUMENTS}
    module = AnsibleModule(argument_spec=arguments, supports_check_mode=True)

    def build(values: t.Mapping[str, t.Any]) -> list[Component]:
        components: list[Component] = [component(values, can_only_judge=module.check_mode)]
        if values["configure"]:
            components.append(settings.component({}))
        return components

    run(module, build, guards)


if __name__ == "__main__":
    main()
