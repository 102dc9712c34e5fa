#!/bin/sh
# run-fuzz.sh SECONDS TARGET…: first replays each target's seeds (tests/fuzz/corpus/NAME), then searches for SECONDS, two
# targets at a time.  What crashes is printed and kept in build/fuzz-findings; add it to the corpus with the fix.
seconds=$1
shift
mkdir -p build/fuzz-findings
export seconds
# shellcheck disable=SC2016
printf '%s\n' "$@" | xargs -P 2 -n 1 sh -c '
    name=$(basename "$1")
    seeds=tests/fuzz/corpus/$name
    work=$(mktemp -d)
    [ -d "$seeds" ] || seeds=
    if "$1" -max_total_time="$seconds" -rss_limit_mb=2048 -timeout=25 -print_final_stats=1 \
        -artifact_prefix=build/fuzz-findings/"$name"- "$work" $seeds >"$work.log" 2>&1; then
        echo "  ok    $name: $(sed -n "s/^stat::number_of_executed_units: *//p" "$work.log") runs"
        code=0
    else
        echo "  FAIL  $name"
        tail -n 40 "$work.log"
        code=1
    fi
    rm -rf "$work" "$work.log"
    exit $code' run
