#!/bin/sh
# disk-watch - says which file systems are nearly full, and nothing when none is.
#
# An agent in plain sh.  It gets one JSON document on standard input (the job, its agent, and more; see
# proto/PROTOCOL.md) and answers with JSON lines on standard output.  Exit 0 completes the job; anything else
# fails it, and what is on standard error then says why.
#
#   THRESHOLD   percent used from which a file system is reported (90)
set -eu

fail() {
    echo "disk-watch: $1" >&2
    exit 1
}

# The text as the inside of a JSON string, on one line.
json() {
    printf '%s' "$1" | tr '\n' ' ' | LC_ALL=C tr -d '\000-\037\177' | iconv -c -f UTF-8 -t UTF-8 2>/dev/null |
        sed -e 's/\\/\\\\/g' -e 's/"/\\"/g'
}

threshold=${THRESHOLD:-90}
case $threshold in
'' | *[!0-9]* | 0?* | ????*) fail "THRESHOLD must be a percentage, not '$threshold'" ;;
esac
[ "$threshold" -le 100 ] || fail "THRESHOLD must be at most 100, not $threshold"

document=$(cat)
case $document in
'{'*'"v":1'*) ;;
*) fail "no document of version 1 on standard input" ;;
esac

echo '{"type":"turn"}'

# Local ones with contents of their own.  df fails when it may not look at one of many; what it shows then still
# counts.
table=$(LC_ALL=C df -P -l -x tmpfs -x devtmpfs -x squashfs -x iso9660 -x efivarfs) || true

seen=0
over=0
said=''
listed=''
while read -r _ _ _ _ percent mount; do
    percent=${percent%\%}
    case $percent in
    '' | *[!0-9]*) continue ;; # the heading, or a file system without blocks
    esac
    seen=$((seen + 1))
    [ "$percent" -ge "$threshold" ] || continue
    over=$((over + 1))
    name=$(json "$mount")
    said="$said${said:+, }$name is $percent% full"
    listed="$listed${listed:+,}{\"mount\":\"$name\",\"used_percent\":$percent}"
done <<END
$table
END
[ "$seen" -gt 0 ] || fail "df shows no file system"

echo "{\"type\":\"log\",\"level\":\"info\",\"message\":\"$over of $seen file systems at $threshold% or more\"}"
output="{\"seen\":$seen,\"over\":$over}"
if [ "$over" -eq 0 ]; then
    echo "{\"type\":\"result\",\"output\":$output,\"notify\":false}"
else
    metadata="{\"threshold\":$threshold,\"file_systems\":[$listed]}"
    printf '{"type":"result","output":%s,"notify":true,"message":"%s","metadata":%s}\n' "$output" "$said" "$metadata"
fi
