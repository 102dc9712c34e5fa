#include "common/mem.h"

#include <assert.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_BLOCK_BYTES 16384
#define ARENA_ALIGN       16

struct arena_block {
    struct arena_block *next;
    size_t              size; /* of data */
    size_t              used;
    alignas(ARENA_ALIGN) char data[];
};

static void *
must(void *p)
{
    if (!p) abort();
    return p;
}

void *
xmalloc(size_t size)
{
    return must(malloc(size ? size : 1));
}

void *
xcalloc(size_t count, size_t size)
{
    return must(count && size ? calloc(count, size) : calloc(1, 1));
}

void *
xrealloc(void *p, size_t size)
{
    return must(realloc(p, size ? size : 1));
}

char *
xstrdup(const char *s)
{
    return must(strdup(s));
}

char *
xstrndup(const char *s, size_t size)
{
    return must(strndup(s, size));
}

char *
xasprintf(const char *fmt, ...)
{
    char   *text = NULL;
    va_list args;

    va_start(args, fmt);
    if (vasprintf(&text, fmt, args) < 0) abort();
    va_end(args);
    return text;
}

void
mem_free_at(void *p)
{
    void *block;

    memcpy(&block, p, sizeof(block)); /* p may point at any kind of pointer */
    free(block);
}

char *
view_dup(struct view v)
{
    char *copy = xmalloc(v.size + 1);

    if (v.size > 0) memcpy(copy, v.data, v.size);
    copy[v.size] = '\0';
    return copy;
}

void
arena_init(struct arena *a)
{
    a->top = NULL;
}

static void
free_blocks(struct arena_block *b)
{
    while (b) {
        struct arena_block *next = b->next;
        free(b);
        b = next;
    }
}

void
arena_done(struct arena *a)
{
    free_blocks(a->top);
    a->top = NULL;
}

void
arena_reset(struct arena *a)
{
    if (!a->top) return;
    free_blocks(a->top->next);
    a->top->next = NULL;
    a->top->used = 0;
}

void *
arena_alloc(struct arena *a, size_t size)
{
    assert(size <= SIZE_MAX / 2);
    size = (size + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
    if (!a->top || size > a->top->size - a->top->used) {
        size_t              room = size > ARENA_BLOCK_BYTES ? size : ARENA_BLOCK_BYTES;
        struct arena_block *b = xmalloc(sizeof(*b) + room);

        *b = (struct arena_block){.next = a->top, .size = room};
        a->top = b;
    }
    void *p = a->top->data + a->top->used;
    a->top->used += size;
    return p;
}

struct view
arena_copy(struct arena *a, struct view v)
{
    char *copy = arena_alloc(a, v.size);

    if (v.size > 0) memcpy(copy, v.data, v.size);
    return view_of(copy, v.size);
}

char *
arena_printf(struct arena *a, const char *fmt, ...)
{
    char    text[128]; /* most fit, and are formatted once */
    va_list args;
    va_list again;

    va_start(args, fmt);
    va_copy(again, args);
    int len = vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    assert(len >= 0);
    char *copy = arena_alloc(a, (size_t)len + 1);
    if ((size_t)len < sizeof(text)) {
        memcpy(copy, text, (size_t)len + 1);
    } else {
        (void)vsnprintf(copy, (size_t)len + 1, fmt, again); /* the same as measured above */
    }
    va_end(again);
    return copy;
}
