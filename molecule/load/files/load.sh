#!/usr/bin/env bash
# Applications at work on each cluster of this host, over TLS as the role shop: pgbench, which logs in anew for every
# transaction, and one session that stays open.
#   load.sh start         begin
#   load.sh stop          end; print as YAML what the applications experienced
#   load.sh begun PORT    when the server of this port was started
set -euo pipefail

HERE=/run/load
export PGPASSWORD='the password of shop' PGSSLMODE=require PGCONNECT_TIMEOUT=10

clusters() {
  pg_lsclusters --no-header
}

# One run of pgbench after the other, each with the lines that it wrote and its exit status.
new_logins() {
  local version=$1 port=$2 status
  echo "INSERT INTO sold DEFAULT VALUES;" >"$HERE/$port.sql"
  while [[ ! -e $HERE/stop ]]; do
    status=0
    "/usr/lib/postgresql/$version/bin/pgbench" --no-vacuum --connect --client=2 --rate=20 --time=2 \
      --file="$HERE/$port.sql" -h 127.0.0.1 -p "$port" -U shop shop >>"$HERE/$port.bench" 2>&1 || status=$?
    echo "status: $status" >>"$HERE/$port.bench"
    [[ $status -eq 0 ]] || sleep 0.5
  done
}

# A question every fifth of a second. psql ends when the connection does.
open_session() {
  local port=$1 status=0
  while [[ ! -e $HERE/stop ]]; do
    echo "INSERT INTO sold DEFAULT VALUES; SELECT 'process ' || pg_catalog.pg_backend_pid();"
    echo "asked" >>"$HERE/$port.asked"
    sleep 0.2
  done | psql -X -q -A -t -v ON_ERROR_STOP=1 -h 127.0.0.1 -p "$port" -U shop -d shop >"$HERE/$port.session" 2>&1 || status=$?
  echo "$status" >"$HERE/$port.status"
}

start() {
  rm -rf "$HERE"
  mkdir -m 0700 "$HERE"
  clusters | while read -r version _ port _; do
    new_logins "$version" "$port" </dev/null >/dev/null 2>&1 &
    echo $! >>"$HERE/pids"
    open_session "$port" </dev/null >/dev/null 2>&1 &
    echo $! >>"$HERE/pids"
  done
}

# told PORT: one cluster's part of the verdict.
told() {
  local bench=$HERE/$1.bench session=$HERE/$1.session
  printf '  runs: %d\n' "$(grep -c '^status: ' "$bench")"
  printf '  transactions: %d\n' "$(awk '/^number of transactions actually processed/ {sum += $NF} END {print sum + 0}' "$bench")"
  printf '  failed_runs: %d\n' "$(grep -c '^status: [^0]' "$bench" || true)"
  printf '  errors: %d\n' "$(grep -ciE 'error|fatal|aborted' "$bench" || true)"
  printf '  complaint: "%s"\n' "$(grep -iE 'error|fatal|aborted' "$bench" | tr -d '"' | head -n 1 || true)"
  printf '  session_asked: %d\n' "$(wc -l <"$HERE/$1.asked")"
  printf '  session_answered: %d\n' "$(grep -c '^process [0-9]*$' "$session")"
  printf '  session_processes: %d\n' "$(sort -u "$session" | grep -c .)"
  printf '  session_status: %d\n' "$(<"$HERE/$1.status")"
}

stop() {
  local pid
  touch "$HERE/stop"
  while read -r pid; do
    tail --pid="$pid" -f /dev/null
  done <"$HERE/pids"
  clusters | while read -r version name port _; do
    echo "$version/$name:"
    told "$port"
  done
}

case $1 in
  start | stop) "$1" ;;
  begun)
    runuser -u postgres -- env -u PGSSLMODE psql -X -A -t -p "$2" -d postgres -c "SELECT pg_catalog.pg_postmaster_start_time()"
    ;;
esac
