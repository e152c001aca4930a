#!/usr/bin/env bash
# Print, as YAML, what each cluster has of pgAudit.
set -euo pipefail

ask() { # DATABASE QUERY
  runuser -u postgres -- psql -X -A -t -v ON_ERROR_STOP=1 -p "$port" -d "$1" -c "$2"
}

pg_lsclusters --no-header | while read -r version name port _; do
  cat <<YAML
$version/$name:
  libraries: "$(ask postgres 'SHOW shared_preload_libraries')"
  classes: "$(ask postgres "SELECT pg_catalog.current_setting('pgaudit.log', true)")"
  in_postgres: $(ask postgres "SELECT count(*) FROM pg_catalog.pg_extension WHERE extname = 'pgaudit'")
  in_shop: $(ask shop "SELECT count(*) FROM pg_catalog.pg_extension WHERE extname = 'pgaudit'")
  auditor: "$(ask postgres "SELECT rolcanlogin FROM pg_catalog.pg_roles WHERE rolname = 'auditor'")"
YAML
done
