#!/usr/bin/env bash
# Says where Chromium is. Where it is missing it is installed from Debian's or Ubuntu's packages, if that may be done here;
# else the one line to type is told. CHROMIUM names another one.
set -euo pipefail

fail() { printf 'chromium: %s\n' "$*" >&2; exit 1; }

find_it() {
  local name
  for name in "${CHROMIUM:-}" chromium chromium-browser google-chrome; do
    if [[ -n $name ]] && command -v "$name"; then return 0; fi
  done
  return 1
}

find_it && exit 0
[[ -z ${CHROMIUM:-} ]] || fail "CHROMIUM is $CHROMIUM, which is no program"

line="sudo apt-get install --yes chromium"
command -v apt-get >/dev/null || fail "no Chromium is installed; install it, or set CHROMIUM to the program"
[[ $(id -u) == 0 ]] || fail "no Chromium is installed; type: $line"

# Tests that start at the same time wait for the one that installs.
exec 9>"${TMPDIR:-/tmp}/nightshift-chromium.lock"
flock 9
find_it && exit 0
printf 'chromium: installing it (300 MB, a minute or two, once)\n' >&2
export DEBIAN_FRONTEND=noninteractive
{ apt-get update --quiet && apt-get install --yes --quiet --no-install-recommends chromium; } >&2 || fail "apt-get could not install it; type: $line"
find_it || fail "it was installed and is not to be found; set CHROMIUM to the program"
