#!/usr/bin/env bash
# Make an old and a new log file of each cluster, remove what is old as systemd does, and print, as YAML, what is left.
set -euo pipefail

pg_lsclusters --no-header | while read -r version name _; do
  directory=/var/log/postgresql/$version-$name
  install -d -o postgres -g postgres -m 0700 "$directory"
  runuser -u postgres -- touch -d '40 days ago' "$directory/old.log"
  runuser -u postgres -- touch -d '20 days ago' "$directory/new.log"
done
systemd-tmpfiles --clean
pg_lsclusters --no-header | while read -r version name _; do
  directory=/var/log/postgresql/$version-$name
  echo "$version/$name: [$(cd "$directory" && find . -name '???.log' -printf '%P\n' | sort | paste -sd ,)]"
done
echo "systemd: $(systemd-tmpfiles --version | awk 'NR == 1 { print $2 }')"
