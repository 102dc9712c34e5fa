#!/bin/sh
# Runs test programs, two at a time, each in a process of its own with a time limit; prints a line each, the whole output of
# those that fail, and the sum.  Exit 1 when one failed.
limit=${TEST_LIMIT:-180}
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT
export limit logs
# shellcheck disable=SC2016
printf '%s\n' "$@" | xargs -P 2 -n 1 sh -c '
    name=$(basename "$1")
    if timeout -k 10 "$limit" "$1" >"$logs/$name" 2>&1 </dev/null; then
        echo "  ok    $name"
    else
        echo "$? $name" >>"$logs/.failed"
        echo "  FAIL  $name"
    fi' run
total=$(cat "$logs"/* 2>/dev/null | sed -n 's/^\[==========\] \([0-9]*\) test(s) run\..*/\1/p' | awk '{ n += $1 } END { print n + 0 }')
failed=$(cat "$logs"/* 2>/dev/null | grep -c '^\[  FAILED  \] [a-z_]*$' || true)
skipped=$(cat "$logs"/* 2>/dev/null | sed -n 's/^\[  SKIPPED \] \([0-9]*\) test(s).*/\1/p' | awk '{ n += $1 } END { print n + 0 }')
if [ -f "$logs/.failed" ]; then
    while read -r code name; do
        echo "---- $name (exit $code)"
        tail -n 300 "$logs/$name"
        [ "$failed" -gt 0 ] || failed=1
    done <"$logs/.failed"
fi
grep -h '^\[  SKIPPED \] [a-z_]*$\|^skipped: ' "$logs"/* 2>/dev/null | sort -u
echo "$((total - failed - skipped)) passed, $failed failed, $skipped skipped"
[ ! -f "$logs/.failed" ]
