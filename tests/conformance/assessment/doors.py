"""Lines of pg_hba.conf and pg_ident.conf, wrong ones and good ones."""

from __future__ import annotations

import typing as t

__all__ = ["BAD_HBA", "BAD_IDENT", "GOOD_HBA", "GOOD_IDENT"]

BAD_HBA: t.Final = """\
host app app 10.0.0.0/8 scram-sha-256
host app app 198.51.100.1/32 trust
host app app 198.51.100.2/32 password
host app app 198.51.100.3/32 radius radiusservers=127.0.0.1 radiussecrets=secret
host app app 198.51.100.4/32 md5
host app app 198.51.100.5/32 ident
host app app 203.0.113.1/32 scram-sha-256
host app app 203.0.113.1/32 scram-sha-256
host app dba 203.0.113.2/32 scram-sha-256
host replication copier all scram-sha-256
local all all trust
host all all 0.0.0.0/0 scram-sha-256
host all app 203.0.113.3/32 reject
host app app not-an-address/33 scram-sha-256
"""
GOOD_HBA: t.Final = """\
local all {superuser} peer map=staff
hostssl app app {address}/32 scram-sha-256
hostssl app app 192.0.2.0/24 scram-sha-256
hostssl replication standby {address}/32 scram-sha-256
"""
BAD_IDENT: t.Final = "staff root all\nstaff /^.*$ dba\nincomplete\n"
GOOD_IDENT: t.Final = "staff {superuser} {superuser}\nstaff root {superuser}\n"
