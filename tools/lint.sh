#!/bin/sh
# Static checks: format, layers, headers that compile alone, banned functions, lengths, clang-tidy, cppcheck.
# Exit 1 on the first kind of offence, after printing all of its offenders.  `tools/lint.sh quick` leaves out the slow two.
set -eu
cd "$(dirname "$0")/.."
status=0
fail() {
    echo "lint: $1" >&2
    status=1
}
flags="-std=c11 -D_GNU_SOURCE -I. $(pkg-config --cflags libzmq lmdb msgpack jansson libfyaml libxxhash libwebsockets)"

bad=$(git ls-files '*.c' '*.h' | xargs clang-format --dry-run 2>&1 | grep -o '^[^:]*' | sort -u || true)
[ -z "$bad" ] || fail "not formatted (make format): $bad"

# Who may include whom: common <- proto <- store <- engine <- forecast <- supervisor, worker, tools; only the store sees LMDB.
layer() { # folder, pattern of includes that it may not have
    bad=$(grep -nE "^#include \"($2)" -r "$1" --include='*.[ch]' || true)
    [ -z "$bad" ] || fail "$1 includes what lies above it:
$bad"
}
layer common 'proto|supervisor|worker|tools'
layer proto 'supervisor|worker|tools'
layer supervisor/store 'supervisor/(engine|forecast)|supervisor/[a-z_0-9]*\.h|worker|tools'
layer supervisor/engine 'supervisor/forecast|supervisor/[a-z_0-9]*\.h|worker|tools'
layer supervisor/config 'supervisor/(engine|forecast)|supervisor/[a-z_0-9]*\.h|worker|tools'
layer supervisor/forecast 'supervisor/[a-z_0-9]*\.h|worker|tools'
layer worker 'supervisor|tools'
layer worker/delivery 'worker/(account|dispatch|exec|gate|joblog|launch|loop|mailbox|persistent|reap|report|sink|slots|spawn|tree)\.h'
layer tools/agentctl 'supervisor|worker'
layer tools/control 'supervisor|worker|tools/(agentctl|gateway)'
layer tools/gateway 'supervisor|worker|tools/agentctl'
bad=$(grep -rlE '#include <lmdb.h>' --include='*.[ch]' common proto supervisor worker tools | grep -v '^supervisor/store/\|^tools/bench/' || true)
[ -z "$bad" ] || fail "lmdb.h outside the store: $bad"
bad=$(grep -nE '#include <(sys/socket|sys/wait|sys/stat|unistd|fcntl|time|sys/time|zmq|czmq|pthread|signal|poll)' \
    -r supervisor/engine --include='*.[ch]' || true)
[ -z "$bad" ] || fail "the engine includes a socket, clock, file or process header:
$bad"

bad=$(grep -nwE '(strcpy|strcat|sprintf|vsprintf|gets|strtok|rand|srand|alloca|system|popen|tmpnam|mktemp)\(' \
    -r common proto supervisor worker tools --include='*.[ch]' | sed 's/^\([^:]*:[^:]*\):[[:space:]]*/\1: /' || true)
[ -z "$bad" ] || fail "banned functions:
$bad"
bad=$(grep -nwE '(TODO|FIXME|XXX|HACK)' -r common proto supervisor worker tools tests etc --include='*.[ch]' --include='*.sh' \
    | grep -v '^tools/lint.sh' || true)
[ -z "$bad" ] || fail "left-over notes:
$bad"

# The maps name what is there.
for f in supervisor/engine/*.c; do
    grep -q "\`$(basename "$f" .c)\`" ARCHITECTURE.md || fail "ARCHITECTURE.md does not name $f"
done
for t in $(git ls-files '*.[ch]' | xargs grep -hoE '\([A-HJKN][0-9]+(, [A-HJKN][0-9]+)*[,:;)]' | grep -oE '[A-Z][0-9]+' | sort -u); do
    grep -q "^| $t |" docs/TAGS.md || fail "docs/TAGS.md does not explain $t"
done

for h in $(git ls-files '*.h'); do
    # shellcheck disable=SC2086
    echo "#include \"$h\"" | gcc $flags -Wall -Wextra -fsyntax-only -x c - 2>/dev/null || fail "$h does not compile alone"
done

git ls-files '*.c' '*.h' | grep -v '^tests/' | xargs awk '
    FNR == 1 { f = 0 }
    /^\{/ { s = FNR; f = 1 }
    /^\}/ { if (f && FNR - s > 70) { printf "%s:%d: a function of %d lines\n", FILENAME, s, FNR - s; n++ } f = 0 }
    END { exit n > 0 }' || fail "functions over 70 lines"
git ls-files '*.c' '*.h' | xargs wc -l | awk '$2 != "total" && $1 > 800 { print; n++ } END { exit n > 0 }' ||
    fail "files over 800 lines"
git ls-files '*.c' '*.h' | xargs wc -l | awk '$2 != "total" && $1 > 500 { print "lint: note: over 500 lines:", $2, $1 }'

if [ "${1:-}" != quick ]; then
    # shellcheck disable=SC2086
    cppcheck --quiet --std=c11 --enable=warning,portability --inline-suppr --error-exitcode=1 -j 2 \
        --suppress=missingIncludeSystem --suppress=unknownMacro --suppress=nullPointerRedundantCheck -I. -D_GNU_SOURCE \
        common proto supervisor worker tools/agentctl tools/control tools/gateway tools/bench || fail "cppcheck"
    # shellcheck disable=SC2086
    git ls-files '*.c' | grep -v '^tests/' | xargs -P 2 -n 8 sh -c 'clang-tidy --quiet "$@" -- '"$flags"' 2>/dev/null' tidy ||
        fail "clang-tidy"
fi
exit $status
