#!/usr/bin/python
# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: certificate_authority
short_description: Make and keep a certificate authority for PostgreSQL servers and clients on the controller
version_added: 0.1.0
description:
  - Makes a directory on the Ansible controller that holds a root, an intermediate that signs, their revocation lists, and
    the record of everything that was issued. All of it happens on the controller, whatever host the task runs for.
  - Private keys are encrypted (PKCS8) with O(passphrase), which comes from a vaulted variable and never leaves the
    controller. A key that others can read, or that is not encrypted, is not used.
  - A root and its intermediate are a I(generation). A second generation is how an authority is replaced without a moment
    in which anybody is refused, see O(trusted_generations).
  - The revocation lists of all roots and intermediates that are trusted lie in one file and are replaced by one rename. They
    are signed anew when they are O(crl_interval) days old, so run this task regularly. An expired list refuses every
    client that presents a certificate.
  - A generation appears with everything that belongs to it or not at all, and nothing is in force before the last step. A
    run after one that was killed cleans up and finishes.
  - Everything but the keys and the record can be read by everybody. Keep a copy of the directory where it is safe; without
    it nothing can be revoked.
author:
  - rampart.postgresql contributors (@rampart-postgresql)
extends_documentation_fragment:
  - rampart.postgresql.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details: The diff tells names, validity and serial numbers, never a key.
  idempotent:
    support: full
    details: Until the revocation lists are O(crl_interval) days old.
  platform:
    platforms: posix
    support: full
options:
  path:
    description:
      - Absolute path of the directory on the controller. It is made if it is missing, its parent has to be there.
      - One that is not empty and no certificate authority is refused.
    type: path
    required: true
  passphrase:
    description:
      - Protects the private keys, 12 characters or more. Use a vaulted variable.
      - A wrong one is an error even where nothing is to do.
    type: str
    required: true
  common_name:
    description:
      - How the common names of certificates of the authority begin, for example C(PostgreSQL root 1). At most 46 characters.
      - This and the following options until O(intermediate_validity) are about generations that are made from now on.
    type: str
    default: PostgreSQL
  organization:
    description: Organization in the names of root and intermediate, at most 64 characters; empty for none.
    type: str
    default: ""
  key_type:
    description: Type of the keys of root and intermediate, V(ecdsa_p256), V(ecdsa_p384) or V(rsa).
    type: str
    default: ecdsa_p384
  key_size:
    description: Bits of an RSA key, 3072 to 8192. Other types ignore it.
    type: int
    default: 3072
  root_validity:
    description: Lifetime of a root in days, at most 9131.
    type: int
    default: 3650
  intermediate_validity:
    description:
      - Lifetime of an intermediate in days, at most O(root_validity).
      - What it signs is not valid for longer than itself. A warning tells when a quarter of it is left.
    type: int
    default: 1825
  generation:
    description: Number of the generation that signs. It is made if it is missing.
    type: int
    default: 1
  trusted_generations:
    description:
      - Numbers of the generations that servers and clients are to trust. Those that are missing are made.
      - To replace generation 1, first trust V([1, 2]) and sign with V(1) until every server and every client has the new
        RV(trust); then sign with V(2) until everything that V(1) issued is replaced; then trust V([2]).
      - The default is the one that signs.
    type: list
    elements: int
  crl_validity:
    description: How many days a revocation list is valid; at least four times O(crl_interval), at most 3650.
    type: int
    default: 180
  crl_interval:
    description: Age in days at which the lists are signed anew.
    type: int
    default: 45
  revoked:
    description:
      - Certificates that are not to be accepted any more. What was revoked stays so when it is taken out of this list.
      - Servers refuse a revoked client, and clients a revoked server, when they are given the new lists.
    type: list
    elements: dict
    default: []
    suboptions:
      serial:
        description: Serial number of one certificate in hexadecimal digits, with or without colons. One that the record does not know is an error.
        type: str
      host:
        description: Every server certificate of this host (its name in the inventory). Leave out when it may be issued a new one.
        type: str
      role:
        description: Every client certificate of this role.
        type: str
      reason:
        description: Why, as the list tells it.
        type: str
        choices:
          - unspecified
          - key_compromise
          - ca_compromise
          - affiliation_changed
          - superseded
          - cessation_of_operation
          - privilege_withdrawn
        default: unspecified
      issued_before:
        description:
          - With O(revoked[].host) or O(revoked[].role) only what was issued before this time, in ISO 8601 and UTC if it does
            not say otherwise.
          - Without it a new certificate for the same name is revoked too, by the next run.
        type: str
