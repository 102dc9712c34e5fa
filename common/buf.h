/* buf - bytes that grow.  Zero-initialised is empty and ready; buf_done frees. */
#ifndef COMMON_BUF_H
#define COMMON_BUF_H

#include "common/mem.h"

struct buf {
    char  *data;
    size_t size;
    size_t cap;
};

void buf_done(struct buf *b);
void buf_clear(struct buf *b); /* size 0, memory kept */
void buf_reserve(struct buf *b, size_t more);
void buf_add(struct buf *b, const void *data, size_t size);
void buf_add_view(struct buf *b, struct view v);
void buf_add_str(struct buf *b, const char *s);
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The contents as a C string: a NUL is kept behind them and does not count in size. */
const char *buf_str(struct buf *b);
void        buf_drop_front(struct buf *b, size_t size);
static inline struct view
buf_view(const struct buf *b)
{
    return view_of(b->data, b->size);
}

#define BUF_AUTO CLEANUP(buf_done)

#endif
