#!/usr/bin/env bash
# Prints the folder with llvm-profdata and llvm-cov of the LLVM that rustc was built with: the toolchain's own (rustup component
# llvm-tools), the system's, or else Debian's packages unpacked into target/tools, without installing anything.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root"

fail() { printf 'coverage: %s\n' "$*" >&2; exit 1; }

major=$(rustc -vV | sed -n 's/^LLVM version: \([0-9]*\).*/\1/p')
host=$(rustc -vV | sed -n 's/^host: //p')
unpacked=$root/target/tools/llvm-$major
for folder in "$(rustc --print sysroot)/lib/rustlib/$host/bin" "/usr/lib/llvm-$major/bin" "$unpacked/bin"; do
  if [[ -x $folder/llvm-profdata && -x $folder/llvm-cov ]]; then
    echo "$folder"
    exit 0
  fi
done

command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || fail "no llvm-cov $major; type: rustup component add llvm-tools"
printf 'coverage: fetching LLVM %s (50 MB, once)\n' "$major" >&2
# Next to where it goes, so that the last step is a rename: half of it never looks like all of it.
scratch=$(mktemp -d "$root/target/tools/llvm.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
chmod 755 "$scratch"
(cd "$scratch" && apt-get download "llvm-$major" "libllvm$major" >/dev/null 2>&1) \
  || fail "no llvm-cov $major here, and none in the package lists; type: rustup component add llvm-tools"
for package in "$scratch"/*.deb; do
  dpkg-deb --extract "$package" "$scratch/root"
done
mkdir -p "$scratch/done/bin" "$scratch/done/lib"
cp -L "$scratch/root/usr/lib/llvm-$major/bin/llvm-profdata" "$scratch/root/usr/lib/llvm-$major/bin/llvm-cov" "$scratch/done/bin"
# The programs look for their library in ../lib.
find "$scratch/root/usr/lib" -name 'libLLVM.so.*' -exec cp -L {} "$scratch/done/lib" \;
"$scratch/done/bin/llvm-cov" --version >/dev/null || fail "the LLVM that was fetched does not run; type: rustup component add llvm-tools"
rm -rf "$unpacked"
mv "$scratch/done" "$unpacked"
echo "$unpacked/bin"
