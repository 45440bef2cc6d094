#!/usr/bin/env bash
# Makes a stand-in for Lambda's base image, for `sam local invoke --skip-pull-image` where the real one cannot be pulled:
# busybox and the C library, which is all that a function's bootstrap needs. Only tags that do not exist yet are set, so
# that a real image is never replaced; --force sets them anyway.
# With an endpoint as argument the functions in it talk to that local AWS, e.g. base-image.sh http://127.0.0.1:4566
# With --tag=NAME it gets that name alone, for `sam local invoke --invoke-image NAME`, and AWS's tags stay as they are.
set -euo pipefail

fail() { printf 'base-image: %s\n' "$*" >&2; exit 1; }

force=no
endpoint=
own_tag=
for argument in "$@"; do
  case $argument in
    --force) force=yes ;;
    --tag=?*) own_tag=${argument#--tag=} ;;
    http://* | https://*) endpoint=$argument ;;
    *) fail "unknown argument $argument; give --force, --tag=NAME, an http:// endpoint, or nothing" ;;
  esac
done

case $(uname -m) in
  x86_64) architecture=x86_64 libraries=/lib/x86_64-linux-gnu loader=/lib64/ld-linux-x86-64.so.2 ;;
  aarch64) architecture=arm64 libraries=/lib/aarch64-linux-gnu loader=/lib/ld-linux-aarch64.so.1 ;;
  *) fail "Lambda knows no $(uname -m)" ;;
esac
busybox=$(command -v busybox) || fail "busybox is not installed (Debian: apt-get install busybox-static)"
command -v docker >/dev/null || fail "docker is not installed (Debian: apt-get install docker.io)"
docker info >/dev/null 2>&1 || fail "no Docker daemon answers; start one (dockerd) or set DOCKER_HOST"

repository=public.ecr.aws/lambda/provided
names=("$repository:al2023" "$repository:al2023-$architecture" "$repository:al2023-rapid-$architecture")
if [[ -n $own_tag ]]; then
  names=("$own_tag")
elif [[ $force == no ]]; then
  for name in "${names[@]}"; do
    if docker image inspect "$name" >/dev/null 2>&1; then
      fail "$name exists already; use it as it is, or give --force to replace it"
    fi
  done
fi

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
mkdir -p "$root"/{bin,dev,etc,opt,proc,sys,tmp,var/rapid,var/runtime,var/task} "$root$libraries" "$root$(dirname "$loader")"
chmod 1777 "$root/tmp"
cp "$busybox" "$root/bin/busybox"
for tool in cat chmod cp env ls mkdir rm sh sleep; do ln -s busybox "$root/bin/$tool"; done
cp -L "$loader" "$root$loader"
# Binaries linked for an older C library still name the parts that have since moved into libc.
for library in libc.so.6 libdl.so.2 libgcc_s.so.1 libm.so.6 libnss_dns.so.2 libnss_files.so.2 libpthread.so.0 libresolv.so.2 librt.so.1 libutil.so.1; do
  cp -L "$libraries/$library" "$root$libraries/"
done
printf 'root:x:0:0:root:/:/bin/sh\n' >"$root/etc/passwd"
printf 'hosts: files dns\n' >"$root/etc/nsswitch.conf"

changes=(--change 'ENV PATH=/bin LAMBDA_TASK_ROOT=/var/task LAMBDA_RUNTIME_DIR=/var/runtime' --change 'WORKDIR /var/task')
if [[ -n $endpoint ]]; then changes+=(--change "ENV AWS_ENDPOINT_URL=$endpoint"); fi
image=$(tar -C "$root" -c . | docker import "${changes[@]}" -)
for name in "${names[@]}"; do
  docker tag "$image" "$name"
  printf 'base-image: made %s\n' "$name"
done
