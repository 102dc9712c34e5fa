/* mem - allocation that does not fail, and views of borrowed bytes.
 *
 * The x*alloc helpers abort when memory is out (agentd is crash-only: a restart recovers).
 * Everything whose size a peer chooses is bounded before it is allocated. */
#ifndef COMMON_MEM_H
#define COMMON_MEM_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

void *xmalloc(size_t size);
void *xcalloc(size_t count, size_t size);
void *xrealloc(void *p, size_t size);
char *xstrdup(const char *s);
char *xstrndup(const char *s, size_t size);
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#define CLEANUP(fn)  __attribute__((cleanup(fn)))
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define FREE_AUTO    CLEANUP(mem_free_at)
/* For FREE_AUTO: frees the pointer that p points at. */
void mem_free_at(void *p);

/* Borrowed bytes.  A view dies with its owner; to keep it, copy it. */
struct view {
    const char *data;
    size_t      size;
};

static inline struct view
view_of(const void *data, size_t size)
{
    return (struct view){(const char *)data, size};
}

/* NULL gives the empty view.  Here, so that the length of a constant is known when compiling. */
static inline struct view
view_str(const char *s)
{
    return s ? view_of(s, strlen(s)) : view_of(NULL, 0);
}

static inline bool
view_eq(struct view a, struct view b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static inline bool
view_is(struct view v, const char *s)
{
    return view_eq(v, view_str(s));
}

/* Whether it is one of the words, which NULL ends. */
static inline bool
view_is_any(struct view v, const char *const *words)
{
    for (; *words; words++) {
        if (view_is(v, *words)) return true;
    }
    return false;
}

/* The part before the separator, which is taken off `rest` together with it; all that is left when
 * there is none. */
static inline struct view
view_take(struct view *rest, char separator)
{
    const char *at =
        rest->size > 0 ? (const char *)memchr(rest->data, separator, rest->size) : NULL;
    struct view part = at ? view_of(rest->data, (size_t)(at - rest->data)) : *rest;
    size_t      size = part.size + (at != NULL);

    if (size > 0) *rest = view_of(rest->data + size, rest->size - size);
    return part;
}

char *view_dup(struct view v); /* the caller frees; NUL-terminated */

/* For printf("%.*s", VIEW_ARG(v)). */
#define VIEW_ARG(v) (int)(v).size, (v).data ? (v).data : ""

/* An arena: many small allocations, freed at once.  Never moves what it gave out. */
struct arena {
    struct arena_block *top;
};
void        arena_init(struct arena *a);
void        arena_done(struct arena *a);               /* frees all; the arena can be used again */
void        arena_reset(struct arena *a);              /* forgets all, keeps one block for reuse */
void       *arena_alloc(struct arena *a, size_t size); /* aligned to 16, not cleared */
struct view arena_copy(struct arena *a, struct view v);
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
