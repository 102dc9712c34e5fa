/* buf - bytes that grow.  Zero-initialised is empty and ready; buf_done frees. */
#ifndef COMMON_BUF_H
#define COMMON_BUF_H

#include "common/mem.h"
#include <string.h>

struct buf {
    char  *data;
    size_t size;
    size_t cap;
};

void buf_done(struct buf *b);
void buf_clear(struct buf *b);             /* size 0, memory kept */
void buf_grow(struct buf *b, size_t more); /* for buf_reserve */
void buf_add_str(struct buf *b, const char *s);
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The contents as a C string: a NUL is kept behind them and does not count in size. */
const char *buf_str(struct buf *b);
/* Room for `more` bytes behind the contents. */
static inline void
buf_reserve(struct buf *b, size_t more)
{
    if (b->cap - b->size < more) buf_grow(b, more);
}

static inline void
buf_add(struct buf *b, const void *data, size_t size)
{
    if (size == 0) return;
    buf_reserve(b, size);
    memcpy(b->data + b->size, data, size);
    b->size += size;
}

static inline void
buf_add_view(struct buf *b, struct view v)
{
    buf_add(b, v.data, v.size);
}

static inline struct view
buf_view(const struct buf *b)
{
    return view_of(b->data, b->size);
}

#define BUF_AUTO CLEANUP(buf_done)

#endif
