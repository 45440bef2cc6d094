#!/usr/bin/env bash
# rustc with libFuzzer's coverage counters; cargo calls it for the workspace's own crates. Build scripts are ordinary programs,
# which have nobody who would count.
set -euo pipefail
[[ " $* " == *" --crate-name build_script_"* ]] && exec "$@"
exec "$@" -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
  -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares
