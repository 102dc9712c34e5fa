#!/bin/sh
# The same runs of the simulator, built by gcc and clang, with -O2 and -O0: their last states must be equal.
# SEEDS (20) runs from SEED (1), OPS (2000) operations each.
set -eu
cd "$(dirname "$0")/.."
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
for variant in release clang debug clang-O0; do
    make --no-print-directory -j2 VARIANT=$variant sim-build
    sim=build/$variant/sim
    [ $variant != release ] || sim=build/sim
    "$sim" --hash --seeds "${SEEDS:-20}" --seed "${SEED:-1}" --ops "${OPS:-2000}" >"$dir/$variant"
    if ! cmp -s "$dir/release" "$dir/$variant"; then
        echo "sim-compare: $variant differs from release:" >&2
        diff "$dir/release" "$dir/$variant" >&2 || true
        exit 1
    fi
done
echo "sim-compare: ${SEEDS:-20} seeds, equal hashes with gcc and clang, -O2 and -O0"
