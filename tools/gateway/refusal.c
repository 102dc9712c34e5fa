#include "tools/gateway/refusal.h"

#include <stdarg.h>
#include <stdio.h>

bool
refusal_set(struct refusal *no, int status, enum errc code, const char *fmt, ...)
{
    va_list args;
    char    text[sizeof(no->error.msg)];

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args); /* cut to fit */
    va_end(args);
    no->status = status;
    err_set(&no->error, code, "%s", text);
    return false;
}
