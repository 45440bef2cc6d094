#!/usr/bin/env bash
# Asks RustSec's database for known weaknesses of the crates in the lock file. The database is fetched from github.com: where that
# cannot be reached nothing was looked at, which is said, and ends with 3, so that nobody takes it for a good answer.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

if ! problem=$(cargo deny --all-features --log-level error fetch db 2>&1); then
  printf '%s\n' "$problem" | tail -n 3 >&2
  echo "advisories: RustSec's database cannot be had here (github.com/rustsec/advisory-db): nothing was checked" >&2
  exit 3
fi
cargo deny --all-features --log-level error --locked check --disable-fetch advisories
echo "advisories: none for the crates in the lock file"
