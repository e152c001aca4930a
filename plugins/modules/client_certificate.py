#!/usr/bin/python
# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: client_certificate
short_description: Issue, renew and revoke client certificates of PostgreSQL roles on the controller
version_added: 0.1.0
description:
  - Makes a private key and a certificate with which a client logs in as a role, and puts them into a directory on the
    Ansible controller under the names and with the modes that libpq wants. C(postgresql.crt) holds the certificate and the
    intermediate that signed it, C(postgresql.key) the key (mode 0600), C(root.crt) the roots by which the client verifies
    servers.
  - Needs an authority that M(rampart.postgresql.certificate_authority) made. All of it happens on the controller, whatever
    host the task runs for; bring the directory to the client with M(ansible.builtin.copy).
  - The certificate is made anew when less than a third of its lifetime is left (or O(renew_before)), when its common name,
    the type or size of its key, or the generation that signs is another one, when the key does not belong to it, cannot be
    read or can be read by others, when it was revoked, and when the file was tampered with. Otherwise it is not touched.
  - Certificates of clients are of no use for a server, and the reverse.
author:
  - rampart.postgresql contributors (@rampart-postgresql)
extends_documentation_fragment:
  - rampart.postgresql.attributes
attributes:
  check_mode:
    support: full
    details: An authority that is not there yet is taken for one that is going to be made.
  diff_mode:
    support: full
    details: The diff tells common name, type of the key and validity, never the key.
  idempotent:
    support: full
    details: Until the certificate is due for renewal.
  platform:
    platforms: posix
    support: full
options:
  authority:
    description: The authority that signs.
    type: dict
    required: true
    suboptions:
      path:
        description: Absolute path of its directory on the controller.
        type: path
        required: true
      passphrase:
        description: Opens its keys. Use a vaulted variable.
        type: str
        required: true
  role:
    description: The role to log in as.
    type: str
    required: true
  common_name:
    description:
      - Common name of the certificate, at most 64 characters. The method C(cert) of pg_hba.conf and C(clientcert=verify-full)
        compare it with the role.
      - Another one needs C(map=) in the rule and a line in pg_ident.conf, see M(rampart.postgresql.ident).
      - The default is O(role).
    type: str
  path:
    description:
      - Absolute path of the directory on the controller. It is made (mode 0700) if it is missing, its parent has to be there.
      - Give every client its own, outside of the authority's. Other files in it are left alone.
    type: path
    required: true
  key_type:
    description: Type of the private key, V(ecdsa_p256), V(ecdsa_p384) or V(rsa).
    type: str
    default: ecdsa_p256
  key_size:
    description: Bits of an RSA key, 3072 to 8192. Other types ignore it.
    type: int
    default: 3072
  key_passphrase:
    description:
      - Encrypts C(postgresql.key), 4 characters or more. libpq asks for it, or takes it from C(sslpassword).
      - Another one makes a new key and a new certificate. The default is a key that is not encrypted.
    type: str
  validity:
    description: Lifetime in days, at most 825. It ends with the authority at the latest.
    type: int
    default: 365
  renew_before:
    description:
      - Make a new certificate when fewer than this many days are left.
      - The default is a third of the lifetime.
    type: int
  made_since:
    description:
      - A certificate that was made before this time is made anew, in ISO 8601 and UTC if it does not say otherwise.
      - It stays so in the next runs, where a switch would make a new one each time.
    type: str
  state:
    description:
      - V(present) makes and renews.
      - V(revoked) puts everything that is still valid of what was made for O(role) in O(path) on the revocation list, and
        removes the bundle. Servers refuse it when they are given the new list. To revoke whatever a role has,
        wherever it is, use O(rampart.postgresql.certificate_authority#module:revoked).
    type: str
    choices: [present, revoked]
    default: present
  reason:
    description: Why it is revoked, as the list tells it.
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
seealso:
  - module: rampart.postgresql.certificate_authority
  - module: rampart.postgresql.ident
requirements:
  - cryptography 3.3 or newer on the controller, which ansible-core itself needs
"""

EXAMPLES = r"""
- name: Give an application a certificate
  rampart.postgresql.client_certificate:
    authority:
      path: "{{ inventory_dir }}/authority"
      passphrase: "{{ vault_authority_passphrase }}"
    role: shop
    path: "{{ inventory_dir }}/clients/shop"
  delegate_to: localhost
  run_once: true

- name: Bring it to the application
  ansible.builtin.copy:
    src: "{{ inventory_dir }}/clients/shop/"
    dest: /home/shop/.postgresql/
    owner: shop
    group: shop
    mode: preserve
    directory_mode: "0700"
  when: not ansible_check_mode # the first time there would be nothing to copy yet

- name: Take a lost laptop's away
  rampart.postgresql.client_certificate:
    authority:
      path: "{{ inventory_dir }}/authority"
      passphrase: "{{ vault_authority_passphrase }}"
    role: alice
    path: "{{ inventory_dir }}/clients/alice_laptop"
    state: revoked
    reason: key_compromise
  delegate_to: localhost
  run_once: true
"""

RETURN = r"""
path:
  description: The directory of the bundle.
  returned: success
  type: str
certificate:
  description: What is in the bundle now; null when there is none that the authority issued.
  returned: success
  type: dict
  contains:
    serial:
      description: Serial number in hexadecimal digits.
      type: str
    usage:
      description: V(client).
      type: str
    owner:
      description: The role.
      type: str
    common_name:
      description: Common name of the certificate.
      type: str
    names:
      description: Empty here.
      type: list
      elements: str
    generation:
      description: The generation of the authority that signed it.
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
      description: Always V(client_certificate).
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
