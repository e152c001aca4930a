#!/usr/bin/env bash
# Make every cluster of this host as unsafe as one finds them.
set -euo pipefail

pg_lsclusters --no-header | while read -r version name port _; do
  settings=/etc/postgresql/$version/$name/conf.d/site.conf
  cat >"$settings" <<CONF
ssl = off
password_encryption = md5
log_connections = off
log_statement = none
CONF
  chown postgres: "$settings"
  cat >"/etc/postgresql/$version/$name/pg_hba.conf" <<RULES
local  all  all             trust
host   all  all  0.0.0.0/0  trust
host   all  all  ::/0       md5
RULES
  runuser -u postgres -- psql -X -q -v ON_ERROR_STOP=1 -p "$port" -d postgres <<SQL
SET password_encryption = 'scram-sha-256';
CREATE ROLE shop LOGIN SUPERUSER PASSWORD 'the password of shop';
CREATE ROLE clerk LOGIN CREATEDB CREATEROLE BYPASSRLS PASSWORD 'the password of clerk';
CREATE ROLE backup LOGIN REPLICATION PASSWORD 'the password of backup';
CREATE DATABASE shop OWNER shop;
SELECT pg_catalog.pg_reload_conf();
SQL
done
