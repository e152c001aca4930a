#!/usr/bin/env bash
# What clients experience at each cluster of this host, as YAML. Every refusal is followed by its control: the same
# client, when only that one thing is relaxed. What is relaxed is put back.
set -euo pipefail

as_owner() {
  runuser -u postgres -- "$@"
}

administer() {
  as_owner psql -X -q -A -t -v ON_ERROR_STOP=1 -p "$port" -d postgres -c "$1"
}

# client USER SSLMODE STATEMENT [PASSWORD]: over TCP; prints the first line of the answer.
client() {
  PGPASSWORD=${4:-the password of $1} PGSSLMODE=$2 PGCONNECT_TIMEOUT=10 \
    psql -X -q -A -t -w -h 127.0.0.1 -p "$port" -U "$1" -d shop -c "$3" 2>&1 | head -n 1 || true
}

# told NAME VALUE: one line of the report.
told() {
  printf '  %s: "%s"\n' "$1" "${2//\"/\'}"
}

# Milliseconds until a wrong password is refused.
guess() {
  local begin
  begin=$(date +%s%3N)
  client shop require "SELECT 1" wrong >/dev/null
  echo $(($(date +%s%3N) - begin))
}

# guess_below MILLISECONDS: the first guess that is answered sooner. A busy host may be slow, but not every time.
guess_below() {
  local took
  for _ in {1..40}; do
    took=$(guess)
    [[ $took -ge $1 ]] || break
    sleep 0.2
  done
  echo "$took"
}

# Reload, and wait until a new session sees it.
reload() {
  local before
  before=$(administer "SELECT pg_catalog.pg_conf_load_time()")
  administer "SELECT pg_catalog.pg_reload_conf()" >/dev/null
  for _ in {1..100}; do
    [[ $(administer "SELECT pg_catalog.pg_conf_load_time()") == "$before" ]] || return 0
    sleep 0.1
  done
  return 1
}

probe() {
  local rules=/etc/postgresql/$version/$name/pg_hba.conf key saved delayed
  saved=$(mktemp)

  told tls "$(client shop require "SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()")"
  key=$(administer "SHOW ssl_key_file")
  told key_file "$(stat -c '%a %U' "$key")"
  openssl x509 -in "$(administer "SHOW ssl_cert_file")" -out "$saved"
  told verified "$(PGPASSWORD="the password of shop" psql -X -A -t -w -c "SELECT 'accepted'" \
    "host=$(hostname) hostaddr=127.0.0.1 port=$port user=shop dbname=shop sslmode=verify-full sslrootcert=$saved" 2>&1)"

  told plaintext "$(client shop disable "SELECT 'accepted'")"
  cp --preserve=all "$rules" "$saved"
  sed -i '1i hostnossl shop shop 127.0.0.1/32 scram-sha-256' "$rules"
  reload
  told plaintext_control "$(client shop disable "SELECT 'accepted'")"
  cp --preserve=all "$saved" "$rules"
  reload

  told wrong_password "$(client shop require "SELECT 'accepted'" wrong)"
  delayed=$(for _ in {1..3}; do guess; done | sort -n | head -n 1)
  told wrong_password_milliseconds "$delayed"
  administer "ALTER SYSTEM SET auth_delay.milliseconds = 0"
  reload
  told wrong_password_milliseconds_control "$(guess_below $((delayed - 300)))"
  administer "ALTER SYSTEM RESET auth_delay.milliseconds"
  reload

  told create_database "$(client clerk require "CREATE DATABASE probe")"
  administer "ALTER ROLE clerk CREATEDB"
  told create_database_control "$(client clerk require "CREATE DATABASE probe")"
  administer "DROP DATABASE probe"
  administer "ALTER ROLE clerk NOCREATEDB"

  told superuser_over_tcp "$(PGSSLMODE=require psql -X -A -t -w -h 127.0.0.1 -p "$port" -U postgres -c "SELECT 'accepted'" 2>&1 | head -n 1)"
  told superuser_through_the_socket "$(administer "SELECT 'accepted'")"
  told attributes "$(administer "
    SELECT pg_catalog.string_agg(rolname, ' ' ORDER BY rolname) FROM pg_catalog.pg_roles
    WHERE rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication OR rolbypassrls")"
  told rules "$(administer "SELECT count(*) || ' rules, ' || count(error) || ' errors' FROM pg_catalog.pg_hba_file_rules")"
  told waiting "$(administer "SELECT count(*) FROM pg_catalog.pg_settings WHERE pending_restart")"
  told password_encryption "$(administer "SHOW password_encryption")"
  # Who, where and from where, in the log of the distribution, with what is logged at all.
  told logged "$(grep -cE 'db=shop,user=shop,app=[^ ]*,client=127.0.0.1 .*connection authorized.*SSL' "$log" || true)"
  told logged_statements "$(grep -cE 'user=clerk.*statement: CREATE DATABASE' "$log" || true)"
  rm -f "$saved"
}

pg_lsclusters --no-header | while read -r version name port _ _ _ log; do
  echo "$version/$name:"
  probe </dev/null
done
