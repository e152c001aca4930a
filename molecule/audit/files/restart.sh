#!/usr/bin/env bash
# Restart every cluster of this host.
set -euo pipefail

pg_lsclusters --no-header | while read -r version name _; do
  systemctl restart "postgresql@$version-$name"
done
