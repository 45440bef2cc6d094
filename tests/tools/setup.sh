#!/usr/bin/env bash
# Puts the Python tools of requirements.txt into .venv at the root of the checkout: creates it when it is absent, brings
# it up to date when the requirements changed, and returns at once when there is nothing to do.
# PYTHON names another interpreter than python3.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
requirements=$root/tests/tools/requirements.txt
venv=$root/.venv
stamp=$venv/.nightshift-tools
python=${PYTHON:-python3}

say() { printf 'setup: %s\n' "$*"; }
fail() { printf 'setup: %s\n' "$*" >&2; exit 1; }

command -v "$python" >/dev/null || fail "$python is not installed; install Python 3.10 or newer, or set PYTHON to it"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' \
  || fail "$("$python" --version) is too old; install Python 3.10 or newer, or set PYTHON to it"

# What the tools depend on: the list itself, and the interpreter that the folder was made with.
wanted=$({ cat "$requirements"; "$python" -c 'import sys; print(sys.version, sys.base_prefix)'; } | cksum)

if [[ -f $stamp && $(<"$stamp") == "$wanted" ]] && "$venv/bin/python" -c '' 2>/dev/null; then
  exit 0
fi

if "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
  say "bringing .venv up to date"
else
  say "creating .venv with $("$python" --version)"
  "$python" -m venv --clear "$venv" \
    || fail "could not create .venv; Python's venv module is a package of its own on some systems (Debian: apt-get install python3-venv)"
fi
# A stamp from before would call a half-finished installation done.
rm -f "$stamp"

say "installing the tools (800 MB on disk, one to three minutes the first time)"
log=$venv/setup.log
if ! "$venv/bin/python" -u -m pip install --disable-pip-version-check --progress-bar off --requirement "$requirements" 2>&1 \
  | tee "$log" | awk '/^(Collecting|Downloading|Installing|Building)/ { sub(/ \(from.*/, ""); print "setup:   " substr($0, 1, 100); fflush() }'; then
  tail -n 20 "$log" >&2
  fail "pip could not install tests/tools/requirements.txt; the lines above say why, all of them are in .venv/setup.log"
fi

printf '%s\n' "$wanted" >"$stamp"
say "ready: $(grep -c '==' "$requirements") tools in .venv"
