#!/usr/bin/env bash
# Work as an application and as an administrator do, and print, as YAML, what the log of each cluster says about it.
set -euo pipefail

administer() { runuser -u postgres -- psql -X -q -v ON_ERROR_STOP=1 -p "$port" -d shop -c "$1" >/dev/null; }
use() { PGPASSWORD='the password of app' psql -X -q -v ON_ERROR_STOP=1 -h 127.0.0.1 -p "$port" -U app -d shop -c "$1" >/dev/null; }
count() { grep -cE "$1" <<<"$audited" || true; }

pg_lsclusters --no-header | while read -r version name port _ _ _ log; do
  [[ -f $log ]] || log=/var/log/postgresql/postgresql-$version-$name.log
  collected=$(runuser -u postgres -- psql -X -A -t -p "$port" -c 'SELECT pg_catalog.pg_current_logfile()')
  [[ ! $collected =~ ^/ ]] || log=$collected
  before=$(wc -c <"$log")
  use 'CREATE TABLE app.made (i int)'
  use 'INSERT INTO app.made VALUES (1)'
  use 'SELECT * FROM app.plain'
  use 'SELECT * FROM app.secret'
  administer 'GRANT SELECT ON app.secret TO auditor'
  use 'SELECT * FROM app.secret'
  administer 'REVOKE SELECT ON app.secret FROM auditor'
  weak=$(administer "CREATE ROLE brief PASSWORD 'hush'" 2>&1 || true)
  administer "CREATE ROLE made PASSWORD 'hush-and-9-More'"
  administer 'DROP ROLE made; DROP ROLE IF EXISTS brief; DROP TABLE app.made'
  sleep 1
  audited=$(tail -c "+$before" "$log" | grep 'AUDIT: ' || true)
  cat <<YAML
$version/$name:
  table: $(count 'SESSION,.*,DDL,CREATE TABLE,TABLE,app\.made,')
  insert: $(count 'SESSION,.*,WRITE,INSERT,TABLE,app\.made,')
  role: $(count 'SESSION,.*,ROLE,CREATE ROLE,.*made.*<REDACTED>')
  password: $(count 'hush')
  unnamed: $(count ',READ,SELECT,TABLE,app\.plain')
  object: $(count 'OBJECT,.*,READ,SELECT,TABLE,app\.secret')
  weak: "${weak//\"/}"
  journal: $(journalctl --quiet --identifier=postgres --since=-1min | grep -c 'AUDIT: OBJECT' || true)
YAML
done
