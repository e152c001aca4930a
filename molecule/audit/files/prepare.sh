#!/usr/bin/env bash
# A database with an application in each cluster; with an argument, a library that is loaded without its extension.
set -euo pipefail

pg_lsclusters --no-header | while read -r version name port _; do
  runuser -u postgres -- psql -X -q -v ON_ERROR_STOP=1 -p "$port" -d postgres <<SQL
CREATE ROLE app LOGIN PASSWORD 'the password of app';
CREATE DATABASE shop OWNER app;
\connect shop
SET ROLE app;
CREATE SCHEMA app;
CREATE TABLE app.secret (i int);
CREATE TABLE app.plain (i int);
SQL
  if [[ -n ${1:-} ]]; then
    cat >"/etc/postgresql/$version/$name/conf.d/site.conf" <<CONF
shared_preload_libraries = 'pgaudit'
pgaudit.log = 'read'
CONF
    systemctl restart "postgresql@$version-$name"
  fi
done
