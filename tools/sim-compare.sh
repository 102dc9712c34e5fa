#!/bin/sh
# The same seeds with gcc and clang, -O0 and -O2: every seed must end in the same state hash (N10).
set -eu
cd "$(dirname "$0")/.."
seeds=${SIM_COMPARE_SEEDS:-10}
first=
for variant in release clang debug clang-O0; do
    program=build/sim
    [ $variant = release ] || program=build/$variant/sim
    make --no-print-directory -j2 VARIANT=$variant $program >/dev/null
    hashes=$($program --seeds "$seeds" --seed 1 --ops 1000 --hash | grep -i hash)
    if [ -z "$first" ]; then
        first=$hashes
    elif [ "$hashes" != "$first" ]; then
        echo "$variant ends in other states than release:"
        echo "$first" >build/hashes.release
        echo "$hashes" >build/hashes.$variant
        diff build/hashes.release build/hashes.$variant | head
        exit 1
    fi
done
echo "sim: $seeds seeds end in the same states with gcc and clang, -O0 and -O2"
