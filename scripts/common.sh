# shellcheck shell=bash
# Sourced by the other scripts: where things are, and how to say that something is missing.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
BUILD=$ROOT/.build
export ROOT BUILD
export PIP_DISABLE_PIP_VERSION_CHECK=1
unset PYTHONDONTWRITEBYTECODE # hundreds of processes import the same files

say() {
  printf '%s\n' "$*" >&2
}

fail() {
  say "$(basename "$0"): $*"
  exit 1
}

# need_packages PACKAGE...: Debian packages that must be installed. They are installed when this
# is Debian and we are root, otherwise the user is told what to do.
need_packages() {
  local missing=()
  local package
  for package in "$@"; do
    if ! dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q '^install ok installed$'; then
      missing+=("$package")
    fi
  done
  [[ ${#missing[@]} -gt 0 ]] || return 0
  if [[ ! -e /etc/debian_version || $(id -u) -ne 0 ]]; then
    fail "please install what Debian calls: ${missing[*]}"
  fi
  say "installing Debian packages: ${missing[*]}"
  mkdir -p "$BUILD"
  (
    flock 9
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq || say "apt-get update failed; trying with the package lists that are there"
    apt-get install -qq -y -o DPkg::Lock::Timeout=300 --no-install-recommends "${missing[@]}"
  ) 9>"$BUILD/.apt.lock" >&2
}

# need_command COMMAND PACKAGE...: the packages are asked for only when the command is missing.
need_command() {
  local command=$1
  shift
  command -v "$command" >/dev/null || need_packages "$@"
}

# find_cgroup: systemd in the test hosts needs cgroup v2, which some machines mount beside v1.
find_cgroup() {
  for TEST_HOST_CGROUP in /sys/fs/cgroup /sys/fs/cgroup/unified; do
    if [[ -e $TEST_HOST_CGROUP/cgroup.controllers ]]; then
      export TEST_HOST_CGROUP
      return
    fi
  done
  fail "this machine has no cgroup v2 mount"
}

# in_memory DIRECTORY COMMAND...: run a command with a /tmp and a /var/tmp of its own that lie in memory, where we may
# mount them, have room for it and hide nothing that is needed; else with the usual ones. DIRECTORY is made in /tmp.
in_memory() {
  local directory=$1
  shift
  if ! lies_in_temporary_place "$ROOT" "${HOME:-/}" \
    && awk '/^MemAvailable:/ {exit $2 < 8 * 1024 * 1024}' /proc/meminfo \
    && unshare --mount mount -t tmpfs tmpfs /tmp 2>/dev/null; then
    # shellcheck disable=SC2016 # the shell in the name space replaces these names
    unshare --mount sh -e -c '
      for place in /tmp /var/tmp; do mount -t tmpfs -o mode=1777 tmpfs "$place"; done
      mkdir -p "${TMPDIR:-/tmp}"
      mkdir -p -m 0711 "$0"
      exec "$@"' "$directory" "$@"
  else
    "$@"
  fi
}

# lies_in_temporary_place PATH...: does one of them?
lies_in_temporary_place() {
  local path
  for path in "$@"; do
    case $(realpath -- "$path")/ in
      /tmp/* | /var/tmp/*) return 0 ;;
    esac
  done
  return 1
}
