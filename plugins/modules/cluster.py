#!/usr/bin/python
# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster
short_description: Harden one cluster in one execution
version_added: 0.1.0
description:
  - Brings any set of components of one cluster to the desired state in ONE execution, with one session, one
    observation, one plan, one rehearsal of everything together, one lock, one reload and one undo.
  - The order of the steps is the safe one, whatever the order of the options. The certificate comes first, then the
    extensions, then the parameters, then what happens to old log files, then the attributes of roles, then
    privileges, then the mappings of pg_ident.conf, and the rules of pg_hba.conf last.
  - When anything is refused or does not prove to be in force, everything that this run changed is put back.
  - The server is never restarted; what waits for a restart is returned, see M(rampart.postgresql.server_restart).
author:
  - rampart.postgresql contributors (@rampart-postgresql)
extends_documentation_fragment:
  - rampart.postgresql.admission
  - rampart.postgresql.attributes
  - rampart.postgresql.connection
attributes:
  check_mode:
    support: full
    details: The candidate configuration is rehearsed in check mode too, in a temporary directory.
  diff_mode:
    support: full
    details: One entry for each step. Private keys and other secrets are never part of it.
  idempotent:
    support: full
  platform:
    platforms: posix
    support: full
    details: Linux only.
options:
  certificate:
    description:
    - As the options of M(rampart.postgresql.certificate). Without it the component does not take part.
    type: dict
    suboptions:
      provider:
        description:
        - Where the certificate comes from.
        - V(self_signed) - from its own key.
        - V(ca) - from the authority of O(certificate.authority), a directory on the controller that the module M(rampart.postgresql.certificate_authority)
          made. The host makes the key and sends a request to the controller, which checks it, signs it, and sends
          back the chain, all in this one task. Not with C(async).
        - V(request) - from somewhere else, later - makes a private key in the file O(certificate.path) with C(.request)
          appended and returns RV(certificate_request), which an operator carries to a company's authority. The server
          keeps what it has. While such a key waits, the same request is returned and nothing changes.
        - V(install) - installs O(certificate.chain), the answer to that request. The key of a present certificate
          is used when O(certificate.chain) was issued for it anew.
        - V(existing) - copies O(certificate.source_certificate) and O(certificate.source_key), which something else
          renews, after having checked them. Run it again after each renewal.
        type: str
        choices:
        - self_signed
        - ca
        - request
        - install
        - existing
        default: self_signed
      authority:
        description: The authority of O(certificate.provider=ca). The host is told nothing of it but its certificates
          and the names it grants.
        type: dict
        suboptions:
          path:
            description: Directory of the authority on the controller.
            type: path
            required: true
          passphrase:
            description:
            - Passphrase of the authority's keys, best from a vaulted variable. Needed only when something is signed.
              It stays on the controller.
            type: str
          allowed_names:
            description:
            - Names that this host may bear besides O(certificate.names), O(certificate.additional_names), its name
              (short too) and its C(ansible_host) in the inventory, and V(localhost). A request for any other name
              is refused, since a host that was taken over might ask for another's name.
            - Names, addresses, networks (V(192.0.2.0/24)), and V(*.example.org) for every name with one label in
              that place.
            type: list
            elements: str
          trust_clients:
            description:
            - Trust client certificates of the authority too, by filling O(certificate.client_authorities) and O(certificate.client_revocation_lists).
            type: bool
            default: false
      names:
        description:
        - DNS names and IP addresses that the certificate bears, as clients spell them in C(host). The first one becomes
          the subject. Exactly these and O(certificate.additional_names); another set makes a new certificate.
        - The default is the name of the host, short and full as far as the host or its resolver knows it, V(localhost),
          and the addresses that the server listens on (where that is all of them, the one that the host uses towards
          the world). With O(certificate.provider=ca) also its name and address in the inventory, and of its own names
          those only that the authority grants. The certificate is made anew when it lacks one of them, and not because
          a resolver does not know one any more.
        - A wildcard is possible as the first label (V(*.example.org)). An internationalised name is written as its
          A-labels.
        - libpq before PostgreSQL 15 does not match IP addresses.
        type: list
        elements: str
      additional_names:
        description: Names and addresses besides those of O(certificate.names) or of its default, in the same form.
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
        - The default is C(rampart-server.pem) in the directory of the main configuration file if the owner of the
          cluster can write there, otherwise in the data directory.
        type: path
      validity:
        description:
        - Lifetime in days, at most 825, because Apple's systems refuse server certificates with a longer one, those
          of a private authority included. A certificate begins one hour before it is made, for clients whose clock
          is behind.
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
        - Make a new certificate when the present one was made before this moment, whatever is left of its lifetime.
          ISO 8601 with a time zone (V(2026-11-29T12:00:00Z)), not in the future. With the same value a second run
          changes nothing.
        - With O(certificate.provider=ca) one that the authority has revoked is made anew without it.
        - For O(certificate.provider=self_signed) and O(certificate.provider=ca).
        type: str
      controller_clock:
        description:
        - What the clock of the controller says, in seconds since 1970-01-01 UTC. The collection fills it in itself,
          whatever is given. While it and the clock of the host are more than an hour apart nothing is made.
        type: int
      chain:
        description:
        - For O(certificate.provider=install), the certificate that was issued for the key of this host, then each
          authority between it and the root, as PEM.
        - It is refused when it has expired, lacks one of O(certificate.names), is out of order, or belongs to no
          key of this host; when it is not for servers, when its issuer has expired or is no authority, and when a
          key of Ed25519 signed it.
        type: str
      issuers:
        description:
        - For O(certificate.provider=request), the certificates that have to follow the server's own in its file,
          as PEM. A certificate with others is asked for anew. With O(certificate.provider=ca) that is known.
        type: str
      source_certificate:
        description:
        - For O(certificate.provider=existing), absolute path of a file on the host with the certificate and its chain,
          such as V(/etc/letsencrypt/live/db1.example.org/fullchain.pem).
        - It is read with the rights of the cluster's owner, or with root's where nobody but root could have put it
          there.
        type: path
      source_key:
        description:
        - The private key of O(certificate.source_certificate), read in the same way. The default is the same file.
        - One that every account of the host can read is refused.
        type: path
      foreign:
        description:
        - What to do when C(ssl_cert_file) names a certificate that is neither ours nor the distribution's self-made
          one (on Debian that of the package C(ssl-cert), on Red Hat's systems C(localhost.crt)).
        - V(keep) changes nothing and reports it in RV(left_alone). V(replace) makes one of ours and names that; the
          old file stays where it is.
        - A certificate that an authority issued is never replaced by a self-signed one without V(replace), ours included.
        - With O(certificate.provider=install) and O(certificate.provider=existing) you bring the certificate yourself,
          so it is installed.
        type: str
        choices:
        - keep
        - replace
        default: keep
      configure:
        description:
        - Set C(ssl_cert_file) and C(ssl_key_file) too, in our section V(certificate) of the server's parameters,
          and with O(certificate.client_authorities) also C(ssl_ca_file) and C(ssl_crl_file), in our section V(client_trust).
        type: bool
        default: true
      client_authorities:
        description:
        - Certificates of the authorities whose client certificates the server believes, as PEM text. With it the
          server asks every client for one, and refuses a client that shows one that nobody of these vouches for,
          whatever the rule in C(pg_hba.conf) asks for. A client shows what lies in C(~/.postgresql/postgresql.crt)
          unasked.
        - They are kept in C(rampart-clients.pem) beside the certificate of the server, which C(ssl_ca_file) names.
          Without this option nothing of that is touched.
        - Roots, which issued themselves. An intermediate may stand here too when clients do not send it; its root
          has to be among them. One that may not issue certificates, has expired or does not begin yet is refused.
        - Where C(ssl_ca_file), C(ssl_crl_file) or C(ssl_crl_dir) name something that is not ours, that is left alone
          and reported in RV(left_alone), unless O(certificate.foreign=replace).
        type: str
      client_revocation_lists:
        description:
        - Lists of what these authorities have revoked, as PEM text. They are kept in the same file, which C(ssl_crl_file)
          names too, so that authorities and lists are replaced together by one rename.
        - A list of every authority in O(certificate.client_authorities), and of every one between it and the clients.
          The server refuses all certificates of an authority whose list is missing or has expired. So a missing list
          is refused here as far as the authority is known, from O(certificate.client_authorities) and O(certificate.issuers),
          and so is a list that has expired, does not begin yet, was not signed by its authority, or has critical
          extensions.
        - A warning tells when less than a third of the validity of a list is left.
        - An empty text does without lists. When there are lists of ours, no value at all is refused.
        type: str
  extensions:
    description:
    - As the options of M(rampart.postgresql.extensions). Without it the component does not take part.
    type: dict
    suboptions:
      present:
        description: The extensions that shall be there. Others are neither looked at nor changed.
        type: list
        elements: dict
        required: true
        suboptions:
          name:
            description: Name of the extension, as C(pg_available_extensions) has it.
            type: str
            required: true
          databases:
            description:
            - The databases to have it. V(all) among them means every one that accepts connections, C(template1) included,
              so that new databases have it from the start.
            - A database that does not exist is an error.
            type: list
            elements: str
            default:
            - postgres
          schema:
            description: The schema that a new one is created in. An extension that says itself where it belongs goes
              there.
            type: str
            default: public
          library:
            description: The library that the server must have loaded at its start before the extension can be created
              or used.
            type: str
          role:
            description:
            - A role that the parameters of the extension name, as C(pgaudit.role) does. One that is missing is created,
              without C(LOGIN); one that may log in is an error.
            type: str
          parameters:
            description:
            - Server parameters of the extension. They stand in our section V(extensions) of the server's parameters,
              as soon as the extension is in every database that O(extensions.present[].databases) names, and no sooner.
            - A list becomes text with commas. V(null) leaves a parameter out. A dictionary has each value under the
              first major version that has it, as with M(rampart.postgresql.settings).
            type: dict
            default: {}
  settings:
    description:
    - As the options of M(rampart.postgresql.settings). Without it the component does not take part.
    type: dict
    suboptions:
      parameters:
        description:
        - Parameter to value. Values may be typed (V(true), V(30), V(1.5)), text as the server takes it (V(30s), V(1GB)),
          or a list for list-valued parameters.
        - V(null) leaves a parameter out.
        - This is the whole set. A parameter of an earlier call that is missing now goes back to what other places
          say. Give O(settings.sections) when several tasks or roles share the file.
        - A name of another version is translated (C(ssl_ecdh_curve) and C(ssl_groups)), and C(log_connections) may
          be given as the list of PostgreSQL 18 on every version.
        - 'A value that depends on the server''s major version is a dictionary, in which each value stands under the
          first version that has it, V({13: TLSv1.2, 17: TLSv1.3}). On a server older than all of them the parameter
          is left out.'
        - V(auto) for C(logging_collector) switches it on where the log would go nowhere, or where C(log_directory)
          or one of the destinations V(csvlog) and V(jsonlog) is wanted; where the server's standard error goes into
          a file, as it does on Debian, or the log to syslog only, it leaves the parameter out, which RV(left_alone)
          then says.
        - V({cluster}) in C(log_directory) and C(syslog_ident) becomes the name of the cluster with C(-) for C(/),
          as in C(17-main), or its data directory in the same way where it has no name.
        - An item of C(listen_addresses) that is a network, V(10.0.0.0/8), becomes the addresses that the host has
          in it, and one such as V(interface:eth0) those of that interface. It is an error when there are none. Link-local
          and temporary addresses of IPv6 are not among them.
        - A C(log_directory) with its full path has to be one that the owner of the cluster can write in, or make.
        type: dict
      store:
        description:
        - Where O(settings.parameters) and the libraries of O(settings.preload) are kept.
        - V(drop_in) is our file, whose header and sections say what belongs to whom.
        - V(alter_system) is C(postgresql.auto.conf), written by the server with C(ALTER SYSTEM). Nothing in that
          file says whose a line is. So only the names that are given are set, and others stay as they are, also those
          of an earlier call; O(settings.reset) takes one out. O(settings.sections) cannot be given. What O(settings.file_name)
          holds stays as it is.
        - C(ALTER SYSTEM) cannot keep everything. An error names the parameter, before anything is changed, when it
          belongs to a library that is not loaded yet (versions before 17 refuse it; the rule is the same on all),
          when the value is an empty list of quoted items or has line ends, when it may hold a secret, which the server's
          log could show, for C(data_directory), and when the server has C(allow_alter_system) off.
        type: str
        choices:
        - drop_in
        - alter_system
        default: drop_in
      reset:
        description:
        - Names of parameters to give back to the default in whichever place sets them. They leave our file, are reset
          with C(ALTER SYSTEM), C(ALTER ROLE) and C(ALTER DATABASE), and become comments in the main file and in every
          file that it includes. Such a line stays behind a C(#), and the file's previous version is kept as for every
          file.
        - A name that the server's command line sets is an error, as only what starts the server can change that.
          So is one that this call sets too.
        - On a standby, settings of roles and databases stay, which RV(left_alone) then says.
        type: list
        elements: str
      sections:
        description:
        - Section to parameters, for several owners of one file. A section that is given is exact, an empty one is
          removed, others stay as they are in the file.
        - One parameter in two sections, given or already in the file, is an error that names both.
        type: dict
      preload:
        description:
        - Libraries to load at the start of the server. They are added to C(shared_preload_libraries) behind those
          that any place already names, in their order; none is removed and none is there twice.
        - A library that has to stand in front of another one is moved there when both are named, C(pgaudit) in front
          of C(pgauditlogtofile) and C(pg_stat_statements) in front of C(pg_wait_sampling) for example; C(citus) comes
          first.
        - A library whose file the server could not find is refused.
        - Parameters of these libraries, C(auth_delay.milliseconds) for example, can be set in the same call. The
          rehearsal asks the throw-away server, which has loaded the libraries, for their names, so a misspelt one
          is refused on every version; without a rehearsal it is found only after the restart.
        - Parameters of an extension whose library is loaded only when a session needs it, C(plpgsql.extra_warnings)
          for example, can be set without it being here.
        type: list
        elements: str
      preload_absent:
        description:
        - Libraries to load no longer. They are taken out of C(shared_preload_libraries), whichever places name them,
          and the others stay in their order. What is left is written into our file, the other places keep their lines.
        - Taking away a library while this file goes on setting parameters of its own is an error that names one of
          them.
        - A library cannot be in O(settings.preload) as well.
        type: list
        elements: str
      optional:
        description:
        - Names among O(settings.parameters) and O(settings.sections) that are left out where this server does not
          know them, and libraries of O(settings.preload) that are left out where they have no file, with the parameters
          that only they would define, which RV(left_alone) then says. Any other unknown name is an error. Names of
          a library that is yet to be loaded are known only when it is, so until then such a parameter is written.
        type: list
        elements: str
        default: []
      overrides:
        description:
        - What to do about a value that a stronger place sets differently.
        - V(fail) is an error that names file and line, role or database.
        - V(report) leaves such a parameter as it is and lists it in RV(overridden_by).
        - V(remove) takes the value out of every stronger place, in the way of O(settings.reset), and leaves the weaker
          ones as they are. It cannot change the server's command line, which stays an error, nor roles and databases
          on a standby, which are reported.
        type: str
        choices:
        - fail
        - report
        - remove
        default: fail
      file_name:
        description: Name of our file of O(settings.store=drop_in). Files of an included directory are read in the
          order of their names.
        type: str
        default: zz_rampart.conf
  log_retention:
    description:
    - As the options of M(rampart.postgresql.log_retention). Without it the component does not take part.
    type: dict
    suboptions:
      directory:
        description:
        - The directory with the log files of this cluster and nothing else, as C(log_directory) has it. Whatever
          is in it and old is removed.
        - V({cluster}) in it becomes the name of the cluster with C(-) for C(/), as in C(17-main).
        - As C(systemd-tmpfiles) works as root, a directory that belongs to another account than the owner of the
          cluster is an error, and so is one whose parents are not root's, such as one in the data directory.
        type: str
        required: true
      days:
        description: The age in days. V(0) takes the file away, so that nothing is removed any more.
        type: int
        required: true
  role_attributes:
    description:
    - As the options of M(rampart.postgresql.role_attributes). Without it the component does not take part.
    type: dict
    suboptions:
      allow:
        description:
        - The roles that may have attributes, and which. Every other role loses what it has of O(role_attributes.attributes).
        - Each entry names a role, or roles by a pattern or by what they are members of. A role may have what all
          entries together say that are about it.
        - An empty list allows nobody anything.
        - To name the bootstrap superuser or the login of the run without C(SUPERUSER), if they have it, is an error.
        - A name that the cluster does not have is a warning, so that one list can serve a fleet.
        type: list
        elements: dict
        suboptions:
          role:
            description: Name of the role exactly as C(pg_roles) has it. Capitals matter, no quotes are needed.
            type: str
          pattern:
            description:
            - A regular expression of Python that the whole name of a role has to fit.
            - Roles in O(role_attributes.strip) fit none.
            type: str
          member_of:
            description:
            - Name of a role of which those meant here are members, through other roles too. The role itself is not
              meant.
            - A membership that this run ends makes nobody a member.
            - Whoever may grant that role decides then who may have the attributes.
            type: str
          attributes:
            description: The attributes that it may have. It is not given those that it does not have.
            type: list
            elements: str
            choices:
            - SUPERUSER
            - CREATEDB
            - CREATEROLE
            - REPLICATION
            - BYPASSRLS
            default: []
          memberships:
            description:
            - The roles of O(role_attributes.memberships) that it may be a member of. It is not made a member of one.
              Any other is an error.
            type: list
            elements: dict
            default: []
            suboptions:
              role:
                description: Name of the role of which it may be a member.
                type: str
                required: true
              admin:
                description: Whether it may have the C(ADMIN) option, with which it makes others members. It is not
                  given it.
                type: bool
                default: false
              inherit:
                description:
                - The C(INHERIT) option that the membership is to have; left out, it stays as it is.
                - PostgreSQL 15 and older have no such option, which RV(left_alone) tells.
                type: bool
              set:
                description:
                - The C(SET) option that the membership is to have; left out, it stays as it is.
                - PostgreSQL 15 and older have no such option, which RV(left_alone) tells.
                type: bool
          parameters:
            description: The parameters of O(role_attributes.parameters) on which it may have been granted something.
              Any other is an error.
            type: list
            elements: str
            default: []
      strip:
        description:
        - Roles that may have none of O(role_attributes.attributes), O(role_attributes.memberships) and O(role_attributes.parameters),
          whatever the others have. For a cluster whose allow-list is not known yet.
        - To name the bootstrap superuser, the login of the run, a predefined role, or a role that O(role_attributes.allow)
          grants something is an error.
        type: list
        elements: str
      attributes:
        description: The attributes that are governed. Others are neither looked at nor changed.
        type: list
        elements: str
        choices:
        - SUPERUSER
        - CREATEDB
        - CREATEROLE
        - REPLICATION
        - BYPASSRLS
        default:
        - SUPERUSER
        - CREATEDB
        - CREATEROLE
        - REPLICATION
        - BYPASSRLS
      memberships:
        description:
        - Roles of which nobody may be a member unless O(role_attributes.allow) says so. Indirect membership goes
          with the direct one that it comes through. Members that stay superusers are left alone.
        - Memberships in C(pg_read_all_data), which PostgreSQL 14 and newer have, are ended only while a role that
          may log in has an md5 verifier, or a rule of pg_hba.conf has the method C(md5), because its members read
          verifiers.
        - A membership that a C(+role) in pg_hba.conf asks for is not ended when a client would be refused for it.
        - An empty list leaves all memberships alone. A name that the cluster does not have is a warning.
        type: list
        elements: str
        default:
        - pg_execute_server_program
        - pg_read_server_files
        - pg_write_server_files
        - pg_read_all_data
      parameters:
        description:
        - Parameters on which nobody may have C(SET) or C(ALTER SYSTEM) unless O(role_attributes.allow) says so, PUBLIC
          included. PostgreSQL 14 and older have no such grants.
        - The default has those with which a role runs programs or libraries in the server, changes catalogues, or
          lets itself in. With the name of the log it writes lines into any file of the server's account. An empty
          list leaves all such grants alone.
        - What M(rampart.postgresql.privileges) grants on one of them has to be in O(role_attributes.allow), or each
          of the two undoes what the other did.
        type: list
        elements: str
        default:
        - allow_system_table_mods
        - archive_cleanup_command
        - archive_command
        - archive_library
        - config_file
        - data_directory
        - dynamic_library_path
        - extension_control_path
        - external_pid_file
        - hba_file
        - ident_file
        - jit_provider
        - krb_server_keyfile
        - local_preload_libraries
        - log_directory
        - log_filename
        - oauth_validator_libraries
        - output_plugin_libraries
        - plperl.on_init
        - plperl.on_plperlu_init
        - primary_conninfo
        - recovery_end_command
        - restore_command
        - session_preload_libraries
        - shared_preload_libraries
        - ssl_ca_file
        - ssl_passphrase_command
        - unix_socket_directories
      cascade:
        description:
        - From PostgreSQL 16 on a membership hangs on the C(ADMIN) option of its grantor, and a grant on a parameter
          on its grantor's grant option. When something that nobody wants gone hangs on what is taken away, the run
          fails before anything is changed and lists it. V(true) takes it away too, each with a step of its own, and
          warns of it.
        type: bool
        default: false
      roles:
        description:
        - Roles with values of their own. What is left out stays as it is.
        - To name the bootstrap superuser, the login of the run or a predefined role is an error. A name that the
          cluster does not have is a warning.
        type: list
        elements: dict
        suboptions:
          role:
            description: Name of the role exactly as C(pg_roles) has it.
            type: str
            required: true
          login:
            description: Whether it may log in.
            type: bool
          connection_limit:
            description: How many sessions it may have at the same time, from 0 up; V(-1) is no limit.
            type: int
          valid_until:
            description:
            - Until when its password is valid, such as V(2030-01-31), V(2030-01-31 23:59:00+01:00), or V(infinity).
            - Without an offset the moment is in UTC, without a time it is the beginning of the day.
            type: str
      passwords:
        description:
        - The passwords that roles are to have, role to password.
        - A password is compared with the SCRAM verifier that the server has, by its salt and iterations, so that
          a second run changes nothing. It is prepared as PostgreSQL does (SASLprep). It is set anew when the verifier
          is of another kind, such as md5, or has fewer iterations than C(scram_iterations) (PostgreSQL 16 and newer;
          4096 before).
        - What is sent is a new SCRAM-SHA-256 verifier, never the password, in a transaction with C(log_statement=none),
          no logging of durations or of statements that fail, C(track_activities=off), and where the server knows
          them C(pgaudit.log=none) and C(pg_stat_statements.track_utility=off). The password is in no argument of
          a process, log, diff or result.
        - Where C(credcheck) is loaded and refuses passwords that arrive hashed (C(credcheck.encrypted_password_allowed)),
          the run fails and nothing is sent.
        - A client that is connected with a password of today does not know another one, so the run fails before anything
          is changed unless C(accept_unproven) has it. The same password with another verifier stops nobody.
        - An undone run does not bring back the password of before, which nobody knows; it is reported in RV(undone).
        - Any role can be named, the bootstrap superuser and the login of the run too; predefined roles cannot. To
          give a login that itself shows a password another one is an error.
        - A name that the cluster does not have is a warning. An empty password, and a verifier in place of one, is
          an error.
        type: dict
      in_use:
        description:
        - What to do about a role that replication, backup, monitoring or high availability works with (RV(roles_in_use)),
          and that may not have the attribute, membership or grant on a parameter that it has.
        - V(fail) fails before anything is changed and names the role. V(keep) leaves it that and reports it in RV(left_alone).
        type: str
        choices:
        - fail
        - keep
        default: fail
      require_other_superuser:
        description:
        - Fail, before anything is changed, when the last superuser beside the bootstrap superuser that can log in
          would lose C(SUPERUSER) or C(LOGIN). For sites that keep a second way in.
        type: bool
        default: false
      on_standby:
        description:
        - A standby takes no writes. V(skip) reports in RV(left_alone) what would have to change on the primary, V(fail)
          fails.
        type: str
        choices:
        - skip
        - fail
        default: skip
  privileges:
    description:
    - As the options of M(rampart.postgresql.privileges). Without it the component does not take part.
    type: dict
    suboptions:
      grants:
        description: Who has which privileges on what.
        type: list
        elements: dict
        suboptions:
          kind:
            description:
            - The kind of objects.
            - V(table) is also a view, materialized view, partitioned or foreign table; V(function) also a procedure,
              aggregate or window function; V(type) also a domain.
            - V(parameter) is a server parameter, from PostgreSQL 15 on.
            - V(default) are default privileges, which future objects get when they are made.
            type: str
            required: true
            choices:
            - tablespace
            - parameter
            - database
            - language
            - foreign_data_wrapper
            - foreign_server
            - schema
            - type
            - table
            - column
            - sequence
            - function
            - large_object
            - default
          databases:
            description:
            - The databases that the objects are in; with O(privileges.grants[].kind=database) the objects themselves.
              Not with V(tablespace) and V(parameter), which belong to the cluster.
            - Names, or patterns. A pattern is a regular expression behind a C(/), as in pg_hba.conf, and has to match
              the whole name, as in V(/shop_.*). V(ALL) is everything, as for the other options that choose.
            - Without it, every database that allows connections, C(template1) included. One that does not allow them
              is told in RV(left_alone), and is an error where it is named, except with O(privileges.grants[].kind=database).
            - A schema, object or column that is named has to be in every database that is named, or else in one at
              least.
            type: list
            elements: str
          schemas:
            description:
            - The schemas that the objects are in; with O(privileges.grants[].kind=schema), where it is required,
              the objects themselves. Names, patterns, or V(ALL).
            - Without it, every schema but PostgreSQL's own. With O(privileges.grants[].kind=default) it means the
              default privileges for all schemas, while with it they are those of each of these schemas, which can
              only add to the former; to take there what comes from the former is an error.
            type: list
            elements: str
          objects:
            description:
            - The objects. Names as the catalogue has them (capitals matter, no quotes are needed), patterns, or V(ALL).
              Required but for databases, schemas and default privileges.
            - With O(privileges.grants[].kind=column) the tables. A large object is named by its number.
            - The name of a function means all that bear it; V(total(integer, text)) means the one with these types
              of arguments.
            - Parameters are those that the server knows, or somebody has a privilege on. Another one with a dot in
              its name, as those of an extension that is not loaded, is meant where it is named.
            - On an untrusted language nobody but superusers can be given anything, so naming one is an error.
            type: list
            elements: str
          columns:
            description: The columns of O(privileges.grants[].kind=column). Names, patterns, or V(ALL).
            type: list
            elements: str
          for_roles:
            description:
            - Default privileges are given for objects that one of these roles makes. Names, patterns, or V(ALL),
              as for O(privileges.grants[].roles). Required with O(privileges.grants[].kind=default).
            type: list
            elements: str
          future:
            description: The kinds of future objects of O(privileges.grants[].kind=default). V(large_object) needs
              PostgreSQL 18.
            type: list
            elements: str
            choices:
            - table
            - sequence
            - function
            - type
            - schema
            - large_object
          roles:
            description:
            - The roles that are given the privileges, or that they are taken from. Names, patterns, or V(PUBLIC).
              PostgreSQL's own roles, whose names begin with C(pg_), have to be named; no pattern meets them.
            - An empty list is for O(privileges.grants[].state=exact), when nobody but the owner shall have anything.
            type: list
            elements: str
            required: true
          privileges:
            description:
            - The privileges, as C(GRANT) names them, or V(ALL), which means all that this version has for the kind.
            - V(CONNECT), V(TEMPORARY) and V(CREATE) on databases; V(USAGE) and V(CREATE) on schemas; V(SELECT), V(INSERT),
              V(UPDATE), V(DELETE), V(TRUNCATE), V(REFERENCES), V(TRIGGER) and (from 17 on) V(MAINTAIN) on tables;
              V(SELECT), V(INSERT), V(UPDATE) and V(REFERENCES) on columns; V(USAGE), V(SELECT) and V(UPDATE) on sequences;
              V(EXECUTE) on functions; V(USAGE) on types, languages, foreign data wrappers and servers; V(SELECT)
              and V(UPDATE) on large objects; V(SET) and V(ALTER SYSTEM) on parameters; V(CREATE) on tablespaces.
            type: list
            elements: str
          grant_option:
            description:
            - Whether they may grant them on. With O(privileges.grants[].state=absent) only the grant option is taken,
              the privilege stays.
            type: bool
            default: false
          keep_current_owners:
            description:
            - Whether roles that own something in the schema keep what V(PUBLIC) loses, by grants of their own in
              the same transaction. Only together with O(privileges.grants[].kind=schema), O(privileges.grants[].state=absent)
              and V(PUBLIC).
            - It counts once, while V(PUBLIC) still has the privilege. Superusers, the owner of the schema and its
              members need no grant and get none. An V(exact) entry about the schema goes before it.
            type: bool
            default: false
          state:
            description:
            - With V(present) they have these at least, with V(absent) they do not have these. What they have through
              V(PUBLIC) or a role that they are members of is taken from that.
            - With V(exact) they have these, and nobody has anything else on these objects but what another entry
              gives.
            type: str
            choices:
            - present
            - absent
            - exact
            default: present
      ownership:
        description:
        - Who owns what. An owner is changed before privileges are, in the same transaction.
        - A sequence that belongs to a column goes with the table. What an extension made keeps its owner unless it
          is named.
        type: list
        elements: dict
        suboptions:
          kind:
            description: The kind of objects, as in O(privileges.grants[].kind).
            type: str
            required: true
            choices:
            - tablespace
            - database
            - language
            - foreign_data_wrapper
            - foreign_server
            - schema
            - type
            - table
            - sequence
            - function
            - large_object
          databases:
            description: As O(privileges.grants[].databases). Required for databases.
            type: list
            elements: str
          schemas:
            description: As O(privileges.grants[].schemas).
            type: list
            elements: str
          objects:
            description: As O(privileges.grants[].objects).
            type: list
            elements: str
          owner:
            description: The role that owns them. Two entries that give an object to different roles are an error
              that names both.
            type: str
            required: true
      groups:
        description:
        - Roles that have to be there before something is granted to them. One that is missing is made with NOLOGIN
          and no attribute; one that is there stays as it is.
        - An empty name, one of more than 63 bytes, one that begins with V(pg_) or V(/), and V(ALL), V(PUBLIC), V(public)
          and V(none) are errors.
        type: list
        elements: str
      force_row_security:
        description:
        - Tables with row-level security that is to bind their owners as well (C(FORCE ROW LEVEL SECURITY)). A table
          where it is not enabled is left alone, and an error where it is named. Superusers and roles with C(BYPASSRLS)
          stay unbound.
        type: list
        elements: dict
        suboptions:
          databases:
            description: As O(privileges.grants[].databases).
            type: list
            elements: str
          schemas:
            description: As O(privileges.grants[].schemas).
            type: list
            elements: str
          objects:
            description: The tables. Names, patterns, or V(ALL).
            type: list
            elements: str
            required: true
      report:
        description: Whether to look, in every database that allows connections, for what RV(access_findings) tells.
          Changes nothing.
        type: bool
        default: false
      cascade:
        description:
        - Whether a role may lose its grant option although others, whom no entry is about, have what it granted to
          them. They lose it then, which a warning for each says, and so does the plan of check mode. C(CASCADE) itself
          is never sent.
        - Without it this is an error that lists what would fall, and nothing is changed.
        type: bool
        default: false
      on_standby:
        description:
        - A standby takes no writes. V(skip) reports in RV(left_alone) what would have to change on the primary, V(fail)
          fails.
        type: str
        choices:
        - skip
        - fail
        default: skip
  ident:
    description:
    - As the options of M(rampart.postgresql.ident). Without it the component does not take part.
    type: dict
    suboptions:
      mappings:
        description:
        - The mappings in the order in which the server shall try them.
        - Each has C(map), C(system_user) and C(pg_user), or else C(include).
        - The names are ONE token each, as PostgreSQL spells it. Quotes that only characters like blanks need are
          added.
        - An empty list means that there shall be none.
        type: list
        elements: dict
        suboptions:
          map:
            description: Name of the map, as the option C(map) of a rule in C(pg_hba.conf) has it.
            type: str
          system_user:
            description:
            - The name that authentication found, such as an account of the operating system or a common name.
            - With a slash in front, a regular expression. Begin it with V(^) and end it with V($), or it matches
              every name that has such a part.
            type: str
          pg_user:
            description:
            - The PostgreSQL user that this system user may be.
            - V(\\1) in it stands for what the first part in parentheses of a regular expression in C(system_user)
              matched.
            - From PostgreSQL 16 on V(all) is every role, V(+group) every member of a role, and V(/regex) every role
              that matches. In double quotes, like V("all"), it is a plain name.
            - Before 16 these are plain names, which become special with an upgrade. Such V(all) and V(+group) are
              a warning, V(/regex) is an error.
            type: str
          include:
            description: A file or directory whose mappings are tried in this place, from PostgreSQL 16 on, instead
              of a mapping.
            type: str
          type:
            description: How O(ident.mappings[].include) is meant. The default is V(include).
            type: str
            choices:
            - include
            - include_if_exists
            - include_dir
          comment:
            description:
            - One line or several. A mapping of the file has as its comment the lines of comment right before it and
              then the one on its own line. Where that is not this one, it is changed.
            - Without it a comment that is there stays; an empty string asks for none.
            type: str
      manage:
        description:
        - With V(file) the file has these mappings and no others. A mapping that is there already keeps its bytes,
          its comments and the blank lines around it; only what differs is changed. Comments that a blank line parts
          from the next mapping stay.
        - With V(block) the mappings are a marked block of the file, and every other byte stays as it is. In the block
          what is there already stays too, as with V(file).
        type: str
        choices:
        - file
        - block
        default: file
      block_name:
        description: Tells several blocks in one file apart.
        type: str
        default: mappings
      position:
        description:
        - Whether the mappings of the block are tried before or after the rest of the file.
        - Blocks of other names that want the same place stay where they are; among them the last one made is outermost.
        type: str
        choices:
        - first
        - last
        default: first
      path:
        description: The absolute path of the file. The default is what the server says in C(ident_file).
        type: path
      state:
        description: With V(absent), which needs O(ident.manage=block), the block is removed.
        type: str
        choices:
        - present
        - absent
        default: present
  hba:
    description:
    - As the options of M(rampart.postgresql.hba). Without it the component does not take part.
    type: dict
    suboptions:
      rules:
        description:
        - The rules in the order in which the server shall try them. Each is a dictionary.
        - C(type) (required) is one of V(local), V(host), V(hostssl), V(hostnossl), V(hostgssenc), V(hostnogssenc).
        - C(databases) and C(users) (required) are lists. Each element is ONE token as PostgreSQL spells it, such
          as V(all), V(replication), V(+group) or V(/regex); a name that would be taken as special is written with
          double quotes inside, like V("all"). Quotes that only characters like blanks need are added.
        - C(address) is required except for V(local). V(all), V(samehost), V(samenet), an address in full with its
          prefix length such as V(10.0.0.0/8), an address together with C(netmask), a host name, or a domain such
          as V(.example.com).
        - C(method) (required) is a method that this server knows for this type of connection.
        - C(options) is a dictionary of the method's options, such as C(map) or C(clientcert).
        - C(comment) is one line or several. A rule of the file has as its comment the lines of comment right before
          it and then the one on its own line. Where that is not C(comment), it is changed. Without C(comment), a
          comment that is there stays; an empty string asks for none. A new comment is written before the rule.
        - From PostgreSQL 16 on an element may have C(include), a file or directory whose rules are tried in this
          place, and C(type), which is V(include), V(include_if_exists) or V(include_dir).
        - What P(rampart.postgresql.from_hba#filter) returns can be given here; C(line) is ignored.
        - An empty list is an error, as it would lock everybody out.
        type: list
        elements: dict
      manage:
        description:
        - With V(file) the file has these rules and no others, except for lines that pg_auto_failover wrote. A rule
          that is there already keeps its bytes, its comments and the blank lines around it, however it is spelled;
          only what differs is changed. Comments that a blank line parts from the next rule stay. Rules that are not
          among O(hba.rules) go with the comments that belong to them, and so do lines that the server refuses.
        - With V(block) the rules are a marked block of the file, and every other byte stays as it is. In the block
          what is there already stays too, as with V(file). Marks that do not form one pair, or that stand inside
          another block, are an error.
        type: str
        choices:
        - file
        - block
        default: file
      block_name:
        description: Tells several blocks in one file apart.
        type: str
        default: rules
      position:
        description:
        - Whether the rules of the block are tried before or after the rest of the file.
        - Blocks of other names that want the same place stay where they are; among them the last one made is outermost.
        type: str
        choices:
        - first
        - last
        default: first
      path:
        description: The absolute path of the file. The default is what the server says in C(hba_file).
        type: path
      state:
        description: With V(absent), which needs O(hba.manage=block), the block is removed.
        type: str
        choices:
        - present
        - absent
        default: present
      sentinel:
        description:
        - Begin the rules with one that concerns nobody, C(local "rampart:HASH" all reject), where C(HASH) is a checksum
          of the other lines without their secrets. There is no such database, so a login to it tells whether the
          server has loaded this version of the file, which neither C(pg_hba_file_rules) nor C(pg_conf_load_time)
          can.
        - Every run makes two such logins, which the server refuses and logs.
        - Only where the rules are the first of the file, so not with O(hba.position=last).
        - Without the rule the server's log tells whether the last reload left the file out, as far as the log is
          a file and in English, and the times of the file tell whether it came to its place after that. Both are
          looked at at the start of every run, and the log after a reload too.
        type: bool
        default: true
      fail_on:
        description:
        - Codes of findings (see RV(ignore:lint)) that no file may have. When the file as it will be, lines of others
          included, has one of them, the module fails before anything is written and names the lines.
        - The page "Rules of pg_hba.conf" of the documentation says what each code means and what to do about it.
        - The default is none, because what a site can do without is its own decision; findings are warnings then.
        type: list
        elements: str
        choices:
        - cannot-match
        - cleartext-password
        - continued-comment
        - contradicted
        - duplicate
        - ident
        - literal-keyword
        - md5
        - no-catch-all
        - open-world
        - plaintext
        - rejected
        - replication-world
        - short-address
        - superuser-remote
        - trust-local
        - trust-network
        - trust-world
        - unreachable
        default: []
      catch_all:
        description:
        - Whether the policy asks for rules at the end that reject over the network all that is left, such as C(host
          all all all reject). A file without them gets the finding V(no-catch-all).
        - The default is false, because the server rejects what no rule matches anyway.
        type: bool
        default: false
      enforce_tls:
        description:
        - Makes C(hostssl) of C(host) in the rules once every client uses TLS, and says until then who does not.
        - A client has no TLS when the server's log of O(hba.enforce_tls.window) says so in a line C(connection authorized),
          or a session that is connected. Only clients over TCP count, those on the same host by a loopback address
          included. Sessions that GSSAPI encrypts have no TLS either, because C(hostssl) refuses them.
        - The log has to reach back that far, with C(log_connections) on. Files are read where C(stderr), C(csvlog)
          or C(jsonlog) leads to some, with those that were rotated, also when C(gzip) packed them. From a log that
          goes to syslog or a service manager only, is in another language than English, does not say where a connection
          comes from (C(log_line_prefix) needs C(%h) or C(%p)) or when (C(%m), C(%t) or C(%n)), nothing can be concluded.
        - What is found stands in RV(tls_enforcement).
        - The page "Certificates for a fleet" of the documentation tells more.
        type: dict
        suboptions:
          mode:
            description:
            - V(off) does nothing and reads nothing.
            - V(report) warns of clients without TLS and changes nothing for it.
            - V(on) does the same until there are none, and in the run that finds none makes C(hostssl) of C(host)
              in every rule of the file that admits, in place. This concerns O(hba.rules) and what stands outside
              of them in the file too, and needs no O(hba.rules). Rules with C(reject) stay C(host), lines of pg_auto_failover
              stay as they are. C(hostnossl) and C(hostnogssenc), and all rules of included files, stay and are listed
              in RV(left_alone).
            - Once no such rule is left in the file, V(on) asks for no evidence any more, and rules that come anew
              are C(hostssl) too. With V(off) or V(report), O(hba.rules) mean what they say again.
            - With V(on) it is an error when C(ssl) is off after this run.
            - A client that a C(hostnossl), C(hostgssenc) or C(hostnogssenc) rule goes on to admit does not keep the
              others from being turned.
            type: str
            choices:
            - 'off'
            - report
            - 'on'
            default: 'off'
          window:
            description: How many days without such a client are asked for, from 1 to 365.
            type: int
            default: 7
          log_limit:
            description:
            - How much of the log is read at most, in MiB, the newest part. When the window has more, nothing is turned
              and the reason says so.
            type: int
            default: 1024
requirements:
  - psycopg 3 or psycopg2; check mode works with C(psql) alone
  - cryptography, for O(certificate)
seealso:
  - module: rampart.postgresql.certificate
  - module: rampart.postgresql.settings
  - module: rampart.postgresql.role_attributes
  - module: rampart.postgresql.ident
  - module: rampart.postgresql.hba
  - module: rampart.postgresql.server_restart
"""

EXAMPLES = r"""
- name: Harden the one running cluster
  rampart.postgresql.cluster:
    certificate:
      names: [db1.example.com]
    settings:
      sections:
        tls:
          ssl: true
          ssl_min_protocol_version: TLSv1.2
        authentication:
          password_encryption: scram-sha-256
          auth_delay.milliseconds: 500
      preload: [auth_delay]
    role_attributes:
      allow:
        - role: replicator
          attributes: [REPLICATION]
    hba:
      rules:
        - {type: local, databases: [all], users: [postgres], method: peer}
        - {type: hostssl, databases: [shop], users: [app], address: 10.0.3.0/24, method: scram-sha-256}
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
      description: The component that planned the step.
      type: str
      sample: hba
    subject:
      description: A file, a role or another thing that changes.
      type: str
    description:
      description: What the step does.
      type: str
    statement:
      description: What an operator would type for the same effect; empty when there is no such thing.
      type: str
    before:
      description: The state before, without secrets.
      type: str
    after:
      description: The state after, without secrets.
      type: str
password_state:
  description: As the return value of M(rampart.postgresql.role_attributes).
  returned: success, with O(role_attributes), when the login is a superuser
  type: dict
access_findings:
  description: As the return value of M(rampart.postgresql.privileges).
  returned: success, with O(privileges.report)
  type: list
  elements: dict
near_superusers:
  description: As the return value of M(rampart.postgresql.role_attributes).
  returned: success, with O(role_attributes)
  type: list
  elements: dict
roles_in_use:
  description: As the return value of M(rampart.postgresql.role_attributes).
  returned: success, with O(role_attributes)
  type: list
  elements: dict
restart_required:
  description: Parameters that wait for a restart, on every run until it happened. They are not a change.
  returned: success
  type: list
  elements: dict
  sample: [{"parameter": "shared_preload_libraries", "running": "", "configured": "auth_delay"}]
new_session_required:
  description: Parameters that this run changed and sessions that are open already do not take over.
  returned: success, with O(settings), O(extensions) or a certificate that is configured
  type: list
  elements: dict
  sample: [{"parameter": "log_disconnections", "configured": "on"}]
certificate_request:
  description: As M(rampart.postgresql.certificate) returns it.
  returned: O(certificate.provider=request)
  type: str
waiting_extensions:
  description: As the return value of M(rampart.postgresql.extensions).
  returned: success, with O(extensions)
  type: list
  elements: dict
  sample: [{"extension": "pgaudit", "library": "pgaudit"}]
missing_libraries:
  description: As the return value of M(rampart.postgresql.settings).
  returned: with O(settings), success, and failure for that reason
  type: list
  elements: dict
  sample: [{"library": "pgaudit", "package": "postgresql-17-pgaudit"}]
overridden_by:
  description: Desired values that a stronger place defeats, with that place.
  returned: success
  type: list
  elements: dict
left_alone:
  description: What was seen and deliberately not changed, with the reason.
  returned: success
  type: list
  elements: dict
sessions:
  description: Sessions that are not admitted any more and go on until they are ended; see O(sessions).
  returned: when this run had to ask who would still get in
  type: list
  elements: dict
  contains:
    pid: {description: The server's process., type: int}
    user: {description: The role., type: str}
    database: {description: The database; null with physical replication., type: str}
    address: {description: The IP address; null through the socket., type: str}
    application_name: {description: How the client calls itself., type: str}
    reason: {description: Why it would be refused., type: str}
    where: {description: The rule or attribute that says so., type: str}
    action: {description: V(terminate) when it is ended; V(none)., type: str}
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
    - As M(rampart.postgresql.certificate) returns it.
  returned: success, with O(certificate), when C(ssl_ca_file) is set or O(certificate.client_authorities) is given
  type: dict
server:
  description: The cluster that this was about.
  returned: success
  type: dict
check_mode:
  description: Whether this was check mode, which a play or a task can set beside the command line.
  returned: always
  type: bool
missing_packages:
  description:
    - Packages to install so that a driver and the cryptography library can be imported. Their names are the same on
      Debian, Ubuntu, Fedora and Enterprise Linux.
  returned: always
  type: list
  elements: str
  sample: [python3-psycopg2]
access:
  description: As the return value of M(rampart.postgresql.hba).
  returned: when O(hba) is given
  type: list
  elements: dict
access_left_out:
  description: As the return value of M(rampart.postgresql.hba).
  returned: when O(hba) is given
  type: int
lint:
  description: As the return value of M(rampart.postgresql.hba).
  returned: when O(hba) is given
  type: list
  elements: dict
tls_enforcement:
  description: As the return value of M(rampart.postgresql.hba).
  returned: success, when O(hba.enforce_tls.mode) is V(report) or V(on)
  type: dict
in_force:
  description: As the return value of M(rampart.postgresql.hba).
  returned: when O(hba) is given
  type: dict
undone:
  description: What was put back, and what could not be.
  returned: failure after something had been changed
  type: list
  elements: str
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.rampart.postgresql.plugins.module_utils._admission.arguments import ADMISSION_ARGUMENTS
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.arguments import guards
from ansible_collections.rampart.postgresql.plugins.module_utils._converge import Component
from ansible_collections.rampart.postgresql.plugins.module_utils._extensions import arguments as extensions
from ansible_collections.rampart.postgresql.plugins.module_utils._hba import arguments as hba
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.ident import arguments as ident
from ansible_collections.rampart.postgresql.plugins.module_utils._host.packages import missing_packages
from ansible_collections.rampart.postgresql.plugins.module_utils._log_retention import component as log_retention
from ansible_collections.rampart.postgresql.plugins.module_utils._module import run
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges import arguments as privileges
from ansible_collections.rampart.postgresql.plugins.module_utils._roles import arguments as role_attributes
from ansible_collections.rampart.postgresql.plugins.module_utils._server.arguments import CONNECTION_ARGUMENTS
from ansible_collections.rampart.postgresql.plugins.module_utils._server.drivers import importable
from ansible_collections.rampart.postgresql.plugins.module_utils._settings import arguments as settings
from ansible_collections.rampart.postgresql.plugins.module_utils._tls import arguments as certificate
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.client_trust import watching as clients

COMPONENTS: dict[str, dict[str, t.Any]] = {
    "certificate": certificate.ARGUMENTS,
    "extensions": extensions.ARGUMENTS,
    "settings": settings.ARGUMENTS,
    "log_retention": log_retention.ARGUMENTS,
    "role_attributes": role_attributes.ARGUMENTS,
    "privileges": privileges.ARGUMENTS,
    "ident": ident.ARGUMENTS,
    "hba": hba.ARGUMENTS,
}
ARGUMENTS: dict[str, dict[str, t.Any]] = {
    **CONNECTION_ARGUMENTS,
    **ADMISSION_ARGUMENTS,
    **{name: {"type": "dict", "options": options} for name, options in COMPONENTS.items()},
}


def build(values: t.Mapping[str, t.Any], *, check_mode: bool) -> list[Component]:
    """The components that were asked for; a certificate and extensions bring along the settings that belong to them."""
    given = {name: values[name] for name in COMPONENTS if values[name] is not None}
    components: list[Component] = []
    if "certificate" in given:
        components.append(certificate.component(given["certificate"], option="certificate", can_only_judge=check_mode))
        components.append(clients.component(given["certificate"], option="certificate", can_only_judge=check_mode))
    if "extensions" in given:
        components.append(extensions.component(given["extensions"], option="extensions"))
    if {"settings", "extensions"} & set(given) or given.get("certificate", {}).get("configure"):
        components.append(settings.component(given.get("settings", {}), option="settings"))
    if "log_retention" in given:
        components.append(log_retention.component(given["log_retention"], option="log_retention"))
    if "role_attributes" in given:
        components.append(role_attributes.component(given["role_attributes"], option="role_attributes"))
    if "privileges" in given:
        components.append(privileges.component(given["privileges"], option="privileges"))
    if "ident" in given:
        components.append(ident.component(given["ident"], option="ident"))
    if "hba" in given:
        components.append(hba.component(given["hba"], option="hba"))
    return components


def main() -> t.NoReturn:
    """Harden one cluster."""
    module = AnsibleModule(argument_spec=ARGUMENTS, required_one_of=[list(COMPONENTS)], supports_check_mode=True)
    module.no_log_values.update(settings.secrets(module.params["settings"]))
    for extension in (module.params["extensions"] or {}).get("present") or ():
        module.no_log_values.update(settings.secrets(extension))
    module.no_log_values.update(hba.secrets((module.params["hba"] or {}).get("rules")))
    run(
        module,
        lambda values: build(values, check_mode=module.check_mode),
        guards,
        host=lambda: {"check_mode": module.check_mode, "missing_packages": missing_packages(importable())},
    )


if __name__ == "__main__":
    main()
