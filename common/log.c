#include "common/log.h"

#include "common/mem.h"
#include "common/mp.h"
#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define FIELD_BYTES_MAX 1000
#define QUOTED_BYTES    1024
#define LINE_BYTES_MAX  8192

static const struct {
    const char *word;
    int         syslog; /* journald's <n> */
} levels[] = {
    [LOG_LEVEL_DEBUG] = {"debug", 7},
    [LOG_LEVEL_INFO] = {"info",  6},
    [LOG_LEVEL_WARN] = {"warn",  4},
    [LOG_LEVEL_ERROR] = {"error", 3},
};

static char           program[32];
static enum log_level least = LOG_LEVEL_INFO;
static bool           is_under_journald;

void
log_init(const char *name, enum log_level level)
{
    (void)snprintf(program, sizeof(program), "%s", name); /* a long name is cut */
    least = level;
    is_under_journald = getenv("JOURNAL_STREAM") != NULL;
}

void
log_set_level(enum log_level level)
{
    least = level;
}

int
log_level_from(const char *word)
{
    for (size_t i = 0; i < ARRAY_LEN(levels); i++) {
        if (strcmp(levels[i].word, word) == 0) return (int)i;
    }
    return -1;
}

/* The bytes of the character that begins at text[0]; 0 when none does. */
static size_t
character_size(const char *text, size_t size)
{
    for (size_t n = 1; n <= 4 && n <= size; n++) {
        if (utf8_is_valid(view_of(text, n))) return n;
    }
    return 0;
}

/* Writes one character, or its escape, into out (at least 5 bytes); *taken: bytes of text used. */
static size_t
escape_one(const char *text, size_t size, const char *also, char *out, size_t *taken)
{
    unsigned char c = (unsigned char)text[0];
    size_t        n = character_size(text, size);
    bool          is_c1 = n == 2 && c == 0xc2 && (unsigned char)text[1] < 0xa0;

    *taken = n > 0 ? n : 1;
    if (n == 1 && c != '\0' && strchr(also, c)) return (size_t)sprintf(out, "\\%c", c);
    if (c == '\n') return (size_t)sprintf(out, "\\n");
    if (c == '\t') return (size_t)sprintf(out, "\\t");
    if (n == 0 || c < 0x20 || c == 0x7f) return (size_t)sprintf(out, "\\x%02x", c);
    if (is_c1) return (size_t)sprintf(out, "\\u%04x", (unsigned char)text[1]);
    memcpy(out, text, n);
    return n;
}

/* Escapes control characters, broken UTF-8 and the characters in `also`, whole escapes only, into
 * at most `max` bytes plus "..." when cut (out has max + 4).  Returns the bytes written. */
static size_t
escape(const char *text, size_t size, const char *also, char *out, size_t max)
{
    size_t used = 0;

    for (size_t at = 0, taken = 0; at < size; at += taken) {
        char   one[8];
        size_t n = escape_one(text + at, size - at, also, one, &taken);

        if (used + n > max) {
            memcpy(out + used, "...", 3);
            used += 3;
            break;
        }
        memcpy(out + used, one, n);
        used += n;
    }
    out[used] = '\0';
    return used;
}

static size_t
write_head(enum log_level level, char *out, size_t size)
{
    struct timespec now;
    struct tm       tm;

    if (is_under_journald) {
        return (size_t)snprintf(out, size, "<%d>program=%s", levels[level].syslog, program);
    }
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &tm);
    size_t n = strftime(out, size, "time=%Y-%m-%dT%H:%M:%S", &tm);
    return n + (size_t)snprintf(out + n, size - n, ".%03ldZ level=%s program=%s",
                                now.tv_nsec / 1000000, levels[level].word, program);
}

void
log_at(enum log_level level, const char *message, const char *fmt, ...)
{
    int     saved = errno;
    char    rest[LINE_BYTES_MAX];
    char    line[LINE_BYTES_MAX + 2 * FIELD_BYTES_MAX];
    va_list args;

    assert((size_t)level < ARRAY_LEN(levels));
    if (level < least) return;
    va_start(args, fmt);
    int len = vsnprintf(rest, sizeof(rest), fmt, args);
    va_end(args);
    assert(len >= 0);

    size_t n = write_head(level, line, FIELD_BYTES_MAX);
    n += (size_t)sprintf(line + n, " msg=\"");
    n += escape(message, strlen(message), "\"\\", line + n, FIELD_BYTES_MAX);
    line[n++] = '"';
    if (len > 0) {
        line[n++] = ' ';
        n += escape(rest, strlen(rest), "", line + n, sizeof(line) - n - 8);
    }
    line[n++] = '\n';
    /* A log that cannot be written has nowhere to be reported. */
    ssize_t written = write(STDERR_FILENO, line, n);
    (void)written;
    errno = saved;
}

const char *
log_quote(const char *text)
{
    static char     quoted[4][QUOTED_BYTES];
    static unsigned next;
    char           *out = quoted[next++ % ARRAY_LEN(quoted)];

    if (!text) text = "";
    out[0] = '"';
    size_t n =
        1 + escape(text, strnlen(text, FIELD_BYTES_MAX + 1), "\"\\", out + 1, FIELD_BYTES_MAX);
    out[n] = '"';
    out[n + 1] = '\0';
    return out;
}
