#!/bin/sh
# The gate: every part with its time.  The sizes of the oracle and of the last four can be raised from the environment.
set -eu
cd "$(dirname "$0")/.."
make="make --no-print-directory -j2"
started=$(date +%s)
part() { # name, command…
    name=$1
    shift
    from=$(date +%s)
    echo "== $name"
    if ! "$@"; then
        echo "== $name FAILED after $(($(date +%s) - from)) s"
        exit 1
    fi
    echo "== $name: $(($(date +%s) - from)) s"
}
part "build with gcc" $make tests build/sim build/torture build/bench
part "build with clang" $make VARIANT=clang programs build/clang/sim build/clang/bench build/clang/torture
part "lint" tools/lint.sh
part "unit tests" $make unit-run
part "cron oracle" $make oracle-run CASES="${ORACLE_CASES:-100000}"
part "system tests" $make system-run
part "browser test" $make browser-run
part "build with sanitizers" $make VARIANT=asan tests
part "unit tests with sanitizers" $make VARIANT=asan unit-run
part "system tests with sanitizers" $make VARIANT=asan system-run
part "build of the fuzz targets" $make VARIANT=fuzz fuzz-build
part "fuzz" $make VARIANT=fuzz fuzz-run SECONDS="${FUZZ_SECONDS:-30}"
part "simulation" $make sim-run SEEDS="${SIM_SEEDS:-300}"
part "simulation of years" $make sim-run SEEDS=2 OPS=500 YEARS=2
part "simulation hashes" tools/sim-compare.sh
part "torture" $make torture-run KILLS="${TORTURE_KILLS:-50}"
echo "== everything passed in $(($(date +%s) - started)) s"
