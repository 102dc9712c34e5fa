/* forecaster - runs a forecast (forecast/) in a process of its own: this program again, which reads
 * the store that we have open, and answers into a file in memory.
 *
 * One at a time: it is a reader of the store, and takes a core.  It ends with us, when its time is
 * over, or with the process that asked for it. */
#ifndef SUPERVISOR_FORECASTER_H
#define SUPERVISOR_FORECASTER_H

#include "supervisor/forecast/forecast.h"
#include "supervisor/poller.h"
#include "supervisor/pool.h"

#define FORECAST_RUN_MAX_MS 120000

struct forecaster {
    struct poller *poller;
    struct pool   *pool;
    struct store  *store;
    struct watch   watch;  /* its pidfd, ready when it has ended; fd -1: none runs */
    struct watch   client; /* that of whoever asked; fd -1: not known, or it has ended */
    int            answer; /* the file that it writes */
    uint64_t       tag;    /* the caller's, for the answer */
    int64_t        kill_boot_ms;
    bool           is_over;
    bool           is_late; /* it was killed, for its time was over */
};

void forecaster_init(struct forecaster *f, struct poller *poller, struct pool *pool,
                     struct store *store);
/* Kills the one that runs. */
void forecaster_done(struct forecaster *f);
/* E_BUSY while one runs.  tag names who waits, client is that process. */
enum errc forecaster_start(struct forecaster *f, const struct forecast_order *o, uint64_t tag,
                           pid_t client, int64_t boot_ms, struct err *e) MUST_CHECK;
/* Kills one whose time is over; when that will be, INT64_MAX for never. */
void    forecaster_on_time(struct forecaster *f, int64_t boot_ms);
int64_t forecaster_deadline(const struct forecaster *f);
/* Whether one has ended since the last call: its tag, and the reply's body appended; e->code says
 * why there is none, else it is E_OK. */
bool forecaster_take(struct forecaster *f, uint64_t *tag, struct buf *reply, struct err *e);

/* The child's main: the order from standard input, the answer to standard output. */
int forecaster_main(void);

#endif
