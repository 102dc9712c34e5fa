#include "common/buf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CAP_MIN 512 /* most messages need no second allocation */

void
buf_done(struct buf *b)
{
    free(b->data);
    *b = (struct buf){0};
}

void
buf_clear(struct buf *b)
{
    b->size = 0;
}

void
buf_grow(struct buf *b, size_t more)
{
    assert(more <= SIZE_MAX / 4 && b->size <= SIZE_MAX / 4);
    size_t cap = b->cap ? b->cap : CAP_MIN;
    while (cap - b->size < more)
        cap *= 2;
    b->data = xrealloc(b->data, cap);
    b->cap = cap;
}

void
buf_add_str(struct buf *b, const char *s)
{
    buf_add(b, s, strlen(s));
}

void
buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list args;
    va_list again;

    buf_reserve(b, CAP_MIN);
    va_start(args, fmt);
    va_copy(again, args);
    int len = vsnprintf(b->data + b->size, b->cap - b->size, fmt, args);
    va_end(args);
    assert(len >= 0);
    if ((size_t)len >= b->cap - b->size) {
        buf_reserve(b, (size_t)len + 1);
        (void)vsnprintf(b->data + b->size, b->cap - b->size, fmt, again); /* fits now */
    }
    va_end(again);
    b->size += (size_t)len;
}

const char *
buf_str(struct buf *b)
{
    buf_reserve(b, 1);
    b->data[b->size] = '\0';
    return b->data;
}
