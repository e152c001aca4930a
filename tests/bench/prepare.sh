# shellcheck shell=sh
# Runs on a fresh host, which it turns into what an operator finds: an account with sudo, and a server
# that is badly configured. SECOND says whether the second cluster of the image stays.

tries=0
until [ "$(pg_lsclusters --no-header | grep -c ' online ')" -ge 2 ] \
  && systemctl is-system-running --quiet; do
  tries=$((tries + 1))
  [ "$tries" -lt 120 ] || { pg_lsclusters; systemctl --failed; exit 1; }
  sleep 0.5
done
if [ "$SECOND" = no ]; then
  pg_dropcluster --stop 17 second
  systemctl daemon-reload
fi

useradd --create-home --shell /bin/bash deploy
printf 'deploy ALL=(ALL) NOPASSWD: ALL\n' >/etc/sudoers.d/deploy
chmod 0440 /etc/sudoers.d/deploy

cat >>/etc/postgresql/17/main/pg_hba.conf <<'END'
host all all 0.0.0.0/0 trust
host all all ::/0 trust
END
su postgres -c 'psql -Xq -d postgres -v ON_ERROR_STOP=1' <<'END'
CREATE ROLE app LOGIN SUPERUSER;
CREATE ROLE analyst LOGIN CREATEDB;
CREATE ROLE etl LOGIN CREATEROLE;
CREATE ROLE report LOGIN BYPASSRLS;
CREATE ROLE web LOGIN;
CREATE ROLE repl LOGIN REPLICATION;
GRANT pg_read_server_files TO analyst;
GRANT CREATE ON SCHEMA public TO PUBLIC;
\c template1
GRANT CREATE ON SCHEMA public TO PUBLIC;
CREATE DATABASE appdb OWNER app;
SELECT pg_reload_conf() \g /dev/null
END
