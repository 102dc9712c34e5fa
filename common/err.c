#include "common/err.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *wire;
    const char *text;
    int         exit;
    int         http;
} codes[ERRC_COUNT] = {
#define X(code, wire, exit, http, text) [code] = {wire, text, exit, http},
    ERRORS(X)
#undef X
};

/* Messages go over the wire as UTF-8: a cut must not leave half a character behind. */
static void
end_at_character(char *text, size_t size)
{
    size_t start = size;

    while (start > 0 && (text[start - 1] & 0xc0) == 0x80)
        start--;
    if (start == 0 || (text[start - 1] & 0xc0) != 0xc0) return;
    unsigned char lead = (unsigned char)text[start - 1];
    size_t        need = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
    if (size - start < need) text[start - 1] = '\0';
}

/* Through a buffer of its own, so that the arguments may point into the error itself. */
__attribute__((format(printf, 3, 0))) static void
format(char *out, size_t size, const char *fmt, va_list args)
{
    char text[sizeof(((struct err *)0)->msg)];

    assert(size <= sizeof(text));
    int len = vsnprintf(text, size, fmt, args);
    assert(len >= 0);
    if ((size_t)len >= size) end_at_character(text, size - 1);
    memcpy(out, text, strlen(text) + 1);
}

__attribute__((format(printf, 3, 4))) static void
join(char *out, size_t size, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    format(out, size, fmt, args);
    va_end(args);
}

enum errc
err_set(struct err *e, enum errc code, const char *fmt, ...)
{
    va_list args;

    assert(code > E_OK && code < ERRC_COUNT);
    va_start(args, fmt);
    format(e->msg, sizeof(e->msg), fmt, args);
    va_end(args);
    e->code = code;
    e->field[0] = e->hint[0] = '\0';
    e->slot_eta_ms = 0;
    return code;
}

enum errc
err_field(struct err *e, const char *field, const char *fmt, ...)
{
    char    text[sizeof(e->msg)];
    va_list args;

    va_start(args, fmt);
    format(text, sizeof(text), fmt, args);
    va_end(args);
    join(e->msg, sizeof(e->msg), "%s: %s", field, text);
    join(e->field, sizeof(e->field), "%s", field);
    e->code = E_BAD_REQUEST;
    e->hint[0] = '\0';
    e->slot_eta_ms = 0;
    return e->code;
}

const char *
err_sentence(const struct err *e)
{
    size_t size = strlen(e->field);

    if (size == 0 || strncmp(e->msg, e->field, size) != 0 || strncmp(e->msg + size, ": ", 2) != 0)
        return e->msg;
    return e->msg + size + 2;
}

enum errc
err_errno(struct err *e, const char *fmt, ...)
{
    int     number = errno;
    char    text[sizeof(e->msg)];
    char    reason[128];
    va_list args;

    va_start(args, fmt);
    format(text, sizeof(text), fmt, args);
    va_end(args);
    return err_set(e, E_INTERNAL, "%s: %s", text, strerror_r(number, reason, sizeof(reason)));
}

enum errc
err_wrap(struct err *e, const char *fmt, ...)
{
    char    where[sizeof(e->msg)];
    va_list args;

    assert(e->code > E_OK && e->code < ERRC_COUNT);
    va_start(args, fmt);
    format(where, sizeof(where), fmt, args);
    va_end(args);
    join(e->msg, sizeof(e->msg), "%s: %s", where, e->msg);
    return e->code;
}

enum errc
err_hint(struct err *e, const char *fmt, ...)
{
    va_list args;

    assert(e->code > E_OK && e->code < ERRC_COUNT);
    va_start(args, fmt);
    format(e->hint, sizeof(e->hint), fmt, args);
    va_end(args);
    return e->code;
}

const char *
errc_wire(enum errc code)
{
    assert(code >= E_OK && code < ERRC_COUNT);
    return codes[code].wire;
}

const char *
errc_text(enum errc code)
{
    assert(code >= E_OK && code < ERRC_COUNT);
    return codes[code].text;
}

int
errc_exit(enum errc code)
{
    assert(code >= E_OK && code < ERRC_COUNT);
    return codes[code].exit;
}

int
errc_http(enum errc code)
{
    assert(code >= E_OK && code < ERRC_COUNT);
    return codes[code].http;
}

enum errc
errc_from_wire(const char *wire)
{
    for (enum errc code = E_OK; code < ERRC_COUNT; code++) {
        if (strcmp(codes[code].wire, wire) == 0) return code;
    }
    return E_INTERNAL;
}
