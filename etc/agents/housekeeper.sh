#!/bin/sh
# housekeeper - counts the files of a folder that nobody has changed for long, for the goal that its ticket serves.
#
# A routine makes a ticket and wakes it; the document on standard input says why: the goals from the ticket's own up
# to the root.  It reports what it used, and its ticket is done when the job completes, not before.
#
#   FOLDER   where to look (/tmp)
#   DAYS     files not changed for more than so many days are counted (7)
set -eu

fail() {
    echo "housekeeper: $1" >&2
    exit 1
}

# The titles of the goals in `why`, one a line, still as JSON strings: only goals begin with these four keys.  Text
# cannot pass for a key: in a string its quotes would be escaped.
goals() {
    printf '%s\n' "$document" | LC_ALL=C grep -o -E '\{"id":[0-9]+,"title":"([^"\\]|\\.)*","status":"[a-z]+","agent":' |
        LC_ALL=C sed -e 's/^{"id":[0-9]*,"title"://' -e 's/,"status":"[a-z]*","agent":$//'
}

folder=${FOLDER:-/tmp}
days=${DAYS:-7}
case $days in
'' | *[!0-9]* | ??????*) fail "DAYS must be a number of days, not '$days'" ;;
esac
[ -d "$folder" ] || fail "$folder is not a folder"

document=$(cat)
case $document in
'{'*'"v":1'*) ;;
*) fail "no document of version 1 on standard input" ;;
esac

why=$(goals | tr '\n' ',')
why=${why%,}

echo '{"type":"turn"}'

# What it may not look at does not count.
old=$(find "$folder" -xdev -type f -mtime "+$days" 2>/dev/null | wc -l) || true

# An agent that asks a model reports what the model used; the work of this one is a single line read.
echo '{"type":"usage","input_tokens":1,"output_tokens":0,"cost_micros":0}'
echo "{\"type\":\"log\",\"level\":\"info\",\"message\":\"$((old)) files older than $days days\"}"
case $document in
*'"ticket":{"id":'*) echo '{"type":"effect","kind":"ticket","status":"done"}' ;;
esac
echo "{\"type\":\"result\",\"output\":{\"old\":$((old)),\"why\":[$why]},\"notify\":false}"
