/* refusal - why the gateway itself refuses a request. */
#ifndef TOOLS_GATEWAY_REFUSAL_H
#define TOOLS_GATEWAY_REFUSAL_H

#include "common/err.h"
#include <stdbool.h>

/* The status, an error, and header lines for it. */
struct refusal {
    int        status; /* 0: it is not refused */
    bool       closes; /* a body is coming that nobody reads */
    struct err error;
    char       more[64];
};

/* Always false. */
bool refusal_set(struct refusal *no, int status, enum errc code, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

#endif
