/* page - one page of a list: how every listing begins, goes on, and ends (N8).
 *
 *     if (cursor_id(r, m->after, …next_goal, &after) || read_company(r, m->company, &company))
 * return …; page_open(r, &p, HAS(m, goal_list, limit), m->limit); row.id = after + 1; page_scan(r,
 * &p, PRIMARY_GOAL, &row, 0, 1); while (page_next(&p, &row)) { page_at(&p, row.id); if (row is not
 * asked for) continue; … the item … p.count++;
 *     }
 *     page_close(r, &p);
 *
 * A page may be empty with `next` set, because it has examined enough; clients continue. */
#ifndef ENGINE_PAGE_H
#define ENGINE_PAGE_H

#include "supervisor/engine/reads.h"

#define CURSOR_MAX 128

/* A cursor is numbers with dots between them: the key of the last row that was looked at, in the
 * index that is walked. */
struct cursor_number {
    int64_t least, most; /* what this list can have said */
    int64_t value;
};

struct page {
    struct mp_open_map map;
    size_t             header;
    uint32_t           count, limit, examined; /* items in it; at most; rows looked at for them */
    char               next[CURSOR_MAX];       /* the cursor to go on from; empty: the end */
    struct scan        scan;
};

/* Begins the reply {"items": […], "next": …}; without a limit, PAGE_DEFAULT. */
void page_open(struct reading *r, struct page *p, bool has_limit, uint64_t limit);
/* The rows to go over, as scan_open. */
void page_scan(struct reading *r, struct page *p, enum index_id index, const void *from,
               unsigned prefix, unsigned start);
/* The next row, counted as examined; false at the end and when the page is over. */
bool page_next(struct page *p, void *row);
/* Sets the cursor of a list by id. */
void page_at(struct page *p, uint64_t id);
/* Likewise of a list by another key; least and most are not looked at. */
void page_at_key(struct page *p, const struct cursor_number *n, size_t count);
/* Whether the page is full or has examined enough. */
bool page_is_over(const struct page *p);
/* Ends the reply; a page that is not over was the last one. */
void page_close(struct reading *r, struct page *p);

/* The cursor of a list by id is the last id looked at; 0 for none.  end: the first id that was not
 * given out yet.  A row that has gone meanwhile is a place like any other. */
enum errc cursor_id(struct reading *r, struct view after, uint64_t end, uint64_t *id) MUST_CHECK;
/* Reads the numbers' values of a cursor that is there (page_at_key). */
enum errc cursor_key(struct reading *r, struct view after, struct cursor_number *n,
                     size_t count) MUST_CHECK;
/* E_BAD_REQUEST: `after` is none of this list. */
enum errc page_no_cursor(struct reading *r);
/* The company whose rows are asked for: the named one, else the client's own; 0 for all. */
enum errc read_company(struct reading *r, struct view name, uint32_t *company) MUST_CHECK;

#endif
