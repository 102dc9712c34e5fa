/* reads - requests that change nothing, served from the snapshot after the commit (N8).
 *
 * Each examines at most READ_ROWS_MAX rows; a page may be empty with `next` set, and clients
 * continue. */
#ifndef ENGINE_READS_H
#define ENGINE_READS_H

#include "supervisor/engine/turn.h"

/* What a read works with. */
struct reading {
    struct engine      *engine;
    struct txn         *txn;
    const struct now   *now;
    const struct actor *actor;
    struct objects      objects;
    struct buf         *reply;
    struct err         *e;
};

/* A page of a list: items are counted and the cursor is written at the end. */
struct page {
    struct mp_open_map map;
    size_t             header;
    uint32_t           count, limit, examined;
    char               next[96]; /* empty: the end */
};
void page_open(struct reading *r, struct page *p, bool has_limit, uint64_t limit);
void page_close(struct reading *r, struct page *p);
/* Whether the page is full or has examined enough. */
bool page_is_over(const struct page *p);
/* Cursors of lists by id are the last id looked at; 0 for none. */
enum errc cursor_id(struct reading *r, struct view after, uint64_t *id) MUST_CHECK;

enum errc read_job_list(struct reading *r, const struct msg_job_list *m) MUST_CHECK;
enum errc read_job_stats(struct reading *r, const struct msg_job_stats *m) MUST_CHECK;

#endif