seealso:
  - module: rampart.postgresql.certificate
  - module: rampart.postgresql.client_certificate
requirements:
  - cryptography 3.3 or newer on the controller, which ansible-core itself needs
"""

EXAMPLES = r"""
- name: Keep an authority beside the inventory
  rampart.postgresql.certificate_authority:
    path: "{{ inventory_dir }}/authority"
    passphrase: "{{ vault_authority_passphrase }}"
    organization: Example
  delegate_to: localhost
  run_once: true

- name: Let everybody trust the next generation before it signs
  rampart.postgresql.certificate_authority:
    path: "{{ inventory_dir }}/authority"
    passphrase: "{{ vault_authority_passphrase }}"
    generation: 1
    trusted_generations: [1, 2]

- name: Revoke what a stolen laptop held, and what was issued to a host until it was cleaned
  rampart.postgresql.certificate_authority:
    path: "{{ inventory_dir }}/authority"
    passphrase: "{{ vault_authority_passphrase }}"
    revoked:
      - serial: 39:46:CE:0F:2A:18:C8:00:D3:22:E5:0B:7B:CE:7B:56:22:89:A7:F9
        reason: key_compromise
      - host: db3.example.org
        issued_before: "2026-11-30T08:00:00Z"
"""

RETURN = r"""
trust:
  description: The roots of all trusted generations, PEM. Empty when check mode did not make an authority.
  returned: success
  type: str
issuers:
  description: The intermediate that signs, PEM.
  returned: success
  type: str
revocation_lists:
  description: The lists of the root and the intermediate of every trusted generation, PEM.
  returned: success
  type: str
expiry:
  description: When what expires, in UTC.
  returned: success
  type: dict
  contains:
    revocation_lists:
      description: The first of the lists.
      type: str
      sample: "2027-05-28T19:38:09Z"
    generations:
      description: Each trusted generation, with C(generation), C(signs), and the ends of its C(root) and C(intermediate).
      type: list
      elements: dict
certificates:
  description:
    - What is valid and not revoked of everything that was issued to hosts and roles.
    - In check mode what is revoked in this run is still among them.
  returned: success
  type: list
  elements: dict
  contains:
    serial:
      description: Serial number in hexadecimal digits.
      type: str
    usage:
      description: V(server) or V(client).
      type: str
    owner:
      description: The host or the role.
      type: str
    common_name:
      description: Common name of the certificate.
      type: str
    names:
      description: DNS names and IP addresses of a server.
      type: list
      elements: str
    generation:
      description: The generation that signed it.
      type: int
    not_before:
      description: Begin, in UTC.
      type: str
    not_after:
      description: End, in UTC.
      type: str
    fingerprint:
      description: SHA-256 fingerprint in hexadecimal digits.
      type: str
steps:
  description: What was changed, in order; in check mode what would be.
  returned: success
  type: list
  elements: dict
  contains:
    component:
      description: Always V(certificate_authority).
      type: str
    subject:
      description: The path of what changed.
      type: str
    description:
      description: What is done, and why.
      type: str
    statement:
      description: Empty here.
      type: str
    before:
      description: What was there.
      type: str
    after:
      description: What is there now.
      type: str
"""
