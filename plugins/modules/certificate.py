#!/usr/bin/python
# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: certificate
short_description: Give a PostgreSQL server a private key and a certificate, and renew it in time
version_added: 0.1.0
description:
  - Makes a private key on the database host, has a certificate for it, and keeps both in ONE file of mode 0600 that
    belongs to the owner of the cluster. The key never leaves the host.
  - Where the certificate comes from is the matter of O(provider) - from the key itself, from an authority of your own on
    the controller in the same task, from a company's authority by way of an operator, or from files that something else renews.
  - Both C(ssl_cert_file) and C(ssl_key_file) name that file, and one rename replaces it. No two renames are safe against
    a kill between them.
  - The certificate is made anew when less than a third of its lifetime is left (or O(renew_before)), when names, type or
    size of the key or the authority differ from what is wanted, when the key does not belong to the certificate, when the
    file cannot be read as such or was tampered with, and when others can read it. Otherwise it is not touched.
  - The throw-away server of the rehearsal loads the new file first. After the reload a TLS handshake with the live
    server, where it listens on TCP, proves that the new certificate is served; otherwise the old file is put back.
  - A certificate that is neither ours nor the distribution's self-made one is left alone and reported, see O(foreign).
  - C(ssl) itself is not turned on here, that is a matter of the module M(rampart.postgresql.settings).
  - A client that verifies a self-signed certificate has to be given every new one; one that trusts an authority has not.
    Use O(names) that clients connect to. Who is connected with TLS while one takes the place of another is named in a warning.
  - Nothing is made while the clock of the host and that of the controller are more than an hour apart.
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
      - A key is made in check mode too, for the rehearsal, and thrown away. The authority of O(provider=ca) says whether it
        would sign the request, which is not recorded. One that is still to be made is a warning then.
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
  provider:
    description:
      - Where the certificate comes from.
      - V(self_signed) - from its own key.
      - V(ca) - from the authority of O(authority), a directory on the controller that the module
        M(rampart.postgresql.certificate_authority) made. The host makes the key and sends a request to the controller, which
        checks it, signs it, and sends back the chain, all in this one task. Not with C(async).
      - V(request) - from somewhere else, later - makes a private key in the file O(path) with C(.request) appended and returns
        RV(certificate_request), which an operator carries to a company's authority. The server keeps what it has. While such
        a key waits, the same request is returned and nothing changes.
      - V(install) - installs O(chain), the answer to that request. The key of a present certificate is used when O(chain)
        was issued for it anew.
      - V(existing) - copies O(source_certificate) and O(source_key), which something else renews, after having checked
        them. Run it again after each renewal.
    type: str
    choices: [self_signed, ca, request, install, existing]
    default: self_signed
  authority:
    description: The authority of O(provider=ca). The host is told nothing of it but its certificates and the names it grants.
    type: dict
    suboptions:
      path:
        description: Directory of the authority on the controller.
        type: path
        required: true
      passphrase:
        description:
          - Passphrase of the authority's keys, best from a vaulted variable. Needed only when something is signed. It stays
            on the controller.
        type: str
      allowed_names:
        description:
          - Names that this host may bear besides O(names), O(additional_names), its name (short too) and its C(ansible_host)
            in the inventory, and V(localhost). A request for any other name is refused, since a host that was taken over
            might ask for another's name.
          - Names, addresses, networks (V(192.0.2.0/24)), and V(*.example.org) for every name with one label in that place.
        type: list
        elements: str
      trust_clients:
        description:
          - Trust client certificates of the authority too, by filling O(client_authorities) and O(client_revocation_lists).
        type: bool
        default: false
  names:
    description:
      - DNS names and IP addresses that the certificate bears, as clients spell them in C(host). The first one becomes the
        subject. Exactly these and O(additional_names); another set makes a new certificate.
      - The default is the name of the host, short and full as far as the host or its resolver knows it, V(localhost), and
        the addresses that the server listens on (where that is all of them, the one that the host uses towards the world).
        With O(provider=ca) also its name and address in the inventory, and of its own names those only that the authority grants.
        The certificate is made anew when it lacks one of them, and not because a resolver does not know one any more.
      - A wildcard is possible as the first label (V(*.example.org)). An internationalised name is written as its A-labels.
      - libpq before PostgreSQL 15 does not match IP addresses.
    type: list
    elements: str
  additional_names:
    description: Names and addresses besides those of O(names) or of its default, in the same form.
    type: list
    elements: str
    default: []
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
  made_since:
    description:
      - Make a new certificate when the present one was made before this moment, whatever is left of its lifetime. ISO 8601
        with a time zone (V(2026-11-29T12:00:00Z)), not in the future. With the same value a second run changes nothing.
      - With O(provider=ca) one that the authority has revoked is made anew without it.
      - For O(provider=self_signed) and O(provider=ca).
    type: str
  controller_clock:
    description:
      - What the clock of the controller says, in seconds since 1970-01-01 UTC. The collection fills it in itself, whatever is
        given. While it and the clock of the host are more than an hour apart nothing is made.
    type: int
  chain:
    description:
      - For O(provider=install), the certificate that was issued for the key of this host, then each authority between it
        and the root, as PEM.
      - It is refused when it has expired, lacks one of O(names), is out of order, or belongs to no key of this host; when it
        is not for servers, when its issuer has expired or is no authority, and when a key of Ed25519 signed it.
    type: str
  issuers:
    description:
      - For O(provider=request), the certificates that have to follow the server's own in its file, as PEM. A certificate
        with others is asked for anew. With O(provider=ca) that is known.
    type: str
  source_certificate:
    description:
      - For O(provider=existing), absolute path of a file on the host with the certificate and its chain, such as
        V(/etc/letsencrypt/live/db1.example.org/fullchain.pem).
      - It is read with the rights of the cluster's owner, or with root's where nobody but root could have put it there.
    type: path
  source_key:
    description:
      - The private key of O(source_certificate), read in the same way. The default is the same file.
      - One that every account of the host can read is refused.
    type: path
  foreign:
    description:
      - What to do when C(ssl_cert_file) names a certificate that is neither ours nor the distribution's self-made one
        (on Debian that of the package C(ssl-cert), on Red Hat's systems C(localhost.crt)).
      - V(keep) changes nothing and reports it in RV(left_alone). V(replace) makes one of ours and names that; the old
        file stays where it is.
      - A certificate that an authority issued is never replaced by a self-signed one without V(replace), ours included.
      - With O(provider=install) and O(provider=existing) you bring the certificate yourself, so it is installed.
    type: str
    choices: [keep, replace]
    default: keep
  configure:
    description:
      - Set C(ssl_cert_file) and C(ssl_key_file) too, in our section V(certificate) of the server's parameters, and with
        O(client_authorities) also C(ssl_ca_file) and C(ssl_crl_file), in our section V(client_trust).
    type: bool
    default: true
  client_authorities:
    description:
      - Certificates of the authorities whose client certificates the server believes, as PEM text. With it the server asks
        every client for one, and refuses a client that shows one that nobody of these vouches for, whatever the rule in
        C(pg_hba.conf) asks for. A client shows what lies in C(~/.postgresql/postgresql.crt) unasked.
      - They are kept in C(rampart-clients.pem) beside the certificate of the server, which C(ssl_ca_file) names. Without
        this option nothing of that is touched.
      - Roots, which issued themselves. An intermediate may stand here too when clients do not send it; its root has to be
        among them. One that may not issue certificates, has expired or does not begin yet is refused.
      - Where C(ssl_ca_file), C(ssl_crl_file) or C(ssl_crl_dir) name something that is not ours, that is left alone and
        reported in RV(left_alone), unless O(foreign=replace).
    type: str
  client_revocation_lists:
    description:
      - Lists of what these authorities have revoked, as PEM text. They are kept in the same file, which C(ssl_crl_file)
        names too, so that authorities and lists are replaced together by one rename.
      - A list of every authority in O(client_authorities), and of every one between it and the clients. The server refuses
        all certificates of an authority whose list is missing or has expired. So a missing list is refused here as far as
        the authority is known, from O(client_authorities) and O(issuers), and so is a list that has expired, does not
        begin yet, was not signed by its authority, or has critical extensions.
      - A warning tells when less than a third of the validity of a list is left.
      - An empty text does without lists. When there are lists of ours, no value at all is refused.
    type: str
requirements:
  - psycopg 3 or psycopg2; check mode works with C(psql) alone
  - cryptography 3.3 or newer; check mode works without it
seealso:
  - module: rampart.postgresql.certificate_authority
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

- name: Have it issued by the authority on the controller
  rampart.postgresql.certificate:
    provider: ca
    authority:
      path: "{{ playbook_dir }}/authority"
      passphrase: "{{ vault_authority_passphrase }}"
  become: true

- name: Ask for a certificate of the company's authority
  rampart.postgresql.certificate:
    provider: request
    names: [db.example.org]
  become: true
  register: asked

- name: Install what the company's authority has issued for it
  rampart.postgresql.certificate:
    provider: install
    names: [db.example.org]
    chain: "{{ lookup('ansible.builtin.file', inventory_hostname ~ '.pem') }}"
  become: true

- name: Use the certificate that an ACME client renews
  rampart.postgresql.certificate:
    provider: existing
    source_certificate: /etc/letsencrypt/live/db.example.org/fullchain.pem
    source_key: /etc/letsencrypt/live/db.example.org/privkey.pem
  become: true

- name: Knowingly replace the certificate that somebody installed
  rampart.postgresql.certificate:
    key_type: rsa
    key_size: 4096
    foreign: replace
  become: true

- name: Believe the clients of our authority, as long as it has not revoked them
  rampart.postgresql.certificate:
    client_authorities: "{{ lookup('ansible.builtin.file', 'authority/trust.pem') }}"
    client_revocation_lists: "{{ lookup('ansible.builtin.file', 'authority/lists.pem') }}"
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
certificate_request:
  description:
    - The request (PEM) of the key that waits for its certificate; null when the present certificate is good, and for a key
      that check mode would make.
  returned: O(provider=request)
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
client_trust:
  description:
    - Whose client certificates the server believes, and until when its revocation lists are valid. Times are seconds since
      1970.
  returned: success, when C(ssl_ca_file) is set or O(client_authorities) is given
  type: dict
  contains:
    path:
      description: The file with the authorities.
      type: str
    authorities:
      description: Each has C(subject), C(not_after), C(fingerprint).
      type: list
      elements: dict
    revocation_lists:
      description: Each has C(issuer), C(last_update), C(next_update) and C(revoked), the number of its entries.
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
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.client_trust import watching as client_trust


def main() -> t.NoReturn:
    """Make or renew the certificate, and name it in the server's configuration."""
    arguments = {**CONNECTION_ARGUMENTS, **ADMISSION_ARGUMENTS, **ARGUMENTS}
    module = AnsibleModule(argument_spec=arguments, supports_check_mode=True)

    def build(values: t.Mapping[str, t.Any]) -> list[Component]:
        components: list[Component] = [
            component(values, can_only_judge=module.check_mode),
            client_trust.component(values, can_only_judge=module.check_mode),
        ]
        if values["configure"]:
            components.append(settings.component({}))
        return components

    run(module, build, guards)


if __name__ == "__main__":
    main()
