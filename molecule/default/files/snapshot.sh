#!/usr/bin/env bash
# Print everything that check mode must leave as it is: files, packages, catalogues, what is in force.
set -euo pipefail
export LC_ALL=C

echo "# files"
find /etc/postgresql /etc/postgresql-common -printf '%p %m %u:%g %T@ %s\n' | sort
find /var/lib/postgresql -path '/var/lib/postgresql/[0-9]*/*/*' -prune -o -printf '%p %m %u:%g\n' | sort
find /etc/postgresql -type f -exec sha256sum {} + | sort -k 2
for directory in /var/lib/postgresql/*/*/; do
  find "$directory" -maxdepth 1 ! -name postmaster.pid -printf '%p %m %u:%g\n' | sort
  sha256sum "$directory/postgresql.auto.conf"
done
find /tmp /var/tmp -mindepth 1 -maxdepth 1 ! -name '*ansible*' | sort

echo "# packages"
dpkg-query -W

pg_lsclusters --no-header | while read -r version name port _; do
  echo "# catalogue of $version/$name"
  runuser -u postgres -- psql -X -q -A -t -v ON_ERROR_STOP=1 -p "$port" -d postgres <<SQL
SELECT pg_postmaster_start_time(), pg_conf_load_time();
SELECT to_jsonb(roles) - 'oid' FROM pg_authid AS roles ORDER BY rolname;
SELECT datname, datdba::regrole, datacl FROM pg_database ORDER BY datname;
SELECT setdatabase, setrole, setconfig FROM pg_db_role_setting ORDER BY 1, 2;
SELECT name, setting, source, sourcefile, sourceline, pending_restart FROM pg_settings
WHERE source <> 'client' AND name <> 'transaction_deferrable' ORDER BY name;
SQL
done
