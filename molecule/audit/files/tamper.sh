#!/usr/bin/env bash
# Take the extension and its classes away from every cluster of this host.
set -euo pipefail

pg_lsclusters --no-header | while read -r version name port _; do
  runuser -u postgres -- psql -X -q -p "$port" -d shop -c 'DROP EXTENSION pgaudit'
  sed -i '/^pgaudit[.]log /d' "/etc/postgresql/$version/$name/conf.d/zz_rampart.conf"
  pg_ctlcluster "$version" "$name" reload
done
