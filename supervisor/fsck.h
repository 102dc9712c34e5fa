/* fsck - walks the whole store in a thread, in a read transaction of its own (N8).
 *
 * One at a time: a long reader keeps pages from being used again. */
#ifndef SUPERVISOR_FSCK_H
#define SUPERVISOR_FSCK_H

#include "common/buf.h"
#include "supervisor/engine/engine.h"
#include "supervisor/poller.h"
#include <pthread.h>

#define FSCK_PROBLEMS_MAX 1000 /* kept; the rest is counted */

struct fsck {
    struct poller *poller;
    struct watch   watch; /* an eventfd that the thread writes when it is done */
    pthread_t      thread;
    bool           is_running;
    bool           is_done;
    uint64_t       tag; /* the caller's, for the answer */
    bool           is_cancelled;
    uint64_t       end_bytes; /* of the store when it began */
    /* the thread's until it is done */
    struct txn *txn;
    uint64_t    rows;
    uint64_t    found;
    struct buf  problems; /* packed strings */
    uint32_t    kept;
    struct buf  overshoot; /* a packed list */
};

enum errc fsck_init(struct fsck *f, struct poller *poller, struct err *e) MUST_CHECK;
/* Cancels and waits for the thread. */
void fsck_done(struct fsck *f);
/* E_BUSY while one runs.  tag names who waits; end_bytes is the store's. */
enum errc fsck_start(struct fsck *f, struct store *store, uint64_t end_bytes, uint64_t tag,
                     struct err *e) MUST_CHECK;
/* It keeps pages in use: when the store has grown since it began and the reserve is gone, it ends
 * early and without a result. */
void fsck_on_space(struct fsck *f, const struct store_space *space);
/* Whether one has ended since the last call: its tag, and {ok, rows, found, problems, overshoot}
 * appended; e->code is E_BUSY when it was cancelled, else E_OK. */
bool fsck_take(struct fsck *f, uint64_t *tag, struct buf *reply, struct err *e);

#endif
