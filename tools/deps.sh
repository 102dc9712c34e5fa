#!/bin/sh
# Installs the Debian packages that the build and the tests need, when some are missing: as root at
# once, otherwise it prints the one command that does.  `tools/deps.sh check` adds what only
# `make check` uses.
set -eu
packages="gcc make pkg-config libzmq3-dev liblmdb-dev libmsgpack-dev libjansson-dev libfyaml-dev libxxhash-dev libsodium-dev libwebsockets-dev libwebsockets-evlib-ev libev-dev libcurl4-openssl-dev tzdata"
if [ "${1:-}" = check ]; then
    packages="$packages libcmocka-dev clang libclang-rt-14-dev clang-format clang-tidy cppcheck git python3 python3-websockets chromium chromium-driver procps"
fi
missing=$(for p in $packages; do
    dpkg-query -W -f='${db:Status-Status}' "$p" 2>/dev/null | grep -qx installed || echo "$p"
done | xargs)
[ -n "$missing" ] || exit 0
if [ "$(id -u)" != 0 ]; then
    echo "missing packages; install them with: sudo apt-get install -y $missing" >&2
    exit 1
fi
echo "installing: $missing"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# shellcheck disable=SC2086
apt-get install -y -qq --no-install-recommends $missing >/dev/null
