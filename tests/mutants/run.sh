#!/usr/bin/env bash
# Mutation testing of shared/core: sets up its tools, then runs mutants.py with the same arguments (--help lists them).
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root"

version=27.1.0
tools=$root/target/tools
venv=$tools/mutants
requirements=tests/mutants/requirements.txt
export PATH=$tools/bin:$PATH

say() { printf 'mutants: %s\n' "$*"; }

if ! cargo mutants --version 2>/dev/null | grep -qx "cargo-mutants $version"; then
  say "building cargo-mutants $version into target/tools (some minutes, once)"
  CARGO_PROFILE_RELEASE_OPT_LEVEL=1 CARGO_PROFILE_RELEASE_LTO=false CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
    cargo install cargo-mutants --version "$version" --locked --quiet --root "$tools"
fi

# The stamp is written last: a folder without it is made anew.
if ! cmp -s "$requirements" "$venv/requirements.txt"; then
  say "putting the parser of Rust into target/tools/mutants (once)"
  "${PYTHON:-python3}" -m venv --clear "$venv"
  "$venv/bin/python" -m pip install --disable-pip-version-check --quiet --requirement "$requirements"
  cp "$requirements" "$venv/requirements.txt"
fi

exec "$venv/bin/python" tests/mutants/mutants.py "$@"
