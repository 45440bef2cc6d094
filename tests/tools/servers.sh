#!/usr/bin/env bash
# Sees to PostgreSQL and Redis, which tests and demo start for themselves. Where one is missing both are installed from Debian's or
# Ubuntu's packages, if that may be done here; else the one line to type is told. Nothing is started, or left running.
set -euo pipefail

fail() { printf 'servers: %s\n' "$*" >&2; exit 1; }

# Debian keeps PostgreSQL's programs in a folder for each version, and off the path.
are_there() {
  local name folder
  command -v redis-server >/dev/null || return 1
  for name in postgres initdb psql; do
    command -v "$name" >/dev/null && continue
    for folder in /usr/lib/postgresql/*/bin; do
      [[ -x $folder/$name ]] && continue 2
    done
    return 1
  done
}

are_there && exit 0

line="sudo apt-get install --yes postgresql redis-server"
command -v apt-get >/dev/null || fail "PostgreSQL or Redis is not installed; install postgres, initdb, psql and redis-server"
[[ $(id -u) == 0 ]] || fail "PostgreSQL or Redis is not installed; type: $line"

# Two commands at the same time: the second waits for the first.
exec 9>"${TMPDIR:-/tmp}/nightshift-servers.lock"
flock 9
are_there && exit 0
printf 'servers: installing PostgreSQL and Redis (some 60 MB, a minute, once)\n' >&2
export DEBIAN_FRONTEND=noninteractive
# Debian would make a cluster and start both; the tests bring folders and ports of their own.
policy=/usr/sbin/policy-rc.d
if [[ ! -e $policy ]]; then
  printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod +x "$policy"
  trap 'rm -f "$policy"' EXIT
fi
{ apt-get update --quiet && apt-get install --yes --quiet --no-install-recommends postgresql redis-server; } >&2 \
  || fail "apt-get could not install them; type: $line"
are_there || fail "they were installed and are not to be found; put postgres, initdb, psql and redis-server on the path"
