#!/usr/bin/env bash
# Every cluster of this host as one finds them where applications work over TLS already: too much is open.
set -euo pipefail

pg_lsclusters --no-header | while read -r version name port _; do
  settings=/etc/postgresql/$version/$name/conf.d/site.conf
  cat >"$settings" <<CONF
password_encryption = md5
log_connections = off
CONF
  chown postgres: "$settings"
  cat >"/etc/postgresql/$version/$name/pg_hba.conf" <<RULES
local  all          all             peer
host   all          all  0.0.0.0/0  scram-sha-256
host   all          all  ::/0       scram-sha-256
host   replication  all  0.0.0.0/0  scram-sha-256
RULES
  runuser -u postgres -- psql -X -q -v ON_ERROR_STOP=1 -p "$port" -d postgres <<SQL
SET password_encryption = 'scram-sha-256';
CREATE ROLE shop LOGIN SUPERUSER PASSWORD 'the password of shop';
CREATE ROLE clerk LOGIN CREATEDB CREATEROLE BYPASSRLS PASSWORD 'the password of clerk';
CREATE ROLE backup LOGIN REPLICATION PASSWORD 'the password of backup';
CREATE DATABASE shop OWNER shop;
\connect shop
SET ROLE shop;
CREATE TABLE sold (at timestamptz NOT NULL DEFAULT clock_timestamp());
SELECT pg_catalog.pg_reload_conf();
SQL
done
