#!/bin/sh
# log-watch - says how many new lines of a log file speak of errors, and nothing when none does.
#
# It remembers how far it has read in its checkpoint: what a handler writes as `checkpoint` is in the document that
# the schedule's next job gets.  Its first run starts at the end of the file.  A file that was rotated (renamed to
# NAME.1, or emptied) is noticed; what was written to the old one in between is still read.
#
#   LOG_FILE   the file (/var/log/dpkg.log); one that is not there yet is no failure
#   PATTERN    an extended regular expression, in any case (error|fail|fatal|critical|panic)
set -eu

fail() {
    echo "log-watch: $1" >&2
    exit 1
}

# The text as the inside of a JSON string, on one line.
json() {
    printf '%s' "$1" | tr '\n\t' '  ' | LC_ALL=C tr -d '\000-\037\177' | iconv -c -f UTF-8 -t UTF-8 2>/dev/null |
        sed -e 's/\\/\\\\/g' -e 's/"/\\"/g'
}

# A number of the checkpoint.  Text cannot pass for a key: in a string its quotes would be escaped.
remembered() {
    printf '%s\n' "$document" | LC_ALL=C sed -n "s/.*\"checkpoint\":{[^{}]*\"$1\":\([0-9]\{1,18\}\)[,}].*/\1/p"
}

# inode and size
look() {
    stat -L -c '%i %s' -- "$1" || fail "cannot look at $log_file"
}

# Bytes $2 to $3 of file $1.
part() {
    tail -c "+$(($2 + 1))" -- "$1" | head -c "$(($3 - $2))"
}

# Where the last whole line within bytes $2 to $3 of file $1 ends.
last_line_end() {
    if [ "$2" -eq "$3" ] || [ "$(part "$1" "$2" "$3" | tail -c 1 | wc -l)" -eq 1 ]; then
        echo "$3"
    else
        echo "$(($3 - $(part "$1" "$2" "$3" | tail -n 1 | wc -c)))"
    fi
}

# Adds the matching lines within bytes $2 to $3 of file $1.
count() {
    found=$(part "$1" "$2" "$3" | LC_ALL=C grep -a -c -i -E -e "$pattern") || [ $? -eq 1 ] ||
        fail "grep cannot use PATTERN '$pattern'"
    [ "$found" -gt 0 ] || return 0
    lines=$((lines + found))
    last=$(part "$1" "$2" "$3" | LC_ALL=C grep -a -i -E -e "$pattern" | tail -n 1 | LC_ALL=C cut -b 1-200)
}

log() {
    echo "{\"type\":\"log\",\"level\":\"$1\",\"message\":\"$(json "$2")\"}"
}

log_file=${LOG_FILE:-/var/log/dpkg.log}
pattern=${PATTERN:-error|fail|fatal|critical|panic}
lines=0
last=''

document=$(cat)
case $document in
'{'*'"v":1'*) ;;
*) fail "no document of version 1 on standard input" ;;
esac

echo '{"type":"turn"}'

if [ ! -e "$log_file" ]; then
    log warn "$log_file is not there (yet)"
    echo '{"type":"result","output":{"lines":0},"notify":false}'
    exit 0
fi
[ -f "$log_file" ] || fail "$log_file is not a file"
[ -r "$log_file" ] || fail "$log_file may not be read"

# Kept open, so that a rotation between two looks changes nothing.
exec 3<"$log_file"
file=/proc/self/fd/3
seen=$(look "$file")
inode=${seen% *}
size=${seen#* }

old_inode=$(remembered inode)
offset=$(remembered offset)
if [ -z "$old_inode" ] || [ -z "$offset" ]; then
    offset=$size
    log info "first look at $log_file: from byte $offset on"
elif [ "$inode" != "$old_inode" ]; then
    log info "$log_file was rotated"
    if [ -f "$log_file.1" ] && [ -r "$log_file.1" ]; then
        seen=$(look "$log_file.1")
        if [ "${seen% *}" = "$old_inode" ] && [ "${seen#* }" -gt "$offset" ]; then
            count "$log_file.1" "$offset" "${seen#* }"
        fi
    fi
    offset=0
elif [ "$size" -lt "$offset" ]; then
    log info "$log_file was emptied"
    offset=0
fi

end=$(last_line_end "$file" "$offset" "$size")
count "$file" "$offset" "$end"
log info "$((end - offset)) new bytes, $lines new lines match"

name=$(json "$log_file")
echo "{\"type\":\"checkpoint\",\"data\":{\"inode\":$inode,\"offset\":$end,\"file\":\"$name\"}}"
if [ "$lines" -eq 0 ]; then
    echo '{"type":"result","output":{"lines":0},"notify":false}'
else
    verb='lines match'
    [ "$lines" -gt 1 ] || verb='line matches'
    message=$(json "$log_file: $lines new $verb '$pattern', the last: $last")
    printf '{"type":"result","output":{"lines":%s},"notify":true,"message":"%s","metadata":{"file":"%s","lines":%s}}\n' \
        "$lines" "$message" "$name" "$lines"
fi
